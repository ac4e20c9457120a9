"""Small invented tables for the examples in docstrings, and for trying out a calculation."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

AS_OF = dt.date(2026, 10, 31)


def purchases() -> ir.Table:
    """Purchases of 24 customers in two years: every third came twice, every fourth comes each month.

    >>> purchases().columns, purchases().count().to_pyarrow().as_py()
    (('customer_id', 'at', 'amount'), 158)
    """
    first = pd.Timestamp("2024-11-15")
    rows = []
    for i in range(24):
        n_orders = 24 if i % 4 == 0 else 2 if i % 3 == 0 else 1
        rows += [(f"C{i:02d}", first + pd.Timedelta(days=9 * i + 28 * n), 20.0 + i) for n in range(n_orders)]
    bought = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    return ibis.memtable(bought[bought["at"] <= pd.Timestamp(AS_OF)])


def deals() -> ir.Table:
    """Ten deals, opened week after week: five won, two lost, three open."""
    opened = pd.date_range("2026-01-05", periods=10, freq="14D")
    outcome = ["won", "won", "lost", "won", "won", "lost", "won", None, None, None]
    rows = pd.DataFrame({"opportunity_id": [f"D{i}" for i in range(10)], "opened_at": opened, "outcome": outcome})
    rows["customer_id"], rows["amount"] = [f"C{i:02d}" for i in range(10)], 1000.0
    rows["closed_at"] = (opened + pd.Timedelta(days=40)).where(rows["outcome"].notna())
    rows["stage"] = ["won" if o == "won" else "lost" if o else "offer" for o in outcome]
    return ibis.memtable(rows)


def surveys() -> ir.Table:
    """Forty answers to one survey: how likely customers are to recommend us, from 0 to 10."""
    rows = pd.DataFrame({"response_id": [f"R{i:02d}" for i in range(40)]})
    rows["customer_id"] = [f"C{i:02d}" for i in range(40)]
    rows["asked_at"] = rows["answered_at"] = pd.Timestamp("2026-09-01")
    rows["nps"] = [10, 9, 8, 10, 9, 6, 9, 10] * 5
    return ibis.memtable(rows)


def contacts() -> ir.Table:
    """One mailing to sixty customers, thirty of whom were held out: 15 and 6 of them ordered."""
    rows = pd.DataFrame({"campaign_id": "mail", "customer_id": [f"C{i:02d}" for i in range(60)]})
    rows["assigned_at"] = pd.Timestamp("2026-06-01")
    rows["arm"] = ["treated"] * 30 + ["control"] * 30
    rows["orders"] = ([1] * 15 + [0] * 15) + ([1] * 6 + [0] * 24)
    return ibis.memtable(rows)
