"""A made-up shop with millions of purchase lines, as a source of `crm.toml`: customers, products, transactions.

Orders follow BG/NBD and Gamma-Gamma as in `clv_data`, about four per customer; an order has one to six lines, so
that a customer has about ten rows. Nothing larger than a block of customers or a month of orders is in memory:
orders are made by customers and set down by month, and read back month by month, as a shop writes them. One row in
50 is a refund, one in 100,000 names a customer whom nobody knows.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import clv_data
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crm_lib.sources.sample import columns as col

ROWS_PER_CUSTOMER = 10
CUSTOMERS_AT_ONCE = 500_000
ROW_GROUP = 250_000
LINES_MORE = 1.45  # mean of Poisson: lines of an order beyond its first
MOST_LINES = 6
REFUND_EVERY, UNKNOWN_EVERY = 50, 100_000
CHANNELS, REGIONS = ("shop", "web", "phone", "partner"), ("north", "east", "south", "west", "centre")
CATEGORIES, SIZES = ("stove", "accessory", "consumable", "service"), ("small", "medium", "large")
N_CITIES, N_PRODUCTS = 60, 200
MINUTES_A_DAY = 24 * 60
MONTHS = 36
_ORDER = np.dtype([("customer", "i4"), ("minute", "i4"), ("cents", "i4")])

TOML = """[default]
source = "scale"

[sources.scale]
title = "Made-up shop"
path = "data"
as_of = "{as_of}"
currency = "CNY"
"""


def name(n_rows: int) -> str:
    """Name of a folder of about this many rows; another one when what is made changes."""
    told = (clv_data.TRUTH, clv_data.SEED, LINES_MORE, REFUND_EVERY, UNKNOWN_EVERY, N_PRODUCTS)
    return f"shop-{n_rows}-{zlib.crc32(repr(told).encode()):08x}"


def write(project: Path, n_rows: int, seed: int = clv_data.SEED) -> int:
    """Write a project with about `n_rows` transactions, and say how many; the same bytes for the same seed."""
    data = project / "data"
    shutil.rmtree(project, ignore_errors=True)
    data.mkdir(parents=True)
    n_customers = max(n_rows // ROWS_PER_CUSTOMER, 1)
    months = project / "months"
    months.mkdir()
    with _writer(data / "customers.parquet", _customers(np.zeros(0, int), np.zeros(0, int), seed)) as people:
        for first in range(0, n_customers, CUSTOMERS_AT_ONCE):
            n = min(CUSTOMERS_AT_ONCE, n_customers - first)
            orders = _orders(seed, first, n)
            _set_down(orders, months)
            people.write_table(_customers(orders["customer"][:n], orders["minute"][:n], seed), ROW_GROUP)
    pq.write_table(_products(), data / "products.parquet")
    n_written = _transactions(data / "transactions.parquet", months, seed)
    shutil.rmtree(months)
    (project / "crm.toml").write_text(TOML.format(as_of=clv_data.AS_OF.isoformat()), encoding="utf-8")
    return n_written


def _writer(path: Path, empty: pa.Table) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, empty.schema, compression="zstd")


def _orders(seed: int, first: int, n: int) -> np.ndarray:
    """Orders of a block of customers; the first `n` are their first orders, in order of customers."""
    columns = clv_data._orders(np.random.default_rng([seed, first]), first, n)
    orders = np.empty(len(columns[0]), dtype=_ORDER)
    for field, values in zip(_ORDER.names, columns, strict=True):
        orders[field] = values
    return orders


def _set_down(orders: np.ndarray, folder: Path) -> None:
    month = orders["minute"].astype("int64") * MONTHS // (clv_data.DAYS * MINUTES_A_DAY)
    for one in np.unique(month):
        with (folder / f"{one:02d}").open("ab") as file:
            orders[month == one].tofile(file)


def _transactions(path: Path, months: Path, seed: int) -> int:
    n_orders, n_rows = 0, 0
    with _writer(path, _lines(np.zeros(0, dtype=_ORDER), 0, np.random.default_rng(0))) as writer:
        for month in sorted(months.iterdir()):
            orders = np.fromfile(month, dtype=_ORDER)
            orders = orders[np.lexsort((orders["customer"], orders["minute"]))]
            rng = np.random.default_rng([seed, 1, int(month.name)])
            for piece in np.array_split(orders, len(orders) // CUSTOMERS_AT_ONCE + 1):
                lines = _lines(piece, n_orders, rng)
                writer.write_table(lines, ROW_GROUP)
                n_orders, n_rows = n_orders + len(piece), n_rows + lines.num_rows
    return n_rows


def _lines(orders: np.ndarray, n_before: int, rng: np.random.Generator) -> pa.Table:
    """The lines of orders: what each paid is split over them, and some come back two weeks later."""
    n_lines = np.minimum(1 + rng.poisson(LINES_MORE, len(orders)), MOST_LINES)
    order = np.repeat(np.arange(len(orders)), n_lines)
    cents = np.maximum(orders["cents"][order] // n_lines[order], 1).astype("int64")
    minute = orders["minute"][order].astype("int64")
    product = (N_PRODUCTS * rng.random(len(order)) ** 2).astype(int)
    back = np.flatnonzero(rng.integers(0, REFUND_EVERY, len(order)) == 0)
    late = np.minimum(minute[back] + 14 * MINUTES_A_DAY, clv_data.DAYS * MINUTES_A_DAY - 1)
    order, product = np.append(order, order[back]), np.append(product, product[back])
    minute, cents = np.append(minute, late), np.append(cents, -cents[back])
    customer = orders["customer"][order].astype("int64")
    stranger = rng.integers(0, UNKNOWN_EVERY, len(order)) == 0
    cost = np.rint(np.abs(cents) * (0.5 + product / (4 * N_PRODUCTS))).astype("int64") * np.sign(cents)
    return pa.table(
        {
            "customer_id": pc.if_else(pa.array(stranger), "nobody", col.ids("C", customer + 1, 8)),
            "at": _times(minute),
            "amount": col.money(cents),
            "order_id": col.ids("S", order + n_before + 1, 9),
            "product_id": col.ids("P", product, 3),
            "channel": col.pick(CHANNELS, (customer + rng.integers(0, 5, len(order)) // 4) % len(CHANNELS)).cast(
                pa.string()
            ),
            "quantity": np.ones(len(order)),
            "cost_amount": col.money(cost),
        }
    )


def _times(minute: np.ndarray) -> pa.Array:
    return pa.array(np.datetime64(clv_data.START, "us") + minute.astype("timedelta64[m]"))


def _customers(customer: np.ndarray, minute: np.ndarray, seed: int) -> pa.Table:
    first = int(customer[0]) if len(customer) else 0
    rng, n = np.random.default_rng([seed, 2, first]), len(customer)
    day = minute // MINUTES_A_DAY
    return pa.table(
        {
            "customer_id": col.ids("C", customer.astype("int64") + 1, 8),
            "since": pa.array(np.datetime64(clv_data.START, "D") + day.astype("timedelta64[D]")),
            "channel": col.pick(CHANNELS, rng.integers(0, len(CHANNELS), n)).cast(pa.string()),
            "region": col.pick(REGIONS, rng.integers(0, len(REGIONS), n)).cast(pa.string()),
            "city": col.ids("city ", rng.integers(1, N_CITIES + 1, n), 2),
            "gender": col.pick(("f", "m"), rng.integers(0, 2, n)).cast(pa.string()),
            "birth_year": pa.array(rng.integers(1940, 2006, n)),
            "size": col.pick(SIZES, rng.integers(0, len(SIZES), n)).cast(pa.string()),
            "tier": col.pick(("basic", "gold"), (rng.random(n) < 0.1).astype(int)).cast(pa.string()),
            "points": pa.array(rng.integers(0, 2_000, n)),
            "consent": pa.array(rng.random(n) < 0.8),
        }
    )


def _products() -> pa.Table:
    numbers = np.arange(N_PRODUCTS)
    return pa.table(
        {
            "product_id": col.ids("P", numbers, 3),
            "name": col.ids("Product ", numbers, 3),
            "category": col.pick(CATEGORIES, numbers % len(CATEGORIES)).cast(pa.string()),
            "unit_cost": col.money(10_00 + 25 * numbers),
        }
    )


def sizes(project: Path) -> Iterator[tuple[str, int]]:
    """Rows of each table of a project, without reading it."""
    for path in sorted((project / "data").glob("*.parquet")):
        yield path.stem, pq.ParquetFile(path).metadata.num_rows
