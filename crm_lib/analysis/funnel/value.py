"""What open deals are worth: recorded or estimated amounts, weighted by the chance to win, and the stale ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel import durations
from crm_lib.analysis.funnel.results import OpenValue, Stale
from crm_lib.analysis.intervals import LEVEL, Interval

N_DRAWS = 1000
_DRAWN_NUMBERS = 50_000_000  # caps draws × deals, so that a large pipe stays quick
MIN_WON = 10  # fewer won deals bear no percentile


def with_values(deals: pd.DataFrame) -> pd.DataFrame:
    """Open deals with `value` and `estimated`: the amount, or the mean of won deals of the product, or of all.

    An amount of nought on an open deal says "not known yet".
    """
    won = deals[(deals["outcome"] == "won") & (deals["amount"] > 0)]
    by_product = won.groupby("product")["amount"].mean()
    overall = float(won["amount"].mean()) if len(won) else np.nan
    open_deals = deals[deals["is_open"]].copy()
    known = open_deals["amount"] > 0
    guess = open_deals["product"].map(by_product).astype(float).fillna(overall)
    return open_deals.assign(value=open_deals["amount"].where(known, guess), estimated=~known)


@dataclass(frozen=True)
class Chance:
    """How deals leave a stage (`won`: further on), and the chance to win of those that got further."""

    fit: durations.Incidence
    later: float = 1.0


def with_chances(open_deals: pd.DataFrame, fits: dict[str | None, Chance], place: pd.DataFrame) -> pd.DataFrame:
    """Open deals with `p_win` and `p_from`, the deals that the chance rests on.

    A deal that has been in its stage for so many days gets further with the chance of all that stayed as long, and
    is then won like all that got further. `place` holds `stage`, the furthest one reached, and `days` in it;
    `fits` an estimate per stage, and one for None, at the deal's age, for stages without an estimate.
    """
    p, n = np.full(len(open_deals), np.nan), np.zeros(len(open_deals))
    own = place["stage"].where(place["stage"].isin([s for s in fits if s is not None]), None)
    for stage, chance in fits.items():
        here = (own.isna() if stage is None else own == stage).to_numpy()
        if here.any():
            days = open_deals.loc[here, "age_days"] if stage is None else place.loc[here, "days"]
            p[here], n[here] = chance.fit.chance_to_win(days.to_numpy(float))
            p[here] *= chance.later
    return open_deals.assign(p_win=p, p_from=n)


def open_value(open_deals: pd.DataFrame, deals: pd.DataFrame, seed: int) -> OpenValue:
    """Sum of the open deals, and the part that is likely to be won, with bounds by simulation.

    Each draw moves the chances of a stage together, by their standard error on the logit scale, then tosses a coin
    per deal; amounts not recorded are drawn from won deals of the product. Deals are taken as independent beyond
    that, which makes the bounds too narrow when a season hits them all.
    """
    columns = ["opportunity_id", "owner", "product", "stage", "age_days", "value", "estimated", "p_win"]
    by_deal = open_deals[columns].reset_index(drop=True)
    valued = open_deals[open_deals["value"].notna()]
    n_estimated = int(by_deal["estimated"].sum())
    if valued.empty:
        amount = None if len(open_deals) else 0.0
        return OpenValue(amount, intervals.nothing(), intervals.nothing(), n_estimated, by_deal)
    amount = float(valued["value"].sum())
    totals, weighted = _draws(valued, deals, np.random.default_rng(seed))
    total = _interval(amount, totals, len(valued)) if n_estimated else Interval(amount, None, None, len(valued))
    if valued["p_win"].isna().any():
        return OpenValue(amount, total, intervals.nothing(len(valued)), n_estimated, by_deal)
    expected = float((valued["value"] * valued["p_win"]).sum())
    return OpenValue(amount, total, _interval(expected, weighted, len(valued)), n_estimated, by_deal)


def _interval(value: float, draws: np.ndarray, n: int) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), n)


def _draws(valued: pd.DataFrame, deals: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    p = np.clip(valued["p_win"].fillna(0).to_numpy(), 0, 1)
    inner = (p > 0) & (p < 1)
    logit = special.logit(np.where(inner, p, 0.5))
    se = 1 / np.sqrt(np.maximum(valued["p_from"].to_numpy(float), 1) * np.where(inner, p * (1 - p), 0.25))
    stage = pd.factorize(valued["stage"], use_na_sentinel=False)[0]
    pools = _pools(valued, deals)
    n_draws = int(min(N_DRAWS, max(100, _DRAWN_NUMBERS // len(valued))))
    totals, weighted = np.empty(n_draws), np.empty(n_draws)
    value = valued["value"].to_numpy(float).copy()
    for i in range(n_draws):
        for rows, pool in pools:
            value[rows] = pool[rng.integers(0, len(pool), len(rows))]
        shift = rng.standard_normal(stage.max() + 1)[stage]
        chance = np.where(inner, special.expit(logit + shift * se), p)
        totals[i] = value.sum()
        weighted[i] = value @ (rng.random(len(p)) < chance)
    return totals, weighted


def _pools(valued: pd.DataFrame, deals: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per product: positions of deals whose amount is estimated, and the won amounts to draw from."""
    won = deals[(deals["outcome"] == "won") & (deals["amount"] > 0)]
    product = valued["product"].where(valued["product"].isin(won["product"]), None)
    pools = []
    for name in [*sorted(set(product.dropna())), None]:
        here = (product.isna() if name is None else product == name) & valued["estimated"]
        pool = won["amount"] if name is None else won.loc[won["product"] == name, "amount"]
        if here.any():
            pools.append((np.flatnonzero(here), pool.to_numpy(float)))
    return pools


def stale(deals: pd.DataFrame, by_deal: pd.DataFrame, percentile: int) -> Stale:
    """Open deals older than `percentile` % of won deals when they closed; listed by money, then id."""
    closed = deals["days_to_close"].dropna()
    won = deals.loc[deals["outcome"] == "won", "days_to_close"].dropna()
    dated = by_deal[by_deal["age_days"].notna()]
    longest = int(closed.max()) if len(closed) else None
    n_older = int((dated["age_days"] > longest).sum()) if longest is not None else 0
    limit = float(np.quantile(won, percentile / 100)) if len(won) >= MIN_WON else None
    old = dated[dated["age_days"] > limit] if limit is not None else dated.iloc[:0]
    old = old.sort_values(["value", "age_days", "opportunity_id"], ascending=[False, False, True])
    amount = float(old["value"].sum()) if old["value"].notna().any() else (None if len(old) else 0.0)
    return Stale(percentile, limit, len(old), amount, len(dated), n_older, longest, old.reset_index(drop=True))
