"""The mobile-phone survey: alpha as the R package seminr prints it, and facts of the file."""

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import satisfaction
from crm_lib.analysis.satisfaction import reliability
from crm_lib.contract.settings import SatisfactionSettings, Scale

FILE = Path(__file__).parents[2] / "data" / "mobi" / "mobi.csv"
SETTINGS = SatisfactionSettings(
    scales={"nps": Scale(1, 10), "csat": Scale(1, 10, top_from=8), "items": Scale(1, 10, top_from=8)}
)
PUBLISHED = {
    "Image": (["IMAG1", "IMAG2", "IMAG3", "IMAG4", "IMAG5"], 0.722834595),
    "Expectation": (["CUEX1", "CUEX2", "CUEX3"], 0.451902556),
    "Value": (["PERV1", "PERV2"], 0.823631979),
    "Satisfaction": (["CUSA1", "CUSA2", "CUSA3"], 0.779195022),
}


@pytest.fixture(scope="module")
def answers():
    return pd.read_csv(FILE)


@pytest.fixture(scope="module")
def said(answers):
    day = pd.Timestamp("2005-01-01")
    people = pd.DataFrame({"response_id": answers.index.astype(str), "asked_at": day, "answered_at": day})
    people = people.assign(nps=answers.CUSL3.astype(float), csat=answers.CUSA1.astype(float))
    items = answers.astype(float).assign(response_id=people.response_id)
    items = items.melt("response_id", var_name="aspect", value_name="score")
    dates = {"response_id": "string", "asked_at": "timestamp", "answered_at": "timestamp"}
    scores = {"response_id": "string", "aspect": "string", "score": "float64"}
    return satisfaction.voices(
        ibis.memtable(people, schema=dates | {"nps": "float64", "csat": "float64"}),
        ibis.memtable(items, schema=scores),
        settings=SETTINGS,
    )


@pytest.mark.parametrize("group", PUBLISHED)
def test_alpha_of_standardised_items_is_the_published_one(answers, group):
    members, published = PUBLISHED[group]
    alpha = satisfaction.standardised_alpha(answers[members].corr().to_numpy())
    assert alpha == pytest.approx(published, abs=5e-10)


@pytest.mark.parametrize("group", PUBLISHED)
def test_alpha_counted_in_the_engine_is_the_published_one(said, group):
    members, published = PUBLISHED[group]
    prefix = members[0].rstrip("1")
    assert said.checkable[f"alpha_{prefix}"] == pytest.approx(published, abs=5e-10)


def test_promoters_passives_and_detractors(said):
    assert said.overall.nps.value == pytest.approx(14.0)
    assert said.overall.nps.n == 250
    spread = said.spread[said.spread.question == "nps"].set_index("lowest").n
    assert spread[[9, 10]].sum() == 95
    assert spread[[7, 8]].sum() == 95


def test_first_question_on_satisfaction(said):
    assert said.checkable["score_CUSA1"] == pytest.approx(7.988)
    assert said.checkable["score_sd_CUSA1"] == pytest.approx(1.233671, abs=5e-7)
    assert said.checkable["csat_mean"] == pytest.approx(7.988)


def test_interval_of_alpha_holds_what_resampling_gives(answers):
    members, _ = PUBLISHED["Satisfaction"]
    items = answers[members].to_numpy()
    rng = np.random.default_rng(5)
    draws = [satisfaction.standardised_alpha(np.corrcoef(items[rng.integers(0, 250, 250)].T)) for _ in range(500)]
    found = reliability.alpha(np.corrcoef(items.T), 250, 5)
    assert np.mean([found.low <= d <= found.high for d in draws]) > 0.8
