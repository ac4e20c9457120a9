"""The order book: customer-days and orders with their waits, grouped once in the engine and asked many times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis import histories
from crm_lib.analysis.engine import framed

CENTS = 100


@dataclass(frozen=True, eq=False)
class Book:
    """All that `retention` asks of purchases, as tables of the engine.

    Attributes
    ----------
    days
        `customer_id`, `day`, `cents` (net of the day, int64), `is_order`.
    orders
        `customer_id`, `day`, `number` (1 is the first), `next_on` (day of the next order, null at the end),
        `first_on`, `mean_gap_days` (of the waits before this order; null for the first).
    people
        `customer_id` and what the customers' table says; None without it.
    """

    days: ir.Table
    orders: ir.Table
    people: ir.Table | None
    as_of: dt.date
    first_on: dt.date | None
    n_customers: int
    n_orders: int
    n_without_order: int

    @property
    def span_days(self) -> int:
        """Days from the first order of all to the as-of date; 0 without orders."""
        return 0 if self.first_on is None else (self.as_of - self.first_on).days

    @property
    def has_contracts(self) -> bool:
        """Whether the customers' table has a column of contract ends."""
        return self.people is not None and "contract_end" in self.people.columns

    def back(self, days: int) -> dt.date:
        """So many days before the as-of date."""
        return self.as_of - dt.timedelta(days=days)


def read(transactions: ir.Table, as_of: dt.date, customers: ir.Table | None = None) -> Book:
    """The book of orders up to `as_of`; later rows are not looked at."""
    days = histories.customer_days(transactions)
    days = days.filter(days.day <= ibis.literal(as_of))
    days = days.mutate(cents=(days.amount * CENTS).cast("int64"), is_order=days.amount >= 0).drop("amount").cache()
    orders = days.filter(days.is_order).select("customer_id", "day")
    line = ibis.window(group_by=orders.customer_id, order_by=orders.day)
    orders = orders.mutate(
        number=ibis.row_number().over(line).cast("int32") + 1,
        next_on=orders.day.lead().over(line),
        first_on=orders.day.first().over(line),
    )
    gap = orders.day.delta(orders.first_on, unit="day") / (orders.number - 1).nullif(0)
    orders = orders.mutate(mean_gap_days=gap).cache()
    told = one_row(
        orders.agg(first=orders.day.min(), n=orders.count(), customers=orders.count(where=orders.number == 1))
    )
    everybody = one_row(days.agg(n=days.customer_id.nunique()))
    n_customers = int(told["customers"] or 0)
    left_out = int(everybody["n"]) - n_customers
    return Book(days, orders, customers, as_of, told["first"], n_customers, int(told["n"]), left_out)


def state(book: Book, on: dt.date, window_days: int = 0, after_days: int = 0) -> ir.Table:
    """Each customer with an order by the day `on`, as known at its end.

    Returns
    -------
    ir.Table
        `customer_id`, `first_on`, `last_on`, `n_orders`, `days_since_last`, `cents` (net of the `window_days`
        up to `on`; of all days where 0), and with `after_days` also `n_after` and `cents_after` (orders and net of
        the days after `on`); `contract_end` where the source has contracts.
    """
    days, end = book.days, ibis.literal(on)
    known = days.day <= end
    inside = known & (days.day > ibis.literal(on - dt.timedelta(days=window_days))) if window_days else known
    ordered = ibis.ifelse(days.is_order & known, days.day, ibis.null("date"))
    rows = days.mutate(ordered_on=ordered, inside=ibis.ifelse(inside, days.cents, 0))
    sums = {
        "first_on": rows.ordered_on.min(),
        "last_on": rows.ordered_on.max(),
        "n_orders": rows.ordered_on.count(),
        "cents": rows.inside.sum().cast("int64"),
    }
    if after_days:
        later = (rows.day > end) & (rows.day <= ibis.literal(on + dt.timedelta(days=after_days)))
        sums["n_after"] = rows.count(where=later & rows.is_order)
        sums["cents_after"] = ibis.ifelse(later, rows.cents, 0).sum().cast("int64")
    found = rows.group_by("customer_id").agg(**sums)
    found = found.filter(found.n_orders > 0)
    found = found.mutate(days_since_last=end.delta(found.last_on, unit="day").cast("int64"))
    return with_people(book, found, ["contract_end"]) if book.has_contracts else found


def with_people(book: Book, table: ir.Table, columns: list[str]) -> ir.Table:
    """The table with columns of the customers' table beside it, null for who is not in it."""
    wanted = book.people.select("customer_id", *columns)
    joined = table.left_join(wanted, "customer_id")
    return joined.drop("customer_id_right") if "customer_id_right" in joined.columns else joined


def is_lost(table: ir.Table, on: dt.date, silent_days: int) -> ir.BooleanValue:
    """Whether a customer of a `state` counts as churned on the day `on`.

    A running contract keeps; one that has ended, with no order since, is churn; without a contract more than
    `silent_days` without an order are.
    """
    is_silent = table.days_since_last > silent_days
    if "contract_end" not in table.columns:
        return is_silent
    ended = (table.contract_end < ibis.literal(on)) & (table.last_on <= table.contract_end)
    runs = table.contract_end >= ibis.literal(on)
    return ibis.ifelse(table.contract_end.isnull(), is_silent, ~runs & (ended | is_silent))


def frame(table: ir.Table, *order: str) -> pd.DataFrame:
    """A small table brought to Python, in this order."""
    return framed(table, *order)


def one_row(table: ir.Table) -> dict:
    """The one row of an aggregate."""
    return table.to_pyarrow().to_pylist()[0]
