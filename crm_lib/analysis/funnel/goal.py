"""The target of the period that runs: what deals must bring by its last day, and the chance that they will."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import pandas as pd

from crm_lib.analysis.funnel import forecast
from crm_lib.analysis.funnel.outlook import Outlook
from crm_lib.analysis.funnel.results import Goal
from crm_lib.analysis.funnel.simulation import Shock

WON, SALES = "won_amount", "revenue"  # metrics of `targets`: money won in deals, sales of all kinds
MOST_DAYS = 365  # a period that ends later is none that runs
_YEAR = 365


@dataclass(frozen=True)
class Aim:
    """A target from the source's own: what deals must bring from `since` to `until`.

    `of_sales` is the target for all sales that it is a part of, `share` what deals brought of all sales in the
    year before; both None where the target is one for won deals, `share` where no other sales are recorded.
    """

    since: dt.date
    until: dt.date
    amount: float
    of_sales: float | None = None
    share: float | None = None


def aim(
    targets: ibis.Table | None, transactions: ibis.Table | None, deals: pd.DataFrame, as_of: dt.date
) -> Aim | None:
    """The target of the period of the day after `as_of`; None where there is none.

    One for won deals comes before one for sales, the period that ends first before longer ones. Of a target for
    sales deals bear the share that they brought in the last 365 days.
    """
    rows = _running(targets, as_of)
    for row in (r for metric in (WON, SALES) for r in rows if r["metric"] == metric):
        span = row["period_start"], row["period_end"]
        if row["metric"] == WON:
            return Aim(*span, row["value"])
        if transactions is None:
            return Aim(*span, row["value"], of_sales=row["value"])
        share = _share_of_sales(transactions, deals, as_of)
        return Aim(*span, share * row["value"], row["value"], share) if share else None
    return None


def _running(targets: ibis.Table | None, as_of: dt.date) -> list[dict]:
    if targets is None:
        return []
    t = targets
    runs = (t.period_start <= ibis.literal(as_of + dt.timedelta(days=1))) & (t.period_end > ibis.literal(as_of))
    soon = t.period_end <= ibis.literal(as_of + dt.timedelta(days=MOST_DAYS))
    chosen = t.filter(runs & soon & t.metric.isin([WON, SALES]) & (t.value > 0))
    order = ("period_end", "period_start", "metric")
    return chosen.select(*order, "value").order_by(*order).to_pyarrow().to_pylist()


def _share_of_sales(transactions: ibis.Table, deals: pd.DataFrame, as_of: dt.date) -> float | None:
    """What deals won in the last 365 days are of the sales of these days, at most all; None without sales."""
    first = as_of - dt.timedelta(days=_YEAR - 1)
    day = transactions["at"].cast("date")
    recent = transactions.filter(day.between(ibis.literal(first), ibis.literal(as_of)))
    sales = recent.agg(amount=recent.amount.sum().cast("float64")).to_pyarrow()["amount"][0].as_py()
    return min(1.0, _won(deals, first) / sales) if sales and sales > 0 else None


def _won(deals: pd.DataFrame, since: dt.date) -> float:
    won = deals[(deals["outcome"] == "won") & (deals["closed_on"] >= pd.Timestamp(since))]
    return float(won["amount"].sum())


def reach(found: Aim, view: Outlook, deals: pd.DataFrame, common: Shock, seed: int) -> Goal | None:
    """How far deals have come and will come; `view` looks ahead to the last day of the period.

    None where nothing can be forecast. Without a chance where it can't be told how many deals will be opened.
    """
    so_far = _won(deals, found.since)
    left = found.amount - so_far
    _value, ahead = forecast.worth(view, common, max(left, 0.0), seed)
    if ahead is None:
        return None
    p = 1.0 if left <= 0 else ahead.p_target if view.fresh else None
    return Goal(**vars(found), so_far=so_far, coming=ahead.total, p=p, is_range=ahead.is_range)
