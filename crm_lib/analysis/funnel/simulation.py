"""What open and coming deals will bring, drawn by chance: coins for the deals, one shock that moves them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from crm_lib.analysis.funnel.outlook import Fresh, Outlook
from crm_lib.analysis.intervals import LEVEL, Interval

N_DRAWS = 2000
ENOUGH_DAYS = 5  # fewer past days tested: the largest miss seen instead of a standard deviation
_AT_ONCE = 2_000_000  # draws × deals held in memory
_DRAWN_NUMBERS = 50_000_000  # caps draws × deals, so that a large pipe stays quick


@dataclass(frozen=True)
class Shock:
    """What moves all chances together, on the logit scale, learned from `n` past days.

    `is_range`: too few to estimate it, so `sd` is the largest miss seen, and a range drawn with it is no 90 %.
    """

    sd: float
    n: int

    @property
    def is_range(self) -> bool:
        """Whether it is a guess from the largest miss."""
        return self.n < ENOUGH_DAYS

    def draws(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draws of the shock: Student's t where the standard deviation was estimated."""
        return self.sd * (rng.standard_normal(n) if self.is_range else rng.standard_t(self.n, n))


def spread(deals: pd.DataFrame) -> tuple[float, float]:
    """Variance of the number won soon if deals were independent (error of each stage included), and lever.

    The lever Σ p (1 − p) is what one logit of common shock adds to the number won.
    """
    p = deals["p_soon"].to_numpy()
    own = p * (1 - p)
    error = own * _logit_error(p, deals["p_from"].to_numpy())
    by_stage = np.bincount(deals["place"].to_numpy() + 1, weights=error)
    return float(own.sum() + (by_stage**2).sum()), float(own.sum())


def shock(came: Sequence[float], expected: Sequence[float], spreads: Sequence[tuple[float, float]]) -> Shock:
    """The common shock out of past misses: what they vary more than chance explains, per lever (moments).

    σ² = Σ ((came − expected)² − variance) ÷ Σ lever², not under nought.
    """
    miss = np.asarray(came, float) - np.asarray(expected, float)
    variance, lever = np.asarray(spreads, float).reshape(-1, 2).T
    if not len(miss) or not lever.any():
        return Shock(0.0, 0)
    if len(miss) < ENOUGH_DAYS:
        return Shock(float(np.max(np.abs(miss) / np.maximum(lever, 1e-9))), len(miss))
    return Shock(float(np.sqrt(max(0.0, (miss**2 - variance).sum() / (lever**2).sum()))), len(miss))


@dataclass(frozen=True)
class Draws:
    """Drawn sums of money: all open deals, those won in the end, those won soon, won of deals to come."""

    total: np.ndarray
    ever: np.ndarray
    soon: np.ndarray
    fresh: np.ndarray

    @property
    def coming(self) -> np.ndarray:
        """Won within the horizon, of open deals and of those to come."""
        return self.soon + self.fresh


def simulate(view: Outlook, common: Shock, seed: int) -> Draws:
    """Draw what the view will bring; deals without a value are left out.

    A draw moves all chances by one shock and those of a stage by their own error, then tosses a coin per deal;
    amounts not recorded are drawn from won deals of the product.
    """
    rng = np.random.default_rng(seed)
    deals = view.deals[view.deals["value"].notna()]
    n_draws = int(min(N_DRAWS, max(100, _DRAWN_NUMBERS // max(len(deals), 1))))
    shocks = common.draws(rng, n_draws)
    pools = _pools(deals, view.pools)
    chunk = max(1, _AT_ONCE // max(len(deals), 1))
    drawn = [_open(deals, pools, shocks[i : i + chunk], common.sd, rng) for i in range(0, n_draws, chunk)]
    total, ever, soon = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return Draws(total, ever, soon, _coming(view.fresh, shocks, common.sd, rng))


def _open(
    deals: pd.DataFrame,
    pools: list[tuple[np.ndarray, np.ndarray]],
    shocks: np.ndarray,
    sd: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value of all open deals, of those won in the end and of those won soon, one sum per shock."""
    place = deals["place"].to_numpy() + 1
    value = np.tile(deals["value"].to_numpy(float), (len(shocks), 1))
    for rows, pool in pools:
        value[:, rows] = pool[rng.integers(0, len(pool), (len(shocks), len(rows)))]
    own = rng.standard_normal((len(shocks), int(place.max(initial=0)) + 1))[:, place]
    toss = rng.random(value.shape)
    sums = [value.sum(axis=1)]
    for column in ("p_win", "p_soon"):
        p = np.clip(np.nan_to_num(deals[column].to_numpy()), 0, 1)
        by = shocks[:, None] + own * _logit_error(p, deals["p_from"].to_numpy())
        sums.append(np.where(toss < _moved(p, sd, by), value, 0.0).sum(axis=1))
    return sums[0], sums[1], sums[2]


def _coming(fresh: Fresh | None, shocks: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    if fresh is None:
        return np.zeros(len(shocks))
    rate = fresh.n * np.exp(fresh.log_sd * rng.standard_normal(len(shocks)) - fresh.log_sd**2 / 2)
    n_won = rng.poisson(rate * _moved(np.full(len(shocks), fresh.p_soon), sd, shocks))
    return np.array([fresh.pool[rng.integers(0, len(fresh.pool), n)].sum() for n in n_won])


def _moved(p: np.ndarray, sd: float, by: np.ndarray) -> np.ndarray:
    """The chances moved on the logit scale; impossible and certain ones stay.

    A shock with this standard deviation pulls the mean of a chance towards one half; the factor keeps it at p
    (the logistic curve as a scaled probit).
    """
    moves = (p > 0) & (p < 1)
    logit = special.logit(np.where(moves, p, 0.5)) * np.sqrt(1 + 0.346 * sd**2)
    return np.where(moves, special.expit(logit + by), p)


def _logit_error(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    inner = np.where((p > 0) & (p < 1), p * (1 - p), 0.25)
    return 1 / np.sqrt(np.maximum(np.nan_to_num(n, nan=1.0), 1) * inner)


def _pools(deals: pd.DataFrame, pools: dict[str | None, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per product: positions of deals whose amount is estimated, and the won amounts to draw from."""
    product = deals["product"].where(deals["product"].isin([k for k in pools if k is not None]), None)
    found = []
    for name, pool in pools.items():
        here = (product.isna() if name is None else product == name) & deals["estimated"]
        if here.any():
            found.append((np.flatnonzero(here), pool))
    return found


def drawn_interval(value: float, draws: np.ndarray, n: int) -> Interval:
    """The value with the middle 90 % of the draws, at least the value itself."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), n)
