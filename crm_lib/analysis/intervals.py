"""Intervals for shares, differences, means, ratios, rates and NPS; 90 % throughout the reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

LEVEL = 0.90


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds and the number of observations behind it.

    `value`, `low` and `high` are None together where `n` is 0.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __bool__(self) -> bool:
        """Whether there is an estimate at all."""
        return self.value is not None


def _z(level: float) -> float:
    return float(stats.norm.ppf(0.5 + level / 2))


def nothing(n: int = 0) -> Interval:
    """The interval of what could not be estimated."""
    return Interval(None, None, None, n)


def wilson(k: int, n: int, level: float = LEVEL) -> Interval:
    """Share `k` of `n` with Wilson's score interval (Newcombe 1998a, method 3).

    >>> i = wilson(81, 263, level=0.95)
    >>> round(i.low, 4), round(i.high, 4)
    (0.2553, 0.3662)
    """
    if not 0 <= k <= n:
        raise ValueError(f"wilson needs 0 <= k <= n, got k={k}, n={n}.")
    if n == 0:
        return nothing()
    z, p = _z(level), k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(p, low, high, int(n))


def newcombe(k1: int, n1: int, k2: int, n2: int, level: float = LEVEL) -> Interval:
    """Difference of two shares k1/n1 − k2/n2 (Newcombe 1998b, method 10); n is the smaller group.

    >>> i = newcombe(56, 70, 48, 80, level=0.95)
    >>> round(i.low, 4), round(i.high, 4)
    (0.0524, 0.3339)
    """
    if n1 == 0 or n2 == 0:
        return nothing(min(n1, n2))
    a, b = wilson(k1, n1, level), wilson(k2, n2, level)
    difference = a.value - b.value
    low = difference - math.hypot(a.value - a.low, b.high - b.value)
    high = difference + math.hypot(a.high - a.value, b.value - b.low)
    return Interval(difference, low, high, int(min(n1, n2)))


def mean(values: Any, level: float = LEVEL) -> Interval:
    """Mean with Student's interval; without bounds where there are fewer than two values."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return nothing(len(x))
    half = stats.t.ppf(0.5 + level / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return Interval(float(x.mean()), float(x.mean() - half), float(x.mean() + half), len(x))


def ratio_of_means(top: Any, bottom: Any, clusters: Any = None, level: float = LEVEL) -> Interval:
    """Ratio of the sums of paired values, delta method on the log of the ratio.

    `clusters` names what each pair belongs to (a response, a customer); pairs of one cluster are not taken as
    independent, and n counts clusters. Needs positive sums and two clusters.
    """
    t, b = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    ids = np.arange(len(t)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    t, b = np.bincount(ids, t), np.bincount(ids, b)
    n = len(t)
    if n < 2 or t.sum() <= 0 or b.sum() <= 0:
        return nothing(n)
    ratio = t.sum() / b.sum()
    influence = t / t.mean() - b / b.mean()
    half = stats.t.ppf(0.5 + level / 2, n - 1) * influence.std(ddof=1) / math.sqrt(n)
    return Interval(float(ratio), float(ratio * math.exp(-half)), float(ratio * math.exp(half)), n)


def nps(promoters: int, passives: int, detractors: int, level: float = LEVEL) -> Interval:
    """Net promoter score −100 … 100 with the adjusted Wald interval (Rocks 2016: n + 3, ¾ to each end).

    `value` is the plain score; the bounds lie around the adjusted centre.
    """
    n = promoters + passives + detractors
    if n == 0:
        return nothing()
    p, d, m = promoters + 0.75, detractors + 0.75, n + 3
    centre = (p - d) / m
    half = _z(level) * math.sqrt(((p + d) / m - centre**2) / m)
    low, high = max(-1.0, centre - half), min(1.0, centre + half)
    return Interval(100 * (promoters - detractors) / n, 100 * low, 100 * high, int(n))


def poisson_rate(events: int, exposure: float, level: float = LEVEL) -> Interval:
    """Events per unit of exposure with the exact interval (Garwood 1936); n is the number of events."""
    if exposure <= 0:
        return nothing(events)
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * events + 2) / 2
    return Interval(events / exposure, float(low / exposure), float(high / exposure), int(events))


def bootstrap(
    values: Any,
    statistic: Callable[[np.ndarray], float],
    seed: int,
    n_draws: int = 1000,
    level: float = LEVEL,
) -> Interval:
    """Percentile bootstrap of `statistic` over the rows of `values` (one or two dimensions)."""
    x = np.asarray(values)
    if len(x) < 2:
        return nothing(len(x))
    rng = np.random.default_rng(seed)
    draws = [statistic(x[rng.integers(0, len(x), len(x))]) for _ in range(n_draws)]
    low, high = np.quantile(draws, [(1 - level) / 2, 1 - (1 - level) / 2])
    return Interval(float(statistic(x)), float(low), float(high), len(x))
