"""Churn per value grade and period: graded at the start, with intervals, standardised for grade mix."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from itertools import pairwise

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.analysis.retention.book import CENTS, Book, frame, is_lost, state
from crm_lib.analysis.segmentation.pyramid import GRADES, value_grades

MOST_PERIODS = 6
# Customers are graded by the money of this time before the start, or of the silence that still counts as active.
GRADED_DAYS = 364
SHORTEST_WEEKS = 4


@dataclass(frozen=True, eq=False)
class Churn:
    """Who was active at the start of a period and had gone at its end.

    Attributes
    ----------
    weeks, weeks_asked
        Length of each period; shorter than asked where the data hold fewer than two of that length. 0 where
        they hold none.
    cells
        One row per period and grade: start_on, end_on, grade, n, n_lost, share, low, high, amount (net of the
        time before the start), amount_lost, amount_share with amount_low, amount_high.
    periods
        One row per period, the oldest first: start_on, end_on, n, n_lost, share, low, high, standardised with
        std_low, std_high, amount, amount_lost.
    mix
        Share of each grade in the mix that all periods are standardised to: that of all periods together.
    """

    weeks: int
    weeks_asked: int
    graded_days: int
    cells: pd.DataFrame
    periods: pd.DataFrame
    mix: dict[str, float]

    def __bool__(self) -> bool:
        """Whether there is a period at all."""
        return len(self.periods) > 0

    @property
    def last(self) -> pd.Series:
        """The newest period."""
        return self.periods.iloc[-1]

    @property
    def change(self) -> Interval:
        """Standardised churn of the newest period less that of the one before; nothing with one period."""
        if len(self.periods) < 2:
            return intervals.nothing()
        before, now = self.periods.iloc[-2], self.periods.iloc[-1]
        difference = now["standardised"] - before["standardised"]
        down = math.hypot(now["standardised"] - now["std_low"], before["std_high"] - before["standardised"])
        up = math.hypot(now["std_high"] - now["standardised"], before["standardised"] - before["std_low"])
        return Interval(difference, difference - down, difference + up, int(min(before["n"], now["n"])))

    def of_grade(self, grade: str) -> pd.DataFrame:
        """The rows of one grade, the oldest first."""
        return self.cells[self.cells["grade"] == grade]


def churn(book: Book, silent_days: int, weeks: int = 26) -> Churn:
    """Churn in consecutive periods of `weeks` up to the as-of date.

    A customer is active on a day unless `book.is_lost` says otherwise; churn is being active at the start and not
    at the end. A period counts only if the data reach back `silent_days` before its start: before that nobody
    could have gone. Where fewer than two fit, periods are halved, down to 4 weeks.
    """
    used = weeks
    while used // 2 >= SHORTEST_WEEKS and _n_periods(book, silent_days, used) < 2:
        used //= 2
    n_periods = _n_periods(book, silent_days, used)
    graded_days = max(GRADED_DAYS, silent_days)
    ends = [book.back(7 * used * k) for k in range(n_periods, -1, -1)]
    counted = [_period(book, start, end, silent_days, graded_days) for start, end in pairwise(ends)]
    counted = [part for part in counted if len(part)]
    if not counted:
        return Churn(0, weeks, graded_days, pd.DataFrame(), pd.DataFrame(), {})
    cells = pd.concat(counted, ignore_index=True)
    mix = cells.groupby("grade")["n"].sum() / cells["n"].sum()
    mix = {grade: float(mix[grade]) for grade in GRADES if mix.get(grade, 0) > 0}
    periods = [_whole(part, mix) for _start, part in cells.groupby("start_on", sort=True)]
    return Churn(used, weeks, graded_days, cells, pd.DataFrame(periods), mix)


def _n_periods(book: Book, silent_days: int, weeks: int) -> int:
    return min(MOST_PERIODS, max(0, (book.span_days - silent_days) // (7 * weeks)))


def _period(book: Book, start: dt.date, end: dt.date, silent_days: int, graded_days: int) -> pd.DataFrame:
    at_start = active(book, start, silent_days, graded_days)
    at_end = state(book, end)
    at_end = at_end.select("customer_id", lost=is_lost(at_end, end, silent_days))
    joined = at_start.join(at_end, "customer_id")
    by_cents = joined.group_by("cents").agg(n=joined.count(), n_lost=joined.count(where=joined.lost))
    by_cents = frame(by_cents, "cents")
    if by_cents.empty:
        return by_cents
    by_cents = by_cents.assign(grade=grades_of(by_cents))
    rows = [_cell(grade, by_cents[by_cents["grade"] == grade]) for grade in GRADES]
    return pd.DataFrame(rows).assign(start_on=start, end_on=end)


def active(book: Book, on: dt.date, silent_days: int, graded_days: int) -> ir.Table:
    """Customers active on a day: `state` rows, `cents` being the net money of the time that grades them."""
    known = state(book, on, window_days=graded_days)
    return known.filter(~is_lost(known, on, silent_days))


def grades_of(by_cents: pd.DataFrame) -> np.ndarray:
    """Value grade A–D of each distinct amount (`cents`, `n` customers have it), as the pyramid grades them."""
    n = by_cents["n"].to_numpy()
    every = np.repeat(by_cents["cents"].to_numpy() / CENTS, n)
    return value_grades(every)[np.cumsum(n) - n]


def _cell(grade: str, part: pd.DataFrame) -> dict:
    n, n_lost = int(part["n"].sum()), int(part["n_lost"].sum())
    found, money = intervals.wilson(n_lost, n), lost_money_share(part)
    amount, lost = (float((part["cents"] * part[c]).sum()) / CENTS for c in ("n", "n_lost"))
    return {
        "grade": grade,
        "n": n,
        "n_lost": n_lost,
        **dict(zip(("share", "low", "high"), _three(found), strict=True)),
        "amount": amount,
        "amount_lost": lost,
        **dict(zip(("amount_share", "amount_low", "amount_high"), _three(money), strict=True)),
    }


def _three(found: Interval) -> tuple[float, float, float]:
    return tuple(np.nan if v is None else v for v in (found.value, found.low, found.high))


def lost_money_share(part: pd.DataFrame) -> Interval:
    """Share of the money that the lost had brought: a ratio of sums, linearised, from counts by amount.

    Customers with nothing or less count as nothing. Without bounds where fewer than two could differ.
    """
    cents = part["cents"].clip(lower=0).to_numpy(float)
    n, n_lost = part["n"].to_numpy(float), part["n_lost"].to_numpy(float)
    total = float((cents * n).sum())
    if total <= 0:
        return intervals.nothing(int(n.sum()))
    share = float((cents * n_lost).sum()) / total
    squares = (cents**2 * (n_lost * (1 - share) ** 2 + (n - n_lost) * share**2)).sum()
    half = stats.norm.ppf(0.5 + LEVEL / 2) * math.sqrt(squares) / total
    return Interval(share, max(0.0, share - half), min(1.0, share + half), int(n.sum()))


def standardised(cells: pd.DataFrame, mix: dict[str, float]) -> Interval:
    """Churn had the customers been of this mix of grades: sum of weight x share, direct standardisation.

    The bounds join those of the grades: √Σ w²(p − low)² below, √Σ w²(high − p)² above (Zou & Donner 2008, from
    Wilson's). Grades nobody is in hand their weight to the others.
    """
    there = cells[(cells["n"] > 0) & cells["grade"].isin(mix)]
    weight = there["grade"].map(mix).to_numpy(float)
    if weight.sum() == 0:
        return intervals.nothing()
    weight = weight / weight.sum()
    p, low, high = (there[c].to_numpy(float) for c in ("share", "low", "high"))
    value = float(weight @ p)
    down, up = (float(np.sqrt((weight**2) @ (side**2))) for side in (p - low, high - p))
    return Interval(value, max(0.0, value - down), min(1.0, value + up), int(there["n"].sum()))


def _whole(part: pd.DataFrame, mix: dict[str, float]) -> dict:
    n, n_lost = int(part["n"].sum()), int(part["n_lost"].sum())
    plain, even = intervals.wilson(n_lost, n), standardised(part, mix)
    return {
        "start_on": part["start_on"].iloc[0],
        "end_on": part["end_on"].iloc[0],
        "n": n,
        "n_lost": n_lost,
        **dict(zip(("share", "low", "high"), _three(plain), strict=True)),
        **dict(zip(("standardised", "std_low", "std_high"), _three(even), strict=True)),
        "amount": float(part["amount"].sum()),
        "amount_lost": float(part["amount_lost"].sum()),
    }
