import dataclasses
import datetime as dt
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis.action_plan import gain, loop
from crm_lib.contract.lists import Change, StoredPlan, TargetLists
from crm_lib.contract.settings import Play

PLANNED, SENT_ON = dt.date(2026, 10, 31), dt.date(2026, 11, 2)
UNTIL = SENT_ON + dt.timedelta(days=42)
AFTER = dt.date(2027, 1, 31)


def stored(rows, *states, days=42):
    """A stored plan with one list `mail` of (customer, arm) rows, in these states."""
    members = pd.DataFrame(rows, columns=["customer_id", "arm"]).assign(
        list="mail", owner="", channel="e-mail", gain=5.0, worth=50.0, reason=""
    )
    members["contact_cost"] = np.where(members["arm"] == "treated", 2.0, 0.0)
    changes = tuple(Change("mail", s, SENT_ON.isoformat(), f"{SENT_ON}T09:00:00", "Li") for s in states)
    lists = TargetLists(PLANNED, members, {"mail": {"n": len(members)}})
    return StoredPlan(lists, changes, Path("lists"), {"outcome_days": days})


def arms(n_treated, n_control):
    return [(f"t{i:05}", "treated") for i in range(n_treated)] + [
        (f"c{i:05}", "control") for i in range(n_control)
    ]


def orders(*rows):
    """Transactions of (customer, day, amount)."""
    ids, at, amount = zip(*rows, strict=True)
    times = pa.array([dt.datetime.combine(day, dt.time(12)) for day in at], pa.timestamp("us"))
    money = pa.array([float(x) for x in amount]).cast(pa.decimal128(18, 2))
    return ibis.memtable(pa.table({"customer_id": list(ids), "at": times, "amount": money}))


def test_only_orders_within_the_window_count_and_days_are_merged():
    one = "t00000"
    rows = [(one, SENT_ON, 9), (one, SENT_ON + dt.timedelta(1), 10), (one, UNTIL, 20), (one, UNTIL, 5),
            ("t00001", UNTIL + dt.timedelta(1), 70), ("stranger", UNTIL, 1), ("c00000", UNTIL, -4)]  # fmt: skip
    found = loop.outcomes(orders(*rows), pd.Series(["t00000", "t00001", "c00000"]), SENT_ON, UNTIL)
    assert found["n_orders"].tolist() == [2, 0, 0]
    assert found["amount"].tolist() == [35.0, 0.0, -4.0]


def test_a_list_is_measured_against_its_hold_out():
    plan = stored(arms(100, 50), "approved", "sent")
    bought = [(f"t{i:05}", UNTIL, 100) for i in range(30)] + [(f"c{i:05}", UNTIL, 100) for i in range(5)]
    (found,) = loop.results([plan], orders(*bought), AFTER, 0.5, 42).lists
    assert found.uplift.value == pytest.approx(0.3 - 0.1)
    assert found.revenue.value == pytest.approx(30 - 10)
    assert found.profit.value == pytest.approx(0.5 * 100 * 20 - 200)
    assert (found.cost, found.expected, found.verdict) == (200.0, 500.0, "keep")


def test_a_settled_cost_replaces_the_planned_one():
    plan = stored(arms(40, 40), "approved", "sent")
    settled = Change("mail", "settled", AFTER.isoformat(), f"{AFTER}T09:00:00", "Li", 333.0)
    plan = dataclasses.replace(plan, changes=(*plan.changes, settled))
    (found,) = loop.results([plan], orders(("x", UNTIL, 1)), AFTER, 0.5, 42).lists
    assert found.cost == 333.0


@pytest.mark.parametrize(
    ("states", "as_of", "n", "why"),
    [
        ((), AFTER, 50, "not_sent"),
        (("approved",), AFTER, 50, "not_sent"),
        (("approved", "sent"), UNTIL - dt.timedelta(1), 50, "too_early"),
        (("approved", "sent"), AFTER, 29, "too_few"),
    ],
)
def test_what_can_not_be_measured_says_why(states, as_of, n, why):
    found = loop.results([stored(arms(50, n), *states)], orders(("x", UNTIL, 1)), as_of, 0.5, 42)
    assert [m.why_not for m in found.lists] == [why]
    assert not found.profit
    assert found.of("mail") == []


def test_lists_in_flight_are_live_and_measured_ones_are_not():
    sent = stored(arms(2, 1), "approved", "sent")
    during, after = (loop.live_lists([sent], day, 42)[0] for day in (UNTIL - dt.timedelta(1), AFTER))
    assert during["live"].tolist() == [1, 1, 1]
    assert after["live"].tolist() == [0, 0]
    (waiting,) = loop.live_lists([stored(arms(2, 1), "approved")], AFTER, 42)
    assert waiting["live"].tolist() == [1, 1, 1]
    assert loop.live_lists([stored(arms(2, 1))], AFTER, 42) == []


def test_a_play_that_loses_money_is_stopped():
    plan = stored(arms(2000, 2000), "approved", "sent")
    (found,) = loop.results([plan], orders(("x", UNTIL, 1)), AFTER, 0.5, 42).lists
    assert found.verdict == "stop"


def test_the_expected_uplift_moves_by_precision_and_shrinks_towards_what_was_assumed():
    before = gain.prior(Play("mail", channel="e-mail", uplift=0.04))
    assert (before.low, before.high) == pytest.approx((0.0, 0.08))
    vague, sharp = (gain.updated(before, [(0.10, se)]) for se in (0.2, 0.002))
    assert 0.04 < vague.value < 0.042
    assert sharp.value == pytest.approx(0.10, abs=0.001)
    assert sharp.sd < before.sd
    assert gain.updated(before, []) == before


def test_a_measured_prior_keeps_its_bounds():
    told = gain.prior(Play("mail", uplift=0.05, uplift_low=0.03, uplift_high=0.07, uplift_source="campaign M09"))
    assert (told.low, told.high, told.source) == (pytest.approx(0.03), pytest.approx(0.07), "measured")


def test_independent_lists_add_up_with_squared_half_widths():
    assert gain.summed([(10, 7, 14), (5, 1, 8)]) == pytest.approx((15, 10, 20))
    assert gain.summed([]) == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_the_true_effect_lies_in_its_interval_as_often_as_it_should():
    """Planned, sent and measured 1,000 times in memory: uplift, profit of a list and of three lists together."""
    rng = np.random.default_rng(20261121)
    truth = {"a": (0.06, 300, 120), "b": (0.0, 200, 200), "c": (0.03, 700, 150)}
    base, margin, cost, hits = 0.12, 0.45, 2.0, []
    plans = {(n, m): stored(arms(n, m), "approved", "sent") for _uplift, n, m in truth.values()}
    for _ in range(1000):
        measured, true_profit, inside = [], 0.0, []
        for uplift, n_treated, n_control in truth.values():
            plan = plans[n_treated, n_control]
            members = plan.lists.members
            is_treated = (members["arm"] == "treated").to_numpy()
            n_orders = (rng.random(len(members)) < base).astype(int)
            n_orders += is_treated & (rng.random(len(members)) < uplift)
            amount = np.where(n_orders > 0, n_orders * rng.gamma(1.15, 1500, len(members)), 0.0)
            rows = pd.DataFrame({"customer_id": members["customer_id"], "n_orders": n_orders, "amount": amount})
            found = loop.measure(members, rows, margin, plan, "mail", (SENT_ON, UNTIL))
            profit = n_treated * (margin * uplift * 1.15 * 1500 - cost)
            rise = uplift * (1 - base)
            inside += [
                found.uplift.low <= rise <= found.uplift.high,
                found.profit.low <= profit <= found.profit.high,
            ]
            measured.append((found.profit.value, found.profit.low, found.profit.high))
            true_profit += profit
        _value, low, high = gain.summed(measured)
        hits.append([*inside, low <= true_profit <= high])
    covered = np.mean(hits, axis=0)
    assert (covered > 0.87).all(), covered
    assert (covered < 0.93).all(), covered
