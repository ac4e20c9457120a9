"""The forecast made again at earlier dates: how far its totals stray when the model itself is wrong."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np

from crm_lib.analysis.clv import value
from crm_lib.analysis.clv.options import Options
from crm_lib.analysis.clv.ranges import ranges
from crm_lib.analysis.clv.value import Fitted
from crm_lib.errors import NotEnoughData

# As many separate windows as the data have room for, but no more than this.
MOST_ORIGINS = 8
# An origin needs a history of about the length of its window.
SHORTEST_HISTORY = 0.9
# Enough to know how wide the first two layers are.
N_DRAWS = 200


@dataclass(frozen=True)
class Origin:
    """One forecast of the past: orders and money expected and seen, and the spread that the range had claimed.

    `orders_spread` and `amount_spread` are standard deviations of the simulated totals ÷ their mean.
    """

    cut_on: dt.date
    expected_orders: float
    seen_orders: float
    expected_amount: float
    seen_amount: float
    orders_spread: float
    amount_spread: float

    @property
    def miss(self) -> float:
        """Orders seen ÷ expected."""
        return self.seen_orders / self.expected_orders if self.expected_orders > 0 else 1.0

    @property
    def amount_miss(self) -> float:
        """Money seen ÷ expected; 1 where there was none to compare."""
        return max(self.seen_amount, 0.0) / self.expected_amount if self.expected_amount > 0 else 1.0


def origins(
    transactions: ir.Table, as_of: dt.date, options: Options, first_on: dt.date, newest: Fitted | None = None
) -> tuple[Origin, ...]:
    """Forecasts of windows that don't overlap, the newest first; each fitted to what was known at its date.

    `newest` is the fit of the newest window, where it is there already.
    """
    days, found = options.holdout_days, []
    if not days:
        return ()
    for k in range(1, MOST_ORIGINS + 1):
        cut_on = as_of - dt.timedelta(days=k * days)
        if k > 1 and (cut_on - first_on).days < SHORTEST_HISTORY * days:
            break
        until = cut_on + dt.timedelta(days=days)
        fitted = newest if newest and k == 1 else fitted_at(transactions, cut_on, until)
        if fitted is None:
            break
        found.append(_origin(fitted, options))
    return tuple(found)


def fitted_at(transactions: ir.Table, cut_on: dt.date, until: dt.date, beside: bool = False) -> Fitted | None:
    """The models fitted to `value.past` rows, known at the end of a day; None where that is too little."""
    frame = value.past(transactions, cut_on, until)
    try:
        return value.fit(frame, cut_on, beside=beside) if len(frame) else None
    except NotEnoughData:
        return None


def _origin(fitted: Fitted, options: Options) -> Origin:
    plain = Options(horizon_weeks=options.holdout_weeks, seed=options.seed)
    customers = value.scored(fitted, plain)
    spread = ranges(fitted, customers, plain.horizon_days, plain.seed, N_DRAWS)
    return Origin(
        cut_on=fitted.as_of,
        expected_orders=float(customers["expected_orders"].sum()),
        seen_orders=float(customers["n_after"].sum()),
        expected_amount=float(customers["clv_mid"].sum()),
        seen_amount=float(customers["amount_after"].sum()),
        orders_spread=_relative(spread.orders_drawn),
        amount_spread=_relative(spread.amount_drawn),
    )


def _relative(drawn: np.ndarray) -> float:
    return float(drawn.std() / drawn.mean()) if drawn.mean() > 0 else 0.0
