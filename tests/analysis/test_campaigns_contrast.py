"""The statistics of one test, against scipy, print and simulation."""

import numpy as np
import pytest
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns import contrast
from crm_lib.analysis.campaigns.arms import Arm, pooled


def arm(values, prior=None):
    y = np.asarray(values, dtype=float)
    sums = None
    if prior is not None:
        x = np.asarray(prior, dtype=float)
        sums = (float(x.sum()), float((x * x).sum()), float((x * y).sum()))
    return Arm(len(y), int((y > 0).sum()), spent=np.sort(y[y != 0]), prior=sums)


def test_welch_is_that_of_scipy_with_the_zeros_counted():
    rng = np.random.default_rng(1)
    a, b = rng.gamma(0.5, 30, 400) * (rng.random(400) < 0.3), rng.gamma(0.5, 20, 150) * (rng.random(150) < 0.2)
    found, t = contrast.welch(arm(a), arm(b))
    theirs = stats.ttest_ind(a, b, equal_var=False)
    low, high = theirs.confidence_interval(0.90)
    assert t == pytest.approx(theirs.statistic)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.value == pytest.approx(a.mean() - b.mean())


def test_without_any_difference_in_money_there_is_no_interval():
    found, t = contrast.welch(arm([0] * 40), arm([0] * 40))
    assert not found
    assert t is None
    assert not contrast.bootstrap(arm([0] * 40), arm([0] * 40), seed=1)


def test_the_bootstrap_comes_near_to_welch_and_is_the_same_twice():
    rng = np.random.default_rng(2)
    a, b = arm(rng.gamma(2, 30, 3000)), arm(rng.gamma(2, 28, 3000))
    once, again = (contrast.bootstrap(a, b, seed=5) for _ in range(2))
    plain, _ = contrast.welch(a, b)
    assert once == again
    assert once.low == pytest.approx(plain.low, abs=0.3)
    assert once.high == pytest.approx(plain.high, abs=0.3)


def test_the_cap_is_a_percentile_of_spenders_not_of_everybody():
    a, b = arm([0] * 990 + [10, 20, 30, 40, 50, 60, 70, 80, 90, 5000]), arm([0] * 1000)
    high, low, limit = contrast.winsorised(a, b)
    assert 90 < limit < 5000
    assert high.spent.max() == limit
    assert low.n == 1000
    assert contrast.winsorised(b, b)[2] is None


def test_history_takes_chance_away_and_leaves_the_effect():
    rng = np.random.default_rng(3)
    covered, saved = [], []
    for _ in range(300):
        x = rng.gamma(2, 50, 600)
        y = 0.8 * x + rng.normal(0, 20, 600) + 5 * (np.arange(600) < 300)
        found, saves = contrast.cuped(arm(y[:300], x[:300]), arm(y[300:], x[300:]))
        covered.append(found.low <= 5 <= found.high)
        saved.append(saves)
    assert 0.85 <= np.mean(covered) <= 0.95
    assert np.mean(saved) > 0.8


def test_history_that_tells_nothing_is_left_aside():
    assert contrast.cuped(arm([1, 2, 3], [0, 0, 0]), arm([1, 2, 4], [0, 0, 0]))[1] is None
    assert contrast.cuped(arm([1, 2, 3]), arm([1, 2, 4]))[1] is None


def test_a_sample_ratio_that_chance_does_not_explain_is_found():
    assert contrast.sample_ratio([900, 100], [0.9, 0.1]) == 1
    assert contrast.sample_ratio([21307, 21387, 21306], [1 / 3] * 3) > 0.5
    assert contrast.sample_ratio([9000, 1300], [0.9, 0.1]) < contrast.MISMATCH_BELOW


def test_what_could_have_been_proven_turns_the_sample_size_round():
    for p0, rise in ((0.05, 0.01), (0.1, 0.02), (0.4, 0.05)):
        n = contrast.n_per_arm(p0, p0 + rise)
        assert contrast.detectable(p0, n, n) == pytest.approx(rise, rel=1e-3)
    assert contrast.detectable(0.1, 4000, 1000) > contrast.detectable(0.1, 2500, 2500)
    assert contrast.detectable(1.0, 50, 50) is None
    assert contrast.detectable(0.5, 2, 2) is None


def test_the_example_that_looks_like_a_third_more_and_is_not_proven():
    found = intervals.newcombe(540, 9000, 45, 1000, level=0.95)
    assert [round(v, 5) for v in (found.value, found.low, found.high)] == [0.015, -0.00042, 0.02731]
    assert [round(9000 * v, 1) for v in (found.value, found.low, found.high)] == [135.0, -3.8, 245.8]


def test_arms_pool_to_the_arm_of_all():
    a, b = arm([0, 1, 2], [1, 2, 3]), arm([5, 0], [4, 5])
    both = pooled([a, b])
    whole = arm([0, 1, 2, 5, 0], [1, 2, 3, 4, 5])
    assert (both.n, both.n_bought, both.prior) == (whole.n, whole.n_bought, whole.prior)
    assert both.spent.tolist() == whole.spent.tolist()
