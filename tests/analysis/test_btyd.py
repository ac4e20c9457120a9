import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from crm_lib.analysis import btyd
from crm_lib.analysis.btyd import draws, formulas, likelihood, simpler
from crm_lib.analysis.btyd.formulas import Parameters
from crm_lib.analysis.histories import of_frame
from crm_lib.errors import NotEnoughData, ParameterError

CDNOW = Parameters(0.2425945, 4.4136020, 0.7929199, 2.4259068)
positive = st.floats(0.02, 50)


def simulated(n, seed, r=0.6, alpha=8.0, a=0.8, b=2.5, kind=btyd.BG):
    """Histories drawn from the model, over two years, in days."""
    rng = np.random.default_rng(seed)
    T = rng.integers(60, 730, n)
    rate, leave = rng.gamma(r, 1 / alpha, n) / 7, rng.beta(a, b, n)
    x, t_x = np.zeros(n, int), np.zeros(n, int)
    now, alive = np.zeros(n), np.ones(n, bool)
    if kind == btyd.MBG:
        alive &= rng.random(n) > leave
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


@pytest.mark.parametrize("kind", [btyd.BG, btyd.MBG])
def test_gradient_and_hessian_match_differences(frame, kind):
    prepared = likelihood.prepare(of_frame(frame.head(400)), 70.0, kind)
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


@settings(max_examples=250, deadline=None)
@given(
    st.tuples(positive, positive, positive, positive),
    st.one_of(st.integers(0, 300), st.integers(1500, 2500)),
    st.floats(0, 1),
    st.floats(0.5, 300),
    st.sampled_from(btyd.KINDS),
)
def test_predictions_are_finite_bounded_and_grow_with_time(parameters, x, share, T, kind):
    p = Parameters(*parameters)
    history = (x, share * T if x else 0.0, T)
    orders, chance = (
        np.array([float(np.atleast_1d(f(p, history, t, kind))[0]) for t in (1e-9, 1, 13, 52, 520)])
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


def test_where_nobody_leaves_the_nbd_stands_in_and_says_so():
    """Everybody orders every week and nobody leaves: a and b run away, totals stay."""
    rows = pd.DataFrame({"x": [52] * 40, "t_x": [364] * 40, "T": [364] * 40})
    steady = btyd.fit(of_frame(rows))
    assert (steady.kind, steady.asked, steady.is_simpler) == (btyd.NBD, btyd.BG, True)
    assert steady.expected_orders(rows, 70).sum() == pytest.approx(400, rel=0.05)
    assert (steady.p_alive(rows) == 1).all()
    assert np.isfinite(steady.log_covariance).all()


def test_where_all_leave_with_the_same_chance_one_chance_stands_in():
    rows = simulated(3000, seed=5, a=40_000, b=160_000)
    found = btyd.fit(of_frame(rows))
    assert (found.kind, found.n_parameters, found.is_simpler) == (btyd.CONSTANT, 3, True)
    low, high = found.leave_share.low, found.leave_share.high
    assert low < 0.2 < high < low + 0.05
    assert np.isfinite(found.parameter_draws(np.random.default_rng(1), 50)).all()


def test_a_flat_direction_names_its_parameters():
    from crm_lib.analysis import newton

    hessian = np.diag([1.0, 1.0, 1.0, 0.0])
    hessian[2:, 2:] = [[0.5, -0.5], [-0.5, 0.5]]  # only the difference of the last two is settled
    optimum = newton.Optimum(np.zeros(4), -1.0, 1e-12, hessian)
    assert optimum.loose == (2, 3)
    assert optimum.flat


def test_series_and_quadrature_agree():
    """Two independent ways to the same expectation."""
    x, T, t = np.array([0.0, 3, 40]), np.array([5.0, 39, 100]), np.array([39.0, 39, 200])
    np.testing.assert_allclose(formulas._euler(CDNOW, x, T, t), formulas._quadrature(CDNOW, x, T, t), rtol=1e-10)


def test_quadrature_steps_in_where_the_series_fails():
    found = btyd.orders_if_alive(Parameters(1, 1, 5, 1), 99, 5, np.array([52.0, 520.0]))
    assert found == pytest.approx([25.9966, 26.0], abs=1e-4)


@pytest.mark.parametrize(("made", "n"), [(simpler.nbd, 2), (simpler.constant, 3)])
def test_gradient_and_hessian_of_simpler_models_match_differences(frame, made, n):
    objective = made(likelihood.prepare(of_frame(frame.head(400)), 70.0))
    z = np.log([0.5, 1.0, 0.4])[:n]
    _, gradient, hessian = objective(z, True)
    np.testing.assert_allclose(gradient, approx_fprime(z, lambda q: objective(q, False)[0], 1e-6), atol=1e-5)
    for i, row in enumerate(hessian):
        e = 1e-5 * np.eye(n)[i]
        up, down = (objective(z + s * e, False)[1] for s in (1, -1))
        np.testing.assert_allclose(row, (up - down) / 2e-5, atol=1e-7)


def test_a_company_whose_first_orders_may_be_the_last_is_recovered_by_the_modified_model():
    found = btyd.fit(of_frame(simulated(5000, seed=12, kind=btyd.MBG)), kind=btyd.MBG)
    off = (np.log(found.parameters) - np.log([0.6, 8.0, 0.8, 2.5])) / np.sqrt(np.diag(found.log_covariance))
    assert np.abs(off).max() < 3, found.parameters


def test_the_modified_model_doubts_one_time_buyers_the_longer_they_are_silent():
    alive = btyd.p_alive(CDNOW, 0, 0, np.array([0.0, 10, 39, 200]), btyd.MBG)
    assert alive[0] == pytest.approx(CDNOW.b / (CDNOW.a + CDNOW.b))
    assert (np.diff(alive) < 0).all()


@pytest.mark.parametrize("kind", [btyd.BG, btyd.MBG, btyd.NBD])
def test_draws_agree_with_the_closed_forms(kind):
    rng = np.random.default_rng(5)
    p = Parameters(0.5, 6.0, 0.9, 1.6) if kind != btyd.NBD else Parameters(0.5, 6.0, 0.0, 1.0)
    history = (np.array([0.0, 4, 30]), np.array([0.0, 30, 50]), np.array([20.0, 52, 52]))
    drawn = draws.orders(np.tile(p, (60_000, 1)), history, 26.0, kind, rng)
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    expected = btyd.expected_orders(p, history, 26.0, kind)
    assert (np.abs(drawn.mean(axis=0) - expected) < 4 * error).all()
    np.testing.assert_allclose((drawn > 0).mean(axis=0), btyd.p_buy(p, history, 26.0, kind), atol=0.01)


def test_the_day_of_the_next_order_agrees_with_simulation():
    rng = np.random.default_rng(2)
    p, x, T, within = CDNOW, 3, 30.0, 26.0
    wait = rng.exponential(1 / rng.gamma(p.r + x, 1 / (p.alpha + T), 200_000))
    wait = wait[wait <= within]
    for share in (0.05, 0.5, 0.95):
        found = float(btyd.next_order_time(p, x, T, share, within))
        assert found == pytest.approx(np.quantile(wait, share), rel=0.03)


def test_histories_in_another_unit_than_days_are_refused(model, frame):
    weeks = frame.assign(t_x=frame["t_x"] / 7, T=frame["T"] / 7)
    with pytest.raises(ParameterError, match=r"t_x: saw fractions of a day, need whole days"):
        model.expected_orders(weeks, 90)


def test_models_in_different_units_are_not_compared(frame, model):
    with pytest.raises(ParameterError, match=r"5,000 customers in weeks, 5,000 customers in days"):
        btyd.compare([model, btyd.fit(of_frame(frame), "days")])


def test_the_model_that_made_the_data_wins_the_comparison(frame, model):
    others = [btyd.fit(of_frame(frame), kind=kind) for kind in (btyd.MBG, btyd.NBD)]
    above = {m.kind: by for m, by in btyd.compare([model, *others])}
    assert above[btyd.BG] == 0
    assert above[btyd.NBD] > above[btyd.MBG] > 0
    assert model.bic - model.aic == pytest.approx(4 * (np.log(5000) - 2))


def test_intervals_never_reach_below_zero_and_hold_the_value(model):
    for found in (*model.intervals, model.leave_share):
        assert 0 < found.low < found.value < found.high


def test_an_unknown_kind_is_refused(frame):
    with pytest.raises(ParameterError, match="kind: saw 'pareto'"):
        btyd.fit(of_frame(frame), kind="pareto")
