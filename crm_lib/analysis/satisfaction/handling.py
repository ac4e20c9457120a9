"""How complaints are handled: how long they stay open, who complains again, and what those people answer later."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.durations import median_days
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.analysis.satisfaction import measure, repeats
from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import n_where
from crm_lib.contract.settings import Scale

KINDS = ("complaint", "failure")
WITHIN_DAYS = (2, 7, 30)
WINDOW_DAYS = 90  # for complaining again, and for an answer after a complaint


@dataclass(frozen=True)
class Handling:
    """Complaints and failures from opening to end.

    kinds: kind, n, n_open, days (median by Kaplan–Meier) with interval, and share closed within 2, 7 and 30 days
    n_backwards: cases closed before they were opened, left out
    repeats: share of customers who complained again within 90 days of their first complaint, among those whose
        90 days are over
    after, others: share content among answers up to 90 days after a complaint of the same customer, and among all
        other answers; `difference` is after − others
    """

    kinds: pd.DataFrame
    n_backwards: int
    repeats: Measure
    after: Measure
    others: Measure
    difference: Measure


def handling(
    cases: Table | None, answers: Table, csat: Scale | None, as_of: dt.date, limits: Limits
) -> Handling | None:
    """What becomes of complaints by `as_of`; None without complaints or failures."""
    if cases is None:
        return None
    told = cases.filter(cases.kind.isin(KINDS))
    ended = told.closed_at.cast("date") if "closed_at" in told.columns else ibis.null("date")
    opened = told.opened_at.cast("date")
    told = told.mutate(
        opened_on=opened, ended=ended.notnull(), days=ended.coalesce(as_of).delta(opened, unit="day")
    )
    counted = fetched(told.group_by("kind", "days", "ended").aggregate(n=told.count()))
    if counted.empty:
        return None
    counted = counted.sort_values(["kind", "days", "ended"], ignore_index=True)
    sound = counted[counted.days >= 0]
    rows = [_kind(kind, sound[sound.kind == kind]) for kind in KINDS if (sound.kind == kind).any()]
    complaints = told.filter(told.kind == "complaint")
    return Handling(
        pd.DataFrame(rows),
        int(counted.n[counted.days < 0].sum()),
        _repeats(complaints, as_of, limits),
        *_content_after(complaints, answers, csat, limits),
    )


def _kind(kind: str, counted: pd.DataFrame) -> dict[str, object]:
    days = np.repeat(counted.days.to_numpy(float), counted.n)
    ended = np.repeat(counted.ended.to_numpy(bool), counted.n)
    median = median_days(days, ended)
    row = {"kind": kind, "n": len(days), "n_open": int((~ended).sum())}
    row |= {"days": median.value, "days_low": median.low, "days_high": median.high}
    for limit in WITHIN_DAYS:
        share = closed_by(days, ended, limit)
        row |= Measure(share.value, share.low, share.high, len(days)).columns(f"within_{limit}")
    return row


def closed_by(days: np.ndarray, ended: np.ndarray, limit: float) -> Interval:
    """Share closed within `limit` days, open cases censored (Kaplan–Meier, log-log bounds); n counts all.

    Without a value where nothing was watched for so long and some are open still.

    >>> round(closed_by(np.array([1.0, 2, 2, 9]), np.array([True, True, False, True]), 3).value, 3)
    0.5
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    n, status = len(days), np.asarray(ended, dtype=int)
    if not status[days <= limit].any():
        return Interval(0.0, None, None, n) if n and days.max() >= limit else intervals.nothing(n)
    with np.errstate(all="ignore"):
        curve = SurvfuncRight(np.asarray(days, dtype=float), status)
        at = np.searchsorted(curve.surv_times, limit, side="right") - 1
        left, error = float(curve.surv_prob[at]), float(curve.surv_prob_se[at])
    if left > 0 and days.max() < limit:
        return intervals.nothing(n)
    if not 0 < left < 1 or not error > 0:
        return Interval(1 - left, None, None, n)
    spread = stats.norm.ppf(0.5 + LEVEL / 2) * error / (left * abs(np.log(left)))
    return Interval(1 - left, float(1 - left ** np.exp(-spread)), float(1 - left ** np.exp(spread)), n)


def _repeats(complaints: Table, as_of: dt.date, limits: Limits) -> Measure:
    if "customer_id" not in complaints.columns:
        return Measure(why=measure.NOT_ASKED)
    named = complaints.filter(complaints.customer_id.notnull())
    first = named.group_by("customer_id").aggregate(first_on=named.opened_on.min())
    first = first.filter(first.first_on <= ibis.literal(as_of - dt.timedelta(days=WINDOW_DAYS)))
    later = named.inner_join(first, "customer_id")
    within = later.opened_on.delta(later.first_on, unit="day") <= WINDOW_DAYS
    people = later.filter(within).group_by("customer_id").aggregate(n=ibis._.count())
    found = fetched(people.aggregate(n=people.count(), k=n_where(people.n > 1)))
    return measure.share(int(found.k[0]), int(found.n[0]), limits.suppress_below)


def _content_after(
    complaints: Table, answers: Table, csat: Scale | None, limits: Limits
) -> tuple[Measure, Measure, Measure]:
    if csat is None or csat.top_from is None or "customer_id" not in complaints.columns:
        return (Measure(why=measure.UNDECLARED),) * 3
    said = answers.filter(answers.is_answered & answers.csat.notnull() & answers.customer_id.notnull())
    held = complaints.select("customer_id", "opened_on").inner_join(
        said.select("response_id", "customer_id", "answered_on"), "customer_id"
    )
    gap = held.answered_on.delta(held.opened_on, unit="day")
    after = held.filter(gap.between(0, WINDOW_DAYS)).select("response_id").distinct().mutate(after=True)
    marked = said.left_join(after, "response_id")
    marked = marked.mutate(after=marked.after.fill_null(False), top=marked.csat >= csat.top_from)
    found = fetched(marked.group_by("after").aggregate(n=marked.count(), k=n_where(marked.top)))
    top = {"content": (ibis.ifelse(marked.top, 1.0, 0.0), ibis.literal(1.0))}
    again = repeats.effects(marked, top, "after")
    sums = {bool(r.after): (int(r.k), int(r.n), again[bool(r.after)]["content"]) for r in found.itertuples()}
    a, b = sums.get(True, (0, 0, 1.0)), sums.get(False, (0, 0, 1.0))
    shares = tuple(measure.share(k, n, limits.suppress_below, effect) for k, n, effect in (a, b))
    if min(a[1], b[1]) < limits.compare_from:
        return *shares, Measure(n=min(a[1], b[1]), why=measure.FEW)
    return *shares, measure.share_difference(a, b)
