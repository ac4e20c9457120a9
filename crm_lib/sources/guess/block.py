"""Writes what was proposed as a `[sources.NAME]` block of `crm.toml`; all else in the file stays as it is."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from crm_lib.contract.project import locate
from crm_lib.errors import ConfigError
from crm_lib.sources.guess.proposal import Proposal, ProposedColumn, ProposedTable
from crm_lib.sources.settings import Reading, read_config

LIVE_DAYS = 45  # an export that ends further back is a fixed one: its last day is its date
NAME = "crm.toml"


def project_file() -> Path:
    """The `crm.toml` in force, or where a new one would lie."""
    with suppress(ConfigError):
        return locate()
    return Path.cwd() / NAME


def has_source(path: Path, name: str) -> bool:
    """Whether the file has a block of this name already."""
    return path.is_file() and name in _document(path).get("sources", {})


def block(name: str, title: str, folder: str, proposal: Proposal, run_date: dt.date, said: dict[str, str]) -> str:
    """The block as text."""
    source = tomlkit.table()
    source["title"] = title
    source["path"] = folder
    if as_of := said.get("as_of") or default_day(proposal, run_date):
        source["as_of"] = as_of
    if currency := said.get("currency") or proposal.currency:
        source["currency"] = currency.upper()
    settings = _settings(proposal)
    if settings:
        source["settings"] = settings
    tables = tomlkit.table(is_super_table=True)
    for table in proposal.tables:
        tables[table.table] = _table(table)
    source["tables"] = tables
    sources = tomlkit.table(is_super_table=True)
    sources[name] = source
    document = tomlkit.document()
    document["sources"] = sources
    return tomlkit.dumps(document)


def default_day(proposal: Proposal, run_date: dt.date) -> str:
    """The last day of a fixed export; empty for one that goes on, whose date is the day before each run."""
    days = [t.last_day for t in proposal.tables if t.last_day and t.last_day <= run_date.isoformat()]
    last = max(days, default="")
    return last if last and (run_date - dt.date.fromisoformat(last)).days > LIVE_DAYS else ""


def taken(path: Path, name: str) -> ConfigError:
    """What is said where a block of this name is there already."""
    return ConfigError(f"{path.name} has a source {name} already. Choose another --name, or --replace it.")


def write(path: Path, name: str, text: str, replace: bool = False) -> None:
    """Put the block at the end of the file; ConfigError where the name is taken and may not be replaced."""
    before = f'[default]\nsource = "{name}"\n'
    if path.is_file():
        before = path.read_text(encoding="utf-8-sig")
        if has_source(path, name):
            if not replace:
                raise ConfigError(
                    f"{path.name} has a source {name} already. Choose another --name, or --replace it."
                )
            before = _without(path, name)
    making = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        making.write_text(f"{before.rstrip()}\n\n{text}", encoding="utf-8")
        read_config(making)  # what can't be read back is never put in place
        if path.is_file():
            making.chmod(path.stat().st_mode)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)


def _without(path: Path, name: str) -> str:
    document = _document(path)
    del document["sources"][name]
    if not document["sources"]:
        del document["sources"]
    return tomlkit.dumps(document)


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from error


def _settings(proposal: Proposal) -> Table | None:
    settings = tomlkit.table(is_super_table=True)
    stages = next((t.stages for t in proposal.tables if t.stages), ())
    scales = {name: scale for t in proposal.tables for name, scale in t.scales.items()}
    if stages:
        settings["funnel"] = _filled({"stages": list(stages)})
    if scales:
        held = tomlkit.table()
        for name, scale in sorted(scales.items()):
            held[name] = _inline({"lowest": int(scale.lowest), "highest": int(scale.highest)})
        settings["satisfaction"] = _filled({"scales": held}, is_super=True)
    return settings if stages or scales else None


def _table(table: ProposedTable) -> Table:
    written = tomlkit.table()
    if table.files:
        written["files"] = list(table.files)
    else:
        written["file"] = table.file
    for key, value in _reading(table.reading).items():
        written[key] = value
    if table.keep:
        written["keep"] = list(table.keep)
    if table.leave_out:
        written["leave_out"] = _inline({k: list(v) for k, v in table.leave_out.items()})
    if table.currency_column:
        written["currency_column"] = table.currency_column
    columns = tomlkit.table()
    for column in table.columns:
        columns[column.target] = _column(column)
    written["columns"] = columns
    if table.aspects:
        written["unpivot"] = _aspects(table)
    return written


def _aspects(table: ProposedTable) -> Any:
    listed = tomlkit.array().multiline(True)
    for aspect in table.aspects:
        listed.append(_inline({k: v for k, v in asdict(aspect).items() if v}))
    return listed


def _reading(reading: Reading) -> dict[str, Any]:
    """What differs from the way files are read anyway."""
    usual, ours = asdict(Reading()), asdict(reading)
    changed = {k: v for k, v in ours.items() if v != usual[k]}
    if "dates" in changed:
        changed["dates"] = changed["dates"][0] if len(changed["dates"]) == 1 else list(changed["dates"])
    return changed


def _column(column: ProposedColumn) -> Any:
    mapping = column.mapping
    more: dict[str, Any] = {}
    if mapping.values:
        more["values"] = _inline(mapping.values)
    if mapping.other is not None:
        more["other"] = mapping.other
    if mapping.when:
        more["when"] = _inline({k: list(v) for k, v in mapping.when.items()})
    if mapping.times != 1:
        more["times"] = mapping.times
    return _inline({"column": mapping.column, **more}) if more else mapping.column


def _inline(values: dict[str, Any]) -> Any:
    table = tomlkit.inline_table()
    for key, value in values.items():
        table[key] = value
    return table


def _filled(values: dict[str, Any], is_super: bool = False) -> Table:
    table = tomlkit.table(is_super_table=is_super)
    for key, value in values.items():
        table[key] = value
    return table
