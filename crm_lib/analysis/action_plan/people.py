"""The one customer table: who has ordered, joined with what every topic published, totals checked to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis import histories
from crm_lib.contract.publication import Publication
from crm_lib.errors import NotEnoughData

KEYS = ("customer_id", "days_since_last", "n_orders", "amount")
# What each topic's customer table gives: their column -> ours.
JOINED: dict[str, dict[str, str]] = {
    "segmentation": {c: c for c in ("r", "f", "m", "code", "weighted", "segment", "value_grade")},
    "clv": {
        **{c: c for c in ("p_alive", "p_buy", "expected_orders", "expected_spend")},
        **{c: c for c in ("clv_low", "clv_mid", "clv_high", "next_order_mid")},
    },
    "retention": {"stage": "stage"},
    "satisfaction": {"satisfaction": "satisfaction"},
    "campaigns": {"last_campaign": "last_campaign"},
}
SILENT_AFTER, LOST_AFTER = 180, 720  # days, where retention has not justified others
STAGES = ("won", "kept", "at_risk", "to_win_back", "lost")


@dataclass(frozen=True)
class Check:
    """A total that must be the same here and on another topic's page: `unit` is customers or money."""

    topic: str
    unit: str
    here: float
    there: float
    part: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both are the same, money to the cent."""
        return round(self.here, 2) == round(self.there, 2)


@dataclass(frozen=True, eq=False)
class People:
    """The customer table, by id, and how it came about.

    `absent` topics have published nothing of customers; `unlike` topics were made from other data, and their
    columns are left out.
    """

    customers: pd.DataFrame
    checks: tuple[Check, ...]
    joined: tuple[str, ...]
    absent: tuple[str, ...]
    unlike: tuple[str, ...]

    @property
    def amount(self) -> float:
        """Net amount of all customers, exact in cents."""
        return total(self.customers["amount"])


def people(
    transactions: ir.Table | None,
    summaries: ir.Table | None,
    as_of: dt.date,
    published: Mapping[str, Publication | None],
) -> People:
    """Every customer with an order, and beside it what the topics said of them.

    Parameters
    ----------
    transactions, summaries
        The source's own tables: days since the last order, orders and money are counted here again.
    published
        What each topic published for this source and date; None where it did not.

    Raises
    ------
    NotEnoughData
        If no customer has an order.
    """
    base = _base(transactions, summaries, as_of)
    if base.empty:
        raise NotEnoughData(f"No customer has an order up to {as_of}: there is nobody to plan for.")
    checks, joined, absent, unlike = [], [], [], []
    for topic, columns in JOINED.items():
        told = published.get(topic)
        table = told.tables.get("customers") if told else None
        if table is None or not set(columns) & set(table.columns):
            absent.append(topic)
            continue
        found = _checks(topic, told, table, base)
        checks += found
        if not all(check.agrees for check in found):
            unlike.append(topic)
            continue
        base = _joined(base, table, columns)
        joined.append(topic)
    base = base.assign(as_of=pd.Timestamp(as_of), stage=_stage(base))
    return People(base, tuple(checks), tuple(joined), tuple(absent), tuple(unlike))


def total(money: pd.Series) -> float:
    """A sum of money in whole cents: the same in any order of rows."""
    return int((money * 100).round().astype("int64").sum()) / 100


def _base(transactions: ir.Table | None, summaries: ir.Table | None, as_of: dt.date) -> pd.DataFrame:
    if transactions is not None:
        known = histories.per_customer(transactions, as_of)
        frame = known.select("customer_id", "last_on", "n_orders", "amount").to_pandas()
        silent = (pd.Timestamp(as_of) - pd.to_datetime(frame["last_on"])).dt.days
        frame = frame.assign(days_since_last=silent)[list(KEYS)]
    elif summaries is not None:
        told = summaries.select(*KEYS).mutate(amount=summaries["amount"].cast("float64"))
        frame = told.filter(told.n_orders > 0).to_pandas()
    else:
        frame = pd.DataFrame({c: [] for c in KEYS})
    frame = frame.assign(amount=frame["amount"].astype("float64").round(2))
    frame = frame.astype({"days_since_last": "int64", "n_orders": "int64"})
    return frame.sort_values("customer_id", ignore_index=True)


def _checks(topic: str, told: Publication, table: pd.DataFrame, base: pd.DataFrame) -> list[Check]:
    """Customers and money in the topic's table, and what its page says, against our own count."""
    if "amount" not in table:  # who was asked, who was contacted: a part of all customers
        strangers = ~table["customer_id"].isin(base["customer_id"])
        return [Check(topic, "customers", len(table) - int(strangers.sum()), len(table))]
    here = total(base["amount"])
    found = [Check(topic, "customers", len(base), len(table)), Check(topic, "money", here, total(table["amount"]))]
    figures = {f.name: f.value for f in told.figures}
    if figures.get("amount") is not None:
        found.append(Check(topic, "money", here, figures["amount"], "page"))
    if "segment" in table:
        by_segment = table.groupby("segment")["amount"].agg(total)
        for name, value in by_segment.items():
            said = figures.get(f"segment_{name}_amount")
            found += [Check(topic, "money", float(value), said, str(name))] if said is not None else []
    return found


def _joined(base: pd.DataFrame, table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    there = {theirs: ours for theirs, ours in columns.items() if theirs in table and ours not in base}
    first = {ours: theirs for theirs, ours in reversed(there.items())}
    told = table[["customer_id", *first.values()]].rename(columns={v: k for k, v in first.items()})
    return base.merge(told, how="left", on="customer_id", validate="one_to_one")


def _stage(base: pd.DataFrame) -> pd.Series:
    """The stage that retention gave; without it a plain rule on days of silence, first match."""
    if "stage" in base:
        return base["stage"]
    days, orders = base["days_since_last"], base["n_orders"]
    stage = pd.Series("kept", index=base.index)
    stage[orders == 1] = "won"
    stage[days > SILENT_AFTER] = "at_risk"
    stage[days > 2 * SILENT_AFTER] = "to_win_back"
    stage[days > LOST_AFTER] = "lost"
    return stage
