"""What campaigns cost, overhead included, and what sales are credited to them: ROI under every method."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis.campaigns.allocation import METHODS, largest_remainder
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.histories import MONEY


@dataclass(frozen=True, eq=False)
class Returns:
    """Costs and credited sales of campaigns.

    `rows`: one per campaign with a cost: direct cost, credited `revenue`, `margin` (NaN: not known), contacts,
    leads, sales, and lowest and highest `cost`, `roi`, `roas`, `cost_per_lead`, `cost_per_sale` over the methods.
    `by_method`: campaign_id, method, overhead, cost, roi, roas. `overhead` is the sum allocated. `left_out` names
    methods without a driver. `without_cost` are campaigns that were carried out and have no actual cost.
    `n_flips` counts pairs of campaigns whose order by ROI (by ROAS without margin) hangs on the method.
    """

    rows: pd.DataFrame
    by_method: pd.DataFrame
    overhead: float
    left_out: tuple[str, ...]
    without_cost: tuple[str, ...]
    n_flips: int = 0


def credited(tables: Tables, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Sales credited to each campaign by the source: transactions that name it, else its won deals.

    Columns `campaign_id`, `revenue`, `n_sales`. Where both name a campaign the larger sum counts: a won deal is
    often a transaction too, and must not count twice.
    """
    parts = [_sold(tables), _won(tables)]
    rows = campaigns[["campaign_id"]].copy()
    for i, part in enumerate(parts):
        rows[f"a{i}"] = rows["campaign_id"].map(part["revenue"]).astype("float64")
        rows[f"n{i}"] = rows["campaign_id"].map(part["n"]).astype("float64")
    first = rows["a0"].fillna(-np.inf) >= rows["a1"].fillna(-np.inf)
    rows["revenue"] = np.where(first, rows["a0"], rows["a1"])
    rows["n_sales"] = np.where(first, rows["n0"], rows["n1"])
    return rows[["campaign_id", "revenue", "n_sales"]]


def _sold(tables: Tables) -> pd.DataFrame:
    t = tables.transactions
    if t is None or "campaign_id" not in t.columns:
        return pd.DataFrame(columns=["revenue", "n"])
    t = t.filter(t.campaign_id.notnull())
    days = t.group_by("campaign_id", "customer_id", day=t["at"].date()).agg(amount=t.amount.sum().cast(MONEY))
    rows = days.group_by("campaign_id").agg(revenue=days.amount.sum(), n=(days.amount >= 0).sum())
    return _indexed(rows)


def _won(tables: Tables) -> pd.DataFrame:
    t = tables.opportunities
    if t is None or not {"campaign_id", "outcome", "amount"} <= set(t.columns):
        return pd.DataFrame(columns=["revenue", "n"])
    t = t.filter(t.campaign_id.notnull() & (t.outcome == "won"))
    return _indexed(t.group_by("campaign_id").agg(revenue=t.amount.cast(MONEY).sum(), n=t.count()))


def _indexed(rows: ibis.Table) -> pd.DataFrame:
    frame = rows.order_by("campaign_id").to_pandas().set_index("campaign_id")
    return frame.astype({"revenue": "float64", "n": "int64"})


def returns(
    campaigns: pd.DataFrame, costs: pd.DataFrame | None, sales: pd.DataFrame, steps: pd.DataFrame, options: Options
) -> Returns:
    """Direct cost, overhead under every method, and ROI, ROAS, cost per lead and per sale as ranges.

    `steps` is the chain by campaign. Overhead is what was spent without a campaign; it goes to campaigns that
    spent something themselves.
    """
    carried = _carried_out(campaigns, costs, steps)
    if costs is None:
        return Returns(pd.DataFrame(), pd.DataFrame(), 0.0, METHODS, carried)
    actual = costs[costs["kind"] == "actual"]
    own = actual[actual["campaign_id"] != ""].groupby("campaign_id")[["cents", "hours"]].sum()
    own = own[own["cents"] > 0]
    overhead = int(actual.loc[actual["campaign_id"] == "", "cents"].sum())
    without = tuple(c for c in carried if c not in own.index)
    if own.empty:
        return Returns(pd.DataFrame(), pd.DataFrame(), overhead / 100, METHODS, without)
    rows = _drivers(campaigns, own, sales, steps)
    by_method, left_out = _allocated(rows, overhead, options.margin_share)
    return Returns(
        _ranges(rows, by_method, options), by_method, overhead / 100, left_out, without, _flips(by_method)
    )


def _carried_out(campaigns: pd.DataFrame, costs: pd.DataFrame | None, steps: pd.DataFrame) -> tuple[str, ...]:
    """Campaigns that reached anybody, or are running or settled."""
    begun = set(campaigns.loc[campaigns["status"].isin(["running", "settled"]), "campaign_id"])
    reached = set(steps["campaign_id"]) if not steps.empty else set()
    return tuple(sorted(begun | reached))


def _drivers(campaigns: pd.DataFrame, own: pd.DataFrame, sales: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    rows = campaigns.loc[campaigns["campaign_id"].isin(own.index), ["campaign_id", "name"]].reset_index(drop=True)
    by = sales.set_index("campaign_id")
    reached = steps.set_index("campaign_id")
    rows["direct_cost"] = rows["campaign_id"].map(own["cents"]).astype("int64")
    rows["hours"] = rows["campaign_id"].map(own["hours"]).astype("float64")
    for column in ("revenue", "n_sales"):
        rows[column] = rows["campaign_id"].map(by[column]).astype("float64")
    for column in ("contacted", "leads"):
        found = reached[column] if column in reached else pd.Series(dtype=float)
        rows[column] = rows["campaign_id"].map(found).astype("float64")
    # Where sales are credited at all, a campaign that reached somebody and has none brought none.
    if sales["revenue"].notna().any():
        reached_any = rows["contacted"].notna() | rows["leads"].notna()
        rows.loc[reached_any, ["revenue", "n_sales"]] = rows.loc[reached_any, ["revenue", "n_sales"]].fillna(0.0)
    return rows


def _allocated(
    rows: pd.DataFrame, overhead: int, margin_share: float | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    weights = {
        "equal": np.ones(len(rows)),
        "contacts": rows["contacted"].fillna(0).to_numpy(),
        "direct_cost": rows["direct_cost"].to_numpy(float),
        "revenue": rows["revenue"].clip(lower=0).fillna(0).to_numpy(),
        "hours": rows["hours"].to_numpy(),
    }
    parts, left_out = [], []
    for method in METHODS:
        if not weights[method].sum() > 0:
            left_out.append(method)
            continue
        cents = np.array(largest_remainder(overhead, weights[method].tolist()))
        cost = rows["direct_cost"].to_numpy() + cents
        part = pd.DataFrame({"campaign_id": rows["campaign_id"], "method": method})
        part["overhead"], part["cost"] = cents / 100, cost / 100
        part["roas"] = rows["revenue"].to_numpy() / part["cost"]
        kept = np.nan if margin_share is None else margin_share
        part["roi"] = (rows["revenue"].to_numpy() * kept - part["cost"]) / part["cost"]
        parts.append(part)
    return pd.concat(parts, ignore_index=True), tuple(left_out)


def _ranges(rows: pd.DataFrame, by_method: pd.DataFrame, options: Options) -> pd.DataFrame:
    made = rows.assign(direct_cost=rows["direct_cost"] / 100)
    made["margin"] = made["revenue"] * (np.nan if options.margin_share is None else options.margin_share)
    for column in ("cost", "roi", "roas"):
        found = by_method.groupby("campaign_id")[column]
        made[f"{column}_low"], made[f"{column}_high"] = (
            made["campaign_id"].map(f()) for f in (found.min, found.max)
        )
    for name, count in (("cost_per_lead", "leads"), ("cost_per_sale", "n_sales")):
        n = made[count].where(made[count] > 0)
        made[f"{name}_low"], made[f"{name}_high"] = made["cost_low"] / n, made["cost_high"] / n
    return made.sort_values(["cost_high", "campaign_id"], ascending=[False, True], ignore_index=True)


def _flips(by_method: pd.DataFrame) -> int:
    """Pairs of campaigns of which one is ahead under one method and behind under another."""
    judged = "roi" if by_method["roi"].notna().any() else "roas"
    table = by_method.pivot(index="campaign_id", columns="method", values=judged).dropna().to_numpy()
    ahead = np.sign(table[:, None, :] - table[None, :, :])
    flips = (ahead.max(axis=2) > 0) & (ahead.min(axis=2) < 0) if len(table) else np.zeros((0, 0), dtype=bool)
    return int(np.triu(flips, 1).sum())
