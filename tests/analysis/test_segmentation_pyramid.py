import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis.segmentation import concentration, pyramid

amounts = st.lists(st.integers(-50, 200), min_size=1, max_size=60)


def test_a_brings_the_first_half_of_the_money():
    assert pyramid.value_grades([60, 25, 10, 5, 0]).tolist() == ["A", "B", "C", "D", "D"]


def test_bounds_fall_on_the_customer_who_crosses_them():
    # before each: 0, 40, 70, 90 %: the second still belongs to the half it completes
    assert pyramid.value_grades([40, 30, 20, 10]).tolist() == ["A", "A", "B", "C"]


@given(amounts)
def test_equal_amounts_get_equal_value_grades_and_more_is_never_worse(amounts):
    pairs = sorted(set(zip(amounts, pyramid.value_grades(amounts).tolist(), strict=True)), reverse=True)
    assert len(pairs) == len(set(amounts))
    assert [g for _, g in pairs] == sorted(g for _, g in pairs)


@given(amounts)
def test_who_brings_nothing_is_d(amounts):
    grades = pyramid.value_grades(amounts)
    assert all(g == "D" for a, g in zip(amounts, grades, strict=True) if a <= 0)


@given(amounts)
def test_a_holds_at_least_half_where_there_is_money(amounts):
    customers = pd.DataFrame({"amount": amounts, "value_grade": pyramid.value_grades(amounts)})
    tiers = pyramid.tiers(customers).set_index("value_grade")
    assert tiers["n_customers"].sum() == len(amounts)
    assert tiers["amount"].sum() == sum(amounts)
    if max(amounts) > 0:
        assert tiers.loc["A", "amount_share"] >= 0.5
        assert tiers["amount_share"].fillna(0).sum() == pytest.approx(1)


def test_the_top_fifth_of_five_is_one():
    assert concentration.top_share([50, 20, 10, 10, 10]).value == 0.5


def test_refunds_count_as_zero_in_shares():
    assert concentration.top_share([50, 25, 25, -40, 0]).value == 0.5
    assert concentration.gini([0, 0, -7, 5]).value == pytest.approx(0.75)


def test_gini_is_half_the_mean_difference_over_the_mean():
    x = np.random.default_rng(5).lognormal(3, 1, 80).round(2)
    by_pairs = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert concentration.gini(x).value == pytest.approx(by_pairs)


def test_under_thirty_customers_there_is_no_interval():
    few = concentration.top_share(range(1, 30))
    assert (few.low, few.n) == (None, 29)
    assert concentration.top_share(range(1, 31)).low is not None


def test_all_alike_means_no_spread():
    alike = concentration.top_share([10.0] * 40)
    assert alike.value == alike.low == alike.high == pytest.approx(0.2)
    assert concentration.gini([10.0] * 40).value == 0


def test_without_money_there_is_no_share():
    assert not concentration.top_share([0, -5, 0])
    assert not concentration.gini([0.0])
    assert concentration.tops([0.0, 0.0])["share"].isna().all()


def test_one_seed_gives_one_interval():
    x = np.random.default_rng(3).lognormal(3, 1, 200)
    assert concentration.top_share(x, seed=1) == concentration.top_share(x, seed=1)
    assert concentration.top_share(x, seed=1) != concentration.top_share(x, seed=2)


def test_closed_form_and_bootstrap_agree_where_they_meet(monkeypatch):
    x = np.random.default_rng(4).lognormal(3, 0.8, 2400)
    drawn = concentration.top_share(x)
    monkeypatch.setattr(concentration, "BOOTSTRAP_UP_TO", 0)
    closed = concentration.top_share(x)
    width = closed.high - closed.low
    assert abs(drawn.low - closed.low) < 0.25 * width
    assert abs(drawn.high - closed.high) < 0.25 * width


def coverage(n, sigma, n_times, seed):
    """Share of 90 % intervals that hold the share of the top fifth of all log-normal spenders, known exactly."""
    from scipy.stats import norm

    truth = norm.cdf(sigma - norm.ppf(0.8))
    rng = np.random.default_rng(seed)
    found = [concentration.top_share(rng.lognormal(5, sigma, n), seed=i) for i in range(n_times)]
    return np.mean([i.low <= truth <= i.high for i in found])


def test_intervals_of_the_top_fifth_hold_the_truth_nine_times_in_ten():
    assert 0.87 <= coverage(n=3000, sigma=1.0, n_times=1000, seed=11) <= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("n", "sigma"), [(200, 0.5), (1000, 1.0), (10_000, 1.0)])
def test_intervals_hold_the_truth_in_small_and_large_samples(n, sigma):
    assert 0.86 <= coverage(n, sigma, n_times=500, seed=12) <= 0.93


def test_the_share_of_a_part_lies_within_its_interval_and_parts_add_up():
    x = np.random.default_rng(6).lognormal(3, 1, 300)
    first = np.arange(300) < 120
    one, other = concentration.money_share(x, first), concentration.money_share(x, ~first)
    assert one.low < one.value < one.high
    assert one.value + other.value == pytest.approx(1)
    assert one.high == pytest.approx(1 - other.low)


def test_shares_of_all_classes_at_once_are_those_of_each():
    rng = np.random.default_rng(9)
    x, place = rng.lognormal(3, 1, 300).round(2) - 5, rng.integers(0, 4, 300)
    together = concentration.money_shares(x, place, 5)
    for k, found in enumerate(together):
        one = concentration.money_share(x, place == k)
        assert (found.value, found.n) == (pytest.approx(one.value), one.n)
        assert found.low == pytest.approx(one.low)
        assert found.high == pytest.approx(one.high)
    assert not concentration.money_shares([0.0, -1.0], np.array([0, 1]), 2)[0]
