"""How long things take when some are not over yet: Kaplan–Meier and Aalen–Johansen by statsmodels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.results import Ends
from crm_lib.analysis.intervals import LEVEL, Interval


def median_days(days: Sequence[float], ended: Sequence[bool]) -> Interval:
    """Median time until the end, those that go on censored (Kaplan–Meier, log-log bounds); n counts all.

    Without a value where fewer than half have ended; a bound not reached is None.

    >>> median_days([6, 7, 10], [True, True, True]).value
    7.0
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    time, status = np.asarray(days, dtype=float), np.asarray(ended, dtype=int)
    if not status.any():
        return intervals.nothing(len(time))
    curve = SurvfuncRight(time, status)
    value = curve.quantile(0.5)
    if not math.isfinite(value):
        return intervals.nothing(len(time))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # log(0) where the curve ends at nought
        low, high = curve.quantile_ci(0.5, alpha=1 - LEVEL)
    if math.isnan(low) and math.isnan(high):  # the curve falls through the whole band in one step
        low = high = value
    bounds = [float(b) if math.isfinite(b) else None for b in (low, high)]
    return Interval(float(value), *bounds, len(time))


@dataclass(frozen=True)
class Incidence:
    """Share won and lost by each day since the start, competing ends; `n_at_risk` still open just before."""

    times: np.ndarray
    won: np.ndarray
    lost: np.ndarray
    won_se: np.ndarray
    n_at_risk: np.ndarray
    longest: float
    n: int

    def at(self, values: np.ndarray, days: np.ndarray) -> np.ndarray:
        """`values` as a step function, at `days`."""
        position = np.searchsorted(self.times, days, side="right") - 1
        return np.where(position >= 0, values[np.maximum(position, 0)], 0.0)

    def chance_to_win(self, age_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chance that a deal still open at this age is won in the end, and the deals that the chance rests on.

        (W(∞) − W(a)) / (1 − W(a) − L(a)): nought for deals older than any that was won.
        """
        age = np.nan_to_num(np.asarray(age_days, dtype=float), nan=-1.0)
        won, lost = self.at(self.won, age), self.at(self.lost, age)
        still_open = 1 - won - lost
        final = self.won[-1] if len(self.won) else 0.0
        chance = np.divide(final - won, still_open, out=np.zeros_like(won), where=still_open > 1e-9)
        position = np.minimum(np.searchsorted(self.times, age, side="right"), len(self.times) - 1)
        return np.clip(chance, 0.0, 1.0), self.n_at_risk[np.maximum(position, 0)]


def incidence(days: Sequence[float], outcome: Sequence[str | None]) -> Incidence | None:
    """Aalen–Johansen shares won and lost by day; deals without outcome are censored. None where nothing ended.

    W(t) = Σ S(t_i−) d_i / n_i, by statsmodels' `CumIncidenceRight`.

    >>> days, ends = [1, 2, 2, 3, 4, 5, 6, 7, 8, 9], "wlw.lw.wl."
    >>> fit = incidence(days, [{"w": "won", "l": "lost"}.get(e) for e in ends])
    >>> round(float(fit.won[-1]), 6), round(float(fit.lost[-1]), 6)
    (0.472222, 0.372222)
    """
    from statsmodels.duration.survfunc import CumIncidenceRight

    time = np.asarray(days, dtype=float)
    status = np.array([{"won": 1, "lost": 2}.get(o, 0) for o in outcome])
    if not status.any():
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # variance of the last step, where nobody is left
        fit = CumIncidenceRight(time, status)
    zero = np.zeros(len(fit.times))
    won, won_se = (fit.cinc[0], fit.cinc_se[0]) if len(fit.cinc) else (zero, zero)
    lost = fit.cinc[1] if len(fit.cinc) > 1 else zero
    n_at_risk = len(time) - np.searchsorted(np.sort(time), fit.times, side="left")
    return Incidence(fit.times, won, lost, np.nan_to_num(won_se), n_at_risk, float(time.max()), len(time))


def _bounds(share: float, se: float) -> tuple[float, float]:
    """Bounds of a share on the complementary log-log scale, so that they stay within 0 and 1."""
    if not 0 < share < 1 or se <= 0:
        return share, share
    spread = stats.norm.ppf(0.5 + LEVEL / 2) * se / ((1 - share) * abs(math.log1p(-share)))
    low, high = (1 - (1 - share) ** math.exp(sign * spread) for sign in (-1, 1))
    return low, high


def ends(frame: pd.DataFrame, at_days: Sequence[int]) -> Ends | None:
    """How the deals of `frame` end by `at_days` after opening: won, lost, still open."""
    days = frame["days_to_close"].fillna(frame["age_days"])
    known = days.notna()
    if not known.any():
        return None
    fit = incidence(days[known], frame.loc[known, "outcome"])
    if fit is None:
        return None
    rows = [_ends_at(fit, day) for day in at_days]
    return Ends(fit.n, pd.DataFrame(rows), pd.DataFrame({"day": fit.times, "won": fit.won, "lost": fit.lost}))


def _ends_at(fit: Incidence, day: int) -> dict[str, float | int | None]:
    if day > fit.longest:
        return dict.fromkeys(("won", "won_low", "won_high", "lost", "still_open")) | {"days": day}
    won, lost, se = (float(fit.at(v, np.array([day]))[0]) for v in (fit.won, fit.lost, fit.won_se))
    low, high = _bounds(won, se)
    return {
        "days": day,
        "won": won,
        "won_low": low,
        "won_high": high,
        "lost": lost,
        "still_open": max(0.0, 1 - won - lost),
    }


def days_to_close(frame: pd.DataFrame) -> pd.DataFrame:
    """Days to close of closed deals: outcome (all, won, lost), n, mean, median with bounds, longest."""
    rows = []
    for name in ("all", "won", "lost"):
        chosen = frame if name == "all" else frame[frame["outcome"] == name]
        days = chosen["days_to_close"].dropna().to_numpy()
        if not len(days):
            continue
        median = _median(days)
        rows.append(
            {
                "outcome": name,
                "n": len(days),
                "mean": float(days.mean()),
                "median": float(np.median(days)),
                "low": median[0],
                "high": median[1],
                "longest": int(days.max()),
            }
        )
    columns = ["outcome", "n", "mean", "median", "low", "high", "longest"]
    return pd.DataFrame(rows, columns=columns)


def _median(days: np.ndarray) -> tuple[float | None, float | None]:
    """Exact bounds of a median out of order statistics (binomial); None where too few values."""
    ordered, n = np.sort(days), len(days)
    low = int(stats.binom.ppf((1 - LEVEL) / 2, n, 0.5)) - 1
    if low < 0:
        return None, None
    return float(ordered[low]), float(ordered[n - 1 - low])


def time_in_stage(spells: pd.DataFrame, stages: tuple[str, ...]) -> pd.DataFrame:
    """Median days in each stage, stays that go on censored: stage, n, n_open, median, low, high."""
    rows = []
    for rank, stage in enumerate(stages):
        stays = spells[(spells["rank"] == rank) & (spells["days"] >= 0)]
        days = np.repeat(stays["days"].to_numpy(float), stays["n"])
        ended = np.repeat(stays["ended"].to_numpy(bool), stays["n"])
        median = median_days(days, ended) if len(days) else intervals.nothing()
        rows.append((stage, len(days), int((~ended).sum()), median.value, median.low, median.high))
    return pd.DataFrame(rows, columns=["stage", "n", "n_open", "median", "low", "high"])
