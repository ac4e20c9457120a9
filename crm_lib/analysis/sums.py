"""Sums that are the same whatever the order of rows and the number of threads."""

from __future__ import annotations

from ibis.expr.types import BooleanValue, FloatingValue, NumericValue

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
