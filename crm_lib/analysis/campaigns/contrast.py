"""The statistics of one test: difference of means, bootstrap, CUPED, sample ratio, power; from two arms."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, stats

from crm_lib.analysis.campaigns.arms import Arm
from crm_lib.analysis.intervals import LEVEL, Interval, nothing

N_DRAWS = 2_000
MOST_SPENT = 50_000  # amounts in an arm beyond which the bootstrap has nothing to add to Welch
POWER = 0.80
MISMATCH_BELOW = 0.001


def welch(treated: Arm, control: Arm, level: float = LEVEL) -> tuple[Interval, float | None]:
    """Difference of means per head with Welch's interval, and t; nothing where nobody's money differs."""
    n = min(treated.n, control.n)
    variances = treated.variance, control.variance
    if None in variances or sum(variances) == 0:
        return nothing(n), None
    a, b = variances[0] / treated.n, variances[1] / control.n
    error = math.sqrt(a + b)
    freedom = (a + b) ** 2 / (a * a / (treated.n - 1) + b * b / (control.n - 1))
    difference = treated.mean - control.mean
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    return Interval(difference, difference - half, difference + half, n), difference / error


def bootstrap(treated: Arm, control: Arm, seed: int, n_draws: int = N_DRAWS) -> Interval:
    """Percentile bootstrap of the difference of means; people without spend are drawn as a count.

    Drawing n people with replacement gives Binomial(n, k/n) spenders, whose amounts are then drawn from the k.
    """
    n = min(treated.n, control.n)
    arms = (treated, control)
    if any(a.spent is None or a.n < 2 or len(a.spent) > MOST_SPENT for a in arms):
        return nothing(n)
    if not any(len(a.spent) for a in arms):
        return nothing(n)
    rng = np.random.default_rng(seed)
    draws = _means(rng, treated, n_draws) - _means(rng, control, n_draws)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(treated.mean - control.mean, float(low), float(high), n)


def _means(rng: np.random.Generator, arm: Arm, n_draws: int) -> np.ndarray:
    k = len(arm.spent)
    if k == 0:
        return np.zeros(n_draws)
    how_many = rng.binomial(arm.n, k / arm.n, n_draws)
    drawn = np.concatenate([[0.0], np.cumsum(arm.spent[rng.integers(0, k, int(how_many.sum()))])])
    ends = np.cumsum(how_many)
    return (drawn[ends] - drawn[ends - how_many]) / arm.n


def winsorised(treated: Arm, control: Arm) -> tuple[Arm, Arm, float | None]:
    """Both arms capped at the 99th percentile of what spenders of both spent, and that limit.

    Of spenders: over everybody it would often be 0, and the effect would vanish.
    """
    spent = np.concatenate([treated.spent, control.spent])
    if not len(spent):
        return treated, control, None
    limit = float(np.quantile(spent, 0.99))
    return treated.capped(limit), control.capped(limit), limit


def cuped(treated: Arm, control: Arm, level: float = LEVEL) -> tuple[Interval, float | None]:
    """Difference of means adjusted by history, and the share of variance that history takes away.

    y − θ(x − x̄), θ = cov(x, y) ÷ var(x) pooled within arms (Deng, Xu, Kohavi & Walker 2013).
    """
    n = min(treated.n, control.n)
    if treated.prior is None or control.prior is None or n < 3 or treated.variance is None:
        return nothing(n), None
    parts = [_within(arm) for arm in (treated, control)]
    var_x = sum(p["sxx"] for p in parts)
    before = sum(p["syy"] / (p["n"] - 1) / p["n"] for p in parts)
    if var_x <= 0 or before <= 0:
        return nothing(n), None
    theta = sum(p["sxy"] for p in parts) / var_x
    after = [
        max(p["syy"] - 2 * theta * p["sxy"] + theta * theta * p["sxx"], 0) / (p["n"] - 1) / p["n"] for p in parts
    ]
    error = math.sqrt(sum(after))
    difference = (treated.mean - control.mean) - theta * (parts[0]["x"] - parts[1]["x"])
    half = float(stats.norm.ppf(0.5 + level / 2)) * error
    return Interval(difference, difference - half, difference + half, n), 1 - sum(after) / before


def _within(arm: Arm) -> dict[str, float]:
    """Means and sums of squares of one arm, from its exact sums."""
    x, xx, xy = arm.prior
    y = float(arm.spent.sum())
    return {
        "n": arm.n,
        "x": x / arm.n,
        "sxx": xx - x * x / arm.n,
        "sxy": xy - x * y / arm.n,
        "syy": arm.variance * (arm.n - 1),
    }


def sample_ratio(counts: list[int], shares: list[float]) -> float:
    """Chance of arms this far from the plan (chi-squared test); below 0.001 nothing may be concluded."""
    n = sum(counts)
    return float(stats.chisquare(counts, [n * s for s in shares]).pvalue)


def n_per_arm(p0: float, p1: float, alpha: float = 1 - LEVEL, power: float = POWER) -> int:
    """People needed in each arm to prove the rise from p0 to p1, two-sided.

    [(z_a √(2pq) + z_b √(p0q0 + p1q1)) ÷ d]² (Fleiss, without continuity correction).

    >>> n_per_arm(0.05, 0.06, alpha=0.05), n_per_arm(0.10, 0.12, alpha=0.05)
    (8158, 3841)
    """
    return math.ceil(_needed(p0, p1, alpha, power))


def _needed(p0: float, p1: float, alpha: float, power: float) -> float:
    z_a, z_b = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(power)
    p = (p0 + p1) / 2
    spread = z_a * math.sqrt(2 * p * (1 - p)) + z_b * math.sqrt(p0 * (1 - p0) + p1 * (1 - p1))
    return float((spread / (p1 - p0)) ** 2)


def detectable(p0: float, n_treated: int, n_control: int, power: float = POWER) -> float | None:
    """The smallest rise above p0 that a test of this size would have proven four times out of five.

    Unequal arms count as 2 ÷ (1/n₁ + 1/n₀) people each. None where even a rise to 1 could not be proven.
    """
    n = 2 / (1 / n_treated + 1 / n_control)

    def short_of(d: float) -> float:
        return _needed(p0, p0 + d, 1 - LEVEL, power) - n

    most = 1 - p0 - 1e-9
    if most <= 1e-9 or short_of(most) > 0:
        return None
    return float(optimize.brentq(short_of, 1e-9, most))
