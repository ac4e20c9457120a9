"""Looks into tables that keep the contract for what may still mislead; everything is counted in the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import ibis
import numpy as np
from ibis import _

from crm_lib.contract import findings as kinds
from crm_lib.contract.card import DataCard
from crm_lib.contract.cut import known_day
from crm_lib.contract.findings import Finding
from crm_lib.contract.tables import TABLES, TableContract

_HOLES_IN = ("transactions", "leads", "opportunities", "surveys", "cases", "contacts")
_SHORTEST_HOLE, _TIMES_USUAL = 7, 4
_FEWEST_DAYS = 20  # days with rows from which a hole can be told


def findings_of(tables: Mapping[str, ibis.Table], card: DataCard) -> tuple[Finding, ...]:
    """All findings of a source's tables, the gravest kinds first."""
    found = [*_currencies(card)]
    for name, table in tables.items():
        contract = TABLES[name]
        found += [*_duplicates(contract, table), *_holes(contract, table), *_missing(contract, table)]
    if "transactions" in tables:
        found += [*_money(tables["transactions"]), *_against_customers(tables)]
    return tuple(sorted(found, key=lambda f: (kinds.KINDS.index(f.kind), list(TABLES).index(f.table), -f.share)))


def _one(table: ibis.Table, **asked: ibis.Value) -> dict:
    return table.agg(**asked).to_pyarrow().to_pylist()[0]


def _currencies(card: DataCard) -> Iterator[Finding]:
    for t in card.tables:
        if len(t.currencies) > 1:
            n = sum(n for _code, n in t.currencies)
            names = tuple(code for code, _n in t.currencies)
            rest = n - max(n for _code, n in t.currencies)
            yield Finding(kinds.CURRENCIES, t.table, "amount", rest, n, names=names)


def _duplicates(contract: TableContract, table: ibis.Table) -> Iterator[Finding]:
    """Rows beyond the first of those that are equal in every column."""
    if contract.key:
        return
    each = _marked_again(table).group_by(list(table.columns)).agg(_n=_.count()).filter(_._n > 1)
    money = (each.amount * (each._n - 1)).sum() if "amount" in table.columns else ibis.null("float64")
    found = _one(each, n=(each._n - 1).sum(), amount=money)
    if found["n"]:
        of = _one(table, n=table.count())["n"]
        yield Finding(kinds.DUPLICATES, contract.name, n=found["n"], of=of, amount=_float(found["amount"]))


def _marked_again(table: ibis.Table) -> ibis.Table:
    """On the embedded engine rows whose mark occurs again: eight bytes of each are grouped, not all its values."""
    if table.get_backend().name != "duckdb":
        return table
    marked = table.mutate(_mark=ibis.struct({c: table[c] for c in table.columns}).hash())
    again = marked.group_by("_mark").agg(_n=_.count()).filter(_._n > 1).select("_mark")
    return marked.semi_join(again, "_mark").drop("_mark")


def _holes(contract: TableContract, table: ibis.Table) -> Iterator[Finding]:
    """Runs of days without a row that are far longer than usual, the longest first."""
    day = known_day(contract, table)
    if contract.name not in _HOLES_IN or day is None:
        return
    rows = table.select(day=day).filter(_.day.notnull()).distinct().order_by("day").to_pyarrow()
    days = np.array(rows["day"].to_pylist(), dtype="datetime64[D]")
    if len(days) < _FEWEST_DAYS:
        return
    gaps = np.diff(days).astype(int)
    longest = max(_SHORTEST_HOLE, _TIMES_USUAL * int(np.quantile(gaps, 0.95)))
    for i in sorted(np.flatnonzero(gaps > longest), key=lambda i: -gaps[i])[:5]:
        first, last = days[i].item() + dt.timedelta(days=1), days[i + 1].item() - dt.timedelta(days=1)
        of = int((days[-1] - days[0]).astype(int)) + 1
        yield Finding(kinds.HOLE, contract.name, n=int(gaps[i]) - 1, of=of, first_on=first, last_on=last)


def _missing(contract: TableContract, table: ibis.Table) -> Iterator[Finding]:
    names = [c.name for c in contract.columns if c.name in table.columns and not c.required and not c.outcome]
    if not names:
        return
    found = _one(table, n=table.count(), **{f"c_{name}": table[name].isnull().sum() for name in names})
    for name in names:
        if found[f"c_{name}"]:
            yield Finding(kinds.MISSING, contract.name, name, found[f"c_{name}"], found["n"])


def _money(table: ibis.Table) -> Iterator[Finding]:
    below = table.amount < 0
    found = _one(table, n=below.sum(), of=table.count(), amount=table.amount.sum(where=below))
    if found["n"]:
        amount = _float(found["amount"])
        yield Finding(kinds.NEGATIVE_ROWS, "transactions", "amount", found["n"], found["of"], amount)
    each = table.group_by("customer_id").agg(money=_.amount.sum())
    found = _one(each, n=(each.money < 0).sum(), of=each.count(), amount=each.money.sum(where=each.money < 0))
    if found["n"]:
        amount = _float(found["amount"])
        yield Finding(kinds.NEGATIVE_CUSTOMERS, "transactions", "customer_id", found["n"], found["of"], amount)


def _against_customers(tables: Mapping[str, ibis.Table]) -> Iterator[Finding]:
    if "customers" not in tables:
        return
    orders, customers = tables["transactions"], tables["customers"]
    idle = customers.anti_join(orders, "customer_id")
    n, of = _one(idle, n=idle.count())["n"], _one(customers, n=customers.count())["n"]
    if n:
        yield Finding(kinds.WITHOUT_ORDERS, "customers", "customer_id", n, of)
    if "since" not in customers.columns:
        return
    known = customers.filter(_.since.notnull()).select("customer_id", "since")
    dated = orders.select("customer_id", "at", "amount").join(known, "customer_id")
    early = dated["at"].date() < dated.since
    found = _one(dated, n=early.sum(), of=dated.count(), amount=dated.amount.sum(where=early))
    if found["n"]:
        amount = _float(found["amount"])
        yield Finding(kinds.BEFORE_SIGN_UP, "transactions", "at", found["n"], found["of"], amount)


def _float(value: object) -> float | None:
    return None if value is None else float(value)
