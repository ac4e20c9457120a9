"""The chance of an open deal to be won, in the end and within some days, by its stage and its days in it.

A deal goes from stage to stage (semi-Markov): how it leaves a stage depends on the stage and the days in it, and
once it moves on it is like all that did. Each chance is then drawn towards that of a deal new in the stage, the
more so the fewer deals were ever seen there at that age.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from crm_lib.analysis.funnel.incidence import at_risk, incidence
from crm_lib.analysis.funnel.ways import Ways

FIT_FROM = 30  # fewer stays in a stage: the deal takes the chance of all deals of its age
PRIOR_DEALS = 3.0  # weight of the prior, in deals: least error on past days of the sample


@dataclass(frozen=True)
class Stay:
    """How deals leave one stage: share gone on and lost by each day 0, 1, …, and those still there after it.

    Up to `oldest` days thirty deals or more were seen, and after `last_end` none has ended: at the usual pace
    `n_due` of those that waited longer would have.
    """

    on: np.ndarray
    lost: np.ndarray
    n_still: np.ndarray
    oldest: int
    last_end: int
    n_due: float
    n: int

    @property
    def step(self) -> np.ndarray:
        """Share that goes on on each day."""
        return np.diff(self.on, prepend=0.0)


def stay(ways: Ways, stage: int, day: dt.date, watched_from: dt.date | None) -> Stay | None:
    """How deals leave this stage, from all stays up to `day`; None where none has ended."""
    days, fate = ways.stays(stage, day)
    late = ways.unwatched(stage, watched_from)
    known = np.isfinite(days) & (days > late)
    fit = incidence(days[known], fate[known], late[known]) if known.any() else None
    if fit is None:
        return None
    known &= fit.has_late | (late < 0)
    grid = np.arange(int(fit.longest) + 1)
    n_still = at_risk(grid + 1.0, days[known], late[known])
    ended = days[known][fate[known] != None]  # noqa: E711
    last_end = int(ended.max())
    n_due = float(n_still[last_end:].sum() * len(ended) / max(n_still.sum(), 1))
    enough = grid[n_still >= FIT_FROM]
    oldest = min(last_end, int(enough[-1])) if len(enough) else 0
    return Stay(fit.at(fit.won, grid), fit.at(fit.lost, grid), n_still, oldest, last_end, n_due, int(known.sum()))


@dataclass(frozen=True)
class Odds:
    """Chances of a deal new in each stage: `ever` to be won, `soon` by each day 0 … horizon; None: not known."""

    stays: tuple[Stay | None, ...]
    ever: tuple[float | None, ...]
    soon: tuple[np.ndarray | None, ...]

    def of(self, stage: int, days: int) -> tuple[float, float, float]:
        """Chance ever and within the horizon of a deal `days` in the stage, and the deals behind it.

        (n p + k p₀) ÷ (n + k), n the deals seen after that age, p₀ that of a deal new in the stage; where fewer
        than thirty got so far, p₀ is that of the last age which thirty did reach. Past the last end p is nought,
        and n the ends that were due since at the usual pace and did not come.
        """
        here, age = self.stays[stage], max(days, 0)
        new = self.ever[stage], float(self.soon[stage][-1])
        found = self._drawn(*self._seen(stage, min(age, here.oldest)), new)
        if age > here.last_end:
            return self._drawn((0.0, 0.0), here.n_due, found[:2])
        return self._drawn(*self._seen(stage, age), found[:2]) if age > here.oldest else found

    def _seen(self, stage: int, age: int) -> tuple[tuple[float, float], float]:
        """Raw chances of deals of this age, and how many were seen after it."""
        here, later = self.stays[stage], self.soon[stage + 1]
        still, n = 1 - here.on[age] - here.lost[age], float(here.n_still[age])
        if still < 1e-9:
            return (0.0, 0.0), n
        ahead = here.step[age + 1 : age + len(later)]
        soon = float((ahead * later[len(later) - 2 :: -1][: len(ahead)]).sum()) / still
        return ((here.on[-1] - here.on[age]) * self.ever[stage + 1] / still, soon), n

    @staticmethod
    def _drawn(p: tuple[float, float], n: float, prior: tuple[float, float]) -> tuple[float, float, float]:
        weight = n + PRIOR_DEALS
        ever, soon = ((n * a + PRIOR_DEALS * b) / weight for a, b in zip(p, prior, strict=True))
        ever = min(max(ever, 0.0), 1.0)
        return ever, min(max(soon, 0.0), ever), weight


def odds(ways: Ways, day: dt.date, watched_from: dt.date | None, horizon_days: int) -> Odds:
    """The chances by stage, from the last stage back to the first: V_i(t) = Σ f_i(u) V_{i+1}(t − u)."""
    stays: list[Stay | None] = []
    ever: list[float | None] = [1.0]
    soon: list[np.ndarray | None] = [np.ones(horizon_days + 1)]
    for i in range(ways.n_stages - 1, -1, -1):
        here = stay(ways, i, day, watched_from) if ever[-1] is not None else None
        stays.append(here)
        ever.append(None if here is None else float(here.on[-1]) * ever[-1])
        soon.append(None if here is None else np.convolve(here.step, soon[-1])[: horizon_days + 1])
    return Odds(tuple(reversed(stays)), tuple(reversed(ever)), tuple(reversed(soon)))


@dataclass(frozen=True)
class Model:
    """Chances by stage, and those of all deals by age for stages that too few have been in."""

    by_stage: Odds
    whole: Odds

    @property
    def soon(self) -> np.ndarray | None:
        """Chance of a deal opened today to be won by day 0, 1, … horizon."""
        return self.by_stage.soon[0] if self.by_stage.soon[0] is not None else self.whole.soon[0]

    def chances(self, place: np.ndarray, days: np.ndarray, ages: np.ndarray) -> np.ndarray:
        """Deals × (ever, within the horizon, deals behind it); NaN where nothing has ended yet.

        A deal without a start counts as new.
        """
        found = np.full((len(place), 3), np.nan)
        known: dict[tuple[int, int, int], tuple[float, float, float]] = {}
        start = np.nan_to_num(np.column_stack([days, ages]), nan=0.0).astype(int)
        for row, (stage, (in_stage, age)) in enumerate(zip(np.maximum(place, 0), start, strict=True)):
            own = self.by_stage.stays[stage]
            thin = own is None or own.n < FIT_FROM
            key = (0 if thin else int(stage), int(age if thin else in_stage), int(thin))
            if key not in known and not (thin and self.whole.stays[0] is None):
                known[key] = (self.whole if thin else self.by_stage).of(*key[:2])
            if key in known:
                found[row] = known[key]
        return found


def model(ways: Ways, day: dt.date, watched_from: dt.date | None, horizon_days: int) -> Model:
    """The chances as history up to `day` has them; `ways` must be known at that day."""
    whole = odds(ways.whole, day, watched_from, horizon_days)
    by_stage = odds(ways, day, watched_from, horizon_days) if ways.n_stages > 1 else whole
    return Model(by_stage, whole)
