"""A measure: an estimate with its interval, or the reason why there is none; built from sums."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.contract.settings import Scale

# Why a measure has no value; `show` says it in words.
NOT_ASKED = "not asked"  # the source has no such column
UNDECLARED = "undeclared"  # the scale is not declared in crm.toml
NO_TOP = "no top"  # the scale does not say which answers count as top
OTHER_SCALE = "other scale"  # the question needs another scale than the declared one
NOBODY = "nobody"  # asked, but no usable answer
FEW = "few"  # fewer answers than may be shown or compared

Sums = Mapping[str, float]
NORMAL = float(stats.norm.ppf(0.5 + LEVEL / 2))
ALIKE = 1e-10  # relative spread below which all answers count as the same


@dataclass(frozen=True)
class Measure:
    """An estimate with bounds and n.

    `value` is None where `why` gives a reason; the bounds are None where all answers are alike.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    why: str = ""

    def __bool__(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def columns(self, name: str) -> dict[str, float | int | None]:
        """The measure as columns `name`, `name_low`, `name_high`, `name_n` of a table."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high, f"{name}_n": self.n}


def shown(interval: Interval, at_least: int) -> Measure:
    """The interval as a measure, without its value where fewer than `at_least` answers stand behind it."""
    if interval.n == 0:
        return Measure(why=NOBODY)
    if interval.n < at_least:
        return Measure(n=interval.n, why=FEW)
    return Measure(interval.value, interval.low, interval.high, interval.n)


def share(k: float, n: float, at_least: int, effect: float = 1.0) -> Measure:
    """Share `k` of `n` with Wilson's interval; with a design effect at the n that answers are worth."""
    plain = intervals.wilson(int(k), int(n))
    return shown(_widened(plain, intervals.wilson(k / effect, n / effect)) if effect > 1 else plain, at_least)


def promoter_score(sums: Sums, at_least: int, effect: float = 1.0) -> Measure:
    """Promoters minus detractors in points of 100, from the counts in `sums`."""
    counts = [int(sums[name]) for name in ("promoters", "passives", "detractors")]
    plain = intervals.nps(*counts)
    return shown(_widened(plain, intervals.nps(*(c / effect for c in counts))) if effect > 1 else plain, at_least)


def _widened(plain: Interval, worth: Interval) -> Interval:
    """The value and n of all answers with the bounds of the n that they are worth."""
    return replace(plain, low=worth.low, high=worth.high)


def promoter_error(sums: Sums, effect: float = 1.0) -> float:
    """Standard error of the promoter score in points, adjusted as its interval is."""
    p, d = sums["promoters"] / effect + 0.75, sums["detractors"] / effect + 0.75
    m = p + d + sums["passives"] / effect + 1.5
    return 100 * math.sqrt(((p + d) / m - ((p - d) / m) ** 2) / m)


def mean(
    n: float, total: float, squares: float, at_least: int, scale: Scale | None = None, effect: float = 1.0
) -> Measure:
    """Mean of `n` answers with Student's interval, kept within `scale`, from their sum and sum of squares."""
    value, worth = float(total / n) if n else None, n / effect
    deviation = spread(n, total, squares)
    if value is None or not deviation or worth <= 1:
        return shown(Interval(value, None, None, int(n)), at_least)
    half = stats.t.ppf(0.5 + LEVEL / 2, worth - 1) * deviation / math.sqrt(worth)
    low, high = value - half, value + half
    if scale is not None:
        low, high = max(low, scale.lowest), min(high, scale.highest)
    return shown(Interval(value, float(low), float(high), int(n)), at_least)


def spread(n: float, total: float, squares: float) -> float | None:
    """Standard deviation (n − 1) from a sum and a sum of squares; None below two answers.

    >>> spread(3, 6, 14)
    1.0
    """
    if n < 2:
        return None
    variance = (squares - total * total / n) / (n - 1)
    return math.sqrt(variance) if variance > ALIKE * squares / n else 0.0


def log_ratio_error(sums: Sums, effect: float = 1.0) -> float | None:
    """Standard error of the log of perceived ÷ expected by the delta method, responses being the clusters.

    With P, E the sums of one response: Σ(P/ΣP − E/ΣE)² · n/(n − 1). None where it can't be formed.
    """
    n, top, bottom = sums["n"], sums["perceived"], sums["expected"]
    if n < 2 or top <= 0 or bottom <= 0:
        return None
    parts = sums["perceived_sq"] / top**2, sums["expected_sq"] / bottom**2, sums["cross"] / (top * bottom)
    squares = parts[0] + parts[1] - 2 * parts[2]
    return math.sqrt(effect * squares * n / (n - 1)) if squares > ALIKE * (parts[0] + parts[1]) else 0.0


def ratio(sums: Sums, at_least: int, effect: float = 1.0) -> Measure:
    """Perceived ÷ expected as a ratio of sums, its interval by the delta method on the log; n counts responses."""
    n = int(sums["n"])
    value = float(sums["perceived"] / sums["expected"]) if sums["expected"] > 0 else None
    error = log_ratio_error(sums, effect)
    if value is None or not error or n / effect <= 1:
        return shown(Interval(value, None, None, n), at_least)
    factor = math.exp(stats.t.ppf(0.5 + LEVEL / 2, n / effect - 1) * error)
    return shown(Interval(value, float(value / factor), float(value * factor), n), at_least)


def difference(after: Measure, before: Measure, error_after: float, error_before: float) -> Measure:
    """Change between two independent waves by √(se₁² + se₂²); n is the smaller wave."""
    value = after.value - before.value
    half = NORMAL * math.hypot(error_after, error_before)
    n = min(after.n, before.n)
    return Measure(value, value - half, value + half, n) if half > 0 else Measure(value, n=n)


def share_difference(after: tuple[float, float, float], before: tuple[float, float, float]) -> Measure:
    """Difference of two shares, each k, n and design effect, by Newcombe at the n that answers are worth."""
    (k1, n1, e1), (k2, n2, e2) = after, before
    plain = intervals.newcombe(int(k1), int(n1), int(k2), int(n2))
    return shown(_widened(plain, intervals.newcombe(k1 / e1, n1 / e1, k2 / e2, n2 / e2)), 1)


def without(measure: Measure, why: str) -> Measure:
    """The measure with its value taken away for a reason."""
    return replace(measure, value=None, low=None, high=None, why=why)
