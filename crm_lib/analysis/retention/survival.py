"""How long customers stay until their first long silence, by channel, region and grade."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis.retention.book import Book, frame, with_people
from crm_lib.analysis.retention.churn import active, grades_of
from crm_lib.analysis.retention.curves import Curve, LogRank, by_group, curve, log_rank

DIMENSIONS = ("channel", "region")
GRADE = "grade"
ALL = "all"
MOST_GROUPS = 6
SHORTEST_DAYS = 28


@dataclass(frozen=True, eq=False)
class Split:
    """Curves of one dimension, and whether its groups differ beyond chance.

    `curves` are in order of size. `n_suppressed` customers are in groups too small to be shown, or beyond the six
    largest; `start_on` is the day from which days are counted, None for each customer's first
    order; a group has at least `fewest` customers.
    """

    dimension: str
    curves: dict[str, Curve]
    test: LogRank | None
    n_suppressed: int
    start_on: dt.date | None = None
    fewest: int = 30


@dataclass(frozen=True, eq=False)
class Survival:
    """Days until the first silence of more than `silent_days`, censored where it has not come.

    The event is dated when the silence is complete, so that nobody goes before `silent_days`; contracts are left
    aside. `whole` is everybody from the first order on.
    """

    silent_days: int
    whole: Curve
    splits: tuple[Split, ...]

    def split(self, dimension: str) -> Split | None:
        """The split by this dimension, or None."""
        return next((s for s in self.splits if s.dimension == dimension), None)

    @property
    def surely_different(self) -> tuple[str, ...]:
        """Dimensions whose groups differ, judged together (Holm 1979) at 10 %."""
        tested = sorted((s.test.p, s.dimension) for s in self.splits if s.test)
        found = []
        for rank, (p, name) in enumerate(tested):
            if p > 0.1 / (len(tested) - rank):
                break
            found.append(name)
        return tuple(found)


def survival(book: Book, silent_days: int, graded_on: dt.date | None = None, compare_from: int = 30) -> Survival:
    """Curves of all customers, by channel and region, and by grade on the day `graded_on`.

    Groups of fewer than `compare_from` customers are not shown.
    """
    durations = _durations(book, silent_days)
    dimensions = [d for d in DIMENSIONS if book.people is not None and d in book.people.columns]
    whole = _counted(durations, ALL)
    splits = []
    for name in dimensions:
        rows = _counted(with_people(book, durations, [name]), name)
        splits.append(_split(name, rows, compare_from))
    if graded_on is not None:
        splits.insert(0, _by_grade(book, silent_days, graded_on, compare_from))
    return Survival(silent_days, curve(whole["days"], whole["ended"], whole["n"]), tuple(splits))


def _long_silence(book: Book, silent_days: int, orders: ir.Table) -> ir.Table:
    """First order after which more than `silent_days` passed, by customer: `began_on`, null for none."""
    until = ibis.coalesce(orders.next_on, ibis.literal(book.as_of))
    is_long = until.delta(orders.day, unit="day") > silent_days
    return orders.group_by("customer_id").agg(
        first_on=orders.first_on.min(), began_on=ibis.ifelse(is_long, orders.day, ibis.null("date")).min()
    )


def _durations(book: Book, silent_days: int) -> ir.Table:
    """`customer_id`, `days` since the first order, `ended`."""
    found = _long_silence(book, silent_days, book.orders)
    ended = found.began_on.notnull()
    watched = ibis.literal(book.as_of).delta(found.first_on, unit="day")
    days = ibis.ifelse(ended, found.began_on.delta(found.first_on, unit="day") + silent_days, watched)
    return found.select("customer_id", days=days.cast("int64"), ended=ended)


def _counted(durations: ir.Table, name: str) -> pd.DataFrame:
    rows = durations if name != ALL else durations.mutate(**{ALL: ibis.literal(ALL)})
    grouped = rows.group_by(name, "days", "ended").agg(n=rows.count())
    return frame(grouped.filter(grouped[name].notnull()), name, "days", "ended")


def _split(name: str, rows: pd.DataFrame, compare_from: int, start_on: dt.date | None = None) -> Split:
    sizes = rows.groupby(name)["n"].sum()
    large = sizes[sizes >= compare_from]
    ranked = large.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_GROUPS]
    names = list(ranked) if start_on is None else sorted(ranked)
    shown = rows[rows[name].isin(names)]
    left_out = int(sizes.sum() - sizes[sizes.index.isin(names)].sum())
    return Split(name, by_group(shown, name, names), log_rank(shown, name), left_out, start_on, compare_from)


def _by_grade(book: Book, silent_days: int, on: dt.date, compare_from: int) -> Split:
    """Days from the day of grading on, of those active then; a contract keeps nobody here."""
    at_start = active(book, on, silent_days, max(364, silent_days))
    at_start = at_start.filter(at_start.days_since_last <= silent_days)
    by_cents = at_start.group_by("cents").agg(n=at_start.count())
    told = frame(by_cents, "cents")
    graded = ibis.memtable(pd.DataFrame({"cents": told["cents"], GRADE: grades_of(told).astype(str)}))
    at_start = at_start.select("customer_id", "cents", "last_on").join(graded, "cents")
    orders = book.orders.join(at_start.select("customer_id", GRADE, since=at_start.last_on), "customer_id")
    orders = orders.filter(orders.day >= orders.since)
    found = _long_silence(book, silent_days, orders)
    found = found.join(at_start.select("customer_id", GRADE), "customer_id")
    ended = found.began_on.notnull()
    days = ibis.ifelse(
        ended,
        found.began_on.delta(ibis.literal(on), unit="day") + silent_days,
        ibis.literal((book.as_of - on).days),
    )
    rows = found.select("customer_id", GRADE, days=days.cast("int64"), ended=ended)
    return _split(GRADE, _counted(rows, GRADE), compare_from, on)


def landmark(book: Book, silent_days: int) -> dt.date | None:
    """The day of grading: a year back or as far as the data bear; None where they don't."""
    back = min(364, (book.span_days - silent_days) // 2 // 7 * 7)
    return book.back(back) if back >= SHORTEST_DAYS else None
