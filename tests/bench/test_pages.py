"""The tables that the benchmarks write: what stays in them, and what they say of the goal."""

import importlib
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bench(monkeypatch):
    """The folder bench/, whose modules are run as commands and import each other."""
    monkeypatch.syspath_prepend(ROOT / "bench")


def runs(n, *steps, seconds=1.0):
    """A run of these steps on so many rows."""
    run = {"seconds": {"load": seconds}, "processor_seconds": seconds, "mb": 1024, "spill_mb": 0}
    taken = {step: run | {"versions": [f"duckdb 1.{n}"]} for step in steps}
    return {n: {"sizes": {"transactions": n, "customers": n // 10}} | taken}


def test_a_run_of_one_size_leaves_the_rows_of_the_others_with_their_day(tmp_path, monkeypatch):
    scale = importlib.import_module("scale_page")
    page = tmp_path / "engines.md"
    page.write_text(f"a\n\n{scale.BEGIN}\n\n{scale.END}\n\nb\n", encoding="utf-8")

    def written(day, found):
        monkeypatch.setattr(scale, "today", lambda: day)
        scale.write(page, found, shared=False)
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"a\n\n{scale.BEGIN}\n\n")
        assert text.endswith(f"\n\n{scale.END}\n\nb\n")
        lines = text.splitlines()
        cells = [[c.strip() for c in row.split("|")] for row in lines if row.startswith("| ") and "---" not in row]
        return [(c[1], c[3], c[4], c[-2]) for c in cells[1:]], [row[:19] for row in lines if row[:5] == "Taken"]

    assert written("2026-01-01", runs(9000, "check", "clv"))[0] == [
        ("9,000", "check", "1.0", "2026-01-01"),
        ("9,000", "clv", "1.0", "2026-01-01"),
    ]
    rows, taken = written("2026-02-02", runs(1000, "check", "clv") | runs(9000, "clv", seconds=2.0))
    assert rows == [
        ("1,000", "check", "1.0", "2026-02-02"),
        ("1,000", "clv", "1.0", "2026-02-02"),
        ("9,000", "check", "1.0", "2026-01-01"),
        ("9,000", "clv", "2.0", "2026-02-02"),
    ]
    assert taken == ["Taken on 2026-02-02", "Taken on 2026-01-01"]
    rows, taken = written("2026-03-03", runs(9000, "check"))
    assert [row[3] for row in rows] == ["2026-02-02", "2026-02-02", "2026-03-03", "2026-02-02"]
    assert taken == ["Taken on 2026-03-03", "Taken on 2026-02-02"]
    assert written("2026-03-03", runs(9000, "check")) == (rows, taken)


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ({1000: 1.5, 9000: 1.2}, "met at about 1,000 orders (1.50 times) and 9,000 orders (1.20 times)"),
        ({1000: 1.58}, "missed at about 1,000 orders (1.58 times)"),
        ({1000: 1.5, 9000: None}, "not measured at about 9,000 orders"),
    ],
    ids=["met", "missed", "not measured"],
)
def test_the_page_says_in_words_whether_the_goal_is_met(ours, said, tmp_path):
    engines = importlib.import_module("engines_page")
    floor = {"n_customers": 2, "seconds": {"prepare": 2.0}}
    found = {
        n: {"floor": floor, "duckdb": {"seconds": {"prepare": 2 * x}} if x else {"failed": "over 9 s"}}
        for n, x in ours.items()
    }
    page = tmp_path / "benchmarks.md"
    page.write_text(f"a\n{engines.BEGIN}\n{engines.END}\nb\n", encoding="utf-8")
    engines.write(page, found, Namespace(shared=False, repeats=1, limit=9))
    (verdict,) = (line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("The goal"))
    assert "1.5 times the floor" in verdict
    assert said in verdict


def test_make_bench_measures_the_engines_into_the_page():
    done = subprocess.run(["make", "-n", "bench"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "bench/run.py" in done.stdout
    assert "bench/engines.py --write" in done.stdout
