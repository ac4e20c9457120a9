"""Each customer's expected orders, spend and value, from a fitted purchase process and spend model."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import btyd, histories, spend
from crm_lib.analysis.clv.options import DAYS_PER_MONTH, Options

# Months in a year, for the monthly rate behind an annual discount.
MONTHS = 12


@dataclass(frozen=True, eq=False)
class Fitted:
    """Both models fitted on customers as known on one date, and those customers."""

    model: btyd.BgNbd
    spend: spend.Spend
    customers: pd.DataFrame
    as_of: dt.date

    @property
    def histories(self) -> histories.Histories:
        """The customers' distinct histories with counts."""
        return histories.of_frame(self.customers)

    def expected_spend(self) -> np.ndarray:
        """Expected amount per order of each customer."""
        return self.spend.expected(self.customers["x"], self.customers["mean_repeat_amount"])

    def expected_orders(self, days: float) -> np.ndarray:
        """Expected orders of each customer in the next `days`."""
        return self.model.expected_orders(self.customers, days)


def base(transactions: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """Customers with an order by `as_of`: history, net amounts, and mean net amount of repeat orders.

    Refunds lower `amount` and `repeat_amount`; a customer whose refunds eat up all repeat orders has a mean of 0
    or less and tells the spend model nothing.
    """
    frame = histories.customers_frame(histories.per_customer(transactions, as_of), as_of)
    frame["days_since_last"] = frame["T"] - frame["t_x"]
    frame["repeat_amount"] = (frame["amount"] - frame["first_amount"]).where(frame["x"] > 0, 0.0).round(2)
    frame["mean_repeat_amount"] = frame["repeat_amount"] / frame["x"].clip(lower=1)
    return frame


def fit(frame: pd.DataFrame, as_of: dt.date) -> Fitted:
    """Fit both models on `base` rows; NotEnoughData where too few customers bought twice."""
    model = btyd.fit(histories.of_frame(frame))
    mean_order = float(frame["amount"].sum() / frame["n_orders"].sum())
    money = spend.fit(frame["x"].to_numpy(), frame["mean_repeat_amount"].to_numpy(), mean_order)
    return Fitted(model, money, frame, as_of)


def discounted_orders(fitted: Fitted, days: float, annual_discount_share: float) -> np.ndarray:
    """Expected orders, each month's discounted to today as if they came at its end.

    sum_i (E[Y(t_i)] - E[Y(t_(i-1))]) / (1+d)^i with d = (1+annual)^(1/12) - 1; months of 365.25/12 days.
    """
    if annual_discount_share == 0:
        return fitted.expected_orders(days)
    monthly = (1 + annual_discount_share) ** (1 / MONTHS)
    ends = np.append(np.arange(DAYS_PER_MONTH, days, DAYS_PER_MONTH), days)
    total, before = np.zeros(len(fitted.customers)), np.zeros(len(fitted.customers))
    for i, end in enumerate(ends, start=1):
        now = fitted.expected_orders(end)
        total += (now - before) / monthly**i
        before = now
    return total


def scored(fitted: Fitted, options: Options) -> pd.DataFrame:
    """`base` rows with `p_alive`, `p_buy`, `expected_orders`, `expected_spend`, `value_share`, `clv_mid`.

    `value_share` turns a customer's spend in the horizon into value: margin x discount. `clv_mid` is the expected
    value, so that customers add up to the total.
    """
    frame, days = fitted.customers, options.horizon_days
    orders = fitted.expected_orders(days)
    discounted = discounted_orders(fitted, days, options.annual_discount_share)
    kept = np.divide(discounted, orders, out=np.ones(len(frame)), where=orders > 0) * options.value_share
    spent = fitted.expected_spend()
    return frame.assign(
        p_alive=fitted.model.p_alive(frame),
        p_buy=fitted.model.p_buy(frame, days),
        expected_orders=orders,
        expected_spend=spent,
        value_share=kept,
        clv_mid=orders * spent * kept,
    )


def by_tenth(customers: pd.DataFrame) -> pd.DataFrame:
    """Share of the expected value by tenth of customers, the most valuable first.

    Returns
    -------
    pd.DataFrame
        `tenth` (1–10, as many as there are customers for), `n_customers`, `amount`, `share`.
    """
    order = np.argsort(-customers["clv_mid"].to_numpy(), kind="stable")
    tenth = np.empty(len(order), dtype=int)
    tenth[order] = np.arange(len(order)) * 10 // len(order) + 1
    grouped = customers["clv_mid"].groupby(tenth)
    frame = pd.DataFrame({"n_customers": grouped.size(), "amount": grouped.sum()})
    total = frame["amount"].sum()
    frame["share"] = frame["amount"] / total if total > 0 else 0.0
    return frame.rename_axis("tenth").reset_index()
