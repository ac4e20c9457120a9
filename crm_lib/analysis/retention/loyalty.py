"""Loyalty seen indirectly: which good customers keep frequency and amount, and the programme's tiers."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.analysis.retention.book import CENTS, Book, frame, is_lost, state, with_people
from crm_lib.analysis.retention.churn import grades_of

KEPT_FROM = 0.8
GOOD = ("A", "B")
YEAR_DAYS = 364
MOST_POINTS_IN_TIME = 4
NO_TIER = ""


@dataclass(frozen=True, eq=False)
class Index:
    """The loyalty index of one day: customers of grade A or B in the baseline, and what they kept since.

    `kept` is the share that kept frequency *and* amount at 80 % of their own baseline or more; `kept_orders` and
    `kept_amount` look at one of them. `orders_ratio` and `amount_ratio` compare the sums of all of them with
    their baseline. `n_surely_fewer` ordered fewer times beyond chance (exact test of two Poisson counts at 5 %).
    """

    on: dt.date
    days: int
    kept: Interval
    kept_orders: Interval
    kept_amount: Interval
    orders_ratio: Interval
    amount_ratio: Interval
    n_surely_fewer: int
    by_grade: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Loyalty:
    """The index now and before (`indexes`, the oldest first), and tiers with points where the table has them.

    `tiers`: tier, n, n_lost, lost_share with low, high, amount (net of the last year), points, points_lost (of
    those who have churned); NaN points where the table has none. None without tiers.
    """

    indexes: tuple[Index, ...]
    tiers: pd.DataFrame | None

    @property
    def now(self) -> Index | None:
        """The newest index; None where the data don't hold two periods."""
        return self.indexes[-1] if self.indexes else None


def loyalty(book: Book, silent_days: int, weeks: int = 26) -> Loyalty:
    """The index over a year against the year before, or over the halves of shorter data; again every `weeks`."""
    days = min(YEAR_DAYS, book.span_days // 2 // 7 * 7)
    indexes = []
    for k in range(MOST_POINTS_IN_TIME):
        on = book.back(7 * weeks * k)
        if days < 28 or (on - book.first_on).days < 2 * days:
            break
        found = index(book, on, days)
        if found is None:
            break
        indexes.append(found)
    return Loyalty(tuple(reversed(indexes)), tiers(book, silent_days))


def index(book: Book, on: dt.date, days: int) -> Index | None:
    """The index on a day: the last `days` against as many before; None without a good customer."""
    middle, begin = (on - dt.timedelta(days=d) for d in (days, 2 * days))
    rows = book.days.filter((book.days.day > ibis.literal(begin)) & (book.days.day <= ibis.literal(on)))
    before = rows.day <= ibis.literal(middle)
    each = rows.group_by("customer_id").agg(
        f0=rows.count(where=before & rows.is_order),
        f1=rows.count(where=~before & rows.is_order),
        cents=ibis.ifelse(before, rows.cents, 0).sum().cast("int64"),
        cents_after=ibis.ifelse(before, 0, rows.cents).sum().cast("int64"),
    )
    each = each.filter(each.f0 > 0)
    # 5 x after >= 4 x before: 80 % in whole numbers.
    each = each.mutate(kept_f=5 * each.f1 >= 4 * each.f0, kept_m=5 * each.cents_after >= 4 * each.cents)
    grouped = each.group_by("cents", "f0", "f1", "kept_f", "kept_m").agg(
        n=each.count(), after=each.cents_after.sum().cast("int64"), squares=_squares(each.cents_after)
    )
    counted = frame(grouped, "cents", "f0", "f1", "kept_f", "kept_m")
    if counted.empty:
        return None
    by_cents = counted.groupby("cents", as_index=False)["n"].sum()
    grade = dict(zip(by_cents["cents"], grades_of(by_cents), strict=True))
    counted["grade"] = counted["cents"].map(grade)
    good = counted[counted["grade"].isin(GOOD)]
    return None if good.empty else _index(on, days, good)


def _squares(cents):
    # Of whole yuan, dollars …: sums of squared cents would leave the range of exact numbers. Rounded in whole
    # numbers: of a float that ends in .5 PostgreSQL makes the even neighbour.
    whole = (cents.abs() + CENTS // 2) // CENTS
    return (whole**2).cast("decimal(38,0)").sum().cast("float64")


def _index(on: dt.date, days: int, good: pd.DataFrame) -> Index:
    n = int(good["n"].sum())

    def share(rows: pd.Series) -> Interval:
        return intervals.wilson(int(good.loc[rows, "n"].sum()), n)

    by_grade = []
    for grade, part in good.groupby("grade"):
        k = int(part.loc[part["kept_f"] & part["kept_m"], "n"].sum())
        found = intervals.wilson(k, int(part["n"].sum()))
        by_grade.append({"grade": grade, "n": found.n, "kept": found.value, "low": found.low, "high": found.high})
    return Index(
        on,
        days,
        share(good["kept_f"] & good["kept_m"]),
        share(good["kept_f"]),
        share(good["kept_m"]),
        _orders_ratio(good),
        _amount_ratio(good),
        _surely_fewer(good),
        pd.DataFrame(by_grade),
    )


def _orders_ratio(good: pd.DataFrame) -> Interval:
    """Sum of orders after ÷ before, customers as clusters: linearised on the log."""
    n, f0, f1 = (good[c].to_numpy(float) for c in ("n", "f0", "f1"))
    return _ratio((n * f1).sum(), (n * f0).sum(), float(n.sum()), lambda r: (n * (f1 - r * f0) ** 2).sum())


def _amount_ratio(good: pd.DataFrame) -> Interval:
    n, before = good["n"].to_numpy(float), good["cents"].to_numpy(float) / CENTS
    after, squares = good["after"].to_numpy(float) / CENTS, good["squares"].to_numpy(float)

    def spread(r: float) -> float:
        return float((squares - 2 * r * before * after + n * (r * before) ** 2).sum())

    return _ratio(after.sum(), (n * before).sum(), float(n.sum()), spread)


def _ratio(top: float, bottom: float, n: float, spread) -> Interval:
    if n < 2 or top <= 0 or bottom <= 0:
        return intervals.nothing(int(n))
    ratio = top / bottom
    half = stats.norm.ppf(0.5 + LEVEL / 2) * math.sqrt(max(spread(ratio), 0.0)) / top
    return Interval(float(ratio), float(ratio * math.exp(-half)), float(ratio * math.exp(half)), int(n))


def _surely_fewer(good: pd.DataFrame) -> int:
    """Customers whose fewer orders chance would make once in twenty: F1 given F0 + F1 is binomial with ½."""
    p = stats.binom.cdf(good["f1"], good["f0"] + good["f1"], 0.5)
    return int(good.loc[p <= (1 - LEVEL) / 2, "n"].sum())


def tiers(book: Book, silent_days: int) -> pd.DataFrame | None:
    """Customers by tier of the loyalty programme as it stands today; None where the table has no tiers."""
    if book.people is None or "tier" not in book.people.columns or not book.n_customers:
        return None
    columns = ["tier", *(["points"] if "points" in book.people.columns else [])]
    known = state(book, book.as_of, window_days=YEAR_DAYS)
    known = known.mutate(lost=is_lost(known, book.as_of, silent_days))
    rows = with_people(book, known, columns)
    points = rows.points.fill_null(0) if "points" in columns else ibis.literal(0)
    rows = rows.mutate(tier=rows.tier.fill_null(NO_TIER), p=points)
    grouped = rows.group_by("tier").agg(
        n=rows.count(),
        n_lost=rows.count(where=rows.lost),
        cents=rows.cents.sum().cast("int64"),
        points=rows.p.sum().cast("int64"),
        points_lost=ibis.ifelse(rows.lost, rows.p, 0).sum().cast("int64"),
    )
    found = frame(grouped, "tier")
    shares = [intervals.wilson(int(k), int(n)) for k, n in zip(found["n_lost"], found["n"], strict=True)]
    found = found.assign(
        amount=found["cents"] / CENTS,
        lost_share=[s.value for s in shares],
        low=[s.low for s in shares],
        high=[s.high for s in shares],
    ).drop(columns="cents")
    if "points" not in columns:
        found[["points", "points_lost"]] = np.nan
    return found.sort_values(["amount", "tier"], ascending=[False, True], ignore_index=True)
