"""Tables in files: a folder or a DuckDB file, read by the embedded engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from pathlib import Path

import ibis

from crm_lib.contract.check import Checked
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import files, several
from crm_lib.sources.converted import Store
from crm_lib.sources.settings import Source, TableMapping


class Local:
    """A folder of files, or a DuckDB file."""

    def __init__(self, source: Source, store: Store | None = None) -> None:
        if not source.path.exists():
            raise ConfigError(
                f'The source "{source.name}" lies in {source.path.name}, which does not exist. '
                f"Put the tables there, or correct sources.{source.name}.path in crm.toml."
            )
        self.source = source
        self.store = store
        self.place = source.path.name

    @cached_property
    def _con(self) -> ibis.BaseBackend:
        is_check = self.store is not None and self.store.make
        return files.engine(files.SHARE_OF_CHECK if is_check else files.SHARE_OF_REPORT)

    def names(self) -> set[str]:
        """Tables of the contract that lie there under the contract's own names."""
        path = self.source.path
        if self.source.kind == "duckdb":
            return files.database_tables(path) & set(TABLES)
        return {t for t in TABLES for e in files.ENDINGS if (path / f"{t}{e}").is_file()}

    def raw(self, table: str, mapping: TableMapping) -> files.Raw:
        """A table of the contract as the source has it; DataContractError where it is missing."""
        if self.source.kind == "duckdb":
            return files.read_database(self._con, self.source.path, mapping.file or table)
        found = several.paths(self.source, table, mapping)
        return several.as_one(self._con, [self._file(table, path, mapping, self.store) for path in found], table)

    def other(self, table: str, mapping: TableMapping, name: str) -> files.Raw:
        """The file in which a column of `table` is looked up."""
        return self._file(table, self.source.path / name, mapping, None)

    def held(self, name: str, table: ibis.Table) -> ibis.Table:
        """The table, worked out once."""
        return self._con.create_table(name, table, temp=True)

    def let_go(self, name: str) -> None:
        """Forget what was held under this name."""
        self._con.drop_table(name)

    def latest(self, run_date: dt.date | None, mappings: Mapping[str, TableMapping]) -> dt.date | None:
        """The day after which nothing can have happened: files can't tell of a later one."""
        return no_later_than(run_date, file_paths(self.source, mappings))

    def fingerprint(self, mappings: Mapping[str, TableMapping], _checked: Mapping[str, Checked]) -> str:
        """One SHA-256 over the names and bytes of all files of these tables."""
        return files.fingerprint(files.digests(file_paths(self.source, mappings)))

    def set_aside(self, rejected: ibis.Table, path: Path) -> None:
        """Write all rows that were set aside."""
        rejected.to_parquet(path)

    def in_words(self, _table: str = "") -> AbstractContextManager[None]:
        """Nothing to do: what can go wrong with a file is said where it is read."""
        return nullcontext()

    def close(self) -> None:
        """Nothing to do: the engine lives in this process and goes with its tables."""

    def _file(self, table: str, path: Path, mapping: TableMapping, store: Store | None) -> files.Raw:
        """A file's raw table; an error says which table it was read for."""
        try:
            return files.read(self._con, path, mapping.reading, store)
        except DataContractError as error:
            raise DataContractError(f"{table}: {error}") from error


def no_later_than(run_date: dt.date | None, paths: list[Path]) -> dt.date | None:
    """A file can't tell of a day after it was saved; a run date in the past makes no row impossible."""
    if run_date is None:
        return None
    saved = [dt.datetime.fromtimestamp(p.stat().st_mtime, dt.UTC).date() + dt.timedelta(days=1) for p in paths]
    return max([run_date, *saved])


def file_paths(source: Source, mappings: Mapping[str, TableMapping]) -> list[Path]:
    """The files that these tables are read from, looked-up ones included."""
    if source.kind == "duckdb":
        return [source.path]
    paths = []
    for name, mapping in mappings.items():
        with suppress(DataContractError):
            paths += several.paths(source, name, mapping)
        others = [source.path / m.lookup.file for m in mapping.columns.values() if m.lookup]
        paths += [p for p in others if p.is_file()]
    return paths
