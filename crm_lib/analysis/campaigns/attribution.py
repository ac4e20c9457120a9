"""Who gets the credit for an order: six rules that divide each order among the contacts before it.

A division, not a cause: every order that follows a contact is credited in full, also those that would have come
anyway. Counted in the engine; credits are exact decimals and sum to the orders credited.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.histories import customer_days
from crm_lib.analysis.sums import as_number

MODELS = ("first", "last", "linear", "decay", "position", "shapley")
_EXACT = "decimal(38,12)"


@dataclass(frozen=True, eq=False)
class Attribution:
    """Orders credited to each campaign by each rule.

    `rows`: campaign_id, one column of orders and one `<model>_amount` per rule. `n_orders` and `amount` are those
    of orders with at least one contact before them; every rule's column sums to them. `n_all` counts all orders
    since the first contact.
    """

    rows: pd.DataFrame
    n_orders: int = 0
    amount: float = 0.0
    n_all: int | None = None
    n_paths_shared: int = 0


def touches(tables: Tables, told: ir.Table | None) -> ir.Table | None:
    """Contacts that reached a customer, and leads that a campaign brought: `customer_id`, `campaign_id`, `at`."""
    parts = []
    if told is not None:
        sent = told.filter(told.treated & ~told.both & told.customer_id.notnull())
        parts.append(sent.select("customer_id", "campaign_id", "at"))
    leads = tables.leads
    if leads is not None and {"customer_id", "campaign_id"} <= set(leads.columns):
        known = leads.filter(leads.customer_id.notnull() & leads.campaign_id.notnull())
        parts.append(known.select("customer_id", "campaign_id", at=known["created_at"].cast("timestamp")))
    if not parts:
        return None
    parts = [p.mutate(at=p["at"].cast("timestamp")) for p in parts]
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def attribution(tables: Tables, told: ir.Table | None, options: Options) -> Attribution | None:
    """Credits of the source's orders; without transactions, of who bought in the window of a contact."""
    found = touches(tables, told)
    if found is None:
        return None
    if tables.transactions is None:
        return _of_contacts(told)
    days = customer_days(tables.transactions)
    orders = days.filter(days.amount >= 0)
    paths = _paths(orders, found, options)
    return _credited(paths, orders, found, options)


def _of_contacts(told: ir.Table | None) -> Attribution | None:
    """Each buyer among those contacted is one order with one contact before it."""
    if told is None:
        return None
    t = told.filter(told.treated & ~told.both & (told.bought > 0))
    order = t.campaign_id + ibis.literal(" ") + t.who
    money = t.revenue.fill_null(0)
    t = t.select(order=order, campaign_id=t.campaign_id, at=t["at"], age=ibis.literal(0), amount=money)
    made = credits_of(t, 1.0)
    return Attribution(made, *_totals(made))


def _paths(orders: ir.Table, found: ir.Table, options: Options) -> ir.Table:
    """One row per order and contact of the look-back window before it; the day of the contact is too early."""
    touched = found.select(whose="customer_id", campaign_id="campaign_id", at="at", touched_on=found["at"].date())
    joined = orders.inner_join(touched, orders.customer_id == touched.whose)
    age = joined.day.delta(joined.touched_on, unit="day")
    joined = joined.mutate(age=age).filter((age > 0) & (age <= options.look_back_days))
    order = joined.customer_id + ibis.literal(" ") + joined.day.cast("string")
    return joined.select(order=order, campaign_id="campaign_id", at="at", age="age", amount="amount")


def credits_of(paths: ir.Table, half_life_days: float) -> pd.DataFrame:
    """Credits by campaign and rule, from rows of `order`, `campaign_id`, `at`, `age`, `amount`, one per contact.

    first, last: the whole order. linear: equal parts. decay: 2^(−age ÷ half-life). position: 40 % to the first and
    the last, 20 % to those between (alone 100 %, two 50 % each). shapley: equal parts to every *campaign* of the
    path, which is the Shapley value where a set of campaigns is worth the orders whose contacts lie within it.
    """
    whole = ibis.window(group_by="order")
    of_campaign = ibis.window(group_by=["order", "campaign_id"])
    first_of_campaign = ibis.window(group_by=["order", "campaign_id"], order_by="at")
    ranked = ibis.window(group_by="order", order_by=["at", "campaign_id"])
    p = paths.mutate(n=ibis._.count().over(whole), place=ibis.row_number().over(ranked) + 1)
    p = p.mutate(pull=ibis.literal(2.0).pow(-(p.age.cast("float64")) / half_life_days))
    p = p.mutate(
        all_pull=p.pull.sum().over(whole),
        same=ibis._.count().over(of_campaign),
        is_new=as_number(ibis.row_number().over(first_of_campaign) == 0),
    )
    p = p.mutate(n_campaigns=p.is_new.sum().over(whole))  # no engine but DuckDB counts distinct values in a window
    first, last, n = p.place == 1, p.place == p.n, p.n.cast("float64")
    ends = ibis.cases((p.n == 1, 1.0), (p.n == 2, 0.5), (first | last, 0.4), else_=0.2 / (n - 2))
    parts = {
        "first": as_number(first),
        "last": as_number(last),
        "linear": 1 / n,
        "decay": p.pull / p.all_pull,
        "position": ends,
        "shapley": 1 / (p.n_campaigns * p.same).cast("float64"),
    }
    p = p.mutate(**{m: v.cast(_EXACT) for m, v in parts.items()})
    money = {f"{m}_amount": (p[m].cast("decimal(19,12)") * p.amount.cast("decimal(18,2)")).sum() for m in MODELS}
    rows = p.group_by("campaign_id").agg(**{m: p[m].sum() for m in MODELS}, **money).to_pandas()
    rows = rows.sort_values("campaign_id", ignore_index=True)
    for column in rows.columns[1:]:
        rows[column] = rows[column].astype("float64").round(6)
    return rows


def _totals(rows: pd.DataFrame) -> tuple[int, float]:
    return round(rows["first"].sum()), round(float(rows["first_amount"].sum()), 2)


def _credited(paths: ir.Table, orders: ir.Table, found: ir.Table, options: Options) -> Attribution:
    rows = credits_of(paths, options.half_life_days)
    begun = found["at"].date().min().to_pyarrow().as_py()
    n_all = (
        0 if begun is None else int(orders.filter(orders.day > ibis.literal(begun)).count().to_pyarrow().as_py())
    )
    by = paths.group_by("order").agg(n=paths.campaign_id.nunique())
    shared = int(by.filter(by.n > 1).count().to_pyarrow().as_py())
    return Attribution(rows, *_totals(rows), n_all, shared)
