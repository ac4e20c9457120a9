"""Sums and counts that are the same whatever the order of rows, the number of threads and the engine."""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, FloatingValue, IntegerScalar, IntegerValue, NumericValue

# Nine places after the point: answers and their squares are exact, ratios are rounded once per row.
EXACT = "decimal(38,9)"


def total(value: NumericValue, where: BooleanValue | None = None) -> FloatingValue:
    """Sum of `value` counted in decimals, 0.0 where there is nothing to add.

    An engine adds floats in whatever order its threads deliver them, and (a + b) + c is not a + (b + c): the last
    digits would differ from run to run. Decimals are added exactly.

    >>> import ibis
    >>> t = ibis.memtable({"x": [0.1] * 10})
    >>> float(t.aggregate(x=total(t.x)).to_pyarrow()["x"][0].as_py())
    1.0
    """
    return value.cast(EXACT).sum(where=where).cast("float64").fill_null(0.0)


def as_number(condition: BooleanValue) -> IntegerValue:
    """1 where a condition is met, 0 where not, null where it is not known.

    PostgreSQL casts no boolean to int64.
    """
    return ibis.ifelse(condition.isnull(), ibis.null("int64"), ibis.ifelse(condition, 1, 0).cast("int64"))


def n_where(condition: BooleanValue) -> IntegerScalar:
    """How many rows meet a condition: 0 where none does, also where it is null in all of them.

    Spark's own way to count with a condition gives null there.
    """
    return ibis.ifelse(condition, 1, ibis.null("int8")).count()
