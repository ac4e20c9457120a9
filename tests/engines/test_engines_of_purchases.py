"""Topics of purchases publish the same on DuckDB, PostgreSQL and Spark: counts and cents exactly, fits to 1e-6."""

import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.action_plan import loop
from crm_lib.analysis.engine import fetched, largest
from crm_lib.analysis.retention import book, stages

TOPICS = ("segmentation", "clv", "retention")
CLOSE = 1e-6


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_publishes_the_same(topic, engine, duckdb, published):
    assert_same(published(topic, duckdb), published(topic, engine))


def test_the_plan_publishes_the_same(engine, duckdb, published):
    for topic in TOPICS:
        published.before(published(topic, duckdb), duckdb)
    assert_same(published("action_plan", duckdb), published("action_plan", engine))


def assert_same(expected, found):
    """Figures, sentences and tables."""
    assert [f.name for f in found.figures] == [f.name for f in expected.figures]
    differ = [f"{a} -> {b}" for a, b in zip(expected.figures, found.figures, strict=True) if not same_figure(a, b)]
    assert not differ
    assert (found.summary, found.notes) == (expected.summary, expected.notes)
    assert list(found.tables) == list(expected.tables)
    for name, table in expected.tables.items():
        assert_same_table(table, found.tables[name], name)


def same_figure(a, b):
    """Names, units, counts and cents exactly; what is fitted to 1e-6."""
    told = (a.name, a.unit, a.n, a.words) == (b.name, b.unit, b.n, b.words)
    return told and all(same(getattr(a, c), getattr(b, c)) for c in ("value", "low", "high"))


def same(a, b):
    """Exactly where there are no more than two places, else nearly."""
    if a is None or b is None:
        return a is b
    return a == b if a == round(a, 2) else math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)


def assert_same_table(a, b, name):
    """Columns, rows and what is in them; numbers as in figures."""
    assert (list(a.columns), len(a)) == (list(b.columns), len(b)), name
    for column in a.columns:
        one, other = a[column], b[column]
        if pd.api.types.is_float_dtype(one):
            x, y = one.to_numpy(float), other.to_numpy(float)
            exactly = np.nan_to_num(x) == np.nan_to_num(x).round(2)
            assert np.array_equal(x[exactly], y[exactly], equal_nan=True), f"{name}.{column}"
            np.testing.assert_allclose(y, x, rtol=CLOSE, atol=1e-9, err_msg=f"{name}.{column}")
        else:
            assert one.astype("object").where(one.notna(), None).tolist() == (
                other.astype("object").where(other.notna(), None).tolist()
            ), f"{name}.{column}"


def ids_of(crm, n):
    """Some customers, the first by id."""
    return fetched(crm.transactions.select("customer_id").distinct(), "customer_id")["customer_id"].to_pandas()[:n]


def test_orders_after_a_list_was_sent_are_the_same(engine, duckdb):
    until = duckdb.as_of
    found = [
        loop.outcomes(c.transactions, ids_of(c, 500), until - dt.timedelta(42), until) for c in (duckdb, engine)
    ]
    assert found[0]["n_orders"].sum() > 0
    pd.testing.assert_frame_equal(*found, check_dtype=False)


def test_moves_since_an_earlier_run_are_the_same(engine, duckdb):
    rule, found = stages.Rule(180, 90, {1: 40}), []
    for crm in (duckdb, engine):
        orders = book.read(crm.transactions, crm.as_of, crm.customers)
        earlier = pd.DataFrame({"customer_id": ids_of(crm, 500), "stage": "kept", "as_of": "2026-05-01"})
        found.append(stages.moves(orders, stages.staged(orders, crm.as_of, rule), rule, crm.as_of, earlier).cells)
    assert found[0].loc[found[0]["before"] == "kept", "n"].sum() == 500
    pd.testing.assert_frame_equal(*found, check_dtype=False)


def test_text_comes_by_its_bytes(engine):
    names = ["b", "é", "B", "a", "Z", "中"]
    rows = ibis.memtable(pd.DataFrame({"name": names, "k": [1, 1, 1, 7, 1, 1]}))
    table = engine.transactions.get_backend().create_view("names_to_order", rows)
    assert fetched(table, "name")["name"].to_pylist() == ["B", "Z", "a", "b", "é", "中"]
    assert largest(table, "name", "k", 3)["name"].tolist() == ["a", "B", "Z"]
