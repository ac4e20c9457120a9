"""The parts of the funnel's result, each from the same basis; `pipeline` puts them together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel import durations, figures, stages, value
from crm_lib.analysis.funnel import findings as finding
from crm_lib.analysis.funnel import rates as rating
from crm_lib.analysis.funnel.deals import History
from crm_lib.analysis.funnel.results import Conversion, Findings, Truncation
from crm_lib.contract.publication import Publication
from crm_lib.contract.settings import FunnelSettings

_FIT_FROM = 30  # fewer deals in a stage take the chance of all deals of their age


@dataclass(frozen=True)
class Basis:
    """What every part stands on; `reached` is deals × (stages + won), None on a snapshot."""

    history: History
    settings: FunnelSettings
    as_of: dt.date
    truncation: Truncation | None
    reached: np.ndarray | None

    @property
    def deals(self) -> pd.DataFrame:
        """One row per deal."""
        return self.history.deals

    @property
    def last_mature(self) -> dt.date:
        """Last day on which an entry is old enough to judge."""
        return self.as_of - dt.timedelta(days=self.settings.maturity_days)

    @property
    def is_whole(self) -> pd.Series:
        """Deals whose fate is not hidden by closings that are missing at the start."""
        if self.truncation is None:
            return pd.Series(True, index=self.deals.index)
        return ~(self.deals["opened_on"] < pd.Timestamp(self.truncation.first_closed_on))


def basis(history: History, settings: FunnelSettings, as_of: dt.date, mode: str) -> Basis:
    """What all parts share, computed once."""
    reached = None
    if history.entries is not None:
        reached = stages.reached(history.deals, history.entries, len(history.stages), mode)
    return Basis(history, settings, as_of, finding.truncation(history.deals), reached)


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


def worth(b: Basis, stale_percentile: int, seed: int) -> dict[str, Any]:
    """Value of open deals and the stale ones."""
    open_deals = value.with_values(b.deals)
    fits, place = _chances(b)
    open_deals = value.with_chances(open_deals, fits, place[b.deals["is_open"]])
    open_value = value.open_value(open_deals, b.deals, seed)
    return {"open_value": open_value, "stale": value.stale(b.deals, open_value.by_deal, stale_percentile)}


def _chances(b: Basis) -> tuple[dict[str | None, value.Chance], pd.DataFrame]:
    """Estimates by stage (None: from the opening on, for all), and each deal's furthest stage and days in it."""
    frame, whole = b.deals, b.is_whole.to_numpy()
    lasted = frame["days_to_close"].fillna(frame["age_days"])
    known = whole & lasted.notna().to_numpy()
    everything = durations.incidence(lasted[known], frame.loc[known, "outcome"]) if known.any() else None
    fits = {} if everything is None else {None: value.Chance(everything)}
    place = pd.DataFrame({"stage": None, "days": np.nan}, index=frame.index).astype({"stage": object})
    if b.history.entries is None:
        return fits, place
    reached = stages.reached(frame, b.history.entries, len(b.history.stages), "any")
    for stage, days, fate in _stays(b, reached):
        here = np.isfinite(days) & (fate != "won")
        place.loc[here, "stage"], place.loc[here, "days"] = stage, days[here]
    return fits | _moving_on(_stays(b, reached), whole), place


def _stays(b: Basis, reached: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Stages from the last to the first, each with days until a deal got further or ended (NaN: never there).

    How the stay ended: `won` got further, `lost`, None goes on.
    """
    frame = b.deals
    until = frame["closed_on"].where(~frame["is_open"], pd.Timestamp(b.as_of)).to_numpy("datetime64[D]")
    for i, stage in reversed(list(enumerate(b.history.stages))):
        further = ~np.isnat(reached[:, i + 1])
        days = (np.where(further, reached[:, i + 1], until) - reached[:, i]) / np.timedelta64(1, "D")
        yield stage, np.where(days >= 0, days, np.nan), np.where(further, "won", frame["outcome"])


def _moving_on(
    stays: Iterable[tuple[str, np.ndarray, np.ndarray]], whole: np.ndarray
) -> dict[str | None, value.Chance]:
    """Per stage: how deals leave it, and the chance to win of those that got further."""
    fits, later = {}, 1.0
    for stage, days, fate in stays:
        known = whole & np.isfinite(days)
        fit = durations.incidence(days[known], fate[known]) if known.any() else None
        if fit is None:
            break
        if known.sum() >= _FIT_FROM:
            fits[stage] = value.Chance(fit, later)
        later *= float(fit.won[-1])
    return fits


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
        "strict_win_rate": intervals.wilson(n_won, n_closed + worth["stale"].n),
        "by_closing": rating.by_quarter(b.deals, "closed_on", b.last_mature, b.truncation),
        "by_opening": rating.by_quarter(b.deals, "opened_on", b.last_mature, b.truncation),
        "groups": rating.groups(b.deals, compare_from),
    }


def _deal_conversion(b: Basis) -> Conversion:
    since = None if b.truncation is None else b.truncation.first_closed_on
    return rating.deal_conversion(b.deals, b.last_mature, since)


def times(b: Basis, at_days: tuple[int, ...]) -> dict[str, Any]:
    """How long deals take to end, stay in a stage, and how they end."""
    spells = b.history.spells
    return {
        "days_to_close": durations.days_to_close(b.deals),
        "time_in_stage": None if spells is None else durations.time_in_stage(spells, b.history.stages),
        "ends": durations.ends(b.deals[b.is_whole], at_days),
    }


def where(b: Basis, worth: dict[str, Any], leads: ibis.Table | None, market: ibis.Table | None) -> dict[str, Any]:
    """Where deals stand and how they get on: stages, steps, the four parts."""
    by_deal, parts = worth["open_value"].by_deal, b.settings.parts
    table = stages.with_reached(stages.counts(by_deal, b.history.stages, parts), b.reached, b.as_of)
    outside = {"traffic": stages.traffic(market, b.as_of), "leads": stages.n_leads(leads, b.as_of)}
    steps = pd.DataFrame(columns=stages.STEP_COLUMNS)
    if b.reached is not None:
        steps = stages.steps(b.reached[b.is_whole], b.history.stages, b.last_mature)
    return {"stages": table, "steps": steps, "parts": stages.roll_up(table, b.reached, outside, b.as_of)}


def findings(b: Basis, worth: dict[str, Any], products: ibis.Table | None) -> Findings:
    """What the data say about themselves."""
    frame, spells = b.deals, b.history.spells
    backwards = frame["closed_on"] < frame["opened_on"]
    moves = {} if spells is None else _moves(spells)
    return Findings(
        truncation=b.truncation,
        unknown_stages=b.history.unknown,
        unknown_products=finding.unknown_products(frame, products),
        n_without_stage=int((frame["is_open"] & frame["stage"].isna()).sum()),
        n_without_customer=_n_false(frame["has_customer"]),
        n_without_opening=int(frame["opened_on"].isna().sum()),
        n_open_without_amount=worth["open_value"].n_estimated,
        n_closed_before_opened=int(backwards.sum()),
        **moves,
    )


def _n_false(answers: pd.Series) -> int | None:
    return None if answers.isna().all() else int((answers == False).sum())  # noqa: E712


def _moves(spells: pd.DataFrame) -> dict[str, int]:
    listed = spells[(spells["rank"] >= 0) & (spells["next_rank"] >= 0)]
    step = listed["next_rank"] - listed["rank"]
    return {
        "n_skips": int(listed.loc[step > 1, "n"].sum()),
        "n_reversals": int(listed.loc[step < 0, "n"].sum()),
        "n_reopened": int(spells.loc[spells["after_close"], "n"].sum()),
    }


def publication(currency: str, *parts: dict[str, Any]) -> Publication:
    """Figures out of all parts, and the table of stages with its conversion."""
    return figures.publication({k: v for part in parts for k, v in part.items()}, currency)
