"""Where nobody was held out: contacted customers against others like them. Indicative only."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow.compute as pc
from scipy import stats

from crm_lib.analysis import histories
from crm_lib.analysis.campaigns.options import Options
from crm_lib.analysis.intervals import LEVEL, Interval, nothing
from crm_lib.analysis.segmentation.grades import cuts, grades

FEW, TOO_EARLY, UNLIKE = "few", "too early", "unlike"


@dataclass(frozen=True)
class Indication:
    """Money per head that those contacted spent more than before, beyond what others like them did.

    `n_treated` and `n_others` are those in cells that hold both; `matched_share` is of all contacted with history.
    """

    campaign_id: str
    money: Interval
    n_treated: int = 0
    n_others: int = 0
    matched_share: float = 0.0
    n_cells: int = 0
    why: str = ""


def indication(campaign_id: str, told: ir.Table, transactions: ir.Table, options: Options) -> Indication:
    """Difference in differences on RFM cells: the window after the contact against the window before it.

    Σ_c w_c [(after − before) contacted − (after − before) others], w_c the share of those contacted in cell c,
    graded by days, orders and money on the day before. Those who were contacted may differ in what no cell shows.
    """
    sent = told.filter((told.campaign_id == campaign_id) & told.treated & ~told.both & told.customer_id.notnull())
    sent = sent.select("customer_id", "day").to_pyarrow()
    if not len(sent):
        return Indication(campaign_id, nothing(), why=FEW)
    start = pc.min(sent["day"]).as_py()
    after = min(options.window_days, (options.as_of - start).days)
    if after < 7:
        return Indication(campaign_id, nothing(), why=TOO_EARLY)
    people = _people(transactions, start, after)
    people["contacted"] = people["customer_id"].isin(sent["customer_id"].to_pylist())
    return compared(campaign_id, people, options.compare_from)


def _people(transactions: ir.Table, start: dt.date, window: int) -> pd.DataFrame:
    """Customers known the day before, with their RFM cell and the change of their spend."""
    eve = start - dt.timedelta(days=1)
    rows = (
        histories.per_customer(transactions, eve)
        .select("customer_id", "last_on", "n_orders", "amount")
        .to_pandas()
    )
    rows = rows.sort_values("customer_id", ignore_index=True)
    silent = (pd.Timestamp(eve) - pd.to_datetime(rows["last_on"])).dt.days
    values = {"r": silent, "f": rows["n_orders"], "m": rows["amount"].astype(float)}
    cell = sum(10**i * grades(v, cuts(v), i == 2) for i, v in enumerate([values["m"], values["f"], values["r"]]))
    span = dt.timedelta(days=window)
    spent = [
        histories.bought_between(transactions, *between).set_index("customer_id")["amount"]
        for between in ((eve - span, eve), (start, start + span))
    ]
    before, later = (rows["customer_id"].map(s).fillna(0.0) for s in spent)
    return pd.DataFrame({"customer_id": rows["customer_id"], "cell": cell, "change": later - before})


def compared(campaign_id: str, people: pd.DataFrame, compare_from: int = 30) -> Indication:
    """The comparison itself, from `cell`, `change` and `contacted` per customer."""
    by = people.groupby(["cell", "contacted"])["change"].agg(["size", "mean"]).unstack("contacted")
    by = by.reindex(columns=pd.MultiIndex.from_product([["size", "mean"], [True, False]]))
    size = by["size"].fillna(0)
    both = (size[True] >= 1) & (size[False] >= 2)
    n_contacted = int(people["contacted"].sum())
    n_treated, n_others = int(size.loc[both, True].sum()), int(size.loc[both, False].sum())
    about = {"n_treated": n_treated, "n_others": n_others, "n_cells": int(both.sum())}
    about["matched_share"] = n_treated / n_contacted if n_contacted else 0.0
    if min(n_treated, n_others) < compare_from:
        return Indication(campaign_id, nothing(n_treated), **about, why=FEW)
    if about["matched_share"] < 0.5:
        return Indication(campaign_id, nothing(n_treated), **about, why=UNLIKE)
    weight = (size.loc[both, True] / n_treated).to_numpy()
    gap = float((weight * (by["mean"].loc[both, True] - by["mean"].loc[both, False]).to_numpy()).sum())
    kept = people[people["cell"].isin(size.index[both])]
    within = {arm: _variance(part) for arm, part in kept.groupby("contacted")}
    others = size.loc[both, False].to_numpy()
    error = math.sqrt(within[True] / n_treated + within[False] * float(np.sum(weight**2 / others)))
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * error
    return Indication(campaign_id, Interval(gap, gap - half, gap + half, n_treated), **about)


def _variance(people: pd.DataFrame) -> float:
    """Variance of the change within cells."""
    spread = people["change"] - people.groupby("cell")["change"].transform("mean")
    freedom = len(people) - people["cell"].nunique()
    return float((spread**2).sum() / freedom) if freedom > 0 else float((people["change"]).var())
