"""Retention against published results: Kaplan–Meier and log-rank, and the sBG of Fader & Hardie (2007)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.retention import contracts, curves

DATA = Path(__file__).parent / "data"
FREIREICH = pd.read_csv(DATA / "freireich.csv").rename(columns={"time": "days", "cens": "ended"}).assign(n=1)
LUNG = (
    pd.read_csv(DATA / "lung.csv").rename(columns={"time": "days"}).assign(n=1, ended=lambda f: f["status"] == 2)
)
# Survivors of 1,000 by year, in per cent; the first seven years are fitted, the rest is forecast.
HIGH_END = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]
REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
YEARS = 7


def of(rows, **chosen):
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return curves.curve(rows["days"], rows["ended"], rows["n"])


@pytest.mark.parametrize(
    ("week", "share"),
    [(6, 0.8571), (7, 0.8067), (10, 0.7529), (13, 0.6902), (16, 0.6275), (22, 0.5378), (23, 0.4482)],
)
def test_kaplan_meier_on_freireichs_treated_arm_is_as_published(week, share):
    assert of(FREIREICH, treat="6-MP").at(week).value == pytest.approx(share, abs=5e-5)


def test_freireichs_arms_have_the_published_medians_and_log_rank():
    assert of(FREIREICH, treat="6-MP").time_of(0.5).value == 23
    assert of(FREIREICH, treat="control").time_of(0.5).value == 8
    found = curves.log_rank(FREIREICH, "treat")
    assert (found.chi_square, found.freedom) == (pytest.approx(16.79294, abs=5e-6), 1)
    assert found.p == pytest.approx(4.17e-5, rel=1e-3)


def test_lung_has_the_published_median_with_log_log_bounds_and_share():
    fitted = of(LUNG)
    half = fitted.time_of(0.5, level=0.95)
    assert (fitted.n, fitted.n_ended) == (228, 165)
    assert (half.value, half.low, half.high) == (310, 284, 361)
    assert fitted.at(365).value == pytest.approx(0.40924, abs=5e-6)


def test_men_and_women_of_lung_differ_as_published():
    assert of(LUNG, sex=1).time_of(0.5).value == 270
    assert of(LUNG, sex=2).time_of(0.5).value == 426
    found = curves.log_rank(LUNG, "sex")
    assert found.chi_square == pytest.approx(10.32674, abs=5e-6)
    assert found.p == pytest.approx(0.0013112, abs=5e-8)


@pytest.mark.parametrize(
    ("survivors", "a", "b", "log_likelihood", "in_year_12"),
    [
        (HIGH_END, 0.66808846, 3.80609572, -1611.158147, 0.3780),
        (REGULAR, 0.70407732, 1.18204307, -1680.265188, 0.1700),
    ],
    ids=["high end", "regular"],
)
def test_the_renewal_model_is_as_published(survivors, a, b, log_likelihood, in_year_12):
    n = 10 * np.array(survivors[: YEARS + 1])
    model = contracts.fit(np.arange(1, YEARS + 1), -np.diff(n), np.array([YEARS]), n[-1:])
    assert (model.a, model.b) == (pytest.approx(a, rel=1e-5), pytest.approx(b, rel=1e-5))
    assert model.log_likelihood == pytest.approx(log_likelihood, abs=1e-5)
    assert model.survival(12) == pytest.approx(in_year_12, abs=5e-5)
    assert model.survival(12) == pytest.approx(survivors[12] / 100, abs=0.02)
    assert not model.all_alike


def test_churn_by_year_survival_and_renewal_fit_together():
    model = contracts.Renewal(0.7, 1.2, 0.0, 0)
    t = np.arange(1, 30)
    np.testing.assert_allclose(model.survival(t - 1) - model.survival(t), model.churn(t))
    np.testing.assert_allclose(model.kept_at(t), model.survival(t) / model.survival(t - 1))
    assert model.churn(np.arange(1, 200_000)).sum() == pytest.approx(1, abs=1e-3)


def test_equal_chances_for_all_are_said_to_be_equal():
    left = 1000 * 0.8 ** np.arange(10) * 0.2
    model = contracts.fit(np.arange(1, 11), left, np.array([10]), np.array([1000 * 0.8**10]))
    assert model.all_alike
    assert model.a / (model.a + model.b) == pytest.approx(0.2, rel=1e-4)
    assert contracts.fit(np.array([1]), np.array([0]), np.array([1]), np.array([5])) is None
