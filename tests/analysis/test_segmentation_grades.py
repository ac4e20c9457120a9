import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation.grades import account, graded, limits_of
from crm_lib.errors import ParameterError

values = st.lists(st.integers(0, 20), min_size=1, max_size=80)


def by_hand(values):
    """The textbook's rule, word for word, one cut after the other."""
    distinct = sorted(set(values))
    found = []
    for k in range(1, 5):
        misses = {v: abs(5 * sum(x <= v for x in values) - k * len(values)) for v in distinct[:-1]}
        found += [max(v for v in misses if misses[v] == min(misses.values()))] if misses else []
    return tuple(float(v) for v in found)


def test_ten_different_values_make_five_pairs():
    cuts = segmentation.cuts(range(1, 11))
    assert segmentation.grades(range(1, 11), cuts).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_of_two_equally_near_cuts_the_higher_is_taken():
    # first cut: 0.5 below one customer, 0.5 above two
    assert segmentation.cuts([1, 2, 3, 4, 5, 6, 7.5])[0] == 1
    assert segmentation.cuts([10, 20, 20, 30, 40]) == (10, 20, 20, 30)
    assert segmentation.cuts([1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5]) == (2, 3, 3, 4)


@given(values)
def test_cuts_follow_the_rule_word_for_word(values):
    assert segmentation.cuts(values) == by_hand(values)


@given(values, st.sampled_from(["nearest", "quantile"]))
def test_tied_customers_get_the_same_grade_and_more_is_never_worse(values, rule):
    grades = segmentation.grades(values, segmentation.cuts(values, rule))
    pairs = sorted(zip(values, grades.tolist(), strict=True))
    assert len(set(pairs)) == len(set(values))
    assert [g for _, g in pairs] == sorted(g for _, g in pairs)
    assert set(grades) <= {1, 2, 3, 4, 5}


@given(values)
def test_fewer_days_are_the_mirror_image(values):
    cuts = segmentation.cuts(values)
    up, down = segmentation.grades(values, cuts), segmentation.grades(values, cuts, fewer_is_better=True)
    assert (up + down == 6).all()


def test_quantiles_are_those_of_type_7_and_a_value_on_a_cut_lies_above_it():
    data = [4.0, 8.0, 15.0, 16.0, 23.0, 42.0]
    quantiles = np.quantile(data, [0.2, 0.4, 0.6, 0.8])
    expected = [1 + sum(x >= q for q in quantiles) for x in data]
    assert segmentation.grades(data, segmentation.cuts(data, "quantile")).tolist() == expected


def test_own_cuts_are_kept():
    how = segmentation.grading("days 30 90 180 365; amount 10, 50, 100, 500")
    assert how.cuts == {"r": (30, 90, 180, 365), "m": (10, 50, 100, 500)}
    assert segmentation.grades([30, 31, 400], how.cuts["r"], fewer_is_better=True).tolist() == [5, 4, 1]


@pytest.mark.parametrize("text", ["days 30 90 180", "days 90 30 180 365", "weeks 1 2 3 4", "days a b c d", "days"])
def test_own_cuts_that_cannot_be_read_are_refused(text):
    with pytest.raises(ParameterError, match="four rising numbers"):
        segmentation.grading(text)


def test_an_unknown_rule_is_refused_with_those_that_exist():
    with pytest.raises(ParameterError, match=r'"quintile" is not known\. Choose one of: nearest, quantile'):
        segmentation.grading("quintile")


def test_ties_are_accounted_for():
    orders = [1] * 6 + [2, 3, 4, 5]
    cuts = segmentation.cuts(orders)
    found = account(np.asarray(orders, dtype=float), segmentation.grades(orders, cuts), cuts)
    assert (found["commonest"], found["commonest_share"]) == (1, 0.6)
    assert sum(found["n_per_grade"]) == 10
    assert found["n_effective"] == pytest.approx(1 / sum((n / 10) ** 2 for n in found["n_per_grade"]))


def test_the_score_is_the_weighted_mean_of_the_grades():
    customers = pd.DataFrame(
        {"days_since_last": range(10), "n_orders": range(1, 11), "amount": [float(i) for i in range(10)]}
    )
    found, _ = graded(customers, segmentation.Grading())
    top = found.iloc[-1]
    assert (top["code"], top["weighted"]) == ("155", pytest.approx(0.08 * 1 + 0.27 * 5 + 0.65 * 5))


def test_too_many_ties_are_cut_by_fixed_limits():
    orders = np.array([1.0] * 60 + [2.0] * 15 + [3.0] * 10 + [6.0] * 10 + [12.0] * 5)
    assert limits_of("f", orders, segmentation.Grading()) == ("fixed", (1, 2, 4, 9))
    assert segmentation.grades(orders, (1, 2, 4, 9))[[0, 60, 75, 85, 95]].tolist() == [1, 2, 3, 4, 5]


def test_a_third_of_ties_is_cut_by_count():
    orders = np.array([1.0] * 35 + list(range(2, 67)))
    assert limits_of("f", orders, segmentation.Grading())[0] == "nearest"


def test_fixed_limits_of_money_are_multiples_of_the_median():
    money = np.array([10.0] * 40 + [3.0] * 20 + [15.0] * 20 + [30.0] * 10 + [90.0] * 10)
    assert limits_of("m", money, segmentation.Grading()) == ("fixed", (5, 10, 20, 40))


def test_fixed_limits_that_would_tell_fewer_apart_are_not_used():
    orders = np.array([20.0] * 40 + [*range(21, 81)])
    assert limits_of("f", orders, segmentation.Grading())[0] == "nearest"


def test_own_limits_are_kept_even_with_ties():
    how = segmentation.grading("orders 1 2 3 4")
    assert limits_of("f", np.ones(50), how) == ("own", (1, 2, 3, 4))


def test_a_rule_and_own_limits_go_together():
    how = segmentation.grading("quantile; money 1 2 3 4")
    assert (how.rule, how.cuts) == ("quantile", {"m": (1, 2, 3, 4)})
