"""Checks a table against its contract: every rule a predicate in the engine, all counted in one query.

Structure that is wrong (an empty table, a duplicate key) raises; rows that are wrong are set aside with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
from ibis import _

from crm_lib.contract.card import Rejected
from crm_lib.contract.rules import (
    KNOWN,
    ROW,
    SEEN,
    Rule,
    Surroundings,
    endless_told,
    rules_of,
    with_known,
)
from crm_lib.contract.tables import TableContract
from crm_lib.errors import DataContractError, of_table, part

REASON = "__reason"


@dataclass(frozen=True)
class Checked:
    """A checked table: rows that may be used, rows set aside (None: all are sound), why, and how many."""

    table: ibis.Table
    rejected: ibis.Table | None
    reasons: tuple[Rejected, ...]
    messages: tuple[str, ...]
    n_read: int
    n_rejected: int


def check(contract: TableContract, table: ibis.Table, around: Surroundings | None = None) -> Checked:
    """Check a typed table; raises DataContractError for its structure and where too many rows are wrong.

    `table` has `__row` (1, 2, …) and, for columns typed from text, `<column>__seen` with that text. The rows of a
    server have no order and no `__row`: then nothing is held in the engine, a message gives the smallest value in
    place of the first, and rows that hold are told by the rules themselves.
    """
    around = around or Surroundings()
    _columns_there(contract, table)
    looked = with_known(contract, table, around)
    rules = dict(zip((f"_{i}" for i in range(999)), rules_of(contract, looked, around), strict=False))
    counts = looked.agg(n=_.count(), **{k: r.broken.fill_null(False).sum() for k, r in rules.items()})
    found = counts.to_pyarrow().to_pylist()[0]
    if not found["n"]:
        raise DataContractError(
            f"{contract.name}: the table has no rows. It needs at least one: look at the file, or leave it out."
        )
    _keys_unique(contract, table, around)
    hit = {k: r for k, r in rules.items() if found[k]}
    n_read = found["n"] + around.n_broken_lines
    if not hit:
        return Checked(_bare(table), None, _broken(around), (), n_read, around.n_broken_lines)
    return _set_aside(contract, looked, hit, found, n_read, around)


def _bare(table: ibis.Table) -> ibis.Table:
    """The table without the columns that only the check needs."""
    return table.drop(*(c for c in table.columns if c == ROW or c.endswith((SEEN, KNOWN))))


def _set_aside(contract, table, hit: Mapping[str, Rule], found, n_read: int, around: Surroundings) -> Checked:
    """The second scan, made only when something is wrong."""
    ordered = ROW in table.columns
    marked = table.mutate(**{k: r.broken.fill_null(False) for k, r in hit.items()})
    broken = ibis.or_(*(marked[k] for k in hit))
    rejected = marked.filter(broken).cache() if ordered else marked.filter(broken)
    reason = ibis.cases(*((rejected[k], k) for k in hit), else_="")
    rejected = rejected.mutate(**{REASON: reason})
    first = rejected.agg(
        n=_.count(),
        **{f"row{k}": _[ROW].min(where=_[k]) for k in hit if ordered},
        **{f"seen{k}": _first(_seen(rejected, r.column), _[k], ordered) for k, r in hit.items()},
    )
    firsts = first.to_pyarrow().to_pylist()[0]
    messages = tuple(
        _message(contract.name, r, found[k], found["n"], (firsts.get(f"row{k}"), firsts[f"seen{k}"]), around)
        for k, r in hit.items()
    )
    n_rejected = firsts["n"] + around.n_broken_lines
    share = n_rejected / n_read
    if share > around.max_rejected_share:
        raise DataContractError(_too_many(contract.name, n_rejected, n_read, around.max_rejected_share, messages))
    kept = marked.filter(~broken).drop(*hit)
    in_words = ibis.cases(*((rejected[REASON] == k, f"{r.column}: {r.reason}") for k, r in hit.items()), else_="")
    words = rejected.mutate(**{REASON: in_words}).drop(*hit, *(c for c in table.columns if c.endswith(KNOWN)))
    words = words.order_by(ROW) if ordered else words
    return Checked(_bare(kept), words, _broken(around) + _priced(rejected, hit), messages, n_read, n_rejected)


def _first(seen: ibis.Value, where: ibis.Value, ordered: bool) -> ibis.Value:
    return seen.argmin(_[ROW], where=where) if ordered else seen.min(where=where)


def _too_many(table: str, n: int, n_read: int, allowed: float, messages: tuple[str, ...]) -> str:
    lines = "".join(f"\n  {m}" for m in messages)
    return part(
        f"{table}: {n:,} of {n_read:,} rows ({n / n_read:.1%}) can't be used, more than "
        f"max_rejected_share = {allowed:g} allows.{lines}"
    )


def broken_lines(table: str, n: int, n_read: int, first: tuple[int | None, str], allowed: float) -> str:
    """The message about lines with too few or too many values; raises where they are too many.

    `first` is the first such line and, where several files are one table, the file that holds it.
    """
    line, file = first
    message = part(
        f"{table}: {n:,} of {n_read:,} {'lines has' if n == 1 else 'lines have'} more or fewer values than the "
        f"header (first: line {line:,}{_of(file)}). Correct the file, or the separator for this source."
    )
    if n / max(n_read, 1) > allowed:
        raise DataContractError(_too_many(table, n, n_read, allowed, (message,)))
    return message


def _broken(around: Surroundings) -> tuple[Rejected, ...]:
    return (Rejected("line", "broken line", around.n_broken_lines),) if around.n_broken_lines else ()


def _priced(rejected: ibis.Table, hit: Mapping[str, Rule]) -> tuple[Rejected, ...]:
    """Each row counted once, under the first rule it breaks, with its money where the table has some."""
    amount = _.amount.sum() if "amount" in rejected.columns else ibis.null("float64")
    rows = rejected.group_by(REASON).agg(n=_.count(), amount=amount).to_pyarrow().to_pylist()
    by_rule = {row[REASON]: row for row in rows}
    return tuple(
        Rejected(r.column, r.reason, by_rule[k]["n"], _float(by_rule[k]["amount"]))
        for k, r in hit.items()
        if k in by_rule
    )


def _float(value) -> float | None:
    return None if value is None else float(value)


def _seen(table: ibis.Table, column: str) -> ibis.Value:
    """What the file said: the kept text, or the value itself; '' where it is empty."""
    seen = [table[column + SEEN]] if column + SEEN in table.columns else []
    value, text = table[column], table[column].cast("string")
    return ibis.coalesce(*seen, endless_told(value, text) if value.type().is_floating() else text, "")


def _message(
    table: str, rule: Rule, n: int, n_rows: int, first: tuple[int | None, str], around: Surroundings
) -> str:
    row, seen = first
    what = rule.one if n == 1 else rule.many
    where, quoted = f"{table}.{rule.column}", rule.quotes and seen
    need = rule.need
    if rule.reason == "not a number":
        need += " " + _sign_hint(seen, around.decimal)
    if row is None:  # a server's
        need = of_table(need)
        if quoted:
            return part(f'{where}: {n:,} of {n_rows:,} {what} (such as "{seen}"). {need}')
        return part(f"{where}: {n:,} of {n_rows:,} {what}. {need}")
    row, file = around.place(row)
    if quoted:
        return part(f'{where}: {n:,} of {n_rows:,} {what} (first: row {row:,}{_of(file)}, "{seen}"). {need}')
    return part(f"{where}: {n:,} of {n_rows:,} {what} (first: row {row:,}{_of(file)}). {need}")


def _of(file: str) -> str:
    return part(f" of the file {file}") if file else ""


def _sign_hint(seen: str, decimal: str) -> str:
    points, commas = seen.rfind("."), seen.rfind(",")
    if points >= 0 and commas >= 0:
        mark = "," if commas < points else "."
        return part(f'Correct the file, or set thousands="{mark}" for this source.')
    other = "," if decimal == "." else "."
    if (commas if other == "," else points) >= 0:
        return part(f'Correct the file, or set decimal="{other}" for this source.')
    return part("Correct the file.")


def _columns_there(contract: TableContract, table: ibis.Table) -> None:
    missing = [c for c in contract.required if c not in table.columns]
    if missing:
        there = ", ".join(c for c in table.columns if not c.startswith("__") and not c.endswith(SEEN))
        raise DataContractError(
            f'{contract.name}: the column "{missing[0]}" is missing. The table has: {there}. '
            f'Add it to the file, or name it in crm.toml: columns = {{ {missing[0]} = "their name" }}.'
        )


def _keys_unique(contract: TableContract, table: ibis.Table, around: Surroundings) -> None:
    keys = [k for k in contract.key if k in table.columns]
    if not keys:
        return
    whole = table.filter(*(table[k].notnull() for k in keys if contract.column(k).required))
    row = {"first": _[ROW].min()} if ROW in table.columns else {}
    repeated = whole.group_by(keys).agg(n=_.count(), **row).filter(_.n > 1)
    first = {name: _[name].min() for name in row}
    found = repeated.agg(n=_.count(), n_rows=_.n.sum(), **first).to_pyarrow().to_pylist()[0]
    if found["n"]:
        name = " + ".join(keys)
        place = ""
        if row:
            line, file = around.place(found["first"])
            place = part(f" (first: row {line:,}{_of(file)})")
        raise DataContractError(
            f"{contract.name}.{name}: {found['n']:,} {'value occurs' if found['n'] == 1 else 'values occur'} more "
            f"than once, in {found['n_rows']:,} rows{place}. It must be different in every row. Remove the "
            "duplicates."
        )
