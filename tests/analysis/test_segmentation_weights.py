import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.analysis.segmentation import weights
from crm_lib.errors import ParameterError


def customers(n=200, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({d: rng.integers(1, 6, n) for d in "rfm"})
    return frame.assign(
        days_since_last=rng.integers(0, 400, n), n_orders=rng.poisson(3, n) + 1, amount=rng.lognormal(4, 1, n)
    )


def test_given_weights_are_those_of_days_orders_and_money_in_any_order():
    assert weights.read("money 0.65, days 0.08; orders 0.27") == weights.TEXTBOOK
    assert weights.read("days 1/3, orders 1/3, amount 1/3").values == pytest.approx(weights.EQUAL)


@pytest.mark.parametrize("text", ["days 0.5, orders 0.5, money 0.5", "days -0.2, orders 0.6, money 0.6"])
def test_weights_must_add_up_to_one(text):
    with pytest.raises(ParameterError, match="add up to 1"):
        weights.read(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "days 1",
            "days 0.5, orders 0.5",
            "days x, orders 0.5, money 0.5",
            "heat 0.1, orders 0.4, money 0.5",
        ),
        *("orders/days 3, money/days 7", "orders/days 3, days/orders 3, money/orders 3"),
        "days 1/0, orders 0, money 0",
    ],
)
def test_weights_that_cannot_be_read_are_refused_with_an_example(text):
    with pytest.raises(ParameterError, match=r'can\'t be read\. Write three weights .* "days 0\.08'):
        weights.read(text)


def test_a_comparison_beyond_nine_is_refused():
    with pytest.raises(ParameterError, match="Ratios lie from 1/9 to 9"):
        weights.read("orders/days 30, money/days 7, money/orders 3")


@pytest.mark.parametrize("ratios", [(3, 7, 3), (2, 4, 2), (1, 5, 4)])
def test_the_principal_vector_of_three_is_the_geometric_mean_of_the_rows(ratios):
    orders_days, money_days, money_orders = ratios
    matrix = np.array(
        [[1, 1 / orders_days, 1 / money_days], [orders_days, 1, 1 / money_orders], [money_days, money_orders, 1]]
    )
    by_rows = matrix.prod(axis=1) ** (1 / 3)
    found = weights.read(f"orders/days {orders_days}, money/days {money_days}, money/orders {money_orders}")
    assert found.values == pytest.approx(by_rows / by_rows.sum())
    ci = (float((matrix @ found.values / found.values)[0]) - 3) / 2
    assert found.consistency == pytest.approx(ci / 0.58, abs=1e-9)


def test_consistent_comparisons_have_ratio_zero_in_either_direction():
    found = weights.read("days/orders 1/2, money/orders 3, days/money 1/6")
    assert found.consistency == pytest.approx(0, abs=1e-9)
    assert found.values == pytest.approx((1 / 9, 2 / 9, 6 / 9))


def test_comparisons_that_contradict_each_other_are_refused_with_their_ratio():
    with pytest.raises(ParameterError, match=r"consistency ratio is \d\.\d\d, and it must be under 0\.10"):
        weights.read("orders/days 3, money/orders 3, days/money 3")


def test_entropy_is_computed_word_for_word():
    frame = customers(50)
    spread = []
    for column, sign in (("days_since_last", -1), ("n_orders", 1), ("amount", 1)):
        x = sign * frame[column].astype(float)
        x = (x - x.min()) / (x.max() - x.min())
        p = x / x.sum()
        e = -sum(v * np.log(v) for v in p if v > 0) / np.log(len(p))
        spread.append(1 - e)
    assert weights.entropy(frame) == pytest.approx(np.array(spread) / sum(spread))


def test_a_measure_alike_in_all_customers_weighs_nothing_and_all_alike_weigh_the_same():
    frame = customers(50).assign(n_orders=1)
    assert weights.entropy(frame)[1] == 0
    alike = frame.assign(days_since_last=3, amount=5.0)
    assert weights.entropy(alike) == weights.EQUAL


def test_kendalls_tau_counts_customers_not_codes():
    frame = customers(300)
    given, equal = weights.score(frame, weights.TEXTBOOK.values), weights.score(frame, weights.EQUAL)
    beside = weights.beside(frame, weights.TEXTBOOK)
    assert beside["tau"].iloc[0] == pytest.approx(stats.kendalltau(given, equal).statistic)
    assert beside["n_moved"].iloc[0] == (weights.band(given) != weights.band(equal)).sum()
    assert beside["how"].tolist() == ["given", "equal", "entropy"]


def test_equal_weights_change_nothing():
    beside = weights.beside(customers(), weights.read("equal"))
    assert beside["how"].tolist() == ["equal", "entropy"]
    assert (beside["tau"].iloc[0], beside["n_moved"].iloc[0]) == (pytest.approx(1), 0)


def test_where_all_are_alike_there_is_no_order_to_compare():
    frame = customers(5).assign(r=3, f=3, m=3)
    assert pd.isna(weights.beside(frame, weights.TEXTBOOK)["tau"].iloc[0])
