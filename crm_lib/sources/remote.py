"""What tables that another machine holds have in common: their mark, their last day, rows that were set aside."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import ibis
import pyarrow.parquet as pq
from ibis import _

from crm_lib.contract.check import Checked

MOST_SET_ASIDE = 10_000  # rows of one table that are written for whoever mends the data; all are counted


def latest(run_date: dt.date | None, con: ibis.BaseBackend) -> dt.date | None:
    """The day after which nothing can have happened: the day after the server's own, or the run's."""
    return run_date and max(run_date, con.to_pyarrow(ibis.today()).as_py() + dt.timedelta(days=1))


def fingerprint(checked: Mapping[str, Checked], in_words: Callable[[str], AbstractContextManager[None]]) -> str:
    """One SHA-256 over counts, sums and last days of the tables, and over what was set aside."""
    total = hashlib.sha256()
    for name in sorted(checked):
        done = checked[name]
        asked = {f"c{i}": _mark(done.table[c]) for i, c in enumerate(done.table.columns)}
        with in_words(name):
            (found,) = done.table.agg(n=_.count(), **asked).to_pyarrow().to_pylist()
        told = (name, done.table.columns, list(found.values()), done.n_read, done.reasons)
        total.update(repr(told).encode())
    return total.hexdigest()


def _mark(value: ibis.Value) -> ibis.Value:
    """The sum of a number, the last of days, how many texts there are."""
    kind = value.type()
    if kind.is_numeric():
        return value.try_cast("decimal(38,6)").sum()
    return value.max() if kind.is_date() or kind.is_timestamp() else value.count()


def set_aside(rejected: ibis.Table, path: Path) -> None:
    """Write the first rows that were set aside, by the order of their values."""
    pq.write_table(rejected.order_by(rejected.columns).limit(MOST_SET_ASIDE).to_pyarrow(), path)
