"""The campaign page in words: findings, refusals, hostile names, and nothing that is not a number."""

import datetime as dt
import re
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import campaigns
from crm_lib.analysis.campaigns import Felt, Options, Tables
from crm_lib.analysis.intervals import Interval, nothing
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import PublishedFigure, Scale
from crm_lib.show import campaigns as say
from crm_lib.show.campaigns import feeling
from crm_lib.theme import words

AS_OF = dt.date(2026, 10, 31)
PARTS = (
    "headline",
    "brought",
    "credit",
    "paid",
    "budget",
    "under_way",
    "path",
    "participation",
    "discounts",
    "targets",
)


@pytest.fixture(autouse=True, scope="module")
def _euros():
    words.use(currency="EUR")
    yield
    words.use()


def text(part):
    """What a reader reads, tags and pictures taken out."""
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"data:image[^\"']+", "", part.html))
    return " ".join(re.sub("[\u2068\u2069]", "", bare.replace("\N{NO-BREAK SPACE}", " ")).split())


def people(n, k, arm, campaign="m1", first=0, seed=1):
    rng = np.random.default_rng(seed)
    spend = rng.gamma(2, 50, n).round(2)
    return pd.DataFrame(
        {
            "campaign_id": campaign,
            "customer_id": [f"c{first + i}" for i in range(n)],
            "assigned_at": pd.Timestamp("2026-06-01"),
            "arm": arm,
            "orders": [1] * k + [0] * (n - k),
            "revenue_amount": np.where(np.arange(n) < k, spend, 0.0),
        }
    )


def evaluation(frame, name="Mail", cost=100.0, **choices):
    sent = ibis.memtable(frame).mutate(revenue_amount=ibis._.revenue_amount.cast("decimal(18,2)"))
    ids = sorted(frame["campaign_id"].unique())
    roster = pd.DataFrame({"campaign_id": ids, "name": [name, *ids[1:]], "status": "settled"})
    spent = pd.DataFrame({"campaign_id": ids, "kind": "actual", "category": "promotion", "amount": cost})
    spent = ibis.memtable(spent).mutate(amount=ibis._.amount.cast("decimal(18,2)"))
    tables = Tables(
        campaigns=ibis.memtable(roster), contacts=sent, campaign_costs=spent if cost is not None else None
    )
    return campaigns.evaluation(tables, Options(AS_OF, margin_share=0.4, **choices))


def whole(found):
    parts = [getattr(say, name)(found) for name in PARTS]
    return " ".join(text(p) for p in [*parts, say.trust(found), say.next_steps(found)])


@pytest.fixture(scope="module")
def good():
    return evaluation(pd.concat([people(600, 120, "treated"), people(400, 40, "control", first=600, seed=2)]))


def test_money_and_the_gap_come_first_with_interval_and_n(good):
    said = text(say.headline(good))
    assert said.startswith("Profit that campaigns brought €")
    assert "90 %: " in said
    assert "n = 1,000" in said
    assert "Would have bought anyway 50 %" in said
    assert "of the 120 buyers whom attribution credits" in said
    assert "Proven to have brought orders, also when all tests are judged together: “Mail”." in said


def test_the_gap_is_the_title_of_the_credit_section(good):
    assert text(say.credit(good)).startswith("About 5 of 10 credited buyers would have come anyway")


def test_the_table_of_tests_says_both_arms_and_the_verdict(good):
    said = text(say.brought(good))
    assert "✓ proven" in said
    assert "600 / 400" in said
    assert "20.0 % / 10.0 %" in said
    (u,) = good.tested
    assert f"+10.0 points ({100 * u.bought.low:.1f} to {100 * u.bought.high:.1f})" in said


def test_steps_say_what_to_repeat(good):
    assert "Repeat “Mail” : it brought about €" in text(say.next_steps(good))


def test_the_index_gets_one_line_and_every_figure_has_words(good):
    made = say.publication(good)
    check_publication(made)
    assert made.summary.startswith("1 tested campaign brought €")
    assert [f.name for f in made.figures if not f.words] == []
    assert made["incremental_profit"].unit == "EUR"


def test_a_campaign_that_is_not_proven_says_what_could_have_been():
    found = evaluation(pd.concat([people(300, 33, "treated"), people(200, 20, "control", first=300)]), cost=9000.0)
    said = whole(found)
    assert "◌ not proven" in said
    assert "could only have proven a rise of +" in said
    assert "No single campaign is proven to have brought orders" in said
    assert "Don't repeat “Mail” as it is" in said.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("frame", "choices", "words_found"),
    [
        (people(300, 30, "treated"), {}, "“Mail”: nobody was held out"),
        (people(300, 30, "control"), {}, "“Mail”: everybody was held out and nobody was contacted"),
        (
            pd.concat([people(300, 30, "treated"), people(20, 2, "control", first=300)]),
            {},
            "“Mail”: fewer than 30 people in an arm",
        ),
        (
            pd.concat([people(300, 30, "treated"), people(300, 30, "control", first=300)]),
            {"control_share": 0.25},
            "the arms did not come out as planned",
        ),
        (
            pd.concat([people(100, 100, "treated"), people(100, 100, "control", first=100)]),
            {},
            "everybody bought in both arms",
        ),
        (
            pd.concat([people(100, 0, "treated"), people(100, 0, "control", first=100)]),
            {},
            "nobody bought in either arm",
        ),
        (
            pd.concat([people(100, 9, "treated"), people(100, 9, "control", first=99)]),
            {},
            "1 customer was drawn into both arms of one campaign and is left out",
        ),
        (
            pd.concat(
                [
                    people(100, 9, "treated"),
                    people(100, 9, "control", first=100),
                    people(50, 9, "treated", "m2", first=150),
                    people(50, 9, "control", "m2", first=300),
                ]
            ),
            {},
            "Hold-outs overlap: 50 people held out got another campaign in the same weeks (“Mail”)",
        ),
    ],
)
def test_odd_arms_are_said_in_words_and_make_a_page(frame, choices, words_found):
    found = evaluation(frame, **choices)
    said = whole(found)
    assert words_found in said
    assert words_found in " ".join(re.sub("[\u2068\u2069]", "", note) for note in say.publication(found).notes)
    assert not {"nan", "None", "inf", "NaN"} & set(said.split())


def test_without_cost_nobody_says_that_it_paid():
    found = evaluation(pd.concat([people(300, 60, "treated"), people(200, 20, "control", first=300)]), cost=None)
    said = whole(found)
    assert "“Mail”: no cost is recorded, so nobody can say whether it paid." in said
    assert "Sales that campaigns brought" in said
    assert "No cost of a campaign is recorded, so return on it can't be told." in said.replace("&#39;", "'")


def test_a_campaign_without_contacts_says_what_is_missing():
    roster = pd.DataFrame({"campaign_id": ["m1"], "name": ["Posters"], "status": ["settled"]})
    found = campaigns.evaluation(Tables(campaigns=ibis.memtable(roster)), Options(AS_OF))
    said = whole(found)
    assert "“Posters”: nobody it reached is named" in said
    assert "No contacts are recorded, so what a campaign brought can't be measured." in said.replace("&#39;", "'")
    assert not {"nan", "None", "inf"} & set(said.split())
    assert say.publication(found).summary == "No campaign held anybody out, so what they brought can't be told."


def test_typed_names_stay_text():
    hostile = '<script>alert("x")</script> **bold** =1+1'
    found = evaluation(pd.concat([people(100, 50, "treated"), people(100, 9, "control", first=100)]), name=hostile)
    parts = [getattr(say, name)(found).html for name in PARTS] + [
        say.next_steps(found).html,
        say.trust(found).html,
    ]
    assert not any("<script>" in html for html in parts)
    assert any("&lt;script&gt;" in html for html in parts)


def test_published_numbers_stand_beside_those_computed_here(good):
    entry = PublishedFigure("campaigns", "m1_n", 600, 0, "a paper", "People contacted")
    said = text(say.trust(good, [entry]))
    assert "People contacted (a paper) 600 600 ✓ agrees" in said


def aims(n_quarters, per_quarter=40):
    """A source with a year's target for satisfaction that runs, and answers of so many quarters."""
    end = pd.Timestamp(AS_OF)
    days = [end - pd.Timedelta(days=91 * k + j % 91) for k in range(n_quarters) for j in range(per_quarter)]
    ids = [f"r{i}" for i in range(len(days))]
    said = pd.DataFrame({"response_id": ids, "asked_at": days, "answered_at": days})
    rng = np.random.default_rng(3)
    rated = pd.DataFrame({"response_id": ids, "aspect": "all", "expected": 5.0})
    rated["perceived"] = 5.0 * rng.uniform(0.9, 1.1, len(ids))
    goal = pd.DataFrame({"metric": ["satisfaction"], "value": [1.0], "unit": ["ratio"]})
    goal = goal.assign(period_start=dt.date(2026, 9, 1), period_end=dt.date(2027, 2, 28))
    roster = pd.DataFrame({"campaign_id": ["m1"], "name": ["Posters"], "status": ["settled"]})
    tables = {"campaigns": roster, "surveys": said, "survey_items": rated, "targets": goal}
    found = Tables(**{name: ibis.memtable(frame) for name, frame in tables.items()})
    return campaigns.evaluation(found, Options(AS_OF, item_scale=Scale(0, 10)))


def test_a_running_target_says_what_came_so_far_and_how_it_was_projected():
    said = text(say.targets(aims(8)))
    assert "So far" in said
    assert re.search(r"Satisfaction Sep 2026 to Feb 2027 1\.00 \S+ \([^)]+\) \S+ \([^)]+\) ◐", said)
    assert "the level and the trend of the last quarters go on" in said


def test_a_target_that_can_not_be_projected_says_what_it_takes():
    said = text(say.targets(aims(4)))
    assert "◌ can't be projected" in said.replace("&#39;", "'")
    assert "two years of sales, or six quarters of answers" in said


def test_the_change_of_satisfaction_has_an_interval_or_is_refused(good):
    told = Felt(Interval(1.02, 1.0, 1.04, 200), Interval(0.98, 0.95, 1.01, 90))
    said = feeling.felt(replace(good, felt=told)).replace("\u2068", "").replace("\u2069", "")
    assert "difference: **+0.04** (0.00 to 0.08)" in said
    assert told.difference.n == 90
    few = replace(good, felt=Felt(Interval(1.02, 1.0, 1.04, 200), nothing(17)))
    assert "only 17 answers" in feeling.felt(few)
    assert not few.felt.difference
