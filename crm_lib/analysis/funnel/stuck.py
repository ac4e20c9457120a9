"""Deals that stand still: longer in their stage than won deals were, or past the day they were to close."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.deals import History
from crm_lib.analysis.funnel.results import Overdue, Stale
from crm_lib.analysis.funnel.ways import Ways

MIN_WON = 10  # fewer won deals bear no percentile


def stage_limits(history: History, ways: Ways, as_of: dt.date, percentile: int) -> dict[int, float]:
    """Days by stage that `percentile` % of won deals stayed at most; no stages that too few entered."""
    if history.entries is None:
        return {}
    won = (history.deals["outcome"] == "won").to_numpy()
    entered = history.entries.reindex(history.deals["opportunity_id"])
    limits = {}
    for i in range(ways.n_stages):
        days, _fate = ways.stays(i, as_of)
        mine = days[won & np.isfinite(days) & entered[f"stage_{i}"].notna().to_numpy()]
        if len(mine) >= MIN_WON:
            limits[i] = float(np.quantile(mine, percentile / 100))
    return limits


def stale(
    deals: pd.DataFrame, by_deal: pd.DataFrame, limits: dict[int, float], stages: tuple[str, ...], percentile: int
) -> Stale:
    """Open deals longer in their stage (or, without a limit of the stage, older) than most won deals."""
    closed = deals["days_to_close"].dropna()
    won = deals.loc[deals["outcome"] == "won", "days_to_close"].dropna()
    dated = by_deal[by_deal["age_days"].notna()]
    longest = int(closed.max()) if len(closed) else None
    n_older = int((dated["age_days"] > longest).sum()) if longest is not None else 0
    limit = float(np.quantile(won, percentile / 100)) if len(won) >= MIN_WON else None
    old = dated.iloc[:0]
    if limit is not None:
        by_stage = dated["place"].map(limits).astype(float)
        old = dated[np.where(by_stage.notna(), dated["days_in_stage"] > by_stage, dated["age_days"] > limit)]
    old = old.sort_values(["value", "age_days", "opportunity_id"], ascending=[False, False, True])
    names = {stages[i]: days for i, days in limits.items()}
    return Stale(
        percentile, limit, names, len(old), _sum(old), len(dated), n_older, longest, old.reset_index(drop=True)
    )


def overdue(deals: pd.DataFrame, by_deal: pd.DataFrame, stale_ids: pd.Series, as_of: dt.date) -> Overdue:
    """Open deals past their expected day of closing, and the delay of closed ones."""
    dated = by_deal[by_deal["expected_on"].notna()]
    late = dated[dated["expected_on"] < pd.Timestamp(as_of)]
    closed = deals[deals["closed_on"].notna() & deals["expected_on"].notna() & ~deals["is_open"]]
    delay = (closed["closed_on"] - closed["expected_on"]).dt.days
    n_late = int((delay > 0).sum())
    return Overdue(
        n=len(late),
        amount=_sum(late),
        n_dated=len(dated),
        n_stuck=len(set(late["opportunity_id"]) | set(stale_ids)),
        closed_late=intervals.wilson(n_late, len(closed)),
        median_days_late=float(delay[delay > 0].median()) if n_late else None,
    )


def _sum(deals: pd.DataFrame) -> float | None:
    return float(deals["value"].sum()) if deals["value"].notna().any() else (None if len(deals) else 0.0)
