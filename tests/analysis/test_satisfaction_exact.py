"""The same answers give the same bytes, in whatever order they lie and however many threads count them."""

import datetime as dt
import json
from dataclasses import asdict

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import satisfaction
from crm_lib.analysis.sums import total
from crm_lib.contract.publication import write
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.show import satisfaction as say

SETTINGS = SatisfactionSettings(
    scales={"nps": Scale(0, 10), "csat": Scale(1, 5, top_from=4), "ces": Scale(1, 7), "items": Scale(1, 10)}
)
MANY = 32_000  # more items than DuckDB gives to one thread (122,880)
ASPECTS = ("Q1", "Q2", "speed", "price")


def tables(n):
    """Answers with tenths, which binary floats can't hold, over twelve quarters and three touchpoints."""
    rng = np.random.default_rng(11)
    ids = np.array([f"r{i:05}" for i in range(n)])
    asked = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1_000 * 86_400, n), unit="s")
    surveys = pd.DataFrame({"response_id": ids, "customer_id": [f"c{i}" for i in rng.integers(0, n // 2, n)]})
    surveys["touchpoint"] = rng.choice(["shop", "web", "call"], n)
    surveys["asked_at"], surveys["answered_at"] = asked, asked + pd.to_timedelta(rng.integers(0, 9, n), unit="D")
    for question, highest in (("nps", 10), ("csat", 5), ("ces", 7)):
        surveys[question] = rng.uniform(1, highest, n).round(1)
    surveys["walked_away"] = rng.random(n) < 0.1
    n_items = n * len(ASPECTS)
    items = pd.DataFrame({"response_id": np.repeat(ids, len(ASPECTS)), "aspect": np.tile(ASPECTS, n)})
    for half in ("expected", "perceived", "score"):
        items[half] = rng.uniform(1, 10, n_items).round(1)
    sales = pd.DataFrame({"customer_id": [f"c{i}" for i in rng.integers(0, n // 2, n)]})
    sales["at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1_000, n), unit="D")
    sales["amount"], sales["quantity"] = rng.uniform(1, 900, n).round(2), rng.uniform(1, 3, n).round(1)
    cases = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n // 4)], "kind": "complaint", "aspect": "speed"})
    cases["opened_at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1_000, n // 4), unit="D")
    cases["closed_at"] = cases.opened_at + pd.to_timedelta(rng.integers(0, 30, n // 4), unit="D")
    return {"surveys": surveys, "survey_items": items, "transactions": sales, "cases": cases}


def published(frames, folder, threads, seed):
    """The bytes of figures and tables, counted by `threads` threads on rows shuffled by `seed`."""
    con = ibis.duckdb.connect()
    con.raw_sql(f"SET threads={threads}")
    held = {
        name: con.create_table(name, frame.sample(frac=1, random_state=seed) if seed else frame)
        for name, frame in frames.items()
    }
    held["transactions"] = held["transactions"].cast({"amount": "decimal(18,2)"})
    said = satisfaction.voices(held["surveys"], held["survey_items"], held["cases"], SETTINGS)
    found = satisfaction.evidence(said, held, SETTINGS, as_of=dt.date(2024, 9, 26))
    folder.mkdir()
    write(say.publication(said, found), folder, {})
    shown = [said.trend, said.spread, said.consistency, said.aspects, said.touchpoints]
    shown += [found.silent.weighted, found.silent.timing, found.outside.quarters, found.outside.aspects]
    shown += [found.later.groups, found.handling.kinds, found.stakes]
    texts = [frame.to_json(double_precision=15, date_format="iso") for frame in shown] + [
        json.dumps(said.checkable)
    ]
    texts.append(repr([asdict(figure) for figure in said.publication.figures]))
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return texts, files


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_shuffled_rows_and_more_threads_publish_the_same_bytes(tmp_path):
    frames = tables(MANY)
    known = published(frames, tmp_path / "known", threads=1, seed=0)
    for seed, threads in ((1, 8), (2, 1)):
        again = published(frames, tmp_path / f"again{seed}", threads, seed)
        assert again == known


def test_a_tenth_ten_times_is_one():
    table = ibis.memtable({"x": [0.1] * 10, "kept": [True] * 9 + [False]})
    found = table.aggregate(all=total(table.x), some=total(table.x, table.kept), none=total(table.x, table.x > 1))
    assert found.to_pyarrow().to_pylist() == [{"all": 1.0, "some": 0.9, "none": 0.0}]
