"""A level that drifts: against published formulas, and the coverage of its range in simulated companies."""

import datetime as dt

import numpy as np
import pytest

from crm_lib.analysis.campaigns.level import Stretches, _kriged, projected, with_past
from crm_lib.analysis.intervals import Interval, nothing

START = dt.date(2024, 1, 1)
LENGTH = 91


def stretches(values, variance=0.0):
    n = len(values)
    middle = START.toordinal() + LENGTH * (np.arange(n) + 0.5)
    return Stretches(middle, np.asarray(values, float), np.broadcast_to(float(variance), n).copy(), float(LENGTH))


def ahead(n, first=0, last=0):
    """Days of the stretches `first` to `last` after n."""
    start = START + dt.timedelta(days=LENGTH * (n + first))
    return start, START + dt.timedelta(days=LENGTH * (n + last + 1) - 1)


def test_a_straight_line_goes_on():
    values = [1 + 0.1 * i + (0.001 if i % 2 else 0) for i in range(8)]
    found = projected(stretches(values), *ahead(8))
    assert found.value == pytest.approx(1.8, abs=0.005)
    assert found.low < 1.8 < found.high
    assert found.n == 8


def test_a_walk_without_noise_is_the_drift_method_of_the_textbook():
    """Hyndman & Athanasopoulos, Forecasting, 5.2: y + h b, b the mean change, error σ √(h (1 + h ÷ (n − 1)))."""
    y, h, sd = np.array([1.0, 1.3, 1.1, 1.6, 1.5, 1.9]), 3.0, 0.2
    at = np.arange(6.0)
    _likelihood, (middle,), (error,) = _kriged(at, y, np.zeros(6), np.array([5 + h]), np.array([sd]))
    assert middle == pytest.approx(y[-1] + h * (y[-1] - y[0]) / 5)
    assert error == pytest.approx(sd * np.sqrt(h * (1 + h / 5)))


def test_noise_alone_is_a_line_through_the_stretches():
    y, at = np.array([1.0, 1.3, 1.1, 1.6, 1.5, 1.9]), np.arange(6.0)
    _likelihood, (middle,), (error,) = _kriged(at, y, np.full(6, 0.04), np.array([7.0]), np.array([1e-6]))
    line = np.polyfit(at, y, 1)
    assert middle == pytest.approx(np.polyval(line, 7.0), abs=1e-6)
    spread = 0.2 * np.sqrt(1 / 6 + (7 - 2.5) ** 2 / ((at - 2.5) ** 2).sum())
    assert error == pytest.approx(spread, rel=1e-4)


@pytest.mark.parametrize("values", [[], [1.0], [1, 2, 1, 2, 1], [1.0] * 9])
def test_few_stretches_or_none_that_differ_bear_no_range(values):
    assert projected(stretches(values), *ahead(len(values))) == nothing(len(values))


def test_a_missing_stretch_in_between_is_no_harm():
    whole = stretches([1.0, 1.2, 1.1, 1.3, 1.2, 1.4, 1.3, 1.5])
    rest = Stretches(*(np.delete(x, 3) for x in (whole.middle, whole.value, whole.variance)), whole.length)
    a, b = (projected(s, *ahead(8)) for s in (whole, rest))
    assert b.value == pytest.approx(a.value, abs=0.05)
    assert b.n == 7


def test_few_answers_in_the_days_ahead_widen_the_range():
    seen = stretches([1.0, 1.02, 0.99, 1.01, 1.0, 1.02, 1.0], 0.0004)
    start, last = ahead(7)
    short = projected(seen, start, start + dt.timedelta(days=6))
    long = projected(seen, start, last)
    assert short.high - short.low > long.high - long.low


def test_further_ahead_is_wider():
    seen = stretches([1.0, 1.3, 1.1, 1.6, 1.5, 1.9, 1.7])
    near, far = (projected(seen, *ahead(7, k, k)) for k in (0, 3))
    assert far.high - far.low > 1.5 * (near.high - near.low)


def test_what_is_gone_of_a_period_is_certain():
    assert with_past(Interval(2.0, 1.0, 3.0, 8), 1.0, 0.75) == Interval(1.25, 1.0, 1.5, 8)
    assert with_past(nothing(3), 1.0, 0.5) == nothing(3)


def company(rng, kind, n, n_ahead):
    """Values of stretches behind, the variance of their error, and what will be measured ahead."""
    walk = {"steady": 0.0, "walking": 0.03, "rising": 0.01}[kind]
    trend = 0.02 if kind == "rising" else 0.0
    level = 1 + np.cumsum(trend + walk * rng.standard_normal(n + n_ahead))
    se = 0.0 if kind == "walking" else 0.02
    seen = level + se * rng.standard_normal(n + n_ahead)
    return stretches(seen[:n], se**2), seen[n:].mean()


@pytest.mark.slow
@pytest.mark.parametrize("n_ahead", [1, 4])
@pytest.mark.parametrize("n", [6, 12])
@pytest.mark.parametrize(("kind", "most"), [("steady", 1.0), ("walking", 0.94), ("rising", 1.0)])
def test_the_range_holds_what_comes_nine_times_in_ten_and_oftener_where_the_level_hardly_moves(
    kind, most, n, n_ahead
):
    """Where all that moves is the error of sampling, a few stretches can't show that the level does not."""
    rng, held, n_times = np.random.default_rng(8), 0, 400
    for _ in range(n_times):
        seen, came = company(rng, kind, n, n_ahead)
        found = projected(seen, *ahead(n, 0, n_ahead - 1))
        held += found.low <= came <= found.high
    assert 0.86 <= held / n_times <= most
