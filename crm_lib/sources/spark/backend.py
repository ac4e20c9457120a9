"""The ibis backend for Spark with what this project needs otherwise: results through Arrow, tables as views.

Of ibis' own, results go through pandas, temporary tables are refused, small tables in line are not there when a
table that is to be kept needs them, and NaN counts as null.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.pyspark import Backend as Spark
from ibis.backends.pyspark.datatypes import PySparkSchema
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.formats.pandas import PandasData
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from crm_lib.sources.spark import words


class _Compiler(PySparkCompiler):
    """ibis' compiler for Spark, where it says otherwise than those for the other engines."""

    __slots__ = ()

    def visit_IsNull(self, op: ops.IsNull, *, arg: Any) -> Any:  # noqa: N802
        """Null is null; NaN is a number that is none, as on the other engines."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: ops.NotNull, *, arg: Any) -> Any:  # noqa: N802
        """The opposite of null, NaN included."""
        return arg.is_(NULL).not_()


class Backend(Spark):
    """Spark as ibis sees it, from one session; `hold` and `let_go` are views, so that nothing is copied."""

    compiler = _Compiler()
    source = ""

    def to_pyarrow(self, expr: ir.Expr, /, *, params=None, limit=None, **_options: Any) -> Any:
        """The result as Arrow, without pandas between."""
        return expr.__pyarrow_result__(self._arrow(expr, params, limit))

    def execute(self, expr: ir.Expr, /, *, params=None, limit=None, **_options: Any) -> Any:
        """The result as pandas, by way of Arrow; decimals with the places that Spark gives them, as on DuckDB."""
        table = expr.as_table()
        found = self._arrow(table, params, limit).to_pandas()
        return expr.__pandas_result__(PandasData.convert_table(found, table.schema()))

    @property
    def spark(self) -> Any:
        """The session."""
        return self._session

    def view(self, name: str, frame: Any) -> ir.Table:
        """A frame of Spark's own as a table."""
        frame.createOrReplaceTempView(name)
        return self.table(name)

    def hold(self, name: str, table: ir.Table) -> ir.Table:
        """A table under a name: a view of this session, worked out anew each time it is asked."""
        self._run_pre_execute_hooks(table)
        return self.view(name, self._session.sql(self.compile(table)))

    def let_go(self, name: str) -> None:
        """Forget a view."""
        self._session.catalog.dropTempView(name)

    def _arrow(self, expr: ir.Expr, params: Any, limit: Any) -> pa.Table:
        with self._lost_in_words():
            self._run_pre_execute_hooks(expr)
            return self._session.sql(self.compile(expr.as_table(), params=params, limit=limit)).toArrow()

    @contextmanager
    def _lost_in_words(self) -> Iterator[None]:
        """A connection that is lost in mid-notebook, where nobody else would say so."""
        try:
            yield
        except Exception as error:
            if words.is_lost(error):
                raise words.of(error, self.source, "") from None
            raise

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        frame = self._session.createDataFrame(op.data.to_pyarrow(op.schema), PySparkSchema.from_ibis(op.schema))
        frame.createOrReplaceTempView(op.name)

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        with self._lost_in_words():
            self._run_pre_execute_hooks(expr)
            return super()._create_cached_table(name, expr)

    def _drop_cached_table(self, name: str) -> None:
        """Release it; at the end of a process Spark may have gone first."""
        with suppress(PySparkException, Py4JError, OSError):
            super()._drop_cached_table(name)


def connected(session: Any, source: str) -> Backend:
    """The backend on a session that serves this source."""
    _ = ibis.pyspark  # loads the options that ibis' compiler asks for
    backend = Backend().connect(session)
    backend.source = source
    return backend
