"""The sample company: same seed, same bytes; sound tables; and what was put in can be counted again."""

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy.stats import binom

from crm_lib.contract.tables import DAY, TABLES, TIME
from crm_lib.errors import ParameterError
from crm_lib.sources import connect
from crm_lib.sources.sample import END, START, Truth, make_sample, names, write_sample
from crm_lib.sources.sample.truth import Purchases

COMMITTED = Path(__file__).parents[2] / "data" / "sample"
MAY_LIE_AHEAD = {"contract_end", "expected_close_on", "period_start", "period_end"}


def frames(sample):
    """Tables as frames, dates as timestamps, money as floats."""
    found = {}
    for name, table in sample.tables.items():
        columns = {f.name: plain(table[f.name]) for f in table.schema}
        found[name] = pa.table(columns).to_pandas()
    return found


def plain(column):
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    return column.cast(pa.timestamp("s")) if pa.types.is_date(column.type) else column


def within_chance(k, n, share):
    """Whether k of n is among the 99.8 % likeliest counts."""
    return binom.ppf(0.001, n, share) <= k <= binom.ppf(0.999, n, share)


@pytest.fixture(scope="module")
def sample():
    return make_sample()


@pytest.fixture(scope="module")
def tables(sample):
    return frames(sample)


@pytest.fixture(scope="module")
def plain_tables():
    return frames(make_sample(campaign_effects=False))


@pytest.fixture(scope="module")
def many():
    return make_sample(n_customers=40_000)


@pytest.fixture(scope="module")
def many_tables(many):
    return frames(many)


def checksums(folder):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    write_sample(tmp_path / "a", n_customers=200)
    write_sample(tmp_path / "b", n_customers=200)
    assert checksums(tmp_path / "a") == checksums(tmp_path / "b")


def test_another_seed_gives_other_customers(tmp_path):
    write_sample(tmp_path / "a", n_customers=200)
    write_sample(tmp_path / "b", n_customers=200, seed=8)
    a, b = checksums(tmp_path / "a"), checksums(tmp_path / "b")
    assert {name for name in a if a[name] == b[name]} == {"campaigns.csv", "products.csv"}


def test_the_committed_files_are_what_the_default_seed_writes(tmp_path):
    write_sample(tmp_path)
    assert checksums(tmp_path) == checksums(COMMITTED)


def test_the_committed_files_stay_small():
    assert sum(f.stat().st_size for f in COMMITTED.iterdir()) < 4_200_000


def test_fewer_than_a_hundred_customers_are_refused():
    with pytest.raises(ParameterError, match=r"A sample of 99 customers is too small\. It needs at least 100\."):
        make_sample(n_customers=99)


def test_parquet_and_csv_hold_the_same_rows(tmp_path):
    write_sample(tmp_path / "csv", n_customers=150)
    write_sample(tmp_path / "parquet", n_customers=150, format="parquet")
    for name in TABLES.keys() - {"customer_summaries"}:
        there = pa.parquet.read_table(tmp_path / "parquet" / f"{name}.parquet")
        text = pd.read_csv(tmp_path / "csv" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert list(text.columns) == there.column_names
        assert len(text) == len(there)
    paid = pa.parquet.read_table(tmp_path / "parquet" / "transactions.parquet")["amount"].to_pylist()
    text = pd.read_csv(tmp_path / "csv" / "transactions.csv", dtype=str)["amount"].tolist()
    assert [str(p) for p in paid] == text


def test_every_column_stands_in_the_contract(tables):
    assert set(tables) == TABLES.keys() - {"customer_summaries"}
    for name, frame in tables.items():
        known = {c.name for c in TABLES[name].columns}
        assert set(frame.columns) <= known
        assert set(TABLES[name].required) <= set(frame.columns)


def test_the_contract_finds_nothing_to_set_aside(tmp_path, monkeypatch):
    write_sample(tmp_path / "xudong", n_customers=400)
    (tmp_path / "crm.toml").write_text('[sources.xudong]\npath = "xudong"\nas_of = "2026-10-31"\n')
    monkeypatch.chdir(tmp_path)
    crm = connect("xudong")
    assert len(crm.card.tables) == 14
    assert sum(t.n_rejected + t.n_after for t in crm.card.tables) == 0
    assert crm.transactions.count().to_pyarrow().as_py() > 1_000


def test_keys_are_unique(tables):
    for name, frame in tables.items():
        if TABLES[name].key:
            assert not frame.duplicated(list(TABLES[name].key)).any(), name


def test_ids_join(tables):
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if column.refers_to and column.name in frame:
                ids = frame[column.name].dropna()
                assert ids.isin(tables[column.refers_to][column.name]).all(), (name, column.name)
    leads, deals = tables["leads"], tables["opportunities"]
    assert set(leads.opportunity_id.dropna()) == set(deals.opportunity_id)


def test_values_are_those_the_contract_allows(tables):
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if column.one_of and column.name in frame:
                assert set(frame[column.name].dropna()) <= set(column.one_of), (name, column.name)


def test_nothing_is_known_after_the_last_day(tables):
    end = pd.Timestamp(END) + pd.Timedelta(days=1)
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if column.type in (DAY, TIME) and column.name in frame and column.name not in MAY_LIE_AHEAD:
                assert not (frame[column.name] >= end).any(), (name, column.name)


def test_nobody_acts_before_being_a_customer(tables):
    since = tables["customers"].set_index("customer_id").since
    for name, when in [("transactions", "at"), ("surveys", "asked_at"), ("cases", "opened_at")]:
        frame = tables[name]
        assert (frame[when] >= frame.customer_id.map(since)).all(), name
    sent = tables["contacts"]
    assert (sent.assigned_at > sent.customer_id.map(since)).all()


def test_hostile_names_stand_where_reports_show_them(tables):
    assert names.HOSTILE_PRODUCT in set(tables["opportunities"]["product"])
    assert {names.HOSTILE_PRODUCT, names.HOSTILE_ACCESSORY} <= set(tables["products"].name)
    assert names.HOSTILE_CAMPAIGN in set(tables["campaigns"].name)
    assert names.HOSTILE_REGION in set(tables["customers"].region) & set(tables["opportunities"].region)
    assert names.HOSTILE_OWNER in set(tables["customers"].owner) & set(tables["opportunities"].owner)
    assert names.HOSTILE_STAGE in set(tables["stage_events"].stage)
    assert names.HOSTILE_ASPECT in set(tables["survey_items"].aspect)
    assert names.HOSTILE_COMMENT in set(tables["surveys"].comment)


def test_lines_add_up_to_orders_and_every_order_has_a_day_of_its_own(sample, tables):
    paid = tables["transactions"]
    base = paid[paid.order_id.str.startswith("S") & (paid.quantity > 0)]
    assert base.groupby(["customer_id", "at"]).order_id.nunique().max() == 1
    truth = sample.truth["follows"]["purchases"]
    assert base.order_id.nunique() == truth["n_orders"]
    assert base.amount.sum() == pytest.approx(truth["gross_amount"], abs=0.005)
    assert base.groupby("order_id").size().max() == 3


def test_a_refund_gives_a_whole_order_back_on_a_later_day_without_orders(sample, tables):
    paid = tables["transactions"]
    back = paid[paid.amount < 0]
    bought = paid[paid.amount > 0]
    per_order = paid[paid.order_id.isin(back.order_id)].groupby("order_id").amount.sum()
    assert np.allclose(per_order, 0)
    assert back.order_id.nunique() == sample.truth["follows"]["purchases"]["n_refunds"]
    first_day = bought.groupby("order_id")["at"].min()
    assert (back["at"] > back.order_id.map(first_day)).all()
    assert not set(zip(back.customer_id, back["at"], strict=True)) & set(
        zip(bought.customer_id, bought["at"], strict=True)
    )


def test_without_refunds_no_amount_is_negative():
    truth = replace(Truth(), purchases=replace(Purchases(), refund_share=0.0))
    paid = frames(make_sample(n_customers=300, truth=truth))["transactions"]
    assert (paid.amount > 0).all()


def test_switching_campaign_effects_off_only_takes_the_extra_orders_away(tables, plain_tables):
    with_effects, without = tables["transactions"], plain_tables["transactions"]
    extra = with_effects.order_id.str.startswith("X")
    assert extra.sum() > 100
    assert with_effects[extra].campaign_id.notna().all()
    assert without.campaign_id.isna().all()
    pd.testing.assert_frame_equal(with_effects[~extra].reset_index(drop=True), without)
    follows = {"customers": ["tier", "points"], "contacts": ["visits", "orders", "revenue_amount"]}
    for name in tables.keys() - {"transactions"}:
        drop = follows.get(name, [])
        pd.testing.assert_frame_equal(tables[name].drop(columns=drop), plain_tables[name].drop(columns=drop))


def test_the_truth_on_file_says_whether_campaigns_have_effects():
    on, off = (make_sample(n_customers=200, campaign_effects=e).truth for e in (True, False))
    assert on["campaign_effects"] is True
    assert off["campaign_effects"] is False
    assert on["follows"]["purchases"] == off["follows"]["purchases"]
    assert {c["extra_order_share_of_treated"] for c in off["follows"]["campaigns"].values()} == {0.0}


def test_the_truth_can_be_written_as_json_and_names_the_parameters(sample):
    truth = json.loads((COMMITTED / "truth.json").read_text(encoding="utf-8"))
    assert truth == json.loads(json.dumps(sample.truth))
    assert truth["parameters"]["purchases"]["r"] == Purchases().r
    assert (truth["first_day"], truth["last_day"]) == (START.isoformat(), "2026-10-31")
    assert dt.date.fromisoformat(truth["last_day"]) == END


def test_the_mean_order_is_that_of_the_truth(many, many_tables):
    paid = many_tables["transactions"]
    orders = paid[paid.amount > 0].groupby("order_id").agg(who=("customer_id", "first"), amount=("amount", "sum"))
    per_customer = orders.groupby("who").amount.mean()
    error = per_customer.std() / np.sqrt(len(per_customer))
    assert abs(per_customer.mean() - many.truth["follows"]["purchases"]["mean_order_amount"]) < 3.5 * error


def test_shares_won_and_qualified_are_those_of_the_truth(many, many_tables):
    deals, leads = many_tables["opportunities"], many_tables["leads"]
    mature = deals[deals.opened_at < "2025-06-01"]
    assert mature.outcome.notna().mean() > 0.99
    won = many.truth["follows"]["sales"]["ultimate_won_share"]
    assert within_chance((mature.outcome == "won").sum(), len(mature), won)
    old = leads[leads.created_at < "2026-08-01"]
    for source, share in Truth().sales.qualified_shares.items():
        of_source = old[old.source == source]
        assert within_chance(of_source.qualified_at.notna().sum(), len(of_source), share), source


def test_conversion_from_stage_to_stage_is_that_of_the_truth(many, many_tables):
    deals, events = many_tables["opportunities"], many_tables["stage_events"]
    mature = set(deals[deals.opened_at < "2025-06-01"].opportunity_id)
    stages = [s.name for s in Truth().sales.stages]
    step = events[events.opportunity_id.isin(mature)].stage.map(stages.index)
    furthest = step.groupby(events.opportunity_id).max()
    reached = many.truth["follows"]["sales"]["reached_or_later_share"]
    for k, stage in enumerate(stages[1:], start=1):
        assert within_chance((furthest >= k).sum(), len(furthest), reached[stage]), stage


def test_median_days_in_the_first_stage_are_those_of_the_truth(many_tables):
    events = many_tables["stage_events"].sort_values(["opportunity_id", "entered_at"])
    first = events.groupby("opportunity_id").head(2)
    days = first.groupby("opportunity_id").entered_at.agg(["min", "max", "size"]).query("size == 2")
    days = (days["max"] - days["min"]) / pd.Timedelta(days=1)
    mature = many_tables["opportunities"].set_index("opportunity_id").opened_at < "2025-06-01"
    assert days[mature.reindex(days.index)].median() == pytest.approx(6.0, rel=0.05)


def test_a_deal_passes_its_stages_in_time(tables):
    events = tables["stage_events"]
    first = events.groupby("opportunity_id").entered_at.min()
    last = events.groupby("opportunity_id").entered_at.max()
    deals = tables["opportunities"].set_index("opportunity_id")
    assert (first == deals.opened_at.reindex(first.index)).all()
    closed = deals.closed_at.dropna()
    assert (last.reindex(closed.index) <= closed).all()


def test_a_won_deal_has_the_amount_of_an_order_placed_soon_after(tables):
    won = tables["opportunities"].query("outcome == 'won' and customer_id.notna()")
    paid = tables["transactions"]
    orders = paid[paid.amount > 0].groupby(["customer_id", "at"]).amount.sum().round(2).reset_index()
    joined = won.merge(orders, on="customer_id")
    wait = (joined["at"] - joined.closed_at.dt.normalize()).dt.days
    same = joined[np.isclose(joined.amount_x, joined.amount_y) & wait.between(0, 21)]
    assert len(won) > 900
    assert set(same.opportunity_id) == set(won.opportunity_id)


def test_answers_to_campaigns_come_at_the_rates_of_the_truth(many, many_tables):
    sent = many_tables["contacts"]
    for campaign, truth in many.truth["follows"]["campaigns"].items():
        rows = sent[sent.campaign_id == campaign]
        treated = rows[rows.arm == "treated"]
        assert (len(treated), len(rows) - len(treated)) == (truth["n_treated"], truth["n_control"])
        assert within_chance(truth["n_control"], len(rows), truth["control_share"])
        delivered, opened = treated.delivered_at.notna(), treated.opened_at.notna()
        assert within_chance(delivered.sum(), len(treated), truth["delivered_share"])
        assert within_chance(opened.sum(), delivered.sum(), truth["opened_share_of_delivered"])
        answered = treated.responded_at.notna()
        assert within_chance(answered.sum(), opened.sum(), truth["answered_share_of_opened"])
        assert rows[rows.arm == "control"].delivered_at.isna().all()


def test_treated_customers_order_more_by_the_known_uplift(many, many_tables):
    sent = many_tables["contacts"]
    for campaign, truth in many.truth["follows"]["campaigns"].items():
        orders = sent[sent.campaign_id == campaign].groupby("arm").orders.agg(["mean", "var", "size"])
        error = np.sqrt((orders["var"] / orders["size"]).sum())
        gained = orders.loc["treated", "mean"] - orders.loc["control", "mean"]
        assert abs(gained - truth["extra_order_share_of_treated"]) < 3.5 * error, campaign


def test_customers_worth_more_answer_more_often_and_are_happier(many, many_tables):
    asked, paid = many_tables["surveys"], many_tables["transactions"]
    spent = asked.customer_id.map(paid.groupby("customer_id").amount.sum())
    quarter = pd.qcut(spent, 4, labels=False)
    assert asked.answered_at.notna().groupby(quarter).mean().is_monotonic_increasing
    assert asked.groupby(quarter).csat.mean().is_monotonic_increasing
    truth = many.truth["follows"]["voices"]
    assert truth["those_who_answered"]["ratio"] > truth["everyone_asked"]["ratio"] + 0.01


def test_scores_of_those_who_answered_are_those_of_the_truth(sample, tables):
    items = tables["survey_items"].query("1 <= expected <= 10 and 1 <= perceived <= 10")
    sums = items.groupby("aspect")[["expected", "perceived"]].sum()
    truth = sample.truth["follows"]["voices"]["those_who_answered"]
    ratio = (sums.perceived / sums.expected).to_dict()
    assert ratio == pytest.approx(truth["ratio_by_aspect"], abs=0.005)
    assert min(ratio, key=ratio.get) == "Installation"
    assert tables["surveys"].csat.mean() == pytest.approx(truth["mean_csat"])


def test_few_scores_are_codes_for_no_answer(tables):
    scores = tables["survey_items"][["expected", "perceived"]].stack()
    codes = scores.isin([0, -99])
    assert set(scores[~codes]) <= set(range(1, 11))
    assert within_chance(codes.sum(), len(codes), Truth().voices.missing_share)


def test_customers_walk_away_at_the_rate_of_each_touchpoint(many_tables):
    answered = many_tables["surveys"].query("answered_at.notna()")
    for touchpoint in Truth().voices.touchpoints:
        away = answered[answered.touchpoint == touchpoint.name].walked_away.astype(bool)
        assert within_chance(away.sum(), len(away), touchpoint.walked_away_share), touchpoint.name


def test_every_refund_has_a_case_and_one_stove_fails_more_than_the_others(tables, many_tables):
    cases, paid = tables["cases"], tables["transactions"]
    assert (cases.kind == "return").sum() == paid[paid.amount < 0].order_id.nunique()
    cases, paid = many_tables["cases"], many_tables["transactions"]
    failures = cases[cases.kind == "failure"].groupby("product_id").size()
    sold = paid[(paid.category == "stove") & (paid.amount > 0)].groupby("product_id").size()
    assert (failures / sold).idxmax() == "P04"


def test_overhead_stands_without_a_campaign_and_quarters_have_one_row_of_traffic(tables):
    costs, market = tables["campaign_costs"], tables["market"]
    assert set(costs[costs.campaign_id.isna()].kind) == {"budget", "actual"}
    assert market.groupby("period_start").traffic.count().tolist() == [1] * 12
    assert market.period_start.min().date() == START
    assert market.period_end.max().date() == END
    assert tables["targets"].period_end.max().date() > END


def test_discounts_come_at_the_rates_of_the_truth_and_go_back_with_the_goods(many_tables):
    rows, truth = many_tables["transactions"], Truth().purchases
    sold = rows[rows["amount"] > 0]
    month = pd.to_datetime(sold["at"]).dt.month
    season, by_campaign = month.isin(truth.discount_season_months), sold["campaign_id"].notna()
    cheap = (sold["discount_amount"] > 0) & (sold["amount"] >= 10)  # of pennies a discount rounds to nothing
    large = sold["amount"] >= 10
    for who, share in (
        (~season & ~by_campaign, truth.discounted_share),
        (season & ~by_campaign, truth.discounted_in_season_share),
    ):
        assert within_chance(int(cheap[who].sum()), int((who & large).sum()), share)
    assert (rows.loc[rows["amount"] < 0, "discount_amount"] <= 0).all()
