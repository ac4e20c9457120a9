"""The test on unseen weeks: fit to what was known at an earlier date, then compare with what came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import histories
from crm_lib.analysis.clv import judgement
from crm_lib.analysis.clv.judgement import Contest
from crm_lib.analysis.clv.options import DAYS_PER_WEEK, Options
from crm_lib.analysis.clv.rolling import fitted_at
from crm_lib.analysis.clv.value import Fitted


@dataclass(frozen=True, eq=False)
class HoldOut:
    """What a fit on data up to `cut_on` said of the `weeks` after it, and what came from the same customers.

    `tracking`: `week`, `seen`, `forecast` (repeat orders so far, NaN-free). `chances`: ten groups by P(buy) with
    `n_customers`, `said`, `came` (shares). `contests`: see `judgement.contests`. `covered_share`: customers whose
    orders fell into their own 90 % range. `churn_orders` are expected by the
    churn model (MBG/NBD) instead.
    """

    fitted: Fitted
    cut_on: dt.date
    weeks: float
    expected_orders: float
    churn_orders: float
    seen_orders: int
    expected_amount: float
    seen_amount: float
    n_back: int
    contests: tuple[Contest, ...]
    covered_share: float
    tracking: pd.DataFrame
    chances: pd.DataFrame

    def contest(self, question: str, rule_name: str = "") -> Contest | None:
        """The contest on a question (against this rule); None where there was none."""
        names = (c for c in self.contests if c.question == question and rule_name in ("", c.rule_name))
        return next(names, None)

    @property
    def days(self) -> float:
        """Length of the unseen time in days."""
        return self.weeks * DAYS_PER_WEEK

    @property
    def miss(self) -> float:
        """Orders seen ÷ expected."""
        return self.seen_orders / self.expected_orders

    @property
    def amount_miss(self) -> float:
        """Money seen ÷ expected; 1 where the future brought no money at all to compare."""
        return max(self.seen_amount, 0.0) / self.expected_amount if self.expected_amount > 0 else 1.0

    @property
    def forecast_so_far(self) -> float:
        """Repeat orders that the model expects by the end, since the first day."""
        return float(self.tracking["forecast"].iloc[-1])

    @property
    def seen_so_far(self) -> int:
        """Repeat orders seen by the end, since the first day."""
        return int(self.tracking["seen"].iloc[-1])


def hold_out(transactions: ir.Table, as_of: dt.date, options: Options) -> tuple[HoldOut | None, str]:
    """The hold-out test, or None and why there is none: `not_asked`, `too_short`, `few_repeaters`."""
    if options.holdout_weeks == 0:
        return None, "not_asked"
    cut_on = as_of - dt.timedelta(days=options.holdout_days)
    found = hold_out_from(transactions, cut_on, as_of, options.seed)
    if found is not None:
        return found, ""
    return None, "too_short" if histories.days_with_counts(transactions, cut_on).empty else "few_repeaters"


def hold_out_from(transactions: ir.Table, cut_on: dt.date, as_of: dt.date, seed: int) -> HoldOut | None:
    """The test of a fit to data up to `cut_on` on the days until `as_of`; None where nothing could be fitted."""
    fitted = fitted_at(transactions, cut_on, as_of, beside=True)
    if fitted is None:
        return None
    return _compare(fitted, histories.days_with_counts(transactions, cut_on), as_of, seed)


def _compare(fitted: Fitted, by_day: pd.DataFrame, as_of: dt.date, seed: int) -> HoldOut:
    days, frame = (as_of - fitted.as_of).days, fitted.customers
    seen = frame["n_after"].to_numpy(float)
    expected = fitted.expected_orders(days)
    return HoldOut(
        fitted=fitted,
        cut_on=fitted.as_of,
        weeks=days / DAYS_PER_WEEK,
        expected_orders=float(expected.sum()),
        churn_orders=float(fitted.churn.expected_orders(frame, days).sum()),
        seen_orders=int(seen.sum()),
        expected_amount=float((expected * fitted.expected_spend()).sum()),
        seen_amount=float(frame["amount_after"].sum()),
        n_back=int((seen > 0).sum()),
        contests=judgement.contests(fitted, seen, days),
        covered_share=judgement.coverage(fitted, seen, days, seed),
        tracking=tracking(fitted, by_day, as_of),
        chances=judgement.chances(fitted.model.p_buy(frame, days), seen > 0),
    )


def tracking(fitted: Fitted, by_day: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Repeat orders so far at the end of each week since the first order, seen and forecast.

    Both sides count the same customers: those known when the model was fitted. The last row is `as_of`.
    """
    first = pd.Timestamp(by_day["day"].iloc[0])
    since = (by_day["day"] - first).dt.days.to_numpy()
    last = (pd.Timestamp(as_of) - first).days
    repeat, new = (np.bincount(since, by_day[c], minlength=last + 1) for c in ("n_repeat", "n_first"))
    curve = fitted.model.expected_orders_of_new(np.arange(last + 1))
    forecast = np.convolve(new, curve)[: last + 1]
    ends = np.unique(np.append(np.arange(DAYS_PER_WEEK, last + 1, DAYS_PER_WEEK), last))
    return pd.DataFrame(
        {"week": ends / DAYS_PER_WEEK, "seen": np.cumsum(repeat)[ends], "forecast": forecast[ends]}
    )
