"""The forecast: from transactions to what customers will bring, who may be lost, and how far to trust it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis.clv import value
from crm_lib.analysis.clv.holdout import HoldOut, hold_out
from crm_lib.analysis.clv.options import Options
from crm_lib.analysis.clv.peers import Peer, lifetimes
from crm_lib.analysis.clv.ranges import ranges
from crm_lib.analysis.clv.risk import Risk, at_risk
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import Publication
from crm_lib.errors import NotEnoughData


@dataclass(frozen=True, eq=False)
class Outlook:
    """What the models say of the horizon: `orders` and `value` in all with 90 % ranges, tenths, risk."""

    fitted: Fitted
    orders: Interval
    value: Interval
    tenths: pd.DataFrame
    risk: Risk
    n_simulated: int

    @property
    def top_tenth_share(self) -> float:
        """Share of the expected value that the most valuable tenth of customers brings."""
        return float(self.tenths["share"].iloc[0])


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of what today's customers will bring.

    `customers`: one row per customer with an order (see `Forecast.table`). `outlook` is None where no model could
    be fitted, and `reason` says why: `no_orders` or `few_repeaters`. `holdout` is None where there is no test,
    and `no_holdout` says why: `not_asked`, `too_short` or `few_repeaters`.
    """

    as_of: dt.date
    options: Options
    customers: pd.DataFrame
    outlook: Outlook | None
    reason: str
    holdout: HoldOut | None
    no_holdout: str
    peer: Peer | None

    @property
    def until(self) -> dt.date:
        """Last day of the horizon."""
        return self.as_of + dt.timedelta(days=self.options.horizon_days)

    @property
    def n_customers(self) -> int:
        """Customers with an order."""
        return len(self.customers)

    @property
    def n_repeaters(self) -> int:
        """Customers with more than one order."""
        return int((self.customers["n_orders"] > 1).sum())

    @property
    def first_on(self) -> dt.date | None:
        """First day with an order; None without orders."""
        return None if self.customers.empty else self.customers["first_on"].min().date()

    @property
    def newest_on(self) -> dt.date | None:
        """Day of the latest first order; None without orders."""
        return None if self.customers.empty else self.customers["first_on"].max().date()

    @property
    def orders_range(self) -> Interval | None:
        """The 90 % range of orders, widened by what the hold-out test missed: a range, not 90 %."""
        return widened(self.outlook.orders, self.holdout.miss) if self.outlook and self.holdout else None

    @property
    def value_range(self) -> Interval | None:
        """The 90 % range of value, widened by what the hold-out test missed in money."""
        return widened(self.outlook.value, self.holdout.amount_miss) if self.outlook and self.holdout else None

    @property
    def table(self) -> pd.DataFrame:
        """The published customer table, by `customer_id`; without a model its last seven columns are empty."""
        known = ["customer_id", "days_since_last", "n_orders", "amount"]
        said = ["p_alive", "p_buy", "expected_orders", "expected_spend", "clv_low", "clv_mid", "clv_high"]
        frame = self.customers.reindex(columns=known + said)
        return frame.assign(as_of=pd.Timestamp(self.as_of)).sort_values("customer_id", ignore_index=True)

    @property
    def publication(self) -> Publication:
        """Figures and the customer table, without words."""
        from crm_lib.analysis.clv.figures import figures

        return Publication("clv", figures(self), {"customers": self.table})


def widened(interval: Interval, miss: float) -> Interval:
    """The interval with its upper end raised, or its lower end lowered, by a miss (seen ÷ expected)."""
    low, high = interval.low * min(miss, 1.0), interval.high * max(miss, 1.0)
    return Interval(interval.value, low, high, interval.n)


def forecast(transactions: ir.Table, as_of: dt.date, options: Options | None = None) -> Forecast:
    """What customers with an order by `as_of` will bring in the horizon.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`, refunds negative. Rows of a day are merged; time is in weeks with fractions.
    as_of
        Last day of data to use; the headline is fitted to all of it.
    options
        Horizon, hold-out, margin, discount, seed.

    Returns
    -------
    Forecast
        Parts that can't be computed are None, with the reason beside them; never NaN.
    """
    options = options or Options()
    frame = value.base(transactions, as_of)
    outlook, reason = None, "no_orders"
    if len(frame):
        try:
            outlook, reason = _outlook(value.fit(frame, as_of), options), ""
        except NotEnoughData:
            reason = "few_repeaters"
    if outlook is None:
        return Forecast(as_of, options, frame, None, reason, None, reason, None)
    test, no_test = hold_out(transactions, as_of, options)
    return Forecast(
        as_of=as_of,
        options=options,
        customers=outlook.fitted.customers,
        outlook=outlook,
        reason="",
        holdout=test,
        no_holdout=no_test,
        peer=_peer(outlook, test, options),
    )


def _outlook(fitted: Fitted, options: Options) -> Outlook:
    customers = value.scored(fitted, options)
    spread = ranges(fitted, customers, options.horizon_days, options.seed)
    customers = customers.assign(clv_low=spread.clv_low, clv_high=spread.clv_high)
    return Outlook(
        fitted=Fitted(fitted.model, fitted.spend, customers, fitted.as_of),
        orders=spread.orders,
        value=spread.amount,
        tenths=value.by_tenth(customers),
        risk=at_risk(customers, options),
        n_simulated=spread.n_simulated,
    )


def _peer(outlook: Outlook, test: HoldOut | None, options: Options) -> Peer | None:
    """Judged on the fit whose truth is known: the hold-out's, or else the headline's."""
    if test is not None:
        return lifetimes(test.fitted.model, test.fitted.histories, options.holdout_days)
    return lifetimes(outlook.fitted.model, outlook.fitted.histories, options.horizon_days)
