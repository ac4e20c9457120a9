"""What customers brought in a period: sales less production cost, direct cost and allocated overhead.

Production cost of a row is its `cost_amount`, else `unit_cost` of the product x `quantity`. Direct cost is what a
campaign cost per contact, credited to the customers it contacted. All other campaign cost and overhead is
allocated in proportion to sales. Only actual costs count, never budgets.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

COST, MARGIN, REVENUE = "cost", "margin", "revenue"
# Production cost must be known for this share of sales; rows without are then given the mean of the others.
KNOWN_ENOUGH = 0.95
MONEY = "decimal(18,2)"
COLUMNS = ("sales_amount", "production_amount", "direct_amount", "overhead_amount")


@dataclass(frozen=True, eq=False)
class Costs:
    """Tables that say what things cost; any may be missing."""

    products: ir.Table | None = None
    campaign_costs: ir.Table | None = None
    contacts: ir.Table | None = None


@dataclass(frozen=True, eq=False)
class Period:
    """What customers brought on days after `after`, up to and with `until`.

    `basis` says what money is: `cost` (profit by known production cost), `margin` (profit by the margin in the
    settings) or `revenue` (neither is known). `known_share` is the share of sales whose production cost is known.
    `customers`: `customer_id`, the four amounts, `value_amount`; they add up to the totals to the cent.
    `has_campaign_costs` is False where direct cost and overhead are not known and count as nothing.
    """

    after: dt.date
    until: dt.date
    basis: str
    known_share: float
    has_campaign_costs: bool
    customers: pd.DataFrame

    def total(self, column: str) -> float:
        """Sum of a column of `customers`."""
        return float(self.customers[column].sum())

    @property
    def is_profit(self) -> bool:
        """Whether money means profit."""
        return self.basis != REVENUE

    @property
    def value_share(self) -> float:
        """What is kept of sales; where costs eat up all, what is kept before direct cost and overhead."""
        sales = self.total("sales_amount")
        if sales <= 0 or not self.is_profit:
            return 1.0
        kept = [self.total("value_amount"), sales - self.total("production_amount")]
        return float(next((min(k / sales, 1.0) for k in kept if k > 0), 0.0))

    @property
    def made_a_loss(self) -> bool:
        """Direct cost and overhead were more than what production left of sales."""
        return self.is_profit and self.total("value_amount") <= 0 < self.total("sales_amount")


def period(
    transactions: ir.Table,
    window: tuple[dt.date, dt.date],
    costs: Costs | None = None,
    margin_share: float | None = None,
) -> Period:
    """Sales, costs and value of each customer in the `window` (after this day, up to and with this day)."""
    costs = costs or Costs()
    frame, known_share = _sales(transactions, window, costs.products)
    basis = COST if known_share >= KNOWN_ENOUGH else REVENUE if margin_share is None else MARGIN
    if basis == MARGIN:
        frame["production_amount"] = frame["sales_amount"] * (1 - margin_share)
    elif basis == REVENUE:
        frame["production_amount"] = 0.0
    has_costs = costs.campaign_costs is not None and basis != REVENUE
    if has_costs:
        frame = _with_campaigns(frame, costs, window)
    for name in COLUMNS:
        frame[name] = _cents(frame[name].to_numpy()) if name in frame else 0.0
    spent = frame["production_amount"] + frame["direct_amount"] + frame["overhead_amount"]
    frame["value_amount"] = (frame["sales_amount"] - spent).round(2)
    columns = ["customer_id", *COLUMNS, "value_amount"]
    return Period(*window, basis, known_share, has_costs, frame[columns])


def _within(table: ir.Table, column: str, window: tuple[dt.date, dt.date]) -> ir.Table:
    day = table[column].cast("date")
    return table.filter((day > ibis.literal(window[0])) & (day <= ibis.literal(window[1])))


def _sales(transactions: ir.Table, window, products: ir.Table | None) -> tuple[pd.DataFrame, float]:
    """Sales and production cost per customer, and the share of sales whose cost is known."""
    rows = _within(_with_cost(transactions, products), "at", window)
    known = rows["row_cost"].notnull()
    grouped = rows.group_by("customer_id").agg(
        sales_amount=rows["amount"].cast(MONEY).sum(),
        known_cost=rows["row_cost"].sum(),
        known_sales=rows["amount"].cast(MONEY).sum(where=known),
        known_turned=rows["amount"].cast(MONEY).abs().sum(where=known),
        turned=rows["amount"].cast(MONEY).abs().sum(),
    )
    grouped = grouped.cache()
    sums = {name: grouped[name].sum().cast("float64").fill_null(0.0) for name in grouped.columns[2:]}
    total = grouped.agg(**sums).to_pyarrow().to_pylist()[0]
    money = {name: grouped[name].fill_null(0).cast("float64") for name in grouped.columns[1:4]}
    frame = grouped.select("customer_id", **money).to_pyarrow().to_pandas()
    frame = frame.sort_values("customer_id", ignore_index=True)
    cost_share = total["known_cost"] / total["known_sales"] if total["known_sales"] > 0 else 0.0
    rest = frame["sales_amount"] - frame["known_sales"]
    frame["production_amount"] = frame["known_cost"] + rest * cost_share
    known_share = total["known_turned"] / total["turned"] if total["turned"] > 0 else 0.0
    return frame[["customer_id", "sales_amount", "production_amount"]], known_share


def _with_cost(transactions: ir.Table, products: ir.Table | None) -> ir.Table:
    """Transactions with `row_cost`, null where it is not known."""
    has = set(transactions.columns)
    found = [transactions["cost_amount"].cast(MONEY)] if "cost_amount" in has else []
    can_look_up = products is not None and {"product_id", "quantity"} <= has and "unit_cost" in products.columns
    if not can_look_up:
        cost = found[0] if found else ibis.null(MONEY)
        return transactions.select("customer_id", "at", "amount", row_cost=cost)
    units = products.select("product_id", each_cost=products["unit_cost"])
    joined = transactions.left_join(units, "product_id")
    looked_up = (joined["each_cost"] * joined["quantity"]).cast(MONEY)
    own = [joined["cost_amount"].cast(MONEY)] if found else []
    return joined.select("customer_id", "at", "amount", row_cost=ibis.coalesce(*own, looked_up))


def _with_campaigns(frame: pd.DataFrame, costs: Costs, window) -> pd.DataFrame:
    """The frame with direct cost of those contacted, and the rest of campaign cost by sales."""
    table = costs.campaign_costs
    spent = _within(table.filter(table["kind"] == "actual"), "spent_on", window)
    total = float(spent["amount"].cast(MONEY).sum().cast("float64").to_pyarrow().as_py() or 0.0)
    frame = frame.merge(_direct(spent, costs.contacts), on="customer_id", how="outer").fillna(0.0)
    frame = frame.sort_values("customer_id", ignore_index=True)
    overhead = total - frame["direct_amount"].sum()
    weight = frame["sales_amount"].clip(lower=0)
    shares = weight / weight.sum() if weight.sum() > 0 else pd.Series(1 / max(len(frame), 1), index=frame.index)
    return frame.assign(overhead_amount=overhead * shares)


def _direct(spent: ir.Table, contacts: ir.Table | None) -> pd.DataFrame:
    """Cost of each customer's contacts: what the campaign cost in the period ÷ everybody it contacted."""
    if contacts is None or not {"customer_id", "campaign_id"} <= {*contacts.columns} & {
        *spent.columns,
        "customer_id",
    }:
        return pd.DataFrame({"customer_id": pd.Series(dtype=str), "direct_amount": pd.Series(dtype=float)})
    if "arm" in contacts.columns:
        contacts = contacts.filter(contacts["arm"].fill_null("treated") == "treated")
    by_campaign = spent.group_by("campaign_id").agg(cost=spent["amount"].cast("float64").sum())
    reached = contacts.group_by("campaign_id").agg(n_reached=contacts.count())
    each = by_campaign.inner_join(reached, "campaign_id")
    each = each.select("campaign_id", each_cost=each["cost"] / each["n_reached"])
    joined = contacts.select("campaign_id", "customer_id").inner_join(each, "campaign_id")
    joined = joined.filter(joined["customer_id"].notnull())
    found = joined.group_by("customer_id").agg(direct_amount=joined["each_cost"].sum()).to_pandas()
    return found.astype({"direct_amount": float})


def _cents(amounts: np.ndarray) -> np.ndarray:
    """Amounts in whole cents that add up to the rounded total: what rounding takes, the next row is given.

    >>> _cents(np.array([0.333, 0.333, 0.334])).tolist()
    [0.33, 0.34, 0.33]
    """
    so_far = np.round(np.cumsum(amounts), 2)
    return np.round(np.diff(so_far, prepend=0.0), 2)
