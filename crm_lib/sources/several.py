"""Several files that are one table: an export for each month, each year, each branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import ibis

from crm_lib.contract.rules import ROW
from crm_lib.errors import DataContractError, part
from crm_lib.sources import files
from crm_lib.sources.files import Raw
from crm_lib.sources.settings import Source, TableMapping, nearest

_MOST_NAMED = 5


def paths(source: Source, table: str, mapping: TableMapping) -> list[Path]:
    """The file of a table, or its files in the order of their names; DataContractError where one is missing."""
    if not mapping.files:
        return [files.find(source, table, mapping)]
    found: dict[Path, None] = {}
    for wanted in mapping.files:
        those = sorted(p for p in source.path.glob(wanted) if p.is_file())
        if not those:
            near = nearest(wanted, [p.name for p in source.path.glob("*")])
            raise DataContractError(
                f"{table}: no file {wanted} lies in {source.path.name}/.{near} "
                "Put it there, or correct files in crm.toml."
            )
        found |= dict.fromkeys(those)
    return list(found)


def as_one(con: ibis.BaseBackend, raws: Sequence[Raw], table: str) -> Raw:
    """The rows of all files below one another, by the names of their columns, which must be those of the first."""
    first = raws[0]
    if len(raws) == 1:
        return first
    for raw in raws[1:]:
        if differing := other_columns(first, raw):
            raise DataContractError(f"{table}: {differing} Correct the file, or take it out of files in crm.toml.")
    kept_as, parts = f"raw_{uuid4().hex[:8]}", []
    for raw in raws:
        rows = in_order_of(first, raw, **{ROW: raw.table[ROW] + sum(n for _name, n in parts)})
        if parts:
            con.insert(kept_as, rows)
        else:
            con.create_table(kept_as, rows, temp=True)
        parts.append((raw.place, raw.table.count().to_pyarrow().as_py() + raw.n_blank))
        if raw.kept_as:
            con.drop_table(raw.kept_as)
    broken = [raw for raw in raws if raw.n_broken]
    return replace(
        first,
        table=con.table(kept_as),
        n_broken=sum(raw.n_broken for raw in broken),
        first_broken=broken[0].first_broken if broken else None,
        broken_in=broken[0].place if broken else "",
        kept_as=kept_as,
        parts=tuple(parts),
        n_blank=sum(raw.n_blank for raw in raws),
    )


def other_columns(first: Raw, raw: Raw) -> str:
    """In which columns a file differs from the first one, in words; empty where it does not."""
    lacking = [name for name in first.names if name not in raw.names]
    besides = [name for name in raw.names if name not in first.names]
    if lacking and besides:
        return part(
            f"{raw.place} has other columns than {first.place}: it lacks {_some(lacking)}, and has "
            f"{_some(besides)} instead."
        )
    if lacking:
        return part(f"{raw.place} has fewer columns than {first.place}: it lacks {_some(lacking)}.")
    if besides:
        return part(f"{raw.place} has more columns than {first.place}: {_some(besides)}.")
    return ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")


def in_order_of(first: Raw, raw: Raw, **more: ibis.Value) -> ibis.Table:
    """A file's columns as the first one has them, by order and type, and what is given besides."""
    columns = {}
    for name, ours in first.names.items():
        value = raw.table[raw.names[name]]
        kind = first.table[ours].type()
        columns[ours] = value if value.type() == kind else value.cast(kind)
    return raw.table.select(**columns, **more)
