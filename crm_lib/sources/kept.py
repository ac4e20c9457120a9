"""Checked tables of files kept beside `crm.toml`: what `check` has read is not read, typed and checked again.

`.crm/<source>/<key>.duckdb` holds the tables at one date, `<key>.json` their account. The key stands for the
bytes of the files, the source's settings, the date, and the code that reads and checks: when one of them changes,
nothing is found. The folder is private and can be removed at any time; what can't be read or written is done
without.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import ibis

from crm_lib.contract.card import Rejected, TableCard
from crm_lib.errors import DataContractError
from crm_lib.sources import files
from crm_lib.sources.loading import Loaded, table_mappings, with_those_referred_to
from crm_lib.sources.local import Local, file_paths, no_later_than
from crm_lib.sources.settings import Source

MOST_KEPT = 3  # states of one source
_PACKAGE = Path(__file__).parent.parent
_UNREADABLE = (duckdb.Error, OSError, ValueError, KeyError, TypeError)


class Kept:
    """What is kept of one source at one date, for the files as they are now."""

    def __init__(self, root: Path, source: Source, as_of: dt.date, run_date: dt.date | None) -> None:
        self.source = source
        self.folder = root / ".crm" / source.name
        self.rejected = root / "rejected" / source.name
        self.mappings = table_mappings(source, Local(source))
        self.digests = files.digests(file_paths(source, self.mappings))
        latest = no_later_than(run_date, list(self.digests))
        self.key = _key(source, as_of, latest, files.fingerprint(self.digests))

    def read(self, wanted: Iterable[str]) -> Loaded | None:
        """The wanted tables as `load` would give them; None where they are not kept."""
        path = self.folder / f"{self.key}.duckdb"
        try:
            account = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if not path.is_file() or not self._rejected_there(account):
                return None
            con = files.engine()
            con.attach(str(path), "kept", read_only=True)
            names = [name for name in account["tables"] if name in set(wanted)]
            tables = {name: con.table(name, database=("kept", "main")) for name in names}
            return self._loaded(account, tables, set(wanted))
        except _UNREADABLE:
            return None

    def write(self, loaded: Loaded) -> None:
        """Keep what was loaded of the whole source, and forget its oldest states."""
        path = self.folder / f"{self.key}.duckdb"
        with contextlib.suppress(*_UNREADABLE):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.parent.chmod(0o700)
            making = self.folder / f".{os.getpid()}"
            try:
                making.mkdir(exist_ok=True)
                _write_tables(loaded, making / path.name)
                text = json.dumps(_account(loaded), default=str)
                (making / "account.json").write_text(text, encoding="utf-8")
                os.replace(making / path.name, path)
                os.replace(making / "account.json", path.with_suffix(".json"))
            finally:
                shutil.rmtree(making, ignore_errors=True)
            self._forget()

    def _loaded(self, account: dict[str, Any], tables: dict[str, ibis.Table], wanted: set[str]) -> Loaded:
        mappings = with_those_referred_to(wanted & set(self.mappings), self.mappings)
        paths = file_paths(self.source, mappings)
        return Loaded(
            tables=tables,
            cards=tuple(_card(c) for c in account["cards"] if c["table"] in tables),
            errors={name: DataContractError(text) for name, text in account["errors"].items() if name in wanted},
            warnings=tuple(account["warnings"]),
            fingerprint=files.fingerprint({path: self.digests[path] for path in paths}),
        )

    def _rejected_there(self, account: dict[str, Any]) -> bool:
        """Whether the rows that this check set aside still lie where a person looks for them."""
        return all((self.rejected / f"{name}.parquet").is_file() for name in account["set_aside"])

    def _forget(self) -> None:
        kept = sorted(self.folder.glob("*.duckdb"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MOST_KEPT:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)


def _key(source: Source, as_of: dt.date, latest: dt.date | None, fingerprint: str) -> str:
    code = hashlib.sha256()
    for path in sorted(p for layer in ("contract", "sources") for p in (_PACKAGE / layer).glob("*.py")):
        code.update(path.name.encode() + path.read_bytes())
    versions = (duckdb.__version__, ibis.__version__, code.hexdigest())
    # An ibis or DuckDB that changes may store or type in another way.
    return hashlib.sha256(repr((source, as_of, latest, fingerprint, versions)).encode()).hexdigest()[:32]


def _write_tables(loaded: Loaded, path: Path) -> None:
    if not loaded.tables:
        duckdb.connect(str(path)).close()
        return
    con = next(iter(loaded.tables.values())).get_backend()
    con.attach(str(path), "keeping")
    try:
        for name, table in loaded.tables.items():
            con.create_table(name, table, database=("keeping", "main"))
    finally:
        con.detach("keeping")


def _account(loaded: Loaded) -> dict[str, Any]:
    return {
        "tables": list(loaded.tables),
        "cards": [dataclasses.asdict(card) for card in loaded.cards],
        "errors": {name: str(error) for name, error in loaded.errors.items()},
        "warnings": list(loaded.warnings),
        "set_aside": list(loaded.set_aside),
    }


def _card(account: dict[str, Any]) -> TableCard:
    days = {name: account[name] and dt.date.fromisoformat(account[name]) for name in ("first_on", "last_on")}
    rejected = tuple(Rejected(**r) for r in account["rejected"])
    currencies = tuple((code, n) for code, n in account["currencies"])
    return TableCard(**account | days | {"rejected": rejected, "currencies": currencies})
