"""The funnel of the real pipeline, against facts counted from the file, and of the sample company."""

import datetime as dt

import pytest

from crm_lib.analysis import funnel
from crm_lib.sources import connect


@pytest.fixture(scope="module")
def pipe():
    crm = connect("pipeline")
    return funnel.pipeline(
        crm.opportunities,
        settings=crm.settings.funnel,
        as_of=crm.as_of,
        products=crm.get("products"),
        currency=crm.settings.currency,
    )


@pytest.fixture(scope="module")
def sample():
    crm = connect("sample")
    around = {name: crm.get(name) for name in ("leads", "market", "products")}
    return funnel.pipeline(
        crm.opportunities, crm.stage_events, settings=crm.settings.funnel, as_of=crm.as_of, **around
    )


def test_the_counts_are_those_of_the_file(pipe):
    assert (pipe.n_deals, pipe.n_won, pipe.n_lost, pipe.n_open) == (8800, 4238, 2473, 2089)
    assert pipe.stages.set_index("stage")["n_now"].to_dict() == {"Prospecting": 500, "Engaging": 1589}
    assert pipe.won_amount == 10_005_534


def test_the_win_rate_of_closed_deals_is_63_15_percent(pipe):
    assert pipe.win_rate.value == pytest.approx(0.63150, abs=5e-6)
    assert pipe.win_rate.n == 6711


def test_days_to_close_are_those_of_the_file(pipe):
    days = pipe.days_to_close.set_index("outcome")
    assert days["mean"].to_dict() == pytest.approx({"all": 47.985, "won": 51.782, "lost": 41.479}, abs=5e-4)
    assert days.loc["all", "longest"] == 138


def test_most_open_deals_are_older_than_any_deal_was_when_it_closed(pipe):
    assert (pipe.stale.n_older_than_any, pipe.stale.n_dated) == (1291, 1589)


def test_the_first_quarter_is_found_to_miss_closings(pipe):
    found = pipe.findings.truncation
    assert found.first_closed_on == dt.date(2017, 3, 1)
    assert found.n_expected > 100
    first = pipe.by_closing.iloc[0]
    assert first["share"] == pytest.approx(0.82, abs=0.005)
    assert pipe.by_closing["is_whole"].tolist() == [False, True, True, True]


def test_conversion_leaves_out_the_deals_of_the_time_without_closings(pipe):
    conversion = pipe.conversion
    assert conversion.since == dt.date(2017, 3, 1)
    assert conversion.until <= pipe.as_of - dt.timedelta(days=pipe.maturity_days)


def test_the_product_that_joins_nothing_is_found(pipe):
    (row,) = pipe.findings.unknown_products.to_dict("records")
    assert (row["product"], row["n"], row["looks_like"]) == ("GTXPro", 1480, "GTX Pro")


def test_missing_customers_and_amounts_are_counted(pipe):
    assert pipe.findings.n_without_customer == 1425
    assert pipe.findings.n_open_without_amount == pipe.n_open == 2089


def test_no_product_of_the_made_up_seller_stands_out(pipe):
    products = pipe.groups["product"].set_index("name")
    assert not products["stands_out"].any()
    assert products["share"].isna().to_dict()["GTK 500"]  # 25 closed deals: too few to compare


def test_figures_and_the_table_of_stages_are_published(pipe):
    published = pipe.publication
    assert published["conversion"].n == pipe.conversion.share.n
    assert published["open_amount"].unit == "USD"
    assert {"n_open", "weighted_open_amount", "n_stale", "median_days_to_win"} <= {
        f.name for f in published.figures
    }
    assert list(published.tables) == ["stages"]


@pytest.mark.slow
def test_the_sample_is_followed_from_lead_to_sale(sample):
    assert sample.has_history
    assert sample.conversion.of == "leads"
    assert sample.conversion.share.low < sample.conversion.share.value < sample.conversion.share.high


@pytest.mark.slow
def test_the_samples_stages_are_those_of_the_settings(sample):
    assert list(sample.stages["stage"]) == list(connect("sample").settings.funnel.stages)
    assert sample.findings.unknown_stages.empty


@pytest.mark.slow
def test_the_samples_stages_and_deals_add_up(sample):
    assert sample.stages["n_now"].sum() == sample.n_open
    assert sample.n_won + sample.n_lost + sample.n_open == sample.n_deals
    assert sample.stages["open_amount"].sum() == pytest.approx(sample.open_value.amount)
    assert sample.stages["n_reached"].is_monotonic_decreasing


def test_the_first_quarter_is_compared_with_the_same_days_of_later_ones(pipe):
    """Only March is there, and the last month of every quarter wins far more."""
    found = pipe.covered
    assert found.first.value == pytest.approx(0.8207, abs=5e-5)
    assert found.alike.value == pytest.approx(0.7771, abs=5e-5)
    assert found.whole.value == pytest.approx(0.6113, abs=5e-5)


def test_the_two_win_rates_of_the_pipeline_differ_for_the_reasons_given(pipe):
    t = pipe.two_rates
    assert t.since == dt.date(2017, 3, 1)
    assert t.by_closing.value - t.by_opening.value == pytest.approx(t.from_older + t.from_later, abs=1e-12)
    assert t.older.value > t.same.value  # of deals opened before closings were kept, the quick ones are missing


def test_deals_opened_before_closings_were_kept_count_from_then_on(pipe):
    assert pipe.ends.n == 8300
    assert pipe.ends.curve["won"].iloc[-1] + pipe.ends.curve["lost"].iloc[-1] < 0.9


def test_old_open_deals_of_the_pipeline_are_worth_next_to_nothing(pipe):
    by_deal = pipe.open_value.by_deal
    assert by_deal.loc[by_deal["age_days"] > 138, "p_win"].max() < 0.01


def test_three_past_days_or_fewer_make_a_range_of_the_forecast(pipe):
    assert pipe.forecast.is_range
    assert len(pipe.backtest.origins) == pipe.forecast.n_tested < 5


@pytest.mark.slow
def test_the_change_of_pace_adds_up_for_both(pipe, sample):
    for result in (pipe, sample):
        v = result.velocity
        assert v.parts["change"].sum() == pytest.approx(v.change.value, rel=1e-12)


@pytest.mark.slow
def test_the_samples_forecast_was_tested_and_beats_the_simple_rule(sample):
    test = sample.backtest
    assert len(test.origins) >= 8
    assert test.error < test.error_of_rule
    assert test.expected == pytest.approx(test.n_won, rel=0.1)
    assert test.origins["is_within"].mean() >= 0.7


@pytest.mark.slow
def test_the_samples_parts_go_from_the_market_to_the_sale(sample):
    assert list(sample.parts["part"]) == ["traffic", "leads", "top", "middle", "bottom", "won"]
    assert sample.parts["share"].notna().tolist() == [True] * 5 + [False]
    assert sample.levers["is_lead"].iloc[0]


@pytest.mark.slow
def test_the_number_of_engine_threads_changes_nothing():
    seen = []
    for threads in (1, 4):
        crm = connect("sample")
        crm.opportunities.get_backend().raw_sql(f"SET threads = {threads}")
        around = {name: crm.get(name) for name in ("leads", "market", "products")}
        result = funnel.pipeline(
            crm.opportunities, crm.stage_events, settings=crm.settings.funnel, as_of=crm.as_of, **around
        )
        seen.append(repr(result.publication.figures) + result.open_value.by_deal.to_csv())
    assert seen[0] == seen[1]


def test_an_earlier_day_gives_the_funnel_of_that_day():
    crm = connect("pipeline", as_of="2017-06-30")
    then = funnel.pipeline(crm.opportunities, settings=crm.settings.funnel, as_of=crm.as_of)
    assert then.n_won + then.n_lost == 647 + 2032
    assert then.stages["stage"].isna().any()  # where they stand today says nothing of that day
