"""What engines do differently, worded once so that all answer the same.

Text is put in order here, by its bytes: PostgreSQL may order it by the rules of a language, "a" before "B".
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def fetched(table: ir.Table, *order: str) -> pa.Table:
    """The rows of a table in this order, text by its bytes and nulls last, whatever the engine's collation."""
    found = table.order_by(list(order)).to_pyarrow()
    has_text = any(table[name].type().is_string() for name in order)
    if not has_text or (len(order) == 1 and _rises(found[order[0]])):
        return found
    return found.sort_by([(name, "ascending") for name in order])


def framed(table: ir.Table, *order: str) -> pd.DataFrame:
    """The same for pandas; each column of Arrow's goes as soon as it is copied."""
    return fetched(table, *order).to_pandas(self_destruct=True)


def largest(groups: ir.Table, name: str, size: str, n_most: int) -> pd.DataFrame:
    """The largest of the groups, at most `n_most`, largest first and ties by name.

    All that tie with the last one come to Python: which of them is first by name, engines see differently.
    """
    ranked = groups.mutate(place=ibis.rank().over(order_by=ibis.desc(size)))
    near = ranked.filter(ranked.place < n_most).select(name, size).to_pyarrow()
    return near.sort_by([(size, "descending"), (name, "ascending")]).slice(0, n_most).to_pandas()


def _rises(column: pa.ChunkedArray) -> bool:
    """Whether each value comes after the one before: much quicker than to sort a long column again."""
    values = column.combine_chunks()
    return pc.all(pc.less_equal(values[:-1], values[1:])).as_py()
