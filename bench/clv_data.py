"""Transactions of a made-up shop with known parameters, about four orders per customer, as one Parquet file.

Orders follow BG/NBD and Gamma-Gamma, as in the sample company, but only the columns that a value model needs are
made, in numpy, a million customers at a time: ten million take a minute. Rows are in order of time, as a
shop writes them, so that a customer's orders lie far apart.
"""

from __future__ import annotations

import datetime as dt
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START, AS_OF = dt.date(2023, 11, 1), dt.date(2026, 10, 31)
# Rates in weeks, money per order.
TRUTH = {"r": 0.55, "alpha": 8.4, "a": 0.6, "b": 3.5, "p": 6.0, "q": 3.8, "v": 120.0}
DAYS = (AS_OF - START).days
CUSTOMERS_AT_ONCE = 1_000_000
ROWS_AT_ONCE = 2_000_000
SEED = 20_261_031


def name(n_customers: int) -> str:
    """Name of a file of this size; another one when the truth behind the data changes."""
    return f"orders-{n_customers}-{zlib.crc32(repr((TRUTH, START, AS_OF, SEED)).encode()):08x}"


def write(file: Path, n_customers: int, seed: int = SEED) -> int:
    """Write the transactions of `n_customers` and say how many rows there are; the same file for the same seed."""
    parts = [
        _orders(np.random.default_rng([seed, first]), first, min(CUSTOMERS_AT_ONCE, n_customers - first))
        for first in range(0, n_customers, CUSTOMERS_AT_ONCE)
    ]
    customer, minute, cents = (np.concatenate(column) for column in zip(*parts, strict=True))
    by_time = np.argsort(minute, kind="stable")
    unfinished = file.with_suffix(".unfinished")
    with pq.ParquetWriter(unfinished, _table(customer[:0], minute[:0], cents[:0]).schema) as writer:
        for start in range(0, len(by_time), ROWS_AT_ONCE):
            rows = by_time[start : start + ROWS_AT_ONCE]
            writer.write_table(_table(customer[rows], minute[rows], cents[rows]))
    unfinished.replace(file)
    return len(by_time)


def _orders(rng: np.random.Generator, first: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer number, minute since the start, and cents of each order of `n` customers from number `first` on."""
    came = rng.uniform(0, DAYS / 7, n)
    rate = np.maximum(rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n), 1e-9)
    leaving = rng.beta(TRUTH["a"], TRUTH["b"], n)
    nu = rng.gamma(TRUTH["q"], 1 / TRUTH["v"], n)
    found, active, now = [(np.arange(n), came)], np.arange(n), came.copy()
    while len(active):
        now = now + rng.exponential(size=len(active)) / rate[active]
        inside = now < DAYS / 7
        active, now = active[inside], now[inside]
        found.append((active, now))
        stays = rng.random(len(active)) >= leaving[active]
        active, now = active[stays], now[stays]
    customer, weeks = (np.concatenate(column) for column in zip(*found, strict=True))
    cents = np.maximum(np.rint(100 * rng.gamma(TRUTH["p"], 1 / nu[customer])), 1)
    minute = np.floor(weeks * (7 * 24 * 60))
    return (customer + first).astype(np.int32), minute.astype(np.int32), cents.astype(np.int32)


def _table(customer: np.ndarray, minute: np.ndarray, cents: np.ndarray) -> pa.Table:
    digits = pc.utf8_lpad(pa.array(customer + 1).cast(pa.string()), 8, "0")
    at = np.datetime64(START, "us") + minute.astype("timedelta64[m]")
    return pa.table(
        {
            "customer_id": pc.binary_join_element_wise("C", digits, ""),
            "at": pa.array(at),
            "amount": pa.array(cents / 100),
        }
    )
