"""The one cut in time: what could be known at the end of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import ibis

from crm_lib.contract.tables import DAY, TABLES, TIME, TableContract


def cut(tables: Mapping[str, ibis.Table], as_of: dt.date) -> dict[str, ibis.Table]:
    """The tables as they could be known at the end of `as_of`.

    Rows known later go, outcomes dated later are blanked (a deal closed later is open again); rows without a date
    stay, and so do targets, market and contract ends. Days are compared, not times. An outcome without a date of
    its own (orders in a contact's outcome window) stays with its row.
    """
    return {name: _cut(name, table, tables, as_of) for name, table in tables.items()}


def known_day(contract: TableContract, table: ibis.Table) -> ibis.Value | None:
    """The day on which a row came to be known; None where the table doesn't say."""
    days = [_day(table, c) for c in contract.known_on if c in table.columns]
    return ibis.coalesce(*days) if days else None


def _cut(name: str, table: ibis.Table, tables: Mapping[str, ibis.Table], as_of: dt.date) -> ibis.Table:
    contract = TABLES[name]
    if contract.known_through:
        return _cut_through(contract, table, tables.get(contract.known_through), as_of)
    day = known_day(contract, table)
    if day is not None:
        table = table.filter(day.isnull() | (day <= ibis.literal(as_of)))
    blank = {}
    for column in contract.columns:
        dated_by = column.dated_by or column.name
        if not column.outcome or column.name not in table.columns or dated_by not in table.columns:
            continue
        if contract.column(dated_by).type in (DAY, TIME):
            value = table[column.name]
            later = (_day(table, dated_by) > ibis.literal(as_of)).fill_null(False)
            blank[column.name] = ibis.ifelse(later, ibis.null(value.type()), value)
    return table.mutate(**blank) if blank else table


def _cut_through(
    contract: TableContract, table: ibis.Table, parent: ibis.Table | None, as_of: dt.date
) -> ibis.Table:
    """Rows dated by their parent: gone with it, and their outcomes blank where it was answered later."""
    if parent is None:
        return table
    above = TABLES[contract.known_through]
    (key,) = above.key
    day = known_day(above, parent)
    later = parent.filter(day > ibis.literal(as_of))
    table = table.anti_join(later, key)
    if "answered_at" not in parent.columns:
        return table
    unanswered = parent.filter(_day(parent, "answered_at") > ibis.literal(as_of)).select(key).mutate(_later=True)
    joined = table.left_join(unanswered, key)
    joined = joined.drop(*(c for c in joined.columns if c == f"{key}_right"))
    outcomes = [c.name for c in contract.columns if c.outcome and c.name in table.columns]
    blank = {c: ibis.ifelse(joined["_later"].isnull(), joined[c], ibis.null(joined[c].type())) for c in outcomes}
    return joined.mutate(**blank).drop("_later")


def _day(table: ibis.Table, column: str) -> ibis.Value:
    value = table[column]
    return value.date() if value.type().is_timestamp() else value
