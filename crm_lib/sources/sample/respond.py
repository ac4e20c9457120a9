"""The sample company goes on: orders after the last day, and the true effect of target lists that were sent.

What customers do without lists is what their latent state had in store (S orders); a list's true uplift brings L
orders on top, to those contacted only. No new customers come, nobody complains, nobody is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from crm_lib.contract import lists as stored
from crm_lib.errors import ParameterError
from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample import make_sample, purchases, save
from crm_lib.sources.sample.campaigns import GROUPS
from crm_lib.sources.sample.columns import stream
from crm_lib.sources.sample.truth import DAYS_AHEAD, END, LAST_DAY, N_CUSTOMERS, SEED, START, Truth

# True rise of the chance of an order within the window, for those contacted; `OTHER` for plays not named here.
UPLIFTS = {
    "recover": 0.08,
    "welcome": 0.01,
    "second_order": 0.05,
    "cross_sell": 0.07,
    "upgrade": 0.04,
    "keep": 0.0,
    "warn": 0.09,
    "win_back": 0.04,
    "reward": 0.0,
}
OTHER = 0.03


@dataclass(frozen=True)
class SentList:
    """A list that was sent: its play, the day, days of the window, and per customer number whether contacted."""

    plan: str
    play: str
    title: str
    channel: str
    sent_on: date
    window_days: int
    customer: np.ndarray
    treated: np.ndarray

    @property
    def uplift(self) -> float:
        """The true uplift."""
        return UPLIFTS.get(self.play, OTHER)

    @property
    def id(self) -> str:
        """Id of the campaign that the list becomes."""
        return f"{self.plan}/{self.play}"


def write_response(
    folder: str | Path,
    plans: list[Path],
    until: date,
    *,
    seed: int = SEED,
    n_customers: int = N_CUSTOMERS,
    format: Literal["csv", "parquet"] = "csv",
) -> list[Path]:
    """Write the sample company up to `until`, with what the sent lists of these plan folders brought."""
    return save(respond(sent_lists(plans, until, n_customers), until, seed, n_customers), folder, format)


def sent_lists(plans: list[Path], until: date, n_customers: int) -> list[SentList]:
    """Lists of plan folders that were sent by a day.

    Raises
    ------
    ParameterError
        Where none was sent, or a list names a customer that a sample of this size does not have.
    """
    found = []
    for folder in plans:
        plan = stored.read(folder)
        for name, said in plan.lists.about.items():
            sent_on = plan.since(name, stored.SENT)
            if sent_on is None or sent_on > until:
                continue
            rows = plan.lists.members[plan.lists.members["list"] == name]
            days = int(plan.document.get("outcome_days", 42))
            found.append(
                SentList(
                    plan.plan_date.isoformat(),
                    name,
                    str(said.get("title", name)),
                    str(said.get("channel", "")),
                    sent_on,
                    days,
                    _numbers(rows["customer_id"], n_customers),
                    (rows["arm"] == stored.TREATED).to_numpy(),
                )
            )
    if not found:
        raise ParameterError(
            "None of these lists was sent by then, so that nobody can respond. Approve and send them first: "
            "crm plan approve LIST, crm plan send LIST."
        )
    return sorted(found, key=lambda one: (one.sent_on, one.id))


def _numbers(ids: pd.Series, n_customers: int) -> np.ndarray:
    width = purchases.id_width(n_customers)
    numbers = pd.to_numeric(ids.str.slice(1), errors="coerce").fillna(0).astype("int64").to_numpy()
    known = ids.str.fullmatch(f"C[0-9]{{{width}}}").to_numpy(bool) & (numbers >= 1) & (numbers <= n_customers)
    if not known.all():
        first = ids[~known].iloc[0]
        raise ParameterError(
            f"{int((~known).sum())} customers of the lists (first: {first}) are not in a sample of {n_customers}. "
            f"Give the --customers and --seed with which the sample was made."
        )
    return numbers - 1


def respond(lists: list[SentList], until: date, seed: int = SEED, n_customers: int = N_CUSTOMERS) -> Any:
    """The sample with all tables, its transactions, campaigns and contacts continued up to `until`.

    Raises
    ------
    ParameterError
        If `until` is not after the sample's last day, or more than a year after it.
    """
    last = (until - START).days
    if not LAST_DAY < last <= LAST_DAY + DAYS_AHEAD:
        raise ParameterError(
            f"--until is {until}; the sample ends on {END} and can go on to {END + timedelta(days=DAYS_AHEAD)}."
        )
    sample, truth = make_sample(seed=seed, n_customers=n_customers), Truth()
    latent, orders = purchases.history(stream(seed, "purchases"), truth.purchases, n_customers)
    base = orders.where(orders.day <= last)
    later = base.where(base.day > LAST_DAY)
    rng = stream(seed, "response")
    brought, facts = _brought(rng, truth, latent, base, lists, last)
    tables = dict(sample.tables)
    more = [_rows(rng, truth, later, "F", n_customers), _rows(rng, truth, brought, "L", n_customers)]
    schema = tables["transactions"].schema
    parts = [tables["transactions"], *(part.cast(schema) for part in more)]
    order = [("at", "ascending"), ("customer_id", "ascending"), ("order_id", "ascending")]
    tables["transactions"] = pa.concat_tables([_plain(p) for p in parts]).sort_by(order)
    tables["campaigns"] = _with_rows(tables["campaigns"], _campaigns(lists))
    tables["contacts"] = _with_rows(tables["contacts"], _contacts(lists, n_customers))
    told = {**sample.truth, "last_day": until.isoformat(), "lists": facts}
    return replace(sample, tables=tables, truth=told)


def _brought(
    rng: np.random.Generator,
    truth: Truth,
    latent: purchases.Latent,
    base: purchases.Orders,
    lists: list[SentList],
    last: int,
) -> tuple[purchases.Orders, dict[str, Any]]:
    """L orders: each contacted customer places one with the true chance, on a free day of the window."""
    taken = purchases.day_keys(base.customer, base.day)
    parts, facts = [], {}
    for one in lists:
        n = len(one.customer)
        extra = (rng.random(n) < one.uplift) & one.treated
        after = 1 + np.floor(rng.random(n) * (one.window_days - 3)).astype(np.int64)
        customer = one.customer[extra]
        day = purchases.next_free_day(taken, customer, (one.sent_on - START).days + after[extra])
        cents = purchases.order_values(rng, truth.purchases, latent.nu[customer])
        found = purchases.Orders(customer, day, cents, np.full(len(day), -1))
        found = found.where(found.day <= last)
        taken = np.concatenate([taken, purchases.day_keys(found.customer, found.day)])
        parts.append(found)
        facts[one.id] = {
            "true_extra_order_share": one.uplift,
            "n_treated": int(one.treated.sum()),
            "n_control": int((~one.treated).sum()),
            "n_extra_orders": len(found),
        }
    return purchases.Orders.joined(*parts), facts


def _rows(rng: np.random.Generator, truth: Truth, orders: purchases.Orders, prefix: str, n: int) -> pa.Table:
    none = np.zeros(0, dtype=np.int64)
    ledger = purchases.Ledger(orders, purchases.lines(rng, truth.purchases, orders), none, none)
    return purchases.transactions(rng, truth.purchases, {prefix: ledger}, np.zeros(n, dtype=np.int64), rng)


def _plain(table: pa.Table) -> pa.Table:
    """Dictionary columns as text, so that tables with other labels can be joined."""
    for i, one in enumerate(table.schema):
        if pa.types.is_dictionary(one.type):
            table = table.set_column(i, one.name, table[one.name].cast(pa.string()))
    return table


def _with_rows(table: pa.Table, rows: Mapping[str, pa.Array]) -> pa.Table:
    plain = _plain(table)
    n = len(next(iter(rows.values())))
    more = {f.name: rows[f.name].cast(f.type) if f.name in rows else pa.nulls(n, f.type) for f in plain.schema}
    return pa.concat_tables([plain, pa.table(more, schema=plain.schema)])


def _campaigns(lists: list[SentList]) -> dict[str, pa.Array]:
    ends = [one.sent_on + timedelta(days=one.window_days) for one in lists]
    return {
        "campaign_id": pa.array([one.id for one in lists]),
        "name": pa.array([f"{one.title} {one.plan}" for one in lists]),
        "kind": pa.array([one.channel for one in lists]),
        "purpose": pa.array([one.play for one in lists]),
        "channel": pa.array([one.channel for one in lists]),
        "starts_on": pa.array([one.sent_on for one in lists]),
        "ends_on": pa.array(ends),
        "status": pa.array(["running"] * len(lists)),
    }


def _contacts(lists: list[SentList], n_customers: int) -> dict[str, pa.Array]:
    treated = np.concatenate([one.treated for one in lists])
    sizes = [len(one.customer) for one in lists]
    day = np.repeat([(one.sent_on - START).days for one in lists], sizes).astype(float)
    channel = np.repeat(np.array([one.channel for one in lists], dtype=object), sizes)
    ids = np.concatenate([one.customer for one in lists]) + 1
    return {
        "campaign_id": pa.array(np.repeat(np.array([one.id for one in lists], dtype=object), sizes), pa.string()),
        "assigned_at": col.times(day),
        "customer_id": col.ids("C", ids, purchases.id_width(n_customers)),
        "arm": pa.array(np.where(treated, "treated", "control").astype(object), pa.string()),
        "response_group": pa.array([GROUPS[1] if t else None for t in treated], pa.string()),
        "channel": pa.array(np.where(treated, channel, None), pa.string()),
        "delivered_at": col.times(day + 0.2, ~treated),
    }
