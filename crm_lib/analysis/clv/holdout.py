"""The test on unseen weeks: fit to what was known at an earlier date, then compare with what came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crm_lib.analysis import histories
from crm_lib.analysis.clv import value
from crm_lib.analysis.clv.options import DAYS_PER_WEEK, Options
from crm_lib.analysis.clv.value import Fitted
from crm_lib.contract.cut import cut
from crm_lib.errors import NotEnoughData

# A hold-out needs this many customers and repeat buyers in its future to be worth a judgement.
FEWEST_BACK = 5


@dataclass(frozen=True)
class Contest:
    """A question put to the model and to the simplest rule: `model` and `rule` are errors, or AUCs."""

    model: float
    rule: float
    more_is_better: bool

    @property
    def model_won(self) -> bool:
        """Whether the model did at least as well as the rule."""
        return self.model >= self.rule if self.more_is_better else self.model <= self.rule


@dataclass(frozen=True, eq=False)
class HoldOut:
    """What a fit on data up to `cut_on` said of the `weeks` after it, and what came from the same customers.

    `tracking`: `week`, `seen`, `forecast` (repeat orders so far, NaN-free). `chances`: ten groups by P(buy) with
    `n_customers`, `said`, `came` (shares). `bought_again` is None where all or none bought.
    """

    fitted: Fitted
    cut_on: dt.date
    weeks: int
    expected_orders: float
    seen_orders: int
    expected_amount: float
    seen_amount: float
    n_back: int
    orders_error: Contest
    bought_again: Contest | None
    tracking: pd.DataFrame
    chances: pd.DataFrame

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
    known = cut({"transactions": transactions}, cut_on)["transactions"]
    frame = value.base(known, cut_on)
    if frame.empty:
        return None, "too_short"
    try:
        fitted = value.fit(frame, cut_on)
    except NotEnoughData:
        return None, "few_repeaters"
    came = histories.bought_between(transactions, cut_on, as_of)
    return _compare(fitted, came, histories.days_with_counts(transactions, cut_on), (as_of, options)), ""


def _compare(fitted: Fitted, came: pd.DataFrame, by_day: pd.DataFrame, asked: tuple) -> HoldOut:
    as_of, options = asked
    days, frame = options.holdout_days, fitted.customers
    came = frame[["customer_id"]].merge(came, on="customer_id", how="left").fillna({"n_orders": 0, "amount": 0.0})
    seen = came["n_orders"].to_numpy(float)
    expected = fitted.expected_orders(days)
    p_buy = fitted.model.p_buy(frame, days)
    return HoldOut(
        fitted=fitted,
        cut_on=fitted.as_of,
        weeks=options.holdout_weeks,
        expected_orders=float(expected.sum()),
        seen_orders=int(seen.sum()),
        expected_amount=float((expected * fitted.expected_spend()).sum()),
        seen_amount=float(came["amount"].sum()),
        n_back=int((seen > 0).sum()),
        orders_error=_orders_error(expected, same_rate(frame, days), seen),
        bought_again=_bought_again(p_buy, frame["days_since_last"].to_numpy(), seen > 0),
        tracking=tracking(fitted, by_day, as_of),
        chances=chances(p_buy, seen > 0),
    )


def same_rate(frame: pd.DataFrame, days: float) -> np.ndarray:
    """The simplest forecast of orders: everybody goes on at the old pace, x / T."""
    return (frame["x"] / frame["T"].clip(lower=1) * days).to_numpy()


def _orders_error(expected: np.ndarray, rule: np.ndarray, seen: np.ndarray) -> Contest:
    return Contest(float(np.abs(expected - seen).mean()), float(np.abs(rule - seen).mean()), more_is_better=False)


def _bought_again(p_buy: np.ndarray, days_since_last: np.ndarray, bought: np.ndarray) -> Contest | None:
    if bought.all() or not bought.any():
        return None
    return Contest(auc(p_buy, bought), auc(-days_since_last, bought), more_is_better=True)


def auc(score: np.ndarray, is_true: np.ndarray) -> float:
    """Chance that a true case scores above a false one; ties count half.

    >>> auc(np.array([1, 2, 2, 3]), np.array([False, True, False, True]))
    0.875
    """
    ranks = rankdata(score)
    n_true = int(is_true.sum())
    n_false = len(is_true) - n_true
    return float((ranks[is_true].sum() - n_true * (n_true + 1) / 2) / (n_true * n_false))


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


def chances(p_buy: np.ndarray, bought: np.ndarray) -> pd.DataFrame:
    """P(buy) as said and the share that bought, in up to ten groups of customers; equal chances stay together."""
    borders = np.unique(np.quantile(p_buy, np.linspace(0, 1, 11)[1:-1]))
    group = np.searchsorted(borders, p_buy)
    frame = pd.DataFrame({"said": p_buy, "came": bought.astype(float)}).groupby(group)
    out = frame.mean()
    out.insert(0, "n_customers", frame.size())
    return out.rename_axis("group").reset_index(drop=True)
