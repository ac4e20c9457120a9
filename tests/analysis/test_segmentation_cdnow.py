"""CDNOW's sample, counted once more with pandas alone."""

import datetime as dt
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crm_lib.analysis import segmentation

FILE = Path(__file__).parents[2] / "data" / "cdnow" / "CDNOW_sample.txt"


@pytest.fixture(scope="module")
def rows():
    names = ["master_id", "customer_id", "at", "quantity", "amount"]
    frame = pd.read_csv(FILE, sep=r"\s+", header=None, names=names, dtype={"customer_id": str, "at": str})
    return frame.assign(at=pd.to_datetime(frame["at"]))


@pytest.fixture(scope="module")
def result(rows):
    table = ibis.memtable(rows)
    table = table.mutate(amount=table.amount.cast("decimal(18,2)"))
    return segmentation.segments(table, as_of=dt.date(1998, 6, 30))


@pytest.fixture(scope="module")
def by_pandas(rows):
    days = rows.groupby(["customer_id", "at"], as_index=False)["amount"].sum()
    return days.groupby("customer_id").agg(last=("at", "max"), n=("at", "size"), amount=("amount", "sum"))


def test_rows_customers_and_money_are_those_of_the_file(result):
    assert result.rows.n_rows == 6919
    assert result.n_customers == 2357
    assert result.amount == 244091.94
    assert result.customers["n_orders"].sum() == 6696


def test_every_customer_is_summed_up_alike(result, by_pandas):
    found = result.customers.set_index("customer_id")
    expected = by_pandas.loc[found.index]
    assert (found["n_orders"] == expected["n"]).all()
    assert (found["days_since_last"] == (pd.Timestamp("1998-06-30") - expected["last"]).dt.days).all()
    assert (found["amount"] == expected["amount"].round(2)).all()


def test_the_top_fifth_is_the_same_share(result, by_pandas):
    money = by_pandas["amount"].sort_values(ascending=False)
    share = money.head(round(len(money) * 0.2)).sum() / money.sum()
    assert result.top_fifth.value == pytest.approx(share, abs=1e-12)
    assert result.top_fifth.low < share < result.top_fifth.high
    assert result.top_fifth.high - result.top_fifth.low < 0.06


def test_gini_is_twice_the_area_above_the_lorenz_curve(result, by_pandas):
    money = by_pandas["amount"].sort_values()
    lorenz = pd.concat([pd.Series([0.0]), money.cumsum() / money.sum()]).to_numpy()
    area = ((lorenz[1:] + lorenz[:-1]) / 2).mean()
    assert result.gini.value == pytest.approx(1 - 2 * area, abs=1e-9)


def test_half_of_the_customers_bought_once_and_share_one_grade(result, by_pandas):
    once = result.customers.loc[result.customers["n_orders"] == 1, "f"]
    assert once.unique().tolist() == [1]
    share = dict(zip(result.accounts["dimension"], result.accounts["commonest_share"], strict=True))["f"]
    assert share == pytest.approx((by_pandas["n"] == 1).mean())
    assert share > segmentation.TOO_MANY_TIED


def test_grades_of_money_hold_about_a_fifth_each(result):
    per_grade = dict(zip(result.accounts["dimension"], result.accounts["n_per_grade"], strict=True))["m"]
    assert all(abs(n - 2357 / 5) < 20 for n in per_grade)
