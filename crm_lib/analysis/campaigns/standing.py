"""Satisfaction and share of the market: measured in a period, projected into one that is not over."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis.campaigns import level
from crm_lib.analysis.campaigns.level import MOST, Stretches
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.intervals import Interval, nothing
from crm_lib.analysis.satisfaction import answers, measure

STRETCH = 91  # days: a quarter of a year
MOST_AHEAD = 367  # days: a year, whatever day it begins on
_ALIKE = 0.2  # periods of the market that differ more in length from the usual one are left out


def answered(tables: Tables, options: Options) -> pd.DataFrame | None:
    """Perceived and expected summed by the day of the answer; None where satisfaction is not asked."""
    if tables.surveys is None or tables.survey_items is None or options.item_scale is None:
        return None
    responses = answers.responses(tables.surveys, {})
    said = responses.filter(responses.answered_on <= ibis.literal(options.as_of))
    pairs = answers.pairs_by_response(answers.items(tables.survey_items, said, options.item_scale))
    return answers.pair_sums(
        pairs.inner_join(said.select("response_id", "answered_on"), "response_id"), ["answered_on"]
    )


def satisfaction(days: pd.DataFrame | None, first: dt.date, last: dt.date, options: Options) -> Interval:
    """Perceived ÷ expected of the answers of a period; nothing where fewer than 30 answered."""
    return nothing() if days is None or first > last else _ratio(days, first, last, options)[0]


def _ratio(days: pd.DataFrame, first: dt.date, last: dt.date, options: Options) -> tuple[Interval, float]:
    """The ratio of a period, and the standard error of its log."""
    inside = days["answered_on"].between(first, last)
    sums = days.loc[inside].drop(columns="answered_on").sum()
    found = measure.ratio(sums, options.compare_from)
    return Interval(found.value, found.low, found.high, found.n), measure.log_ratio_error(sums) or 0.0


def satisfaction_ahead(days: pd.DataFrame | None, first: dt.date, last: dt.date, options: Options) -> Interval:
    """What a period that is not over will show: its answers so far, and the quarters' level drifting on."""
    if days is None or (last - options.as_of).days > MOST_AHEAD:
        return nothing()
    tomorrow = options.as_of + dt.timedelta(days=1)
    ahead = level.projected(_quarters(days, options), max(first, tomorrow), last)
    so_far = satisfaction(days, first, options.as_of, options)
    return level.with_past(ahead, so_far.value, _gone(first, last, tomorrow)) if so_far else ahead


def _gone(first: dt.date, last: dt.date, until: dt.date) -> float:
    """Share of the period before the day `until`."""
    return (until - first).days / ((last - first).days + 1)


def _quarters(days: pd.DataFrame, options: Options) -> Stretches:
    """Stretches of 91 days back from the as-of day, those with enough answers."""
    rows = []
    for k in reversed(range(MOST)):
        end = options.as_of - dt.timedelta(days=k * STRETCH)
        start = end - dt.timedelta(days=STRETCH - 1)
        found, error = _ratio(days, start, end, options)
        if found:
            rows.append((start.toordinal() + STRETCH / 2, found.value, (found.value * error) ** 2))
    return Stretches(*np.array(rows, dtype=float).reshape(-1, 3).T, length=STRETCH)


def share_of_market(market: pd.DataFrame, first: dt.date, last: dt.date) -> float | None:
    """Our sales over those of the market, over the periods told that lie within; None without any."""
    inside = _within(market, first, last)
    whole = inside["market_amount"].sum() if len(inside) else 0
    return float(inside["own_amount"].sum() / whole) if whole > 0 else None


def _within(market: pd.DataFrame, first: dt.date, last: dt.date) -> pd.DataFrame:
    if market.empty:
        return market
    known = market[market["own_amount"].notna()]
    return known[(known["period_start"] >= first) & (known["period_end"] <= last)]


def share_ahead(market: pd.DataFrame, first: dt.date, last: dt.date, as_of: dt.date) -> Interval:
    """The share of a period that is not over: that of the periods told, and their level drifting on."""
    if (last - as_of).days > MOST_AHEAD:
        return nothing()
    inside = _within(market, first, last)
    start = max(inside["period_end"]) + dt.timedelta(days=1) if len(inside) else first
    if start > last:
        return nothing()
    ahead = level.projected(_periods(market), start, last)
    found = level.with_past(ahead, share_of_market(market, first, last) or 0.0, _gone(first, last, start))
    bounds = (None if x is None else min(max(x, 0.0), 1.0) for x in (found.value, found.low, found.high))
    return Interval(*bounds, found.n)


def next_period(market: pd.DataFrame) -> tuple[dt.date, dt.date] | None:
    """First and last day of the period after the last one told, as long as the usual one."""
    if market.empty or market["own_share"].isna().all():
        return None
    last = max(market.loc[market["own_share"].notna(), "period_end"])
    usual = dt.timedelta(days=round(_periods(market).length))
    return last + dt.timedelta(days=1), last + usual


def _periods(market: pd.DataFrame) -> Stretches:
    """Our share by period of the usual length, those that overlap an earlier one left out."""
    known = market[market["own_share"].notna()]
    lengths = [(b - a).days + 1 for a, b in zip(known["period_start"], known["period_end"], strict=True)]
    usual = float(np.median(lengths)) if lengths else 1.0
    rows: list[tuple[float, float, float]] = []
    free = dt.date.min
    for a, b, share in zip(known["period_start"], known["period_end"], known["own_share"], strict=True):
        days = (b - a).days + 1
        if a >= free and abs(days - usual) <= _ALIKE * usual:
            rows.append((a.toordinal() + days / 2, share, 0.0))
            free = b + dt.timedelta(days=1)
    return Stretches(*np.array(rows[-MOST:], dtype=float).reshape(-1, 3).T, length=usual)
