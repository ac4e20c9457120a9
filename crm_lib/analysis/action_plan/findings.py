"""What the other topics found, ranked by the money at stake, and how near the company's targets are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import histories
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.contract.publication import Figure, Publication

# Figures of each topic that say what is at stake; the first that was published counts.
AT_STAKE = {
    "segmentation": ("slipping_amount",),
    "clv": ("at_risk_amount",),
    "funnel": ("stale_amount", "open_amount"),
    "retention": ("at_risk_amount", "value_at_risk_amount", "value_at_risk", "lost_amount"),
    "campaigns": ("loss_amount", "wasted_amount", "profit_amount", "profit"),
    "satisfaction": ("at_risk_amount",),
}
_FEWEST_WEEKS = 8


@dataclass(frozen=True)
class Finding:
    """A topic's figure with money at stake (None where it names none) and its one line for the index."""

    topic: str
    figure: Figure | None
    summary: str

    @property
    def amount(self) -> float:
        """Money at stake; 0 where the topic names none."""
        return abs(self.figure.value or 0.0) if self.figure else 0.0


def findings(published: Mapping[str, Publication | None]) -> tuple[Finding, ...]:
    """One finding per topic that has published, most money first."""
    found = []
    for topic, told in published.items():
        if told is None:
            continue
        figures = {f.name: f for f in told.figures if f.value is not None}
        names = [n for n in AT_STAKE.get(topic, ()) if n in figures]
        found.append(Finding(topic, figures[names[0]] if names else None, told.summary))
    return tuple(sorted(found, key=lambda f: (-f.amount, f.topic)))


@dataclass(frozen=True)
class Target:
    """A target: what it aims at, what has come so far, and what the period will end with at the present pace.

    `so_far` is None where nothing here measures it. `share_gone` is the share (0–1) of the period that has passed.
    """

    metric: str
    start: dt.date
    end: dt.date
    value: float
    unit: str
    so_far: float | None
    projected: Interval | None
    share_gone: float

    @property
    def reached(self) -> bool | None:
        """Whether it was reached, for a period that is over; None otherwise."""
        return self.so_far >= self.value if self.so_far is not None and self.share_gone >= 1 else None


def targets(
    table: ir.Table | None,
    transactions: ir.Table | None,
    as_of: dt.date,
    published: Mapping[str, Publication | None],
) -> tuple[Target, ...]:
    """For each metric the targets of the period that began last, be it over or still running."""
    if table is None:
        return ()
    frame = table.to_pandas().sort_values(["metric", "period_start", "period_end"], ignore_index=True)
    for column in ("period_start", "period_end"):
        frame[column] = pd.to_datetime(frame[column]).dt.date
    started = frame[frame["period_start"] <= as_of]
    if started.empty:
        return ()
    latest = started.groupby("metric")["period_end"].transform("max") == started["period_end"]
    days = _by_day(transactions, as_of)
    return tuple(_target(row, days, as_of, published) for row in started[latest].itertuples(index=False))


def _by_day(transactions: ir.Table | None, as_of: dt.date) -> pd.DataFrame | None:
    if transactions is None:
        return None
    days = histories.customer_days(transactions)
    days = days.filter(days.day <= ibis.literal(as_of))
    summed = days.group_by("day").agg(
        revenue=days.amount.sum().cast("float64"), orders=days.count(where=days.amount >= 0)
    )
    frame = summed.order_by("day").to_pandas()
    frame["day"] = pd.to_datetime(frame["day"])
    full = pd.date_range(frame["day"].min(), pd.Timestamp(as_of)) if len(frame) else pd.DatetimeIndex([])
    return frame.set_index("day").reindex(full, fill_value=0)


def _target(row: object, days: pd.DataFrame | None, as_of: dt.date, published: Mapping) -> Target:
    n_days = (row.period_end - row.period_start).days + 1
    gone = min((as_of - row.period_start).days + 1, n_days)
    about = (row.metric, row.period_start, row.period_end, float(row.value), row.unit)
    if row.metric not in ("revenue", "orders") or days is None:
        told = published.get(row.metric)
        figures = {f.name: f for f in told.figures} if told else {}
        measured = figures.get(row.metric)
        value = None if measured is None else measured.value
        return Target(*about, value, None, gone / n_days)
    inside = days.loc[pd.Timestamp(row.period_start) : pd.Timestamp(min(as_of, row.period_end)), row.metric]
    so_far = round(float(inside.sum()), 2)
    ahead = None if gone == n_days else projected(inside.to_numpy(float), so_far, n_days - gone)
    return Target(*about, so_far, ahead, gone / n_days)


def projected(by_day: np.ndarray, so_far: float, days_left: int) -> Interval | None:
    """What comes by the end at the pace of the full weeks so far; None before eight of them.

    Weeks are taken as independent: half width = t · s · √(w + w²/n), n weeks seen, w weeks to come.
    """
    n = len(by_day) // 7
    if n < _FEWEST_WEEKS:
        return None
    weeks = by_day[len(by_day) - 7 * n :].reshape(n, 7).sum(axis=1)
    ahead = days_left / 7
    value = so_far + float(weeks.mean()) * ahead
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * weeks.std(ddof=1)) * math.sqrt(ahead + ahead**2 / n)
    return Interval(value, max(so_far, value - half), value + half, n)
