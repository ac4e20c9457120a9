"""Products, targets and market: the small tables around the company."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample.names import COMPETITORS, PRODUCTS
from crm_lib.sources.sample.purchases import CATEGORIES, Orders
from crm_lib.sources.sample.truth import N_CUSTOMERS, START, Purchases, day_number

_MARKET_YUAN, _VISITS = 104_000_000, 34_000
_SEASON = (1.08, 0.86, 1.04, 1.02)


def product_table(truth: Purchases) -> pa.Table:
    """The products table; unit cost is the category's share of the list price."""
    cost = np.array([100 * p.price * truth.cost_shares[p.category] for p in PRODUCTS])
    return pa.table(
        {
            "product_id": pa.array([p.product_id for p in PRODUCTS]),
            "name": pa.array([p.name for p in PRODUCTS]),
            "category": col.pick(CATEGORIES, np.array([CATEGORIES.index(p.category) for p in PRODUCTS])),
            "unit_cost": col.money(np.rint(cost)),
            "launched_on": col.days(np.array([day_number(p.launched) for p in PRODUCTS])),
        }
    )


def quarters(n: int) -> list[tuple[date, date]]:
    """First and last day of `n` quarters from the first day on; the year begins in November."""
    firsts = [date(START.year + (10 + 3 * i) // 12, (10 + 3 * i) % 12 + 1, 1) for i in range(n + 1)]
    return [(a, b - timedelta(days=1)) for a, b in pairwise(firsts)]


def quarter_of(day: np.ndarray) -> np.ndarray:
    """Number of the quarter of each day."""
    firsts = np.array([day_number(first) for first, _ in quarters(13)])
    return np.searchsorted(firsts, day, side="right") - 1


def target_table(rng: np.random.Generator, orders: Orders) -> pa.Table:
    """Targets per quarter and year: set near what came, and a fifth above it for the year ahead."""
    quarter = quarter_of(orders.day)
    revenue = np.bincount(quarter, orders.cents / 100, 12)
    n_orders = np.bincount(quarter, minlength=12)
    aim = rng.uniform(0.95, 1.12, 12)
    revenue = np.round(np.concatenate([revenue * aim, revenue[8:] * 1.2]), -4)
    n_orders = np.round(np.concatenate([n_orders * aim, n_orders[8:] * 1.15]), -1)
    rows = [("revenue", *q, v, "CNY") for q, v in zip(quarters(16), revenue, strict=True)]
    rows += [("orders", *q, v, "orders") for q, v in zip(quarters(16), n_orders, strict=True)]
    years = [(quarters(16)[4 * y][0], quarters(16)[4 * y + 3][1]) for y in range(4)]
    rows += [("revenue", *years[y], float(revenue[4 * y : 4 * y + 4].sum()), "CNY") for y in range(4)]
    rows += [("satisfaction", *years[y], v, "ratio") for y, v in enumerate((0.98, 1.0, 1.02, 1.04))]
    metric, start, end, value, unit = (list(c) for c in zip(*rows, strict=True))
    return pa.table(
        {
            "metric": pa.array(metric),
            "period_start": pa.array(start),
            "period_end": pa.array(end),
            "value": pa.array([float(v) for v in value]),
            "unit": pa.array(unit),
        }
    )


def market_table(rng: np.random.Generator, n_customers: int) -> pa.Table:
    """Market and traffic of each quarter in a row without competitor, then one row per competitor."""
    scale = n_customers / N_CUSTOMERS
    rows = []
    for i, period in enumerate(quarters(12)):
        market = float(np.round(scale * _MARKET_YUAN * _SEASON[i % 4] * 1.013**i * rng.uniform(0.98, 1.02), -3))
        traffic = int(np.round(scale * _VISITS * (0.82 + 0.035 * i) * rng.uniform(0.94, 1.06)))
        rows.append((*period, market, traffic, None, None))
        for name, share in COMPETITORS:
            rows.append((*period, None, None, name, float(np.round(market * share * rng.uniform(0.9, 1.1), -3))))
    start, end, market, traffic, competitor, amount = (list(c) for c in zip(*rows, strict=True))
    return pa.table(
        {
            "period_start": pa.array(start),
            "period_end": pa.array(end),
            "market_amount": _yuan(market),
            "traffic": pa.array(traffic, pa.int64()),
            "competitor": pa.array(competitor),
            "competitor_amount": _yuan(amount),
        }
    )


def _yuan(values: list[float | None]) -> pa.Array:
    missing = np.array([v is None for v in values])
    return col.money(np.array([round(100 * (v or 0)) for v in values]), missing)
