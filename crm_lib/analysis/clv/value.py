"""Each customer's expected orders, spend and value, from a fitted purchase process and spend model."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import btyd, histories, spend
from crm_lib.analysis.clv.options import DAYS_PER_MONTH, Options
from crm_lib.analysis.clv.score import CHUNK_ROWS, SCORES, Rule
from crm_lib.analysis.intervals import LEVEL
from crm_lib.contract.cut import cut

# Months in a year, for the monthly rate behind an annual discount.
MONTHS = 12


@dataclass(frozen=True, eq=False)
class Fitted:
    """Both models fitted on customers as known on one date, and those customers.

    `model` (BG/NBD, or simpler) says how much will be bought; `churn` (MBG/NBD) says who is still there, as the
    BG/NBD takes every customer with one order for alive. `beside` are further models, for comparison.
    """

    model: btyd.PurchaseModel
    spend: spend.Spend
    customers: pd.DataFrame
    as_of: dt.date
    churn: btyd.PurchaseModel
    beside: tuple[btyd.PurchaseModel, ...] = ()

    @cached_property
    def histories(self) -> histories.Histories:
        """The customers' distinct histories with counts."""
        return histories.of_frame(self.customers)

    def total_orders(self, model: btyd.PurchaseModel, days: float) -> float:
        """Orders that a model expects of all customers in the next `days`."""
        return float((model.expected_orders(self.histories, days) * self.histories.n).sum())

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
    return _base(histories.per_customer(transactions, as_of), as_of)


def past(transactions: ir.Table, cut_on: dt.date, until: dt.date) -> pd.DataFrame:
    """`base` rows as known at the end of `cut_on`, without ids, and what each customer bought until `until`.

    `n_after` and `amount_after` are 0 for those who did not come back. Joined in the engine: one row each.
    """
    known = histories.per_customer(cut({"transactions": transactions}, cut_on)["transactions"], cut_on)
    came = histories.bought(transactions, cut_on, until)
    came = came.select(came_id=came.customer_id, n_after=came.n_orders.cast("int32"), amount_after=came.amount)
    joined = known.left_join(came, known.customer_id == came.came_id).drop("came_id")
    joined = joined.mutate(n_after=joined.n_after.fill_null(0), amount_after=joined.amount_after.fill_null(0.0))
    return _base(joined, cut_on).drop(columns="customer_id")


def _base(per_customer: ir.Table, as_of: dt.date) -> pd.DataFrame:
    frame = histories.customers_frame(per_customer, as_of)
    frame["days_since_last"] = frame["T"] - frame["t_x"]
    frame["repeat_amount"] = (frame["amount"] - frame["first_amount"]).where(frame["x"] > 0, 0.0).round(2)
    frame["mean_repeat_amount"] = frame["repeat_amount"] / frame["x"].clip(lower=1)
    return frame


def fit(frame: pd.DataFrame, as_of: dt.date, beside: bool = True) -> Fitted:
    """Fit the models on `base` rows; NotEnoughData where too few customers bought twice.

    Without `beside` the purchase model alone is fitted, and answers the questions of churn, too.
    """
    unique = histories.of_frame(frame)
    model = btyd.fit(unique)
    mean_order = float(frame["amount"].sum() / frame["n_orders"].sum())
    money = spend.fit(frame["x"].to_numpy(), frame["mean_repeat_amount"].to_numpy(), mean_order)
    if not beside:
        return Fitted(model, money, frame, as_of, model)
    churn = btyd.fit(unique, kind=btyd.MBG)
    return Fitted(model, money, frame, as_of, churn, (btyd.fit(unique, kind=btyd.NBD),))


def scored(fitted: Fitted, options: Options) -> pd.DataFrame:
    """`base` rows with `p_alive`, `p_buy`, `expected_orders`, `expected_spend`, `value_share`, `clv_mid`.

    `p_alive` is the churn model's; `p_buy` and orders are the purchase model's. `value_share` turns a customer's
    spend in the horizon into value: margin x discount. `clv_mid` is the expected value: customers add up to
    the total.
    """
    frame = fitted.customers
    rule = Rule.of(fitted.model, fitted.spend, options, fitted.histories, fitted.churn)
    scores = {name: np.empty(len(frame)) for name in SCORES}
    for start in range(0, len(frame), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        for name, values in rule.scores(frame.iloc[chunk]).items():
            scores[name][chunk] = values
    return frame.assign(**scores)


def next_order_on(fitted: Fitted, as_of: dt.date, days: float) -> pd.DataFrame:
    """Days by which one in twenty, half and nineteen in twenty of those who order in the horizon have done so.

    Returns
    -------
    pd.DataFrame
        `next_order_early`, `next_order_mid`, `next_order_late` (datetime64[s]), rows as in `fitted.customers`.
    """
    edges = {"early": (1 - LEVEL) / 2, "mid": 0.5, "late": (1 + LEVEL) / 2}
    waits = {f"next_order_{k}": fitted.model.next_order_days(fitted.customers, q, days) for k, q in edges.items()}
    start = pd.Timestamp(as_of).as_unit("s")
    frame = pd.DataFrame({k: start + pd.to_timedelta(np.ceil(v), unit="D") for k, v in waits.items()})
    return frame.set_index(fitted.customers.index)


def by_month(fitted: Fitted, options: Options, customers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Expected value of each customer in each month of the horizon: what `clv_mid` is the sum of.

    Months of 365.25/12 days, the last one cut at the horizon; each discounted as at its end. A matrix of customers
    x months: give the `customers` wanted (rows of `fitted.customers`) where they are many.

    Returns
    -------
    pd.DataFrame
        Index `customer_id`; columns 1, 2, … (month).
    """
    chosen = fitted if customers is None else replace(fitted, customers=customers)
    ends = month_ends(options.horizon_days)
    monthly = (1 + options.annual_discount_share) ** (1 / MONTHS)
    so_far = np.column_stack([chosen.expected_orders(end) for end in ends])
    orders = np.diff(so_far, axis=1, prepend=0.0)
    worth = chosen.expected_spend() * options.value_share
    matrix = orders * worth[:, None] / monthly ** np.arange(1, len(ends) + 1)
    index = pd.Index(chosen.customers["customer_id"], name="customer_id")
    return pd.DataFrame(matrix, index=index, columns=range(1, len(ends) + 1))


def month_ends(days: float) -> np.ndarray:
    """Ends of the months in the next `days`, in days from now; the last is `days`."""
    return np.append(np.arange(DAYS_PER_MONTH, days, DAYS_PER_MONTH), days)


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
