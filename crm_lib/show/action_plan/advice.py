"""What to do next, ranked by the money at stake; the publication in the reader's words."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.analysis.action_plan import Plan
from crm_lib.analysis.action_plan import publication as figures_of
from crm_lib.contract.publication import Publication
from crm_lib.show.action_plan.headline import best_play, nobody
from crm_lib.show.action_plan.names import cash, said
from crm_lib.show.parts import Part, sentence, steps
from crm_lib.theme.words import currency, day, name, ngettext, number
from crm_lib.theme.words import gettext as _


def next_steps(result: Plan) -> Part:
    """Approve, then decide on what was measured, then the budget, then what the data lack."""
    texts = [*_lists(result), *_decisions(result), *_budget(result), *_mend(result)]
    return steps(*texts) if texts else sentence(_("Nothing stands out that needs doing."))


def _lists(result: Plan) -> list[str]:
    if result.members.empty:
        return []
    if result.own is not None and result.own.fixed:
        return [_("Send what is approved and say so: crm plan send {day}.").format(day=result.as_of.isoformat())]
    total = result.account.total
    text = _("Look through the lists and approve them: crm plan approve {day}. {money} is expected of them.")
    return [text.format(day=result.as_of.isoformat(), money=cash(total.value))]


def _decisions(result: Plan) -> list[str]:
    newest: dict[str, tuple[str, float]] = {}
    for m in result.results.measured:
        newest[m.play] = (m.verdict, m.profit.value)
    text = {
        "stop": _("Stop “{play}”: its contacts cost more than they brought ({money})."),
        "change": _("Change the offer of “{play}”: it does not bring more orders ({money})."),
        "keep": _("Keep “{play}”: it pays ({money})."),
    }
    ranked = sorted(newest.items(), key=lambda item: -abs(item[1][1]))
    return [text[v].format(play=said(result, p), money=cash(x)) for p, (v, x) in ranked if v in text]


def _budget(result: Plan) -> list[str]:
    frame = result.account.by_channel
    frame = frame[frame["money_price"] > 0] if len(frame) else frame
    if frame.empty:
        return []
    best = frame.loc[frame["money_price"].astype(float).idxmax()]
    text = _("Give {channel} more budget: the last unit of money there brings {price} on top of itself.")
    return [text.format(channel=name(best["channel"]), price=number(best["money_price"], 1))]


def _mend(result: Plan) -> list[str]:
    texts = []
    if not result.guarded.has_consent:
        texts.append(_("Export consent with the customers: without it nobody may be contacted."))
    if result.unplayable:
        n = len(result.unplayable)
        text = ngettext("Give {n} play what it lacks.", "Give {n} plays what they lack.", n)
        texts.append(text.format(n=number(n)))
    waiting = sorted(
        {m.plan_date for m in result.results.lists if m.why_not == "not_sent" and m.state == "approved"}
    )
    for plan_date in waiting[-1:]:
        text = _("Say which lists of {day} were sent (crm plan send), or nothing of them can be measured.")
        texts.append(text.format(day=day(plan_date)))
    return texts


def published(result: Plan) -> Publication:
    """The figures with their names in the reader's language, one line for the index, and notes."""
    told = figures_of(result)
    words = {
        "expected_gain": _("Expected gain of the contacts proposed"),
        "n_contacts": _("Customers to contact"),
        "n_held_out": _("Customers held out"),
        "contact_cost": _("Cost of the contacts proposed"),
        "n_protected": _("Customers protected by the contact guard"),
        "n_customers": _("Customers"),
        "amount": _("Money of all customers"),
        "n_lists": _("Lists proposed"),
        "measured_profit": _("What earlier lists brought"),
        "measured_cost": _("What earlier lists cost"),
    }
    figures = tuple(replace(f, unit=currency() or f.unit) if f.unit == "money" else f for f in told.figures)
    return replace(told, figures=figures).worded(words, summary(result), notes(result))


def summary(result: Plan) -> str:
    """One line for the index."""
    n = int((result.members["arm"] == "treated").sum())
    if not n:
        return _("Nobody is to be contacted.")
    text = ngettext(
        "{n} contact proposed, {money} expected of it.", "{n} contacts proposed, {money} expected of them.", n
    ).format(n=number(n), money=cash(result.account.total.value))
    profit = result.results.profit
    if profit:
        more = _("Earlier lists brought {money} (90 %: {low} – {high}).")
        return f"{text} {more.format(money=cash(profit.value), low=cash(profit.low), high=cash(profit.high))}"
    best = best_play(result)
    if not best:
        return text
    most = _("Most from “{play}”.").format(play=best)
    return f"{text} {most}"


def notes(result: Plan) -> tuple[str, ...]:
    """What a reader of the index must know before using a figure."""
    said_ = [nobody(result)] if nobody(result) else []
    by_play = result.account.by_play
    if len(by_play) and ((by_play["source"] == "assumed") & (by_play["n"] > 0)).any():
        said_.append(
            _("Some expected effects are assumptions of crm.toml; the lists' hold-outs will measure them.")
        )
    if result.people.unlike:
        said_.append(_("A report was made from other data and is left out."))
    return tuple(said_)
