"""The open deals of a day with values and chances, and the deals that will come: what a forecast stands on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis.funnel import chances, findings
from crm_lib.analysis.funnel.chances import Model
from crm_lib.analysis.funnel.ways import Ways, frame_at

YEAR = 365
_KNOWN_AMOUNTS = 0.5  # with fewer open deals priced, amounts come with the close: no past day knew them


@dataclass(frozen=True)
class Fresh:
    """Deals not yet opened: as many as in the same stretch before, give or take the misses of that rule.

    `n` deals are opened in the horizon (`n_earlier` were in the stretch before the last), a share `p_soon` of
    them is won within it; `log_sd` is the typical miss of "as many as before" on the log scale, from `n_before`
    earlier stretches; `pool` holds amounts won lately.
    """

    n: int
    n_earlier: int
    p_soon: float
    log_sd: float
    n_before: int
    pool: np.ndarray


@dataclass(frozen=True)
class Outlook:
    """One day's view: `deals` are the open ones, with value, estimated, place, p_win, p_soon, p_from.

    `won_before_amount` was won in the stretch as long as the horizon that ended on `day`.
    """

    day: dt.date
    horizon_days: int
    deals: pd.DataFrame
    fresh: Fresh | None
    won_before_amount: float
    n_closed: int
    pools: dict[str | None, np.ndarray]


def with_values(deals: pd.DataFrame, estimate_all: bool = False) -> pd.DataFrame:
    """Open deals with `value` and `estimated`: the amount, or the mean of won deals of the product, or of all.

    An amount of nought on an open deal says "not known yet".
    """
    won = _won_with_money(deals)
    by_product = won.groupby("product")["amount"].mean()
    overall = float(won["amount"].mean()) if len(won) else np.nan
    open_deals = deals[deals["is_open"]].copy()
    known = (open_deals["amount"] > 0) & (not estimate_all)
    guess = open_deals["product"].map(by_product).astype(float).fillna(overall)
    return open_deals.assign(value=open_deals["amount"].where(known, guess), estimated=~known)


def _won_with_money(deals: pd.DataFrame) -> pd.DataFrame:
    return deals[(deals["outcome"] == "won") & (deals["amount"] > 0)]


def outlook(
    frame: pd.DataFrame, ways: Ways, day: dt.date, horizon_days: int, watched_from: dt.date | None
) -> Outlook:
    """The view on `day` from deals and ways known on that day."""
    return _outlook(frame, ways, day, horizon_days, watched_from, estimate_all=False)


def outlook_at(frame: pd.DataFrame, ways: Ways, day: dt.date, horizon_days: int) -> Outlook:
    """The view that could have been had on a past `day`, amounts that come with the close not known."""
    began = (frame["opened_on"] <= pd.Timestamp(day)).to_numpy()
    then = frame_at(frame, day)
    past = Ways(ways.reached[began], ways.closed[began]).at(day)
    early = findings.truncation(then)
    is_open = frame["is_open"]
    priced = float((frame.loc[is_open, "amount"] > 0).mean()) if is_open.any() else 1.0
    watched_from = None if early is None else early.first_closed_on
    return _outlook(then, past, day, horizon_days, watched_from, estimate_all=priced < _KNOWN_AMOUNTS)


def _outlook(
    frame: pd.DataFrame,
    ways: Ways,
    day: dt.date,
    horizon_days: int,
    watched_from: dt.date | None,
    *,
    estimate_all: bool,
) -> Outlook:
    model = chances.model(ways, day, watched_from, horizon_days)
    is_open = frame["is_open"].to_numpy()
    place, days = ways.place, ways.days_in_place(day)
    found = model.chances(place[is_open], days[is_open], frame.loc[is_open, "age_days"].to_numpy())
    deals = with_values(frame, estimate_all).assign(
        place=place[is_open],
        days_in_stage=days[is_open],
        p_win=found[:, 0],
        p_soon=np.where(place[is_open] >= 0, found[:, 1], 0.0),  # without a start it counts with those to come
        p_from=found[:, 2],
    )
    won = _won_with_money(frame)
    lately = won[won["closed_on"] > pd.Timestamp(day) - pd.Timedelta(days=horizon_days)]
    pools = {None: won["amount"].to_numpy()} | {
        name: group["amount"].to_numpy() for name, group in won.groupby("product", sort=True)
    }
    fresh = _fresh(frame, model, day, horizon_days, watched_from)
    n_closed = int((~frame["is_open"]).sum())
    return Outlook(day, horizon_days, deals, fresh, float(lately["amount"].sum()), n_closed, pools)


def _fresh(
    frame: pd.DataFrame, model: Model, day: dt.date, horizon_days: int, watched_from: dt.date | None
) -> Fresh | None:
    won = _won_with_money(frame)
    pool = won.loc[won["closed_on"] > pd.Timestamp(day) - pd.Timedelta(days=YEAR), "amount"].to_numpy()
    counts = openings(frame, day, horizon_days, watched_from)
    if model.soon is None or not len(pool) or len(counts) < 2:
        return None
    misses = np.abs(np.diff(np.log(np.maximum(counts, 1))))
    typical = float(np.sqrt((misses**2).mean())) if len(misses) >= 5 else float(misses.max())
    return Fresh(*counts[:2], float(model.soon[:-1].mean()), typical, len(misses), pool)


def openings(frame: pd.DataFrame, day: dt.date, horizon_days: int, since: dt.date | None = None) -> list[int]:
    """Deals opened in each stretch of the horizon's length up to `day`, the latest first; whole stretches only.

    Before `since` deals are missing that ended early, so those stretches are left out.
    """
    opened = frame["opened_on"].dropna()
    first = max([opened.min(), *([pd.Timestamp(since)] if since else [])]) if len(opened) else None
    if first is None:
        return []
    age = (pd.Timestamp(day) - opened).dt.days
    n = ((pd.Timestamp(day) - first).days + 1) // horizon_days
    return [int(((age >= k * horizon_days) & (age < (k + 1) * horizon_days)).sum()) for k in range(n)]
