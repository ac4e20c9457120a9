"""Loads a source's tables: read, mapped, typed, checked and cut; a table that fails keeps its error."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path

import ibis
from ibis import _

from crm_lib.contract.card import TableCard
from crm_lib.contract.check import Checked, broken_lines, check
from crm_lib.contract.cut import cut, known_day
from crm_lib.contract.rules import Surroundings, without_missing_codes
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError, DataContractError, part
from crm_lib.sources.files import Raw
from crm_lib.sources.home import Home, is_local
from crm_lib.sources.mapping import left_out, mapped, settle_dates
from crm_lib.sources.settings import Source, TableMapping
from crm_lib.sources.typed import currencies_in, currencies_of, text_of


@dataclass(frozen=True)
class Loaded:
    """What became of a source: its tables at `as_of`, accounts, errors by table, warnings and fingerprint.

    `set_aside` names the tables of which some rows were set aside into a file.
    """

    tables: dict[str, ibis.Table]
    cards: tuple[TableCard, ...]
    errors: dict[str, DataContractError]
    warnings: tuple[str, ...]
    fingerprint: str
    set_aside: tuple[str, ...] = ()


@dataclass
class _Work:
    """Where the tables lie, the tables done so far, and the day after which nothing can have happened.

    `signs` says whether signs of currencies are counted on the way.
    """

    home: Home
    no_later_than: dt.date | None = None
    signs: bool = False
    checked: dict[str, Checked] = field(default_factory=dict)
    errors: dict[str, DataContractError] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    currencies: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)


def table_mappings(source: Source, home: Home) -> dict[str, TableMapping]:
    """The tables that a source declares, or that lie in its home under the contract's names."""
    if source.tables:
        return source.tables
    found = home.names()
    if not found:
        forms = " (as .csv or .parquet)" if source.kind == "folder" else ""
        raise ConfigError(
            f'The source "{source.name}" has no table: {home.place} holds none of {", ".join(TABLES)}{forms}. '
            f"Name its tables under sources.{source.name}.tables in crm.toml."
        )
    return {t: TableMapping(file="", reading=source.reading) for t in TABLES if t in found}


def load(
    source: Source,
    home: Home,
    wanted: Iterable[str],
    as_of: dt.date,
    run_date: dt.date | None,
    *,
    rejected_folder: Path,
    signs: bool = False,
) -> Loaded:
    """Load the wanted tables of a source, each as far as it goes, checked against those they refer to."""
    all_mappings = table_mappings(source, home)
    wanted = set(wanted) & set(all_mappings)
    mappings = with_those_referred_to(wanted, all_mappings)
    work = _Work(home, home.latest(run_date, all_mappings), signs)
    for name in _in_order(mappings):
        try:
            with home.in_words(name):
                work.checked[name] = _table(source, name, mappings[name], work)
        except DataContractError as error:
            work.errors[name] = error
    _keep_rejected(home, work.checked, rejected_folder)
    known = {name: c.table for name, c in work.checked.items()}
    now = {name: t for name, t in cut(known, as_of).items() if name in wanted}
    ordered = _ordered if is_local(source) else lambda _name, table: table
    tables = {name: home.held(name, ordered(name, t)) for name, t in now.items()}
    errors = {name: error for name, error in work.errors.items() if name in wanted}
    found = work.currencies
    cards = tuple(_card(n, work.checked[n], tables[n], found.get(n, ())) for n in TABLES if n in tables)
    print_of = home.fingerprint(mappings, work.checked)
    for name in known:
        home.let_go(f"typed_{name}")
    set_aside = tuple(name for name, c in work.checked.items() if c.rejected is not None)
    return Loaded(tables, cards, errors, tuple(work.warnings), print_of, set_aside)


def with_those_referred_to(wanted: set[str], mappings: Mapping[str, TableMapping]) -> dict[str, TableMapping]:
    """The wanted tables and, however far, those that their ids or their dates come from."""
    found, more = set(), set(wanted)
    while more:
        found |= more
        contracts = [TABLES[name] for name in more]
        named = {c.refers_to for contract in contracts for c in contract.columns}
        more = ((named | {contract.known_through for contract in contracts}) & set(mappings)) - found
    return {name: mapping for name, mapping in mappings.items() if name in found}


def _ordered(name: str, table: ibis.Table) -> ibis.Table:
    """A cut that joins loses the file's order: sort, so that sums repeat to the last digit."""
    contract = TABLES[name]
    return table.order_by(contract.key) if contract.known_through else table


def _in_order(mappings: Mapping[str, TableMapping]) -> list[str]:
    """Tables after those they refer to, so that ids are checked against rows that hold."""
    needs = {
        name: {c.refers_to for c in TABLES[name].columns if c.refers_to in mappings} - {name} for name in mappings
    }
    return list(TopologicalSorter(needs).static_order())


def _table(source: Source, name: str, mapping: TableMapping, work: _Work) -> Checked:
    contract, settings, home = TABLES[name], source.settings, work.home
    raw = home.raw(name, mapping)
    if mapping.leave_out:
        work.warnings.append(_left_out(name, raw, mapping))
    if raw.n_blank:
        work.warnings.append(_blank(name, raw.n_blank))
    if raw.n_broken:
        n_read = raw.table.count().to_pyarrow().as_py() + raw.n_broken
        allowed = settings.max_rejected_share
        first = (raw.first_broken, raw.broken_in)
        work.warnings.append(broken_lines(name, raw.n_broken, n_read, first, allowed))
    codes = _codes(name, raw, mapping) if work.signs and mapping.currency_column else ()
    typed = mapped(contract, raw, mapping, lambda other: home.other(name, mapping, other))
    typed = home.held(f"typed_{name}", typed)
    if raw.kept_as:
        home.let_go(raw.kept_as)
    if work.signs:
        work.currencies[name] = codes or currencies_of(contract, typed)
    typed, note = settle_dates(typed, name, mapping.reading)
    typed = without_missing_codes(contract, typed, settings.satisfaction.scales)
    around = Surroundings(
        others={t: c.table for t, c in work.checked.items()},
        scales=settings.satisfaction.scales,
        no_later_than=work.no_later_than,
        max_rejected_share=settings.max_rejected_share,
        decimal=mapping.reading.decimal,
        n_broken_lines=raw.n_broken,
        parts=raw.parts,
    )
    checked = check(contract, typed, around)
    work.warnings += [*([note] if note else []), *checked.messages]
    return checked


def _left_out(name: str, raw: Raw, mapping: TableMapping) -> str:
    """How many rows go because crm.toml declares so."""
    n = raw.table.filter(left_out(name, raw, mapping)).count().to_pyarrow().as_py()
    columns = ", ".join(mapping.leave_out)
    return part(
        f"{name}: {n:,} {'row is' if n == 1 else 'rows are'} left out, as leave_out declares for {columns}."
    )


def _codes(name: str, raw: Raw, mapping: TableMapping) -> tuple[tuple[str, int], ...]:
    """How many rows name each currency in the column declared for it."""
    gone = left_out(name, raw, mapping)
    rows = raw if gone is None else replace(raw, table=raw.table.filter(~gone))
    return currencies_in(text_of(rows.column(mapping.currency_column, name)))


def _blank(name: str, n: int) -> str:
    """How many lines held no value, and are no rows."""
    return part(f"{name}: {n:,} {'line without a value is' if n == 1 else 'lines without a value are'} no row.")


def _card(name: str, checked: Checked, table: ibis.Table, currencies: tuple[tuple[str, int], ...]) -> TableCard:
    day = known_day(TABLES[name], table)
    span = {} if day is None else {"first": day.min(), "last": day.max()}
    found = table.agg(n=_.count(), **span).to_pyarrow().to_pylist()[0]
    return TableCard(
        table=name,
        n_read=checked.n_read,
        n_rejected=checked.n_rejected,
        n_after=checked.n_read - checked.n_rejected - found["n"],
        n_used=found["n"],
        first_on=found.get("first"),
        last_on=found.get("last"),
        rejected=checked.reasons,
        currencies=currencies,
    )


def _keep_rejected(home: Home, checked: Mapping[str, Checked], folder: Path) -> None:
    """Rows set aside, for whoever mends the data: private, one file per table, none where all is sound."""
    for name, result in checked.items():
        path = folder / f"{name}.parquet"
        if result.rejected is None:
            path.unlink(missing_ok=True)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        part = path.with_suffix(f".{os.getpid()}.part")
        home.set_aside(result.rejected, part)
        part.replace(path)
