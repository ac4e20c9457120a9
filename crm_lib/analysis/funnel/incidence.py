"""How things end over time when some are not over yet and some were not watched from the start.

Kaplan–Meier and Aalen–Johansen by statsmodels; its `CumIncidenceRight` takes no late entries, so there the shares
are built from the risk sets and the survival of its `SurvfuncRight`, which does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL, Interval


@dataclass(frozen=True)
class Incidence:
    """Share won and lost by each day since the start, competing ends.

    `n_known` deals had ended by then or were still watched: what each share rests on.
    `has_late`: deals that entered late are in it; they are left out where they would empty the first risk sets.
    """

    times: np.ndarray
    won: np.ndarray
    lost: np.ndarray
    won_se: np.ndarray
    lost_se: np.ndarray
    n_known: np.ndarray
    longest: float
    n: int
    has_late: bool

    def at(self, values: np.ndarray, days: np.ndarray) -> np.ndarray:
        """`values` as a step function, at `days`."""
        position = np.searchsorted(self.times, days, side="right") - 1
        return np.where(position >= 0, values[np.maximum(position, 0)], 0.0)

    def by(self, day: int) -> tuple[Interval, Interval]:
        """Shares won and lost by the end of `day`, with bounds.

        Without a value beyond what was watched, unless all had ended by then.
        """
        if day > self.longest and self.won[-1] + self.lost[-1] < 1 - 1e-9:
            return intervals.nothing(self.n), intervals.nothing(self.n)
        columns = (self.won, self.won_se, self.lost, self.lost_se, self.n_known)
        won, won_se, lost, lost_se, known = (float(self.at(x, np.array([day]))[0]) for x in columns)
        ends = ((won, won_se), (lost, lost_se))
        won, lost = (Interval(x, *_bounds(x, se, int(known) or self.n), self.n) for x, se in ends)
        return won, lost


def incidence(
    days: Sequence[float], outcome: Sequence[str | None], entry: Sequence[float] | None = None
) -> Incidence | None:
    """Aalen–Johansen shares won and lost by day; deals without outcome are censored. None where nothing ended.

    W(t) = Σ S(t_i−) d_i / n_i. `entry` is the day on or before which a deal could not have been seen to end
    (negative: it could from the first day on); deals that ended by then are left out.

    >>> days, ends = [1, 2, 2, 3, 4, 5, 6, 7, 8, 9], "wlw.lw.wl."
    >>> fit = incidence(days, [{"w": "won", "l": "lost"}.get(e) for e in ends])
    >>> round(float(fit.won[-1]), 6), round(float(fit.lost[-1]), 6)
    (0.472222, 0.372222)
    """
    time = np.asarray(days, dtype=float)
    status = np.array([{"won": 1, "lost": 2}.get(o, 0) for o in outcome], dtype=int)
    late = np.full(len(time), -1.0) if entry is None else np.asarray(entry, dtype=float)
    seen = time > late
    time, status, late = time[seen], status[seen], late[seen]
    if not status.any():
        return None
    fit = _entered_late(time, status, late) if (late >= 0).any() else None
    if fit is None:
        early = late < 0
        if not status[early].any():
            return None
        time, status, late = time[early], status[early], late[early]
        fit = _from_the_start(time, status)
    over = np.searchsorted(np.sort(time[status > 0]), fit[0], side="left")
    n_known = over + at_risk(fit[0], time, late)
    return Incidence(*fit, n_known, float(time.max()), len(time), bool((late >= 0).any()))


def _bounds(share: float, se: float, n: int) -> tuple[float, float]:
    """Bounds of a share on the complementary log-log scale, so that they stay within 0 and 1.

    Where none or all ended so, there is no error to estimate: Wilson's bounds of none or all of `n`.
    """
    if not 0 < share < 1 or se <= 0:
        plain = intervals.wilson(round(share * n), n)
        return min(plain.low, share), max(plain.high, share)
    spread = stats.norm.ppf(0.5 + LEVEL / 2) * se / ((1 - share) * abs(math.log1p(-share)))
    low, high = (1 - (1 - share) ** math.exp(sign * spread) for sign in (-1, 1))
    return low, high


def at_risk(at: np.ndarray, time: np.ndarray, entry: np.ndarray) -> np.ndarray:
    """How many were watched and not over just before each day of `at`: entry < day ≤ time."""
    over = np.searchsorted(np.sort(time), at, side="left")
    entered = np.searchsorted(np.sort(entry), at, side="left")
    return entered - over


def _from_the_start(time: np.ndarray, status: np.ndarray) -> tuple[np.ndarray, ...]:
    from statsmodels.duration.survfunc import CumIncidenceRight

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # variance of the last step, where nobody is left
        fit = CumIncidenceRight(time, status)
    nobody = np.zeros(len(fit.times))
    won, lost = ([*fit.cinc, nobody, nobody][k] for k in (0, 1))
    won_se, lost_se = (np.nan_to_num([*fit.cinc_se, nobody, nobody][k]) for k in (0, 1))
    return fit.times, won, lost, won_se, lost_se


def _entered_late(time: np.ndarray, status: np.ndarray, entry: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """Aalen–Johansen from the risk sets of `SurvfuncRight(entry=…)`; None where a risk set empties too early.

    The standard error is that of `CumIncidenceRight` (Dinse & Larson 1986) with these risk sets.
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    curve = SurvfuncRight(time, (status > 0).astype(int), entry=entry)
    times, n = curve.surv_times, curve.n_risk
    before = np.concatenate([[1.0], curve.surv_prob[:-1]])
    if (n <= 0).any() or (before <= 0).any():
        return None
    ends = [np.bincount(np.searchsorted(times, time[status == k]), minlength=len(times)) for k in (1, 2)]
    shares = [np.cumsum(before * d / n) for d in ends]
    errors = [_standard_error(x, before / n, n, d, sum(ends)) for x, d in zip(shares, ends, strict=True)]
    return times, *shares, *errors


def _standard_error(
    share: np.ndarray, step: np.ndarray, n: np.ndarray, d: np.ndarray, ended: np.ndarray
) -> np.ndarray:
    left = n - ended
    risk = np.divide(ended, n * left, out=np.zeros(len(n)), where=left > 0)
    variance = share**2 * np.cumsum(risk) - 2 * share * np.cumsum(share * risk) + np.cumsum(share**2 * risk)
    variance += np.cumsum(step**2 * (n - d) * d / n)
    cross = step * d / n
    variance += 2 * np.cumsum(share * cross) - 2 * share * np.cumsum(cross)
    return np.sqrt(np.maximum(variance, 0))
