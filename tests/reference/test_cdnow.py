"""CDNOW, 1/10 sample: numbers in print (Fader, Hardie & Lee 2005; Fader & Hardie, note 025) and recomputed ones.

Weeks with fractions, several purchases of a day merged, customers fitted to 1997-09-30 and tested to 1998-06-30.
"""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_lib.analysis import btyd, clv
from crm_lib.analysis.btyd import Parameters
from crm_lib.analysis.clv import value

DATA = Path(__file__).parents[2] / "data" / "cdnow" / "CDNOW_sample.txt"
CUT, END = dt.date(1997, 9, 30), dt.date(1998, 6, 30)
PRINTED = Parameters(0.243, 4.414, 0.793, 2.426)


@pytest.fixture(scope="module")
def transactions():
    rows = [line.split() for line in DATA.read_text(encoding="ascii").splitlines() if line.strip()]
    columns = {
        "customer_id": [r[1] for r in rows],
        "at": [dt.datetime.strptime(r[2], "%Y%m%d") for r in rows],
        "amount": [float(r[4]) for r in rows],
    }
    return ibis.memtable(pa.table(columns))


@pytest.fixture(scope="module")
def forecast(transactions):
    return clv.forecast(transactions, END, clv.Options(horizon_weeks=39, holdout_weeks=39, currency="USD"))


@pytest.fixture(scope="module")
def test_fit(forecast):
    return forecast.holdout.fitted


def test_the_sample_is_the_published_one(test_fit):
    h = test_fit.histories
    assert (h.n_customers, h.n_repeaters, h.n_repeat_orders) == (2357, 946, 2457)
    assert h.T.max() / 7 == pytest.approx(38.857, abs=5e-4)
    assert len(h) == 1016


def test_purchase_model_is_the_printed_one(test_fit):
    assert [round(v, 3) for v in test_fit.model.parameters] == [0.243, 4.414, 0.793, 2.426]
    assert round(test_fit.model.log_likelihood, 1) == -9582.4


def test_purchase_model_to_more_digits(test_fit):
    wanted = [0.24259451, 4.41360183, 0.79292191, 2.42590641]
    np.testing.assert_allclose(test_fit.model.parameters, wanted, rtol=1e-5)
    assert test_fit.model.log_likelihood == pytest.approx(-9582.429207, rel=1e-9)


def test_standard_errors(test_fit):
    wanted = [0.012557, 0.378221, 0.185718, 0.705341]
    np.testing.assert_allclose(test_fit.model.standard_errors, wanted, rtol=1e-3)


def test_spend_model_is_the_printed_one(test_fit):
    s = test_fit.spend
    assert (round(s.p, 2), round(s.q, 2), round(s.v, 2)) == (6.25, 3.74, 15.44)
    np.testing.assert_allclose([s.p, s.q, s.v], [6.2495715, 3.74422494, 15.44352418], rtol=1e-5)
    assert s.log_likelihood == pytest.approx(-4055.917695, rel=1e-9)


def test_expected_spend_of_the_first_ten_customers_is_the_printed_one(test_fit):
    printed = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    spent = test_fit.expected_spend()
    np.testing.assert_allclose(spent[:10], printed, atol=0.01)
    assert spent.mean() == pytest.approx(35.25295818, abs=2e-3)


def test_spend_and_frequency_are_as_independent_as_reported(test_fit):
    found = test_fit.spend.dependence
    assert found.pearson == pytest.approx(0.1139, abs=5e-5)
    assert found.spearman == pytest.approx(0.2064, abs=2e-4)  # ties to the cent
    assert not found.is_strong


def test_repeat_orders_of_a_new_customer():
    t = np.array([0.1429, 1, 3, 31.8571, 32, 78])
    wanted = [0.00782835, 0.05326789, 0.15086523, 1.04199606, 1.04524333, 1.86051906]
    np.testing.assert_allclose(btyd.expected_orders_of_new(PRINTED, t), wanted, rtol=1e-6)


def test_orders_expected_of_the_paper_s_customer():
    history = (2, 30.43, 38.86)
    assert float(btyd.expected_orders(PRINTED, history, 39)[0]) == pytest.approx(1.2260282, abs=1e-6)
    assert float(btyd.p_alive(PRINTED, *history)) == pytest.approx(0.7266, abs=1e-3)


def test_modified_model_is_the_printed_one(test_fit):
    """Tests of lifetimes; to more digits by code of another author."""
    assert [round(v, 3) for v in test_fit.churn.parameters] == [0.525, 6.183, 0.891, 1.614]
    wanted = [0.52484322, 6.18308558, 0.89135924, 1.61400176]
    np.testing.assert_allclose(test_fit.churn.parameters, wanted, rtol=1e-5)
    assert test_fit.churn.log_likelihood == pytest.approx(-9582.135716, rel=1e-9)


def test_nbd_is_the_printed_one(test_fit):
    """Fader & Hardie: NBD on the same histories, as the model to beat."""
    (nbd,) = test_fit.beside
    assert [round(v, 3) for v in nbd.parameters[:2]] == [0.385, 12.072]
    assert round(nbd.log_likelihood, 1) == -9763.7


def test_criteria(test_fit):
    assert test_fit.model.aic == pytest.approx(19172.858, abs=1e-3)
    assert test_fit.model.bic == pytest.approx(19195.919, abs=1e-3)


def test_unseen_weeks(forecast):
    test = forecast.holdout
    assert test.cut_on == CUT
    assert (test.seen_orders, test.n_back) == (1882, 684)
    assert test.expected_orders == pytest.approx(1653.41, abs=0.01)
    assert test.churn_orders == pytest.approx(1576.73, abs=0.01)
    error = test.contest("orders_error", "same_rate")
    assert error.model == pytest.approx(0.78545, abs=1e-5)
    assert error.rule == pytest.approx(1.02367, abs=1e-5)


def test_who_buys_again_is_told_better_by_silence_than_by_any_model(forecast):
    again, there = forecast.holdout.contest("buys_again"), forecast.holdout.contest("is_there")
    assert again.model == pytest.approx(0.75692, abs=1e-5)
    assert there.model == pytest.approx(0.687, abs=5e-4)
    assert again.rule == there.rule == pytest.approx(0.7714, abs=5e-5)
    assert not again.model_won


def test_p_alive_of_the_plain_model_would_be_worse_than_a_coin(test_fit):
    from crm_lib.analysis.clv.judgement import auc

    bought = test_fit.customers["n_after"].to_numpy() > 0
    assert auc(test_fit.model.p_alive(test_fit.customers), bought) == pytest.approx(0.316, abs=5e-4)


def test_chances_and_ranges_in_the_unseen_weeks(forecast):
    chance, top = forecast.holdout.contest("chance"), forecast.holdout.contest("top_tenth")
    assert chance.model == pytest.approx(0.16122, abs=1e-5)
    assert chance.rule == pytest.approx(0.20598, abs=1e-5)
    assert top.model == pytest.approx(0.47, abs=5e-3)
    assert top.model_won
    assert forecast.holdout.covered_share == pytest.approx(0.95, abs=0.01)


def test_one_window_is_too_few_to_know_the_misfit(forecast):
    assert [o.cut_on for o in forecast.origins] == [CUT]
    assert forecast.orders_range.misfit is None
    assert forecast.orders_range.range.high == pytest.approx(
        forecast.outlook.orders.high * 1882 / 1653.41, rel=1e-4
    )


def test_same_rate_rule_is_far_too_high(test_fit):
    from crm_lib.analysis.clv.judgement import same_rate

    assert same_rate(test_fit.customers, 273).sum() == pytest.approx(2930.1, abs=0.1)


def test_repeat_orders_so_far_at_week_39(test_fit):
    T = test_fit.customers["T"].to_numpy()
    assert test_fit.model.expected_orders_of_new(T).sum() == pytest.approx(2494, abs=0.5)


def test_repeat_orders_so_far_at_week_78(forecast):
    assert forecast.holdout.seen_so_far == 4339
    assert forecast.holdout.forecast_so_far == pytest.approx(4160.6, abs=0.1)


def test_p_buy_in_the_unseen_weeks(test_fit):
    assert test_fit.model.p_buy(test_fit.customers, 273).mean() == pytest.approx(0.2618, abs=5e-5)


def test_another_program_finds_the_same(forecast):
    peer = forecast.peer
    assert peer.name == "lifetimes"
    assert peer.log_likelihood == pytest.approx(-9582.4292, abs=1e-4)
    assert peer.expected_orders == pytest.approx(peer.our_expected_orders, rel=1e-5)


def test_headline_stands_on_all_data(forecast):
    model, outlook = forecast.outlook.fitted.model, forecast.outlook
    np.testing.assert_allclose(model.parameters, [0.2536, 5.447, 0.607, 2.647], rtol=1e-3)
    assert outlook.orders.value == pytest.approx(1517, abs=0.5)
    assert outlook.value.value == pytest.approx(55_600, abs=50)
    assert outlook.top_tenth_share == pytest.approx(0.632, abs=5e-4)
    assert outlook.risk.n == 110
    assert outlook.risk.amount == pytest.approx(15_710, abs=5)


def test_process_and_parameters_together_miss_what_came(transactions):
    """Known of these data: the 90 % range of the hold-out leaves the 1,882 out, so the page must widen it."""
    from crm_lib.analysis.clv.ranges import ranges

    fitted = value.fit(value.base(transactions, CUT), CUT)
    options = clv.Options(horizon_weeks=39)
    spread = ranges(fitted, value.scored(fitted, options), 273, seed=7).orders
    assert spread.low < 1653 < spread.high < 1882
    assert (spread.high - spread.low) / 2 / 1.645 == pytest.approx(100, rel=0.15)


def test_customer_1_in_twelve_months(transactions):
    """36.28 in 52 weeks at 1 % a month, as lifetimes gives with weeks (its quick start sums 360 weeks)."""
    fitted = value.fit(value.base(transactions, CUT), CUT)
    frame = value.scored(fitted, clv.Options(horizon_weeks=52, annual_discount_share=1.01**12 - 1))
    assert frame["clv_mid"].iloc[0] == pytest.approx(36.28, rel=0.02)


def test_everything_in_print_is_found_again(transactions):
    """As each page shows it: every published figure of the source, from data up to its own last day."""
    from crm_lib.sources.settings import read_config

    published = read_config(DATA.parents[2] / "crm.toml").source("cdnow").settings
    source = SimpleNamespace(settings=published, as_of=END, get={"transactions": transactions}.get)
    found = clv.recomputed(source)
    assert len(found) == len([e for e in published.published if e.topic == "clv"]) >= 19
    assert [r.entry.figure for r in found if abs(r.here - r.entry.value) > r.entry.within] == []
