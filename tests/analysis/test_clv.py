import datetime as dt
import warnings

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import clv
from crm_lib.analysis.clv import judgement, layers, ranges, value
from crm_lib.analysis.clv.peers import lifetimes
from crm_lib.analysis.clv.risk import at_risk
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import Settings
from crm_lib.errors import ParameterError

AS_OF = dt.date(2025, 12, 31)
FIRST = dt.datetime(2024, 1, 1, 12)


def table(rows):
    customers, days, amounts = zip(*rows, strict=True) if rows else ((), (), ())
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "at": pa.array([FIRST + dt.timedelta(days=int(d)) for d in days], pa.timestamp("us")),
                "amount": pa.array(amounts, pa.float64()),
            }
        )
    )


def shop(n=300, seed=1):
    """Customers who order at their own pace for a while and then stop; every tenth order is half refunded."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        day, until, pace = rng.integers(0, 500), rng.exponential(400), rng.gamma(1.0, 40) + 3
        size, first = rng.gamma(4, 10), day
        while day < 731 and day <= first + until:
            rows.append((f"c{i:04}", day, round(rng.gamma(4, size / 4), 2)))
            if rng.random() < 0.1:
                rows.append((f"c{i:04}", min(day + 1, 730), round(-size / 2, 2)))
            day += 1 + rng.exponential(pace)
    return rows


@pytest.fixture(scope="module")
def rows():
    return shop()


@pytest.fixture(scope="module")
def forecast(rows):
    return clv.forecast(table(rows), AS_OF, clv.Options(horizon_weeks=26, currency="CNY"))


def test_customers_add_up_to_the_total(forecast):
    customers, outlook = forecast.table, forecast.outlook
    assert customers["expected_orders"].sum() == pytest.approx(outlook.orders.value)
    assert customers["clv_mid"].sum() == pytest.approx(outlook.value.value)
    assert outlook.tenths["amount"].sum() == pytest.approx(outlook.value.value)
    assert outlook.tenths["n_customers"].sum() == forecast.n_customers


def test_every_customer_is_there_once_with_a_whole_row(forecast, rows):
    customers = forecast.table
    assert customers["customer_id"].is_unique
    assert len(customers) == len({r[0] for r in rows})
    assert customers.notna().all().all()
    assert (customers[["p_alive", "p_buy"]].max() <= 1).all()
    numbers = customers[["p_buy", "expected_orders", "expected_spend", "clv_low", "clv_mid", "clv_high"]]
    assert (numbers >= 0).all().all()
    assert (customers["clv_low"] <= customers["clv_mid"]).all()
    assert (customers["clv_mid"] <= customers["clv_high"]).all()


def test_row_order_changes_nothing(forecast, rows):
    again = clv.forecast(table(rows[::-1]), AS_OF, forecast.options)
    pd.testing.assert_frame_equal(again.table, forecast.table)


def test_the_same_seed_gives_the_same_range_and_another_seed_another(forecast):
    fitted, customers = forecast.outlook.fitted, forecast.customers
    one, same, other = (ranges.ranges(fitted, customers, 182, seed).amount for seed in (7, 7, 8))
    assert one == same != other


def test_a_margin_scales_value_and_its_range(forecast, rows):
    half = clv.forecast(table(rows), AS_OF, clv.Options(horizon_weeks=26, margin_share=0.5)).outlook
    for name in ("value", "low", "high"):
        assert getattr(half.value, name) == pytest.approx(getattr(forecast.outlook.value, name) / 2)
    assert half.orders == forecast.outlook.orders


def kept(forecast, weeks, annual):
    """What discounting leaves of each customer's expected orders."""
    options = clv.Options(horizon_weeks=weeks, annual_discount_share=annual, margin_share=1.0)
    return value.scored(forecast.outlook.fitted, options)["value_share"].to_numpy()


def test_a_discount_lowers_value_by_less_than_the_whole_rate(forecast):
    share = kept(forecast, 26, 0.10)
    assert (share < 1).all()
    assert (share > 1 / 1.10**0.51).all()


def test_without_a_discount_nothing_is_discounted(forecast):
    assert (kept(forecast, 26, 0.0) == 1).all()


def test_less_than_a_month_is_discounted_once(forecast):
    np.testing.assert_allclose(kept(forecast, 4, 1.0), 0.5 ** (1 / 12))


def test_the_headline_is_fitted_on_all_and_the_test_on_the_past(forecast):
    test = forecast.holdout
    assert forecast.outlook.fitted.as_of == AS_OF
    assert test.cut_on == AS_OF - dt.timedelta(weeks=26)
    assert test.fitted.customers["days_since_last"].min() >= 0
    assert test.fitted.as_of == test.cut_on
    assert len(test.fitted.customers) <= forecast.n_customers


def test_the_test_counts_what_came_from_customers_known_at_the_cut(rows):
    """Orders of newcomers are no merit of the model."""
    newcomers = [(f"n{i}", 700, 1e6) for i in range(50)]
    options = clv.Options(horizon_weeks=26)
    before, after = (clv.forecast(table(r), AS_OF, options).holdout for r in (rows, rows + newcomers))
    assert after.seen_orders == before.seen_orders
    assert after.seen_amount == pytest.approx(before.seen_amount)


def test_seen_orders_are_counted_by_hand(forecast, rows):
    cut = (forecast.holdout.cut_on - FIRST.date()).days
    net = pd.DataFrame(rows, columns=["id", "day", "amount"]).assign(day=lambda f: f["day"].astype(int))
    net = net.groupby(["id", "day"])["amount"].sum().round(2).reset_index()
    known = net.loc[(net["day"] <= cut) & (net["amount"] >= 0), "id"].unique()
    later = net[(net["day"] > cut) & net["id"].isin(known)]
    assert forecast.holdout.seen_orders == (later["amount"] >= 0).sum()
    assert forecast.holdout.seen_amount == pytest.approx(later["amount"].sum())


def test_tracking_ends_with_the_seen_repeat_orders(forecast):
    tracked = forecast.holdout.tracking
    assert (tracked[["seen", "forecast"]].diff().dropna() >= 0).all().all()
    assert tracked["week"].is_monotonic_increasing


def test_the_range_is_stretched_by_the_miss_on_its_side_only(forecast):
    interval = forecast.outlook.orders
    up, down, both = (layers.stretched(interval, m) for m in ([1.2], [0.8], [1.1, 0.9, 1.2]))
    assert (up.low, up.high) == (interval.low, interval.high * 1.2)
    assert (down.low, down.high) == (interval.low * 0.8, interval.high)
    assert (both.low, both.high) == (interval.low * 0.9, interval.high * 1.2)


def test_many_customers_are_simulated_by_a_sample(forecast, monkeypatch):
    fitted, customers = forecast.outlook.fitted, forecast.customers
    whole = ranges.ranges(fitted, customers, 182, 7)
    monkeypatch.setattr(ranges, "MOST", 150)
    part = ranges.ranges(fitted, customers, 182, 7)
    assert part.n_simulated == 150
    for one, other in ((part.orders, whole.orders), (part.amount, whole.amount)):
        assert one.value == other.value
        assert (one.high - one.low) == pytest.approx(other.high - other.low, rel=0.25)
    assert part.clv_high.sum() == pytest.approx(whole.clv_high.sum(), rel=0.15)


def risk_rows():
    """Two good customers, one silent, and eight small ones."""
    small = [(f"s{i}", 1, 1.0, 0.1) for i in range(8)]
    rows = [*small, ("gone", 10, 500.0, 0.1), ("here", 10, 900.0, 0.9)]
    frame = pd.DataFrame(rows, columns=["customer_id", "x", "repeat_amount", "p_buy"])
    return frame.assign(
        n_orders=frame["x"] + 1, T=100, t_x=50, days_since_last=50, expected_spend=50.0, value_share=1.0
    )


def test_only_the_good_and_silent_are_at_risk():
    risk = at_risk(risk_rows(), clv.Options(horizon_weeks=10))
    assert risk.customers["customer_id"].tolist() == ["gone"]


def test_at_stake_is_the_old_pace_times_the_chance_that_nothing_comes():
    risk = at_risk(risk_rows(), clv.Options(horizon_weeks=10))
    assert risk.amount == pytest.approx(10 / 100 * 70 * 50 * 0.9)


def test_chances_of_equal_customers_are_kept_together():
    p_buy = np.array([0.1] * 50 + [0.9] * 50)
    out = judgement.chances(p_buy, np.arange(100) >= 60)
    np.testing.assert_allclose(out.to_numpy(), [[50, 0.1, 0.0], [50, 0.9, 0.8]])


def test_months_add_up_to_the_customers_value(forecast):
    customers, options = forecast.customers.head(20), forecast.options
    months = clv.by_month(forecast.outlook.fitted, options, customers)
    assert months.index.tolist() == customers["customer_id"].tolist()
    assert list(months.columns) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(months.sum(axis=1), customers["clv_mid"])
    assert (months >= 0).all().all()


def test_a_discount_of_a_month_halves_what_comes_in_it(forecast):
    fitted, plain = forecast.outlook.fitted, clv.Options(horizon_weeks=8)
    dear = clv.Options(horizon_weeks=8, annual_discount_share=0.5)
    ratio = clv.by_month(fitted, dear) / clv.by_month(fitted, plain)
    np.testing.assert_allclose(ratio[1], 1.5 ** (-1 / 12))
    np.testing.assert_allclose(ratio[2], 1.5 ** (-2 / 12))


def test_next_orders_lie_in_the_horizon_and_in_order(forecast):
    frame = forecast.table
    early, mid, late = (frame[f"next_order_{k}"] for k in ("early", "mid", "late"))
    assert (early > pd.Timestamp(AS_OF)).all()
    assert (early <= mid).all()
    assert (mid <= late).all()
    assert (late <= pd.Timestamp(forecast.until)).all()


def test_churn_is_asked_of_the_model_that_doubts_one_time_buyers(forecast):
    once = forecast.table[forecast.table["n_orders"] == 1]
    assert (once["p_alive"] < 1).all()
    assert (once["p_buy"] <= 1).all()


def test_a_few_repeat_buyers_are_given_one_pace_for_all_and_its_exact_range():
    bought = [(f"c{i}", i, 5.0 + i) for i in range(80)] + [("c0", 100, 5.0), ("c1", 200, 5.0)]
    found = clv.forecast(table(bought), AS_OF, clv.Options(horizon_weeks=52))
    exposure = sum(730 - i for i in range(80))
    assert found.reason == "few_repeaters"
    assert found.plain.value == pytest.approx(2 / exposure * 80 * 364)
    assert 0 < found.plain.low < found.plain.value < found.plain.high
    assert found.publication["orders_expected"].high == found.plain.high


def test_without_a_single_repeat_order_the_range_still_has_an_end():
    found = clv.forecast(table([(f"c{i}", i, 5.0) for i in range(80)]), AS_OF)
    assert (found.plain.value, found.plain.low) == (0.0, 0.0)
    assert 0 < found.plain.high < 10


def test_what_customers_brought_before_stands_beside_what_they_will_bring(forecast, rows):
    first_day = (AS_OF - FIRST.date()).days - 182
    brought = sum(a for _, d, a in rows if int(d) > first_day)
    assert forecast.realised.total("value_amount") == pytest.approx(brought)
    assert forecast.table["period_value_amount"].sum() == pytest.approx(brought)
    assert forecast.publication["period_value"].value == pytest.approx(brought)


def test_all_figures_are_fit_to_publish(forecast):
    check_publication(forecast.publication)
    figures = {f.name: f for f in forecast.publication.figures}
    assert {"lifetime_value", "orders_expected", "at_risk_amount", "holdout_r", "r"} <= set(figures)
    assert figures["lifetime_value"].unit == "CNY"
    assert figures["lifetime_value"].low < figures["lifetime_value"].value < figures["lifetime_value"].high


NOTHING_TO_FIT = {
    "nothing bought": ([], "no_orders"),
    "one customer": ([("a", 0, 5.0), ("a", 9, 5.0)], "few_repeaters"),
    "one order each": ([(f"c{i}", i, 5.0 + i) for i in range(80)], "few_repeaters"),
    "all on the last day": ([(f"c{i}", 730, 5.0) for i in range(80)], "few_repeaters"),
    "one order": ([("a", 9, 5.0)], "few_repeaters"),
    "the same day only": ([("a", 9, 5.0)] * 60, "few_repeaters"),
    "refunds only": ([(f"c{i}", i, -5.0) for i in range(80)], "no_orders"),
}


@pytest.mark.parametrize("case", NOTHING_TO_FIT)
def test_what_can_not_be_forecast_is_named(case):
    bought, reason = NOTHING_TO_FIT[case]
    found = clv.forecast(table(bought), AS_OF)
    assert (found.outlook, found.holdout, found.reason) == (None, None, reason)
    assert found.table.filter(["customer_id", "n_orders", "amount", "period_value_amount"]).notna().all().all()
    check_publication(found.publication)
    assert found.publication["lifetime_value"].value is None


def odd_shops():
    rng = np.random.default_rng(3)
    twice = [(f"c{i}", d, 5.0 + i) for i in range(50) for d in (0, 7)]
    daily = [("big", d, 3.0) for d in range(730)]
    some = [(f"c{i % 40}", int(rng.integers(0, 730)), 5.0 + rng.random()) for i in range(200)]
    return {
        "all bought twice, on the same days": twice,
        "one orders every day": [*daily, *some],
        "two thousand orders": [*((f"big{i}", d, 3.0) for i in range(3) for d in range(31, 731)), *some],
        "nobody ever stops": [(f"c{i}", j * 14 + i % 14, 5.0 + i % 7) for i in range(60) for j in range(50)],
        "identical spend": [(c, d, 5.0) for c, d, _ in some],
        "all is free": [(c, d, 0.0) for c, d, _ in some],
        "refunds beyond everything": [*some, *((f"c{i}", 725, -500.0) for i in range(38))],
        "second order on the last day": [(f"c{i}", d, 5.0 + i) for i in range(50) for d in (0, 730)],
        "spend grows with every order": [
            (f"c{i}", d, 10.0 * i) for i in range(1, 41) for d in range(0, 15 * i, 15)
        ],
    }


@pytest.mark.parametrize("case", odd_shops())
def test_odd_data_give_finite_numbers(case):
    found = clv.forecast(table(odd_shops()[case]), AS_OF)
    check_publication(found.publication)
    numbers = found.table.select_dtypes("number").drop(columns=["amount", "period_value_amount"])
    assert found.table.notna().all().all()
    assert np.isfinite(numbers).all().all()
    assert (numbers >= 0).all().all()


def test_a_short_history_is_forecast_but_not_tested(rows):
    recent = [(c, d, a) for c, d, a in rows if d > 600]
    found = clv.forecast(table(recent), AS_OF, clv.Options(holdout_weeks=26))
    assert found.outlook is not None
    assert (found.holdout, found.no_holdout) == (None, "too_short")
    assert (found.orders_range, found.value_range) == (None, None)


def test_no_test_is_made_where_none_was_asked(rows):
    found = clv.forecast(table(rows), AS_OF, clv.Options(holdout_weeks=0))
    assert (found.holdout, found.no_holdout) == (None, "not_asked")


@pytest.mark.parametrize("choice", [{"horizon_weeks": 0}, {"holdout_weeks": -1}, {"margin_share": 1.5}])
def test_choices_that_can_not_be_meant_are_refused(choice):
    with pytest.raises(ParameterError, match=next(iter(choice))):
        clv.Options(**choice)


def test_options_take_the_companys_facts():
    settings = Settings(currency="EUR", margin_share=0.4, annual_discount_share=0.08)
    options = clv.Options.of(settings, horizon_weeks=13)
    assert (options.currency, options.value_share, options.horizon_days) == ("EUR", 0.4, 91)
    assert clv.Options().value_share == 1.0


def chained_assignment():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the option is on its way out of pandas
        return pd.get_option("mode.chained_assignment")


def test_the_peer_leaves_pandas_and_warnings_as_they_were(forecast):
    filters, option = list(warnings.filters), chained_assignment()
    peer = lifetimes(forecast.outlook.fitted.model, forecast.outlook.fitted.histories, 182)
    assert peer.log_likelihood == pytest.approx(peer.our_log_likelihood, abs=0.01)
    assert warnings.filters == filters
    assert chained_assignment() == option
