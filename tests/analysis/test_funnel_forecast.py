"""The forecast and what it stands on: chances by stage and age, the common shock, past days, velocity, rates."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from crm_lib.analysis.funnel import backtest, chances, explained, simulation, velocity
from crm_lib.analysis.funnel.deals import with_ages
from crm_lib.analysis.funnel.outlook import Fresh, Outlook, openings, outlook, outlook_at
from crm_lib.analysis.funnel.simulation import Shock
from crm_lib.analysis.funnel.ways import Ways, frame_at

TODAY = dt.date(2026, 10, 31)
DAY = np.timedelta64(1, "D")
NEVER = np.datetime64("NaT", "D")


def frame(rows, as_of=TODAY):
    """Deals of days ago opened, days to close, outcome, amount."""
    made = pd.DataFrame(rows, columns=["ago", "lasted", "outcome", "amount"])
    opened = pd.Timestamp(as_of) - pd.to_timedelta(made["ago"], unit="D")
    closed = opened + pd.to_timedelta(made["lasted"].astype(float), unit="D")
    made = made.assign(opportunity_id=[f"d{i:05}" for i in range(len(made))], opened_on=opened, closed_on=closed)
    made = made.assign(outcome=made["outcome"].astype(object).where(made["outcome"].notna(), None))
    return with_ages(made.assign(product=None, owner=None, stage=None, expected_on=pd.NaT), as_of)


def ways_of(deals):
    opened, closed = (deals[c].to_numpy("datetime64[D]") for c in ("opened_on", "closed_on"))
    won = np.where((deals["outcome"] == "won").to_numpy(), closed, NEVER)
    return Ways(np.column_stack([opened, won]), closed)


def random_way(rng, n, until=200):
    """Two stages: a day's hazard of moving on .05 and .04, of losing .02 and .01; opened over `until` days."""
    opened = rng.integers(0, until, n)
    first, second = (rng.geometric(p, n) for p in (0.07, 0.05))
    on, won = rng.random(n) < 5 / 7, rng.random(n) < 4 / 5
    middle = np.where(on, opened + first, 10**6)
    end = np.where(on, middle + second, opened + first)
    sale = np.where(on & won, end, 10**6)
    start = np.datetime64("2026-01-01")
    reached = start + np.column_stack([opened, middle, sale]) * DAY
    return Ways(reached, start + end * DAY).at(dt.date(2026, 7, 19))  # day 199


def test_the_chance_by_stage_is_that_of_the_generating_hazards():
    ways = random_way(np.random.default_rng(1), 60_000)
    odds = chances.odds(ways, dt.date(2026, 7, 19), None, 30)
    assert odds.ever[0] == pytest.approx(5 / 7 * 4 / 5, abs=0.01)
    assert odds.ever[1] == pytest.approx(4 / 5, abs=0.01)
    assert odds.soon[1][30] == pytest.approx(4 / 5 * (1 - 0.95**30), abs=0.01)
    days = np.arange(1, 31)
    both = sum(5 / 7 * 0.07 * 0.93 ** (d - 1) * 4 / 5 * (1 - 0.95 ** (30 - d)) for d in days)
    assert odds.soon[0][30] == pytest.approx(both, abs=0.01)


def test_without_memory_days_in_the_stage_change_nothing():
    ways = random_way(np.random.default_rng(2), 60_000)
    odds = chances.odds(ways, dt.date(2026, 7, 19), None, 30)
    assert odds.of(1, 20)[:2] == pytest.approx(odds.of(1, 0)[:2], abs=0.03)


def test_a_chance_within_the_horizon_is_never_above_the_chance_at_all():
    odds = chances.odds(random_way(np.random.default_rng(3), 400), dt.date(2026, 7, 19), None, 60)
    for stage in (0, 1):
        for days in range(150):
            ever, soon, n = odds.of(stage, days)
            assert 0 <= soon <= ever <= 1
            assert n >= chances.PRIOR_DEALS


def test_few_deals_are_drawn_towards_the_mean_of_the_stage():
    """Forty deals: all ten slow ones were lost; a slow deal has little chance, but not none."""
    rows = [(100, 10, "won", 1)] * 30 + [(100, 60, "lost", 1)] * 10
    odds = chances.odds(ways_of(frame(rows)), TODAY, None, 30)
    ever, _soon, n = odds.of(0, 30)
    k, at_oldest = chances.PRIOR_DEALS, odds.of(0, 9)[0]
    assert n == 10 + k
    assert ever == pytest.approx(k * at_oldest / (10 + k))


def test_the_more_deals_wait_past_every_end_the_less_chance_they_have():
    rows = [(100, 10, "won", 1)] * 30 + [(100, 60, "lost", 1)] * 10
    odds = chances.odds(ways_of(frame(rows)), TODAY, None, 30)
    assert odds.of(0, 61)[0] == pytest.approx(odds.of(0, 9)[0])  # nobody was seen to wait so long
    few, many = (
        chances.odds(ways_of(frame([*rows, *[(90, None, None, 1)] * n])), TODAY, None, 30).of(0, 61)[0]
        for n in (5, 50)
    )
    assert odds.of(0, 61)[0] > few > many
    assert many < 0.05


def test_deals_of_a_stage_that_few_were_in_take_the_chance_of_their_age():
    start = np.datetime64(TODAY) - np.arange(40, 140) * DAY
    won = np.where(np.arange(100) < 4, start + 20 * DAY, NEVER)
    second = np.where(np.arange(100) < 5, start + 10 * DAY, won)
    model = chances.model(Ways(np.column_stack([start, second, won]), start + 20 * DAY), TODAY, None, 30)
    found = model.chances(np.array([1]), np.array([0.0]), np.array([15.0]))
    assert found[0, 0] == pytest.approx(model.whole.of(0, 15)[0])


def test_what_was_known_on_a_day_leaves_out_what_came_after():
    deals = frame([(100, 40, "won", 1), (100, 80, "lost", 1), (50, 10, "won", 1), (10, None, None, 1)])
    then = frame_at(deals, TODAY - dt.timedelta(days=55))
    assert then["is_open"].tolist() == [False, True]
    past = ways_of(deals).at(TODAY - dt.timedelta(days=55))
    assert np.isnat(past.closed).tolist() == [False, True, True, True]
    assert past.place.tolist() == [0, 0, -1, -1]


def test_a_past_view_is_the_view_of_data_cut_on_that_day():
    rng = np.random.default_rng(8)
    rows = [(int(a), int(b), "won" if c else "lost", 10.0) for a, b, c in zip(*drawn(rng, 400), strict=True)]
    deals, day = frame([r for r in rows if r[0] >= r[1]]), TODAY - dt.timedelta(days=60)
    cut = frame_at(deals, day).reset_index(drop=True)
    now = outlook(cut, ways_of(cut), day, 30, None)
    past = outlook_at(deals, ways_of(deals), day, 30)
    columns = ["opportunity_id", "value", "p_win", "p_soon"]
    pd.testing.assert_frame_equal(
        now.deals[columns].reset_index(drop=True), past.deals[columns].reset_index(drop=True)
    )
    assert now.fresh.n == past.fresh.n


def drawn(rng, n):
    return rng.integers(1, 300, n), rng.geometric(0.04, n), rng.random(n) < 0.4


def test_openings_are_counted_in_whole_stretches_back_from_the_day():
    deals = frame([(0, None, None, 1), (9, None, None, 1), (10, None, None, 1), (25, None, None, 1)])
    assert openings(deals, TODAY, 10) == [2, 1]
    assert openings(deals, TODAY, 10, TODAY - dt.timedelta(days=15)) == [2]


# ------------------------------------------------------------------ simulation


def view(p, value=100.0, fresh=None, p_from=1e9):
    n = len(p)
    deals = pd.DataFrame(
        {"value": np.full(n, value), "estimated": False, "product": None, "place": 0, "p_win": p, "p_soon": p}
    ).assign(p_from=p_from)
    return Outlook(TODAY, 90, deals, fresh, 0.0, 100, {None: np.array([value])})


def test_without_a_shock_the_spread_is_that_of_independent_coins():
    draws = simulation.simulate(view(np.full(200, 0.3)), Shock(0.0, 9), 1)
    assert draws.soon.mean() == pytest.approx(6000, rel=0.01)
    assert draws.soon.std() == pytest.approx(100 * np.sqrt(200 * 0.21), rel=0.05)
    assert (draws.total == 20_000).all()


def test_a_shock_widens_the_range_and_leaves_the_mean():
    plain, moved = (simulation.simulate(view(np.full(500, 0.2)), Shock(sd, 50), 1) for sd in (0.0, 0.6))
    assert moved.soon.mean() == pytest.approx(plain.soon.mean(), rel=0.04)
    assert moved.soon.std() > 3 * plain.soon.std()


def test_deals_to_come_are_drawn_as_many_as_expected():
    fresh = Fresh(100, 90, 0.25, 0.0, 8, np.array([50.0]))
    draws = simulation.simulate(view(np.full(3, 0.5), fresh=fresh), Shock(0.0, 9), 1)
    assert draws.fresh.mean() == pytest.approx(100 * 0.25 * 50, rel=0.02)
    assert draws.coming == pytest.approx(draws.soon + draws.fresh)


def test_unpriced_deals_are_drawn_from_won_deals():
    priced = view(np.full(50, 0.5))
    deals = priced.deals.assign(estimated=True)
    pools = {None: np.array([50.0, 150.0])}
    draws = simulation.simulate(Outlook(**{**vars(priced), "deals": deals, "pools": pools}), Shock(0.0, 9), 1)
    assert draws.total.std() == pytest.approx(50 * np.sqrt(50), rel=0.06)


def test_the_same_seed_draws_the_same_in_small_and_in_large_portions():
    whole = simulation.simulate(view(np.linspace(0.1, 0.9, 40)), Shock(0.3, 9), 5)
    again = simulation.simulate(view(np.linspace(0.1, 0.9, 40)), Shock(0.3, 9), 5)
    assert (whole.coming == again.coming).all()


def test_impossible_and_certain_deals_stay_so():
    draws = simulation.simulate(view(np.array([0.0, 1.0])), Shock(2.0, 9), 1)
    assert (draws.soon == 100).all()


def seasons(rng, sd, n_days, n=200):
    """Past days: deals with known chances, all moved by one shock of the day."""
    spreads, came, expected = [], [], []
    for _ in range(n_days):
        p = rng.uniform(0.1, 0.6, n)
        moved = expit(logit(p) * np.sqrt(1 + 0.346 * sd**2) + sd * rng.standard_normal())
        came.append((rng.random(n) < moved).sum())
        expected.append(p.sum())
        spreads.append(simulation.spread(view(p).deals))
    return came, expected, spreads


def test_the_shock_that_moved_past_days_is_found_again():
    found = simulation.shock(*seasons(np.random.default_rng(2), 0.4, 400))
    assert found.sd == pytest.approx(0.4, abs=0.05)
    assert not found.is_range


def test_without_a_common_movement_none_is_found():
    assert simulation.shock(*seasons(np.random.default_rng(2), 0.0, 400)).sd < 0.08


def test_under_five_past_days_the_largest_miss_stands_for_the_shock():
    found = simulation.shock([60, 50], [50, 50], [(20.0, 20.0), (20.0, 20.0)])
    assert (found.sd, found.is_range) == (0.5, True)


def test_no_past_day_leaves_deals_independent_and_says_so():
    found = simulation.shock([], [], [])
    assert (found.sd, found.n, found.is_range) == (0.0, 0, True)


def coverage(patch, sd, n_days, n_times):
    patch.setattr(simulation, "N_DRAWS", 400)
    rng, held = np.random.default_rng(1), 0
    for i in range(n_times):
        learned = simulation.shock(*seasons(rng, sd, n_days, 80))
        (came,), _expected, _spread = seasons(np.random.default_rng(10_000 + i), sd, 1, 80)
        p = np.random.default_rng(10_000 + i).uniform(0.1, 0.6, 80)
        draws = simulation.simulate(view(p, 1.0), learned, i).soon
        low, high = np.quantile(draws, [0.05, 0.95])
        held += low <= came <= high
    return held / n_times


@pytest.mark.slow
def test_the_range_of_a_forecast_holds_what_comes_nine_times_in_ten(monkeypatch):
    """Counts are discrete, which widens a range a little; twelve past days to learn the shock from."""
    assert 0.88 <= coverage(monkeypatch, 0.3, 12, 1_000) <= 0.95


@pytest.mark.slow
def test_a_range_without_the_shock_would_be_too_narrow(monkeypatch):
    monkeypatch.setattr(simulation, "shock", lambda *_: Shock(0.0, 12))
    assert coverage(monkeypatch, 0.3, 12, 300) < 0.8


# ------------------------------------------------------------------ past days


def past_rows(n=900):
    rng = np.random.default_rng(4)
    rows = []
    for ago in rng.integers(0, 500, n):
        lasted = int(rng.geometric(0.03))
        outcome = None if lasted > ago else "won" if rng.random() < 0.4 else "lost"
        rows.append((int(ago), lasted if outcome else None, outcome, 100.0))
    return rows


def test_past_days_lie_one_horizon_apart_and_see_nothing_of_what_came():
    deals = frame(past_rows())
    found = backtest.origins(deals, ways_of(deals), TODAY, 60)
    assert [(a.view.day - b.view.day).days for a, b in pairwise(found)] == [60] * (len(found) - 1)
    assert found[0].view.day == TODAY - dt.timedelta(days=60)
    altered = deals["closed_on"] > pd.Timestamp(found[0].view.day)
    other = deals.assign(outcome=deals["outcome"].where(~altered, "lost"))
    again = backtest.origins(other, ways_of(other), TODAY, 60)
    assert again[0].p.tolist() == found[0].p.tolist()
    assert again[0].won.sum() == 0


def test_the_forecast_of_a_steady_trade_holds_on_past_days():
    deals = frame(past_rows(3000))
    test = backtest.backtest(backtest.origins(deals, ways_of(deals), TODAY, 40), 40, 7)
    assert test.expected == pytest.approx(test.n_won, rel=0.1)
    assert test.origins["is_within"].mean() > 0.6
    assert test.error < 0.25
    common = test.calibration[test.calibration["n"] >= 200]  # the oldest deals lie past what was ever watched
    assert len(common)
    assert common.eval("low - 0.05 <= said <= high + 0.05").all()


def test_too_few_deals_test_nothing():
    deals = frame(past_rows(40))
    assert backtest.backtest(backtest.origins(deals, ways_of(deals), TODAY, 90), 90, 7) is None


def test_calibration_counts_every_deal_once_in_classes_of_thirty():
    rng = np.random.default_rng(3)
    p = rng.random(500)
    table = backtest.calibration(p, (rng.random(500) < p).astype(float))
    assert table["n"].sum() == 500
    assert table["n"].min() >= 30
    assert table["said"].is_monotonic_increasing


# ------------------------------------------------------------------ velocity


def trade(n_now=80, n_before=60, faster=0):
    """A year of sales and the year before: more deals, each a little dearer, quicker by `faster` days."""
    now = [(300 - i, 50 - faster, "won" if i % 2 else "lost", 110.0 + i % 7) for i in range(n_now)]
    before = [(650 - i, 50, "won" if i % 2 else "lost", 100.0 + i % 7) for i in range(n_before)]
    return [*now, *before, *[(20, None, None, 1.0)] * 10, *[(400, 90, "lost", 1.0)] * 5]


def test_velocity_is_open_deals_times_amount_times_rate_by_days():
    v = velocity.velocity(frame(trade()), TODAY, None)
    now = v.now
    assert now.per_day.value == pytest.approx(now.n_open * now.amount * now.win_rate / now.days)
    assert (now.n_open, now.days) == (10, 50)
    assert now.per_day.low < now.per_day.value < now.per_day.high


@pytest.mark.parametrize("faster", [0, 20])
def test_the_parts_of_the_change_add_up_to_it_exactly(faster):
    v = velocity.velocity(frame(trade(faster=faster)), TODAY, None)
    assert v.parts["change"].sum() == pytest.approx(v.now.per_day.value - v.before.per_day.value, rel=1e-12)
    ratios = v.parts.set_index("lever")["ratio"]
    product = ratios["n_open"] * ratios["amount"] * ratios["win_rate"] / ratios["days"]
    assert product == pytest.approx(v.now.per_day.value / v.before.per_day.value, rel=1e-12)
    days = v.parts.set_index("lever").loc["days", "change"]
    assert days > 0 if faster else days == 0


def test_a_trade_that_did_not_change_changes_by_nothing():
    rows = [(a, b, c, 5.0 + a % 3) for a, b, c, _ in trade(80, 0)]
    twice = [*rows, *[(a + 151, b, c, d) for a, b, c, d in rows if b]]
    v = velocity.velocity(frame([*twice, *[(171, 152, "lost", 1.0)] * 10]), TODAY, None)
    assert np.isfinite(v.parts["change"]).all()


def test_under_thirty_sales_a_stretch_no_velocity_is_given():
    assert velocity.velocity(frame(trade(n_before=40)), TODAY, None) is None
    assert velocity.velocity(frame([(10, None, None, 1.0)]), TODAY, None) is None


def test_no_stretch_reaches_back_before_closings_were_recorded():
    rows = [(a, 5, "won", float(9 + a % 2)) for a in range(5, 400)]
    v = velocity.velocity(frame([*rows, (1, None, None, 1.0)]), TODAY, TODAY - dt.timedelta(days=199))
    assert v.length_days == 100


@pytest.mark.slow
def test_the_interval_of_the_velocity_holds_the_truth_nine_times_in_ten():
    rng, held, n_times = np.random.default_rng(5), 0, 1_000
    truth = 100 * 100.0 * 0.4 / 40
    for _ in range(n_times):
        n_won = rng.binomial(300, 0.4)
        days = rng.gamma(4, 10, n_won)
        amounts = rng.gamma(2, 50, n_won)
        window = velocity._Window(TODAY, 100, 300, amounts, days)
        pace = velocity._pace(window).per_day
        held += pace.low <= truth <= pace.high
    assert 0.87 <= held / n_times <= 0.93


# ------------------------------------------------------------------ two rates of one time


def test_the_difference_of_the_two_rates_is_explained_to_the_last_digit():
    rng = np.random.default_rng(6)
    rows = [
        (int(a), int(b), "won" if c else "lost", 1.0) for a, b, c in zip(*drawn(rng, 900), strict=True) if b < a
    ]
    rows += [(int(a) + 200, int(b) + 150, "won", 1.0) for a, b, _c in zip(*drawn(rng, 60), strict=True)]
    t = explained.two_rates(frame(rows), TODAY - dt.timedelta(days=60), None)
    assert t.by_closing.value - t.by_opening.value == pytest.approx(t.from_older + t.from_later, abs=1e-12)
    assert t.by_closing.n == t.same.n + t.older.n
    assert t.by_opening.n == t.same.n + t.later.n


def test_too_few_deals_explain_nothing():
    assert explained.two_rates(frame([(100, 10, "won", 1.0)] * 20), TODAY, None) is None


def test_a_part_of_a_quarter_is_compared_with_the_same_part_of_later_quarters():
    """Every quarter wins 90 % in its last month and 30 % before; of the first quarter the last month is known."""
    rows = []
    for day in pd.date_range("2025-09-01", "2026-09-30"):
        share = 9 if day.month % 3 == 0 else 3
        rows += [((TODAY - day.date()).days + 5, 5, "won" if i < share else "lost", 1.0) for i in range(10)]
    found = explained.covered(frame(rows), dt.date(2025, 9, 1), TODAY)
    assert found.first.value == found.alike.value == pytest.approx(0.9)
    assert found.whole.value == pytest.approx(0.5, abs=0.01)


def test_a_quarter_that_is_all_there_needs_no_comparison():
    assert explained.covered(frame(past_rows()), dt.date(2026, 1, 1), TODAY) is None
    assert explained.covered(frame(past_rows()), None, TODAY) is None
