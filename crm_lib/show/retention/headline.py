"""The answer first, and what to do last."""

from __future__ import annotations

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.stages import AT_RISK, WIN_BACK, WON
from crm_lib.show.parts import Badge, Card, Part, cards, note, steps, together
from crm_lib.show.retention.said import about, days, said, why_nothing
from crm_lib.theme.words import _, between, day, interval, ngettext, number, percent, points

# How far the old-pace money of those who bought nothing may stray in the test.
GOOD_WITHIN, CARE_WITHIN = 0.10, 0.30
SHOWN = 8
SOON_DAYS = 90


def headline(result: Retention) -> Part:
    """The figures that answer the question, or why there are none."""
    if result.reason:
        return note(why_nothing(result))
    boxes = [_risk_card(result), _churn_card(result), _loyalty_card(result)]
    found = [box for box in boxes if box is not None]
    short = note(_no_model(result)) if result.warning is None else Part()
    return together(cards(*found, _stage_card(result)), short)


def _no_model(result: Retention) -> str:
    return _(
        "Fewer than 10 customers have bought a second time: who will buy again can't be forecast. Choose a "
        "later date or a longer history."
    )


def verdict(result: Retention) -> Badge:
    """Whether to use the list, judged by what came true of it."""
    test = result.warning.test if result.warning else None
    if test is None:
        return Badge(_("not tested"), "care")
    off = abs(test.missed - 1)
    if off <= GOOD_WITHIN:
        return Badge(_("held in the test"), "good")
    return Badge(_("use with care"), "care") if off <= CARE_WITHIN else Badge(_("failed the test"), "bad")


def _risk_card(result: Retention) -> Card | None:
    if result.warning is None:
        return None
    top = result.first_tenth
    share = top["at_risk_amount"].sum() / result.at_risk.value if result.at_risk and result.at_risk.value else None
    words = ngettext(
        "The first tenth of the list below, {n} customer, holds **{share}** of it.",
        "The first tenth of the list below, {n} customers, holds **{share}** of it.",
        len(top),
    ).format(n=number(len(top)), share=percent(share))
    return Card(
        _("Sales at risk in {weeks} weeks").format(weeks=number(result.options.horizon_weeks)),
        about(result.at_risk.value or 0),
        said(result.at_risk, about),
        words if len(top) and share else "",
        verdict(result),
    )


def _churn_card(result: Retention) -> Card | None:
    churn = result.churn
    if not churn:
        return None
    last, change = churn.last, churn.change
    text = ""
    if change:
        kind = _("no more than chance") if change.low <= 0 <= change.high else _("more than chance")
        text = _("**{change}** against the {weeks} weeks before, same mix of grades: {kind}.").format(
            change=points(change.value), weeks=number(churn.weeks), kind=kind
        )
    return Card(
        _("Active customers lost in {weeks} weeks").format(weeks=number(churn.weeks)),
        percent(last["share"], 1),
        interval(last["low"], last["high"], lambda x: percent(x, 1), int(last["n"])),
        text,
    )


def _loyalty_card(result: Retention) -> Card | None:
    now = result.loyalty.now
    if now is None:
        return None
    text = ""
    if now.orders_ratio and now.amount_ratio:
        text = _(
            "All A and B customers together: **{orders}** of their orders and {money} of their money."
        ).format(orders=percent(now.orders_ratio.value), money=percent(now.amount_ratio.value))
    return Card(_("Good customers who kept orders and money"), percent(now.kept.value), said(now.kept), text)


def _stage_card(result: Retention) -> Card:
    n = int(result.stages["n"].sum())
    words = _("{won} newly won, {risk} at risk, {back} to win back.").format(
        won=number(result.n_in(WON)), risk=number(result.n_in(AT_RISK)), back=number(result.n_in(WIN_BACK))
    )
    churned = result.churned_now
    return Card(
        _("Churned so far, of all who ever bought"),
        percent(churned.value),
        _("{range} · silent for more than {days}").format(range=said(churned), days=days(result.silence.days)),
        words if n else "",
    )


def next_steps(result: Retention) -> Part:
    """What to do next, most money first."""
    if result.reason:
        return steps(why_nothing(result))
    ranked = sorted(
        (s for s in (_call(result), _renew(result), _second(result), _back(result)) if s), key=_by_money
    )
    return steps(*(text for _amount, text in ranked), _again(result))


def _by_money(step: tuple[float, str]) -> float:
    return -step[0]


def _call(result: Retention) -> tuple[float, str] | None:
    listed, top = result.first(SHOWN), result.first_tenth
    if top.empty:
        return None
    amount, first = float(top["at_risk_amount"].sum()), float(listed["at_risk_amount"].sum())
    text = ngettext(
        "Call the first of the list ({first} at risk), then the rest of its first tenth: {n} customer, {amount}.",
        "Call the first of the list ({first} at risk), then the rest of its first tenth: {n} customers, {amount}.",
        len(top),
    )
    return amount, text.format(n=number(len(top)), amount=about(amount), first=about(first))


def _renew(result: Retention) -> tuple[float, str] | None:
    if result.contracts is None:
        return None
    soon = result.contracts.soon.set_index("days").loc[SOON_DAYS]
    if not soon["n"]:
        return None
    text = ngettext(
        "Offer a new contract to the customer whose contract ends within {days}: {amount} of sales in the last "
        "year.",
        "Offer new contracts to the {n} customers whose contracts end within {days}: {amount} of sales in the "
        "last year.",
        int(soon["n"]),
    )
    return float(soon["amount"]), text.format(
        n=number(soon["n"]), days=days(SOON_DAYS), amount=about(soon["amount"])
    )


def _second(result: Retention) -> tuple[float, str] | None:
    """Bring the second order of those newly won: the step that most fail."""
    won, numbers = result.n_in(WON), result.numbers.set_index("number")
    if not won or 1 not in numbers.index or not numbers["again"].get(1, 0) > 0 or result.warning is None:
        return None
    rows = result.customers[result.customers["stage"] == WON]
    amount = float(rows["at_risk_amount"].sum())
    text = _(
        "Lead the {n} newly won customers to a second order: {share} of first orders are followed by another, "
        "and {amount} are at risk among them."
    )
    return amount, text.format(n=number(won), share=percent(numbers["again"][1]), amount=about(amount))


def _back(result: Retention) -> tuple[float, str] | None:
    n = result.n_in(WIN_BACK)
    if not n or not result.silence.back:
        return None
    text = _(
        "Try to win back the {n} customers who have gone silent lately, cheaply: of such customers {share} came "
        "back by themselves ({range})."
    )
    back = result.silence.back
    return 0.0, text.format(n=number(n), share=percent(back.value), range=between(back.low, back.high, percent))


def _again(result: Retention) -> str:
    return _("Look at this page again next month: stages are then compared with those of {day}.").format(
        day=day(result.as_of)
    )
