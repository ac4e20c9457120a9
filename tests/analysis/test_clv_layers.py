"""Ranges with all three layers, and the hold-outs they come from."""

import datetime as dt
import itertools

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import clv
from crm_lib.analysis.clv import layers
from crm_lib.analysis.clv.rolling import origins
from crm_lib.analysis.intervals import Interval

FIRST, AS_OF = dt.date(2023, 1, 2), dt.date(2025, 12, 29)


def drawn(n=4000, spread=0.03):
    return 1000 * np.random.default_rng(1).normal(1, spread, n)


def put_on(tests, spread=0.03):
    totals = drawn(spread=spread)
    low, high = np.quantile(totals, [0.05, 0.95])
    return layers.layers(Interval(1000.0, low, high, 9), totals, 0.01, tests, seed=3)


def test_tests_that_miss_by_chance_only_add_no_third_layer():
    misses = np.exp(0.03 * np.array([1.0, -1.0, 1.0, -1.0, 0.5]))
    found = put_on([(m, 0.05) for m in misses])
    assert found.misfit == 0
    assert (found.range.low, found.range.high) == pytest.approx((950.6, 1049.4), abs=6)


def test_tests_that_miss_by_more_widen_the_range():
    found = put_on([(m, 0.03) for m in (1.2, 0.85, 1.25, 0.8, 1.1)])
    wanted = np.sqrt(np.mean(np.log([1.2, 0.85, 1.25, 0.8, 1.1]) ** 2) - np.log1p(0.03**2))
    assert found.has_level
    assert found.misfit == pytest.approx(wanted)
    assert found.process == pytest.approx(np.sqrt(0.03**2 - 0.01**2), rel=0.05)
    assert found.range.high / 1000 == pytest.approx(np.exp(2.015 * np.hypot(wanted, 0.015)), rel=0.05)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_below_five_tests_it_is_a_range_without_a_level(n):
    found = put_on([(1.1, 0.03)] * n)
    assert (found.misfit, found.has_level, found.n_origins) == (None, False, n)


def test_one_empty_window_does_not_make_the_range_endless():
    found = put_on([(0.0, 0.03), *[(1.0, 0.03)] * 4])
    assert np.isfinite(found.range.high)
    assert found.range.high < 1000 * 20


@pytest.fixture(scope="module")
def transactions():
    rng = np.random.default_rng(4)
    rows = []
    for i in range(400):
        day, pace = int(rng.integers(0, 500)), rng.gamma(1.5, 25) + 5
        until = day + rng.exponential(500)
        while day <= min(until, 1092):
            rows.append((f"c{i:03}", FIRST + dt.timedelta(days=int(day)), float(rng.integers(5, 90))))
            day += 1 + rng.exponential(pace)
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    return ibis.memtable(frame.assign(at=pd.to_datetime(frame["at"])))


def test_windows_do_not_overlap_and_end_where_history_gets_too_short(transactions):
    found = origins(transactions, AS_OF, clv.Options(holdout_weeks=26), FIRST)
    cuts = [o.cut_on for o in found]
    assert cuts[0] == AS_OF - dt.timedelta(weeks=26)
    assert {(a - b).days for a, b in itertools.pairwise(cuts)} == {182}
    assert (cuts[-1] - FIRST).days >= 0.9 * 182
    assert len(found) == 5


def test_each_window_counts_what_came_within_it(transactions):
    found = origins(transactions, AS_OF, clv.Options(holdout_weeks=26), FIRST)[1]
    frame = transactions.to_pandas().drop_duplicates(["customer_id", "at"])
    day = frame["at"].dt.date
    known = set(frame.loc[day <= found.cut_on, "customer_id"])
    inside = (day > found.cut_on) & (day <= found.cut_on + dt.timedelta(weeks=26))
    assert found.seen_orders == (inside & frame["customer_id"].isin(known)).sum()


def test_with_five_windows_the_forecast_bears_ninety_per_cent(transactions):
    found = clv.forecast(transactions, AS_OF, clv.Options(holdout_weeks=26, horizon_weeks=26))
    assert found.orders_range.has_level
    figure = found.publication["orders_expected"]
    assert (figure.low, figure.high) == (found.orders_range.range.low, found.orders_range.range.high)
    assert figure.low <= found.outlook.orders.low
    assert figure.high >= found.outlook.orders.high
