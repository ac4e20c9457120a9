"""Targets and market: goal, actual, projection with its range; share of the market beside competitors."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis.campaigns import standing
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.histories import MONEY, customer_days
from crm_lib.analysis.intervals import LEVEL, Interval, nothing

REVENUE, ORDERS, SATISFACTION, MARKET_SHARE = "revenue", "orders", "satisfaction", "market_share"
KNOWN = (REVENUE, ORDERS, SATISFACTION, MARKET_SHARE)
OVER, NOW, AHEAD = "over", "now", "ahead"
YEAR, BLOCK, N_BLOCKS = 364, 91, 4
MOST_MISSING = 3  # last days of a period whose like of last year is not known yet


@dataclass(frozen=True, eq=False)
class Goals:
    """Targets and market.

    `targets`: metric, unit, period_start, period_end, state (over, now, ahead), value (the goal), actual with low
    and high where it is an estimate, n, attained (share), projection, projection_low, _high. `unknown` names
    metrics that nobody here can measure. `market`: period_start, period_end, market_amount, own_amount, own_share,
    traffic; `competitors`: period_start, competitor, share. `growth` is the yearly growth projected from.
    `share_ahead` is our share of the market in the period after the last one told, which ends on `share_until`.
    """

    targets: pd.DataFrame
    unknown: tuple[str, ...]
    market: pd.DataFrame
    competitors: pd.DataFrame
    growth: dict[str, Interval]
    share_ahead: Interval
    share_until: dt.date | None


@dataclass(frozen=True, eq=False)
class Known:
    """What targets are held against: sales by day and their growth, answers by day, the market."""

    days: pd.DataFrame | None
    growth: dict[str, Interval]
    answers: pd.DataFrame | None
    market: pd.DataFrame


def goals(tables: Tables, options: Options) -> Goals:
    """Every target of the source beside what came and what is to come."""
    days = by_day(tables.transactions, options.as_of)
    growth = {m: _growth(days[m], options.as_of) for m in (REVENUE, ORDERS)} if days is not None else {}
    market, competitors = _market(tables.market, days, options.as_of)
    listed = _listed(tables.targets)
    is_asked = any(row["metric"] == SATISFACTION for row in listed)
    known = Known(days, growth, standing.answered(tables, options) if is_asked else None, market)
    rows, unknown = [], set()
    for row in listed:
        if row["metric"] not in KNOWN:
            unknown.add(row["metric"])
            continue
        rows.append(row | _state(row, options.as_of) | _measured(row, known, options))
    frame = pd.DataFrame(rows)
    if rows:
        frame["attained"] = frame["actual"] / frame["value"].where(frame["value"] > 0)
    following = standing.next_period(market)
    ahead = nothing() if following is None else standing.share_ahead(market, *following, options.as_of)
    until = following[1] if ahead else None
    return Goals(frame, tuple(sorted(unknown)), market, competitors, growth, ahead, until)


def _listed(targets: ir.Table | None) -> list[dict]:
    if targets is None:
        return []
    columns = ["metric", "period_start", "period_end", "value", "unit"]
    rows = targets.select(*columns).to_pyarrow().to_pylist()
    return sorted(rows, key=lambda row: (row["period_start"], row["period_end"], row["metric"]))


def _state(row: dict, as_of: dt.date) -> dict:
    if row["period_end"] <= as_of:
        return {"state": OVER}
    return {"state": NOW if row["period_start"] <= as_of else AHEAD}


def by_day(transactions: ir.Table | None, as_of: dt.date) -> pd.DataFrame | None:
    """Net sales and orders of every day from the first to the as-of day."""
    if transactions is None:
        return None
    by = customer_days(transactions)
    by = by.filter(by.day <= ibis.literal(as_of))
    rows = by.group_by("day").agg(revenue=by.amount.sum().cast(MONEY), orders=(by.amount >= 0).sum()).to_pandas()
    if rows.empty:
        return None
    rows = rows.set_index(pd.to_datetime(rows["day"]))[[REVENUE, ORDERS]].astype("float64").sort_index()
    return rows.reindex(pd.date_range(rows.index[0], as_of), fill_value=0.0)


def _sum(series: pd.Series, first: dt.date, last: dt.date) -> float | None:
    """Sum of the days from `first` to `last`; None where the data don't reach back as far."""
    if pd.Timestamp(first) < series.index[0]:
        return None
    return float(series.loc[pd.Timestamp(first) : pd.Timestamp(last)].sum())


def _growth(series: pd.Series, as_of: dt.date) -> Interval:
    """Log growth of the last four quarters over the year before, with a prediction interval for one more."""
    found = []
    for i in range(N_BLOCKS):
        end = as_of - dt.timedelta(days=i * BLOCK)
        start = end - dt.timedelta(days=BLOCK - 1)
        back = dt.timedelta(days=YEAR)
        now, then = _sum(series, start, end), _sum(series, start - back, end - back)
        if now and then and now > 0 and then > 0:
            found.append(math.log(now / then))
    n = len(found)
    if n < 3:
        return nothing(n)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * float(np.std(found, ddof=1)) * math.sqrt(1 + 1 / n)
    mean = float(np.mean(found))
    return Interval(mean, mean - half, mean + half, n)


def _measured(row: dict, known: Known, options: Options) -> dict:
    """Actual and projection of one target, with bounds where they are estimates."""
    metric, span = row["metric"], (row["period_start"], row["period_end"])
    empty = dict.fromkeys(("actual", "low", "high", "n", "projection", "projection_low", "projection_high"))
    is_over = row["period_end"] <= options.as_of
    if metric == SATISFACTION:
        found = standing.satisfaction(known.answers, span[0], min(span[1], options.as_of), options)
        told = {"actual": found.value, "low": found.low, "high": found.high, "n": found.n}
        ahead = nothing() if is_over else standing.satisfaction_ahead(known.answers, *span, options)
        return empty | told | _projection(ahead)
    if metric == MARKET_SHARE:
        ahead = nothing() if is_over else standing.share_ahead(known.market, *span, options.as_of)
        return empty | {"actual": standing.share_of_market(known.market, *span)} | _projection(ahead)
    if known.days is None:
        return empty
    return empty | _counted(row, known.days[metric], known.growth[metric], options.as_of)


def _projection(found: Interval) -> dict:
    return {"projection": found.value, "projection_low": found.low, "projection_high": found.high}


def _counted(row: dict, series: pd.Series, growth: Interval, as_of: dt.date) -> dict:
    """What came so far, and for what is left: the same days of last year times the growth."""
    first, last = row["period_start"], row["period_end"]
    told = {}
    if first <= as_of:
        told["actual"] = _sum(series, first, min(last, as_of))
    if last <= as_of or not growth:
        return told
    back = dt.timedelta(days=YEAR)
    rest = max(first, as_of + dt.timedelta(days=1))
    missing = max((last - back - as_of).days, 0)
    if missing > MOST_MISSING:
        return told
    base = _sum(series, rest - back, last - back)
    if base is None or base <= 0:
        return told
    n_days = (last - rest).days + 1
    base *= n_days / (n_days - missing) if n_days > missing else 1.0
    so_far = told.get("actual") or 0.0
    for name, g in (
        ("projection", growth.value),
        ("projection_low", growth.low),
        ("projection_high", growth.high),
    ):
        told[name] = so_far + base * math.exp(g)
    return told


def _market(
    table: ir.Table | None, days: pd.DataFrame | None, as_of: dt.date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Our share of the market and the competitors' by period, of periods that are over."""
    own = ["period_start", "period_end", "market_amount", "own_amount", "own_share", "traffic"]
    if table is None or days is None or "market_amount" not in table.columns:
        return pd.DataFrame(columns=own), pd.DataFrame(columns=["period_start", "competitor", "share"])
    rows = table.filter(table.period_end <= ibis.literal(as_of)).order_by("period_start", "period_end").to_pandas()
    for c in ("market_amount", "competitor_amount", "traffic"):
        rows[c] = rows[c].astype("float64") if c in rows else np.nan
    for c in ("period_start", "period_end"):
        rows[c] = [pd.Timestamp(v).date() for v in rows[c]]
    rows["competitor"] = rows.get("competitor")
    whole = (
        rows[rows["market_amount"].notna()]
        .groupby(["period_start", "period_end"], as_index=False)[["market_amount", "traffic"]]
        .max()
    )
    ours = [_sum(days[REVENUE], a, b) for a, b in zip(whole["period_start"], whole["period_end"], strict=True)]
    whole["own_amount"] = np.array([np.nan if v is None else v for v in ours], dtype=float)
    whole["own_share"] = whole["own_amount"] / whole["market_amount"].where(whole["market_amount"] > 0)
    rivals = rows[rows["competitor"].notna()].merge(
        whole, on=["period_start", "period_end"], suffixes=("", "_whole")
    )
    rivals["share"] = rivals["competitor_amount"] / rivals["market_amount_whole"]
    rivals = rivals.sort_values(["period_start", "competitor"], ignore_index=True)
    return whole[own], rivals[["period_start", "competitor", "share"]]
