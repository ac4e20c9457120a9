"""Discounts on five rows, and the sample's own share found again."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.outcomes import outcomes
from crm_lib.analysis.campaigns.prices import prices

OPTIONS = Options(dt.date(2026, 10, 31), window_days=30)


def sales(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount", "discount_amount", "quantity"])
    frame["at"] = pd.to_datetime(frame["at"])
    made = ibis.memtable(frame)
    return made.mutate(**{c: made[c].cast("decimal(18,2)") for c in ("amount", "discount_amount")})


def test_the_share_sold_at_a_discount_and_how_deep_it_was():
    table = sales(
        ("a", "2026-05-01", 100.0, 0.0, 1.0),
        ("a", "2026-06-01", 80.0, 20.0, 2.0),
        ("b", "2026-06-01", 20.0, 0.0, 1.0),
        ("b", "2026-06-05", -20.0, 0.0, -1.0),
        ("b", "2025-01-01", 50.0, 50.0, 1.0),
    )
    found = prices(Tables(transactions=table), None, OPTIONS)
    assert found.sales_share == pytest.approx(80 / 200)
    assert found.depth == pytest.approx(0.2)
    assert found.given == 20
    assert (found.orders.value, found.orders.n) == (pytest.approx(1 / 3), 3)
    assert found.earlier_share == 1.0
    assert found.lines.set_index("discounted")["mean_units"].to_dict() == {False: 1.0, True: 2.0}


def test_before_and_after_and_against_those_held_out():
    table = sales(
        ("a", "2026-05-20", 100.0, 0.0, 1.0),
        ("a", "2026-06-10", 90.0, 10.0, 1.0),
        ("b", "2026-06-11", 100.0, 0.0, 1.0),
        ("c", "2026-06-12", 50.0, 5.0, 1.0),
    )
    people = pd.DataFrame(
        {"campaign_id": "m", "customer_id": list("abcd"), "arm": ["treated"] * 2 + ["control"] * 2}
    )
    people["assigned_at"] = pd.Timestamp("2026-06-01")
    tables = Tables(contacts=ibis.memtable(people), transactions=table)
    (row,) = prices(tables, outcomes(tables, OPTIONS), OPTIONS).campaigns.to_dict("records")
    assert row["treated_before_share"] == 0
    assert row["treated_after_share"] == pytest.approx(90 / 190)
    assert row["control_after_share"] == 1
    assert row["off_more"] == pytest.approx(5 - 2.5)
    assert row["off_more_low"] < 0 < row["off_more_high"]


def test_without_a_recorded_discount_nothing_is_guessed_from_prices():
    table = sales(("a", "2026-05-01", 100.0, 0.0, 1.0)).drop("discount_amount")
    assert prices(Tables(transactions=table), None, OPTIONS) is None
