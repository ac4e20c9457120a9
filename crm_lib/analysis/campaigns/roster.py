"""The campaigns themselves: what they are, in which state, and what was asked for, granted and spent."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.histories import MONEY

STATES = ("applied", "approved", "running", "settled")
CATEGORIES = ("advertising", "promotion", "personnel", "material", "training", "other")
_TEXT = ("name", "parent_id", "kind", "purpose", "channel", "status")
_DAYS = ("applied_on", "starts_on", "ends_on")
_MONEY = ("applied_amount", "approved_amount")


def roster(tables: Tables) -> pd.DataFrame:
    """One row per campaign named by any table, by id: the columns of `campaigns`, None where not known."""
    found = _listed(tables.campaigns)
    naming = (tables.contacts, tables.campaign_costs, tables.leads, tables.opportunities, tables.transactions)
    more = sorted(_ids(naming) - set(found["campaign_id"]))
    rows = pd.DataFrame({"campaign_id": more, "name": more})
    rows = pd.concat([found, rows], ignore_index=True) if more else found
    return rows.sort_values("campaign_id", ignore_index=True)


def _listed(campaigns: ir.Table | None) -> pd.DataFrame:
    columns = ["campaign_id", *_TEXT, *_DAYS, *_MONEY]
    if campaigns is None:
        return pd.DataFrame(columns=columns)
    has = set(campaigns.columns)
    told = campaigns.select(
        "campaign_id",
        **{c: campaigns[c] if c in has else ibis.null("string") for c in _TEXT},
        **{c: campaigns[c].cast("date") if c in has else ibis.null("date") for c in _DAYS},
        **{c: (campaigns[c] if c in has else ibis.null(MONEY)).cast("float64") for c in _MONEY},
    )
    frame = told.order_by("campaign_id").to_pandas()
    for c in (*_TEXT, *_DAYS):
        frame[c] = frame[c].astype("object").where(frame[c].notna(), None)
    return frame


def _ids(tables: Iterable[ir.Table | None]) -> set[str]:
    """Every campaign that one of these tables names."""
    each = [t.select("campaign_id").distinct() for t in tables if t is not None and "campaign_id" in t.columns]
    if not each:
        return set()
    found = ibis.union(*each, distinct=True) if len(each) > 1 else each[0]
    return set(found.to_pyarrow()["campaign_id"].to_pylist()) - {None}


def costs(tables: Tables) -> pd.DataFrame | None:
    """Cents and hours by campaign (empty: overhead), kind and category; None without a table of costs."""
    table = tables.campaign_costs
    if table is None:
        return None
    has = set(table.columns)
    t = table.mutate(
        campaign_id=(table["campaign_id"] if "campaign_id" in has else ibis.null("string")).fill_null(""),
        hours=(table["hours"] if "hours" in has else ibis.null("float64")).cast("decimal(18,4)"),
    )
    keys = ("campaign_id", "kind", "category")
    rows = (
        t.group_by(*keys).agg(amount=t.amount.cast(MONEY).sum(), hours=t.hours.sum()).order_by(*keys).to_pandas()
    )
    rows["cents"] = [round(a * 100) for a in rows["amount"]]
    rows["hours"] = [float(h) if pd.notna(h) else 0.0 for h in rows["hours"]]
    return rows[[*keys, "cents", "hours"]]


def budget(found: pd.DataFrame | None) -> pd.DataFrame:
    """Budget and actual by category in money, overhead included, in the order of the contract.

    Columns `category`, `budget`, `actual`, `spent_share`. Campaigns that have not spent anything yet are left out
    of both, so that a budget for next year is no saving.
    """
    if found is None:
        return pd.DataFrame(columns=["category", "budget", "actual", "spent_share"])
    begun = found.loc[found["kind"] == "actual", "campaign_id"].unique()
    cells = found[found["campaign_id"].isin(begun)].pivot_table("cents", "category", "kind", "sum", fill_value=0)
    cells = cells.reindex(index=[c for c in CATEGORIES if c in cells.index], columns=["budget", "actual"]).fillna(
        0
    )
    cells = (cells / 100).reset_index()
    return cells.assign(spent_share=_over(cells["actual"], cells["budget"]))


def settlement(campaigns: pd.DataFrame, found: pd.DataFrame | None) -> pd.DataFrame:
    """Asked for, granted, budgeted and spent by campaign, and what is left; most spent first."""
    columns = ["campaign_id", "name", "status", "applied_amount", "approved_amount"]
    rows = campaigns.reindex(columns=columns).copy()
    for kind in ("budget", "actual"):
        cents = None if found is None else found[found["kind"] == kind].groupby("campaign_id")["cents"].sum()
        rows[kind] = np.nan if cents is None else rows["campaign_id"].map(cents / 100)
    rows = rows.astype(dict.fromkeys(("applied_amount", "approved_amount", "budget", "actual"), "float64"))
    granted = rows["approved_amount"].fillna(rows["budget"])
    rows["left"] = granted - rows["actual"]
    rows["spent_share"] = _over(rows["actual"], granted)
    order = rows["actual"].fillna(-1)
    return (
        rows.assign(_order=order)
        .sort_values(["_order", "campaign_id"], ascending=[False, True])
        .drop(columns="_order")
        .reset_index(drop=True)
    )


def workflow(campaigns: pd.DataFrame, found: pd.DataFrame | None) -> pd.DataFrame:
    """How many campaigns have reached each state, and their money: asked for, granted, spent.

    `n` reached the state or a later one, `n_now` stand in it. Campaigns without a state are not counted.
    """
    known = campaigns[campaigns["status"].isin(STATES)] if "status" in campaigns else campaigns.iloc[:0]
    step = known["status"].map({s: i for i, s in enumerate(STATES)})
    spent = settlement(known, found).set_index("campaign_id")["actual"] if len(known) else pd.Series(dtype=float)
    rows = []
    for i, state in enumerate(STATES):
        reached = known[step >= i]
        rows.append(
            {
                "state": state,
                "n": len(reached),
                "n_now": int((step == i).sum()),
                "applied_amount": float(reached["applied_amount"].astype(float).sum()),
                "approved_amount": float(reached["approved_amount"].astype(float).sum()),
                "actual": float(spent.reindex(reached["campaign_id"]).sum()),
            }
        )
    return pd.DataFrame(rows)


def progress(
    campaigns: pd.DataFrame, found: pd.DataFrame | None, contacted: pd.DataFrame, options: Options
) -> pd.DataFrame:
    """Campaigns under way on the as-of day: share of days, of money, and of contacts that went as planned.

    Columns `campaign_id`, `name`, `time_share`, `spent_share`, `actual`, `granted`, `n_contacted`, `answered`
    (share of those reached) beside `usual` (the same share in all settled campaigns); both None without contacts.
    """
    rows = settlement(campaigns, found).merge(campaigns[["campaign_id", "starts_on", "ends_on"]], on="campaign_id")
    rows = rows[rows["status"] == "running"].copy()
    day = pd.Timestamp(options.as_of)
    start, end = (pd.to_datetime(rows[c], errors="coerce") for c in ("starts_on", "ends_on"))
    whole = (end - start).dt.days + 1
    rows["time_share"] = (((day - start).dt.days + 1) / whole).clip(0, 1)
    rows["granted"] = rows["approved_amount"].fillna(rows["budget"])
    if contacted.empty:
        return rows.assign(n_contacted=np.nan, answered=np.nan, usual=np.nan).reset_index(drop=True)
    by = contacted.set_index("campaign_id")
    settled = by.reindex(campaigns.loc[campaigns["status"] == "settled", "campaign_id"])
    rows["n_contacted"] = rows["campaign_id"].map(by["n_contacted"])
    rows["answered"] = rows["campaign_id"].map(_over(by["n_participated"], by["n_contacted"]))
    n = settled["n_contacted"].sum()
    return rows.assign(usual=settled["n_participated"].sum() / n if n else np.nan).reset_index(drop=True)


def _over(top: pd.Series, bottom: pd.Series) -> pd.Series:
    return (top / bottom.where(bottom > 0)).astype("float64")
