"""How long deals take and stay: shares ended by day, days to close, median time in each stage."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.incidence import Incidence, incidence
from crm_lib.analysis.funnel.results import Ends
from crm_lib.analysis.intervals import LEVEL, Interval


def median_days(days: Sequence[float], ended: Sequence[bool], entry: Sequence[float] | None = None) -> Interval:
    """Median time until the end, those that go on censored (Kaplan–Meier, log-log bounds); n counts all.

    `entry` is the day up to which an end would not have been seen (left truncation; negative: none).
    Without a value where fewer than half have ended; a bound not reached is None.

    >>> median_days([6, 7, 10], [True, True, True]).value
    7.0
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    time, status = np.asarray(days, dtype=float), np.asarray(ended, dtype=int)
    late = None if entry is None else np.asarray(entry, dtype=float)
    if late is not None:
        seen = time > late
        time, status, late = time[seen], status[seen], late[seen]
    if not status.any():
        return intervals.nothing(len(time))
    curve = SurvfuncRight(time, status, entry=late)
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


def ends(frame: pd.DataFrame, at_days: Sequence[int], entry: np.ndarray | None = None) -> Ends | None:
    """How the deals of `frame` end by `at_days` after opening: won, lost, still open.

    `entry` per deal is the age up to which its end would not have been seen.
    """
    days = frame["days_to_close"].fillna(frame["age_days"])
    known = days.notna()
    if not known.any():
        return None
    fit = incidence(days[known], frame.loc[known, "outcome"], None if entry is None else entry[known.to_numpy()])
    if fit is None:
        return None
    rows = [_ends_at(fit, day) for day in at_days]
    return Ends(fit.n, pd.DataFrame(rows), pd.DataFrame({"day": fit.times, "won": fit.won, "lost": fit.lost}))


def _ends_at(fit: Incidence, day: int) -> dict[str, float | int | None]:
    won, lost = fit.by(day)
    return {
        "days": day,
        "won": won.value,
        "won_low": won.low,
        "won_high": won.high,
        "lost": lost.value,
        "lost_low": lost.low,
        "lost_high": lost.high,
        "still_open": max(0.0, 1 - won.value - lost.value) if won else None,
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
        stays = spells[(spells["rank"] == rank) & (spells["days"] >= 0) & (spells["days"] > spells["entry"])]
        days, ended, entry = (
            np.repeat(stays[c].to_numpy(kind), stays["n"])
            for c, kind in (("days", float), ("ended", bool), ("entry", float))
        )
        late = entry if (entry >= 0).any() else None
        median = median_days(days, ended, late) if len(days) else intervals.nothing()
        rows.append((stage, len(days), int((~ended).sum()), median.value, median.low, median.high))
    return pd.DataFrame(rows, columns=["stage", "n", "n_open", "median", "low", "high"])
