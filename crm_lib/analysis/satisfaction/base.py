"""The customers behind the answers: their value grade, what else is known of them, and their money of a year."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
from ibis.expr.types import Table

from crm_lib.analysis import histories
from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.segmentation.pyramid import GRADES, value_grades

YEAR_DAYS = 365
ATTRIBUTES = ("channel", "region")  # what answers are weighted by, besides the grade
MONEY = "decimal(18,2)"


def base(customers: Table | None, transactions: Table | None, as_of: dt.date) -> Table | None:
    """One row per customer with an order: customer_id, grade A–D by net amount, channel, region, amount of a year.

    Unknown attributes are "". None without purchases.
    """
    if transactions is None:
        return None
    people = histories.per_customer(transactions, as_of).select("customer_id", "amount")
    limits = _limits(fetched(people.select("amount")).amount.to_numpy(dtype=float))
    grade = ibis.cases(*((people.amount >= low, name) for name, low in limits.items()), else_=GRADES[-1])
    money = _of_a_year(transactions, as_of)
    found = people.select("customer_id", grade=grade).left_join(money, "customer_id")
    found = found.select("customer_id", "grade", year_amount=found.year_amount.fill_null(0).cast(MONEY))
    there = [c for c in ATTRIBUTES if customers is not None and c in customers.columns]
    if there:
        known = customers.select("customer_id", **{c: customers[c].cast("string") for c in there})
        found = found.left_join(known, "customer_id").drop("customer_id_right")
    return found.mutate(
        **{c: found[c].fill_null("") if c in there else ibis.literal("") for c in ATTRIBUTES}
    ).cache()


def _limits(amounts: np.ndarray) -> dict[str, float]:
    """Lowest amount of each grade but the last, best first."""
    grades = value_grades(amounts)
    return {g: float(amounts[grades == g].min()) for g in GRADES[:-1] if (grades == g).any()}


def _of_a_year(transactions: Table, as_of: dt.date) -> Table:
    days = histories.customer_days(transactions)
    since = as_of - dt.timedelta(days=YEAR_DAYS)
    recent = days.filter((days.day > ibis.literal(since)) & (days.day <= ibis.literal(as_of)))
    return recent.group_by("customer_id").aggregate(year_amount=recent.amount.sum())
