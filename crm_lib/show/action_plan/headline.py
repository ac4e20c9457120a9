"""The answer first: what to expect of the plan, what the last one brought, who is left in peace."""

from __future__ import annotations

from crm_lib.analysis.action_plan import Plan
from crm_lib.show.action_plan.names import cash, said
from crm_lib.show.parts import Badge, Card, Part, cards, note, together
from crm_lib.theme.words import day, interval, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def headline(result: Plan) -> Part:
    """Three boxes, and a warning where nobody may be contacted or no play can be played."""
    return together(note(nobody(result)), cards(_expected(result), _measured(result), _peace(result)))


def nobody(result: Plan) -> str:
    """Why the plan contacts nobody; empty where it does."""
    if len(result.members):
        return ""
    if not result.settings.plays:
        return _(
            "crm.toml names no plays for this source (settings.action_plan.plays): there is nothing to choose."
        )
    if not result.guarded.has_consent:
        return _(
            "Nobody is contacted: the source has no column consent in its table of customers. Without consent "
            "there is no list."
        )
    if not result.playable:
        return _("No play of crm.toml can be played here; “How far to trust this” says what each lacks.")
    if not result.guarded.n_wanted:
        return _("No play fits any customer today.")
    if not result.guarded.allowed.any():
        return _("Everyone whom a play fits is protected: nobody may be contacted today.")
    if not result.account.worth_it.any():
        return _("No contact is expected to bring more than it costs: nobody is contacted.")
    return _("The budgets allow no contact at all.")


def gain_words(result: Plan) -> str:
    """What a gain is here: profit, or revenue where no margin is known."""
    return _("profit") if result.is_profit else _("revenue, as no margin is known,")


def _expected(result: Plan) -> Card:
    total, made = result.account.total, result.account
    label = _("Expected gain of the contacts proposed")
    if not total.n:
        return Card(label, cash(0) if total else number(None), sentence=_("No contact is proposed."))
    text = ngettext(
        "{n} contact for {cost}; counted as {what} after the cost of contacts, within {days} days.",
        "{n} contacts for {cost}; counted as {what} after the cost of contacts, within {days} days.",
        total.n,
    ).format(
        n=number(total.n), cost=cash(made.cost), what=gain_words(result), days=number(result.settings.outcome_days)
    )
    assumed = float(made.by_play.loc[made.by_play["source"] == "assumed", "gain"].sum())
    badge = Badge(_("rests on assumptions"), "care") if assumed > 0.5 * total.value > 0 else None
    return Card(label, cash(total.value), interval(total.low, total.high, cash, n=total.n), text, badge)


def _measured(result: Plan) -> Card:
    label = _("What earlier lists brought")
    profit = result.results.profit
    if profit:
        n = len(result.results.measured)
        text = ngettext(
            "{n} list measured against its hold-out; its contacts cost {cost}.",
            "{n} lists measured against their hold-outs; their contacts cost {cost}.",
            n,
        ).format(n=number(n), cost=cash(result.results.cost))
        badge = Badge(_("it pays"), "good") if profit.low > 0 else Badge(_("it does not pay"), "bad")
        badge = badge if profit.low > 0 or profit.high < 0 else Badge(_("not proven yet"), "care")
        return Card(label, cash(profit.value), interval(profit.low, profit.high, cash, n=profit.n), text, badge)
    return Card(label, number(None), sentence=first_measure(result))


def first_measure(result: Plan) -> str:
    """Why nothing is measured yet, and when it can be."""
    waiting = [m for m in result.results.lists if m.why_not == "too_early" and m.until]
    if waiting:
        text = _("Lists were sent; the first result can be known on {day}.")
        return text.format(day=day(min(m.until for m in waiting)))
    if any(m.why_not == "not_sent" for m in result.results.lists):
        return _("Earlier lists were never marked as sent, so there is nothing to measure.")
    if any(m.why_not == "too_few" for m in result.results.lists):
        return _("Earlier lists had too few customers to compare.")
    text = _("No earlier plan is stored. A list of this one can be judged {days} days after it was sent.")
    return text.format(days=number(result.settings.outcome_days))


def _peace(result: Plan) -> Card:
    report, wanted = result.guarded.report, result.guarded.n_wanted
    label = _("Customers left in peace")
    n = int(report["n"].sum())
    if not wanted:
        return Card(label, number(n), sentence=_("No play fits any customer, so nobody had to be protected."))
    text = _("A play would fit {wanted} customers; {share} of them are protected by the contact guard.")
    held = int((result.members["arm"] == "control").sum())
    more = ngettext(
        "Another {n} is held out, so that the effect can be measured.",
        "Another {n} are held out, so that the effect can be measured.",
        held,
    ).format(n=number(held))
    said_ = text.format(wanted=number(wanted), share=percent(n / wanted))
    return Card(label, number(n), _("of {n}").format(n=number(wanted)), f"{said_} {more}" if held else said_)


def best_play(result: Plan) -> str:
    """The play that is expected to bring most, as a phrase; empty where there is none."""
    by_play = result.account.by_play
    if by_play.empty or not (by_play["gain"] > 0).any():
        return ""
    return said(result, by_play.loc[by_play["gain"].astype(float).idxmax(), "play"])
