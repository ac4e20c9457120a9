"""Migration of value grades between two periods of the same length: customers and money moved.

Customers are graded A–D at the start, by the money of the period that ends there. The limits in money found
there hold at the end as well, so that a grade changes only where the customer's own money changes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import histories, intervals
from crm_lib.analysis.brief import Brief
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.segmentation.pyramid import GRADES, value_grades
from crm_lib.contract.cut import cut
from crm_lib.contract.publication import Figure

LEAST_WEEKS = 4
SILENT, NEW, NO_ORDER = "silent", "new", "no_order"
BEFORE = (*GRADES, SILENT, NEW)
AFTER = (*GRADES, NO_ORDER)
_STEP = {name: step for step, name in enumerate(AFTER)}


@dataclass(frozen=True, eq=False, repr=False)
class Moves(Brief):
    """Who moved from which grade to which.

    Attributes
    ----------
    weeks, weeks_asked
        Length of each period; shorter than asked where the data don't hold two such periods. 0 where they hold
        none, and then there are no rows.
    begins_on, start_on, as_of
        The first period begins after `begins_on` and ends on `start_on`; the second ends on `as_of`.
    limits
        Least money of a grade, for grades that exist and are above D.
    cells
        before, after, n, share (of the row) with low and high, amount_before, amount_after.
    rows
        before, n, n_down, down, n_up, up (shares with _low, _high), amount_before, amount_after. `silent` ordered
        before the first period but not in it; `new` ordered for the first time in the second.
    customers
        customer_id, grade_before, grade_after.
    """

    as_of: dt.date
    weeks_asked: int
    weeks: int
    first_on: dt.date | None
    limits: dict[str, float]
    cells: pd.DataFrame
    rows: pd.DataFrame
    customers: pd.DataFrame

    @property
    def start_on(self) -> dt.date:
        """The day of grading."""
        return self.as_of - dt.timedelta(weeks=self.weeks)

    @property
    def begins_on(self) -> dt.date:
        """The day before the first period."""
        return self.start_on - dt.timedelta(weeks=self.weeks)

    def row(self, before: str) -> pd.Series:
        """The account of one class of the start."""
        return self.rows.set_index("before").loc[before]

    def amount(self, before: str, *after: str) -> tuple[int, float, float]:
        """Customers, money before and money after of those who moved from one class to some."""
        found = self.cells[(self.cells["before"] == before) & self.cells["after"].isin(after)]
        return int(found["n"].sum()), float(found["amount_before"].sum()), float(found["amount_after"].sum())

    @property
    def down_from_a(self) -> tuple[int, float, float]:
        """Customers who left grade A, what they brought before and what after."""
        return self.amount("A", *AFTER[1:])

    @property
    def n_up_to_a(self) -> int:
        """Customers of grades B, C, D, or silent, who are A at the end."""
        return sum(self.amount(before, "A")[0] for before in (*GRADES[1:], SILENT))

    @property
    def more_down(self) -> Interval:
        """Share of leavers among those who left A or rose into it; one half where chance alone moves them."""
        n_down = self.down_from_a[0]
        return intervals.wilson(n_down, n_down + self.n_up_to_a)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Customers moved down from A and their money, customers lost and new."""
        if not self.weeks:
            return ()
        n_down, before, after = self.down_from_a
        graded = self.rows[self.rows["before"].isin(GRADES)]
        down = intervals.wilson(n_down, int(self.row("A")["n"]))
        n_lost = sum(self.amount(grade, NO_ORDER)[0] for grade in GRADES)
        lost = intervals.wilson(n_lost, int(graded["n"].sum()))
        return (
            Figure("moved_down_from_a_n", n_down, "customers", down.n),
            Figure("moved_down_from_a_share", down.value, "share", down.n, down.low, down.high),
            Figure("moved_down_from_a_amount", round(before - after, 2), "money", n_down),
            Figure("moved_up_to_a_n", self.n_up_to_a, "customers"),
            Figure("lost_n", n_lost, "customers", int(graded["n"].sum())),
            Figure("lost_share", lost.value, "share", lost.n, lost.low, lost.high),
            Figure("new_n", int(self.row(NEW)["n"]), "customers"),
            Figure("new_amount", float(self.row(NEW)["amount_after"]), "money", int(self.row(NEW)["n"])),
        )


def migration(transactions: ir.Table | None, as_of: dt.date, weeks: int = 52) -> Moves | None:
    """Moves of customers between two periods of `weeks` weeks up to `as_of`; None without transactions.

    Where the data hold less than two such periods, the two halves of what they hold are compared.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`, refunds negative.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> moves = migration(examples.purchases(), examples.AS_OF, weeks=26)
    >>> moves.customers.columns.tolist()
    ['customer_id', 'grade_before', 'grade_after']
    """
    if transactions is None:
        return None
    first_on = _first_day(transactions, as_of)
    held = 0 if first_on is None else ((as_of - first_on).days + 1) // 14
    used = min(weeks, held) if min(weeks, held) >= LEAST_WEEKS else 0
    if not used:
        return Moves(as_of, weeks, 0, first_on, {}, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    start = as_of - dt.timedelta(weeks=used)
    both = _both_periods(transactions, start, as_of, used)
    limits = graded_in_both(both)
    customers = both.rename(columns={"before": "grade_before", "after": "grade_after"})
    customers = customers[["customer_id", "grade_before", "grade_after"]]
    return Moves(as_of, weeks, used, first_on, limits, _cells(both), _rows(both), customers)


def _first_day(transactions: ir.Table, as_of: dt.date) -> dt.date | None:
    day = transactions["at"].cast("date")
    first = transactions.filter(day <= ibis.literal(as_of)).aggregate(first=day.min()).to_pandas()["first"].iloc[0]
    return None if pd.isna(first) else pd.Timestamp(first).date()


def _both_periods(transactions: ir.Table, start: dt.date, as_of: dt.date, weeks: int) -> pd.DataFrame:
    """Customers who ordered by `as_of`: whether they are new, orders and money of both periods, by id.

    The first period is read from what was known at its end.
    """
    known = cut({"transactions": transactions}, start)["transactions"]
    ever = histories.per_customer(transactions, as_of)
    both = ever.select("customer_id", is_new=ever.first_on > ibis.literal(start))
    spans = {"before": (known, start - dt.timedelta(weeks=weeks), start), "after": (transactions, start, as_of)}
    for name, (rows, after, until) in spans.items():
        told = histories.bought(rows, after, until)
        told = told.select(
            **{f"id_{name}": told.customer_id, f"n_{name}": told.n_orders, f"m_{name}": told.amount}
        )
        both = both.left_join(told, both.customer_id == told[f"id_{name}"]).drop(f"id_{name}")
    n = {f"n_orders_{name}": both[f"n_{name}"].fill_null(0).cast("int32") for name in spans}
    money = {f"amount_{name}": both[f"m_{name}"].fill_null(0.0) for name in spans}
    frame = both.select("customer_id", "is_new", **n, **money).to_pyarrow().to_pandas()
    return frame.sort_values("customer_id", ignore_index=True)


def graded_in_both(both: pd.DataFrame) -> dict[str, float]:
    """Write `before` and `after` into the frame; the limits in money of the grades at the start."""
    active = (both["n_orders_before"] > 0).to_numpy()
    grade = value_grades(both.loc[active, "amount_before"])
    both["before"] = np.where(both["is_new"], NEW, SILENT).astype(object)
    both.loc[active, "before"] = grade
    least = both[active].groupby("before")["amount_before"].min()
    limits = {g: round(float(least[g]), 2) for g in GRADES[:-1] if g in least.index}
    after = np.full(len(both), GRADES[-1], dtype=object)
    for name, limit in reversed(limits.items()):
        after[(both["amount_after"].round(2) >= limit).to_numpy()] = name
    both["after"] = np.where(both["n_orders_after"] > 0, after, NO_ORDER)
    return limits


def _cells(both: pd.DataFrame) -> pd.DataFrame:
    summed = both.groupby(["before", "after"]).agg(
        n=("customer_id", "size"), amount_before=("amount_before", "sum"), amount_after=("amount_after", "sum")
    )
    every = pd.MultiIndex.from_product([BEFORE, AFTER], names=["before", "after"])
    cells = summed.reindex(every, fill_value=0).reset_index()
    total = cells.groupby("before")["n"].transform("sum")
    bounds = [intervals.wilson(int(k), int(n)) for k, n in zip(cells["n"], total, strict=True)]
    for name, attribute in (("share", "value"), ("low", "low"), ("high", "high")):
        cells[name] = pd.Series([getattr(b, attribute) for b in bounds], dtype=float)
    money = ["amount_before", "amount_after"]
    cells[money] = cells[money].astype(float).round(2) + 0.0
    return cells.astype({"n": "int64"})


def _rows(both: pd.DataFrame) -> pd.DataFrame:
    """Per class of the start how many went down and up; only who was graded can."""
    step = both["after"].map(_STEP) - both["before"].map(_STEP)
    rows = []
    for before in BEFORE:
        inside = (both["before"] == before).to_numpy()
        n, n_down, n_up = int(inside.sum()), int((step[inside] > 0).sum()), int((step[inside] < 0).sum())
        row = {"before": before, "n": n, "n_down": n_down, "n_up": n_up}
        for name, k in (("down", n_down), ("up", n_up)):
            found = intervals.wilson(k, n) if before in GRADES else intervals.nothing()
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        money = {c: round(float(both.loc[inside, c].sum()), 2) + 0.0 for c in ("amount_before", "amount_after")}
        rows.append(row | money)
    shares = [f"{name}{end}" for name in ("down", "up") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows).astype(dict.fromkeys(shares, float))
