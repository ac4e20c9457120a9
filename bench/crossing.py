"""What crosses from the engine to Python: every query's rows and bytes, counted where ibis hands over a result.

    python bench/crossing.py        # the declared bounds, as the table in docs/engines.md shows them

`counted()` wraps the methods of a backend that give results to Python. Bytes are those of the result in Arrow,
whatever it was handed over as. Tests hold the bounds declared here: rows and bytes may grow with customers,
never with transactions.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import ibis.backends.duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

HANDS_OVER = ("to_pyarrow", "to_pyarrow_batches", "execute")


@dataclass(frozen=True)
class Query:
    """One result: its columns, rows and bytes."""

    columns: tuple[str, ...]
    rows: int
    bytes: int


@dataclass
class Crossing:
    """All that crossed to Python, and tables that Python sent (on PostgreSQL they are text of the query: none)."""

    queries: list[Query] = field(default_factory=list)
    sent: list[Query] = field(default_factory=list)
    inside: bool = False

    @property
    def rows(self) -> int:
        """Rows of all queries."""
        return sum(q.rows for q in self.queries)

    @property
    def bytes(self) -> int:
        """Bytes of all queries."""
        return sum(q.bytes for q in self.queries)

    def largest(self, n: int = 5) -> list[Query]:
        """The queries with most bytes."""
        return sorted(self.queries, key=lambda q: -q.bytes)[:n]

    def said(self) -> str:
        """All in all, and the largest queries, for a test that fails."""
        lines = [f"{q.rows:,} rows, {q.bytes:,} bytes: {', '.join(q.columns)}" for q in self.largest(12)]
        whole = f"{self.rows:,} rows, {self.bytes:,} bytes in {len(self.queries)} queries"
        return "\n  ".join([whole, *lines])


@contextlib.contextmanager
def counted(backend: type = ibis.backends.duckdb.Backend) -> Iterator[Crossing]:
    """Count what this backend hands to Python inside the block."""
    found = Crossing()
    with contextlib.ExitStack() as stack:
        for name in HANDS_OVER:
            stack.enter_context(mock.patch.object(backend, name, _counting(getattr(backend, name), found)))
        register = backend._register_in_memory_table
        stack.enter_context(mock.patch.object(backend, "_register_in_memory_table", _sending(register, found)))
        yield found


def _counting(method: Any, found: Crossing) -> Any:
    """The method with its result counted, once where one of these methods calls another."""

    @functools.wraps(method)
    def count(self: Any, *arguments: Any, **options: Any) -> Any:
        outer, found.inside = not found.inside, True
        try:
            result = method(self, *arguments, **options)
        finally:
            if outer:
                found.inside = False
        if not outer:
            return result
        if isinstance(result, pa.RecordBatchReader):
            return pa.RecordBatchReader.from_batches(result.schema, _each(result, found))
        found.queries.append(_query(result))
        return result

    return count


def _each(reader: pa.RecordBatchReader, found: Crossing) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        found.queries.append(_query(batch))
        yield batch


def _sending(method: Any, found: Crossing) -> Any:
    @functools.wraps(method)
    def count(self: Any, op: Any) -> Any:
        found.sent.append(_query(op.data.to_pyarrow(op.schema)))
        return method(self, op)

    return count


def _query(result: Any) -> Query:
    if isinstance(result, pd.DataFrame):
        result = pa.Table.from_pandas(result, preserve_index=False)
    if isinstance(result, pa.Table | pa.RecordBatch):
        return Query(tuple(result.schema.names), result.num_rows, result.nbytes)
    if isinstance(result, pd.Series | pa.ChunkedArray | pa.Array | np.ndarray):
        return Query(("value",), len(result), int(result.nbytes))
    return Query(("value",), 1, 8)


@dataclass(frozen=True)
class Bound:
    """What may cross for a topic, all queries together: so much per customer, and so much whatever the size."""

    rows_per_customer: float
    bytes_per_customer: float
    rows: int
    bytes: int
    what: str

    def allows(self, found: Crossing, n_customers: int) -> bool:
        """Whether what crossed keeps the bound, and no result has more than a row for each customer."""
        most_rows = self.rows + self.rows_per_customer * n_customers
        most_bytes = self.bytes + self.bytes_per_customer * n_customers
        at_once = max((q.rows for q in found.queries), default=0)
        return found.rows <= most_rows and found.bytes <= most_bytes and at_once <= n_customers + MOST_BESIDE


# What no single result may exceed beside one row per customer: days, distinct waits, pairs of products.
MOST_BESIDE = 4_000
BOUNDS: dict[str, Bound] = {
    "segmentation": Bound(
        *(7.5, 260, 1_500, 60_000),
        "days, orders and money; the same of two periods; attributes; channels; numbers compared, by class",
    ),
    "clv": Bound(
        *(5, 230, 2_000, 60_000),
        "history and money; sales and cost of a year; history and what came after, for each hold-out",
    ),
    "funnel": Bound(*(1.8, 160, 800, 40_000), "per deal, not per customer: its facts, and its day in each stage"),
    "satisfaction": Bound(
        *(1.8, 40, 1_600, 100_000),
        "money; sums of those who answered; counts by touchpoint, aspect, quarter; 50,000 answers at most",
    ),
    "retention": Bound(
        *(15, 450, 10_000, 260_000),
        "state and history; history half a year ago; money and orders of two years, for four days; counted waits",
    ),
    "campaigns": Bound(
        *(5.5, 200, 3_000, 120_000),
        "contacts of those contacted; money before and after each campaign that held nobody out; days",
    ),
    "action_plan": Bound(
        *(5, 180, 3_000, 100_000),
        "days, orders, money; what tables say of consent, contacts, complaints, goods; the product to offer",
    ),
}


def table() -> str:
    """The bounds as docs/engines.md shows them."""
    head = ["| topic | rows per customer | bytes per customer | and whatever the size | what it is |"]
    rows = [
        f"| {topic} | {b.rows_per_customer:g} | {b.bytes_per_customer:g} "
        f"| {b.rows:,} rows, {b.bytes / 1e3:.0f} kB | {b.what} |"
        for topic, b in BOUNDS.items()
    ]
    return "\n".join([*head, "|---|--:|--:|---|---|", *rows])


if __name__ == "__main__":
    print(table())
