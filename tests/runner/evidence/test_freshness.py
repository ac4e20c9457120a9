import json

import pytest

from crm_lib.contract import topics
from crm_lib.runner.evidence import freshness, verdict


def document(last_on, as_of="2026-10-31", topic="clv"):
    return {
        "topic": topic,
        "figures": [{"name": "n"}],
        "notes": ["one"],
        "about": {"as_of": as_of, "last_on": last_on},
    }


@pytest.mark.parametrize(
    ("last_on", "fresh_days", "stale"),
    [
        ({"transactions": "2026-10-30"}, 1, False),
        ({"transactions": "2026-10-29"}, 1, True),
        ({"transactions": "2026-10-31"}, 0, False),
        ({"transactions": "2020-01-01"}, None, False),
        ({"transactions": None}, 7, False),
        ({}, 7, False),
    ],
)
def test_data_are_stale_when_the_newest_row_is_too_old_for_the_date_of_the_report(last_on, fresh_days, stale):
    assert bool(freshness.stale(document(last_on), fresh_days)) == stale


def test_a_survey_of_yesterday_does_not_make_old_transactions_fresh():
    old = {"transactions": "2026-01-01", "surveys": "2026-10-30", "products": None}
    assert freshness.stale(document(old), 7).startswith("The newest row of transactions is of 1 January 2026")


@pytest.mark.parametrize(
    ("topic", "last_on", "named"),
    [
        ("satisfaction", {"surveys": "2026-10-31", "transactions": "2026-01-01"}, None),  # useful, not needed
        ("satisfaction", {"surveys": "2026-01-01", "transactions": "2026-10-31"}, "surveys"),
        ("campaigns", {"contacts": "2026-10-31", "campaigns": "2026-01-01"}, None),
        ("campaigns", {"contacts": "2026-01-01", "campaigns": "2026-10-31"}, "contacts"),
        ("campaigns", {"campaigns": "2026-01-01", "transactions": "2026-10-31"}, "campaigns"),
        ("segmentation", {"transactions": "2026-01-01", "customer_summaries": None}, "transactions"),
        ("segmentation", {"customer_summaries": None, "surveys": "2026-01-01"}, None),  # summaries have no day
        ("a_topic_that_is_in_no_catalogue", {"transactions": "2026-01-01"}, None),
    ],
)
def test_a_topic_is_judged_by_the_tables_that_it_stands_on(topic, last_on, named):
    said = freshness.stale(document(last_on, topic=topic), 7)
    assert said.startswith(f"The newest row of {named} is") if named else said == ""


def test_of_several_tables_that_a_topic_needs_the_oldest_counts(monkeypatch):
    both = topics.Topic("both", "Both", "Both?", needs=(("transactions", "surveys"),))
    monkeypatch.setitem(topics.TOPICS, "both", both)
    ends = {"transactions": "2026-10-30", "surveys": "2026-01-01"}
    assert freshness.stale(document(ends, topic="both"), 7).startswith("The newest row of surveys is of 1 January")


def test_the_sentence_says_what_is_known_and_what_is_allowed():
    said = freshness.stale(document({"transactions": "2026-10-01"}), 7)
    assert said == (
        "The newest row of transactions is of 1 October 2026, 30 days before the date of this report; "
        "at most 7 days are allowed."
    )


def test_it_is_written_before_the_notes_and_makes_the_state(tmp_path):
    settled = freshness.settle(tmp_path, document({"transactions": "2026-10-01"}), 7)
    assert json.loads((tmp_path / "clv.figures.json").read_text(encoding="utf-8")) == settled
    assert settled["notes"] == [settled["stale"], "one"]
    assert settled["alerts"] == [settled["stale"]]


def test_fresh_data_leave_the_publication_alone(tmp_path):
    fresh = document({"transactions": "2026-10-31"})
    assert freshness.settle(tmp_path, fresh, 7) is fresh
    assert freshness.settle(tmp_path, None, 7) is None
    assert list(tmp_path.iterdir()) == []


def test_stale_data_give_a_page_and_an_exit_code_of_their_own():
    found = verdict.Verdict(verdict.STALE, "old", verdict.EXIT_STALE)
    assert found.good
    assert verdict.gravest([0, found.exit_code]) == 3
