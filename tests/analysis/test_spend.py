import numpy as np
import pytest
from scipy.optimize import approx_fprime

from crm_lib.analysis import spend


def simulated(n, seed, p=6.0, q=4.0, v=15.0):
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.3, n)
    return x, rng.gamma(p * x, 1 / rng.gamma(q, 1 / v, n)) / x


@pytest.fixture(scope="module")
def orders():
    return simulated(5000, seed=4)


@pytest.fixture(scope="module")
def fitted(orders):
    return spend.fit(*orders)


def test_simulated_spend_is_recovered(fitted):
    off = (np.log([fitted.p, fitted.q, fitted.v]) - np.log([6, 4, 15])) / np.sqrt(np.diag(fitted.log_covariance))
    assert np.abs(off).max() < 3
    assert fitted.population_mean == pytest.approx(6 * 15 / 3, rel=0.05)


def test_gradient_and_hessian_match_differences(orders):
    sums = spend._Sums(orders[0][:500], orders[1][:500] / 30)
    z = np.log([5, 3, 0.5])
    _, gradient, hessian = sums.objective(z)
    np.testing.assert_allclose(gradient, approx_fprime(z, lambda q: sums.objective(q, False)[0], 1e-6), atol=1e-5)
    for i, row in enumerate(hessian):
        e = 1e-5 * np.eye(3)[i]
        up, down = (sums.objective(z + s * e, False)[1] for s in (1, -1))
        np.testing.assert_allclose(row, (up - down) / 2e-5, atol=1e-8)


def test_another_currency_scales_v_alone(orders, fitted):
    cents = spend.fit(orders[0], orders[1] * 100)
    assert (cents.p, cents.q) == pytest.approx((fitted.p, fitted.q), rel=1e-6)
    assert cents.v == pytest.approx(100 * fitted.v, rel=1e-6)
    assert fitted.log_likelihood - cents.log_likelihood == pytest.approx(5000 * np.log(100), rel=1e-9)


def test_who_told_nothing_is_given_the_mean_of_all(fitted):
    np.testing.assert_allclose(fitted.expected([0, 3, 3], [0.0, 0.0, -5.0]), fitted.population_mean)


def test_many_orders_pull_towards_the_customers_own_mean(fitted):
    few, many = fitted.expected([1, 200], [100.0, 100.0])
    assert fitted.population_mean < few < many < 100.5


def test_refunds_beyond_the_repeat_orders_are_left_out_and_counted(orders):
    x, mean = np.append(orders[0], [2, 3]), np.append(orders[1], [-1.0, 0.0])
    found = spend.fit(x, mean)
    assert (found.n, found.n_left_out) == (5000, 2)


@pytest.mark.parametrize(
    ("x", "mean"),
    [([1, 2, 3], [5.0, 6.0, 7.0]), ([1, 2] * 20, [9.0, 9.0] * 20)],
    ids=["three buyers", "identical spend"],
)
def test_what_can_not_be_fitted_is_shrunk_towards_the_mean(x, mean):
    found = spend.fit(np.array(x), np.array(mean))
    assert found.method == "shrunk mean"
    assert found.population_mean == pytest.approx(np.average(mean, weights=x))
    assert float(found.expected([1], [found.population_mean * 3])[0]) == pytest.approx(found.population_mean * 2)


def test_without_any_repeat_spend_the_mean_of_all_orders_stands_in():
    assert spend.fit(np.zeros(5, int), np.zeros(5), fallback_mean=12.0).population_mean == 12.0


def test_spend_that_is_too_wild_for_a_mean_is_not_modelled():
    x, mean = simulated(2000, seed=2, q=0.7)
    found = spend.fit(x, mean)
    assert found.method == "shrunk mean"
    assert (found.expected(x, mean) > 0).all()


def linked(n, seed, power):
    """Spend per order that grows with the number of orders."""
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.25, n)
    return x, rng.gamma(6 * x, 1 / rng.gamma(4, 1 / 15, n)) / x * x**power


def test_spend_that_hangs_on_frequency_is_found_and_drawn_towards_its_own_band():
    x, mean = linked(4000, seed=6, power=0.7)
    found = spend.fit(x, mean)
    assert found.dependence.is_strong
    assert [begin for begin, _ in found.bands] == [1, 2, 3, 5, 10]
    levels = [level for _, level in found.bands]
    assert levels == sorted(levels)
    plain = spend.Spend(**{**vars(found), "bands": ()})
    many = x >= 5
    truth = 30 * x**0.7
    off = [np.abs(f.expected(x, mean) - truth)[many].mean() for f in (found, plain)]
    assert off[0] < off[1]


def test_independent_spend_has_one_level_for_all(fitted):
    assert not fitted.dependence.is_strong
    assert fitted.bands == ()
    assert (fitted.level([0, 1, 50]) == 1).all()


def test_one_time_buyers_take_the_level_of_the_lowest_band():
    found = spend.fit(*linked(4000, seed=6, power=0.7))
    expected = float(found.expected([0], [0.0])[0])
    assert expected == pytest.approx(found.population_mean * found.bands[0][1])


def test_without_different_order_numbers_there_is_nothing_to_correlate():
    x = np.full(40, 2)
    assert spend.fit(x, np.linspace(5, 50, 40)).dependence is None
