"""The same answers give the same bytes, in whatever order they lie and however many threads count them."""

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

SETTINGS = SatisfactionSettings(
    scales={"nps": Scale(0, 10), "csat": Scale(1, 5, top_from=4), "ces": Scale(1, 7), "items": Scale(1, 10)}
)
N = 32_000  # more items than DuckDB gives to one thread (122,880)
ASPECTS = ("Q1", "Q2", "speed", "price")


def tables():
    """Answers with tenths, which binary floats can't hold, over twelve quarters and three touchpoints."""
    rng = np.random.default_rng(11)
    ids = np.array([f"r{i:05}" for i in range(N)])
    asked = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1_000 * 86_400, N), unit="s")
    surveys = pd.DataFrame({"response_id": ids, "customer_id": [f"c{i}" for i in rng.integers(0, N // 2, N)]})
    surveys["touchpoint"] = rng.choice(["shop", "web", "call"], N)
    surveys["asked_at"], surveys["answered_at"] = asked, asked + pd.to_timedelta(rng.integers(0, 9, N), unit="D")
    for question, highest in (("nps", 10), ("csat", 5), ("ces", 7)):
        surveys[question] = rng.uniform(1, highest, N).round(1)
    surveys["walked_away"] = rng.random(N) < 0.1
    n = N * len(ASPECTS)
    items = pd.DataFrame({"response_id": np.repeat(ids, len(ASPECTS)), "aspect": np.tile(ASPECTS, N)})
    for half in ("expected", "perceived", "score"):
        items[half] = rng.uniform(1, 10, n).round(1)
    return {"surveys": surveys, "survey_items": items}


def published(frames, folder, threads, seed):
    """The bytes of figures and tables, counted by `threads` threads on rows shuffled by `seed`."""
    con = ibis.duckdb.connect()
    con.raw_sql(f"SET threads={threads}")
    held = {
        name: con.create_table(name, frame.sample(frac=1, random_state=seed) if seed else frame)
        for name, frame in frames.items()
    }
    said = satisfaction.voices(held["surveys"], held["survey_items"], settings=SETTINGS)
    folder.mkdir()
    write(said.publication, folder, {})
    shown = [said.trend, said.spread, said.consistency, said.aspects, said.touchpoints]
    texts = [frame.to_json(double_precision=15, date_format="iso") for frame in shown] + [
        json.dumps(said.checkable)
    ]
    texts.append(repr([asdict(figure) for figure in said.publication.figures]))
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return texts, files


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_shuffled_rows_and_more_threads_publish_the_same_bytes(tmp_path):
    frames = tables()
    known = published(frames, tmp_path / "known", threads=1, seed=0)
    for seed, threads in ((1, 8), (2, 8), (3, 1)):
        again = published(frames, tmp_path / f"again{seed}", threads, seed)
        assert again == known


def test_a_tenth_ten_times_is_one():
    table = ibis.memtable({"x": [0.1] * 10, "kept": [True] * 9 + [False]})
    found = table.aggregate(all=total(table.x), some=total(table.x, table.kept), none=total(table.x, table.x > 1))
    assert found.to_pyarrow().to_pylist() == [{"all": 1.0, "some": 0.9, "none": 0.0}]
