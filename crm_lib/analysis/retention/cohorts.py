"""Cohorts: who bought again how long after the first order, and which order is followed by another."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.retention.book import Book, frame
from crm_lib.analysis.retention.curves import curve
from crm_lib.analysis.retention.silence import returned_by, waits

MONTH, QUARTER, YEAR = "month", "quarter", "year"
MONTHS = {MONTH: 1, QUARTER: 3, YEAR: 12}
# The finest grain that needs no more columns than these.
MOST_COLUMNS = 18
LAST_NUMBER = 10


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Customers by the month, quarter or year of their first order (`grain`).

    Attributes
    ----------
    sizes
        cohort (first day), n.
    retained, survived
        Rows cohort, columns 0, 1, 2 …: share that bought in this month (quarter, year) since the first, or in
        this or a later one. NaN where that time is not over yet. What has `survived` may still rise for late
        columns: the future is not seen.
    retained_mean, survived_mean
        Per column the mean over customers of the cohorts that have reached it, with `n` of them.
    """

    grain: str
    sizes: pd.DataFrame
    retained: pd.DataFrame
    survived: pd.DataFrame
    retained_mean: pd.DataFrame
    survived_mean: pd.DataFrame

    def __bool__(self) -> bool:
        """Whether any cohort has a time after its first that is over."""
        return self.retained.shape[1] > 1


def cohorts(book: Book) -> Cohorts:
    """The cohort triangle; the grain is the finest with at most 18 columns."""
    if book.first_on is None:
        empty = pd.DataFrame()
        return Cohorts(MONTH, empty, empty, empty, empty, empty)
    grain = _grain(book)
    months = MONTHS[grain]
    orders = book.orders
    born = _step(orders.first_on, months)
    rows = orders.select("customer_id", born=born, age=_step(orders.day, months) - born)
    bought = rows.group_by("born", "age").agg(n=rows.customer_id.nunique())
    last = rows.group_by("customer_id", "born").agg(age=rows.age.max())
    ended = last.group_by("born", "age").agg(n=last.count())
    begun, ended = frame(bought, "born", "age"), frame(ended, "born", "age")
    n_over = _full_steps(book.as_of, months) - _first_step(book, months)
    retained = _grid(begun, n_over)
    later = _grid(ended, n_over, fill_all=True).iloc[:, ::-1].cumsum(axis=1).iloc[:, ::-1]
    sizes = begun[begun["age"] == 0].set_index("born")["n"]
    survived = later.where(retained.notna())
    return Cohorts(
        grain,
        pd.DataFrame({"cohort": [_day(s, months) for s in sizes.index], "n": sizes.to_numpy()}),
        _named(retained.div(sizes, axis=0), months),
        _named(survived.div(sizes, axis=0), months),
        _mean(retained, sizes),
        _mean(survived, sizes),
    )


def _grain(book: Book) -> str:
    n_months = (book.as_of.year - book.first_on.year) * 12 + book.as_of.month - book.first_on.month + 1
    return next((g for g, m in MONTHS.items() if n_months / m <= MOST_COLUMNS), YEAR)


def _step(day: ir.DateValue, months: int) -> ir.IntegerValue:
    """Number of the month, quarter or year that a day lies in."""
    return ((day.year() * 12 + day.month() - 1) // months).cast("int64")


def _first_step(book: Book, months: int) -> int:
    return (book.first_on.year * 12 + book.first_on.month - 1) // months


def _full_steps(as_of: dt.date, months: int) -> int:
    """Number of the first step that is not over on this day."""
    after = as_of + dt.timedelta(days=1)
    return (after.year * 12 + after.month - 1) // months


def _day(step: int, months: int) -> dt.date:
    year, month = divmod(int(step) * months, 12)
    return dt.date(year, month + 1, 1)


def _grid(counts: pd.DataFrame, n_over: int, fill_all: bool = False) -> pd.DataFrame:
    """Counts by cohort and age, 0 where nobody bought, NaN where the time is not over (age 0 always counts)."""
    first = int(counts["born"].min())
    n_columns = max(n_over, 1) if not fill_all else max(n_over, int(counts["age"].max()) + 1)
    grid = counts.pivot_table("n", "born", "age", "sum", fill_value=0)
    grid = grid.reindex(columns=range(n_columns), fill_value=0).astype(float)
    if fill_all:
        return grid
    over = first + n_over - 1 - grid.index.to_numpy()[:, None]
    return grid.where((grid.columns.to_numpy()[None, :] <= over) | (grid.columns.to_numpy()[None, :] == 0))


def _named(grid: pd.DataFrame, months: int) -> pd.DataFrame:
    return grid.set_axis(pd.Index([_day(s, months) for s in grid.index], name="cohort"), axis=0)


def _mean(grid: pd.DataFrame, sizes: pd.Series) -> pd.DataFrame:
    seen = grid.notna()
    n = seen.mul(sizes, axis=0).sum()
    share = grid.sum() / n.where(n > 0)
    return pd.DataFrame({"age": grid.columns, "share": share.to_numpy(), "n": n.to_numpy().astype(int)})


def by_number(book: Book, within_days: int) -> pd.DataFrame:
    """After which order another follows: one row per number of the order, all from the tenth on together.

    Returns
    -------
    pd.DataFrame
        number, n (orders), again (share followed by another within the days; Kaplan–Meier, since some waits are
        not over) with low, high, median_days (of those who return) and mean_days (of completed waits alone,
        which is too short).
    """
    rows = waits(book, book.as_of, "number")
    found = []
    for number, part in rows.groupby("number"):
        fitted = curve(part["days"], part["ended"], part["n"])
        left = fitted.at(within_days)
        done = part[part["ended"]]
        low, high = (np.nan, np.nan) if left.value is None else (1 - left.high, 1 - left.low)
        found.append(
            {
                "number": int(number),
                "n": fitted.n,
                "again": np.nan if left.value is None else 1 - left.value,
                "low": low,
                "high": high,
                "median_days": returned_by(fitted, 0.5),
                "mean_days": (done["days"] * done["n"]).sum() / done["n"].sum() if len(done) else np.nan,
            }
        )
    columns = ["number", "n", "again", "low", "high", "median_days", "mean_days"]
    return pd.DataFrame(found, columns=columns)
