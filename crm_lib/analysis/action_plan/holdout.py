"""The hold-out of a list: as large as the proof needs, drawn by chance that a rerun repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from crm_lib.analysis.action_plan.chance import uniform
from crm_lib.analysis.action_plan.gain import Z

POWER = 0.80
FEWEST = 30
_ROOM = 1.3  # arms are drawn by chance: thirty expected would often be fewer


@dataclass(frozen=True)
class Size:
    """Share held out, the power it gives, and the smallest uplift that it proves with 80 % power."""

    share: float
    power: float
    detectable: float

    @property
    def enough(self) -> bool:
        """Whether the expected uplift would be proven in four of five such lists."""
        return self.power >= POWER


def power(uplift: float, base: float, n_treated: float, n_control: float) -> float:
    """Chance that a true uplift is told from nothing at 90 %, two-sided, with these arms.

    Normal approximation of two shares: Φ(|d| / √(p₁q₁/n₁ + p₀q₀/n₀) − z).

    >>> round(power(0.01, 0.05, 8158, 8158), 2)  # 80 % at the 95 % level (Fleiss) is 88 % at the 90 % level
    0.88
    """
    if n_treated < 1 or n_control < 1:
        return 0.0
    treated = min(max(base + uplift, 0.0), 1.0)
    error = math.sqrt(treated * (1 - treated) / n_treated + base * (1 - base) / n_control)
    return float(ndtr(abs(treated - base) / error - Z)) if error else float(treated != base)


def size(n: int, uplift: float, base: float, least: float, most: float) -> Size:
    """The smallest share between `least` and `most` with enough power; the largest where none has.

    Where an arm would stay below thirty even so, nothing can be compared: then the least is held out.
    """
    if n * min(most, 1 - most) < FEWEST:
        return _sized(n, uplift, base, least)
    from_share = min(max(least, _ROOM * FEWEST / n), most)
    shares = np.arange(math.ceil(from_share * 100 - 1e-9), round(most * 100) + 1) / 100
    for share in shares:
        found = power(uplift, base, n * (1 - share), n * share)
        if found >= POWER:
            break
    return _sized(n, uplift, base, float(share))


def _sized(n: int, uplift: float, base: float, share: float) -> Size:
    arms = (n * (1 - share), n * share)
    return Size(share, power(uplift, base, *arms), detectable(base, *arms))


def detectable(base: float, n_treated: float, n_control: float) -> float:
    """The smallest uplift that would be proven with 80 % power; 1 where even that would not be."""
    if n_treated < 1 or n_control < 1:
        return 1.0
    low, high = 0.0, 1.0 - base
    if power(high, base, n_treated, n_control) < POWER:
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, base, n_treated, n_control) >= POWER else (middle, high)
    return high


def held_out(ids: np.ndarray, play: str, plan_date: str, seed: int, share: float) -> np.ndarray:
    """Who of a play's customers is held out: by id, play, date and seed alone, whoever else is on the list."""
    return uniform(ids, "arm", play, plan_date, seed) < share
