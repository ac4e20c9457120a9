"""How unevenly money is spread: shares of the top customers and the Gini coefficient, with intervals.

Intervals rest on each customer's influence on the share, taken on the logit scale. Up to 2,500 customers
the studentised bootstrap replaces Student's quantiles, since few customers may hold most of the money;
beyond, both agree. A customer whose net amount is zero or less counts as zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis.intervals import LEVEL, Interval

TOPS = (0.01, 0.05, 0.10, 0.20, 0.50)
N_FOR_INTERVAL = 30
TOP_FOR_INTERVAL = 5
BOOTSTRAP_UP_TO = 2_500
N_DRAWS = 1_000
CHUNK = 100

# rows of amounts, sorted down -> the share of each row, and the influence of each amount on it
Statistic = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def positive_cents(amounts: Any) -> np.ndarray:
    """Amounts in whole cents, what lies below zero counted as zero."""
    return np.rint(np.clip(np.asarray(amounts, dtype=float), 0, None) * 100).astype("int64")


def n_top(n: int, top: float) -> int:
    """How many customers are the top share: rounded, at least one."""
    return max(1, math.floor(top * n + 0.5))


def tops(amounts: Any, seed: int = 7, shares: tuple[float, ...] = TOPS) -> pd.DataFrame:
    """Share of the money held by the top 1, 5, 10, 20 and 50 % of customers, each with its interval.

    Columns: top, n_customers, share, low, high; NaN where there is no money or too few customers.
    """
    counts = [n_top(len(np.asarray(amounts)), top) for top in shares]
    held = _intervals(amounts, [_top(k) for k in counts], seed)
    found = pd.DataFrame(
        {"top": shares, "n_customers": counts}
        | {name: [getattr(i, name) for i in held] for name in ("value", "low", "high")}
    ).rename(columns={"value": "share"})
    found = found.astype({"share": float, "low": float, "high": float})
    found.loc[found["n_customers"] < TOP_FOR_INTERVAL, ["low", "high"]] = np.nan
    return found


def top_share(amounts: Any, top: float = 0.20, seed: int = 7) -> Interval:
    """Share of the money that the top customers hold, with an interval from 30 customers on.

    >>> top_share([60, 20, 10, 5, 5]).value
    0.6
    """
    return _intervals(amounts, [_top(n_top(len(np.asarray(amounts)), top))], seed)[0]


def gini(amounts: Any, seed: int = 7) -> Interval:
    """Gini coefficient of the amounts, 0 (all alike) to 1 (one holds all), with an interval (Davidson 2009).

    >>> gini([1, 1, 1, 5]).value
    0.375
    """
    return _intervals(amounts, [_gini], seed)[0]


def money_share(amounts: Any, inside: Any) -> Interval:
    """Share of the money held by the customers marked in `inside`, with an interval from 30 customers on."""
    x = positive_cents(amounts).astype(float)
    mark = np.asarray(inside, dtype=float)
    if x.sum() == 0:
        return Interval(None, None, None, len(x))
    share = float((x * mark).sum() / x.sum())
    return _bounded(share, x * (mark - share) / x.mean())


def money_shares(amounts: Any, place: np.ndarray, n_classes: int) -> list[Interval]:
    """`money_share` of every class at once; `place` holds the class of each customer."""
    x = positive_cents(amounts).astype(float)
    total, n = x.sum(), len(x)
    if total == 0:
        return [Interval(None, None, None, n)] * n_classes
    shares = np.bincount(place, x, n_classes) / total
    squares = np.bincount(place, x * x, n_classes)
    spread = (1 - shares) ** 2 * squares + shares**2 * (squares.sum() - squares)
    deviation = np.sqrt(spread / max(n - 1, 1)) / (total / n)
    return [_within(float(share), float(d), n) for share, d in zip(shares, deviation, strict=True)]


def _within(share: float, deviation: float, n: int) -> Interval:
    """Interval on the logit scale from the share and the standard deviation of its influences."""
    if n < N_FOR_INTERVAL or not 0 < share < 1:
        return Interval(share, None, None, n)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * deviation / math.sqrt(n) / (share * (1 - share))
    centre = math.log(share / (1 - share))
    return Interval(share, _share(centre - half), _share(centre + half), n)


def _top(k: int) -> Statistic:
    def share_and_influence(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = rows[:, :k].sum(axis=1) / rows.sum(axis=1)
        quantile = rows[:, k - 1 : k]
        influence = np.clip(rows - quantile, 0, None) + k / rows.shape[1] * quantile - share[:, None] * rows
        return share, influence / rows.mean(axis=1, keepdims=True)

    return share_and_influence


def _gini(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = rows.shape[1]
    rank = np.arange(n, 0, -1)
    value = ((2 * rank - n - 1) * rows).sum(axis=1) / (n * rows.sum(axis=1))
    at_most = rows[:, ::-1].cumsum(axis=1)[:, ::-1]
    influence = (2 * rank - 1) / n * rows - 2 / n * at_most - (value[:, None] + 1) * rows
    return value, influence / rows.mean(axis=1, keepdims=True)


def _intervals(amounts: Any, statistics: list[Statistic], seed: int) -> list[Interval]:
    """One interval per statistic, all from the same draws."""
    x = np.sort(positive_cents(amounts))[::-1].astype(float)
    n = len(x)
    if n == 0 or x.sum() == 0:
        return [Interval(None, None, None, n)] * len(statistics)
    found = [(float(s[0]), i[0]) for s, i in (statistic(x[None, :]) for statistic in statistics)]
    if not N_FOR_INTERVAL <= n <= BOOTSTRAP_UP_TO:
        return [_bounded(share, influence) for share, influence in found]
    drawn = _drawn(x, statistics, seed)
    return [_bounded(*pair, *_quantiles(pair, draws)) for pair, draws in zip(found, drawn, strict=True)]


def _drawn(x: np.ndarray, statistics: list[Statistic], seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Logit and its standard error of each statistic in `N_DRAWS` draws with replacement."""
    rng = np.random.default_rng(seed)
    pieces: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in statistics]
    for _ in range(N_DRAWS // CHUNK):
        places = np.sort(rng.integers(0, len(x), (CHUNK, len(x))), axis=1)
        rows = x[places]
        rows = rows[rows.sum(axis=1) > 0]
        for piece, statistic in zip(pieces, statistics, strict=True):
            piece.append(_on_logit(*statistic(rows)))
    return [tuple(np.concatenate(part) for part in zip(*piece, strict=True)) for piece in pieces]


def _on_logit(share: np.ndarray, influence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inner = np.clip(share, 1e-12, 1 - 1e-12)
    error = influence.std(axis=-1, ddof=1) / math.sqrt(influence.shape[-1]) / (inner * (1 - inner))
    return np.log(inner / (1 - inner)), error


def _quantiles(found: tuple[float, np.ndarray], drawn: tuple[np.ndarray, np.ndarray]) -> tuple[float, ...]:
    """Quantiles of (drawn − found) ÷ its standard error; none where the draws don't vary."""
    logit, error = drawn
    moved = error > 1e-9
    if not moved.any():
        return ()
    centre = float(_on_logit(np.asarray(found[0]), found[1])[0])
    t = (logit[moved] - centre) / error[moved]
    return tuple(float(q) for q in np.quantile(t, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]))


def _bounded(share: float, influence: np.ndarray, *t: float) -> Interval:
    """Interval on the logit scale from the share, the influences and the two quantiles `t`."""
    n = len(influence)
    if n < N_FOR_INTERVAL or not 0 < share < 1:
        return Interval(share, None, None, n)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1))
    lower, upper = t or (-half, half)
    centre, error = (float(v) for v in _on_logit(np.asarray(share), influence))
    return Interval(share, _share(centre - max(upper, 0) * error), _share(centre - min(lower, 0) * error), n)


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
