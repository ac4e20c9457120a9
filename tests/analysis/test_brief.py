from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis import clv
from crm_lib.analysis.brief import Brief
from crm_lib.analysis.intervals import Interval


@dataclass(frozen=True, eq=False, repr=False)
class Found(Brief):
    customers: pd.DataFrame
    orders: ibis.Table
    share: float
    range: Interval
    names: tuple[str, ...]
    values: np.ndarray
    reason: str = ""
    model: Interval | None = None


def test_a_result_shows_its_parts_and_no_rows():
    frame = pd.DataFrame({"customer_id": ["anna", "bert"], "amount": [1.0, 2.0]})
    found = Found(frame, ibis.memtable(frame), 1 / 3, Interval(0.5, 0.4, 0.6, 9), ("a", "b"), np.zeros(7))
    assert repr(found).splitlines() == [
        "Found",
        "  customers  table of 2 rows: customer_id, amount",
        "  orders     table in the engine: customer_id, amount",
        "  share      0.3333",
        "  range      Interval(value=0.5, low=0.4, high=0.6, n=9)",
        "  names      2 items",
        "  values     7 values",
        "  reason     nothing",
        "  model      nothing",
    ]
    assert "anna" not in repr(found)


def test_a_real_result_is_short_enough_to_read():
    rows = pd.DataFrame(
        [(f"c{i % 60:02}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=i * 3), 10.0) for i in range(200)],
        columns=["customer_id", "at", "amount"],
    )
    shown = repr(clv.forecast(ibis.memtable(rows), pd.Timestamp("2026-10-31").date(), clv.Options()))
    assert shown.startswith("Forecast\n")
    assert len(shown.splitlines()) < 40
    assert "c01" not in shown
