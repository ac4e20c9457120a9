"""The range of a total in three layers: chance, the fit, and the model being wrong.

The first two come from simulation; the third from rolling hold-outs. Each hold-out's ln(seen ÷ expected) holds
all three, so the misfit's variance is their mean square less the variance that the first two layers had claimed
there. Below five hold-outs that is guesswork: the range is then stretched by the largest miss seen, and bears no
per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_lib.analysis.intervals import LEVEL, Interval

FEWEST_ORIGINS = 5
# A miss beyond this factor counts as this factor: one empty window must not make the range endless.
WORST = 10.0
EDGES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True)
class Layers:
    """Standard deviations ÷ mean of each layer of a total, and the range.

    `misfit` is None, and `range` bears no level, where there are fewer than five hold-outs (`n_origins`).
    """

    process: float
    parameters: float
    misfit: float | None
    n_origins: int
    range: Interval

    @property
    def has_level(self) -> bool:
        """Whether the range is a 90 % interval of all three layers."""
        return self.misfit is not None


def layers(
    two: Interval, drawn: np.ndarray, parameters: float, tests: Sequence[tuple[float, float]], seed: int
) -> Layers:
    """Put the third layer on a total.

    `two` is the interval of the first two layers, `drawn` its draws, `parameters` the part of the fit in their
    relative spread, `tests` holds (seen ÷ expected, relative spread claimed) of each hold-out.
    """
    total = float(drawn.std() / drawn.mean()) if drawn.mean() > 0 else 0.0
    process = float(np.sqrt(max(total**2 - parameters**2, 0.0)))
    if len(tests) < FEWEST_ORIGINS:
        return Layers(process, parameters, None, len(tests), stretched(two, [miss for miss, _ in tests]))
    logs = np.log(np.clip([miss for miss, _ in tests], 1 / WORST, WORST))
    claimed = np.array([spread for _, spread in tests])
    misfit = float(np.sqrt(max(np.mean(logs**2) - np.mean(np.log1p(claimed**2)), 0.0)))
    rng = np.random.default_rng(seed)
    strayed = np.repeat(drawn, 20)
    strayed = strayed * np.exp(misfit * rng.standard_t(len(tests), len(strayed)))
    low, high = np.quantile(strayed, EDGES)
    whole = Interval(two.value, float(min(low, two.low)), float(max(high, two.high)), two.n)
    return Layers(process, parameters, misfit, len(tests), whole)


def stretched(interval: Interval, misses: Sequence[float]) -> Interval:
    """The interval with its ends moved out by the largest misses (seen ÷ expected) on either side."""
    down, up = min([1.0, *misses]), max([1.0, *misses])
    return Interval(interval.value, interval.low * down, interval.high * up, interval.n)
