"""The loop: what the lists of earlier plans brought, against the customers that they held out.

Arms are compared as drawn, whether a message arrived or not. Money of an arm is a mean per customer; profit is the
difference of the means × customers contacted × margin, less what the contacts cost.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis.action_plan.gain import Z, summed
from crm_lib.analysis.action_plan.holdout import FEWEST, detectable
from crm_lib.analysis.intervals import LEVEL, Interval, newcombe, nothing
from crm_lib.contract.lists import APPROVED, CONTROL, SENT, TREATED, StoredPlan

KEEP, CHANGE, STOP, WAIT, TEST = "keep", "change", "stop", "wait", "test_on"


@dataclass(frozen=True)
class Measured:
    """What one list brought. `uplift` is in the chance of an order, `revenue` per customer contacted.

    `verdict`: keep (profit is above zero at 90 %), stop (below), change (it does not sell, and the test was large
    enough to see it), test_on (open), wait (too early or too few).
    """

    plan_date: dt.date
    play: str
    sent_on: dt.date | None
    until: dt.date | None
    state: str
    n_treated: int
    n_control: int
    cost: float
    expected: float
    uplift: Interval
    revenue: Interval
    profit: Interval
    detectable: float | None
    verdict: str
    why_not: str = ""  # not_sent, too_early, too_few

    @property
    def ready(self) -> bool:
        """Whether there is a result."""
        return not self.why_not

    @property
    def error(self) -> float:
        """Standard error of the uplift, from the width of its interval."""
        return (self.uplift.high - self.uplift.low) / (2 * Z) if self.uplift else 0.0


@dataclass(frozen=True)
class Results:
    """Every list of every earlier plan, oldest plan first, and the profit of all that were measured together."""

    lists: tuple[Measured, ...]
    profit: Interval
    cost: float

    @property
    def measured(self) -> tuple[Measured, ...]:
        """Lists with a result."""
        return tuple(m for m in self.lists if m.ready)

    def of(self, play: str) -> list[tuple[float, float]]:
        """Uplift and standard error of each measured list of a play."""
        return [(m.uplift.value, m.error) for m in self.measured if m.play == play]


def results(
    plans: Sequence[StoredPlan],
    transactions: ir.Table | None,
    as_of: dt.date,
    margin: float,
    outcome_days: int,
) -> Results:
    """Measure each list whose window has passed by `as_of`; the others say what they wait for."""
    found = [m for plan in plans for m in _of_plan(plan, transactions, as_of, margin, outcome_days)]
    ready = [m for m in found if m.ready]
    if not ready:
        return Results(tuple(found), nothing(), 0.0)
    value, low, high = summed((m.profit.value, m.profit.low, m.profit.high) for m in ready)
    n = sum(m.n_treated for m in ready)
    return Results(tuple(found), Interval(value, low, high, n), round(sum(m.cost for m in ready), 2))


def _of_plan(
    plan: StoredPlan, transactions: ir.Table | None, as_of: dt.date, margin: float, outcome_days: int
) -> Iterable[Measured]:
    days = int(plan.document.get("outcome_days", outcome_days))
    members = plan.lists.members
    for name in plan.lists.about:
        rows = members[members["list"] == name]
        sent_on = plan.since(name, SENT)
        until = sent_on + dt.timedelta(days=days) if sent_on else None
        why_not = "not_sent" if sent_on is None else "too_early" if until > as_of else ""
        if not why_not and transactions is not None:
            outcome = outcomes(transactions, rows["customer_id"], sent_on, until)
            yield measure(rows, outcome, margin, plan, name, (sent_on, until))
        else:
            yield _waiting(plan, name, rows, (sent_on, until), why_not or "too_early")


def outcomes(transactions: ir.Table, ids: pd.Series, after: dt.date, until: dt.date) -> pd.DataFrame:
    """`n_orders` and net `amount` of each of these customers after a day, up to and with another; 0 where none."""
    day = transactions["at"].cast("date")
    window = transactions.filter((day > ibis.literal(after)) & (day <= ibis.literal(until)))
    window = window.semi_join(ibis.memtable(pd.DataFrame({"customer_id": ids})), "customer_id")
    days = window.group_by("customer_id", day=window["at"].cast("date")).agg(amount=window["amount"].sum())
    summed_up = days.group_by("customer_id").agg(
        n_orders=days.count(where=days.amount >= 0), amount=days.amount.sum().cast("float64")
    )
    frame = pd.DataFrame({"customer_id": ids}).merge(summed_up.to_pandas(), how="left", on="customer_id")
    return frame.fillna({"n_orders": 0, "amount": 0.0})


def measure(
    rows: pd.DataFrame,
    outcome: pd.DataFrame,
    margin: float,
    plan: StoredPlan,
    name: str,
    days: tuple[dt.date, dt.date],
) -> Measured:
    """Uplift (Newcombe), revenue per contact (Welch) and profit of one list."""
    told = rows.merge(outcome, how="left", on="customer_id", validate="one_to_one").sort_values("customer_id")
    treated, control = (told[told["arm"] == arm] for arm in (TREATED, CONTROL))
    cost = _cost(plan, name, rows)
    about = {"cost": cost, "expected": _expected(rows)}
    if min(len(treated), len(control)) < FEWEST:
        return _waiting(plan, name, rows, days, "too_few")
    bought = [int((arm["n_orders"] > 0).sum()) for arm in (treated, control)]
    uplift = newcombe(bought[0], len(treated), bought[1], len(control))
    revenue = welch(treated["amount"], control["amount"])
    n = len(treated)
    profit = Interval(*(margin * n * x - cost for x in (revenue.value, revenue.low, revenue.high)), n)
    found = detectable(bought[1] / len(control), n, len(control))
    verdict = _verdict(profit, uplift, _worth_it(rows, margin, about["cost"]), found)
    return Measured(
        plan.plan_date, name, *days, plan.state(name), n, len(control), cost, about["expected"],
        uplift, revenue, profit, found, verdict,
    )  # fmt: skip


def welch(treated: pd.Series, control: pd.Series) -> Interval:
    """Difference of two means with Welch's interval; n is the smaller arm."""
    a, b = np.asarray(treated, dtype=float), np.asarray(control, dtype=float)
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    difference, error = float(a.mean() - b.mean()), math.sqrt(va + vb)
    if error == 0:
        return Interval(difference, difference, difference, min(len(a), len(b)))
    free = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, free)) * error
    return Interval(difference, difference - half, difference + half, min(len(a), len(b)))


def _cost(plan: StoredPlan, name: str, rows: pd.DataFrame) -> float:
    """What the settlement says the contacts cost, else what was planned."""
    told = plan.cost(name)
    return round(float(rows["contact_cost"].sum()) if told is None else told, 2)


def _expected(rows: pd.DataFrame) -> float:
    return float(rows.loc[rows["arm"] == TREATED, "gain"].sum())


def _worth_it(rows: pd.DataFrame, margin: float, cost: float) -> float:
    """The uplift at which a list pays for itself, from the worth of an order; 0 for free contacts."""
    treated = rows[rows["arm"] == TREATED]
    worth = float(treated["worth"].sum()) if "worth" in treated else 0.0
    return cost / worth if worth > 0 else 0.0


def _verdict(profit: Interval, uplift: Interval, pays_from: float, found: float) -> str:
    if profit.low > 0 or uplift.low > pays_from:
        return KEEP
    if profit.high < 0 or uplift.high < max(pays_from, 0.0):
        return STOP
    if uplift.value <= pays_from and found <= max(2 * pays_from, 0.05):
        return CHANGE
    return TEST


def _waiting(
    plan: StoredPlan, name: str, rows: pd.DataFrame, days: tuple[dt.date | None, dt.date | None], why: str
) -> Measured:
    n = [int((rows["arm"] == arm).sum()) for arm in (TREATED, CONTROL)]
    cost, state = _cost(plan, name, rows), plan.state(name)
    empty = nothing()
    return Measured(
        plan.plan_date, name, *days, state, *n, cost, _expected(rows), empty, empty, empty, None, WAIT, why
    )


def live_lists(plans: Sequence[StoredPlan], as_of: dt.date, outcome_days: int) -> list[pd.DataFrame]:
    """Customers of lists approved or sent before this date: `sent_on`, and whether the list is still live.

    The hold-out counts as live, too: a contact by another list would spoil what it is there to show.
    """
    found = []
    for plan in plans:
        if plan.plan_date >= as_of:
            continue
        days = int(plan.document.get("outcome_days", outcome_days))
        for name in plan.lists.about:
            sent = plan.since(name, SENT)
            rows = plan.lists.members[plan.lists.members["list"] == name]
            if plan.state(name) == APPROVED:
                found.append(rows[["customer_id", "arm"]].assign(sent_on=pd.NaT, live=1))
            if sent is None or sent > as_of:
                continue
            live = sent + dt.timedelta(days=days) > as_of
            frame = rows[["customer_id", "arm"]].assign(sent_on=pd.Timestamp(sent), live=int(live))
            found.append(frame if live else frame[frame["arm"] == TREATED])
    return found
