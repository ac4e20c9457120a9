"""The weighted RFM table printed in the textbook: 100 customers, 300 grades, 100 codes, 100 scores."""

import datetime as dt
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation

TABLE = Path(__file__).parents[2] / "data" / "textbook" / "textbook_rfm.csv"
COLUMNS = {
    "customer": "customer_id",
    "recency_days": "days_since_last",
    "frequency": "n_orders",
    "monetary_wan": "amount",
}
PRINTED = {"r": "printed_r", "f": "printed_f", "m": "printed_m", "weighted": "printed_weighted"}


@pytest.fixture(scope="module")
def printed():
    return pd.read_csv(TABLE, dtype={"customer": str})


@pytest.fixture(scope="module")
def result(printed):
    table = ibis.memtable(printed.rename(columns=COLUMNS | PRINTED))
    return segmentation.segments(None, table, as_of=dt.date(2008, 12, 31))


@pytest.fixture(scope="module")
def beside(result, printed):
    graded = result.customers.drop(columns=list(PRINTED.values()))
    return graded.merge(printed, left_on="customer_id", right_on="customer", suffixes=("", "_printed"))


def test_all_300_grades_are_as_printed(beside):
    assert len(beside) == 100
    for grade in "rfm":
        assert (beside[grade] == beside[f"{grade}_printed"]).all()


def test_all_100_codes_are_as_printed(beside):
    codes = beside["r_printed"].astype(str) + beside["f_printed"].astype(str) + beside["m_printed"].astype(str)
    assert (beside["code"] == codes).all()
    assert beside["code"].nunique() == 62


def test_all_100_weighted_scores_are_as_printed(beside):
    assert ((beside["weighted"] - beside["weighted_printed"]).abs() < 1e-9).all()


def test_the_page_is_told_that_all_agree(result):
    assert [(a.what, a.n, a.n_same) for a in result.printed] == [
        ("grades", 300, 300),
        ("codes", 100, 100),
        ("scores", 100, 100),
    ]


def test_customers_per_grade_are_those_of_the_table(result):
    per_grade = dict(zip(result.accounts["dimension"], result.accounts["n_per_grade"], strict=True))
    assert per_grade == {"r": (21, 20, 19, 18, 22), "f": (19, 22, 19, 21, 19), "m": (20, 20, 21, 19, 20)}


def test_scores_spread_as_in_the_table(result):
    score = result.customers["weighted"]
    assert round(score.mean(), 4) == 2.9908
    assert np.histogram(score, [1, 2, 3, 4, 5])[0].tolist() == [20, 30, 28, 22]


def test_another_weight_gives_other_scores(printed):
    table = ibis.memtable(printed.rename(columns=COLUMNS | PRINTED))
    how = segmentation.grading(weighing="days 0.2, orders 0.3, money 0.5")
    found = segmentation.segments(None, table, as_of=dt.date(2008, 12, 31), how=how)
    assert {a.what: a.n_same == a.n for a in found.printed} == {"grades": True, "codes": True, "scores": False}
