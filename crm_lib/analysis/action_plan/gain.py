"""What a contact is expected to bring: uplift in the chance of an order × margin × order value − cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from crm_lib.contract.settings import Play

LEVEL = 0.90
Z = float(stats.norm.ppf(0.5 + LEVEL / 2))
_LEAST_SPREAD = 0.001


@dataclass(frozen=True)
class Uplift:
    """The rise (0–1) of the chance of an order within the outcome window, as a normal belief.

    `source` is `assumed`, `measured` (said so in the settings), or `updated` from lists of earlier plans.
    """

    value: float
    sd: float
    source: str
    n_lists: int = 0
    assumed: float = 0.0

    @property
    def low(self) -> float:
        """Lower 90 % bound."""
        return self.value - Z * self.sd

    @property
    def high(self) -> float:
        """Upper 90 % bound."""
        return self.value + Z * self.sd


def prior(play: Play) -> Uplift:
    """What the settings say; without bounds an assumed uplift may be anything from none to twice of it."""
    if play.uplift_low is not None and play.uplift_high is not None:
        sd = (play.uplift_high - play.uplift_low) / (2 * Z)
    else:
        sd = abs(play.uplift) / Z
    source = "measured" if play.uplift_source else "assumed"
    return Uplift(play.uplift, max(sd, _LEAST_SPREAD), source, assumed=play.uplift)


def updated(before: Uplift, measured: Iterable[tuple[float, float]]) -> Uplift:
    """The belief after measurements (uplift, standard error): the mean weighted by precision.

    Normal prior and normal error: 1/sd² = 1/sd₀² + Σ 1/se²; so that one small list moves it little.
    """
    found = [(u, se) for u, se in measured if se > 0]
    if not found:
        return before
    weights = np.array([before.sd**-2, *(se**-2 for _, se in found)])
    values = np.array([before.value, *(u for u, _ in found)])
    value = float((weights * values).sum() / weights.sum())
    return Uplift(value, float(weights.sum() ** -0.5), "updated", before.n_lists + len(found), before.assumed)


@dataclass(frozen=True, eq=False)
class Gains:
    """Customers × plays: money expected of a contact; and worth of an order (margin × money) per customer."""

    each: np.ndarray
    worth: np.ndarray
    cost_cents: np.ndarray
    uplifts: tuple[Uplift, ...]

    def of_list(self, j: int, rows: np.ndarray) -> tuple[float, float, float]:
        """Sum over these customers for play j, and its 90 % bounds: one uplift is common to all of a list."""
        worth, cost = float(self.worth[rows].sum()), int(self.cost_cents[j]) * len(rows) / 100
        u = self.uplifts[j]
        return tuple(worth * value - cost for value in (u.value, u.low, u.high))


def gains(worth: np.ndarray, plays: Sequence[Play], uplifts: Sequence[Uplift]) -> Gains:
    """Expected gain of each play with each customer; plays without a channel cost and bring nothing."""
    cents = np.array([round((p.cost or 0) * 100) if p.channel else 0 for p in plays], dtype=np.int64)
    rise = np.array([u.value if p.channel else 0.0 for p, u in zip(plays, uplifts, strict=True)])
    return Gains(worth[:, None] * rise[None, :] - cents[None, :] / 100, worth, cents, tuple(uplifts))


def summed(parts: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    """A sum of independent estimates: half widths add as squares."""
    told = np.array(list(parts), dtype=float).reshape(-1, 3)
    value = float(told[:, 0].sum())
    below = float(np.sqrt(((told[:, 0] - told[:, 1]) ** 2).sum()))
    above = float(np.sqrt(((told[:, 2] - told[:, 0]) ** 2).sum()))
    return value, value - below, value + above
