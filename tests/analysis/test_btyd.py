import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from crm_lib.analysis import btyd
from crm_lib.analysis.btyd import formulas, likelihood
from crm_lib.analysis.btyd.formulas import Parameters
from crm_lib.analysis.histories import of_frame
from crm_lib.errors import NotEnoughData, ParameterError

CDNOW = Parameters(0.2425945, 4.4136020, 0.7929199, 2.4259068)
positive = st.floats(0.02, 50)


def simulated(n, seed, r=0.6, alpha=8.0, a=0.8, b=2.5):
    """Histories drawn from the model, over two years, in days."""
    rng = np.random.default_rng(seed)
    T = rng.integers(60, 730, n)
    rate, leave = rng.gamma(r, 1 / alpha, n) / 7, rng.beta(a, b, n)
    x, t_x = np.zeros(n, int), np.zeros(n, int)
    now, alive = np.zeros(n), np.ones(n, bool)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= np.ceil(now) <= T
        later = alive & (np.ceil(now) > t_x)  # same-day purchases are one
        x[later] += 1
        t_x[later] = np.ceil(now[later])
        alive &= rng.random(n) > leave
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T})


@pytest.fixture(scope="module")
def frame():
    return simulated(5000, seed=11)


@pytest.fixture(scope="module")
def model(frame):
    return btyd.fit(of_frame(frame))


def test_a_simulated_company_is_recovered(model):
    truth = np.array([0.6, 8.0, 0.8, 2.5])
    off = (np.log(model.parameters) - np.log(truth)) / np.sqrt(np.diag(model.log_covariance))
    assert np.abs(off).max() < 3, model.parameters
    assert not model.flat


def test_row_order_and_compression_change_nothing(frame, model):
    shuffled = frame.sample(frac=1, random_state=3)
    assert btyd.fit(of_frame(shuffled)).parameters == model.parameters
    one_by_one = likelihood.prepare(of_frame(frame), 7.0)
    apart = sum(
        -likelihood.objective(np.log(model.parameters), likelihood.prepare(of_frame(part), 7.0))[0] * len(part)
        for _, part in frame.groupby(frame.index % 3)
    )
    whole = -likelihood.objective(np.log(model.parameters), one_by_one)[0] * one_by_one.n
    assert apart == pytest.approx(whole, rel=1e-12)


def test_the_unit_of_time_scales_alpha_alone(frame, model):
    h = of_frame(frame)
    days = btyd.fit(h, "days")
    assert days.parameters.alpha == pytest.approx(7 * model.parameters.alpha, rel=1e-6)
    assert days.parameters[:1] + days.parameters[2:] == pytest.approx(
        model.parameters[:1] + model.parameters[2:], rel=1e-6
    )
    assert model.log_likelihood - days.log_likelihood == pytest.approx(h.n_repeat_orders * np.log(7), rel=1e-6)
    np.testing.assert_allclose(days.expected_orders(h, 90), model.expected_orders(h, 90), rtol=1e-6)


def test_the_log_likelihood_is_that_of_the_parameters_in_the_users_unit(frame, model):
    assert btyd.log_likelihood(model.parameters, of_frame(frame)) == pytest.approx(model.log_likelihood, rel=1e-10)


def test_gradient_and_hessian_match_differences(frame):
    prepared = likelihood.prepare(of_frame(frame.head(400)), 70.0)
    z = np.log([0.5, 1.0, 0.6, 3.0])
    value, gradient, hessian = likelihood.objective(z, prepared)
    assert np.isfinite(value)
    steps = approx_fprime(z, lambda q: likelihood.objective(q, prepared, False)[0], 1e-6)
    np.testing.assert_allclose(gradient, steps, atol=1e-5)
    for i, row in enumerate(hessian):
        e = 1e-5 * np.eye(4)[i]
        up, down = (likelihood.objective(z + s * e, prepared, False)[1] for s in (1, -1))
        np.testing.assert_allclose(row, (up - down) / 2e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("history", "expected"), [((0, 0, 40), -0.5994738181995927), ((200, 38, 40), 100.79569309270653)]
)
def test_pinpoint_log_likelihoods(history, expected):
    h = of_frame(pd.DataFrame([history], columns=["x", "t_x", "T"]))
    assert btyd.log_likelihood(Parameters(0.25, 4, 0.8, 2.5), h, "days") == pytest.approx(expected, rel=1e-12)


def test_expectation_survives_where_the_textbook_form_is_not_a_number():
    # t = 30, one order, known for 1: NaN in the textbook form; the value is from 60 digits
    found = btyd.expected_orders(Parameters(0.11, 2.24, 0.31, 0.5), (0, 0, 1), 30)
    assert float(found[0]) == pytest.approx(0.5645886155327838, rel=1e-12)


@pytest.mark.parametrize(
    ("history", "t", "expected", "rel"),
    [((2000, 700, 720), 365, 1.0274e-18, 1e-3), ((300, 38, 39), 39, 53.17848138259, 1e-4)],
)
def test_expectation_survives_many_orders(history, t, expected, rel):
    assert float(btyd.expected_orders(CDNOW, history, t)[0]) == pytest.approx(expected, rel=rel)


def test_expectation_is_smooth_where_a_is_one():
    near, at = (float(btyd.expected_orders(CDNOW._replace(a=a), (3, 20, 39), 39)[0]) for a in (1 + 1e-5, 1.0))
    assert at == pytest.approx(near, rel=1e-4)


def test_expectation_is_finite_where_a_plus_b_is_one():
    p = Parameters(0.3, 5, 0.4, 0.6)
    near, at = (float(btyd.expected_orders(p._replace(b=b), (0, 0, 39), 39)[0]) for b in (0.6001, 0.6))
    assert at == pytest.approx(near, rel=1e-3)


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(positive, positive, positive, positive),
    st.integers(0, 300),
    st.floats(0, 1),
    st.floats(0.5, 300),
)
def test_predictions_are_finite_bounded_and_grow_with_time(parameters, x, share, T):
    p = Parameters(*parameters)
    history = (x, share * T if x else 0.0, T)
    orders, chance = (
        np.array([float(np.atleast_1d(f(p, history, t))[0]) for t in (1e-9, 1, 13, 52, 520)])
        for f in (btyd.expected_orders, btyd.p_buy)
    )
    assert np.isfinite(orders).all()
    assert np.isfinite(chance).all()
    assert (np.diff(orders) >= -1e-9 * orders[-1]).all()
    assert (np.diff(chance) >= 0).all()
    assert 0 <= chance[-1] <= 1
    assert orders[0] == pytest.approx(0, abs=1e-4)
    if_nobody_left = (p.r + x) / (p.alpha + T) * np.array([1e-9, 1, 13, 52, 520])
    assert (orders <= if_nobody_left * (1 + 1e-6) + 1e-12).all()
    assert (chance <= orders * (1 + 1e-6) + 1e-12).all(), "a chance to buy is at most the orders expected"


def test_one_time_buyers_are_surely_alive_by_assumption():
    assert btyd.p_alive(CDNOW, 0, 0, 39) == 1


def test_expectation_agrees_with_simulation(model):
    """10,000 draws of one customer: alive or not, rate, chance to leave, then min(Poisson, geometric)."""
    rng = np.random.default_rng(5)
    r, alpha, a, b = model.parameters
    x, t_x, T, t, n = 4, 30.0, 52.0, 26.0, 40_000
    alive = rng.random(n) < btyd.p_alive(model.parameters, x, t_x, T)
    wanted = rng.poisson(rng.gamma(r + x, 1 / (alpha + T), n) * t)
    bought = alive * np.minimum(wanted, rng.geometric(rng.beta(a, b + x, n)))
    expected = float(btyd.expected_orders(model.parameters, (x, t_x, T), t)[0])
    assert bought.mean() == pytest.approx(expected, abs=4 * bought.std() / np.sqrt(n))
    chance = float(btyd.p_buy(model.parameters, (x, t_x, T), t))
    assert (bought > 0).mean() == pytest.approx(chance, abs=0.012)


def test_too_few_repeat_buyers_are_named():
    rows = pd.DataFrame({"x": [0] * 30 + [1], "t_x": [0] * 30 + [5], "T": [40] * 31})
    with pytest.raises(NotEnoughData, match=r"1 of 31 customers bought a second time.*at least 10"):
        btyd.fit(of_frame(rows))


def test_an_unknown_unit_is_refused(frame):
    with pytest.raises(ParameterError, match="fortnights"):
        btyd.fit(of_frame(frame), "fortnights")


def test_a_flat_fit_says_so_and_still_predicts():
    """Everybody orders every week and nobody leaves: a and b run away, totals stay."""
    rows = pd.DataFrame({"x": [52] * 40, "t_x": [364] * 40, "T": [364] * 40})
    steady = btyd.fit(of_frame(rows))
    assert steady.flat
    assert steady.expected_orders(rows, 70).sum() == pytest.approx(400, rel=0.05)
    assert np.isfinite(steady.log_covariance).all()


def test_series_and_quadrature_agree():
    """Two independent ways to the same expectation."""
    x, T, t = np.array([0.0, 3, 40]), np.array([5.0, 39, 100]), np.array([39.0, 39, 200])
    np.testing.assert_allclose(formulas._euler(CDNOW, x, T, t), formulas._quadrature(CDNOW, x, T, t), rtol=1e-10)


def test_quadrature_steps_in_where_the_series_fails():
    found = btyd.orders_if_alive(Parameters(1, 1, 5, 1), 99, 5, np.array([52.0, 520.0]))
    assert found == pytest.approx([25.9966, 26.0], abs=1e-4)
