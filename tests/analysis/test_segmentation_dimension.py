import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation


def customers(*amounts):
    ids = [f"c{i:04}" for i in range(len(amounts))]
    grades = ["A" if a >= 100 else "D" for a in amounts]
    return pd.DataFrame({"customer_id": ids, "amount": [float(a) for a in amounts], "value_grade": grades})


def attributes(**columns):
    n = len(next(iter(columns.values())))
    return ibis.memtable({"customer_id": [f"c{i:04}" for i in range(n)], **columns})


def test_groups_come_with_their_customers_and_money():
    found = segmentation.by_dimension(
        customers(1, 2, 3, 30, 40, 50), attributes(region=list("nnnsss")), "region", suppress_below=2
    )
    assert found.groups[["group", "n_customers", "amount", "mean_amount"]].to_numpy().tolist() == [
        ["s", 3, 120.0, 40.0],
        ["n", 3, 6.0, 2.0],
    ]
    assert found.groups["low"].isna().all(), "under 30 customers there is no interval"
    assert not found.groups["apart"].any()


def test_an_attribute_that_does_not_exist_is_answered_with_those_that_do():
    found = segmentation.by_dimension(customers(1, 2), attributes(region=["n", "s"], name=["Xu", "Li"]), "tier")
    assert found.groups is None
    assert found.available == ("region",)


def test_names_are_no_dimension():
    found = segmentation.by_dimension(customers(1, 2), attributes(name=["Xu", "Li"]), "name")
    assert found.groups is None


def test_a_source_without_customers_has_no_dimension():
    found = segmentation.by_dimension(customers(1, 2), None, "region")
    assert (found.groups, found.available) == (None, ())


def test_small_groups_are_merged_and_never_left_alone():
    region = ["n"] * 20 + ["s"] * 12 + ["w"] * 6 + ["e"] * 2
    found = segmentation.by_dimension(customers(*range(40)), attributes(region=region), "region")
    assert found.groups["n_customers"].min() >= 5
    assert "e" not in found.groups["group"].tolist()
    assert found.groups.iloc[-1]["kind"] == "others"
    assert found.groups.iloc[-1]["n_customers"] == 8, (
        "with the next smallest, else two would follow from the total"
    )
    assert found.n_merged == 2
    assert found.groups["n_customers"].sum() == 40


def test_customers_without_a_value_are_a_group_of_their_own():
    region = ["n"] * 10 + [None] * 6
    found = segmentation.by_dimension(customers(*range(16)), attributes(region=region), "region")
    assert found.groups["kind"].tolist() == ["value", "unknown"]
    assert found.groups["n_customers"].tolist() == [10, 6]


def test_a_group_that_spends_more_stands_apart():
    rng = np.random.default_rng(1)
    amounts = [*rng.normal(100, 10, 200), *rng.normal(50, 10, 200)]
    found = segmentation.by_dimension(customers(*amounts), attributes(region=["n"] * 200 + ["s"] * 200), "region")
    assert found.groups["apart"].all()
    first = found.groups.iloc[0]
    assert first["low"] < first["mean_amount"] < first["high"]
    assert first["others_mean"] == pytest.approx(np.mean(amounts[200:]))


def test_customers_of_unknown_value_do_not_set_the_others_apart():
    rng = np.random.default_rng(3)
    amounts = [*rng.normal(50, 10, 400), *rng.normal(500, 10, 200)]
    region = ["n"] * 200 + ["s"] * 200 + [None] * 200
    found = segmentation.by_dimension(customers(*amounts), attributes(region=region), "region")
    assert not found.groups["apart"].any()


def test_chance_alone_seldom_makes_a_group_stand_apart():
    rng = np.random.default_rng(2)
    region = attributes(region=list("abcde") * 60)
    said = [
        segmentation.by_dimension(customers(*rng.normal(100, 10, 300)), region, "region").groups["apart"].any()
        for _ in range(100)
    ]
    assert np.mean(said) <= 0.18  # at most 0.10 in the long run; 0.18 is 2.7 standard errors above


def test_many_numbers_are_put_into_bands():
    found = segmentation.by_dimension(
        customers(*range(60)), attributes(birth_year=list(range(1940, 2000))), "birth_year"
    )
    assert sorted(found.groups["group"]) == ["1940–1951", "1952–1963", "1964–1975", "1976–1987", "1988–1999"]


def test_dates_are_grouped_by_year():
    since = pd.to_datetime(["2024-05-01"] * 6 + ["2025-05-01"] * 6)
    table = attributes(since=list(since)).mutate(since=lambda t: t.since.cast("date"))
    found = segmentation.by_dimension(customers(*range(12)), table, "since")
    assert sorted(found.groups["group"]) == ["2024", "2025"]
