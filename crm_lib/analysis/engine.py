"""What engines do differently, worded once so that all answer the same.

Text is put in order here, by its bytes: PostgreSQL orders it by the rules of some language, and has "a" before "B".
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa


def fetched(table: ir.Table, *order: str) -> pa.Table:
    """The rows of a table in this order, text by its bytes and nulls last, whatever the engine's collation."""
    found = table.order_by(list(order)).to_pyarrow()
    has_text = any(table[name].type().is_string() for name in order)
    return found.sort_by([(name, "ascending") for name in order]) if has_text else found


def largest(groups: ir.Table, name: str, size: str, n_most: int) -> pd.DataFrame:
    """The largest of the groups, at most `n_most`, largest first and ties by name.

    All that tie with the last one come to Python: which of them is first by name, engines see differently.
    """
    ranked = groups.mutate(place=ibis.rank().over(order_by=ibis.desc(size)))
    near = ranked.filter(ranked.place < n_most).select(name, size).to_pyarrow()
    return near.sort_by([(size, "descending"), (name, "ascending")]).slice(0, n_most).to_pandas()
