"""What the pipe is worth and what the next weeks will bring, with ranges by simulation."""

from __future__ import annotations

import datetime as dt

import numpy as np

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel import simulation
from crm_lib.analysis.funnel.outlook import Outlook
from crm_lib.analysis.funnel.results import Forecast, OpenValue
from crm_lib.analysis.funnel.simulation import Draws, Shock, drawn_interval
from crm_lib.analysis.intervals import Interval

BY_DEAL = (
    "opportunity_id",
    "owner",
    "product",
    "stage",
    "place",
    "age_days",
    "days_in_stage",
    "expected_on",
    "value",
    "estimated",
    "p_win",
    "p_soon",
    "p_from",
)


def worth(view: Outlook, common: Shock, target_amount: float, seed: int) -> tuple[OpenValue, Forecast | None]:
    """Value of the open deals, and the forecast: None where nothing has closed or no money is known.

    `target_amount` of nought takes what was won in the stretch before.
    """
    by_deal = view.deals[list(BY_DEAL)].reset_index(drop=True)
    valued = view.deals[view.deals["value"].notna()]
    n_estimated = int(by_deal["estimated"].sum())
    known = view.deals["p_win"].notna().all()
    if valued.empty and len(by_deal):
        return OpenValue(None, intervals.nothing(), intervals.nothing(), n_estimated, by_deal), None
    draws = simulation.simulate(view, common, seed)
    amount = float(valued["value"].sum())
    total = (
        drawn_interval(amount, draws.total, len(valued))
        if n_estimated
        else Interval(amount, None, None, len(valued))
    )
    weighted = intervals.nothing(len(valued))
    if known and len(valued):
        weighted = drawn_interval(float((valued["value"] * valued["p_win"]).sum()), draws.ever, len(valued))
    value = OpenValue(amount if len(valued) else 0.0, total, weighted, n_estimated, by_deal)
    return value, _forecast(view, draws, common, target_amount) if known else None


def _forecast(view: Outlook, draws: Draws, common: Shock, target_amount: float) -> Forecast | None:
    valued = view.deals[view.deals["value"].notna()]
    fresh = view.fresh
    if fresh is None and valued.empty:
        return None
    of_open = float((valued["value"] * valued["p_soon"]).sum())
    of_new = fresh.n * fresh.p_soon * float(fresh.pool.mean()) if fresh else 0.0
    target = target_amount or view.won_before_amount
    return Forecast(
        horizon_days=view.horizon_days,
        until=view.day + dt.timedelta(days=view.horizon_days),
        of_open=drawn_interval(of_open, draws.soon, len(valued)),
        of_new=drawn_interval(of_new, draws.fresh, fresh.n if fresh else 0),
        total=drawn_interval(of_open + of_new, draws.coming, len(valued)),
        target=target,
        is_given=bool(target_amount),
        p_target=float(np.mean(draws.coming >= target)),
        is_range=common.is_range or (fresh is not None and fresh.n_before < simulation.ENOUGH_DAYS),
        n_tested=common.n,
        shock=common.sd,
        n_new=fresh.n if fresh else 0,
        n_new_earlier=fresh.n_earlier if fresh else 0,
    )
