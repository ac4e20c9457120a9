import dataclasses
import datetime as dt

import ibis
import pyarrow as pa
import pytest

from crm_lib.analysis import action_plan
from crm_lib.analysis.action_plan import Tables
from crm_lib.contract.lists import Change, StoredPlan
from crm_lib.contract.publication import Figure, Publication, check_publication
from crm_lib.contract.settings import Channel, Condition, Guard, PlanSettings, Play
from crm_lib.show import action_plan as say
from crm_lib.theme import words

TODAY = dt.date(2026, 10, 31)
LATER = dt.date(2027, 1, 31)
HOSTILE = "<script>alert(1)</script> **x**"
SECTIONS = (
    *(say.fixed, say.headline, say.at_stake, say.last_time, say.plays, say.budgets, say.peace),
    *(say.on_target, say.goes_with, say.trust, say.next_steps),
)


@pytest.fixture(autouse=True)
def english_dollars():
    words.use("en", "USD")
    yield
    words.use()


def tables(n=240, until=TODAY, consent=True, more=()):
    """Customers who ordered once, and (customer, day) orders on top."""
    ids = [f"c{i:04}" for i in range(n)]
    rows = [(c, TODAY - dt.timedelta(days=20 + i % 300), 100 + i) for i, c in enumerate(ids)]
    rows += [(c, day, 500) for c, day in more]
    who, at, money = zip(*[r for r in rows if r[1] <= until], strict=True)
    bought = {
        "customer_id": list(who),
        "at": pa.array([dt.datetime.combine(d, dt.time(9)) for d in at], pa.timestamp("us")),
        "amount": pa.array([float(m) for m in money]).cast(pa.decimal128(18, 2)),
        "product_id": [HOSTILE if i % 2 else "P2" for i in range(len(who))],
    }
    people = {"customer_id": ids, "owner": [HOSTILE] * n} | ({"consent": [True] * n} if consent else {})
    return Tables(transactions=ibis.memtable(pa.table(bought)), customers=ibis.memtable(pa.table(people)))


def settings(*more, **changed):
    mail = Play("mail", HOSTILE, channel="e-mail", offer=HOSTILE, cost=1.0, uplift=0.1,
                when=(Condition("days_since_last", at_most=900), Condition("n_orders", at_least=1)))  # fmt: skip
    return PlanSettings(
        plays=(dataclasses.replace(mail, **changed), *more),
        channels={"e-mail": Channel(150.0)},
        guard=Guard(global_holdout_share=0.0, after_purchase_days=0),
    )


def planned(found=None, how=None, as_of=TODAY, **more):
    return action_plan.plan(found or tables(), as_of=as_of, settings=how or settings(), **more)


def stored(result, *states):
    lists = say.lists(result)
    day = "2026-11-02"
    changes = tuple(Change("mail", s, day, f"{day}T09:00:00", HOSTILE) for s in states)
    return StoredPlan(lists, changes, None, {"outcome_days": 42})


def page(result):
    return "".join(section(result).html for section in SECTIONS)


def test_every_section_speaks_and_hostile_text_stays_text():
    told = page(planned())
    assert "<script" not in told
    assert "&lt;script&gt;" in told
    assert "nan" not in told.lower().replace("finance", "")
    assert "None" not in told


def test_the_headline_says_gain_interval_contacts_and_cost():
    told = say.headline(planned()).html
    assert "Expected gain of the contacts proposed" in told
    assert "90 %" in told.replace("\xa0", " ")
    assert "rests on assumptions" in told
    assert "No earlier plan is stored" in told


@pytest.mark.parametrize(
    ("found", "how", "says"),
    [
        (tables(consent=False), settings(), "Nobody is contacted: the source has no column consent"),
        (tables(), settings(cost=None), "No play of crm.toml can be played here"),
        (tables(), settings(cost=9999.0), "No contact is expected to bring more than it costs"),
        (tables(), settings(when=(Condition("n_orders", at_least=99),)), "No play fits any customer today"),
        (tables(), dataclasses.replace(settings(), plays=()), "names no plays for this source"),
        (tables(), dataclasses.replace(settings(), channels={"e-mail": Channel(0.0)}), "allow no contact at all"),
        (tables(), dataclasses.replace(settings(), guard=Guard(caps={"7": 0})), "Everyone whom a play fits is"),
    ],
)  # fmt: skip
def test_a_plan_that_contacts_nobody_says_why(found, how, says):
    result = planned(found, how)
    assert says in say.headline(result).html
    assert "nan" not in page(result).lower().replace("finance", "")
    told = say.publication(result)
    check_publication(told)
    assert told.summary == "Nobody is to be contacted."
    assert says in told.notes[0]


def test_what_a_play_lacks_stands_on_the_page():
    told = say.trust(
        planned(how=settings(Play("keep", channel="e-mail"), Play("warn", channel="smoke", cost=1.0)))
    ).html
    assert "crm.toml names no cost for it" in told
    assert "crm.toml names no channel" in told


def test_totals_that_differ_are_marked_and_left_out():
    import pandas as pd

    told = {"segmentation": Publication("segmentation", (), {"customers": pd.DataFrame(
        {"customer_id": ["c0000"], "amount": [1.0], "segment": ["best"]})})}  # fmt: skip
    shown = say.trust(planned(published=told)).html
    assert "✗ differs" in shown
    assert "Made from other data, and therefore left out here: Segments" in shown


def test_findings_of_other_reports_are_ranked_by_money():
    told = {
        "clv": Publication("clv", (Figure("at_risk_amount", 5e3, "USD", words="At risk"),), {}, "value"),
        "funnel": Publication("funnel", (Figure("stale_amount", 9e6, "USD", words="Stuck"),), {}, HOSTILE),
    }
    shown = say.at_stake(planned(published=told)).html
    assert shown.index("Sales funnel") < shown.index("Customer value")
    assert "<script" not in shown


def test_the_loop_is_told_from_list_to_result():
    first = planned()
    assert "judged 42 days after" in say.last_time(first).html
    waiting = planned(as_of=dt.date(2026, 11, 20), plans=[stored(first, "approved", "sent")])
    assert "14 December 2026" in say.last_time(waiting).html
    assert "is in a campaign that still runs" in say.peace(waiting).html
    assert not set(waiting.members["customer_id"]) & set(first.members["customer_id"])
    treated = first.members.loc[first.members["arm"] == "treated", "customer_id"]
    more = [(c, dt.date(2026, 11, 20)) for c in treated[:60]]
    after = planned(tables(until=LATER, more=more), as_of=LATER, plans=[stored(first, "approved", "sent")])
    told = say.last_time(after).html
    assert "All measured lists together brought" in told
    assert "Expected effects, before and now" in told
    assert "keep" in told
    assert "Keep “" in say.next_steps(after).html
    assert after.account.by_play["source"].tolist() == ["updated"]
    figures = {f.name for f in say.publication(after).figures}
    assert {"measured_profit", "measured_cost"} <= figures


def test_a_plan_that_was_approved_says_so():
    first = planned()
    again = planned(plans=[stored(first, "approved")])
    assert "were approved on 2 November 2026" in say.fixed(again).html
    assert again.members["arm"].tolist() == first.members["arm"].tolist()


def test_lists_hold_action_reason_and_offer_in_words():
    told = say.lists(planned())
    row = told.members.iloc[0]
    assert row["reason"].endswith("1 order so far")
    assert "last order" in row["reason"]
    assert set(told.members["arm_said"]) == {"contact", "do not contact: held out"}
    assert list(told.headings.values())[:3] == ["Customer", "Action", "Contact or hold out"]
    assert told.about["mail"]["n"] == len(told.members)


def test_without_a_margin_gains_are_called_revenue():
    assert "revenue, as no margin is known" in say.headline(planned()).html
    assert "profit" in say.headline(planned(margin_share=0.4)).html
