"""Targets: measured when they are over, projected while they run and before they begin."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import campaigns
from crm_lib.analysis.action_plan import aims
from crm_lib.analysis.action_plan.facts import Tables
from crm_lib.analysis.campaigns import goals
from crm_lib.contract.settings import Scale

TODAY = dt.date(2026, 10, 31)


def wanted(*rows):
    """Targets of (metric, start, end, value)."""
    columns = list(zip(*rows, strict=True))
    names = ("metric", "period_start", "period_end", "value")
    return ibis.memtable(pa.table(dict(zip(names, columns, strict=True)) | {"unit": ["CNY"] * len(rows)}))


def steady(days, grows=0.0):
    """An order of 10 on each day up to today; with growth the last year's orders are larger."""
    at = [pd.Timestamp(TODAY) - pd.Timedelta(days=i) for i in range(days)]
    amount = [10.0 * (1 + grows * (i < 364)) for i in range(days)]
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(days)], "at": at, "amount": amount})
    return ibis.memtable(frame).cast({"amount": "decimal(18,2)"})


def aimed(*rows, sold=None, **tables):
    return aims.targets(Tables(targets=wanted(*rows), transactions=sold, **tables), TODAY, Scale(1, 10))


LAST = (dt.date(2026, 10, 22), TODAY)
NEXT = (dt.date(2026, 11, 1), dt.date(2027, 1, 31))


def test_a_target_that_is_over_is_reached_or_missed():
    (found,) = aimed(("revenue", *LAST, 100.0), sold=steady(60))
    assert (found.so_far, found.reached, found.projected) == (100.0, True, None)
    (found,) = aimed(("revenue", *LAST, 100.01), sold=steady(60))
    assert found.reached is False


def test_a_running_target_without_a_last_year_is_projected_at_the_pace_of_its_weeks():
    (found,) = aimed(("revenue", dt.date(2026, 9, 1), dt.date(2026, 11, 30), 910.0), sold=steady(90))
    assert found.reached is None
    assert found.at_pace
    assert found.projected.value == pytest.approx(910.0)
    (early,) = aimed(("revenue", dt.date(2026, 10, 20), dt.date(2026, 12, 30), 1.0), sold=steady(90))
    assert early.projected is None


def test_a_target_to_come_is_last_year_times_growth():
    (found,) = aimed(("revenue", *NEXT, 1000.0), sold=steady(1000, grows=0.2))
    assert (found.state, found.so_far, found.at_pace) == (aims.AHEAD, None, False)
    assert found.projected.value == pytest.approx(92 * 12 * 1.2)
    assert found.projected.low <= found.projected.value <= found.projected.high
    (short,) = aimed(("revenue", *NEXT, 1000.0), sold=steady(300))
    assert short.projected is None


def test_of_past_targets_the_last_of_each_metric_stands_beside_all_that_run_or_are_to_come():
    before = (dt.date(2026, 7, 1), dt.date(2026, 9, 30))
    rows = [("revenue", *before, 1.0), ("revenue", *LAST, 2.0), ("orders", *before, 3.0)]
    rows += [("revenue", *NEXT, 4.0), ("revenue", dt.date(2027, 2, 1), dt.date(2027, 4, 30), 5.0)]
    rows += [("revenue", dt.date(2026, 10, 1), dt.date(2027, 9, 30), 6.0)]
    assert [t.value for t in aimed(*rows, sold=steady(900))] == [3.0, 6.0, 2.0, 4.0, 5.0]


def test_the_report_on_campaigns_says_the_same():
    rows = [("revenue", *NEXT, 4.0), ("revenue", dt.date(2026, 9, 1), dt.date(2026, 11, 30), 5.0)]
    sold = steady(1000, grows=0.1)
    here = {t.value: t for t in aimed(*rows, sold=sold)}
    there = goals.goals(campaigns.Tables(transactions=sold, targets=wanted(*rows)), campaigns.Options(TODAY))
    for row in there.targets.to_dict("records"):
        found = here[row["value"]].projected
        assert (found.value, found.low, found.high) == tuple(
            row[f"projection{end}"] for end in ("", "_low", "_high")
        )


def test_satisfaction_is_that_of_the_targets_period_not_of_all_answers():
    said = pd.DataFrame({"response_id": [f"r{i}" for i in range(80)], "customer_id": "c"})
    day = ["2026-10-25" if i < 40 else "2026-03-01" for i in range(80)]
    said = said.assign(asked_at=pd.to_datetime(day), answered_at=pd.to_datetime(day))
    items = pd.DataFrame({"response_id": said.response_id, "aspect": "speed", "expected": 5.0})
    items = items.assign(perceived=[4.0] * 40 + [10.0] * 40)
    tables = {"surveys": ibis.memtable(said), "survey_items": ibis.memtable(items)}
    (found,) = aimed(("satisfaction", *LAST, 1.0), **tables)
    assert found.so_far == pytest.approx(0.8)
    assert found.reached is False


def test_what_nothing_here_measures_has_no_value():
    (found,) = aimed(("mood", dt.date(2026, 10, 1), TODAY, 1.0), sold=steady(60))
    assert found.so_far is None
    assert found.reached is None
    assert aims.targets(Tables(transactions=steady(60)), TODAY) == ()


@pytest.mark.slow
def test_the_pace_holds_what_comes_as_often_as_it_should():
    rng, inside = np.random.default_rng(5), []
    for _ in range(2000):
        days = rng.gamma(2, 50, 91)
        found = aims.projected(days[:63], float(days[:63].sum()), 28)
        inside.append(found.low <= days.sum() <= found.high)
    assert 0.87 < np.mean(inside) < 0.93
