"""The manager's view: what all topics found and what earlier plans brought."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.action_plan import Plan
from crm_lib.analysis.action_plan.loop import Measured
from crm_lib.show.action_plan import names
from crm_lib.show.action_plan.headline import first_measure
from crm_lib.show.action_plan.names import cash, said
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import (
    between,
    clean,
    day,
    interval,
    name,
    number,
    points,
    short_day,
    signed,
    typeset,
)
from crm_lib.theme.words import gettext as _


def at_stake(result: Plan) -> Part:
    """One row per topic that has published, most money first; which have not."""
    found = result.findings
    if not found:
        text = _("No other report has been made for this date. Run crm report, and their findings stand here.")
        return sentence(text)
    rows = []
    for f in found:
        amount = cash(f.amount) if f.figure else number(None)
        what = clean(f.figure.words) if f.figure and f.figure.words else _("names no sum of money")
        found = typeset(clean(f.summary))
        rows.append([Cell(names.topic(f.topic)), Cell(amount, right=True), Cell(what), Cell(found)])
    heads = [Cell(_("Report")), Cell(_("Money"), right=True), Cell(_("What that is")), Cell(_("What it found"))]
    foot = _(
        "Sums of different kinds: what was spent, what may be lost, what waits. They rank; they don't add up."
    )
    return cells(heads, rows, _("What the reports found, most money first"), foot)


def last_time(result: Plan) -> Part:
    """What earlier lists brought against their hold-outs, play by play; what is waited for."""
    found = result.results
    ready = sorted(found.measured, key=lambda m: (m.plan_date, m.profit.value), reverse=True)
    if not ready:
        return together(sentence(first_measure(result)), _waiting(result))
    heads = [Cell(_("List")), Cell(_("Decision"))]
    said_ = (_("Profit"), _("90 % interval"), _("Cost"), _("More orders, points"), _("Contacted"), _("Held out"))
    heads += [Cell(t, right=True) for t in said_]
    several = len({m.plan_date for m in ready}) > 1
    rows = [[*_named(result, m, several), *(Cell(t, right=True) for t in _numbers(m))] for m in ready]
    foot = _("Contacted and held-out customers are compared as drawn, whether the message arrived or not.")
    shown = cells(heads, rows, _("What the lists brought"), foot)
    return together(sentence(_together(result)), shown, sentence(_learned(result)), _waiting(result))


def _named(result: Plan, m: Measured, several: bool) -> list[Cell]:
    title = names.title(result, m.play)
    dated = _("{list}, {day}").format(list=title, day=short_day(m.sent_on)) if several else title
    tones = {"keep": "ok", "stop": "no"}
    return [Cell(dated), Cell(names.verdicts()[m.verdict], tone=tones.get(m.verdict, ""))]


def _numbers(m: Measured) -> list[str]:
    bounds = between(m.profit.low, m.profit.high, cash)
    return [cash(m.profit.value), bounds, cash(m.cost), _rise(m), number(m.n_treated), number(m.n_control)]


def _rise(m: Measured) -> str:
    """The uplift in percentage points with its bounds; the heading names the unit."""

    def told(share: float) -> str:
        return signed(100 * share, lambda x: number(x, 1))

    return f"{told(m.uplift.value)} ({between(m.uplift.low, m.uplift.high, told)})"


def _together(result: Plan) -> str:
    profit = result.results.profit
    text = _("All measured lists together brought **{money}** ({bounds}) of {what} after a cost of {cost}.")
    what = _("profit") if result.is_profit else _("revenue")
    bounds = interval(profit.low, profit.high, cash, n=profit.n)
    expected = sum(m.expected for m in result.results.measured)
    more = _("{expected} was expected of them.").format(expected=cash(expected))
    return (
        f"{text.format(money=cash(profit.value), bounds=bounds, what=what, cost=cash(result.results.cost))} {more}"
    )


def _learned(result: Plan) -> str:
    """How the expected effects moved by what was measured."""
    by_play = result.account.by_play
    if by_play.empty:
        return ""
    moved = by_play[by_play["source"] == "updated"]
    texts = []
    for row in moved.itertuples(index=False):
        before = result.play(row.play).uplift
        text = _("{play}: {before} → {now}")
        texts.append(text.format(play=said(result, row.play), before=points(before), now=points(row.uplift)))
    return _("Expected effects, before and now: {list}.").format(list="; ".join(texts)) if texts else ""


def _waiting(result: Plan) -> Part:
    """Lists without a result: what they wait for."""
    rows = [m for m in result.results.lists if not m.ready and m.n_treated]
    if not rows:
        return Part()
    why = {
        "not_sent": _("not marked as sent (crm plan send)"),
        "too_early": _("its time has not passed yet"),
        "too_few": _("too few customers to compare"),
    }
    frame = pd.DataFrame(
        {
            "title": [names.title(result, m.play) for m in rows],
            "plan": [day(m.plan_date) for m in rows],
            "n": [m.n_treated for m in rows],
            "held": [m.n_control for m in rows],
            "state": [names.states()[m.state] for m in rows],
            "why": [why[m.why_not] for m in rows],
            "until": [day(m.until) for m in rows],
        }
    )
    fields = [
        Field("title", _("List")),
        Field("plan", _("Plan of")),
        Field("n", _("To contact"), number),
        Field("held", _("Held out"), number),
        Field("state", _("State")),
        Field("why", _("No result, as")),
        Field("until", _("Can be known on")),
    ]
    return table(frame, fields, _("Lists without a result"))


def fixed(result: Plan) -> Part:
    """A warning where the plan of this date stands as approved."""
    if result.own is None or not result.own.fixed:
        return Part()
    first = result.own.changes[0]
    text = _("The lists of this date were approved on {day} by {by} and stay as they were then; what is said of "
             "contacts below was computed again.")  # fmt: skip
    return note(text.format(day=day(first.on), by=name(first.by)))
