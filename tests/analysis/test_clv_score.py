"""Scores of all customers: the formulas of each, whatever the chunks and the order of rows."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import btyd, histories, spend
from crm_lib.analysis.btyd import formulas
from crm_lib.analysis.clv import Options, score, value
from crm_lib.analysis.clv.options import DAYS_PER_MONTH

AS_OF = dt.date(2025, 12, 31)
FIRST = np.datetime64("2024-01-01", "us")
OPTIONS = Options(horizon_weeks=52, annual_discount_share=0.10, margin_share=0.4)


def orders(n=400, seed=3):
    """Customers who order at their own pace for a while and then stop; some orders come back."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        day, until, pace, size = rng.integers(0, 600), rng.exponential(300), rng.gamma(1, 40) + 2, rng.gamma(4, 10)
        last = min(730, day + until)
        while day <= last:
            rows.append((f"c{i:04}", int(day), round(rng.gamma(4, size / 4), 2)))
            if rng.random() < 0.1:
                rows.append((f"c{i:04}", int(min(day + 1, 730)), round(-size / 2, 2)))
            day += 1 + rng.exponential(pace)
    return rows


def known(rows):
    customers, days, amounts = zip(*rows, strict=True)
    at = FIRST + np.array(days).astype("timedelta64[D]")
    table = pa.table({"customer_id": pa.array(customers), "at": pa.array(at), "amount": pa.array(amounts)})
    return histories.known(ibis.memtable(table), AS_OF)


def rule_of(customers, options=OPTIONS, churn=False):
    found = histories.unique(customers, AS_OF)
    model, money = btyd.fit(found), spend.fit(*histories.repeat_spend(customers))
    return score.Rule.of(model, money, options, found, btyd.fit(found, kind=btyd.MBG) if churn else None)


def streamed(customers, rule, chunk_rows=score.CHUNK_ROWS):
    table = pa.Table.from_batches(score.stream(customers, rule, chunk_rows))
    return table.to_pandas().sort_values("customer_id", ignore_index=True)


@pytest.fixture(scope="module")
def rows():
    return orders()


@pytest.fixture(scope="module")
def customers(rows):
    return known(rows)


@pytest.fixture(scope="module")
def frame(customers):
    return customers.to_pandas().sort_values("customer_id", ignore_index=True)


@pytest.fixture(scope="module")
def rule(customers):
    return rule_of(customers, churn=True)


@pytest.fixture(scope="module")
def scores(customers, rule):
    return streamed(customers, rule)


def test_scores_are_the_formulas_of_each_customer(frame, rule, scores):
    """One customer after the other, without sharing anything."""
    p, week = rule.model.parameters, rule.model.unit_days
    ends = [*np.arange(DAYS_PER_MONTH, 364, DAYS_PER_MONTH), 364]
    for row, said in zip(frame.itertuples(), scores.itertuples(), strict=True):
        history = row.x, row.t_x / week, row.T / week
        expected = [float(formulas.expected_orders(p, history, t / week)[0]) for t in ends]
        discounted = sum(np.diff(expected, prepend=0) / 1.1 ** (np.arange(1, len(ends) + 1) / 12))
        spent = float(rule.spend.expected(row.x, row.mean_repeat_amount))
        alive = float(formulas.p_alive(rule.churn.parameters, *history, btyd.MBG))
        buys = float(formulas.p_buy(p, history, 52))
        assert said.customer_id == row.customer_id
        np.testing.assert_allclose(
            [said.p_alive, said.p_buy, said.expected_orders, said.expected_spend, said.clv_mid],
            [alive, buys, expected[-1], spent, discounted * spent * 0.4],
            rtol=1e-10,
        )


@pytest.mark.parametrize("chunk_rows", [1, 7, 100])
def test_chunks_change_nothing(customers, rule, scores, chunk_rows):
    pd.testing.assert_frame_equal(streamed(customers, rule, chunk_rows), scores, check_exact=True)


def test_a_part_of_the_customers_is_scored_as_within_all(frame, rule, scores):
    part = frame.sample(50, random_state=1)
    alone = pd.DataFrame(rule.scores(part), index=part.index)
    pd.testing.assert_frame_equal(alone, scores.loc[part.index, list(alone)], check_exact=True)


def test_row_order_changes_nothing(rows, rule, scores):
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    customers = known(shuffled)
    again = rule_of(customers, churn=True)
    assert again.model.parameters == rule.model.parameters
    pd.testing.assert_frame_equal(streamed(customers, again), scores, check_exact=True)


def test_the_page_has_the_same_scores(rows, scores):
    customers, days, amounts = zip(*rows, strict=True)
    at = FIRST + np.array(days).astype("timedelta64[D]")
    table = pa.table({"customer_id": pa.array(customers), "at": pa.array(at), "amount": pa.array(amounts)})
    fitted = value.fit(value.base(ibis.memtable(table), AS_OF), AS_OF)
    page = value.scored(fitted, OPTIONS)
    pd.testing.assert_frame_equal(page[list(scores)], scores, rtol=1e-8)


def test_without_discount_and_margin_value_is_orders_times_spend(customers):
    plain = streamed(customers, rule_of(customers, Options()))
    assert (plain["value_share"] == 1).all()
    np.testing.assert_allclose(plain["clv_mid"], plain["expected_orders"] * plain["expected_spend"])


@pytest.mark.parametrize(("x", "T"), [(10_000, 5), (1, 100_000), (400, 400)])
def test_a_history_that_the_rule_was_not_made_for_is_refused(rule, x, T):
    with pytest.raises(LookupError, match=f"x {x}, T {T}"):
        rule.scores({"x": np.array([x]), "t_x": np.array([0]), "T": np.array([T]), "mean_repeat_amount": [5.0]})


def test_a_customer_with_two_thousand_orders_is_scored(rule):
    heavy = pd.DataFrame({"x": [2000, 0], "t_x": [2000, 0], "T": [2100, 0], "mean_repeat_amount": [3.0, 0.0]})
    made = score.Rule.of(rule.model, rule.spend, OPTIONS, heavy)
    found = pd.DataFrame(made.scores(heavy))
    assert np.isfinite(found).all(axis=None)
    assert (found >= 0).all(axis=None)


def test_known_rows_are_those_of_the_page(rows, frame):
    customers, days, amounts = zip(*rows, strict=True)
    at = FIRST + np.array(days).astype("timedelta64[D]")
    table = pa.table({"customer_id": pa.array(customers), "at": pa.array(at), "amount": pa.array(amounts)})
    page = value.base(ibis.memtable(table), AS_OF)
    columns = ["customer_id", "x", "t_x", "T", "n_orders", "amount", "mean_repeat_amount"]
    pd.testing.assert_frame_equal(page[columns], frame[columns], check_dtype=False, rtol=1e-12)
