"""Customers who answer repeatedly: their answers are alike, and intervals are as wide as that asks for."""

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals, satisfaction
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import drivers, measure, repeats
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.show import satisfaction as say

SCALES = {"nps": Scale(0, 10), "csat": Scale(1, 5, top_from=4), "ces": Scale(1, 7), "items": Scale(1, 10)}
SETTINGS = SatisfactionSettings(scales=SCALES)


def surveyed(customers, csat, perceived=None):
    """One answer per entry; the expectation is always 5."""
    n = len(customers)
    said = pd.DataFrame({"response_id": [f"r{i:05}" for i in range(n)], "customer_id": customers})
    said = said.assign(touchpoint="shop", csat=np.asarray(csat, float), nps=np.asarray(csat, float) * 2)
    said["asked_at"] = said["answered_at"] = pd.Timestamp("2026-01-15")
    items = pd.DataFrame({"response_id": said.response_id, "aspect": "speed", "expected": 5.0})
    items["perceived"] = np.asarray(csat if perceived is None else perceived, float)
    schema = {"response_id": "string", "customer_id": "string", "touchpoint": "string", "csat": "float64",
              "nps": "float64", "asked_at": "timestamp", "answered_at": "timestamp"}  # fmt: skip
    return ibis.memtable(said, schema=schema), ibis.memtable(items)


def heard(*given):
    return satisfaction.voices(*surveyed(*given), None, SETTINGS)


def test_the_ratio_is_that_of_customers_as_clusters():
    rng = np.random.default_rng(1)
    who = [f"c{i // 3}" for i in range(90)]
    mood = np.repeat(rng.normal(0, 2, 30), 3)
    got = np.clip(5 + mood + rng.normal(0, 0.5, 90), 1, 10).round(1)
    said = heard(who, np.clip(np.round(got / 2), 1, 5), got)
    effect = said.repeats["ratio"]
    assert 2 < effect < 3.2  # three answers nearly alike
    alone = intervals.ratio_of_means(got, np.full(90, 5.0))
    together = intervals.ratio_of_means(got, np.full(90, 5.0), clusters=who)
    width = np.log(said.overall.ratio.high / said.overall.ratio.low)
    assert width / np.log(together.high / together.low) == pytest.approx(1, abs=0.01)
    assert width > 1.3 * np.log(alone.high / alone.low)
    assert said.overall.ratio.n == 90
    assert said.aspects.ratio_low[0] == pytest.approx(said.overall.ratio.low)


def test_the_same_answer_given_twice_by_everyone_is_worth_one():
    csat = [5, 5, 1, 1, 4, 4, 2, 2, 5, 5, 3, 3] * 10
    who = [f"c{i // 2}" for i in range(120)]
    said = heard(who, csat)
    once = heard([f"c{i}" for i in range(60)], csat[::2])
    assert said.repeats["content"] == pytest.approx(2, rel=0.02)
    for name in ("content", "nps", "ratio", "content_mean"):
        twice, single = getattr(said.overall, name), getattr(once.overall, name)
        assert twice.value == pytest.approx(single.value)
        assert twice.high - twice.low == pytest.approx(single.high - single.low, rel=0.02)


def test_where_nobody_answers_twice_nothing_changes():
    csat = [5, 1, 4, 2, 5, 3] * 10
    said = heard([f"c{i}" for i in range(60)], csat)
    assert said.repeats == {}
    assert said.overall.content.low == intervals.wilson(30, 60).low
    assert heard([None] * 60, csat).overall == said.overall


def test_one_customers_many_answers_are_worth_one():
    said = heard(["c"] * 40, [5, 1, 4, 2] * 10)
    assert said.repeats["content"] == 40
    assert said.overall.content.high - said.overall.content.low > 0.75
    assert said.overall.content_mean.low is None


def test_answers_that_cancel_within_customers_never_narrow_an_interval():
    said = heard([f"c{i // 2}" for i in range(80)], [5, 1] * 40)
    assert said.repeats["content"] == 1


def test_the_page_says_what_repeated_answers_are_worth():
    said = heard([f"c{i // 2}" for i in range(120)], [5, 5, 1, 1, 4, 4, 2, 2, 5, 5, 3, 3] * 10)
    text = say.trust(said).html
    assert "60 customers answered more than once" in text
    assert "120 answers are worth" in text


def test_the_resampled_customers_widen_what_is_said_of_importance():
    rng = np.random.default_rng(3)
    once = rng.normal(size=(60, 3))
    once[:, 2] += once[:, 0]
    twice, who = np.repeat(once, 3, axis=0), np.repeat(np.arange(60), 3)
    names = ["a", "b"]
    single = drivers._estimate(once, names, 1, 400)[1]
    clustered = drivers._estimate(twice, names, 1, 400, who)[1]
    careless = drivers._estimate(twice, names, 1, 400)[1]
    for name in ("shapley", "performance"):
        width = {k: (t[f"{name}_high"] - t[f"{name}_low"]).mean()
                 for k, t in (("single", single), ("clustered", clustered), ("careless", careless))}  # fmt: skip
        assert width["clustered"] == pytest.approx(width["single"], rel=0.12)
        assert width["careless"] < 0.75 * width["single"]


@pytest.mark.slow
def test_intervals_hold_the_truth_where_customers_answer_repeatedly():
    """Moods differ between customers, who answer one to six times: without clusters 90 % would be about 70 %."""
    rng, truth = np.random.default_rng(4), {"mean": 0.0, "content": 0.5, "ratio": 1.0}
    held, careless = {name: [] for name in truth}, []
    for _ in range(1_000):
        times = rng.integers(1, 7, 60)
        who = np.repeat(np.arange(60), times)
        y = rng.normal(0, 1, 60)[who] + rng.normal(0, 1, len(who))
        top, expected = (y > 0).astype(float), np.full(len(who), 8.0)
        parts = {"mean": (y, np.ones(len(who))), "content": (top, np.ones(len(who))), "ratio": (y + 8, expected)}
        effect = {name: repeats.effect(_sums(*part, who), "x") for name, part in parts.items()}
        found = {
            "mean": measure.mean(len(y), y.sum(), (y * y).sum(), 1, effect=effect["mean"]),
            "content": measure.share(top.sum(), len(y), 1, effect["content"]),
            "ratio": measure.ratio(_pair_sums(y + 8, expected), 1, effect["ratio"]),
        }
        for name, m in found.items():
            held[name].append(m.low <= truth[name] <= m.high)
        plain = measure.mean(len(y), y.sum(), (y * y).sum(), 1)
        careless.append(plain.low <= 0 <= plain.high)
    assert np.mean(careless) < 0.82
    for name, inside in held.items():
        assert 0.87 <= np.mean(inside) <= 0.93, name


def _sums(top, bottom, who):
    people = [np.bincount(who, v) for v in (top, bottom)]
    found = {"n_x": len(top), "people_x": len(people[0]), "t_x": top.sum(), "b_x": bottom.sum()}
    for of, (t, b) in {"r": (top, bottom), "c": people}.items():
        found |= {f"{of}tt_x": (t * t).sum(), f"{of}tb_x": (t * b).sum(), f"{of}bb_x": (b * b).sum()}
    return found


def _pair_sums(p, e):
    sums = {"n": len(p), "perceived": p.sum(), "expected": e.sum(), "cross": (p * e).sum()}
    return sums | {"perceived_sq": (p * p).sum(), "expected_sq": (e * e).sum()}


def test_the_engine_counts_what_numpy_counts():
    rng = np.random.default_rng(5)
    who = rng.integers(0, 25, 70)
    csat = rng.integers(1, 6, 70)
    surveys, _items = surveyed([f"c{i}" for i in who], csat)
    found = repeats.of_answers(engine.responses(surveys, SCALES), SCALES)[""]
    sums = _sums(csat.astype(float), np.ones(70), np.unique(who, return_inverse=True)[1])
    assert found["content_mean"] == pytest.approx(repeats.effect(sums, "x"))
