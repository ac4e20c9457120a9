import ibis
import pandas as pd

from crm_lib.analysis.engine import fetched, largest


def table(**columns):
    return ibis.memtable(pd.DataFrame(columns))


def test_text_comes_by_its_bytes_and_nulls_last():
    found = fetched(table(name=["b", None, "é", "B", "a"], n=[1, 2, 3, 4, 5]), "name")
    assert found["name"].to_pylist() == ["B", "a", "b", "é", None]
    assert found["n"].to_pylist() == [4, 5, 1, 3, 2]


def test_several_columns_order_one_after_the_other():
    found = fetched(table(name=["b", "a", "b"], n=[2, 9, 1]), "name", "n")
    assert list(zip(found["name"].to_pylist(), found["n"].to_pylist(), strict=True)) == [
        ("a", 9),
        ("b", 1),
        ("b", 2),
    ]


def test_numbers_are_ordered_as_the_engine_has_them():
    assert fetched(table(n=[3, 1, 2]), "n")["n"].to_pylist() == [1, 2, 3]


def test_the_largest_groups_come_first_and_ties_by_name():
    groups = table(name=["d", "b", "a", "C"], k=[1, 1, 7, 1])
    assert largest(groups, "name", "k", 3)["name"].tolist() == ["a", "C", "b"]
    assert largest(groups, "name", "k", 9)["name"].tolist() == ["a", "C", "b", "d"]
