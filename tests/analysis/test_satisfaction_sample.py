"""The sample company's answers: what the generator knows of those who answered is found again."""

import ibis
import pytest

from crm_lib.analysis import satisfaction
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.sources.sample import make_sample

SETTINGS = SatisfactionSettings(
    scales={
        "nps": Scale(0, 10),
        "csat": Scale(1, 5, top_from=4),
        "ces": Scale(1, 7),
        "items": Scale(1, 10, missing=(0, -99)),
    }
)


@pytest.fixture(scope="module")
def sample():
    return make_sample(n_customers=10_000)


@pytest.fixture(scope="module")
def truth(sample):
    return sample.truth["follows"]["voices"]


@pytest.fixture(scope="module")
def said(sample):
    tables = {name: ibis.memtable(sample.tables[name]) for name in ("surveys", "survey_items", "cases")}
    return satisfaction.voices(tables["surveys"], tables["survey_items"], tables["cases"], SETTINGS)


def test_everyone_asked_and_answered_is_counted(said, truth):
    assert (said.base.n_asked, said.base.n_answered) == (truth["n_asked"], truth["n_answered"])


def test_questions_are_summed_to_the_answer(said, truth):
    known = truth["those_who_answered"]
    assert said.overall.content_mean.value == pytest.approx(known["mean_csat"])
    assert said.overall.effort.value == pytest.approx(known["mean_ces"])
    assert said.overall.walked_away.value == pytest.approx(known["walked_away_share"])
    assert said.overall.nps.value == pytest.approx(known["nps"], abs=1.5)  # two in a hundred skipped it


def test_ratio_is_found_again_although_some_answers_are_codes(said, truth):
    known = truth["those_who_answered"]
    assert said.overall.ratio.value == pytest.approx(known["ratio"], abs=0.002)
    found = said.aspects.set_index("aspect").ratio
    assert dict(found) == pytest.approx(known["ratio_by_aspect"], abs=0.004)
    assert said.base.used.set_index("column").n_code["expected"] > 0


def test_those_who_fall_short_come_first_and_the_bad_touchpoint_stands_out(said):
    assert said.aspects.aspect[0] == "Installation"
    assert said.touchpoints.set_index("touchpoint").walked_away.idxmax() == "Installation"
    assert said.complaints.aspect[0] == "Installation"


def test_those_who_answered_are_not_everyone(said, truth):
    """Customers who spend more answer more often and are kinder: the interval can't know it."""
    assert said.overall.ratio.low > truth["everyone_asked"]["ratio"]
