"""The parts of the funnel's result, each from the same basis; `pipeline` puts them together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel import (
    backtest,
    durations,
    explained,
    fates,
    figures,
    forecast,
    goal,
    outlook,
    stages,
    stuck,
    velocity,
)
from crm_lib.analysis.funnel import deals as dealing
from crm_lib.analysis.funnel import findings as finding
from crm_lib.analysis.funnel import rates as rating
from crm_lib.analysis.funnel.deals import History
from crm_lib.analysis.funnel.results import Conversion, Findings, Goal, Truncation
from crm_lib.analysis.funnel.simulation import Shock
from crm_lib.analysis.funnel.ways import Ways, ways
from crm_lib.contract.publication import Publication
from crm_lib.contract.settings import FunnelSettings

MODES = ("any", "in_order")


@dataclass(frozen=True)
class Basis:
    """What every part stands on; `reached` by mode is deals × (stages + won), empty on a snapshot."""

    history: History
    settings: FunnelSettings
    as_of: dt.date
    truncation: Truncation | None
    reached: dict[str, np.ndarray]
    ways: Ways
    spells: pd.DataFrame | None

    @property
    def deals(self) -> pd.DataFrame:
        """One row per deal."""
        return self.history.deals

    @property
    def last_mature(self) -> dt.date:
        """Last day on which an entry is old enough to judge."""
        return self.as_of - dt.timedelta(days=self.settings.maturity_days)

    @property
    def watched_from(self) -> dt.date | None:
        """First day on which ends were recorded; None where they were from the start."""
        return None if self.truncation is None else self.truncation.first_closed_on

    @property
    def is_whole(self) -> np.ndarray:
        """Deals opened when ends were recorded: of those opened before, the quick ones are missing."""
        if self.watched_from is None:
            return np.ones(len(self.deals), dtype=bool)
        return ~(self.deals["opened_on"] < pd.Timestamp(self.watched_from)).to_numpy()


def basis(
    history: History,
    tables: tuple[ibis.Table, ibis.Table | None],
    settings: FunnelSettings,
    as_of: dt.date,
) -> Basis:
    """What all parts share, computed once; `tables` are the opportunities and the stage events."""
    reached, spells = {}, None
    truncation = finding.truncation(history.deals)
    if history.entries is not None:
        n_stages = len(history.stages)
        reached = {m: stages.reached(history.deals, history.entries, n_stages, m) for m in MODES}
        since = None if truncation is None else truncation.first_closed_on
        spells = dealing.spells(tables[1], tables[0], history.stages, as_of, since)
    return Basis(history, settings, as_of, truncation, reached, ways(history), spells)


def counts(b: Basis) -> dict[str, Any]:
    """Deals by state, and money won: in all and in the last 365 days."""
    won = b.deals[b.deals["outcome"] == "won"]
    n_lost = int((b.deals["outcome"] == "lost").sum())
    recent = won["closed_on"] > pd.Timestamp(b.as_of) - pd.Timedelta(days=365)
    return {
        "n_deals": len(b.deals),
        "n_won": len(won),
        "n_lost": n_lost,
        "n_open": int(b.deals["is_open"].sum()),
        "won_amount": _sum(won["amount"]),
        "won_last_year_amount": _sum(won.loc[recent, "amount"]),
    }


def _sum(amounts: pd.Series) -> float | None:
    return float(amounts.sum()) if amounts.notna().any() else None


def worth(
    b: Basis,
    horizon_days: int,
    stale_percentile: int,
    *,
    target_amount: float,
    aim: goal.Aim | None,
    seed: int,
) -> dict[str, Any]:
    """Value of open deals, what the horizon will bring, whether it held before, and what stands still."""
    view = outlook.outlook(b.deals, b.ways, b.as_of, horizon_days, b.watched_from)
    past = backtest.origins(b.deals, b.ways, b.as_of, horizon_days)
    common = backtest.common_shock(past)
    value, ahead = forecast.worth(view, common, target_amount, seed)
    limits = stuck.stage_limits(b.history, b.ways, b.as_of, stale_percentile)
    stale = stuck.stale(b.deals, value.by_deal, limits, b.history.stages, stale_percentile)
    return {
        "open_value": value,
        "forecast": ahead,
        "goal": None if aim is None or ahead is None else _goal(b, aim, common, seed),
        "backtest": backtest.backtest(past, horizon_days, seed),
        "stale": stale,
        "overdue": stuck.overdue(b.deals, value.by_deal, stale.deals["opportunity_id"], b.as_of),
    }


def _goal(b: Basis, aim: goal.Aim, common: Shock, seed: int) -> Goal | None:
    """The chance to reach a target; its days are as uncertain as those of the horizon were in the past."""
    view = outlook.outlook(b.deals, b.ways, b.as_of, (aim.until - b.as_of).days, b.watched_from)
    return goal.reach(aim, view, b.deals, common, seed)


def rates(
    b: Basis,
    worth: dict[str, Any],
    leads: ibis.Table | None,
    opportunities: ibis.Table,
    compare_from: int,
) -> dict[str, Any]:
    """Shares: the headline, win rates, by quarter and by group."""
    n_won, n_closed = int((b.deals["outcome"] == "won").sum()), int((~b.deals["is_open"]).sum())
    of_deals = _deal_conversion(b)
    of_leads = None
    if rating.can_link(leads, opportunities):
        of_leads = rating.lead_conversion(leads, opportunities, b.last_mature)
    return {
        "conversion": of_leads if of_leads and of_leads.share else of_deals,
        "deal_conversion": of_deals,
        "win_rate": intervals.wilson(n_won, n_closed),
        "strict_win_rate": intervals.wilson(n_won, n_closed + worth["overdue"].n_stuck),
        "by_closing": rating.by_quarter(b.deals, "closed_on", b.last_mature, b.truncation),
        "by_opening": rating.by_quarter(b.deals, "opened_on", b.last_mature, b.truncation),
        "two_rates": explained.two_rates(b.deals, b.last_mature, b.watched_from),
        "covered": explained.covered(b.deals, b.watched_from, b.as_of),
        "groups": rating.groups(b.deals, compare_from),
    }


def _deal_conversion(b: Basis) -> Conversion:
    return rating.deal_conversion(b.deals, b.last_mature, b.watched_from)


def times(b: Basis, at_days: tuple[int, ...]) -> dict[str, Any]:
    """How long deals take to end, stay in a stage, how they end, and how fast money comes."""
    late = b.ways.unwatched(0, b.watched_from)
    return {
        "days_to_close": durations.days_to_close(b.deals),
        "time_in_stage": None if b.spells is None else durations.time_in_stage(b.spells, b.history.stages),
        "fates": fates.fates(b.history, b.ways, b.as_of, b.watched_from, at_days[0]),
        "ends": durations.ends(b.deals, at_days, late),
        "velocity": velocity.velocity(b.deals, b.as_of, b.watched_from),
    }


def where(
    b: Basis,
    worth: dict[str, Any],
    around: dict[str, ibis.Table | None],
    opportunities: ibis.Table,
    mode: str,
    won_year: float | None,
) -> dict[str, Any]:
    """Where deals stand and how they get on: stages, steps in both modes, their levers, the four parts."""
    leads, by_deal = around["leads"], worth["open_value"].by_deal
    reached = b.reached.get(mode)
    table = stages.counts(by_deal, b.history.stages, b.settings.parts)
    table = stages.with_reached(table, reached, b.as_of)
    empty = pd.DataFrame(columns=stages.STEP_COLUMNS)
    by_mode = {m: stages.steps(days[b.is_whole], b.history.stages, b.last_mature) for m, days in b.reached.items()}
    qualified = None
    if rating.can_link(leads, opportunities):
        qualified = rating.leads_with_a_deal(leads, opportunities, b.last_mature)
    steps = by_mode.get(mode, empty)
    return {
        "stages": table,
        "steps": steps,
        "steps_by_mode": by_mode,
        "levers": stages.levers(_lever_steps(b, steps), qualified, won_year),
        "parts": stages.roll_up(
            table,
            reached,
            b.is_whole,
            _outside(around, qualified, b.as_of),
            b.as_of,
            b.last_mature,
        ),
    }


def _lever_steps(b: Basis, steps: pd.DataFrame) -> pd.DataFrame:
    """The steps, or on a snapshot the one that is known: from the opening to the sale."""
    share = _deal_conversion(b).share
    if len(steps) or not share:
        return steps
    row = {"n": share.n, "share": share.value, "low": share.low, "high": share.high}
    return pd.DataFrame([row], columns=stages.STEP_COLUMNS)


def _outside(
    around: dict[str, ibis.Table | None], qualified: intervals.Interval | None, as_of: dt.date
) -> list[tuple[str, int, intervals.Interval]]:
    """People who came near and leads of the year; the first are counted only, so their share is one of flows."""
    traffic, n_leads = stages.traffic(around["market"], as_of), stages.n_leads(around["leads"], as_of)
    found = []
    if traffic is not None:
        near = n_leads is not None and 0 < n_leads <= traffic
        found.append(("traffic", traffic, intervals.wilson(n_leads, traffic) if near else intervals.nothing()))
    if n_leads is not None:
        found.append(("leads", n_leads, qualified or intervals.nothing()))
    return found


def findings(b: Basis, worth: dict[str, Any], products: ibis.Table | None) -> Findings:
    """What the data say about themselves."""
    frame = b.deals
    moves = {} if b.spells is None else finding.moves(b.spells)
    return Findings(
        truncation=b.truncation,
        unknown_stages=b.history.unknown,
        unknown_products=finding.unknown_products(frame, products),
        n_without_stage=int((frame["is_open"] & frame["stage"].isna()).sum()),
        n_without_customer=finding.n_false(frame["has_customer"]),
        n_without_opening=int(frame["opened_on"].isna().sum()),
        n_open_without_amount=worth["open_value"].n_estimated,
        n_closed_before_opened=int((frame["closed_on"] < frame["opened_on"]).sum()),
        n_ended_without_day=int((~frame["is_open"] & frame["closed_on"].isna()).sum()),
        n_events_before_opening=finding.n_before_opening(b.history),
        unused_stages=finding.unused(b.history, b.settings),
        **moves,
    )


def publication(currency: str, *parts: dict[str, Any]) -> Publication:
    """Figures out of all parts, and the table of stages with its conversion."""
    return figures.publication({k: v for part in parts for k, v in part.items()}, currency)
