"""The sample company's answers: what the generator knows of those who answered is found again."""

import ibis
import pytest

from crm_lib.analysis import satisfaction
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.sources.sample import END, make_sample

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


@pytest.fixture(scope="module")
def found(sample, said):
    names = ("surveys", "survey_items", "cases", "customers", "transactions")
    tables = {name: ibis.memtable(sample.tables[name]) for name in names}
    return satisfaction.evidence(said, tables, SETTINGS, as_of=END)


def test_weighting_to_all_customers_goes_most_of_the_way_to_everyone_asked(found, truth):
    """Who answers depends on spend, and so does mood: the grade holds most of both."""
    weighted = found.silent.weighted.set_index("measure")
    for measure, name, scale in (("ratio", "ratio", 1), ("nps", "nps", 1)):
        everyone, row = truth["everyone_asked"][name] * scale, weighted.loc[measure]
        assert abs(row.weighted - everyone) < 0.4 * abs(row.plain - everyone)
    assert found.silent.rates.rate.is_monotonic_decreasing


def test_no_aspect_drives_contentment_more_than_another(found):
    """Contentment and all aspects follow one mood: each has an equal share, whatever falls short."""
    drivers = found.drivers
    assert drivers.leading.empty
    covered = (drivers.table.shapley_low <= 1 / 7) & (drivers.table.shapley_high >= 1 / 7)
    assert covered.sum() >= 5
    assert "Installation" in set(drivers.weak.aspect)


def test_the_failing_stove_stands_apart(found, sample):
    product = sample.truth["parameters"]["voices"]["failing_product"]
    products = found.outside.products.set_index("product_id")
    assert products.failures.idxmax() == product
    assert list(products.index[products.apart]) == [product]


def test_complaints_are_closed_as_fast_as_they_were_made_to_be(found, sample):
    median = sample.truth["parameters"]["voices"]["close_days_median"]
    row = found.handling.kinds.set_index("kind").loc["complaint"]
    assert row.days_low - 0.5 <= median <= row.days_high + 0.5


def test_what_is_published_per_customer_follows_the_customers_own_answers(found, said):
    customers = found.customers
    assert customers.customer_id.is_unique
    assert customers.satisfaction_n.min() >= 5
    assert customers.satisfaction.mean() == pytest.approx(said.overall.ratio.value, abs=0.02)
