"""What counts as shared out over Spark, and the row that says so; a Spark itself runs in tests/engines."""

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent.parent / "bench"
CUSTOMERS = 1_000


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("spark_stages")


def found(bench, *stages, largest=CUSTOMERS):
    made = bench.spread([bench.Stage(*stage) for stage in stages], CUSTOMERS)
    return made | {"largest": largest, "queries": 3, "seconds": 12.3}


def test_stages_of_many_tasks_are_shared_out(bench):
    run = found(bench, (8, 10_000, 1_400), (1, 900, 900))
    assert bench.is_shared_out(run, CUSTOMERS)
    assert bench.line(10_000, "clv", run) == "| 10,000 | clv | 3 | 2 | 9 | 10,000 | 14% | 900 | 1,000 | 12 |"


@pytest.mark.parametrize(
    ("stage", "largest"),
    [((8, 10_000, 9_000), 1_000), ((1, 10_000, 10_000), 1_000), ((8, 10_000, 1_400), 10_000)],
    ids=["one task takes nearly all", "one task alone", "all rows come to Python"],
)
def test_what_one_place_takes_is_not_shared_out(bench, stage, largest):
    assert not bench.is_shared_out(found(bench, stage, largest=largest), CUSTOMERS)


def test_a_topic_that_failed_is_not_shared_out(bench):
    assert not bench.is_shared_out({"failed": "no Java"}, CUSTOMERS)
    assert "no Java" in bench.line(10_000, "clv", {"failed": "no Java"})
