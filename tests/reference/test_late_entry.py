"""Left truncation: what was not watched from the start, against statsmodels, and against a known truth."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from crm_lib.analysis.funnel.durations import median_days
from crm_lib.analysis.funnel.incidence import _entered_late, incidence

Z = 1.6448536


def ends(rng, n, watched_from=0.0):
    """Deals with exponential hazards of winning (.02 a day) and losing (.03), watched from a day of their own on.

    Those that ended before are never seen; the rest are censored at day 120.
    """
    time = np.floor(rng.exponential(20, n))
    fate = np.where(rng.random(n) < 0.4, "won", "lost").astype(object)
    late = np.floor(rng.uniform(-1, 2 * watched_from, n)) if watched_from else np.full(n, -1.0)
    late = np.where(rng.random(n) < 0.5, -1.0, late)
    seen = time > late
    time, fate, late = time[seen], fate[seen], late[seen]
    fate[time > 120] = None
    return np.minimum(time, 120), fate, late


def won_by(day):
    """Share of deals won by the end of `day`, whole days."""
    return 0.4 * -np.expm1(-(day + 1) / 20)


@pytest.mark.parametrize("seed", range(5))
def test_our_risk_sets_give_what_statsmodels_gives_where_nobody_entered_late(seed):
    rng = np.random.default_rng(seed)
    time, status = rng.integers(0, 40, 200).astype(float), rng.integers(0, 3, 200)
    with np.errstate(all="ignore"):  # the variance of the last step
        oracle = CumIncidenceRight(time, status)
    times, won, lost, won_se, lost_se = _entered_late(time, status, np.full(200, -1.0))
    at = np.searchsorted(oracle.times, times)
    np.testing.assert_allclose(won, oracle.cinc[0][at], rtol=0, atol=1e-13)
    np.testing.assert_allclose(lost, oracle.cinc[1][at], rtol=0, atol=1e-13)
    for k, se in enumerate((won_se, lost_se)):
        np.testing.assert_allclose(se[:-1], oracle.cinc_se[k][at][:-1], rtol=0, atol=1e-13)


def test_with_one_cause_late_entries_give_the_kaplan_meier_of_statsmodels():
    time, fate, late = ends(np.random.default_rng(3), 500, 15)
    fit = incidence(time, np.where(fate == None, None, "won"), late)  # noqa: E711
    curve = SurvfuncRight(time, (fate != None).astype(int), entry=late)  # noqa: E711
    np.testing.assert_allclose(1 - fit.at(fit.won, curve.surv_times), curve.surv_prob, atol=1e-12)
    np.testing.assert_allclose(fit.won_se[:-1], curve.surv_prob_se[:-1], atol=1e-12)


def test_winning_losing_and_waiting_add_up_to_one():
    time, fate, late = ends(np.random.default_rng(4), 800, 15)
    fit = incidence(time, fate, late)
    curve = SurvfuncRight(time, (fate != None).astype(int), entry=late)  # noqa: E711
    np.testing.assert_allclose(fit.won + fit.lost + curve.surv_prob, 1, atol=1e-12)


def test_a_late_start_of_watching_is_found_and_a_naive_count_is_wrong():
    time, fate, late = ends(np.random.default_rng(5), 40_000, 30)
    fit, naive = incidence(time, fate, late), incidence(time, fate)
    assert fit.at(fit.won, np.array([20]))[0] == pytest.approx(won_by(20), abs=0.01)
    assert naive.at(naive.won, np.array([20]))[0] < won_by(20) - 0.02


def test_the_median_stay_allows_for_a_late_start_of_watching():
    time, _fate, late = ends(np.random.default_rng(6), 40_000, 30)
    ended = time < 120
    assert median_days(time, ended, late).value == pytest.approx(20 * np.log(2), abs=1)
    assert median_days(time, ended).value > 20 * np.log(2) + 2


def test_a_risk_set_that_empties_early_leaves_the_deals_watched_from_the_start():
    """One deal at risk early that ends at once would bring the curve to nought for good."""
    late = [-1.0, -1.0, *[9.0] * 5]
    fit = incidence([1, 12, 11, 12, 13, 14, 15], ["lost", "won", *["won"] * 5], late)
    assert fit.n == 7
    alone = incidence([1, 11, 12, 13], ["lost", "won", "won", "won"], [-1.0, 9.0, 9.0, 9.0])
    assert (alone.n, alone.lost[-1]) == (1, 1.0)


def test_only_late_entries_after_every_end_say_nothing():
    assert incidence([3, 4], ["won", "lost"], [5, 6]) is None


@pytest.mark.slow
def test_intervals_hold_the_truth_nine_times_in_ten_with_late_entries():
    rng, held = np.random.default_rng(7), 0
    n_times = 1_000
    for _ in range(n_times):
        fit = incidence(*ends(rng, 400, 15))
        won, se = (fit.at(v, np.array([20]))[0] for v in (fit.won, fit.won_se))
        held += abs(won - won_by(20)) <= Z * se
    assert 0.87 <= held / n_times <= 0.93
