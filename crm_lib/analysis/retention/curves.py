"""Kaplan–Meier curves of counted durations, and the log-rank test between them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL, Interval

# Beyond the last day with as many still watched, a curve is not read.
FEWEST_AT_RISK = 30


@dataclass(frozen=True, eq=False)
class Curve:
    """Share that has not yet ended after each of `times`, with its standard error and those still watched.

    `longest` is the longest time watched. n counts all, `n_ended` those whose end was seen.
    """

    times: np.ndarray
    share: np.ndarray
    error: np.ndarray
    n_at_risk: np.ndarray
    longest: float
    n: int
    n_ended: int

    def at(self, time: float, level: float = LEVEL) -> Interval:
        """Share not yet ended at a time, log-log bounds; nothing beyond the longest time watched."""
        if time > self.longest:
            return intervals.nothing(self.n)
        position = int(np.searchsorted(self.times, time, side="right")) - 1
        if position < 0:
            return Interval(1.0, 1.0, 1.0, self.n)
        low, high = self.band(level)
        return Interval(float(self.share[position]), float(low[position]), float(high[position]), self.n)

    def band(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Bounds at each time: S^exp(±z se / (S |ln S|)), which stay within 0 and 1."""
        S = self.share
        inside = (S > 0) & (S < 1)
        with np.errstate(all="ignore"):
            half = stats.norm.ppf(0.5 + level / 2) * self.error / (S * np.abs(np.log(S)))
            low, high = S ** np.exp(half), S ** np.exp(-half)
        return np.where(inside, low, S), np.where(inside, high, S)

    def time_of(self, ended_share: float, level: float = LEVEL) -> Interval:
        """Time by which this share has ended; None for a value or a bound that is never reached."""
        low, high = self.band(level)
        value, early, late = (self._first(curve, 1 - ended_share) for curve in (self.share, low, high))
        return Interval(value, early, late, self.n) if value is not None else intervals.nothing(self.n)

    def _first(self, curve: np.ndarray, level: float) -> float | None:
        under = np.flatnonzero(curve <= level + 1e-12)
        return float(self.times[under[0]]) if len(under) else None

    @property
    def readable_until(self) -> float:
        """Last time with at least 30 still watched; 0 where there never were."""
        enough = np.flatnonzero(self.n_at_risk >= FEWEST_AT_RISK)
        return float(self.times[enough[-1]]) if len(enough) else 0.0


def curve(time: Any, ended: Any, n: Any = None) -> Curve:
    """Kaplan–Meier by statsmodels; `n` counts the cases behind each row (one each without it).

    >>> found = curve([6, 7, 10], [True, True, True])
    >>> found.at(7).value.__round__(4)
    0.3333
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    days, status = np.asarray(time, dtype=float), np.asarray(ended, dtype=int)
    counts = np.ones(len(days)) if n is None else np.asarray(n, dtype=float)
    total, n_ended = int(counts.sum()), int(counts[status == 1].sum())
    longest = float(days.max()) if len(days) else 0.0
    if not n_ended:
        nothing = np.array([])
        return Curve(nothing, nothing, nothing, nothing, longest, total, 0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # variance of the last step, where nobody is left
        fit = SurvfuncRight(days, status, freq_weights=counts)
    return Curve(fit.surv_times, fit.surv_prob, _greenwood(fit), fit.n_risk, longest, total, n_ended)


def _greenwood(fit: Any) -> np.ndarray:
    """Standard error of each share: S √Σ d / (n (n − d)).

    Statsmodels' own counts a row of weight w as one case, which makes the error of counted rows too large.
    """
    d, n = np.asarray(fit.n_events, float), np.asarray(fit.n_risk, float)
    with np.errstate(all="ignore"):
        part = np.where(n > d, d / (n * (n - d)), 0.0)
    return fit.surv_prob * np.sqrt(np.cumsum(part))


@dataclass(frozen=True)
class LogRank:
    """Whether groups end at the same pace: chi-square, its degrees of freedom, and p."""

    chi_square: float
    freedom: int
    p: float


def log_rank(rows: pd.DataFrame, group: str) -> LogRank | None:
    """Log-rank test of counted rows (`days`, `ended`, `n`) by `group`; None where nothing can be compared.

    Sum over times of events less those expected were all groups alike, with the hypergeometric variance
    (Mantel 1966), from counts: the rows are grouped, not cases.
    """
    events = rows.assign(n_ended=np.where(rows["ended"], rows["n"], 0))
    by_time = events.pivot_table("n_ended", "days", group, "sum", fill_value=0).sort_index()
    leaving = events.pivot_table("n", "days", group, "sum", fill_value=0).sort_index()
    if by_time.shape[1] < 2:
        return None
    d, at_risk = by_time.to_numpy(float), leaving.to_numpy(float)[::-1].cumsum(axis=0)[::-1]
    keep = d.sum(axis=1) > 0
    d, at_risk = d[keep], at_risk[keep]
    if not len(d):
        return None
    total, ended = at_risk.sum(axis=1), d.sum(axis=1)
    share = at_risk / total[:, None]
    apart = (d - ended[:, None] * share).sum(axis=0)[:-1]
    factor = ended * (total - ended) / np.maximum(total - 1, 1)
    spread = np.diag((factor[:, None] * share).sum(axis=0)) - np.einsum("t,ti,tj->ij", factor, share, share)
    spread = spread[:-1, :-1]
    if np.linalg.matrix_rank(spread) < len(spread):
        return None
    chi_square = float(apart @ np.linalg.solve(spread, apart))
    return LogRank(chi_square, len(apart), float(stats.chi2.sf(chi_square, len(apart))))


def by_group(rows: pd.DataFrame, group: str, names: Sequence[str]) -> dict[str, Curve]:
    """A curve for each named group of counted rows."""
    parts = {name: rows[rows[group] == name] for name in names}
    return {name: curve(part["days"], part["ended"], part["n"]) for name, part in parts.items() if len(part)}
