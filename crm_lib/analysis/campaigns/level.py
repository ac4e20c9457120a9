"""A level that drifts: where it is likely to be in the days ahead, from equal stretches of time behind.

The level moves from stretch to stretch by a steady trend and by chance, and each stretch shows it with a known
error of sampling (random walk with drift and noise; the prediction is that of universal kriging). How much chance
moves it is not known: every spread counts as much as the stretches bear it out (restricted likelihood; prior
1 ÷ √(spread² + error²), which without an error of sampling gives Student's t), so that few stretches give a wide
range.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from crm_lib.analysis.intervals import LEVEL, Interval, nothing

LEAST, MOST = 6, 12  # stretches: fewer bear no range, older ones tell little
_SPREADS = np.linspace(0.02, 5, 150)  # tried, as multiples of the usual change


@dataclass(frozen=True, eq=False)
class Stretches:
    """What was measured: the middle day of each stretch (a number), its value, the variance of its sampling error.

    All are `length` days long, the earliest first; some may be missing in between.
    """

    middle: np.ndarray
    value: np.ndarray
    variance: np.ndarray
    length: float


def projected(seen: Stretches, first: dt.date, last: dt.date) -> Interval:
    """What will be measured from `first` to `last`, both ahead; n counts stretches, without a value under six."""
    n = len(seen.value)
    steps = np.abs(np.diff(seen.value)) / np.sqrt(np.diff(seen.middle) / seen.length)
    usual = float(np.sqrt((steps**2).mean())) if n > 1 else 0.0
    if n < LEAST or not usual:
        return nothing(n)
    weight, middle, sd = _mixture(seen, usual, _ahead(seen, first, last))
    days = (last - first).days + 1
    sd = np.sqrt(sd**2 + seen.variance.mean() * seen.length / days)
    low, high = (_quantile(weight, middle, sd, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(weight @ middle), low, high, n)


def _ahead(seen: Stretches, first: dt.date, last: dt.date) -> np.ndarray:
    """Middles of the days ahead in pieces of a stretch at most, in stretches since the first one behind."""
    start, end = first.toordinal(), last.toordinal() + 1
    n = max(1, round((end - start) / seen.length))
    edges = np.linspace(start, end, n + 1)
    return ((edges[1:] + edges[:-1]) / 2 - seen.middle[0]) / seen.length


def _mixture(seen: Stretches, usual: float, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every spread tried: how much it counts, the mean level ahead that it gives, and its standard error."""
    at = (seen.middle - seen.middle[0]) / seen.length
    spreads = usual * _SPREADS
    likelihood, middle, sd = _kriged(at, seen.value, seen.variance, ahead, spreads)
    prior = 1 / np.sqrt(spreads**2 + seen.variance.mean())
    weight = np.exp(likelihood - likelihood.max()) * prior
    return weight / weight.sum(), middle, sd


def _kriged(
    at: np.ndarray, y: np.ndarray, variance: np.ndarray, ahead: np.ndarray, spreads: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Restricted log-likelihood of each spread, and the mean level ahead with its standard error.

    The walk starts one stretch before the first, which the unknown level at the start absorbs.
    """
    square = spreads**2
    trend, x = np.column_stack([np.ones(len(at)), at]), np.array([1.0, ahead.mean()])
    seen = square[:, None, None] * (np.minimum.outer(at, at) + 1) + np.diag(variance)
    inverse = np.linalg.inv(seen)
    normal = trend.T @ inverse @ trend
    beta = np.linalg.solve(normal, (trend.T @ inverse @ y)[..., None])[..., 0]
    rest = y - beta @ trend.T
    to = square[:, None] * (at + 1)
    weights = np.einsum("ki,kij->kj", to, inverse)
    off = x - weights @ trend
    own = square * (np.minimum.outer(ahead, ahead) + 1).mean()
    error = own - (weights * to).sum(axis=1) + (off * np.linalg.solve(normal, off[..., None])[..., 0]).sum(axis=1)
    logs = np.linalg.slogdet(seen)[1] + np.linalg.slogdet(normal)[1]
    likelihood = -(logs + np.einsum("ki,kij,kj->k", rest, inverse, rest)) / 2
    return likelihood, beta @ x + (weights * rest).sum(axis=1), np.sqrt(error)


def _quantile(weight: np.ndarray, middle: np.ndarray, sd: np.ndarray, share: float) -> float:
    ends = (middle - 12 * sd).min(), (middle + 12 * sd).max()
    return float(optimize.brentq(lambda x: weight @ stats.norm.cdf((x - middle) / sd) - share, *ends))


def with_past(ahead: Interval, so_far: float, gone_share: float) -> Interval:
    """The mean over a period of which a share is gone: what it was so far, and what is ahead."""
    if not ahead:
        return ahead
    bounds = (gone_share * so_far + (1 - gone_share) * x for x in (ahead.value, ahead.low, ahead.high))
    return Interval(*bounds, ahead.n)
