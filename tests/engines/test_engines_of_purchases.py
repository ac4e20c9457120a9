"""What no page of the sample asks for is the same on DuckDB, PostgreSQL and Spark, too."""

import datetime as dt
import importlib
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crm_lib.analysis import histories
from crm_lib.analysis.action_plan import loop
from crm_lib.analysis.engine import fetched, largest
from crm_lib.analysis.retention import book, stages


def test_these_tests_ask_each_engine_in_a_session_of_the_project(engine):
    con = engine.transactions.get_backend()
    assert type(con).__module__ == f"crm_lib.sources.{'spark' if con.name == 'pyspark' else con.name}.backend"
    if con.name == "postgres":
        from psycopg.errors import ReadOnlySqlTransaction

        with pytest.raises(ReadOnlySqlTransaction):
            con.con.execute("CREATE TEMP TABLE t (a int)")


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


def test_histories_cross_with_no_more_than_a_row_for_each_customer(engine, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "bench")
    counted, until = importlib.import_module("crossing").counted, engine.as_of
    with counted(type(engine.transactions.get_backend())) as found:
        made = histories.unique(histories.known(engine.transactions, until), until)
    assert 0 < len(made) <= found.rows <= made.n_customers
    assert engine.transactions.count().to_pyarrow().as_py() > 2 * made.n_customers


def test_text_comes_by_its_bytes(move):
    names = ["b", "é", "B", "a", "Z", "中"]
    rows = ibis.memtable(pd.DataFrame({"name": names, "k": [1, 1, 1, 7, 1, 1]}))
    table = move("names_to_order", rows)
    assert fetched(table, "name")["name"].to_pylist() == ["B", "Z", "a", "b", "é", "中"]
    assert largest(table, "name", "k", 3)["name"].tolist() == ["a", "B", "Z"]
