"""The estimators find the generating parameters of the sample company again."""

from dataclasses import replace

import ibis
import numpy as np
import pytest

from crm_lib.analysis import btyd, histories, spend
from crm_lib.sources.sample import END, Truth, make_sample
from crm_lib.sources.sample.truth import Purchases

N = 30_000
# Bringing a table from ibis to pandas reads a pandas option that pandas calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")


@pytest.fixture(scope="module")
def sample():
    truth = replace(Truth(), purchases=replace(Purchases(), refund_share=0.0))
    return make_sample(n_customers=N, campaign_effects=False, truth=truth)


@pytest.fixture(scope="module")
def customers(sample):
    return histories.per_customer(
        ibis.memtable(sample.tables["transactions"].select(["customer_id", "at", "amount"])), END
    )


@pytest.fixture(scope="module")
def model(customers):
    return btyd.fit(histories.unique(customers, END))


def test_purchase_rates_and_dropout_are_found_again(model):
    true = Purchases()
    distance = np.log(np.array(model.parameters) / [true.r, true.alpha, true.a, true.b])
    assert model.n_customers == N
    assert distance @ np.linalg.solve(model.log_covariance, distance) < 18.5  # chi-square of 4, 99.9 %


def test_orders_of_the_year_ahead_are_near_what_came(sample, customers, model):
    frame = histories.customers_frame(customers, END)
    forecast = model.expected_orders(frame, 364).sum()
    truth = sample.truth["follows"]["purchases"]
    assert forecast == pytest.approx(truth["expected_orders_ahead"], rel=0.03)
    assert forecast == pytest.approx(truth["actual_orders_ahead"], rel=0.03)
    assert model.p_buy(frame, 364).sum() == pytest.approx(truth["actual_buyers_ahead"], rel=0.03)


def test_money_per_order_is_found_again(customers):
    frame = customers.to_pandas()
    x = frame.n_orders.to_numpy() - 1
    repeat = (frame.amount.astype(float) - frame.first_amount.astype(float)).to_numpy()
    fitted = spend.fit(x, np.divide(repeat, x, out=np.zeros(len(x)), where=x > 0))
    true = Purchases()
    distance = np.log(np.array([fitted.p, fitted.q, fitted.v]) / [true.p, true.q, true.gamma])
    assert distance @ np.linalg.solve(fitted.log_covariance, distance) < 16.3  # chi-square of 3, 99.9 %
    assert fitted.population_mean == pytest.approx(true.p * true.gamma / (true.q - 1), rel=0.03)
