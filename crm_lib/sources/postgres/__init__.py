"""Tables of a PostgreSQL database, read in a session that can't write; everything is counted there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import ibis
from ibis import _

from crm_lib.contract.check import Checked
from crm_lib.contract.rules import ROW
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import remote
from crm_lib.sources.checked import nearest
from crm_lib.sources.files import Raw
from crm_lib.sources.postgres.session import connect, in_words
from crm_lib.sources.settings import Source, TableMapping


class Postgres:
    """The tables of one schema of a PostgreSQL database."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.server = source.server
        self.place = f"the schema {self.server.schema}"

    @cached_property
    def _con(self) -> ibis.BaseBackend:
        return connect(self.source)

    @cached_property
    def _known(self) -> tuple[str, ...]:
        """Names of the tables and views of the schema that the user may read."""
        schema, con = self.server.schema, self._con
        kept = con.table("pg_matviews", database="pg_catalog")
        kept = kept.select(lies_in=_.schemaname.cast("string"), name=_.matviewname.cast("string"))
        names = {*con.list_tables(database=schema), *_texts(kept.filter(_.lies_in == schema), "name")}
        if not names and schema not in (there := con.list_databases()):
            raise ConfigError(
                f'The database of the source "{self.source.name}" has no schema {schema} that its user may use.'
                f"{nearest(schema, there)} Correct sources.{self.source.name}.schema in crm.toml, or GRANT USAGE."
            )
        return tuple(sorted(names))

    def names(self) -> set[str]:
        """Tables of the contract that lie there under the contract's own names."""
        with self.in_words():
            return {*self._known} & set(TABLES)

    def raw(self, table: str, mapping: TableMapping) -> Raw:
        """A table of the contract as the database has it; DataContractError where it is missing."""
        return self._raw(table, mapping.file or table)

    def other(self, table: str, _mapping: TableMapping, name: str) -> Raw:
        """The table of the same schema in which a column of `table` is looked up."""
        return self._raw(table, name)

    def held(self, _name: str, table: ibis.Table) -> ibis.Table:
        """The table as it is: a session that can't write holds nothing."""
        return table

    def let_go(self, name: str) -> None:
        """Nothing to do: nothing was held."""

    def latest(self, run_date: dt.date | None, _mappings: Mapping[str, TableMapping]) -> dt.date | None:
        """The day after which nothing can have happened: the day after the server's own, or the run's."""
        return remote.latest(run_date, self._con)

    def fingerprint(self, _mappings: Mapping[str, TableMapping], checked: Mapping[str, Checked]) -> str:
        """One SHA-256 over counts, sums and last days of the tables, and over what was set aside."""
        return remote.fingerprint(checked, self.in_words)

    def set_aside(self, rejected: ibis.Table, path: Path) -> None:
        """Write the first rows that were set aside, by the order of their values."""
        remote.set_aside(rejected, path)

    def close(self) -> None:
        """End the session."""
        if "_con" in self.__dict__:
            self._con.disconnect()

    @contextmanager
    def in_words(self, table: str = "") -> Iterator[None]:
        """What the database refuses, in words; a message of the server may quote customers and is not shown."""
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "psycopg":
                raise
            raise in_words(self.source, error, table) from None

    def _raw(self, table: str, name: str) -> Raw:
        if name not in self._known:
            raise DataContractError(
                f"{table}: {self.place} has no table {name}.{nearest(name, self._known)} "
                f"Correct file (the table's name) in crm.toml, or let the user read it."
            )
        found = self._con.table(name, database=self.server.schema)
        own = self._own_types(name)
        names = {theirs: f"c{i}" for i, theirs in enumerate(found.columns)}
        kept = found.select(**{ours: _readable(found[theirs], theirs in own) for theirs, ours in names.items()})
        return Raw(kept, names, f"the table {name}", number=_counted)

    def _own_types(self, name: str) -> set[str]:
        """Columns whose type is the database's own, an enumeration for one."""
        listed = self._con.table("columns", database="information_schema")
        listed = listed.select(
            **{c: listed[c].cast("string") for c in ("table_schema", "table_name", "column_name", "data_type")}
        )
        own = (_.table_schema == self.server.schema) & (_.table_name == name) & (_.data_type == "USER-DEFINED")
        return {*_texts(listed.filter(own), "column_name")}


def _texts(table: ibis.Table, column: str) -> list[str]:
    return table.select(column).to_pyarrow()[column].to_pylist()


def _readable(value: ibis.Value, own_type: bool) -> ibis.Value:
    """Numbers, days, times and yes/no as they are, all else as text."""
    if own_type and value.type().is_string():
        return ibis.literal("").concat(value)  # ibis takes an enumeration for text; the database does not
    kept = ("numeric", "boolean", "string", "timestamp", "date")
    return value if any(getattr(value.type(), f"is_{k}")() for k in kept) else value.cast("string")


def _counted(table: ibis.Table) -> ibis.IntegerValue:
    """Row numbers by the order of all values: rows that are alike in all are alike under any number."""
    return ibis.row_number().over(order_by=[table[c] for c in table.columns if c != ROW]) + 1
