"""Good customers who have gone silent: what their old pace would bring, times the chance that it doesn't."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis.clv.options import DAYS_PER_WEEK, Options

# Good: in the upper two fifths of repeat buyers by money of repeat orders, the border at a round amount.
GOOD_FROM = 0.6


@dataclass(frozen=True, eq=False)
class Risk:
    """Silent good customers, most money first, and what counts as good and silent.

    `customers`: `customer_id`, `n_orders`, `weeks_active`, `weeks_silent`, `expected_spend`, `p_buy`,
    `at_risk_amount`. `good_from_amount` is the money of repeat orders above which a customer counts as good.
    """

    customers: pd.DataFrame
    good_from_amount: float
    silent_below_share: float

    @property
    def n(self) -> int:
        """Silent good customers."""
        return len(self.customers)

    @property
    def amount(self) -> float:
        """Value at risk of all of them."""
        return float(self.customers["at_risk_amount"].sum())


def round_amount(amount: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, 50 … on a log scale; 0 for nothing.

    >>> round_amount(92.9), round_amount(3400)
    (100.0, 5000.0)
    """
    if amount <= 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(amount))
    steps = np.array([1, 2, 5, 10]) * power
    return float(steps[np.abs(np.log(steps / amount)).argmin()])


def at_risk(customers: pd.DataFrame, options: Options) -> Risk:
    """Who of the `scored` customers is good and silent.

    Value at risk = repeat orders per day so far x days of the horizon x expected spend x margin and discount
    x (1 - P(buy)). The expected value would count the silence twice.
    """
    repeat = customers[customers["x"] > 0]
    good_from = round_amount(float(repeat["repeat_amount"].quantile(GOOD_FROM))) if len(repeat) else 0.0
    is_silent = (repeat["repeat_amount"] > good_from) & (repeat["p_buy"] < options.silent_below_share)
    silent = repeat[is_silent]
    at_old_pace = silent["x"] / silent["T"].clip(lower=1) * options.horizon_days * silent["expected_spend"]
    silent = silent.assign(
        at_risk_amount=at_old_pace * silent["value_share"] * (1 - silent["p_buy"]),
        weeks_silent=silent["days_since_last"] / DAYS_PER_WEEK,
        weeks_active=silent["t_x"] / DAYS_PER_WEEK,
    )
    columns = [
        *("customer_id", "n_orders", "weeks_active", "weeks_silent"),
        *("expected_spend", "p_buy", "at_risk_amount"),
    ]
    ranked = silent.sort_values(["at_risk_amount", "customer_id"], ascending=[False, True])
    return Risk(ranked[columns].reset_index(drop=True), good_from, options.silent_below_share)
