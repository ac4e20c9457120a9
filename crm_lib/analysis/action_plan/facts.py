"""What the tables say of each customer besides orders: consent, complaints, contacts, categories, worth.

Everything is counted in the engine; one row per customer comes to Python.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

MARGIN_DAYS = 365


@dataclass(frozen=True)
class Tables:
    """The source's tables that a plan can use; None where there is none."""

    transactions: ir.Table | None = None
    summaries: ir.Table | None = None
    customers: ir.Table | None = None
    cases: ir.Table | None = None
    contacts: ir.Table | None = None
    campaigns: ir.Table | None = None
    products: ir.Table | None = None
    targets: ir.Table | None = None
    surveys: ir.Table | None = None
    survey_items: ir.Table | None = None
    market: ir.Table | None = None


def known(tables: Tables, as_of: dt.date, caps: Iterable[int], goods: Iterable[str]) -> pd.DataFrame:
    """One row per customer of whom anything is known, by `customer_id`.

    `consent`, `unsubscribed`, `owner`, `region`, `points`, `contract_days_left` as far as the source has them;
    `days_since_complaint` and `complaint_open`; `contacts_<days>` for each cap and `in_campaign`; `has <name>` for
    each category or product in `goods`.
    """
    frames = [
        _attributes(tables.customers, as_of),
        _complaints(tables.cases, as_of),
        _contacts(tables, as_of, tuple(caps)),
        _goods(tables, as_of, tuple(goods)),
    ]
    there = [f for f in frames if f is not None]
    if not there:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    first, *others = there
    for other in others:
        first = first.merge(other, how="outer", on="customer_id")
    return first.sort_values("customer_id", ignore_index=True)


def _attributes(customers: ir.Table | None, as_of: dt.date) -> pd.DataFrame | None:
    if customers is None:
        return None
    wanted = [c for c in ("consent", "owner", "region", "points") if c in customers.columns]
    more = {}
    if "unsubscribed_on" in customers.columns:
        gone = customers["unsubscribed_on"] <= ibis.literal(as_of)
        more["unsubscribed"] = gone.fill_null(False)
    if "contract_end" in customers.columns:
        more["contract_days_left"] = customers["contract_end"].delta(ibis.literal(as_of), unit="day")
    return customers.select("customer_id", *wanted, **more).to_pandas()


def _complaints(cases: ir.Table | None, as_of: dt.date) -> pd.DataFrame | None:
    if cases is None or "customer_id" not in cases.columns:
        return None
    told = cases.filter(cases["kind"].isin(["complaint", "failure"]) & cases["customer_id"].notnull())
    opened = told["opened_at"].cast("date")
    ends = told["closed_at" if "closed_at" in told.columns else "opened_at"]  # every case was opened
    last = told.group_by("customer_id").agg(last_on=opened.max(), complaint_open=ends.isnull().any())
    return last.select(
        "customer_id",
        "complaint_open",
        days_since_complaint=ibis.literal(as_of).delta(last.last_on, unit="day"),
    ).to_pandas()


def _contacts(tables: Tables, as_of: dt.date, caps: tuple[int, ...]) -> pd.DataFrame | None:
    """Contacts made within the days of each cap, and whether a campaign to the customer is still running."""
    contacts = tables.contacts
    if contacts is None or "customer_id" not in contacts.columns:
        return None
    told = contacts.filter(contacts["customer_id"].notnull())
    if "arm" in told.columns:
        told = told.filter(told["arm"].fill_null("treated") == "treated")
    ago = ibis.literal(as_of).delta(told["assigned_at"].cast("date"), unit="day")
    told = told.mutate(ago=ago, live=_live(told, tables.campaigns, as_of))
    counts = {f"contacts_{d}": told.count(where=(told.ago >= 0) & (told.ago < d)) for d in caps}
    return told.group_by("customer_id").agg(in_campaign=told.live.any(), **counts).to_pandas()


def _live(contacts: ir.Table, campaigns: ir.Table | None, as_of: dt.date) -> ir.BooleanValue:
    if campaigns is None or "ends_on" not in campaigns.columns:
        return ibis.literal(False)
    running = campaigns.filter(campaigns["ends_on"] >= ibis.literal(as_of))
    return contacts["campaign_id"].isin(running["campaign_id"])


def _goods(tables: Tables, as_of: dt.date, goods: tuple[str, ...]) -> pd.DataFrame | None:
    bought = tables.transactions
    if not goods or bought is None:
        return None
    columns = [bought[c] for c in ("category", "product_id") if c in bought.columns]
    if not columns:
        return None
    past = bought.filter(bought["at"].cast("date") <= ibis.literal(as_of))
    kept = {}
    for name in goods:
        one = ibis.literal(False)
        for column in columns:
            one = one | (past[column.get_name()] == name).fill_null(False)
        kept[f"has {name}"] = ibis.ifelse(one, past["amount"], 0).sum() > 0
    return past.group_by("customer_id").agg(**kept).to_pandas()


def contacted_by(
    frame: pd.DataFrame, lists: Iterable[pd.DataFrame], caps: Iterable[int], as_of: dt.date
) -> pd.DataFrame:
    """Facts with the contacts of sent lists added: each frame has `customer_id`, `sent_on` and `live`.

    Without them, a list that no CRM has written back yet would not count.
    """
    told = [one for one in lists if len(one)]
    if not told:
        return frame
    rows = pd.concat(told)
    ago = (pd.Timestamp(as_of) - pd.to_datetime(rows["sent_on"])).dt.days
    counted = {f"more_{d}": ((ago >= 0) & (ago < d)).astype("int64") for d in caps}
    rows = rows.assign(**counted)[["customer_id", "live", *counted]].groupby("customer_id").sum()
    frame = frame.merge(rows, how="outer", left_on="customer_id", right_index=True)
    for d in caps:
        own = frame[f"contacts_{d}"].fillna(0) if f"contacts_{d}" in frame else 0
        frame[f"contacts_{d}"] = own + frame[f"more_{d}"].fillna(0)
    own = frame["in_campaign"].astype("boolean").fillna(False) if "in_campaign" in frame else False
    frame["in_campaign"] = own | (frame["live"].fillna(0) > 0)
    return frame.drop(columns=["live", *counted]).sort_values("customer_id", ignore_index=True)


@dataclass(frozen=True)
class Margin:
    """What is left of revenue: the share, and whether it was counted from costs, declared, or is not known."""

    share: float | None
    how: str  # counted, declared, unknown

    @property
    def used(self) -> float:
        """The share that gains are computed with: 1 where it is not known, and gains are then revenue."""
        return 1.0 if self.share is None else self.share


def margin(transactions: ir.Table | None, as_of: dt.date, declared: float | None) -> Margin:
    """Margin of the last year from the costs of what was sold, else as declared in the settings."""
    if transactions is not None and "cost_amount" in transactions.columns:
        after = as_of - dt.timedelta(days=MARGIN_DAYS)
        day = transactions["at"].cast("date")
        year = transactions.filter((day > ibis.literal(after)) & (day <= ibis.literal(as_of)))
        priced = year.filter(year["cost_amount"].notnull())
        sums = (
            priced.agg(amount=priced["amount"].sum(), cost=priced["cost_amount"].sum()).to_pyarrow().to_pylist()[0]
        )
        amount, cost = float(sums["amount"] or 0), float(sums["cost"] or 0)
        if amount > 0 and cost >= 0:
            return Margin((amount - cost) / amount, "counted")
    return Margin(declared, "unknown" if declared is None else "declared")


def order_value(customers: pd.DataFrame) -> np.ndarray:
    """Money per order to come: what clv expects, else the customer's own mean order; never below zero."""
    own = customers["amount"].to_numpy(float) / customers["n_orders"].to_numpy(float)
    if "expected_spend" in customers:
        expected = customers["expected_spend"].to_numpy(float)
        own = np.where(np.isfinite(expected), expected, own)
    return np.maximum(own, 0.0)


def attached(customers: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """The customer table with its facts beside it, and what no table names filled in where that is certain."""
    frame = customers.merge(facts, how="left", on="customer_id", validate="one_to_one")
    certain: Mapping[str, object] = {"unsubscribed": False, "complaint_open": False, "in_campaign": False}
    for column, value in certain.items():
        if column in frame:
            frame[column] = frame[column].astype("boolean").fillna(value).astype(bool)
    for column in frame.columns:
        if column.startswith("contacts_"):
            frame[column] = frame[column].fillna(0).astype("int64")
        if column.startswith("has "):
            frame[column] = frame[column].astype("boolean").fillna(False).astype(bool)
    if "consent" in frame:  # what is not said is no consent
        frame["consent"] = frame["consent"].astype("boolean").fillna(False).astype(bool)
    return frame
