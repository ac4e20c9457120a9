import dataclasses
import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import action_plan
from crm_lib.analysis.action_plan import facts, plays
from crm_lib.analysis.action_plan.people import people
from crm_lib.contract.publication import Figure, Publication, check_publication
from crm_lib.contract.settings import Channel, Condition, Guard, PlanSettings, Play
from crm_lib.errors import ConfigError, NotEnoughData

TODAY = dt.date(2026, 10, 31)
OPEN = Guard(global_holdout_share=0.0, after_purchase_days=0)
MAIL = Play("mail", channel="e-mail", cost=1.0, uplift=0.1)


def bought(*rows):
    """Transactions of (customer, days ago, amount[, product, cost])."""
    full = [(*row, *("P1", 0.0)[len(row) - 3 :]) for row in rows]
    frame = pd.DataFrame(full, columns=["customer_id", "ago", "amount", "product_id", "cost_amount"])
    at = pd.Timestamp(TODAY) - pd.to_timedelta(frame["ago"], unit="D")
    table = pa.table(
        {
            "customer_id": frame["customer_id"].astype("str"),
            "at": pa.array(at.to_list(), pa.timestamp("us")),
            "amount": pa.array(frame["amount"].astype(float)).cast(pa.decimal128(18, 2)),
            "product_id": frame["product_id"].astype("str"),
            "category": frame["product_id"].astype("str").str.lower(),
            "cost_amount": pa.array(frame["cost_amount"].astype(float)).cast(pa.decimal128(18, 2)),
        }
    )
    return ibis.memtable(table)


def people_of(ids, **columns):
    """A table of customers; all have consented unless told otherwise."""
    given = {"consent": [True] * len(ids), "unsubscribed_on": pa.nulls(len(ids), pa.date32())} | columns
    return ibis.memtable(pa.table({"customer_id": list(ids), **given}))


def settings(*named, guard=OPEN, **channels):
    there = channels or {"e-mail": Channel()}
    return PlanSettings(plays=named, channels=there, guard=guard)


def planned(tables, how=None, **more):
    return action_plan.plan(tables, as_of=TODAY, settings=how or settings(MAIL), **more)


def many(n=200, amount=100.0):
    ids = [f"c{i:04}" for i in range(n)]
    rows = [(c, 20 + i % 300, amount + i, "P1", 0.4 * (amount + i)) for i, c in enumerate(ids)]
    return action_plan.Tables(transactions=bought(*rows), customers=people_of(ids))


def published(topic="segmentation", figures=(), **columns):
    return {topic: Publication(topic, tuple(figures), {"customers": pd.DataFrame(columns)})}


# ------------------------------------------------------------------- the one customer table


def test_totals_agree_to_the_cent_with_what_was_published():
    told = published(
        figures=[Figure("amount", 30.30, "money"), Figure("segment_best_amount", 20.20, "money")],
        customer_id=["a", "b"], amount=[20.20, 10.10], segment=["best", "passing_by"],
    )  # fmt: skip
    found = people(bought(("a", 5, 20.20), ("b", 9, 10.10)), None, TODAY, told)
    assert all(check.agrees for check in found.checks)
    assert {check.part for check in found.checks} == {"", "page", "best"}
    assert found.amount == 30.30
    assert found.customers["segment"].tolist() == ["best", "passing_by"]
    assert found.joined == ("segmentation",)


def test_a_publication_made_from_other_data_is_left_out_by_one_cent():
    told = published(customer_id=["a"], amount=[20.21], segment=["best"])
    found = people(bought(("a", 5, 20.20)), None, TODAY, told)
    assert found.unlike == ("segmentation",)
    assert "segment" not in found.customers


def test_missing_topics_are_named():
    found = people(bought(("a", 5, 20.0)), None, TODAY, {"clv": None})
    assert set(found.absent) == {"segmentation", "clv", "retention", "satisfaction", "campaigns"}


def test_a_table_of_some_customers_is_joined_and_the_others_stay_empty():
    told = published("satisfaction", customer_id=["b"], satisfaction=[1.1])
    found = people(bought(("a", 5, 20.0), ("b", 5, 20.0)), None, TODAY, told)
    assert found.customers["satisfaction"].isna().tolist() == [True, False]


def test_without_retention_the_stage_follows_from_silence():
    rows = [("one", 20, 1), ("two", 20, 1), ("two", 40, 1), ("late", 200, 1), ("gone", 500, 1), ("lost", 900, 1)]
    found = people(bought(*rows), None, TODAY, {})
    assert dict(zip(found.customers["customer_id"], found.customers["stage"], strict=True)) == {
        "gone": "to_win_back", "late": "at_risk", "lost": "lost", "one": "won", "two": "kept",
    }  # fmt: skip


def test_a_source_without_orders_is_refused_in_words():
    with pytest.raises(NotEnoughData, match="nobody to plan for"):
        planned(action_plan.Tables(transactions=bought(("a", 5, -20.0))))


def test_summaries_stand_in_for_transactions():
    table = ibis.memtable(
        pa.table({"customer_id": ["a", "b"], "days_since_last": [5, 9], "n_orders": [2, 0], "amount": [10.0, 0.0]})
    )
    made = planned(action_plan.Tables(summaries=table, customers=people_of(["a", "b"])))
    assert made.customers["customer_id"].tolist() == ["a"]


# ------------------------------------------------------------------- plays


def test_conditions_hold_for_values_bounds_and_flags():
    values = pd.Series([1.0, 5.0, np.nan])
    assert plays.holds(values, Condition("x", at_least=2)).tolist() == [False, True, False]
    assert plays.holds(values, Condition("x", at_most=1)).tolist() == [True, False, False]
    assert plays.holds(pd.Series(["A", None]), Condition("x", any_of=("A",))).tolist() == [True, False]
    assert plays.holds(pd.Series([True, False]), Condition("x", any_of=("true",))).tolist() == [True, False]


def test_of_several_plays_only_the_first_priority_counts():
    frame = pd.DataFrame({"days_since_last": [5, 50]})
    first = Play("a", priority=1, when=(Condition("days_since_last", at_most=10),))
    assert plays.fits(frame, [first, Play("b"), Play("c")]).tolist() == [[True, False, False], [False, True, True]]


def test_bought_one_and_not_yet_the_other():
    rows = (("a", 50, 9, "P1"), ("b", 50, 9, "P1"), ("b", 40, 9, "P2"), ("c", 50, 9, "P2"))
    tables = dataclasses.replace(
        many(0), transactions=bought(*rows),
        customers=people_of(["a", "b", "c"]),
    )  # fmt: skip
    how = settings(dataclasses.replace(MAIL, bought="p1", not_yet="P2", cost=0.0))
    assert planned(tables, how).members["customer_id"].tolist() == ["a"]


def test_what_was_given_back_was_not_bought():
    tables = action_plan.Tables(
        transactions=bought(("a", 50, 9, "P1"), ("a", 40, 5, "P2"), ("a", 30, -5, "P2")),
        customers=people_of(["a"]),
    )
    how = settings(dataclasses.replace(MAIL, not_yet="P2", cost=0.0))
    assert len(planned(tables, how).members) == 1


@pytest.mark.parametrize(
    ("play", "why", "topic"),
    [
        (dataclasses.replace(MAIL, cost=None), "cost", ""),
        (dataclasses.replace(MAIL, channel="pigeon"), "channel", ""),
        (dataclasses.replace(MAIL, when=(Condition("segment", any_of=("best",)),)), "column", "segmentation"),
        (dataclasses.replace(MAIL, when=(Condition("shoe_size", at_least=1),)), "column", ""),
    ],
)
def test_a_play_that_lacks_something_is_not_played_and_says_what(play, why, topic):
    made = planned(many(5), settings(play))
    assert made.members.empty
    assert [(u.why, u.topic) for u in made.unplayable] == [(why, topic)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (settings(MAIL, MAIL), "two plays"),
        (settings(dataclasses.replace(MAIL, name="a/b")), "letters, digits"),
        (settings(dataclasses.replace(MAIL, cost=-1.0)), "negative"),
        (settings(dataclasses.replace(MAIL, uplift=2.0)), "from -1 to 1"),
        (settings(dataclasses.replace(MAIL, uplift_low=0.2, uplift_high=0.3)), "between them"),
        (settings(dataclasses.replace(MAIL, ignores=("rain",))), "complaint, purchase"),
        (settings(MAIL, guard=Guard(global_holdout_share=1.5)), "hold-out is a share"),
        (settings(MAIL, guard=Guard(caps={"week": 1})), "days and contacts"),
        (settings(MAIL, **{"e-mail": Channel(budget=-5.0)}), "can't be negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_name(wrong, says):
    with pytest.raises(ConfigError, match=says):
        planned(many(5), wrong)


# ------------------------------------------------------------------- the guard


def test_without_a_consent_column_nobody_is_contacted():
    tables = dataclasses.replace(many(50), customers=None)
    made = planned(tables)
    assert made.members.empty
    assert not made.guarded.has_consent
    assert made.guarded.report.set_index("reason").loc["no_consent", "n"] == 50


def test_each_rule_protects_and_is_counted_once():
    ids = ["fine", "no", "gone", "busy", "often", "cross", "new", "unsaid"]
    ago = {"new": 2}
    consent = pa.array([i != "no" if i != "unsaid" else None for i in ids])
    gone = pa.array([dt.date(2026, 1, 1) if i == "gone" else None for i in ids], pa.date32())
    at = pa.array([dt.datetime(2026, 10, 30)] * 3, pa.timestamp("us"))
    contacts = pa.table({"customer_id": ["busy", "often", "fine"], "campaign_id": ["live", "old", "old"],
                         "assigned_at": at,
                         "arm": ["treated", "treated", "control"]})  # fmt: skip
    campaigns = pa.table(
        {"campaign_id": ["live", "old"], "ends_on": [dt.date(2026, 12, 1), dt.date(2026, 10, 30)]}
    )
    cases = pa.table({"customer_id": ["cross"], "kind": ["complaint"], "opened_at": at[:1]})
    tables = action_plan.Tables(
        transactions=bought(*((c, ago.get(c, 90), 50.0) for c in ids)),
        customers=people_of(ids, consent=consent, unsubscribed_on=gone),
        contacts=ibis.memtable(contacts), campaigns=ibis.memtable(campaigns), cases=ibis.memtable(cases),
    )  # fmt: skip
    made = planned(tables, settings(MAIL, guard=Guard(global_holdout_share=0.0)))
    reasons = dict(zip(made.customers["customer_id"], made.customers["reason"], strict=True))
    assert reasons.pop("fine") in ("chosen", "held_out")
    assert reasons == {"no": "no_consent", "unsaid": "no_consent", "gone": "unsubscribed", "busy": "in_campaign",
                       "often": "cap", "cross": "complaint", "new": "purchase"}  # fmt: skip
    assert made.guarded.report["n"].sum() == 7


def test_a_play_may_ignore_a_complaint_that_it_is_for():
    at = pa.array([dt.datetime(2026, 10, 20)], pa.timestamp("us"))
    cases = ibis.memtable(pa.table({"customer_id": ["a"], "kind": ["complaint"], "opened_at": at}))
    tables = action_plan.Tables(transactions=bought(("a", 90, 500.0)), customers=people_of(["a"]), cases=cases)
    recover = dataclasses.replace(
        MAIL, when=(Condition("days_since_complaint", at_most=60),), ignores=("complaint",)
    )
    assert len(planned(tables, settings(recover)).members) == 1
    assert planned(tables, settings(dataclasses.replace(recover, ignores=()))).members.empty


def test_the_global_hold_out_is_the_same_whoever_else_there_is():
    from crm_lib.analysis.action_plan.guard import in_global_holdout

    ids = pd.Series([f"c{i}" for i in range(2000)])
    whole = in_global_holdout(ids, 0.1)
    assert whole[:500].tolist() == in_global_holdout(ids[:500], 0.1).tolist()
    assert 0.08 < whole.mean() < 0.12


# ------------------------------------------------------------------- the plan


def test_a_play_without_a_channel_leaves_the_customer_alone():
    how = settings(Play("quiet", priority=1, when=(Condition("days_since_last", at_most=30),)), MAIL)
    made = planned(many(60), how)
    quiet = made.customers[made.customers["days_since_last"] <= 30]
    assert set(quiet["action"]) == {"quiet"}
    assert not set(quiet["customer_id"]) & set(made.members["customer_id"])


def test_a_rerun_and_another_order_of_rows_give_the_same_arms():
    first, again = planned(many()), planned(many())
    pd.testing.assert_frame_equal(first.members, again.members)
    assert not first.members.equals(planned(many(), seed=8).members)


def test_arms_do_not_depend_on_who_else_is_on_the_list():
    how = dataclasses.replace(settings(MAIL), holdout_least_share=0.3)
    few, all_ = planned(many(100), how).members, planned(many(200), how).members
    both = few.merge(all_, on="customer_id")
    assert (both["arm_x"] == both["arm_y"]).all()


def test_held_out_customers_cost_nothing_and_the_budget_is_kept_to_the_cent():
    how = settings(dataclasses.replace(MAIL, cost=3.33), **{"e-mail": Channel(budget=100.0)})
    made = planned(many(), how)
    treated = made.members["arm"] == "treated"
    assert made.members.loc[~treated, "contact_cost"].sum() == 0
    assert round(made.members["contact_cost"].sum(), 2) == made.account.cost == round(3.33 * treated.sum(), 2)
    assert made.account.cost <= 100
    assert treated.sum() == 30


@pytest.mark.parametrize("budget", [0.0, 0.99])
def test_a_budget_that_pays_no_contact_contacts_nobody(budget):
    made = planned(many(), settings(MAIL, **{"e-mail": Channel(budget=budget)}))
    assert made.members.empty
    assert set(made.customers["reason"]) == {"no_budget"}


def test_no_contact_is_proposed_that_costs_more_than_it_brings():
    made = planned(many(), settings(dataclasses.replace(MAIL, cost=1000.0)))
    assert made.members.empty
    assert set(made.customers["reason"]) == {"not_worth_it"}


def test_everyone_excluded_gives_an_empty_plan():
    tables = dataclasses.replace(
        many(40), customers=people_of([f"c{i:04}" for i in range(40)], consent=[False] * 40)
    )
    made = planned(tables)
    assert made.members.empty
    check_publication(action_plan.publication(made))


def test_margin_is_counted_from_costs_else_declared_else_unknown():
    rows = (("a", 10, 100.0, "P1", 60.0),)
    assert facts.margin(bought(*rows), TODAY, 0.9) == facts.Margin(0.4, "counted")
    bare = bought(*rows).drop("cost_amount")
    assert facts.margin(bare, TODAY, 0.9) == facts.Margin(0.9, "declared")
    assert facts.margin(bare, TODAY, None).used == 1.0


def test_expected_gain_is_uplift_times_margin_times_order_value_less_cost():
    tables = action_plan.Tables(transactions=bought(("a", 20, 100.0, "P1", 60.0)), customers=people_of(["a"]))
    made = planned(tables, settings(dataclasses.replace(MAIL, uplift=0.1, cost=1.5)))
    assert made.members["gain"].tolist() == [pytest.approx(0.1 * 0.4 * 100 - 1.5)]


def test_the_owner_is_the_customers_own_or_the_plays():
    tables = dataclasses.replace(
        many(4), customers=people_of([f"c{i:04}" for i in range(4)], owner=["Li", "Wu", None, "Li"])
    )
    assert sorted(planned(tables).members["owner"]) == ["", "Li", "Li", "Wu"]
    named = planned(tables, settings(dataclasses.replace(MAIL, owner="Desk")))
    assert set(named.members["owner"]) == {"Desk"}


def test_the_publication_holds_the_one_customer_table():
    told = action_plan.publication(planned(many()))
    check_publication(told)
    table = told.tables["customers"]
    assert table["customer_id"].is_unique
    assert {"eligible", "action", "reason", "stage", "days_since_last", "amount"} <= set(table.columns)
    counted = (table["reason"] == "chosen").sum()
    assert counted == next(f.value for f in told.figures if f.name == "n_contacts")
