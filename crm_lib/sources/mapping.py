"""Turns a raw table into a contract table: their columns, words and layout into ours, every value typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ibis
from ibis import _

from crm_lib.contract.rules import ROW, SEEN
from crm_lib.contract.tables import TEXT, TableContract
from crm_lib.errors import ConfigError, DataContractError, part
from crm_lib.sources.dates import EXCEL, ORDERS, by_order, pattern_of
from crm_lib.sources.files import Raw
from crm_lib.sources.settings import Aspect, ColumnMapping, Lookup, Reading, TableMapping
from crm_lib.sources.typed import TYPES, text_of, typed

ReadOther = Callable[[str], Raw]


def mapped(contract: TableContract, raw: Raw, mapping: TableMapping, read_other: ReadOther) -> ibis.Table:
    """The contract's table out of a raw one: typed columns, the text each was typed from, and the row number.

    A table without an order has no row number, and text only beside what was typed from text.
    """
    if not raw.ordered:
        refuse_unreadable(mapping.reading)
    if not raw.ordered and any(m.row_id is not None for m in mapping.columns.values()):
        raw = replace(raw, table=raw.table.mutate(**{ROW: raw.number(raw.table)}))
    if not mapping.unpivot:
        return _select(contract, raw, mapping, read_other)
    parts = [_select(contract, raw, _of_aspect(mapping, a), read_other) for a in mapping.unpivot]
    every = list(dict.fromkeys(c for one in parts for c in one.columns))
    types = {c: one[c].type() for one in parts for c in one.columns}
    filled = []
    for i, one in enumerate(parts):
        lacking = {c: ibis.null(types[c]) for c in every if c not in one.columns}
        filled.append(one.mutate(**lacking).select(every).mutate(_place=ibis.literal(i)))
    if len(filled) == 1:
        return parts[0]
    united = ibis.union(*filled)
    return (united.order_by(ROW, "_place") if raw.ordered else united).drop("_place")


def refuse_unreadable(reading: Reading) -> None:
    """Forms of dates that the embedded engine alone can read are refused on a server."""
    for form in reading.dates:
        if form not in (*ORDERS, *EXCEL) and pattern_of(form) is None:
            raise ConfigError(
                f'dates = "{form}" can\'t be read on a server, which knows %Y, %m, %d, %H, %M and %S. '
                "Give the column a type there (a view will do), or read the data from a file."
            )


def _of_aspect(mapping: TableMapping, aspect: Aspect) -> TableMapping:
    """The mapping of one aspect of a wide survey: its name, and the columns that hold its scores."""
    scores = {k: ColumnMapping(column=getattr(aspect, k)) for k in ("expected", "perceived", "score")}
    own = {"aspect": ColumnMapping(value=aspect.aspect)} | {k: m for k, m in scores.items() if m.column}
    return replace(mapping, columns=mapping.columns | own, unpivot=())


def _select(contract: TableContract, raw: Raw, mapping: TableMapping, read_other: ReadOther) -> ibis.Table:
    raw = _with_lookups(contract, _without(contract.name, raw, mapping), mapping, read_other)
    every = _wanted(contract, raw, mapping)
    for name in contract.required:
        if name not in every:
            raw.column(name, contract.name)
    columns = {ROW: raw.table[ROW]} if raw.ordered else {}
    for name, wanted in every.items():
        column = contract.column(name)
        kind = column.type if column else TYPES.get(wanted.type, "")
        value = _where_it_holds(contract.name, _source(contract.name, name, wanted, raw), wanted, raw)
        if not kind and (value.type().is_string() or not column):
            columns[name] = text_of(value) if value.type().is_string() else value
            continue
        columns[name] = typed(value, kind, mapping.reading, wanted.times)
        if kind != TEXT:
            columns[name + SEEN] = _seen(value, columns[name])
    table = raw.table.select(**columns)
    shuffled = raw.ordered and any(m.lookup for m in mapping.columns.values())
    return table.order_by(ROW) if shuffled else table


def _seen(value: ibis.Value, typed_value: ibis.Value) -> ibis.Value:
    """The text that a value was typed from; of one that had a type already only where it could not be kept."""
    text = text_of(value)
    return text if value.type().is_string() else ibis.ifelse(typed_value.isnull(), text, ibis.null(TEXT))


def left_out(table: str, raw: Raw, mapping: TableMapping) -> ibis.BooleanValue | None:
    """Whether a row is one of those declared to be left out; None where nothing is declared."""
    each = [text_of(raw.column(c, table)).isin(v).fill_null(False) for c, v in mapping.leave_out.items() if v]
    return ibis.or_(*each) if each else None


def _without(table: str, raw: Raw, mapping: TableMapping) -> Raw:
    gone = left_out(table, raw, mapping)
    return raw if gone is None else replace(raw, table=raw.table.filter(~gone))


def _wanted(contract: TableContract, raw: Raw, mapping: TableMapping) -> dict[str, ColumnMapping]:
    """Mapped columns, then those that bear the contract's own name, then attributes."""
    wanted = dict(mapping.columns)
    used = {m.column for m in wanted.values()}
    for column in contract.columns:
        if column.name not in wanted and column.name in raw.names and column.name not in used:
            wanted[column.name] = ColumnMapping(column=column.name)
    if contract.extra:
        every = mapping.keep or (() if mapping.columns else tuple(raw.names))
        wanted |= {n: ColumnMapping(column=n) for n in every if n and n not in wanted}
    return wanted


def _source(table: str, name: str, wanted: ColumnMapping, raw: Raw) -> ibis.Value:
    if wanted.row_id is not None:
        return ibis.literal(wanted.row_id).concat(raw.table[ROW].cast("string"))
    if wanted.value is not None:
        return ibis.literal(wanted.value)
    value = raw.column(_lookup_name(name) if wanted.lookup else wanted.column, table)
    if not wanted.values:
        return value
    text = text_of(value)
    pairs = [(text == theirs, ibis.literal(ours)) for theirs, ours in wanted.values.items()]
    return ibis.cases(*pairs, else_=text if wanted.other is None else ibis.literal(wanted.other))


def _where_it_holds(table: str, value: ibis.Value, wanted: ColumnMapping, raw: Raw) -> ibis.Value:
    for column, words in wanted.when.items():
        value = ibis.ifelse(text_of(raw.column(column, table)).isin(words), value, ibis.null(value.type()))
    return value


def _lookup_name(name: str) -> str:
    return f"lookup {name}"


def _with_lookups(contract, raw: Raw, mapping: TableMapping, read_other: ReadOther) -> Raw:
    for name, wanted in mapping.columns.items():
        if wanted.lookup:
            raw = _looked_up(contract.name, name, raw, wanted.lookup, read_other(wanted.lookup.file))
    return raw


def _looked_up(table: str, name: str, raw: Raw, lookup: Lookup, other: Raw) -> Raw:
    key = text_of(other.column(lookup.key or lookup.on, table))
    found = other.table.select(_key=key, _found=text_of(other.column(lookup.column, table))).filter(
        _["_key"].notnull()
    )
    if found.group_by("_key").agg(n=_.count()).filter(_.n > 1).count().to_pyarrow().as_py():
        raise DataContractError(
            f'{table}: {other.place} has several rows for one "{lookup.key or lookup.on}", '
            f"so {name} is not certain. Remove the duplicates."
        )
    ours = f"l{len(raw.names)}"
    left = raw.table.mutate(_on=text_of(raw.column(lookup.on, table)))
    joined = left.left_join(found, left._on == found._key).rename({ours: "_found"}).drop("_on", "_key")
    return replace(raw, table=joined, names=raw.names | {_lookup_name(name): ours})


def settle_dates(table: ibis.Table, name: str, reading: Reading) -> tuple[ibis.Table, str]:
    """Dates without a declared form that aren't ISO: read them the only way that fits, or refuse.

    Returns the table and a note on what was read how, empty where ISO held.
    """
    undecided = [c for c in table.columns if c + SEEN in table.columns and table[c].type().is_temporal()]
    if reading.dates or not undecided:
        return table, ""
    counts = table.agg(
        **{f"all{i}": table[c + SEEN].count() for i, c in enumerate(undecided)},
        **{f"iso{i}": table[c].count() for i, c in enumerate(undecided)},
    )
    seen = counts.to_pyarrow().to_pylist()[0]
    notes = []
    for i, column in enumerate(undecided):
        if seen[f"iso{i}"] * 2 < seen[f"all{i}"]:
            table, order = _only_order(table, f"{name}.{column}", column, seen[f"all{i}"])
            notes.append(
                part(f'{name}.{column}: read {order}, the only order that fits all; set dates="{order}".')
            )
    return table, " ".join(notes)


def _only_order(table: ibis.Table, place: str, column: str, n: int) -> tuple[ibis.Table, str]:
    ways = {order: ibis.coalesce(*by_order(table[column + SEEN], order)) for order in ORDERS}
    counts = table.agg(
        **{o.replace("-", "_"): w.count() for o, w in ways.items()},
        first=_first(table, column + SEEN),
    )
    found = counts.to_pyarrow().to_pylist()[0]
    fitting = [o for o in ORDERS if found[o.replace("-", "_")] == n]
    if len(fitting) != 1:
        raise DataContractError(_ambiguous(place, n, found, bool(fitting)))
    at = ways[fitting[0]]
    return table.mutate(**{column: at.date() if table[column].type().is_date() else at}), fitting[0]


def _first(table: ibis.Table, column: str) -> ibis.Value:
    """The first text of a column that is not empty; the smallest where rows have no order."""
    seen = table[column]
    return seen.argmin(table[ROW], where=seen.notnull()) if ROW in table.columns else seen.min()


def _ambiguous(place: str, n: int, found: dict, both: bool) -> str:
    return part(
        f'{place}: {n:,} dates (such as "{found["first"]}") '
        f"{'can be read day-first and month-first' if both else 'follow no one form'}: {found['day_first']:,} fit "
        f'day-first, {found["month_first"]:,} fit month-first. A date is never guessed. Set dates="day-first" or '
        'dates="month-first" for this source, or a form such as dates="%Y%m%d".'
    )
