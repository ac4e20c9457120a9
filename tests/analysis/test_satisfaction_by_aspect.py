"""Complaints and failures by aspect and quarter: rates over what could complain or fail, beside the survey."""

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals
from crm_lib.analysis.satisfaction import by_aspect
from crm_lib.analysis.satisfaction.breakdown import PAIR_SUMS, Limits
from crm_lib.analysis.satisfaction.outside import Outside
from crm_lib.show.satisfaction import by_aspect as say

Q1, Q2 = pd.to_datetime(["2026-01-01", "2026-04-01"])
SOLD = pd.DataFrame({"period": [Q1, Q2], "n_customers": [100, 200], "n_units": [400.0, 1000.0]})


def cases(**by_aspect_):
    """Per aspect: complaints of both quarters, and failures of both."""
    rows = [
        {"aspect": a, "period": q, "n_complaints": k[0][i], "n_failures": k[1][i]}
        for a, k in by_aspect_.items()
        for i, q in enumerate((Q1, Q2))
    ]
    return pd.DataFrame(rows)


def surveyed(**ratios):
    """Pair sums of forty answers each whose ratio is as given in both quarters."""
    rows = []
    for aspect, both in ratios.items():
        for q, ratio in zip((Q1, Q2), both, strict=True):
            sums = dict.fromkeys(PAIR_SUMS, 0.0) | {"n": 40, "perceived": 200 * ratio, "expected": 200.0}
            sums |= {"perceived_sq": 1000 * ratio**2 + 9, "expected_sq": 1000.0, "cross": 1000 * ratio}
            rows.append({"aspect": aspect, "period": q} | sums)
    return pd.DataFrame(rows)


def found(counted, pairs=None, limits=None):
    return by_aspect.quarters(counted, SOLD, pairs, limits or Limits())


def test_each_rate_stands_over_its_own_denominator_with_poisson_bounds():
    rates = found(cases(speed=((2, 20), (1, 5)), price=((0, 3), (0, 0)))).set_index(["aspect", "period"])
    row = rates.loc[("speed", Q2)]
    known = intervals.poisson_rate(20, 200)
    assert (row.complaints, row.complaints_low, row.complaints_high) == (0.1, known.low, known.high)
    assert row.failures == 5 / 1000
    assert row.complaints_n == 20
    nothing = rates.loc[("price", Q1)]
    assert (nothing.complaints, nothing.complaints_low) == (0, 0)
    assert nothing.complaints_high == pytest.approx(intervals.poisson_rate(0, 100).high)


@pytest.mark.parametrize(
    ("complaints", "ratios", "disagrees"),
    [((5, 40), (0.9, 1.0), True), ((5, 40), (1.0, 0.9), False), ((5, 12), (0.9, 1.0), False)],
    ids=["both rose", "the survey fell", "complaints did not clearly rise"],
)
def test_survey_and_complaints_of_an_aspect_disagree_only_where_both_rose(complaints, ratios, disagrees):
    rates = found(cases(speed=(complaints, (0, 0))), surveyed(speed=ratios))
    assert rates.disagrees.tolist() == [False, disagrees]
    outside = Outside(SOLD, pd.DataFrame(), pd.DataFrame(), rates)
    assert ("they disagree" in say.disagreement(outside)) is disagrees


def test_too_few_answers_give_no_ratio_and_no_contradiction():
    rates = found(cases(speed=((5, 40), (0, 0))), surveyed(speed=(0.9, 1.0)), Limits(compare_from=41))
    assert rates.ratio.isna().all()
    assert not rates.disagrees.any()


def test_the_page_shows_rates_intervals_and_what_they_are_divided_by():
    rates = found(cases(speed=((2, 20), (1, 5)), price=((0, 3), (0, 0))))
    text = say._quarters(Outside(SOLD, pd.DataFrame(), pd.DataFrame(), rates)).html
    for words in ("10.0 (6.6 – 14.5)", "Customers with an order", "200", "Units sold", "1,000"):
        assert words in text
    assert text.index("speed") < text.index("price")  # most complaints first


@pytest.mark.slow
def test_rates_that_did_not_change_are_seldom_said_to_contradict_the_survey():
    """Seven aspects judged together, the survey having risen on each."""
    rng, names = np.random.default_rng(1), [f"a{i}" for i in range(7)]
    said = []
    for _ in range(300):
        made = cases(**{a: (rng.poisson((12, 24)), (0, 0)) for a in names})
        said.append(found(made, surveyed(**dict.fromkeys(names, (0.9, 1.0)))).disagrees.any())
    assert np.mean(said) <= 0.10
