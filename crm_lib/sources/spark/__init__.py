"""Tables in Spark: a folder of Parquet or Delta, or a catalog; Spark starts here or answers elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ibis
import ibis.expr.datatypes as dtypes

from crm_lib.contract.check import Checked
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import remote
from crm_lib.sources.checked import nearest
from crm_lib.sources.files import Raw
from crm_lib.sources.settings import Source, TableMapping
from crm_lib.sources.spark import words
from crm_lib.sources.spark.session import open_session

if TYPE_CHECKING:
    from crm_lib.sources.spark.backend import Backend

FORMATS = ("parquet", "delta")


@ibis.udf.scalar.builtin
def from_utc_timestamp(at: dtypes.Timestamp(), zone: str) -> dtypes.Timestamp():
    """A point in time as the clock of a time zone shows it."""


class Spark:
    """The tables of a folder or of a schema, behind one session; each of them a view: nothing is copied."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.server = server = source.server
        where = f"sources.{source.name}"
        if bool(server.path) == bool(server.schema):
            raise ConfigError(f"{where} needs either path, the folder of its tables, or schema, as in catalog.db.")
        if server.format not in FORMATS:
            raise ConfigError(f'{where}.format is "{server.format}"; it must be one of: {", ".join(FORMATS)}.')
        if server.address_env and server.master:
            raise ConfigError(f"{where} has address_env and master: Spark answers elsewhere or starts here.")
        self.place = f"the schema {server.schema}" if server.schema else f"the folder {server.path}"

    @cached_property
    def _con(self) -> Backend:
        found = open_session(self.server)
        from crm_lib.sources.spark.backend import connected

        return connected(found, self.source.name)

    def names(self) -> set[str]:
        """Tables of the contract that lie there under the contract's own names."""
        with self.in_words():
            return {*self._known} & set(TABLES) if self._known else {t for t in TABLES if self._lies_there(t)}

    def raw(self, table: str, mapping: TableMapping) -> Raw:
        """A table of the contract as Spark has it; DataContractError where it is missing."""
        return self._raw(table, mapping.file or table)

    def other(self, table: str, _mapping: TableMapping, name: str) -> Raw:
        """The table beside it in which a column of `table` is looked up."""
        return self._raw(table, name)

    def held(self, name: str, table: ibis.Table) -> ibis.Table:
        """The table as a view, worked out when it is asked."""
        return self._con.hold(name, table)

    def let_go(self, name: str) -> None:
        """Forget the view."""
        self._con.let_go(name)

    def latest(self, run_date: dt.date | None, _mappings: Mapping[str, TableMapping]) -> dt.date | None:
        """The day after which nothing can have happened: the day after Spark's own, or the run's."""
        with self.in_words():
            return remote.latest(run_date, self._con)

    def fingerprint(self, _mappings: Mapping[str, TableMapping], checked: Mapping[str, Checked]) -> str:
        """One SHA-256 over counts, sums and last days of the tables, and over what was set aside."""
        return remote.fingerprint(checked, self.in_words)

    def set_aside(self, rejected: ibis.Table, path: Path) -> None:
        """Write the first rows that were set aside, by the order of their values."""
        remote.set_aside(rejected, path)

    def close(self) -> None:
        """End a session that lies elsewhere; a Spark that started here goes with this process."""
        if "_con" in self.__dict__ and self.server.address_env:
            self._con.spark.client.set_retry_policies([])  # one that is gone is not waited for
            self._con.spark.stop()

    @contextmanager
    def in_words(self, table: str = "") -> Iterator[None]:
        """What Spark refuses, in words; what it says itself may quote customers and is not shown."""
        try:
            yield
        except Exception as error:
            said = words.of(error, self.source.name, table or self.place)
            if said is None:
                raise
            raise said from None

    @cached_property
    def _known(self) -> tuple[str, ...]:
        """Names of the tables of the schema, or of what lies in a folder here; nothing of one elsewhere."""
        if self.server.schema:
            return tuple(self._con.list_tables(database=tuple(self.server.schema.split("."))))
        if not self._is_here:
            return ()
        folder = self.source.path
        if not folder.is_dir():
            raise ConfigError(
                f'The source "{self.source.name}" lies in {folder.name}, which does not exist. '
                f"Put the tables there, or correct sources.{self.source.name}.path in crm.toml."
            )
        return tuple(sorted(p.name.removesuffix(".parquet") for p in folder.iterdir() if p.name[0] not in "._"))

    @property
    def _is_here(self) -> bool:
        """Whether this process sees the folder that Spark reads."""
        server = self.server
        return not (server.schema or server.address_env or "://" in server.path)

    def _lies_there(self, table: str) -> bool:
        from pyspark.errors import AnalysisException

        with suppress(AnalysisException):
            return bool(self._frame(table).columns)
        return False

    def _raw(self, table: str, name: str) -> Raw:
        simple = name.removesuffix(".parquet")
        if self._known and "." not in simple and "/" not in simple and simple not in self._known:
            raise DataContractError(
                f"{table}: {self.place} has no table {name}.{nearest(name, self._known)} "
                "Correct file (the table's name) in crm.toml."
            )
        with self.in_words(f"{table}: {name}"):
            frame = self._frame(name)
            instants = {f.name for f in frame.schema if f.dataType.typeName() == "timestamp"}
            found = self._con.view(f"raw_{uuid4().hex[:8]}", frame)
        zone = self.source.reporting.time_zone
        names = {theirs: f"c{i}" for i, theirs in enumerate(found.columns)}
        kept = {
            ours: _readable(found[theirs], zone if theirs in instants else "") for theirs, ours in names.items()
        }
        return Raw(found.select(**kept), names, f"the table {name}", number=_counted)

    def _frame(self, name: str) -> Any:
        """A table as Spark's own frame."""
        spark = self._con.spark
        if self.server.schema:
            full = name if "." in name else f"{self.server.schema}.{name}"
            return spark.table(".".join(f"`{part}`" for part in full.split(".")))
        reader, folder = spark.read.format(self.server.format), self.server.path.rstrip("/")
        if self._is_here:
            folder = str(self.source.path)
        from pyspark.errors import AnalysisException

        try:
            found = reader.load(f"{folder}/{name}")
            if found.schema:  # asks a server that only now looks
                return found
        except AnalysisException as error:
            if "[PATH_NOT_FOUND" not in str(error):
                raise
        return reader.load(f"{folder}/{name}.parquet")


def _readable(value: ibis.Value, zone: str) -> ibis.Value:
    """Numbers, days, times and yes/no as they are, all else as text; points in time by the clock of `zone`."""
    kind = value.type()
    if zone:
        return from_utc_timestamp(value, zone)
    plain = kind.is_numeric() or kind.is_boolean() or kind.is_string() or kind.is_timestamp() or kind.is_date()
    return value if plain else value.cast("string")


def _counted(table: ibis.Table) -> ibis.StringValue:
    """A mark of each row by its values, the same again: an order is what one machine would have to work out.

    Rows that are alike in all are told apart by a number, and are alike under any.
    """
    whole = ibis.literal("").concat(*(_told(table[c]) for c in table.columns))
    mark = whole.hexdigest("md5")
    return mark.concat("-", (ibis.row_number().over(group_by=mark) + 1).cast("string"))


def _told(value: ibis.Value) -> ibis.StringValue:
    text = value.cast("string").fill_null("")
    return text.length().cast("string").concat(":", text)
