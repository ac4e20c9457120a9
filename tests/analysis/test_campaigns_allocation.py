import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis.campaigns import largest_remainder


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_the_cents_add_up_and_nobody_is_off_by_a_cent_or_more(total, weights):
    cents = largest_remainder(total, weights)
    assert sum(cents) == total
    assert all(abs(c - total * w / sum(weights)) < 1 for c, w in zip(cents, weights, strict=True))


def test_the_largest_remainders_get_the_cents_left_over():
    assert largest_remainder(10, [3, 3, 4]) == [3, 3, 4]
    assert largest_remainder(100, [1, 1, 4]) == [17, 17, 66]
    assert largest_remainder(7, [0.5, 0.25, 0.25]) == [3, 2, 2]


def test_who_has_no_weight_gets_nothing():
    assert largest_remainder(101, [0, 1, 1]) == [0, 51, 50]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 5]])
def test_without_a_positive_weight_there_is_nothing_to_divide_by(weights):
    with pytest.raises(ValueError, match="one of them positive"):
        largest_remainder(100, weights)
