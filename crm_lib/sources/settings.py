"""Reads `crm.toml`: the sources by name, how their files are read, and the company's settings."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from crm_lib.contract.settings import PublishedFigure, Settings
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError

KINDS = ("folder", "duckdb")
TYPES = ("text", "day", "time", "money", "count", "number", "flag")
SEPARATORS = {"whitespace": "whitespace", "tab": "\t", ",": ",", ";": ";", "|": "|", "\t": "\t"}


@dataclass(frozen=True)
class Reading:
    """How a text file is read; nothing of it is ever guessed.

    `dates` holds strptime forms, or `day-first` or `month-first`; empty means ISO (2026-10-31).
    `names` are the columns of a file without a header line.
    """

    header: bool = True
    names: tuple[str, ...] = ()
    separator: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    dates: tuple[str, ...] = ()


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
    `times` multiplies numbers, `type` types an attribute that the contract does not name.
    """

    column: str = ""
    values: dict[str, str] = field(default_factory=dict)
    other: str | None = None
    times: float = 1
    value: str | None = None
    row_id: str | None = None
    type: str = ""
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
    """How one table of a source becomes a contract table; `file` is a table's name in a database."""

    file: str
    reading: Reading = field(default_factory=Reading)
    columns: dict[str, ColumnMapping] = field(default_factory=dict)
    unpivot: tuple[Aspect, ...] = ()
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A source of `crm.toml`: where it lies, its default as-of date, how its tables are read, its settings."""

    name: str
    kind: str
    path: Path
    title: str
    as_of: str
    reading: Reading
    tables: dict[str, TableMapping]
    settings: Settings


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


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean "…"?` for the nearest known word; empty where none is near."""
    near = difflib.get_close_matches(word, [str(k) for k in known], n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""


def locate() -> Path:
    """The `crm.toml` in force: `CRM_CONFIG` where set, else the nearest one upward from the working folder."""
    named = os.environ.get("CRM_CONFIG", "")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"CRM_CONFIG names {named}, which is not a file.")
        return Path(named).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "crm.toml").is_file():
            return folder / "crm.toml"
    raise ConfigError(f"There is no crm.toml in {here} or above it. Run inside the project, or set CRM_CONFIG.")


def read_config(path: Path | None = None) -> Config:
    """Read and check `crm.toml`; ConfigError names the key that is wrong."""
    path = path or locate()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from error
    _known(document, ("default", "company", "sources"), "")
    default = _section(document.get("default", {}), "default")
    _known(default, ("source",), "default")
    company = _section(document.get("company", {}), "company")
    sections = _section(document.get("sources", {}), "sources")
    sources = {name: _source(name, body, company, path.parent) for name, body in sections.items()}
    config = Config(path.parent, str(default.get("source", "")), sources)
    if config.default:
        config.source(config.default)
    return config


def _source(name: str, body: Any, company: dict[str, Any], root: Path) -> Source:
    where = f"sources.{name}"
    body = dict(_section(body, where))
    reading_keys = [f.name for f in fields(Reading)]
    own = ("kind", "path", "title", "as_of", "currency", "settings", "published", "tables")
    _known(body, (*own, *reading_keys), where)
    kind = body.get("kind", "folder")
    if kind not in KINDS:
        raise ConfigError(f'{where}.kind is "{kind}"; it must be one of: {", ".join(KINDS)}.')
    if not body.get("path"):
        raise ConfigError(f"{where}.path is missing: the folder or file that holds the tables.")
    reading = {k: body[k] for k in reading_keys if k in body}
    return Source(
        name=name,
        kind=kind,
        path=root / Path(str(body["path"])).expanduser(),
        title=str(body.get("title", name)),
        as_of=_day(body.get("as_of", ""), f"{where}.as_of"),
        reading=_reading(reading, where),
        tables=_tables(_section(body.get("tables", {}), f"{where}.tables"), reading, where),
        settings=_settings(body, company, where),
    )


def _settings(body: dict[str, Any], company: dict[str, Any], where: str) -> Settings:
    own = _section(body.get("settings", {}), f"{where}.settings")
    merged = {**company, **own}
    if "currency" in body:
        merged["currency"] = body["currency"]
    # Published figures belong to one source: never the company's.
    merged["published"] = body.get("published", ())
    for i, entry in enumerate(merged["published"]):
        _build(PublishedFigure, entry, f"{where}.published[{i}]")
    return _build(Settings, merged, f"{where}.settings")


def _tables(sections: dict[str, Any], shared: dict[str, Any], where: str) -> dict[str, TableMapping]:
    tables = {}
    for name, body in sections.items():
        at = f"{where}.tables.{name}"
        if name not in TABLES:
            raise ConfigError(f"{at}: the contract has no table of this name.{nearest(name, TABLES)}")
        tables[name] = _table(name, dict(_section(body, at)), shared, at)
    return tables


def _table(name: str, body: dict[str, Any], shared: dict[str, Any], where: str) -> TableMapping:
    reading_keys = [f.name for f in fields(Reading)]
    own = ("file", "columns", "unpivot", "keep")
    _known(body, (*own, *reading_keys), where)
    columns = {}
    contract = TABLES[name]
    for target, wanted in _section(body.get("columns", {}), f"{where}.columns").items():
        at = f"{where}.columns.{target}"
        if contract.column(target) is None and not contract.extra:
            near = nearest(target, [c.name for c in contract.columns])
            raise ConfigError(f"{at}: the table {name} has no such column in the contract.{near}")
        columns[target] = _column({"column": wanted} if isinstance(wanted, str) else wanted, at)
    return TableMapping(
        file=str(body.get("file", "")),
        reading=_reading({**shared, **{k: body[k] for k in reading_keys if k in body}}, where),
        columns=columns,
        unpivot=tuple(_build(Aspect, a, f"{where}.unpivot") for a in body.get("unpivot", ())),
        keep=tuple(body.get("keep", ())),
    )


def _column(body: Any, where: str) -> ColumnMapping:
    mapping = _build(ColumnMapping, body, where)
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
    reading = _build(Reading, body, where)
    if reading.separator not in SEPARATORS:
        raise ConfigError(f'{where}.separator must be one of: "," ";" "|" "tab" "whitespace".')
    if not reading.header and not reading.names:
        raise ConfigError(f"{where}: header = false needs names = [...], the columns in order.")
    if len(reading.decimal) != 1 or len(reading.thousands) > 1 or reading.decimal == reading.thousands:
        raise ConfigError(f"{where}: decimal and thousands must be two different signs.")
    for form in reading.dates:
        if "%" not in form and form not in ("day-first", "month-first"):
            raise ConfigError(
                f'{where}.dates holds "{form}"; use a form such as "%d.%m.%Y", or "day-first" or "month-first".'
            )
    return reading


def _day(value: Any, where: str) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(value).isoformat() if value else ""
    except (TypeError, ValueError):
        raise ConfigError(f'{where} is "{value}"; it must be a day such as 2026-10-31.') from None


def _section(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a section of crm.toml.")
    return value


def _known(body: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in body:
        if key not in known:
            place = f"{where}.{key}" if where else key
            raise ConfigError(f"crm.toml: {place} is not known.{nearest(key, known)}")


def _build(cls: Any, body: Any, where: str) -> Any:
    """A dataclass out of a section of crm.toml, nested ones included, with every key and type checked."""
    body = _section(body, where)
    hints = typing.get_type_hints(cls)
    _known(body, hints, where)
    for f in fields(cls):
        if f.name not in body and f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f"crm.toml: {where}.{f.name} is missing.")
    return cls(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in body.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _value(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"crm.toml: {where} must be a list.")
        return tuple(_value(inner[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        return {str(k): _value(inner[1], v, f"{where}.{k}") for k, v in _section(value, where).items()}
    if is_dataclass(hint):
        return _build(hint, value, where)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        words = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}
        raise ConfigError(f"crm.toml: {where} must be {words[hint]}.")
    return value
