"""Sales velocity, money won per day by four levers, and the exact account of its change."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis.funnel.results import Pace, Velocity
from crm_lib.analysis.intervals import LEVEL, Interval

LEVERS = ("n_open", "amount", "win_rate", "days")
_LONGEST = 365
_LEAST_WON = 30


@dataclass(frozen=True)
class _Window:
    """One stretch: deals closed in it, and those open at its end; amounts and days of the won ones."""

    until: dt.date
    n_open: int
    n_closed: int
    amounts: np.ndarray
    days: np.ndarray

    @property
    def levers(self) -> dict[str, float]:
        return {
            "n_open": self.n_open,
            "amount": float(self.amounts.mean()),
            "win_rate": len(self.amounts) / self.n_closed,
            "days": float(self.days.mean()),
        }

    @property
    def log_variances(self) -> dict[str, float]:
        """Sampling variance of the log of each lever; open deals are a count, known exactly."""
        n, rate = len(self.amounts), len(self.amounts) / self.n_closed
        return {
            "n_open": 0.0,
            "amount": float(self.amounts.var(ddof=1) / self.amounts.mean() ** 2 / n),
            "win_rate": (1 - rate) / n,
            "days": float(self.days.var(ddof=1) / self.days.mean() ** 2 / n),
        }

    @property
    def log_variance(self) -> float:
        """Variance of the log of the velocity; amount and days belong to the same deals, so they vary together."""
        n, rate = len(self.amounts), len(self.amounts) / self.n_closed
        influence = self.amounts / self.amounts.mean() - self.days / self.days.mean()
        return float(influence.var(ddof=1) / n) + (1 - rate) / n


def velocity(deals: pd.DataFrame, as_of: dt.date, watched_from: dt.date | None) -> Velocity | None:
    """The velocity of the last stretch beside the one before, of equal length, a year at most.

    Per day: n_open × mean amount × win rate ÷ mean days to win. None where a stretch has fewer than thirty sales
    with an amount and a duration, or nothing open at its end. Closings before `watched_from` are missing: no
    stretch reaches back so far.
    """
    closed_on = deals["closed_on"].dropna()
    if closed_on.empty:
        return None
    first = max(closed_on.min().date(), watched_from or dt.date.min)
    length = min(_LONGEST, ((as_of - first).days + 1) // 2)
    middle = as_of - dt.timedelta(days=length)
    last, before = (_window(deals, day, length) for day in (as_of, middle))
    if last is None or before is None:
        return None
    return Velocity(length, _pace(last), _pace(before), *_change(last, before))


def _window(deals: pd.DataFrame, until: dt.date, length: int) -> _Window | None:
    end = pd.Timestamp(until)
    closed = deals[deals["closed_on"].between(end - pd.Timedelta(days=length), end, "right")]
    won = closed[(closed["outcome"] == "won") & (closed["amount"] > 0) & (closed["days_to_close"] >= 0)]
    is_open = (
        (deals["opened_on"] <= end)
        & ~(deals["closed_on"] <= end)
        & (deals["is_open"] | deals["closed_on"].notna())
    )
    days = won["days_to_close"].to_numpy(float)
    if len(won) < _LEAST_WON or not is_open.any() or not days.sum():
        return None
    # A sale without amount or duration is left out altogether: the win rate is that of the deals measured.
    n_lost = int((closed["outcome"] == "lost").sum())
    return _Window(until, int(is_open.sum()), n_lost + len(won), won["amount"].to_numpy(float), days)


def _pace(w: _Window) -> Pace:
    value = per_day(**w.levers)
    half = stats.norm.ppf(0.5 + LEVEL / 2) * math.sqrt(w.log_variance)
    interval = Interval(value, value * math.exp(-half), value * math.exp(half), len(w.amounts))
    return Pace(w.until, interval, **w.levers, median_days=float(np.median(w.days)), n_closed=w.n_closed)


def per_day(n_open: float, amount: float, win_rate: float, days: float) -> float:
    """Sales velocity in money per day.

    >>> per_day(n_open=100, amount=5000, win_rate=0.3, days=60)
    2500.0
    """
    return n_open * amount * win_rate / days


def _change(last: _Window, before: _Window) -> tuple[Interval, pd.DataFrame]:
    """The change of velocity and what each lever did to it; the parts add up to the change.

    Δv = L · Σ ±ln(lever ratio) with the logarithmic mean L = Δv ÷ ln(v₁ / v₀) (Ang 2004, LMDI I).
    """
    now, then = per_day(**last.levers), per_day(**before.levers)
    log_ratio = math.log(now / then)
    mean = (now - then) / log_ratio if abs(log_ratio) > 1e-12 else now
    z = stats.norm.ppf(0.5 + LEVEL / 2)
    rows = []
    for lever in LEVERS:
        ratio = last.levers[lever] / before.levers[lever]
        part = math.log(ratio) * (-1 if lever == "days" else 1)
        half = z * math.sqrt(last.log_variances[lever] + before.log_variances[lever])
        bounds = (mean * (part - half), mean * (part + half)) if half else (None, None)
        rows.append((lever, before.levers[lever], last.levers[lever], ratio, mean * part, *bounds))
    parts = pd.DataFrame(rows, columns=["lever", "before", "now", "ratio", "change", "low", "high"])
    half = z * math.sqrt(last.log_variance + before.log_variance)
    change = Interval(
        now - then, then * math.expm1(log_ratio - half), then * math.expm1(log_ratio + half), len(last.amounts)
    )
    return change, parts
