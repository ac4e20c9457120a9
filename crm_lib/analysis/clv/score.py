"""Scores of every customer, from fitted models: a pure function of a chunk of customers, however many there are.

What needs a special function is computed once per distinct (x, T) of the histories, a few ten thousand even of ten
million customers; the rest is plain arithmetic. A chunk's scores depend on nothing but its own rows, so that they
may be streamed: to a frame, or by the caller to a Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_lib.analysis.btyd import NBD, PurchaseModel, orders_if_alive, p_buy
from crm_lib.analysis.clv.options import DAYS_PER_MONTH, Options
from crm_lib.analysis.histories import Histories
from crm_lib.analysis.spend import Spend

# Months in a year, for the monthly rate behind an annual discount.
MONTHS = 12
CHUNK_ROWS = 250_000
SCORES = ("p_alive", "p_buy", "expected_orders", "expected_spend", "value_share", "clv_mid")
NEEDS = ("customer_id", "x", "t_x", "T", "mean_repeat_amount")


@dataclass(frozen=True, eq=False)
class Rule:
    """How customers are scored: the models, the question, and what holds of those still there, by (x, T).

    `model` says how much will be bought, `churn` who is still there. `place` leads from the rank of x among the
    distinct ones (`rank`) and T to a row of `orders` (expected in the horizon), `kept` (what discounting leaves of
    them) and `p_order` (chance of at least one).
    """

    model: PurchaseModel
    churn: PurchaseModel
    spend: Spend
    options: Options
    rank: np.ndarray
    place: np.ndarray
    orders: np.ndarray
    kept: np.ndarray
    p_order: np.ndarray

    @classmethod
    def of(
        cls,
        model: PurchaseModel,
        spend: Spend,
        options: Options,
        histories: Histories | pd.DataFrame,
        churn: PurchaseModel | None = None,
    ) -> Rule:
        """The rule for customers whose `x` and `T` are among these; without a `churn` model, `model` is it."""
        rank, place, x, T = _pairs(np.asarray(histories["x"]), np.asarray(histories["T"]))
        orders, kept = _orders(model, options, x, T)
        unit = model.unit_days
        # Where nobody leaves, P(buy) is the chance that someone still there orders.
        p_order = p_buy(model.parameters, (x, T / unit, T / unit), options.horizon_days / unit, NBD)
        return cls(model, churn or model, spend, options, rank, place, orders, kept, p_order)

    def scores(self, customers: Mapping) -> dict[str, np.ndarray]:
        """Scores of customers with `x`, `t_x`, `T` (whole days) and `mean_repeat_amount`, in their order.

        `p_alive`, `p_buy`, `expected_orders`, `expected_spend` (per order), `value_share` (margin x discount: what
        is kept of the horizon's spend) and `clv_mid`, the expected value: customers add up to the total.

        Raises
        ------
        LookupError
            For an (x, T) that was not among the histories of the rule.
        """
        x, T = np.asarray(customers["x"]), np.asarray(customers["T"])
        row = self._rows(x, T)
        alive = self.model.p_alive(customers)
        orders = alive * self.orders[row]
        still_there = alive if self.churn is self.model else self.churn.p_alive(customers)
        spent = self.spend.expected(x, customers["mean_repeat_amount"])
        share = self.kept[row] * self.options.value_share
        return {
            "p_alive": still_there,
            "p_buy": alive * self.p_order[row],
            "expected_orders": orders,
            "expected_spend": spent,
            "value_share": share,
            "clv_mid": orders * spent * share,
        }

    def _rows(self, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        rank = self.rank[np.minimum(x, len(self.rank) - 1)]
        row = self.place[rank, np.minimum(T, self.place.shape[1] - 1)]
        unknown = (row < 0) | (x >= len(self.rank)) | (self.place.shape[1] <= T)
        if unknown.any():
            first = int(np.argmax(unknown))
            raise LookupError(f"x {x[first]}, T {T[first]}: no such history was there when the rule was made.")
        return row


def stream(customers: ir.Table, rule: Rule, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """`customer_id` and scores of `histories.known` rows, in chunks; nothing is held but the chunk."""
    for batch in customers.select(*NEEDS).to_pyarrow_batches(chunk_size=chunk_rows):
        numbers = {name: batch[name].to_numpy(zero_copy_only=False) for name in NEEDS[1:]}
        scores = rule.scores(numbers)
        yield pa.record_batch({"customer_id": batch["customer_id"], **scores})


def _pairs(x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rank of each x, the grid (rank of x, T) -> row (-1: none), and x and T of the rows."""
    seen = np.bincount(x) > 0
    n_seen = int(seen.sum())
    rank = np.where(seen, np.cumsum(seen) - 1, n_seen)  # an x that was not seen leads to the last row: all -1
    place = np.full((n_seen + 1, int(T.max()) + 1), -1, dtype=np.int32)
    place[rank[x], T] = 0
    there = np.nonzero(place == 0)
    place[there] = np.arange(len(there[0]))
    return rank, place, np.flatnonzero(seen)[there[0]].astype(float), there[1].astype(float)


def _orders(model: PurchaseModel, options: Options, x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected orders of those still there, and the share that discounting leaves of them.

    Each month's orders are discounted to today as if they came at its end: with d = (1+annual)^(1/12) - 1,
    sum_i (E[Y(t_i)] - E[Y(t_(i-1))]) / (1+d)^i over months of 365.25/12 days, the last one cut at the horizon.
    """
    days = options.horizon_days
    ends = np.append(np.arange(DAYS_PER_MONTH, days, DAYS_PER_MONTH), days)
    monthly = (1 + options.annual_discount_share) ** (1 / MONTHS)
    if monthly == 1:
        ends = ends[-1:]
    total, before = np.zeros(len(x)), np.zeros(len(x))
    for i, end in enumerate(ends, start=1):
        t = end / model.unit_days
        now = orders_if_alive(model.parameters, x, T / model.unit_days, t, model.kind)
        total += (now - before) / monthly**i
        before = now
    return before, np.divide(total, before, out=np.ones(len(x)), where=before > 0)
