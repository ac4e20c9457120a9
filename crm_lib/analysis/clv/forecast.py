"""The forecast: from transactions to what customers will bring, who may be lost, and how far to trust it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.clv import profit, value
from crm_lib.analysis.clv.holdout import HoldOut, hold_out
from crm_lib.analysis.clv.layers import Layers, layers
from crm_lib.analysis.clv.options import Options
from crm_lib.analysis.clv.peers import Peer, lifetimes
from crm_lib.analysis.clv.plain import same_pace
from crm_lib.analysis.clv.profit import Costs, Period
from crm_lib.analysis.clv.ranges import Ranges, ranges
from crm_lib.analysis.clv.risk import Risk, at_risk
from crm_lib.analysis.clv.rolling import Origin, origins
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import Publication
from crm_lib.errors import NotEnoughData

KNOWN = ["customer_id", "days_since_last", "n_orders", "amount", "period_value_amount"]
SAID = [
    *("p_alive", "p_buy", "expected_orders", "expected_spend", "clv_low", "clv_mid", "clv_high"),
    *("next_order_early", "next_order_mid", "next_order_late"),
]


@dataclass(frozen=True, eq=False)
class Outlook:
    """What the models say of the horizon: `orders` and `value` in all, tenths, risk.

    `orders` and `value` hold two layers (chance and fit) at 90 %; `orders_layers` and `value_layers` hold the
    third, too.
    """

    fitted: Fitted
    orders: Interval
    value: Interval
    orders_layers: Layers
    value_layers: Layers
    tenths: pd.DataFrame
    risk: Risk
    n_simulated: int

    @property
    def top_tenth_share(self) -> float:
        """Share of the expected value that the most valuable tenth of customers brings."""
        return float(self.tenths["share"].iloc[0])


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Brief):
    """A forecast of what today's customers will bring, and what they brought in the same time before.

    `customers`: one row per customer with an order (see `Forecast.table`). `outlook` is None where no model could
    be fitted, and `reason` says why: `no_orders` or `few_repeaters`; `plain` is then the orders that one pace for
    all would bring. `holdout` is None where there is no test, and `no_holdout` says why: `not_asked`, `too_short`
    or `few_repeaters`. `origins` are the rolling hold-outs, the newest first. `realised` is the value of the
    period of the same length before.
    """

    as_of: dt.date
    options: Options
    customers: pd.DataFrame
    realised: Period
    outlook: Outlook | None
    reason: str
    plain: Interval | None
    holdout: HoldOut | None
    no_holdout: str
    origins: tuple[Origin, ...]
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
        return None if self.customers.empty else self.as_of - dt.timedelta(days=int(self.customers["T"].max()))

    @property
    def newest_on(self) -> dt.date | None:
        """Day of the latest first order; None without orders."""
        return None if self.customers.empty else self.as_of - dt.timedelta(days=int(self.customers["T"].min()))

    @property
    def orders_range(self) -> Layers | None:
        """The range of orders with the third layer; None without a hold-out test."""
        return self.outlook.orders_layers if self.outlook and self.origins else None

    @property
    def value_range(self) -> Layers | None:
        """The range of value with the third layer; None without a hold-out test."""
        return self.outlook.value_layers if self.outlook and self.origins else None

    @property
    def table(self) -> pd.DataFrame:
        """The published customer table, by `customer_id`; without a model all that `SAID` names is empty."""
        frame = self.customers.reindex(columns=KNOWN + SAID)
        return frame.assign(as_of=pd.Timestamp(self.as_of)).sort_values("customer_id", ignore_index=True)

    @property
    def publication(self) -> Publication:
        """Figures and the customer table, without words."""
        from crm_lib.analysis.clv.figures import figures

        return Publication("clv", figures(self), {"customers": self.table})


def forecast(
    transactions: ir.Table, as_of: dt.date, options: Options | None = None, costs: Costs | None = None
) -> Forecast:
    """What customers with an order by `as_of` will bring in the horizon.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`, refunds negative; `cost_amount`, `product_id`, `quantity` where known.
        Rows of a day are merged; time is in weeks with fractions.
    as_of
        Last day of data to use; the headline is fitted to all of it.
    options
        Horizon, hold-out, margin, discount, seed.
    costs
        Tables that tell of cost; without them (and without `cost_amount`) the margin of the options holds.

    Returns
    -------
    Forecast
        Parts that can't be computed are None, with the reason beside them; never NaN.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> found = forecast(examples.purchases(), examples.AS_OF, Options(horizon_weeks=26, holdout_weeks=0))
    >>> len(found.customers), found.no_holdout
    (24, 'not_asked')
    """
    options = options or Options()
    before = as_of - dt.timedelta(days=options.horizon_days)
    realised = profit.period(transactions, (before, as_of), costs, options.margin_share)
    if realised.is_profit:
        options = replace(options, margin_share=realised.value_share)
    frame = _with_realised(value.base(transactions, as_of), realised)
    fitted, reason = _fit(frame, as_of)
    if fitted is None:
        plain = same_pace(frame, options.horizon_days) if len(frame) else None
        return Forecast(as_of, options, frame, realised, None, reason, plain, None, reason, (), None)
    test, no_test = hold_out(transactions, as_of, options)
    first_on = as_of - dt.timedelta(days=int(frame["T"].max()))
    tests = origins(transactions, as_of, options, first_on, test.fitted) if test else ()
    outlook = _outlook(fitted, options, tests)
    return Forecast(
        as_of=as_of,
        options=options,
        customers=outlook.fitted.customers,
        realised=realised,
        outlook=outlook,
        reason="",
        plain=None,
        holdout=test,
        no_holdout=no_test,
        origins=tests,
        peer=_peer(outlook, test, options),
    )


def _with_realised(frame: pd.DataFrame, realised: Period) -> pd.DataFrame:
    """`base` rows with what each customer brought in the period, 0 for those who did not buy in it."""
    brought = realised.customers[["customer_id", "value_amount"]]
    joined = frame.merge(brought.rename(columns={"value_amount": "period_value_amount"}), "left", "customer_id")
    return joined.fillna({"period_value_amount": 0.0})


def _fit(frame: pd.DataFrame, as_of: dt.date) -> tuple[Fitted | None, str]:
    if frame.empty:
        return None, "no_orders"
    try:
        return value.fit(frame, as_of), ""
    except NotEnoughData:
        return None, "few_repeaters"


def _outlook(fitted: Fitted, options: Options, tests: tuple[Origin, ...]) -> Outlook:
    customers = value.scored(fitted, options)
    spread = ranges(fitted, customers, options.horizon_days, options.seed)
    customers = customers.assign(clv_low=spread.clv_low, clv_high=spread.clv_high)
    customers = customers.join(value.next_order_on(fitted, fitted.as_of, options.horizon_days))
    orders, amount = _layers(spread, tests, options.seed)
    return Outlook(
        fitted=replace(fitted, customers=customers),
        orders=spread.orders,
        value=spread.amount,
        orders_layers=orders,
        value_layers=amount,
        tenths=value.by_tenth(customers),
        risk=at_risk(customers, options),
        n_simulated=spread.n_simulated,
    )


def _layers(spread: Ranges, tests: tuple[Origin, ...], seed: int) -> tuple[Layers, Layers]:
    by_orders, by_amount = spread.by_fit
    orders = [(o.miss, o.orders_spread) for o in tests]
    amount = [(o.amount_miss, o.amount_spread) for o in tests]
    return (
        layers(spread.orders, spread.orders_drawn, by_orders, orders, seed),
        layers(spread.amount, spread.amount_drawn, by_amount, amount, seed),
    )


def _peer(outlook: Outlook, test: HoldOut | None, options: Options) -> Peer | None:
    """Judged on the fit whose truth is known: the hold-out's, or else the headline's."""
    if test is not None:
        return lifetimes(test.fitted.model, test.fitted.histories, options.holdout_days)
    return lifetimes(outlook.fitted.model, outlook.fitted.histories, options.horizon_days)
