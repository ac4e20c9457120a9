"""Durations against published results: Freireich's leukaemia trial, and a worked Aalen–Johansen example."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from crm_lib.analysis.funnel.durations import incidence, median_days

FREIREICH = pd.read_csv(Path(__file__).parent / "data" / "freireich.csv")
WON, LOST = "won", "lost"
TOY_DAYS = [1, 2, 2, 3, 4, 5, 6, 7, 8, 9]
TOY_ENDS = [WON, LOST, WON, None, LOST, WON, None, WON, LOST, None]


def arm(name):
    return FREIREICH[FREIREICH["treat"] == name]


@pytest.mark.parametrize(
    ("week", "surviving"),
    [(6, 0.8571), (7, 0.8067), (10, 0.7529), (13, 0.6902), (16, 0.6275), (22, 0.5378), (23, 0.4482)],
)
def test_kaplan_meier_on_freireichs_treated_arm_is_as_published(week, surviving):
    treated = arm("6-MP")
    curve = SurvfuncRight(treated["time"].to_numpy(float), treated["cens"].to_numpy())
    assert curve.surv_prob[curve.surv_times == week] == pytest.approx(surviving, abs=5e-5)


@pytest.mark.parametrize(("treatment", "median"), [("6-MP", 23), ("control", 8)])
def test_freireichs_median_weeks_are_as_published(treatment, median):
    patients = arm(treatment)
    found = median_days(patients["time"], patients["cens"] == 1)
    assert found.value == median
    assert found.low <= median
    assert found.n == 21


def test_aalen_johansen_shares_of_the_worked_example():
    fit = incidence(TOY_DAYS, TOY_ENDS)
    assert fit.won[-1] == pytest.approx(0.472222, abs=1e-6)
    assert fit.lost[-1] == pytest.approx(0.372222, abs=1e-6)
    assert 1 - fit.won[-1] - fit.lost[-1] == pytest.approx(0.155556, abs=1e-6)


def test_one_minus_kaplan_meier_would_overstate_the_won_share():
    naive = SurvfuncRight(np.array(TOY_DAYS, float), np.array([e == WON for e in TOY_ENDS], int))
    assert 1 - naive.surv_prob[-1] == pytest.approx(0.573333, abs=1e-6)
    assert incidence(TOY_DAYS, TOY_ENDS).won[-1] < 1 - naive.surv_prob[-1]


def test_with_one_cause_aalen_johansen_is_kaplan_meier():
    treated = arm("6-MP")
    fit = incidence(treated["time"], [WON if c else None for c in treated["cens"]])
    curve = SurvfuncRight(treated["time"].to_numpy(float), treated["cens"].to_numpy())
    at_events = fit.at(fit.won, curve.surv_times)
    np.testing.assert_allclose(1 - at_events, curve.surv_prob)
