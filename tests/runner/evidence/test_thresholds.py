import json

import pytest

from crm_lib.contract.reporting import Threshold
from crm_lib.runner.evidence import thresholds


def document(value, unit="share", words="Win rate", topic="funnel", notes=()):
    figure = {"name": "win_rate", "value": value, "unit": unit, "words": words, "low": None, "high": None, "n": 9}
    return {"topic": topic, "figures": [figure], "notes": list(notes)}


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (0.21, Threshold(at_least=0.2), ""),
        (0.19, Threshold(at_least=0.2), "“Win rate” is 19.0 %; the threshold is at least 20 %."),
        (0.31, Threshold(at_most=0.3), "“Win rate” is 31 %; the threshold is at most 30 %."),
        (0.20, Threshold(at_least=0.2, at_most=0.2), ""),
        (None, Threshold(at_least=0.2), ""),
    ],
)
def test_a_figure_outside_its_bounds_is_said(value, limit, said):
    found = thresholds.crossed(document(value), None, {"win_rate": limit})
    assert [text.replace("\xa0", " ") for text in found] == ([said] if said else [])


@pytest.mark.parametrize(
    ("before", "now", "unit", "moves_by", "said"),
    [
        (0.30, 0.26, "share", 0.05, ""),
        (0.30, 0.24, "share", 0.05, "fell from 30 % to 24 %, by 6.0 points; the threshold is 5.0 points."),
        (100.0, 130.0, "orders", 0.2, "rose from 100 to 130, by 30.0 %; the threshold is 20.0 %."),
        (1000.0, 1100.0, "CNY", 0.2, ""),
        (0.9, 0.8, "ratio", 0.05, "fell from 0.90 to 0.80, by 0.10; the threshold is 0.05."),
        (0.0, 5.0, "orders", 0.2, ""),
        (None, 5.0, "orders", 0.2, ""),
    ],
)
def test_a_figure_that_moved_too_far_is_said(before, now, unit, moves_by, said):
    limits = {"win_rate": Threshold(moves_by=moves_by)}
    found = thresholds.crossed(document(now, unit), document(before, unit), limits)
    assert [text.replace("\xa0", " ") for text in found] == ([f"“Win rate” {said}"] if said else [])


def test_without_an_earlier_date_no_change_is_judged():
    assert thresholds.crossed(document(0.2), None, {"win_rate": Threshold(moves_by=0.01)}) == ()


def test_a_threshold_of_one_topic_comes_before_that_of_the_name():
    limits = {"win_rate": Threshold(at_least=0.9), "funnel.win_rate": Threshold(at_least=0.1)}
    assert thresholds.crossed(document(0.2), None, limits) == ()


def test_what_crossed_a_threshold_heads_the_notes():
    settled = thresholds.with_alerts(document(0.1, notes=["old"]), None, {"win_rate": Threshold(at_least=0.2)})
    assert [settled["notes"], settled["alerts"]] == [[*settled["alerts"], "old"], settled["alerts"]]
    assert len(settled["alerts"]) == 1


def test_a_name_that_nothing_publishes_is_named():
    limits = {"win_rate": Threshold(), "winrate": Threshold(), "clv.win_rate": Threshold()}
    assert thresholds.unknown(limits, {"funnel": document(0.2)}) == ("clv.win_rate", "winrate")


@pytest.mark.parametrize(
    ("name", "published", "said"),
    [
        ("win_rate", ["funnel"], ""),
        ("funnel.win_rate", ["funnel"], ""),
        ("funnel.win_rat", ["funnel"], ' Did you mean "funnel.win_rate"?'),
        ("win_rat", ["funnel", "clv"], ' Did you mean "win_rate"?'),
        ("win_rat", ["funnel"], None),
        ("clv.orders", ["funnel"], None),
        ("funel.win_rate", ["funnel"], ' Did you mean "funnel.win_rate"?'),
        ("xyz", [], None),
    ],
)
def test_a_slip_is_said_once_enough_is_published_to_know(name, published, said):
    documents = {topic: document(0.2, topic=topic) for topic in published}
    found = thresholds.slips({name: Threshold()}, documents, ["funnel", "clv"])
    wanted = f'thresholds: no report publishes a figure "{name}", so that nothing is compared.{said}'
    assert found == ((wanted,) if said else ())


def test_alerts_are_written_into_what_was_published(tmp_path):
    folder, place = tmp_path / "made", tmp_path / "sample" / "2026-10-31"
    folder.mkdir()
    (folder / "funnel.figures.json").write_text(json.dumps(document(0.1)), encoding="utf-8")
    settled = thresholds.settle(folder, "funnel", place, {"win_rate": Threshold(at_least=0.2)})
    assert json.loads((folder / "funnel.figures.json").read_text(encoding="utf-8")) == settled
    assert settled["notes"]
