"""Reads `crm.toml`: the sources by name, how their files are read, and the company's settings."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from crm_lib.contract.project import locate
from crm_lib.contract.reporting import Reporting
from crm_lib.contract.settings import PublishedFigure, Settings
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError
from crm_lib.sources.checked import build, known, nearest, section
from crm_lib.sources.servers import SERVERS

REPORTING = tuple(f.name for f in fields(Reporting))
KINDS = ("folder", "duckdb", *SERVERS)
TYPES = ("text", "day", "time", "money", "count", "number", "flag")
DATES = ("day-first", "month-first", "excel", "excel-1904")
_DATES = ", ".join(DATES)
SEPARATORS = {"whitespace": "whitespace", "tab": "\t", ",": ",", ";": ";", "|": "|", "\t": "\t"}


@dataclass(frozen=True)
class Reading:
    """How a file is read; nothing of it is ever guessed.

    `skip` is the number of lines (or rows of a sheet) above the header, `sheet` the name of a workbook's sheet.
    `dates` holds strptime forms, `day-first` or `month-first`, or `excel` or `excel-1904` for the numbers in which
    a spreadsheet counts days; empty means ISO (2026-10-31).
    `names` are the columns of a file without a header line.
    """

    header: bool = True
    names: tuple[str, ...] = ()
    separator: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    dates: tuple[str, ...] = ()
    skip: int = 0
    sheet: str = ""


@dataclass(frozen=True)
class Lookup:
    """A value found in another file: the row whose `key` (default: `on`) equals our file's `on`."""

    file: str
    on: str
    column: str
    key: str = ""


@dataclass(frozen=True)
class ColumnMapping:
    """Where a contract column comes from: their column, a constant, a row number or a lookup.

    `values` translates theirs into ours (others become `other`, or stay where `other` is not given),
    `when` keeps the value only where another of their columns holds one of these words (the closing day of closed
    deals), `times` multiplies numbers, `type` types an attribute that the contract does not name.
    """

    column: str = ""
    values: dict[str, str] = field(default_factory=dict)
    other: str | None = None
    times: float = 1
    value: str | None = None
    row_id: str | None = None
    type: str = ""
    when: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lookup: Lookup | None = None


@dataclass(frozen=True)
class Aspect:
    """One aspect of a wide survey: the columns that hold its expected, perceived or single score."""

    aspect: str
    expected: str = ""
    perceived: str = ""
    score: str = ""


@dataclass(frozen=True)
class TableMapping:
    """How one table of a source becomes a contract table; `file` is a table's name in a database.

    `files` names several files that are one table, each by its name or by a pattern such as `orders_????-??.csv`.
    `leave_out` names values of their columns whose rows are none of ours: cancelled orders, a line of totals;
    `currency_column` is their column that says in which currency a row is.
    """

    file: str
    files: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    columns: dict[str, ColumnMapping] = field(default_factory=dict)
    unpivot: tuple[Aspect, ...] = ()
    keep: tuple[str, ...] = ()
    leave_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    currency_column: str = ""


@dataclass(frozen=True)
class Source:
    """A source of `crm.toml`: where it lies, its default as-of date, how its tables are read, its settings.

    `server` is how a database server is reached, one of `servers.SERVERS`; None for files.
    """

    name: str
    kind: str
    path: Path
    title: str
    as_of: str
    reading: Reading
    tables: dict[str, TableMapping]
    settings: Settings
    reporting: Reporting = field(default_factory=Reporting)
    server: Any = None


@dataclass(frozen=True)
class Config:
    """The whole of `crm.toml`: the folder it lies in, the default source, and the sources by name."""

    root: Path
    default: str
    sources: dict[str, Source]

    def source(self, name: str) -> Source:
        """The source of this name; ConfigError with the nearest name where there is none."""
        if name not in self.sources:
            known = ", ".join(sorted(self.sources))
            raise ConfigError(
                f'There is no source "{name}" in crm.toml.{nearest(name, self.sources)} Known sources: {known}.'
            )
        return self.sources[name]


def read_config(path: Path | None = None) -> Config:
    """Read and check `crm.toml`; ConfigError names the key that is wrong."""
    path = path or locate()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from error
    known(document, ("default", "company", "sources", *REPORTING), "")
    default = section(document.get("default", {}), "default")
    known(default, ("source",), "default")
    company = section(document.get("company", {}), "company")
    sections = section(document.get("sources", {}), "sources")
    reporting = {key: document[key] for key in REPORTING if key in document}
    sources = {name: _source(name, body, company, reporting, path.parent) for name, body in sections.items()}
    config = Config(path.parent, str(default.get("source", "")), sources)
    if config.default:
        config.source(config.default)
    return config


def _source(name: str, body: Any, company: dict[str, Any], reporting: dict[str, Any], root: Path) -> Source:
    where = f"sources.{name}"
    body = dict(section(body, where))
    reading_keys = [f.name for f in fields(Reading)]
    own = ("kind", "path", "title", "as_of", "currency", "settings", "published", "tables")
    kind = body.get("kind", "folder")
    if kind not in KINDS:
        raise ConfigError(f'{where}.kind is "{kind}"; it must be one of: {", ".join(KINDS)}.')
    server_keys = [f.name for f in fields(SERVERS[kind])] if kind in SERVERS else []
    known(body, (*own, *server_keys, *REPORTING, *reading_keys), where)
    if kind not in SERVERS and not body.get("path"):
        raise ConfigError(f"{where}.path is missing: the folder or file that holds the tables.")
    reading = {k: body[k] for k in reading_keys if k in body}
    return Source(
        name=name,
        kind=kind,
        path=root / Path(str(body.get("path", ""))).expanduser(),
        title=str(body.get("title", name)),
        as_of=_day(body.get("as_of", ""), f"{where}.as_of"),
        reading=_reading(reading, where),
        tables=_tables(section(body.get("tables", {}), f"{where}.tables"), reading, where),
        settings=_settings(body, company, where),
        reporting=_reporting(body, reporting, where),
        server=_server(kind, {k: body[k] for k in server_keys if k in body}, where),
    )


def _server(kind: str, body: dict[str, Any], where: str) -> Any:
    return build(SERVERS[kind], body, where) if kind in SERVERS else None


def _settings(body: dict[str, Any], company: dict[str, Any], where: str) -> Settings:
    own = section(body.get("settings", {}), f"{where}.settings")
    merged = {**company, **own}
    if "currency" in body:
        merged["currency"] = body["currency"]
    # Published figures belong to one source: never the company's.
    merged["published"] = body.get("published", ())
    for i, entry in enumerate(merged["published"]):
        build(PublishedFigure, entry, f"{where}.published[{i}]")
    return build(Settings, merged, f"{where}.settings")


def _reporting(body: dict[str, Any], shared: dict[str, Any], where: str) -> Reporting:
    """What holds for all sources, with the source's own sections laid over it key by key."""
    merged = dict(shared)
    for key in REPORTING:
        if key in body:
            both = isinstance(body[key], dict) and isinstance(shared.get(key), dict)
            merged[key] = shared[key] | body[key] if both else body[key]
    return build(Reporting, merged, where)


def _tables(sections: dict[str, Any], shared: dict[str, Any], where: str) -> dict[str, TableMapping]:
    tables = {}
    for name, body in sections.items():
        at = f"{where}.tables.{name}"
        if name not in TABLES:
            raise ConfigError(f"{at}: the contract has no table of this name.{nearest(name, TABLES)}")
        tables[name] = _table(name, dict(section(body, at)), shared, at)
    return tables


def _table(name: str, body: dict[str, Any], shared: dict[str, Any], where: str) -> TableMapping:
    reading_keys = [f.name for f in fields(Reading)]
    own = ("file", "files", "columns", "unpivot", "keep", "leave_out", "currency_column")
    known(body, (*own, *reading_keys), where)
    columns = {}
    contract = TABLES[name]
    for target, wanted in section(body.get("columns", {}), f"{where}.columns").items():
        at = f"{where}.columns.{target}"
        if contract.column(target) is None and not contract.extra:
            near = nearest(target, [c.name for c in contract.columns])
            raise ConfigError(f"{at}: the table {name} has no such column in the contract.{near}")
        columns[target] = _column({"column": wanted} if isinstance(wanted, str) else wanted, at)
    return TableMapping(
        file=str(body.get("file", "")),
        files=_files(body, where),
        reading=_reading({**shared, **{k: body[k] for k in reading_keys if k in body}}, where),
        columns=columns,
        unpivot=tuple(build(Aspect, a, f"{where}.unpivot") for a in body.get("unpivot", ())),
        keep=tuple(body.get("keep", ())),
        leave_out=_leave_out(body.get("leave_out", {}), f"{where}.leave_out"),
        currency_column=str(body.get("currency_column", "")),
    )


def _files(body: dict[str, Any], where: str) -> tuple[str, ...]:
    names = body.get("files", [])
    if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
        raise ConfigError(f'{where}.files must be a list of names, such as ["orders_????-??.csv"].')
    if names and body.get("file"):
        raise ConfigError(f"{where}: give file or files, not both.")
    if any(Path(n).is_absolute() or ".." in Path(n).parts for n in names):
        raise ConfigError(f"{where}.files must name files below the source's path.")
    return tuple(names)


def _leave_out(body: Any, where: str) -> dict[str, tuple[str, ...]]:
    found = section(body, where)
    if any(not isinstance(v, list) or not all(isinstance(x, str) for x in v) for v in found.values()):
        raise ConfigError(f'{where} must hold lists of words, such as {{ "State" = ["cancelled"] }}.')
    return {str(column): tuple(values) for column, values in found.items()}


def _column(body: Any, where: str) -> ColumnMapping:
    mapping = build(ColumnMapping, body, where)
    given = [k for k in ("column", "value", "row_id", "lookup") if getattr(mapping, k) not in ("", None)]
    if len(given) != 1:
        raise ConfigError(f"{where}: give exactly one of column, value, row_id, lookup (found {len(given)}).")
    if mapping.type and mapping.type not in TYPES:
        raise ConfigError(f'{where}.type is "{mapping.type}"; it must be one of: {", ".join(TYPES)}.')
    return mapping


def _reading(body: dict[str, Any], where: str) -> Reading:
    body = dict(body)
    if isinstance(body.get("dates"), str):
        body["dates"] = [body["dates"]]
    reading = build(Reading, body, where)
    if reading.separator not in SEPARATORS:
        raise ConfigError(f'{where}.separator must be one of: "," ";" "|" "tab" "whitespace".')
    if reading.skip < 0:
        raise ConfigError(f"{where}.skip must be the number of lines above the header.")
    if not reading.header and not reading.names:
        raise ConfigError(f"{where}: header = false needs names = [...], the columns in order.")
    if len(reading.decimal) != 1 or len(reading.thousands) > 1 or reading.decimal == reading.thousands:
        raise ConfigError(f"{where}: decimal and thousands must be two different signs.")
    for form in reading.dates:
        if "%" not in form and form not in DATES:
            raise ConfigError(f'{where}.dates holds "{form}"; use a form such as "%d.%m.%Y", or one of: {_DATES}.')
    return reading


def _day(value: Any, where: str) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(value).isoformat() if value else ""
    except (TypeError, ValueError):
        raise ConfigError(f'{where} is "{value}"; it must be a day such as 2026-10-31.') from None
