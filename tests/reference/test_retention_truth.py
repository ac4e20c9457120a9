"""Retention finds the sample company's true drop-out again, from its tables alone."""

import ibis
import numpy as np
import pytest

from crm_lib.analysis import retention
from crm_lib.analysis.clv import judgement
from crm_lib.sources.sample import END, Truth, make_sample, purchases
from crm_lib.sources.sample.columns import stream
from crm_lib.sources.sample.truth import LAST_DAY, SEED

N = 5_000
TRUE = Truth().purchases
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")


@pytest.fixture(scope="module")
def latent():
    """What nobody sees: who has dropped out, and when; and the orders to come."""
    return purchases.history(stream(SEED, "purchases"), TRUE, N)


@pytest.fixture(scope="module")
def result():
    sample = make_sample(n_customers=N, campaign_effects=False)
    rows = ibis.memtable(sample.tables["transactions"].select(["customer_id", "at", "amount"]))
    return retention.retention(rows, END, ibis.memtable(sample.tables["customers"].drop(["contract_end"])))


@pytest.fixture(scope="module")
def customers(result, latent):
    people, orders = latent
    found = result.customers.sort_values("customer_id", ignore_index=True)
    assert found["customer_id"].tolist() == [f"C{i:05}" for i in range(1, N + 1)]
    came = orders.where((orders.day > LAST_DAY) & (orders.day <= LAST_DAY + result.warning.days))
    return found.assign(alive=people.alive, bought=np.bincount(came.customer, minlength=N) > 0)


def test_the_chance_to_leave_after_an_order_is_that_of_the_truth(result):
    true, found = TRUE.a / (TRUE.a + TRUE.b), result.warning.leave_share
    side = found.high - found.value if true > found.value else found.value - found.low
    assert abs(found.value - true) <= 2 * side, "within two half widths, 3.3 standard errors"


def test_as_many_repeat_buyers_have_dropped_out_as_is_said(customers):
    repeaters = customers.query("x > 0")
    said, true = (1 - repeaters["p_alive"]).sum(), (~repeaters["alive"]).sum()
    assert said == pytest.approx(true, rel=0.08), "drop-out is BG/NBD here, P(alive) is by the MBG/NBD"


def test_who_has_dropped_out_is_ranked_above_who_has_not(customers):
    repeaters = customers.query("x > 0")
    gone = ~repeaters["alive"].to_numpy()
    by_model = judgement.auc(1 - repeaters["p_alive"].to_numpy(), gone)
    by_days = judgement.auc(repeaters["days_since_last"].to_numpy(float), gone)
    assert by_model > 0.8
    assert by_model > by_days


def test_stages_are_in_the_order_of_true_drop_out(customers):
    repeaters = customers.query("x > 0")
    gone = 1 - repeaters.groupby("stage")["alive"].mean()
    assert gone["kept"] < gone["at_risk"] < gone["lost"]
    assert gone["to_win_back"] > 2 * gone["kept"]


def test_the_sales_at_risk_come_true(result, customers):
    listed = customers[customers["status"] != "churned"]
    seen = listed.loc[~listed["bought"], "pace_amount"].sum()
    assert seen == pytest.approx(result.at_risk.value, rel=0.08)


def test_the_chance_of_no_order_is_the_share_that_does_not_order(customers):
    groups = judgement.chances(1 - customers["p_silent"].to_numpy(), customers["bought"].to_numpy())
    error = np.sqrt(groups["said"] * (1 - groups["said"]) / groups["n_customers"])
    assert ((groups["said"] - groups["came"]).abs() < 4 * error + 0.01).all()


def test_nothing_sets_channels_and_regions_apart_since_nothing_does(result):
    """Channel and region are drawn independently of purchases; grades are not."""
    assert result.survival.surely_different == ("grade",)
