"""The simplest forecast, where too few have bought twice for a model: one pace for everybody."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.intervals import Interval, poisson_rate


def same_pace(customers: pd.DataFrame, days: float) -> Interval | None:
    """Orders of all customers in the next `days` if repeat orders come as before; None where none had time to.

    Repeat orders per customer-day, exact interval (Garwood 1936): also without a single repeat order it has an
    upper end. `customers` has `x` and `T` in days.
    """
    exposure = float(customers["T"].sum())
    if exposure <= 0:
        return None
    rate = poisson_rate(int(customers["x"].sum()), exposure)
    times = len(customers) * days
    return Interval(rate.value * times, rate.low * times, rate.high * times, len(customers))
