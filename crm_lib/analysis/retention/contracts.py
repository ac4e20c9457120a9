"""Contracts: which end soon, which ended without a further order, and the sBG model of renewal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.retention.book import CENTS, Book, frame, state

YEAR_DAYS = 365
FEWEST_ENDED = 30
# Beyond this a + b everybody leaves with as good as the same chance.
ALIKE_FROM = 1_000.0


@dataclass(frozen=True)
class Renewal:
    """The shifted-beta-geometric model (Fader & Hardie 2007): S(t) = B(a, b+t) / B(a, b).

    A customer leaves at each renewal with a chance of their own, drawn from Beta(a, b).
    """

    a: float
    b: float
    log_likelihood: float
    n: int

    @property
    def all_alike(self) -> bool:
        """Whether the data show no difference between customers in the chance to leave."""
        return self.a + self.b > ALIKE_FROM

    def survival(self, t) -> np.ndarray:
        """Share still there after `t` renewals."""
        return np.exp(betaln(self.a, self.b + np.asarray(t, float)) - betaln(self.a, self.b))

    def churn(self, t) -> np.ndarray:
        """Share that leaves at renewal `t`: P(T = t) = B(a+1, b+t−1) / B(a, b)."""
        return np.exp(betaln(self.a + 1, self.b + np.asarray(t, float) - 1) - betaln(self.a, self.b))

    def kept_at(self, t) -> np.ndarray:
        """Share of those still there before renewal `t` who renew: (b + t − 1) / (a + b + t − 1)."""
        t = np.asarray(t, float)
        return (self.b + t - 1) / (self.a + self.b + t - 1)


def fit(left_at: np.ndarray, n_left: np.ndarray, kept_for: np.ndarray, n_kept: np.ndarray) -> Renewal | None:
    """Fit the sBG by maximum likelihood: `n_left` at renewal `left_at`, `n_kept` still there after `kept_for`.

    None where nobody left or nobody stayed: the likelihood has then no maximum.
    """
    left_at, n_left, kept_for, n_kept = (np.asarray(v, float) for v in (left_at, n_left, kept_for, n_kept))
    if not n_left.sum() or not n_kept[kept_for > 0].sum() + n_left[left_at > 1].sum():
        return None

    def negative(z: np.ndarray) -> float:
        model = Renewal(*np.exp(z), 0.0, 0)
        with np.errstate(divide="ignore"):
            return -float(n_left @ np.log(model.churn(left_at)) + n_kept @ np.log(model.survival(kept_for)))

    best = min(
        (minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 2000})
         for start in ([0.0, 0.0], [0.0, 1.5])),
        key=lambda found: found.fun,
    )  # fmt: skip
    a, b = np.exp(best.x)
    return Renewal(float(a), float(b), -float(best.fun), int(n_left.sum() + n_kept.sum()))


@dataclass(frozen=True, eq=False)
class Contracts:
    """What the contract ends of a source say.

    Attributes
    ----------
    n, n_running, n_ended, n_gone
        Customers with a contract; its end lies ahead, or behind; behind with no order since.
    soon
        Contracts that end in the next 30, 90, 180 days: days, n, amount (net of the last 364 days).
    by_year
        Year of the relation in which contracts end: year, n_at_start, n_left, kept (share) with low, high;
        `fitted` is what the sBG says.
    model
        The sBG fitted to these, None where fewer than 30 have ended or the data don't settle it.
    """

    n: int
    n_running: int
    n_ended: int
    n_gone: int
    soon: pd.DataFrame
    by_year: pd.DataFrame
    model: Renewal | None

    @property
    def gone(self) -> Interval:
        """Share of the ended contracts whose customer has not bought since."""
        return intervals.wilson(self.n_gone, self.n_ended)


def contracts(book: Book) -> Contracts | None:
    """What the contract ends say; None where the source has none."""
    if not book.has_contracts or book.first_on is None:
        return None
    known = state(book, book.as_of, window_days=364)
    known = known.filter(known.contract_end.notnull() & (known.contract_end > known.first_on))
    end = ibis.literal(book.as_of)
    rows = known.select(
        "cents",
        years=(known.contract_end.delta(known.first_on, unit="day") / YEAR_DAYS).ceil().cast("int64"),
        ahead=known.contract_end.delta(end, unit="day").cast("int64"),
        age=(end.delta(known.first_on, unit="day") / YEAR_DAYS).floor().cast("int64"),
        gone=(known.contract_end < end) & (known.last_on <= known.contract_end),
    )
    grouped = rows.group_by("years", "ahead", "age", "gone").agg(
        n=rows.count(), cents=rows.cents.sum().cast("int64")
    )
    counted = frame(grouped, "years", "ahead", "age", "gone")
    if counted.empty:
        return None
    runs = counted["ahead"] >= 0
    soon = [_soon(counted[runs & (counted["ahead"] <= days)], days) for days in (30, 90, 180)]
    n_gone = int(counted.loc[counted["gone"], "n"].sum())
    model, by_year = _renewals(counted)
    n, n_running = int(counted["n"].sum()), int(counted.loc[runs, "n"].sum())
    return Contracts(n, n_running, n - n_running, n_gone, pd.DataFrame(soon), by_year, model)


def _soon(part: pd.DataFrame, days: int) -> dict:
    return {"days": days, "n": int(part["n"].sum()), "amount": float(part["cents"].sum()) / CENTS}


def _renewals(counted: pd.DataFrame) -> tuple[Renewal | None, pd.DataFrame]:
    """Customers by year of the relation: left where the contract has ended with no order since, else kept.

    Kept for as many whole years as the relation is old: an ended contract with an order since is a renewal. A
    year counts only for those for whom it is over.
    """
    left_in_full_year = counted["gone"] & (counted["years"] <= counted["age"])
    gone, kept = counted[left_in_full_year], counted[~left_in_full_year]
    left = gone.groupby("years")["n"].sum()
    stayed = kept.groupby("age")["n"].sum()
    last = max([*left.index, *stayed.index], default=0)
    rows = []
    for year in range(1, int(last) + 1):
        at_start = int(left[left.index >= year].sum() + stayed[stayed.index >= year].sum())
        n_left = int(left.get(year, 0))
        found = intervals.wilson(at_start - n_left, at_start)
        if found:
            rows.append({"year": year, "n_at_start": at_start, "n_left": n_left, "kept": found.value,
                         "low": found.low, "high": found.high})  # fmt: skip
    by_year = pd.DataFrame(rows, columns=["year", "n_at_start", "n_left", "kept", "low", "high"])
    if left.sum() < FEWEST_ENDED or len(by_year) < 2:
        return None, by_year
    model = fit(left.index.to_numpy(), left.to_numpy(), stayed.index.to_numpy(), stayed.to_numpy())
    if model is None or not math.isfinite(model.log_likelihood):
        return None, by_year
    return model, by_year.assign(fitted=model.kept_at(by_year["year"]))
