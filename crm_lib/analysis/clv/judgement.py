"""The model on trial: each question on the unseen weeks is put to it and to the simplest rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crm_lib.analysis.btyd import draws
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.intervals import LEVEL

TOP = 0.1
# Customers and draws for the coverage of single customers' ranges.
MOST, N_DRAWS = 5_000, 400


@dataclass(frozen=True)
class Contest:
    """A question put to the model and to a simple rule; `model` and `rule` are their marks."""

    question: str
    rule_name: str
    model: float
    rule: float
    more_is_better: bool

    @property
    def model_won(self) -> bool:
        """Whether the model did at least as well as the rule."""
        return self.model >= self.rule if self.more_is_better else self.model <= self.rule


def contests(fitted: Fitted, seen: np.ndarray, days: float) -> tuple[Contest, ...]:
    """All contests that the future allows.

    `total` (share that the total is off) and `orders_error` (mean absolute error) against `same_rate` (x / T) and
    `mean` (the mean pace of all); `chance` (Brier score) against `base` (the true share, the same for everybody);
    `buys_again` (AUC of P(buy)) and `is_there` (AUC of P(alive), MBG/NBD) against `days_since_last`; `top_tenth`
    (share of orders by the tenth ranked highest) against `orders_so_far`.
    """
    frame = fitted.customers
    expected, pace = fitted.expected_orders(days), same_rate(frame, days)
    mean = np.full(len(frame), frame["x"].sum() / max(frame["T"].sum(), 1) * days)
    found = [
        Contest("orders_error", name, _off(expected, seen), _off(rule, seen), more_is_better=False)
        for name, rule in (("same_rate", pace), ("mean", mean))
    ]
    if seen.sum() > 0:
        total = [abs(float(f.sum()) / float(seen.sum()) - 1) for f in (expected, pace)]
        found.insert(0, Contest("total", "same_rate", *total, more_is_better=False))
        tops = top_share(expected, seen), top_share(frame["x"].to_numpy(float), seen)
        found.append(Contest("top_tenth", "orders_so_far", *tops, more_is_better=True))
    return (*found, *_who(fitted, seen > 0, days))


def _who(fitted: Fitted, bought: np.ndarray, days: float) -> list[Contest]:
    """Who buys again, and with what chance; nothing where all or none did."""
    if bought.all() or not bought.any():
        return []
    frame, p_buy = fitted.customers, fitted.model.p_buy(fitted.customers, days)
    base = float(bought.mean())
    brier = float(np.mean((p_buy - bought) ** 2)), base * (1 - base)
    silence = auc(-frame["days_since_last"].to_numpy(), bought)
    alive = fitted.churn.p_alive(frame)
    return [
        Contest("chance", "base", *brier, more_is_better=False),
        Contest("buys_again", "days_since_last", auc(p_buy, bought), silence, more_is_better=True),
        Contest("is_there", "days_since_last", auc(alive, bought), silence, more_is_better=True),
    ]


def _off(forecast: np.ndarray, seen: np.ndarray) -> float:
    return float(np.abs(forecast - seen).mean())


def same_rate(frame: pd.DataFrame, days: float) -> np.ndarray:
    """The simplest forecast of orders: everybody goes on at the old pace, x / T."""
    return (frame["x"] / frame["T"].clip(lower=1) * days).to_numpy()


def auc(score: np.ndarray, is_true: np.ndarray) -> float:
    """Chance that a true case scores above a false one; ties count half.

    >>> auc(np.array([1, 2, 2, 3]), np.array([False, True, False, True]))
    0.875
    """
    ranks = rankdata(score)
    n_true = int(is_true.sum())
    n_false = len(is_true) - n_true
    return float((ranks[is_true].sum() - n_true * (n_true + 1) / 2) / (n_true * n_false))


def top_share(score: np.ndarray, seen: np.ndarray) -> float:
    """Share of what was seen that the tenth with the highest scores brought; those tied at the border share it.

    >>> top_share(np.array([3, 1, 1, 1, 1, 1, 1, 1, 1, 1]), np.array([4, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
    0.8
    """
    n = max(round(len(score) * TOP), 1)
    border = np.sort(score)[-n]
    above, tied = score > border, score == border
    part = (n - above.sum()) / tied.sum()
    return float((seen[above].sum() + part * seen[tied].sum()) / seen.sum())


def chances(p_buy: np.ndarray, bought: np.ndarray) -> pd.DataFrame:
    """P(buy) as said and the share that bought, in up to ten groups of customers; equal chances stay together."""
    borders = np.unique(np.quantile(p_buy, np.linspace(0, 1, 11)[1:-1]))
    group = np.searchsorted(borders, p_buy)
    frame = pd.DataFrame({"said": p_buy, "came": bought.astype(float)}).groupby(group)
    out = frame.mean()
    out.insert(0, "n_customers", frame.size())
    return out.rename_axis("group").reset_index(drop=True)


def coverage(fitted: Fitted, seen: np.ndarray, days: float, seed: int) -> float:
    """Share of customers whose orders fell into their own range: at least the level, since orders are whole."""
    rows = np.linspace(0, len(seen) - 1, min(len(seen), MOST)).round().astype(int)
    model, rng = fitted.model, np.random.default_rng(seed)
    x, t_x, T = (v[rows] for v in model.in_units(fitted.customers))
    parameters = model.parameter_draws(rng, N_DRAWS)
    drawn = draws.orders(parameters, (x, t_x, T), days / model.unit_days, model.kind, rng)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return float(((seen[rows] >= np.floor(low)) & (seen[rows] <= np.ceil(high))).mean())
