"""From contact to sale: how far each campaign's contacts came, and who took part how often."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns.options import Tables
from crm_lib.analysis.campaigns.outcomes import REACHED
from crm_lib.analysis.histories import MONEY
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.sums import n_where

STEPS = ("contacted", "delivered", "opened", "clicked", "responded", "leads", "opportunities", "sales")
_FROM_CONTACTS = dict(zip(STEPS[1:5], REACHED, strict=True))
NO_ANSWER = ""


def chain(tables: Tables, told: ir.Table | None, campaigns: pd.DataFrame) -> pd.DataFrame:
    """One row per campaign and response group: how many reached each step, and the money of the sales.

    Columns `campaign_id`, `response_group`, the steps, `amount`. NaN where a step is not recorded for the
    campaign, 0 where nobody reached it. Sales are won opportunities and, of those contacted, who bought.
    """
    keys = ["campaign_id", "response_group"]
    parts = [p for p in (_contacted(told), _pursued(tables, told)) if not p.empty]
    if not parts:
        return pd.DataFrame(columns=[*keys, *STEPS, "amount"])
    rows = pd.concat(parts, ignore_index=True).reindex(columns=[*keys, *STEPS, "amount"])
    made = rows.groupby(keys, sort=True)[[*STEPS, "amount"]].sum(min_count=1).reset_index()
    return made[made["campaign_id"].isin(campaigns["campaign_id"])].reset_index(drop=True)


def _contacted(told: ir.Table | None) -> pd.DataFrame:
    if told is None:
        return pd.DataFrame()
    t = told.filter(told.treated & ~told.both)
    group = t.response_group.fill_null(NO_ANSWER)
    rows = (
        t.group_by("campaign_id", response_group=group)
        .agg(
            contacted=t.count(),
            **{step: t[c].count() for step, c in _FROM_CONTACTS.items()},
            sales=t.bought.sum(),
            amount=t.revenue.sum().cast("float64"),
        )
        .order_by("campaign_id", "response_group")
        .to_pandas()
    )
    for step in _FROM_CONTACTS:  # a time that no contact has was not recorded
        rows[step] = rows[step].astype("float64") if rows[step].any() else np.nan
    return rows.astype({"sales": "float64", "contacted": "float64", "amount": "float64"})


def _pursued(tables: Tables, told: ir.Table | None) -> pd.DataFrame:
    """Leads, opportunities and won deals credited to a campaign, by the response group of their customer."""
    parts = []
    if tables.leads is not None and "campaign_id" in tables.leads.columns:
        parts.append(_by_group(_credited(tables.leads), told, "leads"))
    if tables.opportunities is not None and "campaign_id" in tables.opportunities.columns:
        deals = _credited(tables.opportunities)
        parts.append(_by_group(deals, told, "opportunities"))
        won = deals.filter(deals["outcome"] == "won") if "outcome" in deals.columns else deals.limit(0)
        parts.append(_by_group(won, told, "sales"))
    parts = [p for p in parts if not p.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _credited(table: ir.Table) -> ir.Table:
    return table.filter(table.campaign_id.notnull())


def _by_group(table: ir.Table, told: ir.Table | None, step: str) -> pd.DataFrame:
    amount = table["amount"] if "amount" in table.columns else ibis.null(MONEY)
    customer = table["customer_id"] if "customer_id" in table.columns else ibis.null("string")
    rows = table.select("campaign_id", customer=customer, amount=amount.cast(MONEY))
    if told is not None:
        groups = told.select(campaign="campaign_id", whose="customer_id", group="response_group")
        groups = groups.filter(groups.whose.notnull())
        joined = rows.left_join(groups, [rows.campaign_id == groups.campaign, rows.customer == groups.whose])
        rows = joined.select("campaign_id", "amount", response_group=joined.group.fill_null(NO_ANSWER))
    else:
        rows = rows.mutate(response_group=ibis.literal(NO_ANSWER))
    by = rows.group_by("campaign_id", "response_group").agg(
        n=rows.count(), money=rows.amount.sum().cast("float64")
    )
    frame = by.order_by("campaign_id", "response_group").to_pandas().rename(columns={"n": step})
    frame = frame.reindex(columns=["campaign_id", "response_group", *STEPS, "amount", "money"])
    frame["amount"] = frame["money"] if step == "sales" else np.nan
    return frame.drop(columns="money").astype(dict.fromkeys((*STEPS, "amount"), "float64"))


def by_campaign(rows: pd.DataFrame) -> pd.DataFrame:
    """The chain of each campaign, response groups together."""
    made = rows.groupby("campaign_id", sort=True)[[*STEPS, "amount"]].sum(min_count=1)
    return made.reset_index()


def by_parent(rows: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """The chain of parent campaigns: their own rows and those of their children together."""
    parent = campaigns.set_index("campaign_id")["parent_id"].dropna().to_dict() if "parent_id" in campaigns else {}
    parents = set(parent.values())
    above = rows["campaign_id"].map(lambda c: parent.get(c, c))
    own = rows.assign(campaign_id=above)
    return by_campaign(own[own["campaign_id"].isin(parents)])


@dataclass(frozen=True, eq=False)
class Participation:
    """Who was contacted and who took part.

    `by_what` says how taking part is known: `responded_at`, `clicked_at`, `opened_at` or `visited`; empty where
    the source does not tell. `share` is of customers contacted at least once; `customers` holds customer_id,
    n_contacts, n_participations, n_held_out, last_campaign, last_contacted_on; `counts` how many customers were
    contacted how often; `campaigns` campaign_id, n_contacted, n_participated.
    """

    by_what: str
    share: Interval
    per_year: float | None
    customers: pd.DataFrame
    counts: pd.DataFrame
    campaigns: pd.DataFrame


def participation(told: ir.Table | None, as_of: dt.date) -> Participation:
    """Participation count and frequency per customer; contacts of who was held out don't count."""
    if told is None:
        return Participation("", intervals.nothing(), None, *(pd.DataFrame() for _ in range(3)))
    what = _by_what(told)
    took = _took(told, what)
    t = told.filter(~told.both).mutate(took=took)
    campaigns = _campaigns(t)
    customers = _customers(t)
    n, k = len(customers[customers["n_contacts"] > 0]), int((customers["n_participations"] > 0).sum())
    share = intervals.wilson(k, n) if what else intervals.nothing()
    return Participation(what, share, _per_year(t, as_of), customers, _counts(customers), campaigns)


def _by_what(told: ir.Table) -> str:
    names = ("responded_at", "clicked_at", "opened_at", "visited")
    known = told.agg(**{c: n_where(told[c].notnull() & told.treated) for c in names}).to_pyarrow().to_pylist()[0]
    return next((c for c in names if known[c]), "")


def _took(told: ir.Table, what: str) -> ir.Value:
    if not what:
        return ibis.literal(False)
    hit = told[what] > 0 if what == "visited" else told[what].notnull()
    return hit.fill_null(False) & told.treated


def _campaigns(t: ir.Table) -> pd.DataFrame:
    sent = t.filter(t.treated)
    rows = sent.group_by("campaign_id").agg(n_contacted=sent.count(), n_participated=sent.took.sum())
    frame = rows.to_pandas().sort_values("campaign_id", ignore_index=True)
    return frame.astype({"n_contacted": "int64", "n_participated": "int64"})


def _customers(t: ir.Table) -> pd.DataFrame:
    known = t.filter(t.customer_id.notnull())
    k = known
    # Of two contacts on one day the later id counts as the last: the same on every engine.
    order = ibis.ifelse(k.treated, k.day.cast("string") + " " + k.campaign_id, ibis.null("string"))
    rows = k.group_by("customer_id").agg(
        n_contacts=k.treated.sum(),
        n_participations=k.took.sum(),
        n_held_out=(~k.treated).sum(),
        last=order.max(),
    )
    frame = rows.to_pandas().sort_values("customer_id", ignore_index=True)
    last = frame.pop("last").astype("object")
    frame["last_campaign"] = [s[11:] if isinstance(s, str) else None for s in last]
    frame["last_contacted_on"] = pd.to_datetime([s[:10] if isinstance(s, str) else None for s in last])
    return frame.astype(dict.fromkeys(("n_contacts", "n_participations", "n_held_out"), "int64"))


def _counts(customers: pd.DataFrame) -> pd.DataFrame:
    contacted = customers[customers["n_contacts"] > 0]
    by = contacted.groupby("n_contacts", sort=True)
    return by.agg(
        n_customers=("customer_id", "size"), n_took_part=("n_participations", lambda s: int((s > 0).sum()))
    ).reset_index()


def _per_year(t: ir.Table, as_of: dt.date) -> float | None:
    """Contacts a year and customer contacted, from the first contact of all to the as-of day."""
    c = t.filter(t.treated & t.customer_id.notnull())
    row = c.agg(n=c.count(), who=c.customer_id.nunique(), first=c.day.min()).to_pyarrow().to_pylist()[0]
    if not row["n"]:
        return None
    days = (as_of - row["first"]).days
    return float(row["n"] / row["who"] / days * 365.25) if days >= 90 else None
