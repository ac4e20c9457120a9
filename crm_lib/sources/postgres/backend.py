"""The ibis backend for a PostgreSQL that is only read; ibis' own writes small tables in line and kept results.

A small table in line becomes a part of the query: one text for each column, which the server takes apart.
A result that would be kept is worked out again where it is asked for again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.postgres import Backend as Writing
from ibis.backends.sql.compilers.postgres import PostgresCompiler

_SEPARATORS = (chr(31), *map(chr, range(0xE000, 0xE100)))
_VALUE, _NULL = "=", "n"


class _Compiler(PostgresCompiler):
    """ibis' compiler for PostgreSQL, with small tables as parts of the query and casts that other engines have."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar = {
        ops.Arbitrary: "min"
    }  # any value will do; ibis calls a function that need not be there

    def visit_InMemoryTable(self, op: ops.InMemoryTable, *, name: str, schema: Any, data: Any) -> sge.Select:  # noqa: N802
        """One row of the query for each element that the texts are taken apart into."""
        found = op.data.to_pyarrow(schema)
        columns = []
        for column, kind in schema.items():
            text, separator = _joined(found[column].to_pylist())
            array = self.f.string_to_array(sge.convert(text), sge.convert(separator), sge.convert(_NULL))
            each = self.f.substr(self.f.explode(array), 2)
            columns.append(self.cast(each, kind).as_(column, quoted=self.quoted))
        return sg.select(*columns)

    def visit_Cast(self, op: ops.Cast, *, arg: Any, to: dt.DataType) -> Any:  # noqa: N802
        """PostgreSQL turns yes and no into the usual whole number only."""
        yes_no = op.arg.dtype.is_boolean() and to.is_numeric()
        return super().visit_Cast(op, arg=self.cast(arg, dt.int32) if yes_no else arg, to=to)

    visit_TryCast = visit_Cast  # noqa: N815

    def visit_SortKey(self, op: ops.SortKey, *, arg: Any, **order: Any) -> Any:  # noqa: N802
        """Text is ordered by its code points, as on the other engines, whatever the database's own collation."""
        return super().visit_SortKey(op, arg=_by_code_point(op, arg), **order)

    def visit_Min(self, op: ops.Min, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """The first of texts in that order."""
        return super().visit_Min(op, arg=_by_code_point(op, arg), where=where)

    def visit_Max(self, op: ops.Max, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """The last of texts in that order."""
        return super().visit_Max(op, arg=_by_code_point(op, arg), where=where)

    def visit_First(self, op: ops.First, *, arg: Any, where: Any, order_by: Any, include_null: bool) -> Any:  # noqa: N802
        """The first of a group as the first of an array; ibis calls a function that need not be there."""
        if not include_null:
            there = arg.is_(sge.Null()).not_()
            where = there if where is None else sge.And(this=there, expression=where)
        return sge.paren(self.agg.array_agg(arg, where=where, order_by=order_by), copy=False)[0]


class Backend(Writing):
    """PostgreSQL as ibis sees it, in a session that writes nothing, not even for itself."""

    compiler = _Compiler()

    def _register_in_memory_tables(self, expr: ir.Expr) -> None:
        self._verify_in_memory_tables_are_unique(expr)

    def _cached_table(self, table: ir.Table) -> ir.Table:
        return table


def _by_code_point(op: ops.SortKey | ops.Min | ops.Max, arg: Any) -> Any:
    if not op.arg.dtype.is_string():
        return arg
    return sge.Collate(this=arg, expression=sg.to_identifier("C", quoted=True))


def _joined(values: list[Any]) -> tuple[str, str]:
    """The values as one text, and what stands between them: a sign that is in none of them."""
    texts = [_NULL if v is None else f"{_VALUE}{v}" for v in values]
    separator = next(s for s in _SEPARATORS if not any(s in t for t in texts))
    return separator.join(texts), separator
