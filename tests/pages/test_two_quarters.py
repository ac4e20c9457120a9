"""The loop through the commands: a plan, its lists approved and sent, a quarter later, and what they brought."""

import json

import pandas as pd
import pytest

from tests.project import Project

pytestmark = pytest.mark.slow
PLANNED, LATER = "2026-10-31", "2027-01-31"
TOPICS = ("segmentation", "clv", "retention", "action_plan")
PLAYS = {"keep", "change", "stop", "test_on"}


@pytest.fixture(scope="module")
def quarters(tmp_path_factory):
    """Two runs a quarter apart on the sample company, which answers to the lists that were sent."""
    company = Project(tmp_path_factory.mktemp("loop"))
    said = []

    def crm(*arguments):
        done = company.crm(*arguments)
        assert done.returncode == 0, " ".join(arguments) + done.stdout + done.stderr
        said.append(done.stdout)

    lists = f"reports/sample/lists/{PLANNED}"
    crm("sample")
    crm("report", *TOPICS, "--source", "sample", "--run-date", "2026-11-01")
    crm("plan", "approve", PLANNED, "--source", "sample", "--by", "Wu", "--run-date", "2026-11-01")
    crm("plan", "send", PLANNED, "--source", "sample", "--by", "Wu", "--run-date", "2026-11-02")
    crm("sample", "--respond-to", lists, "--until", LATER)
    crm("report", *TOPICS, "--source", "sample", "--as-of", LATER, "--run-date", "2027-02-01")
    crm("plan", "settle", PLANNED, "--source", "sample", "--by", "Wu", "--run-date", "2027-02-01")
    crm("plan", "list", "--source", "sample")
    return company, said


def table(company, date, name):
    folder = company.folder / "reports" / "sample" / date
    return pd.read_parquet(folder / "action_plan" / f"{name}.parquet")


def truth(company):
    text = (company.folder / "data/sample/truth.json").read_text(encoding="utf-8")
    return {key.partition("/")[2]: told for key, told in json.loads(text)["lists"].items()}


def test_the_first_run_says_what_it_will_measure_and_when(quarters):
    company, _said = quarters
    figures = company.figures("sample", PLANNED, "action_plan")
    assert "measured_profit" not in figures or figures["measured_profit"]["value"] is None
    page = company.page("sample", PLANNED, "action_plan").read_text(encoding="utf-8")
    assert "No earlier plan is stored. A list of this one can be judged 42 days after it was sent." in page


def test_the_second_run_reports_uplift_profit_and_cost_of_each_play_with_intervals(quarters):
    company, _said = quarters
    results = table(company, LATER, "results")
    measured = results[results["profit"].notna()]
    assert set(measured["plan_date"].astype(str).str[:10]) == {PLANNED}
    assert len(measured) >= 5
    for name in ("uplift", "profit"):
        assert (measured[f"{name}_low"] < measured[name]).all()
        assert (measured[name] < measured[f"{name}_high"]).all()
    assert (measured["cost"] >= 0).all()
    total = company.figures("sample", LATER, "action_plan")["measured_profit"]
    assert total["low"] < total["value"] < total["high"]
    assert total["value"] == pytest.approx(measured["profit"].sum(), abs=0.01)


def test_most_true_uplifts_lie_within_their_intervals(quarters):
    """Nine in ten would: of these few at most two may miss; 1,000 lists in memory are another test."""
    company, _said = quarters
    results = table(company, LATER, "results").dropna(subset=["uplift"])
    # The truth is an extra order; who would have ordered anyway shows no uplift: the interval may lie below it.
    true = results["play"].map({play: told["true_extra_order_share"] for play, told in truth(company).items()})
    missed = (true < results["uplift_low"]) | (true > results["uplift_high"])
    assert missed.sum() <= 2


def test_expected_uplifts_move_towards_what_was_measured_and_every_list_has_a_verdict(quarters):
    company, _said = quarters
    results = table(company, LATER, "results").dropna(subset=["uplift"]).set_index("play")
    assert set(results["verdict"]) <= PLAYS
    before = table(company, PLANNED, "plays").set_index("play")
    after = table(company, LATER, "plays").set_index("play")
    for play in results.index.intersection(after.index):
        was, now, seen = before.uplift[play], after.uplift[play], results.uplift[play]
        assert after.source[play] == "updated"
        assert min(was, seen) <= now <= max(was, seen)


def test_the_page_of_the_second_run_tells_the_loop(quarters):
    company, _said = quarters
    page = company.page("sample", LATER, "action_plan").read_text(encoding="utf-8")
    for words in ("What the lists brought", "Expected effects, before and now", "was expected of them"):
        assert words in page
    assert any(f">{verdict}<" in page for verdict in ("keep", "stop", "change the offer", "test on: not proven"))


def test_all_lists_are_settled_and_nobody_is_on_two_live_lists(quarters):
    company, said = quarters
    states = [line.split() for line in said[-1].splitlines() if line.startswith(PLANNED)]
    assert states
    assert {line[1] for line in states} == {"settled"}
    stored = company.folder / "reports/sample/lists"
    assert (stored / PLANNED / "settled.json").exists()
    for date in (PLANNED, LATER):
        assert pd.read_parquet(stored / date / "members.parquet")["customer_id"].is_unique
