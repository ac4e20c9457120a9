"""The scale and engine benchmarks run: data in pieces, whole topics, tables between their marks."""

import importlib
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parent.parent.parent / "bench"
N = 20_000


@pytest.fixture(scope="module", autouse=True)
def bench():
    """The folder bench/, whose modules are run as commands and import each other."""
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def shop(bench, tmp_path_factory):
    scale = importlib.import_module("scale")
    return scale.project(tmp_path_factory.mktemp("scale"), N)


@pytest.fixture(scope="module")
def measured(shop):
    """What the check and a topic took, each in a process of its own."""
    scale = importlib.import_module("scale")
    runs = {what: scale.measured(what, shop, 600) for what in ("check", scale.TOPICS[-1])}
    return {"sizes": dict(importlib.import_module("scale_data").sizes(shop)), **runs}


def test_there_are_about_as_many_rows_as_asked(shop):
    rows = pq.read_table(shop / "data" / "transactions.parquet")
    assert rows.num_rows == pytest.approx(N, rel=0.1)
    assert rows["customer_id"].combine_chunks().unique().__len__() == pytest.approx(N / 10, rel=0.01)


def test_the_same_size_gives_the_same_data(shop, tmp_path):
    scale_data = importlib.import_module("scale_data")
    again = tmp_path / "again"
    scale_data.write(again, N)
    for table in ("customers", "products", "transactions"):
        assert (again / "data" / f"{table}.parquet").read_bytes() == (
            shop / "data" / f"{table}.parquet"
        ).read_bytes()


def test_check_and_topic_run_through(measured):
    for what in ("check", "retention"):
        assert "failed" not in measured[what], measured[what]
        assert measured[what]["mb"] > 100
        assert sum(measured[what]["seconds"].values()) > 0


def test_rows_that_name_nobody_are_set_aside(measured):
    assert measured["check"]["rows"]["customers"] == measured["sizes"]["customers"]
    assert measured["check"]["rows"]["transactions"] <= measured["sizes"]["transactions"]


def test_the_table_stands_between_its_marks(measured, tmp_path):
    scale_page = importlib.import_module("scale_page")
    page = tmp_path / "engines.md"
    page.write_text(f"before\n{scale_page.BEGIN}\nold\n{scale_page.END}\nafter\n", encoding="utf-8")
    scale_page.write(page, {N: measured}, shared=True)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "other work ran on the machine" in text
    head, _rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2
    assert all(row.count("|") == head.count("|") for row in rows)


def test_the_engines_that_are_there_prepare_the_same_histories(tmp_path):
    engines = importlib.import_module("engines")
    file = engines.data(tmp_path, 500)
    runs = {s: engines.measured(s, file, 300) for s in engines.SYSTEMS if not engines.missing(s)}
    assert {"floor", "duckdb", "pandas + lifetimes"} <= runs.keys()
    assert {run["n_customers"] for run in runs.values()} == {500}
    ours = [run for run in runs.values() if "n_histories" in run]
    assert all(run["n_histories"] == ours[0]["n_histories"] for run in ours)


def test_an_engine_that_is_not_there_is_named_in_the_table(tmp_path, monkeypatch):
    engines, page = importlib.import_module("engines"), importlib.import_module("engines_page")
    monkeypatch.setitem(engines.NEEDS, "spark", ("no_such_package",))
    assert engines.missing("spark") == "no_such_package"
    runs = {"floor": {"n_customers": 2, "seconds": {"prepare": 1.0}}, "spark": {"failed": "not installed: x"}}
    assert "| not installed: x |" in page.text({1000: runs})
    path = tmp_path / "benchmarks.md"
    path.write_text(f"a\n{page.BEGIN}\n{page.END}\nb\n", encoding="utf-8")
    page.write(path, {1000: runs}, Namespace(shared=False, repeats=1, limit=9))
    assert "at rest" in path.read_text(encoding="utf-8")


def test_the_command_says_what_it_can_do():
    for name in ("scale.py", "engines.py"):
        done = subprocess.run([sys.executable, BENCH / name, "--help"], capture_output=True, text=True, check=True)
        assert "--write" in done.stdout
