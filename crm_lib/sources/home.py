"""Where the tables of a source lie, as loading sees it: one small object for each kind of source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import ibis

from crm_lib.contract.check import Checked
from crm_lib.sources.converted import Store
from crm_lib.sources.files import Raw
from crm_lib.sources.local import Local
from crm_lib.sources.postgres import Postgres
from crm_lib.sources.settings import Source, TableMapping


class Home(Protocol):
    """What loading asks of the place that holds a source's tables.

    Tables of an embedded engine come with row numbers; those of a server have no order, and none (`Raw.number`).
    `place` is how messages call it.
    """

    place: str

    def names(self) -> set[str]:
        """Tables of the contract that lie there under the contract's own names."""

    def raw(self, table: str, mapping: TableMapping) -> Raw:
        """A table of the contract as the source has it; DataContractError where it is missing."""

    def other(self, table: str, mapping: TableMapping, name: str) -> Raw:
        """The file or table in which a column of `table` is looked up."""

    def held(self, name: str, table: ibis.Table) -> ibis.Table:
        """The table under this name, worked out once where the engine may hold it, else as it is."""

    def let_go(self, name: str) -> None:
        """Forget what was held under this name."""

    def latest(self, run_date: dt.date | None, mappings: Mapping[str, TableMapping]) -> dt.date | None:
        """The day after which nothing can have happened; None where the run names no day."""

    def fingerprint(self, mappings: Mapping[str, TableMapping], checked: Mapping[str, Checked]) -> str:
        """A mark of the data that these tables are read from: another mark, other data."""

    def set_aside(self, rejected: ibis.Table, path: Path) -> None:
        """Write rows that were set aside as a Parquet file."""

    def in_words(self, table: str = "") -> AbstractContextManager[None]:
        """Errors of the engine, met while it works on a table or on all, as errors meant for people."""

    def close(self) -> None:
        """Let go of the engine; what it holds can't be asked any more."""


def home_of(source: Source, store: Store | None = None) -> Home:
    """The home of a source's tables; large text files go through the store, if one is given."""
    if source.kind == "postgres":
        return Postgres(source)
    return Local(source, store)


def is_local(source: Source) -> bool:
    """Whether the tables are files here, read by the embedded engine and kept beside crm.toml."""
    return source.server is None
