"""What must not matter for the purchase model: the order of rows, their compression, the unit of time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.analysis import btyd
from crm_lib.analysis.btyd.formulas import Parameters
from crm_lib.analysis.histories import Histories, of_frame
from crm_lib.errors import NotEnoughData

between = st.floats(0.05, 20)
any_parameters = st.builds(Parameters, between, between, between, between)
kinds = st.sampled_from(btyd.KINDS)


@st.composite
def customers(draw, at_least=1, at_most=80):
    """A frame of customers with whole days: orders after the first, day of the last, days observed."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(1, 900), st.integers(0, 12), st.floats(0, 1)),
            min_size=at_least,
            max_size=at_most,
        )
    )
    frame = pd.DataFrame(
        [(min(x, T), max(min(x, T), int(share * T)), T) for T, x, share in rows], columns=["x", "t_x", "T"]
    )
    return frame.assign(t_x=frame["t_x"].where(frame["x"] > 0, 0))


def one_by_one(frame):
    """Every customer a history of their own, in the order given: nothing compressed, nothing sorted."""
    return Histories(*(frame[c].to_numpy("int64") for c in ("x", "t_x", "T")), np.ones(len(frame), "int64"))


def bought(seed, n, r, alpha, a, b):
    """Customers of a shop that follows BG/NBD, in whole days over two years."""
    rng = np.random.default_rng(seed)
    T = rng.integers(100, 730, n)
    rates, leaves = rng.gamma(r, 1 / alpha, n) / 7, rng.beta(a, b, n)
    rows = []
    for end, rate, leave in zip(T, rates, leaves, strict=True):
        days, now = set(), 0.0
        while (now := now + rng.exponential(1 / rate)) <= end - 1:
            days.add(int(np.ceil(now)))
            if rng.random() < leave:
                break
        rows.append((len(days), max(days, default=0), end))
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


shops = st.builds(
    bought,
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(120, 400),
    r=st.floats(0.2, 2),
    alpha=st.floats(3, 20),
    a=st.floats(0.3, 2),
    b=st.floats(1, 5),
)


def fitted(histories, kind, unit="weeks"):
    try:
        return btyd.fit(histories, unit, kind)
    except NotEnoughData as why:
        return str(why)


@settings(max_examples=150, deadline=None)
@given(customers(), any_parameters, kinds, st.randoms(use_true_random=False))
def test_the_log_likelihood_knows_neither_order_nor_compression(frame, parameters, kind, chance):
    order = list(range(len(frame)))
    chance.shuffle(order)
    compressed = btyd.log_likelihood(parameters, of_frame(frame), kind=kind)
    assert btyd.log_likelihood(parameters, of_frame(frame.iloc[order]), kind=kind) == compressed
    assert btyd.log_likelihood(parameters, one_by_one(frame), kind=kind) == pytest.approx(
        compressed, rel=1e-11, abs=1e-9
    )


@settings(max_examples=150, deadline=None)
@given(customers(), any_parameters, kinds)
def test_the_log_likelihood_in_days_is_that_in_weeks_less_the_logarithm_of_seven_per_repeat_order(
    frame, parameters, kind
):
    histories = of_frame(frame)
    in_days = btyd.log_likelihood(parameters._replace(alpha=7 * parameters.alpha), histories, "days", kind=kind)
    in_weeks = btyd.log_likelihood(parameters, histories, "weeks", kind=kind)
    assert in_weeks - in_days == pytest.approx(histories.n_repeat_orders * np.log(7), rel=1e-9, abs=1e-7)


@settings(max_examples=150, deadline=None)
@given(customers(), any_parameters, kinds, st.integers(1, 700))
def test_predictions_are_the_same_in_days_and_in_weeks(frame, parameters, kind, horizon):
    x, t_x, T = (frame[c].to_numpy(float) for c in ("x", "t_x", "T"))
    per_day = parameters._replace(alpha=7 * parameters.alpha)
    for predicted in (btyd.expected_orders, btyd.p_buy):
        np.testing.assert_allclose(
            predicted(per_day, (x, t_x, T), horizon, kind),
            predicted(parameters, (x, t_x / 7, T / 7), horizon / 7, kind),
            rtol=1e-6,
            atol=1e-12,
        )


@settings(max_examples=15, deadline=None)
@given(shops, kinds, st.randoms(use_true_random=False))
def test_a_fit_knows_neither_the_order_of_customers_nor_their_compression(frame, kind, chance):
    order = list(range(len(frame)))
    chance.shuffle(order)
    model = fitted(of_frame(frame), kind)
    again, apart = fitted(of_frame(frame.iloc[order]), kind), fitted(one_by_one(frame), kind)
    if isinstance(model, str):
        assert again == apart == model
        return
    assert again.parameters == model.parameters
    assert apart.log_likelihood == pytest.approx(model.log_likelihood, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(shops, kinds)
def test_a_fit_in_days_predicts_what_a_fit_in_weeks_predicts(frame, kind):
    histories = of_frame(frame)
    weeks, days = fitted(histories, kind), fitted(histories, kind, "days")
    if isinstance(weeks, str):
        assert days == weeks
        return
    assert weeks.log_likelihood - days.log_likelihood == pytest.approx(
        histories.n_repeat_orders * np.log(7), abs=1e-4
    )
    if not (weeks.flat or days.flat):
        np.testing.assert_allclose(
            days.expected_orders(histories, 90), weeks.expected_orders(histories, 90), rtol=1e-3, atol=1e-6
        )
