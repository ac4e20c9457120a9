"""Shares of explained variance: against definitions, on correlations small enough to check by hand."""

from itertools import permutations

import numpy as np
import pytest

from crm_lib.analysis import importance


@pytest.fixture
def four():
    """Correlations of four drivers and an outcome."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    y = x @ [1.0, 0.5, 0, -0.4] + 2 * rng.normal(size=60)
    return np.corrcoef(np.column_stack([x, y]).T)


def r_squared(c, drivers):
    if not drivers:
        return 0.0
    rows = list(drivers)
    return float(c[rows, -1] @ np.linalg.solve(c[np.ix_(rows, rows)], c[rows, -1]))


def test_every_subset_explains_what_least_squares_say(four):
    fits = importance.explained_by_subset(four)
    for mask in range(16):
        assert fits[mask] == pytest.approx(r_squared(four, [j for j in range(4) if mask >> j & 1]))


def test_shapley_is_the_mean_gain_over_all_orders(four):
    gains = np.zeros(4)
    for order in permutations(range(4)):
        for place, j in enumerate(order):
            gains[j] += r_squared(four, order[: place + 1]) - r_squared(four, order[:place])
    assert importance.shapley(four) == pytest.approx(gains / 24)


def test_both_shares_sum_to_r_squared(four):
    whole = r_squared(four, range(4))
    assert importance.shapley(four).sum() == pytest.approx(whole)
    assert importance.relative_weights(four).sum() == pytest.approx(whole)


def test_inflation_is_the_diagonal_of_the_inverse(four):
    assert importance.inflation(four) == pytest.approx(np.diag(np.linalg.inv(four[:4, :4])))


def test_a_stack_gives_what_each_matrix_gives(four):
    stack = np.stack([four, np.eye(5)])
    for function in (importance.shapley, importance.relative_weights, importance.inflation):
        assert function(stack)[0] == pytest.approx(function(four))
        assert function(stack)[1] == pytest.approx(function(np.eye(5)))


def test_two_drivers_that_say_the_same_share_alike():
    c = np.array([[1, 1, 0.6], [1, 1, 0.6], [0.6, 0.6, 1]])
    assert importance.shapley(c) == pytest.approx([0.18, 0.18])
    assert importance.relative_weights(c) == pytest.approx([0.18, 0.18])
    assert np.isinf(importance.inflation(c)).all()


def test_order_of_drivers_does_not_matter(four):
    order = [2, 0, 3, 1]
    turned = four[np.ix_([*order, 4], [*order, 4])]
    assert importance.shapley(turned) == pytest.approx(importance.shapley(four)[order])


def test_more_than_twelve_drivers_are_refused():
    with pytest.raises(ValueError, match="at most 12 drivers, got 13"):
        importance.shapley(np.eye(14))


def test_correlations_of_a_column_that_does_not_vary_are_nought():
    values = np.array([[1.0, 7, 2], [2, 7, 1], [4, 7, 0]])
    found = importance.correlations(values)
    assert found[1].tolist() == [0, 1, 0]
    assert found[0, 2] == pytest.approx(np.corrcoef(values[:, 0], values[:, 2])[0, 1])


def test_weights_count_rows():
    values = np.random.default_rng(1).normal(size=(5, 3))
    repeated = importance.correlations(np.repeat(values, [1, 2, 0, 3, 1], axis=0))
    assert importance.correlations(values, np.array([1, 2, 0, 3, 1])) == pytest.approx(repeated)
