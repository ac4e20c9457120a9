"""The target of the period that runs: which one it is, how much of it deals must bring, and the chance of it."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crm_lib.analysis import funnel
from tests.analysis.test_funnel import OPEN, PAST, TODAY, snapshot

NEXT = ("2026-11-01", "2027-01-31")
YEAR = ("2026-11-01", "2027-10-31")
OVER = ("2026-08-01", "2026-10-31")
RUNNING = ("2026-10-01", "2026-12-31")
STEADY = [("Won", 300 - i, 20 + i % 30, "won", 100) for i in range(270) if 300 - i > 20 + i % 30]
YOUNG = [("Talking", 5, None, None, 50.0)] * 40


def targets(*rows):
    frame = pd.DataFrame(rows, columns=["metric", "period_start", "period_end", "value"]).assign(unit="EUR")
    for c in ("period_start", "period_end"):
        frame[c] = pd.to_datetime(frame[c])
    return ibis.memtable(frame).mutate(
        period_start=ibis._.period_start.date(), period_end=ibis._.period_end.date()
    )


def sales(*rows):
    frame = pd.DataFrame(rows, columns=["at", "amount"]).assign(at=lambda f: pd.to_datetime(f["at"]))
    return ibis.memtable(frame).mutate(amount=ibis._.amount.cast("decimal(18,2)"))


def goal(*rows, deals=STEADY + YOUNG, **more):
    return funnel.pipeline(snapshot(deals), as_of=TODAY, targets=targets(*rows), **more).goal


def test_the_period_of_tomorrow_counts_and_the_one_that_ends_first():
    found = goal(("revenue", *OVER, 1), ("revenue", *YEAR, 2), ("revenue", *NEXT, 3))
    assert (found.since, found.until, found.amount) == (dt.date(2026, 11, 1), dt.date(2027, 1, 31), 3)


def test_a_target_for_won_deals_comes_before_one_for_sales():
    found = goal(("revenue", *NEXT, 300), ("won_amount", *YEAR, 700), ("orders", *NEXT, 3))
    assert (found.amount, found.of_sales, found.share) == (700, None, None)


def test_of_a_sales_target_deals_bear_the_part_that_they_brought_in_a_year():
    won = 100 * len(STEADY)
    others = sales(("2026-10-31", 2 * won), ("2025-11-01", 2 * won), ("2025-10-31", 10**9), ("2026-11-01", 10**9))
    found = goal(("revenue", *NEXT, 4000), transactions=others)
    assert (found.share, found.amount, found.of_sales) == (0.25, 1000, 4000)


def test_deals_never_bear_more_than_the_whole_target():
    assert goal(("revenue", *NEXT, 4000), transactions=sales(("2026-10-31", 1))).amount == 4000


def test_without_other_sales_deals_bear_the_whole_target():
    found = goal(("revenue", *NEXT, 4000))
    assert (found.amount, found.of_sales, found.share) == (4000, 4000, None)


@pytest.mark.parametrize(
    "rows", [[("revenue", *OVER, 1)], [("orders", *NEXT, 1)], [("revenue", "2026-01-01", "2028-01-01", 1)]]
)
def test_without_a_fitting_target_the_stretch_before_is_the_measure(rows):
    result = funnel.pipeline(snapshot(STEADY + YOUNG), as_of=TODAY, targets=targets(*rows))
    assert result.goal is None
    assert result.publication["p_target"].value == result.forecast.p_target


def test_the_parameter_overrides_the_targets_of_the_source():
    result = funnel.pipeline(
        snapshot(STEADY + YOUNG), as_of=TODAY, targets=targets(("revenue", *NEXT, 9)), target_amount=5000.0
    )
    assert result.goal is None
    assert (result.forecast.is_given, result.publication["target_amount"].value) == (True, 5000)


def test_the_chance_is_that_of_the_same_sum_in_the_same_days():
    rows = STEADY + YOUNG
    given = funnel.pipeline(snapshot(rows), as_of=TODAY, horizon_days=92, target_amount=6400.0).forecast
    found = goal(("won_amount", *NEXT, 6400.0), deals=rows, horizon_days=92)
    assert found.p == given.p_target
    assert 0 < found.p < 1
    assert found.coming == given.total


def test_what_was_won_since_the_period_began_counts():
    deals = [*STEADY, *YOUNG, ("Won", 20, 10, "won", 777)]
    since = pd.Timestamp(RUNNING[0])
    days = snapshot(deals).to_pandas()
    won = days.loc[days["closed_at"] >= since, "amount"].sum()
    found = goal(("won_amount", *RUNNING, 10_000), deals=deals)
    assert found.so_far == won
    assert found.so_far >= 777
    assert goal(("won_amount", *RUNNING, won), deals=deals).p == 1.0


def test_without_a_past_nobody_knows_how_many_deals_will_come():
    found = goal(("won_amount", *NEXT, 4000), deals=[(s, a - 160, *r) for s, a, *r in PAST] + YOUNG)
    assert found.p is None
    assert found.coming.value > 0


def test_where_nothing_can_be_forecast_there_is_no_goal():
    assert goal(("won_amount", *NEXT, 4000), deals=OPEN) is None
