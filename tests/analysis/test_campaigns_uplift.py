"""Tests against hold-outs: what is counted, what is refused, and what is said to be proven."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.campaigns import evaluation
from crm_lib.analysis.campaigns.arms import Arm, arms_of
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.outcomes import outcomes
from crm_lib.analysis.campaigns.uplift import Money, frame, summed, uplifts, weighted
from crm_lib.analysis.intervals import Interval

AS_OF = dt.date(2026, 10, 31)
OPTIONS = Options(AS_OF, window_days=30)


def money(frame):
    return ibis.memtable(frame).mutate(amount=ibis._.amount.cast("decimal(18,2)"))


def contacts(rows, **more):
    table = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm", "orders"])
    table = table.assign(assigned_at=pd.Timestamp("2026-06-01"), **more)
    return ibis.memtable(table)


def test_orders_are_counted_from_the_sales_of_the_days_after_the_contact():
    table = pd.DataFrame(
        {
            "campaign_id": "m",
            "customer_id": ["a", "b", "c"],
            "arm": ["treated", "treated", "control"],
            "assigned_at": pd.Timestamp("2026-06-01 10:00"),
        }
    )
    sales = pd.DataFrame(
        [
            ("a", "2026-06-01", 9.0),  # the day of the contact
            ("a", "2026-06-02", 10.0),
            ("a", "2026-07-01", 20.0),  # the last day of the window
            ("a", "2026-07-02", 40.0),
            ("b", "2026-06-10", -5.0),  # a refund is money, no order
            ("c", "2026-05-31", 7.0),
        ],
        columns=["customer_id", "at", "amount"],
    )
    sales["at"] = pd.to_datetime(sales["at"])
    told = outcomes(Tables(contacts=ibis.memtable(table), transactions=money(sales)), OPTIONS)
    found = told.order_by("who").to_pandas().set_index("who")
    assert found["orders"].tolist() == [2, 0, 0]
    assert found["revenue"].astype(float).tolist() == [30.0, -5.0, 0.0]
    assert found["prior"].astype(float).tolist() == [0.0, 0.0, 7.0]
    assert found["bought"].tolist() == [1, 0, 0]


def test_an_earlier_date_sees_no_later_order():
    table = pd.DataFrame({"campaign_id": "m", "customer_id": ["a"], "arm": "treated", "orders": [1]})
    table["assigned_at"] = pd.Timestamp("2026-06-01")
    sales = pd.DataFrame({"customer_id": ["a"], "at": [pd.Timestamp("2026-06-20")], "amount": [5.0]})
    tables = Tables(contacts=ibis.memtable(table), transactions=money(sales))
    early = outcomes(tables, Options(dt.date(2026, 6, 10), window_days=30)).to_pandas()
    assert (early["bought"].item(), early["days_seen"].item()) == (0, 9)


def test_who_was_drawn_into_both_arms_is_left_out_and_a_repeat_counts_once():
    rows = [("m", "a", "treated", 1), ("m", "a", "control", 1), ("m", "b", "treated", 1), ("m", "b", "treated", 0)]
    told = outcomes(Tables(contacts=contacts(rows)), OPTIONS)
    arms = arms_of(told)["m"]
    assert list(arms) == [(True, "")]
    assert arms[True, ""].n == 1


def test_contacts_without_a_customer_are_people_of_their_own():
    told = outcomes(
        Tables(
            contacts=contacts([("m", None, "treated", 1), ("m", None, "treated", 0), ("m", "a", "treated", 0)])
        ),
        OPTIONS,
    )
    assert arms_of(told)["m"][True, ""].n == 3


def arm(n, k, spent=None, seed=0):
    rng = np.random.default_rng(seed)
    return Arm(n, k, spent=np.sort(rng.gamma(2, 50, k)) if spent is None else spent)


def one(treated, control, options=OPTIONS, **more):
    return uplifts({"m": {(True, ""): treated, (False, ""): control}}, options, **more)[0]


def test_a_clear_rise_is_proven_and_priced():
    u = one(arm(1000, 200), arm(1000, 100, seed=1), money=Money(0.5, {"m": 1000.0}))
    assert u.verdict == "proven"
    assert u.bought.value == pytest.approx(0.1)
    assert u.extra_buyers.value == pytest.approx(100)
    assert u.profit.value == pytest.approx(u.revenue.value * 1000 * 0.5 - 1000)
    assert u.profit.low == pytest.approx(u.revenue.low * 1000 * 0.5 - 1000)


def test_what_is_not_proven_says_what_could_have_been():
    u = one(arm(540, 54), arm(200, 19))
    assert u.verdict == "unproven"
    assert u.detectable > 0.03
    assert u.n_needed > 540


def test_many_tests_are_judged_together():
    found = {f"m{i}": {(True, ""): arm(500, 80), (False, ""): arm(500, 60)} for i in range(10)}
    alone = one(arm(500, 80), arm(500, 60))
    among = uplifts(found, OPTIONS)[0]
    assert alone.verdict == "proven"
    assert among.verdict == "likely"
    assert among.bought == alone.bought
    assert among.joint.low < alone.bought.low


@pytest.mark.parametrize(
    ("treated", "control", "why"),
    [
        (arm(100, 10), Arm(0, 0), "no control"),
        (Arm(0, 0), arm(100, 10), "no treated"),
        (arm(100, 10), arm(29, 3), "few"),
    ],
)
def test_a_test_that_can_not_be_read_says_why_and_nothing_else(treated, control, why):
    arms = {k: a for k, a in {(True, ""): treated, (False, ""): control}.items() if a.n}
    u = uplifts({"m": arms}, OPTIONS)[0]
    assert u.why == why
    assert not u.bought
    assert u.verdict == ""


def test_arms_that_did_not_come_out_as_planned_stop_the_test():
    planned = Options(AS_OF, control_share=0.25)
    assert one(arm(750, 90), arm(250, 20), planned).readable
    broken = one(arm(750, 90), arm(400, 20), planned)
    assert broken.why == "mismatch"
    assert broken.p_ratio < 0.001
    assert not broken.bought


@pytest.mark.parametrize(("k", "odd"), [(100, "all bought"), (0, "none bought")])
def test_all_or_none_bought_is_said_and_gives_an_interval_around_zero(k, odd):
    u = one(Arm(100, k, spent=np.full(k, 5.0)), Arm(100, k, spent=np.full(k, 5.0)))
    assert odd in u.oddities
    assert u.bought.low < 0 < u.bought.high
    assert not u.revenue
    assert u.verdict == "unproven"


def test_variants_share_one_hold_out_and_stand_beside_their_campaign():
    found = uplifts(
        {"m": {(True, "x"): arm(300, 30), (True, "y"): arm(300, 60), (False, ""): arm(300, 30)}}, OPTIONS
    )
    assert [(u.variant, u.n_treated, u.n_control) for u in found] == [
        ("", 600, 300),
        ("x", 300, 300),
        ("y", 300, 300),
    ]
    assert frame(found)["variant"].tolist() == ["", "x", "y"]


def test_held_out_people_whom_another_campaign_reached_are_counted():
    rows = [("m1", "a", "control"), ("m1", "b", "control"), ("m2", "a", "treated"), ("m2", "b", "control")]
    table = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm"])
    table["assigned_at"] = pd.to_datetime(["2026-06-01", "2026-06-01", "2026-06-10", "2026-06-10"])
    table["orders"] = 0
    found = evaluation(Tables(contacts=ibis.memtable(table)), OPTIONS)
    by = {u.campaign_id: u for u in found.uplifts}
    assert (by["m1"].n_contaminated, by["m2"].n_contaminated) == (1, 0)
    assert "overlap" in by["m1"].oddities


def test_independent_estimates_add_up_and_average():
    a, b = Interval(10.0, 7.0, 13.0, 5), Interval(20.0, 16.0, 24.0, 7)
    assert summed([a, b]) == Interval(30.0, 25.0, 35.0, 12)
    assert summed([]).value is None
    both = weighted([a, b])
    assert 10 < both.value < 15
    assert both.high - both.low < 6
