import numpy as np
import pytest

from crm_lib.analysis import intervals


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_newcombe_1998a(k, n, low, high):
    i = intervals.wilson(k, n, level=0.95)
    assert (round(i.low, 4), round(i.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_difference_of_shares_agrees_with_newcombe_1998b(counts, low, high):
    i = intervals.newcombe(*counts, level=0.95)
    assert (round(i.low, 4), round(i.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("counts", "value", "low", "high"),
    [
        ((60, 25, 15), 45, 29.3431, 58.0355),
        ((19, 9, 8), 30.5556, 2.8784, 53.5318),
        ((200, 150, 50), 37.5, 30.4178, 44.0239),
        ((10, 0, 0), 100, 47.50, 100),
    ],
)
def test_nps_interval_is_the_adjusted_wald(counts, value, low, high):
    i = intervals.nps(*counts, level=0.95)
    assert i.value == pytest.approx(value, abs=1e-3)
    assert (i.low, i.high) == (pytest.approx(low, abs=6e-3), pytest.approx(high, abs=1e-3))


def test_nothing_observed_gives_no_interval():
    for i in (
        intervals.wilson(0, 0),
        intervals.nps(0, 0, 0),
        intervals.mean([]),
        intervals.newcombe(0, 0, 1, 2),
    ):
        assert not i
        assert i.low is None


def test_wilson_refuses_more_hits_than_tries():
    with pytest.raises(ValueError, match="k=5, n=3"):
        intervals.wilson(5, 3)


def test_poisson_rate_of_zero_events_starts_at_zero():
    i = intervals.poisson_rate(0, 100)
    assert (i.value, i.low) == (0, 0)
    assert i.high == pytest.approx(0.02996, abs=1e-5)


def test_one_pair_per_cluster_equals_no_clusters():
    p, e = np.array([8.0, 6, 7, 9]), np.array([9.0, 7, 7, 8])
    assert intervals.ratio_of_means(p, e) == intervals.ratio_of_means(p, e, clusters=list("abcd"))


def test_repeating_every_pair_within_its_cluster_does_not_narrow_the_interval():
    p, e = np.array([8.0, 6, 7, 9]), np.array([9.0, 7, 7, 8])
    once = intervals.ratio_of_means(p, e)
    twice = intervals.ratio_of_means(np.tile(p, 2), np.tile(e, 2), clusters=list("abcdabcd"))
    assert twice.low == pytest.approx(once.low)


def covered(interval_of, truth, n_replicates=2000):
    rng = np.random.default_rng(1)
    found = (interval_of(rng) for _ in range(n_replicates))
    return np.mean([i.low <= truth <= i.high for i in found])


def test_ratio_interval_covers_the_truth_nine_times_in_ten():
    def one(rng):
        e = rng.normal(8, 1, 60)
        return intervals.ratio_of_means(0.9 * e + rng.normal(0, 1, 60), e)

    assert covered(one, 0.9) == pytest.approx(0.90, abs=0.025)


def test_mean_interval_covers_the_truth_nine_times_in_ten():
    assert covered(lambda rng: intervals.mean(rng.normal(5, 2, 12)), 5) == pytest.approx(0.90, abs=0.025)


def test_nps_interval_covers_the_truth_at_twenty_answers():
    def one(rng):
        return intervals.nps(*rng.multinomial(20, [0.5, 0.3, 0.2]))

    assert 0.87 <= covered(one, 30) <= 0.97


def test_bootstrap_repeats_with_its_seed():
    x = np.random.default_rng(0).gamma(1, 1, 100)
    first = intervals.bootstrap(x, np.mean, seed=3, n_draws=200)
    assert first == intervals.bootstrap(x, np.mean, seed=3, n_draws=200)
    assert first.low < first.value < first.high
