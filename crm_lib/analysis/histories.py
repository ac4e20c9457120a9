"""Purchase histories: from transactions to customer-days, customers, and unique (x, t_x, T) with counts.

All grouping happens in the engine that holds the data. An *order* is a customer-day whose net amount is not
negative; a day with a negative net lowers money but is no order. In histories, `x` counts orders after the
first, `t_x` is days from first to last order and `T` days from first order to the as-of date. `t_x` is not
`days_since_last`: that is `T - t_x`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

MONEY = "decimal(18,2)"
_BITS = 21  # of a number of days or orders in a history's code: up to two million


@dataclass(frozen=True, eq=False)
class Histories:
    """Distinct purchase histories, times in whole days, with the number of customers that share each.

    Sorted by (x, t_x, T), whatever the engine and the order of its rows.
    """

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    n: np.ndarray

    def __len__(self) -> int:
        """Distinct histories."""
        return len(self.x)

    def __getitem__(self, name: str) -> np.ndarray:
        """A column by name, as in a frame."""
        return getattr(self, name)

    @property
    def n_customers(self) -> int:
        """Customers behind the histories."""
        return int(self.n.sum())

    @property
    def n_repeaters(self) -> int:
        """Customers with more than one order."""
        return int(self.n[self.x > 0].sum())

    @property
    def n_repeat_orders(self) -> int:
        """Orders after each customer's first."""
        return int((self.x * self.n).sum())

    def places(self, frame: pd.DataFrame) -> np.ndarray:
        """Place of each row's history (`x`, `t_x`, `T`) among these; each must be there."""
        return np.searchsorted(_codes(self), _codes(frame))

    def sample(self, n_most: int) -> Histories:
        """At most `n_most` of the histories, evenly spaced in their sorted order: the same on every engine."""
        if len(self) <= n_most:
            return self
        rows = np.linspace(0, len(self) - 1, n_most).round().astype(int)
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], self.n[rows])


def customer_days(transactions: ir.Table) -> ir.Table:
    """Net amount of each customer on each day with a transaction.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`; several rows of a day are summed.

    Returns
    -------
    ir.Table
        `customer_id`, `day` (date), `amount` (decimal).
    """
    day = transactions["at"].cast("date")
    # The day's sum is rounded to cents, not each row: quicker, and 0.1 + 0.2 - 0.3 is 0 all the same.
    return transactions.group_by("customer_id", day=day).agg(amount=transactions["amount"].sum().cast(MONEY))


def per_customer(transactions: ir.Table, as_of: dt.date) -> ir.Table:
    """One row per customer with at least one order by `as_of`; later days don't count.

    Returns
    -------
    ir.Table
        `customer_id`, `first_on`, `last_on` (dates of first and last order), `n_orders`, `amount` (net of all
        days, refunds included), `first_amount` (net of the first order day) and `repeat_amount` (the rest; 0 for
        who has one order), all float64.
    """
    days = customer_days(transactions)
    days = days.filter(days.day <= ibis.literal(as_of))
    # Days without an order are null to the aggregates, which is quicker than a filter on each of them.
    days = days.mutate(ordered_on=ibis.ifelse(days.amount >= 0, days.day, ibis.null("date")))
    summed = days.group_by("customer_id").agg(
        first_on=days.ordered_on.min(),
        last_on=days.ordered_on.max(),
        n_orders=days.ordered_on.count(),
        amount=days.amount.sum(),
        first_amount=days.amount.argmin(days.ordered_on, where=days.ordered_on.notnull()),
    )
    summed = summed.filter(summed.n_orders > 0)
    later = summed.amount - summed.first_amount
    return summed.mutate(
        amount=summed.amount.cast("float64"),
        first_amount=summed.first_amount.cast("float64"),
        repeat_amount=ibis.ifelse(summed.n_orders > 1, later.cast("float64"), 0.0),
    )


def known(transactions: ir.Table, as_of: dt.date) -> ir.Table:
    """`per_customer` rows with `x`, `t_x`, `T` and `mean_repeat_amount`, kept in the engine for as long as in use.

    `unique` and `repeat_spend` read it for the fits, and scores are computed from it: all orders are grouped
    once, and no row per customer comes to Python before it is scored.
    """
    customers = in_days(per_customer(transactions, as_of), as_of)
    repeats = ibis.greatest(customers.x, 1)
    return customers.select(
        "customer_id",
        "n_orders",
        "amount",
        x=customers.x.cast("int32"),
        t_x=customers.t_x.cast("int32"),
        T=customers["T"].cast("int32"),
        mean_repeat_amount=customers.repeat_amount / repeats,
    ).cache()


def in_days(customers: ir.Table, as_of: dt.date) -> ir.Table:
    """`per_customer` rows with their history beside them: `x`, `t_x`, `T` in whole days."""
    end = ibis.literal(as_of)
    return customers.mutate(
        x=customers.n_orders - 1,
        t_x=customers.last_on.delta(customers.first_on, unit="day"),
        T=end.delta(customers.first_on, unit="day"),
    )


def unique(customers: ir.Table, as_of: dt.date) -> Histories:
    """Distinct histories of `per_customer` or `known` rows, counted and sorted in the engine."""
    table = customers if "T" in customers.columns else in_days(customers, as_of)
    counted = table.group_by("x", "t_x", "T").agg(n=table.count()).order_by("x", "t_x", "T").to_pyarrow()
    return Histories(*(counted[c].to_numpy().astype("int64") for c in ("x", "t_x", "T", "n")))


def repeat_spend(customers: ir.Table) -> tuple[np.ndarray, np.ndarray, float]:
    """What tells of spend in `known` rows, ready for `spend.fit`.

    `x` and `mean_repeat_amount` of repeat buyers, sorted whatever the engine and the order of its rows; then the
    mean of all orders.
    """
    columns = ("x", "mean_repeat_amount")
    told = customers.filter(customers.x > 0).select(*columns).order_by(columns).to_pyarrow()
    of_all = customers.agg(amount=customers.amount.sum(), n=customers.n_orders.sum()).to_pyarrow().to_pylist()[0]
    mean_order = float(of_all["amount"]) / of_all["n"] if of_all["n"] else 0.0
    return told["x"].to_numpy(), told["mean_repeat_amount"].to_numpy(), mean_order


def of_frame(frame: pd.DataFrame, count: str = "") -> Histories:
    """Distinct histories of a small frame with `x`, `t_x`, `T`; `count` names a column of counts.

    >>> of_frame(pd.DataFrame({"x": [0, 2, 0], "t_x": [0, 9, 0], "T": [30, 30, 30]})).n
    array([2, 1])
    """
    codes = _codes(frame)
    distinct, n = np.unique(codes, return_counts=True)
    if count:
        n = np.bincount(np.searchsorted(distinct, codes), frame[count], len(distinct)).astype("int64")
    low = (1 << _BITS) - 1
    return Histories(distinct >> 2 * _BITS, (distinct >> _BITS) & low, distinct & low, n)


def _codes(histories: Histories | pd.DataFrame) -> np.ndarray:
    """One whole number per history, in the order of (x, t_x, T): sorted without a table of keys beside it."""
    x, t_x, T = (np.asarray(histories[c]).astype("int64") for c in ("x", "t_x", "T"))
    return x << 2 * _BITS | t_x << _BITS | T


def customers_frame(customers: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """What can't be worked out in Python of `per_customer` rows, sorted by `customer_id`.

    Returns
    -------
    pd.DataFrame
        `customer_id`, `n_orders`, `x`, `t_x`, `T` (int32), `amount`, `first_amount` (float64), and any further
        columns: what is computed for a history is computed for every customer by `x`, `t_x` and `T`.
    """
    told = in_days(customers, as_of)
    whole = {name: told[name].cast("int32") for name in ("n_orders", "t_x", "T")}
    known = ("first_on", "last_on", "repeat_amount", "x", *whole)
    told = told.select(*(c for c in told.columns if c not in known), **whole)
    frame = told.to_pyarrow().to_pandas().sort_values("customer_id", ignore_index=True)
    return frame.assign(x=frame["n_orders"] - 1)


def days_with_counts(transactions: ir.Table, known_by: dt.date) -> pd.DataFrame:
    """Orders and repeat orders on each day, of customers whose first order came by `known_by`.

    Returns
    -------
    pd.DataFrame
        `day` (datetime64, ascending), `n_orders`, `n_first`, `n_repeat`; only days with an order.
    """
    days = customer_days(transactions)
    orders = days.filter(days.amount >= 0).select("customer_id", "day")
    first = orders.group_by("customer_id").agg(first_on=orders.day.min())
    first = first.filter(first.first_on <= ibis.literal(known_by))
    known = orders.inner_join(first, "customer_id")
    by_day = known.group_by("day").agg(
        n_orders=known.count(), n_first=known.count(where=known.day == known.first_on)
    )
    frame = by_day.to_pandas()
    frame["day"] = pd.to_datetime(frame["day"])
    frame[["n_orders", "n_first"]] = frame[["n_orders", "n_first"]].astype("int64")
    frame["n_repeat"] = frame["n_orders"] - frame["n_first"]
    return frame.sort_values("day", ignore_index=True)


def bought(transactions: ir.Table, after: dt.date, until: dt.date) -> ir.Table:
    """`customer_id`, `n_orders`, net `amount` (float64) of the days later than `after`, up to and with `until`."""
    days = customer_days(transactions)
    days = days.filter((days.day > ibis.literal(after)) & (days.day <= ibis.literal(until)))
    return days.group_by("customer_id").agg(
        n_orders=days.count(where=days.amount >= 0), amount=days.amount.sum().cast("float64")
    )


def bought_between(transactions: ir.Table, after: dt.date, until: dt.date) -> pd.DataFrame:
    """`bought`, brought to Python and sorted by `customer_id`."""
    frame = bought(transactions, after, until).to_pyarrow().to_pandas()
    return frame.sort_values("customer_id", ignore_index=True)
