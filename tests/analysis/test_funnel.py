import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import funnel
from crm_lib.analysis.funnel.deals import is_end
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import FunnelSettings
from crm_lib.errors import NotEnoughData, ParameterError

TODAY = dt.date(2026, 10, 31)
STAGES = ("Enquiry", "Quote", "Signing")
SETTINGS = FunnelSettings(STAGES, {"Enquiry": "top", "Quote": "middle", "Signing": "bottom"}, maturity_days=30)
DEAL = (
    "opportunity_id",
    "opened_at",
    "closed_at",
    "outcome",
    "amount",
    "stage",
    "owner",
    "product",
    "customer_id",
)
KINDS = {"opened_at": pa.timestamp("us"), "closed_at": pa.timestamp("us"), "amount": pa.float64()}
#      id   opened        closed        outcome amount
WAY = [
    ("a", "2026-01-01", "2026-02-10", "won", 100),  # through all stages
    ("b", "2026-01-01", "2026-02-01", "won", 200),  # skips the quote
    ("c", "2026-01-01", "2026-03-01", "lost", 300),  # back from quote to enquiry
    ("d", "2026-02-01", None, None, 400),  # open in quote
    ("e", "2026-10-20", None, None, 500),  # too young to judge
]
EVENTS = [
    *[("a", "Enquiry", "2026-01-01"), ("a", "Quote", "2026-01-11"), ("a", "Signing", "2026-02-01")],
    *[("b", "Enquiry", "2026-01-01"), ("b", "Signing", "2026-01-21")],
    *[("c", "Enquiry", "2026-01-01"), ("c", "Quote", "2026-01-06"), ("c", "Enquiry", "2026-02-01")],
    *[("d", "Enquiry", "2026-02-01"), ("d", "Quote", "2026-02-11")],
    ("e", "Enquiry", "2026-10-20"),
]


def table(frame):
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def deal_table(rows, columns=DEAL):
    frame = pd.DataFrame(rows, columns=columns)
    frame[["opened_at", "closed_at"]] = frame[["opened_at", "closed_at"]].apply(pd.to_datetime)
    kinds = {c: KINDS.get(c, pa.string()) for c in columns}
    return ibis.memtable(pa.Table.from_pandas(frame.astype(object), pa.schema(kinds.items())))


def way(rows=WAY):
    return deal_table(rows, DEAL[:5])


def events(rows=EVENTS):
    frame = pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"])
    return table(frame.assign(entered_at=pd.to_datetime(frame["entered_at"])))


def snapshot(rows):
    """Deals of `stage, age in days, days to close, outcome, amount`; ages of closed deals count from today."""
    made = []
    for i, (stage, age, lasted, outcome, amount) in enumerate(rows):
        opened = None if age is None else pd.Timestamp(TODAY) - pd.Timedelta(days=age)
        closed = None if lasted is None else opened + pd.Timedelta(days=lasted)
        made.append((f"d{i:04}", opened, closed, outcome, amount, stage, f"owner {i % 2}", "P", "C"))
    return deal_table(made)


def run(rows=WAY, steps=EVENTS, settings=SETTINGS, **more):
    return funnel.pipeline(way(rows), events(steps), as_of=TODAY, settings=settings, **more)


def test_each_open_deal_stands_in_the_stage_it_entered_last():
    stages = run().stages.set_index("stage")
    assert stages["n_now"].to_dict() == {"Enquiry": 1, "Quote": 1, "Signing": 0}
    assert stages["open_amount"].to_dict() == {"Enquiry": 500, "Quote": 400, "Signing": 0}


def test_a_skipped_stage_counts_as_reached_in_the_mode_any():
    assert run().stages["n_reached"].tolist() == [5, 4, 2]


def test_a_skipped_stage_stops_the_deal_in_the_mode_in_order():
    assert run(mode="in_order").stages["n_reached"].tolist() == [5, 3, 1]


def test_only_mature_entries_count_in_step_conversion():
    steps = run().steps
    assert steps["n"].tolist() == [4, 4, 2]
    assert steps["n_through"].tolist() == [4, 2, 2]
    assert steps["share"].tolist() == [1.0, 0.5, 1.0]


def test_the_share_of_the_first_stage_is_what_got_through_so_far():
    last = run().steps.iloc[-1]
    assert (last["n_first"], last["share_of_first"]) == (4, 0.5)
    assert last["first_low"] < 0.5 < last["first_high"]


def test_in_order_no_more_deals_are_in_a_stage_than_in_the_one_before():
    reached = run(mode="in_order").stages["n_reached"]
    assert reached.is_monotonic_decreasing


def test_skips_and_returns_are_counted():
    found = run().findings
    assert (found.n_skips, found.n_reversals, found.n_reopened) == (1, 1, 0)


def test_an_event_after_the_close_counts_as_reopened():
    found = run(steps=[*EVENTS, ("a", "Quote", "2026-05-01")]).findings
    assert found.n_reopened == 1


def test_time_in_stage_keeps_those_still_in_it_as_unfinished():
    times = run().time_in_stage.set_index("stage")
    assert times.loc["Signing", ["n", "n_open"]].tolist() == [2, 0]
    assert times.loc["Quote", ["n", "n_open"]].tolist() == [3, 1]
    assert times.loc["Quote", "median"] == 26  # 21, 26 and one that goes on


def test_a_stage_that_is_not_listed_is_counted_and_not_ordered():
    result = run(steps=[*EVENTS, ("e", "On <hold>", "2026-10-25")])
    assert result.findings.unknown_stages.to_dict("records") == [{"stage": "On <hold>", "n": 1}]
    assert result.stages["n_now"].tolist() == [0, 1, 0, 1]
    assert result.stages["stage"].isna().tolist() == [False, False, False, True]


def test_without_listed_stages_the_data_give_the_order():
    result = run(settings=FunnelSettings(maturity_days=30))
    assert tuple(result.stages["stage"]) == STAGES
    assert result.parts.empty


def test_the_parts_of_the_funnel_follow_the_settings():
    market = table(
        pd.DataFrame(
            {
                "period_start": [dt.date(2026, 9, 1), dt.date(2026, 9, 1), dt.date(2020, 9, 1)],
                "period_end": [dt.date(2026, 9, 30), dt.date(2026, 9, 30), dt.date(2020, 9, 30)],
                "competitor": ["x", "y", "x"],
                "traffic": [1000, 1000, 7],
            }
        )
    )
    parts = run(market=market).parts.set_index("part")["n_year"]
    assert parts.to_dict() == {"traffic": 1000, "top": 5, "middle": 4, "bottom": 2, "won": 2}


@pytest.mark.parametrize("mode", ["all", ""])
def test_an_unknown_mode_is_refused_by_name(mode):
    with pytest.raises(ParameterError, match="any, in_order"):
        run(mode=mode)


def test_no_deal_at_all_is_not_enough():
    with pytest.raises(NotEnoughData, match="at least one deal"):
        run(rows=[], steps=EVENTS)


def leads(rows):
    frame = pd.DataFrame(rows, columns=["lead_id", "created_at", "opportunity_id"])
    return table(frame.assign(created_at=pd.to_datetime(frame["created_at"])))


def test_conversion_follows_leads_to_sales():
    known = leads(
        [
            ("l1", "2026-01-01", "a"),
            ("l2", "2026-01-01", "c"),
            ("l3", "2026-01-02", None),
            ("l4", "2026-10-30", "b"),
        ]
    )
    conversion = run(leads=known).conversion
    assert (conversion.of, conversion.share.n) == ("leads", 3)
    assert conversion.share.value == pytest.approx(1 / 3)
    assert (conversion.since, conversion.until) == (dt.date(2026, 1, 1), dt.date(2026, 1, 2))


def test_without_leads_conversion_follows_opened_deals():
    conversion = run().conversion
    assert (conversion.of, conversion.share.value, conversion.share.n) == ("deals", 0.5, 4)


# ------------------------------------------------------------------ snapshots

PAST = [("Won", 200, 10 + i, "won", 100) for i in range(60)] + [
    ("Lost", 200, 20 + i, "lost", 0) for i in range(40)
]
OPEN = [("Talking", 15, None, None, None), ("Talking", 180, None, None, None), ("New", None, None, None, None)]


def test_a_snapshot_has_no_stage_history():
    result = funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY)
    assert not result.has_history
    assert result.steps.empty
    assert result.time_in_stage is None
    assert tuple(result.stages["stage"]) == ("New", "Talking")


@pytest.mark.parametrize(
    ("name", "ends"), [("Won", True), (" closed lost ", True), ("输单", True), ("Signing", False)]
)
def test_a_stage_that_says_how_the_deal_ended_is_no_stage(name, ends):
    assert is_end(name) is ends


def test_open_deals_without_amount_stand_at_the_mean_of_won_deals():
    value = funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY).open_value
    assert value.amount == 300
    assert value.n_estimated == 3


def test_deals_older_than_any_that_was_won_have_hardly_a_chance():
    by_deal = funnel.pipeline(snapshot(PAST + OPEN + [OPEN[1]] * 30), as_of=TODAY).open_value.by_deal
    young, old, undated = by_deal["p_win"][:3]
    assert old < 0.06
    assert 0.4 < young < 0.7
    assert undated == pytest.approx(0.6 * 100 / 131, abs=0.02)


def test_the_weighted_value_is_amount_times_chance_with_bounds_around_it():
    value = funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY).open_value
    by_deal = value.by_deal
    assert value.weighted.value == pytest.approx((by_deal["value"] * by_deal["p_win"]).sum())
    assert value.weighted.low <= value.weighted.value <= value.weighted.high


def test_the_same_seed_gives_the_same_bounds():
    first, again = (funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY, seed=3).open_value for _ in range(2))
    assert first.weighted == again.weighted


def test_a_deal_is_stale_when_older_than_nine_tenths_of_won_deals_were():
    stale = funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY).stale
    assert stale.limit_days == pytest.approx(np.quantile(range(10, 70), 0.9))
    assert (stale.n, stale.n_dated, stale.n_older_than_any, stale.longest_closed_days) == (1, 2, 1, 69)


def test_under_ten_won_deals_nothing_is_called_stale():
    stale = funnel.pipeline(snapshot(PAST[:9] + OPEN), as_of=TODAY).stale
    assert stale.limit_days is None
    assert stale.n == 0


def test_groups_with_fewer_than_thirty_closed_deals_are_refused():
    result = funnel.pipeline(snapshot(PAST[:50] + OPEN), as_of=TODAY)
    assert "owner" not in result.groups
    assert "owner" in funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY).groups


def test_a_group_that_wins_far_more_stands_out():
    rows = [("Won", 90, 10, "won" if i % 2 or i % 10 == 0 else "lost", 1) for i in range(200)]
    owners = funnel.pipeline(snapshot(rows), as_of=TODAY).groups["owner"].set_index("name")
    assert owners["stands_out"].all()
    assert owners.loc["owner 1", "difference"] == pytest.approx(0.8)


def test_closings_that_begin_too_late_are_found():
    early = [("Talking", 330, None, None, None)] * 5 + [("Won", 320, 120, "won", 1)] * 30
    later = [("Won", 150, 30, "won", 1), ("Lost", 150, 30, "lost", 0)] * 30
    found = funnel.pipeline(snapshot(early + later), as_of=TODAY).findings.truncation
    assert found.first_closed_on == TODAY - dt.timedelta(days=200)
    assert found.n_opened_before == 35
    assert found.n_expected == pytest.approx(35)


def test_a_short_wait_for_the_first_closing_is_no_finding():
    assert funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY).findings.truncation is None


def test_a_product_that_joins_nothing_is_named_with_the_one_it_looks_like():
    products = table(pd.DataFrame({"product_id": ["p-", "Q"], "name": ["x", "y"]}))
    unknown = funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY, products=products).findings.unknown_products
    assert unknown.to_dict("records") == [{"product": "P", "n": 103, "won_amount": 6000.0, "looks_like": "p-"}]


def test_a_deal_that_closed_before_it_opened_has_no_duration():
    result = run(rows=[*WAY, ("x", "2026-03-01", "2026-02-01", "lost", 1)])
    assert result.findings.n_closed_before_opened == 1
    assert result.days_to_close.set_index("outcome").loc["lost", "n"] == 1


def test_the_chances_are_tested_on_deals_that_were_open_before():
    rows = [("Won" if i % 2 else "Lost", 400 - i, 100, "won" if i % 2 else "lost", 10) for i in range(300)]
    test = funnel.pipeline(snapshot(rows), as_of=TODAY, horizon_days=100).backtest
    last = test.origins.iloc[0]
    assert last["n_open"] == 99  # 101 to 199 days old today
    assert last["n_won"] == 50
    assert test.error <= test.error_of_rule + 1e-3


# ------------------------------------------------------------------ modes, parts, levers


def test_both_modes_are_counted_whichever_leads():
    result = run()
    assert list(result.steps_by_mode) == ["any", "in_order"]
    assert result.steps_by_mode["in_order"]["n_through"].tolist() == [3, 1, 1]
    pd.testing.assert_frame_equal(run(mode="in_order").steps, result.steps_by_mode["in_order"])


def test_no_more_deals_get_through_in_order_than_through_any_stage():
    both = run().steps_by_mode
    assert (both["in_order"]["n_through"] <= both["any"]["n_through"]).all()


def test_young_deals_are_guarded_in_cumulative_conversion_too():
    first = run().steps.iloc[0]
    assert (first["n_first"], first["share_of_first"]) == (4, 1.0)  # e, eleven days old, is left out


def test_a_point_is_worth_revenue_by_conversion():
    levers = run().levers
    worth = levers.set_index("from_stage")["worth"]
    assert worth["Quote"] == pytest.approx(300 / 0.5 / 100)
    assert worth["Enquiry"] == worth["Signing"] == pytest.approx(3)
    assert levers["worth"].is_monotonic_decreasing
    assert (levers["worth_low"] <= levers["worth"]).all()


def test_leads_that_become_a_deal_are_a_step_too():
    known = leads([("l1", "2026-01-01", "a"), ("l2", "2026-01-01", None)])
    first = run(leads=known).levers.iloc[0]
    assert (first["is_lead"], first["share"], first["worth"]) == (True, 0.5, 6.0)


def test_the_parts_say_how_many_go_on_to_the_next():
    parts = run().parts.set_index("part")
    assert parts["share"].dropna().to_dict() == {"top": 1.0, "middle": 0.5, "bottom": 1.0}
    assert parts.loc["top", "n"] == 4


def test_the_share_of_people_near_that_are_leads_is_one_of_flows():
    frame = pd.DataFrame({"period_start": [dt.date(2026, 9, 1)], "period_end": [dt.date(2026, 9, 30)]})
    known = leads([("l1", "2026-09-01", "a"), ("l2", "2026-09-01", None)])
    parts = run(leads=known, market=table(frame.assign(traffic=[100]))).parts.set_index("part")
    assert (parts.loc["traffic", "share"], parts.loc["traffic", "n"]) == (0.02, 100)


# ------------------------------------------------------------------ stuck, slipped


def test_with_a_history_a_deal_is_stuck_by_the_days_in_its_stage():
    """Won deals stay a day in the enquiry and fifty in the quote: ten days in the quote are nothing."""
    rows, steps = [], []
    for i in range(12):
        rows.append((f"w{i}", "2026-01-01", "2026-02-22", "won", 10))
        steps += [(f"w{i}", "Enquiry", "2026-01-01"), (f"w{i}", "Quote", "2026-01-02")]
    rows += [("slow", "2026-10-21", None, None, 10), ("fine", "2026-10-20", None, None, 10)]
    steps += [
        ("slow", "Enquiry", "2026-10-21"),
        ("fine", "Enquiry", "2026-10-20"),
        ("fine", "Quote", "2026-10-21"),
    ]
    settings = FunnelSettings(("Enquiry", "Quote"))
    stale = funnel.pipeline(way(rows), events(steps), as_of=TODAY, settings=settings).stale
    assert stale.limits == {"Enquiry": 1, "Quote": 51}
    assert stale.deals["opportunity_id"].tolist() == ["slow"]


def expected(rows):
    frame = pd.DataFrame(
        rows, columns=["opportunity_id", "opened_at", "closed_at", "outcome", "expected_close_on"]
    )
    days = ["opened_at", "closed_at", "expected_close_on"]
    frame[days] = frame[days].apply(pd.to_datetime)
    kinds = {c: pa.timestamp("us") if c in days else pa.string() for c in frame.columns}
    return ibis.memtable(pa.Table.from_pandas(frame.astype(object), pa.schema(kinds.items())))


def test_deals_past_their_day_are_counted_and_so_is_the_delay_of_closed_ones():
    rows = [
        ("late", "2026-01-01", None, None, "2026-10-30"),
        ("today", "2026-01-01", None, None, "2026-10-31"),
        ("undated", "2026-01-01", None, None, None),
        ("slipped", "2026-01-01", "2026-02-11", "won", "2026-02-01"),
        ("punctual", "2026-01-01", "2026-02-01", "lost", "2026-02-01"),
    ]
    late = funnel.pipeline(expected(rows), as_of=TODAY).overdue
    assert (late.n, late.n_dated, late.n_stuck) == (1, 2, 1)
    assert (late.closed_late.value, late.closed_late.n, late.median_days_late) == (0.5, 2, 10)


def test_without_expected_days_nothing_is_called_overdue():
    late = run().overdue
    assert (late.n, late.n_dated, late.closed_late.n) == (0, 0, 0)


# ------------------------------------------------------------------ bad input


def test_settings_of_which_the_data_know_no_stage_are_refused():
    settings = FunnelSettings(("Kontakt", "Angebot"))
    with pytest.raises(
        ParameterError, match=r"lists Kontakt, Angebot.*11 entries in 3 other stages.*leave it out"
    ):
        run(settings=settings)
    with pytest.raises(ParameterError, match="lists Kontakt"):
        funnel.pipeline(snapshot(PAST + OPEN), as_of=TODAY, settings=settings)


def test_a_stage_that_only_the_settings_know_is_named():
    settings = FunnelSettings(("Enquiry", "Quote", "Trial", "Signing"))
    assert run(settings=settings).findings.unused_stages == ("Trial",)


def test_an_end_without_a_day_counts_in_the_rate_and_nowhere_else():
    result = run(rows=[*WAY, ("x", "2026-03-01", None, "lost", 1)])
    assert (result.win_rate.n, result.findings.n_ended_without_day) == (4, 1)
    assert result.by_closing["n_closed"].sum() == 3
    assert "x" not in set(result.open_value.by_deal["opportunity_id"])


def test_a_stage_entered_before_the_opening_is_counted():
    found = run(steps=[*EVENTS, ("d", "Enquiry", "2025-12-01")]).findings
    assert found.n_events_before_opening == 1


def test_a_deal_closed_before_it_opened_leaves_chances_and_durations_alone():
    wrong = ("x", "2026-03-01", "2026-02-01", "won", 1)
    with_it, without = run(rows=[*WAY, wrong]), run()
    assert with_it.open_value.by_deal["p_win"].tolist() == without.open_value.by_deal["p_win"].tolist()


@pytest.mark.parametrize("more", [{"horizon_days": 0}, {"target_amount": -1.0}, {"target_amount": float("nan")}])
def test_an_impossible_horizon_or_target_is_refused(more):
    with pytest.raises(ParameterError, match="at least 1 day"):
        run(**more)


def test_a_given_target_is_the_one_to_reach():
    rows = PAST + [("Talking", 5, None, None, 50.0)] * 40
    near = funnel.pipeline(snapshot(rows), as_of=TODAY, target_amount=1.0).forecast
    far = funnel.pipeline(snapshot(rows), as_of=TODAY, target_amount=1e9).forecast
    assert (near.is_given, near.target, far.p_target) == (True, 1.0, 0.0)
    assert near.p_target > 0.99
    assert near.total.low <= near.total.value <= near.total.high


def test_groups_of_all_tables_are_corrected_together():
    rows = [("Won", 90, 10, "won" if i % 2 or i % 4 == 0 else "lost", 1) for i in range(80)]
    owners = funnel.pipeline(snapshot(rows), as_of=TODAY).groups["owner"]
    assert owners["p"].notna().all()


# ------------------------------------------------------------------ degenerate data

NOTHING_CLOSED = [("Talking", 10, None, None, 5), ("New", 3, None, None, 5)]
NOTHING_OPEN = [("Won", 50, 10, "won", 5), ("Lost", 50, 20, "lost", 5)]
ONE = [("Talking", 10, None, None, 5)]
NO_AMOUNTS = [("Talking", 10, None, None, None), ("Won", 50, 10, "won", None)]


@pytest.mark.parametrize("rows", [NOTHING_CLOSED, NOTHING_OPEN, ONE, NO_AMOUNTS])
def test_thin_data_publish_without_a_number_that_is_none(rows):
    result = funnel.pipeline(snapshot(rows), as_of=TODAY)
    check_publication(result.publication)
    assert result.n_deals == len(rows)


def test_nothing_closed_leaves_rates_and_durations_out():
    result = funnel.pipeline(snapshot(NOTHING_CLOSED), as_of=TODAY)
    assert not result.win_rate
    assert result.ends is None
    assert not result.open_value.weighted
    assert result.open_value.amount == 10


def test_nothing_open_is_worth_nothing():
    assert funnel.pipeline(snapshot(NOTHING_OPEN), as_of=TODAY).open_value.amount == 0


def test_without_amounts_the_pipe_has_no_value():
    assert funnel.pipeline(snapshot(NO_AMOUNTS), as_of=TODAY).open_value.amount is None


def test_a_table_of_ids_alone_is_counted():
    result = funnel.pipeline(table(pd.DataFrame({"opportunity_id": ["a", "b"]})), as_of=TODAY)
    assert (result.n_deals, result.n_open) == (2, 2)
    assert result.findings.n_without_stage == 2
    assert result.findings.n_without_customer is None
