"""Topics of deals, campaigns and answers find the same on DuckDB, PostgreSQL and Spark, down to every frame."""

import math
from dataclasses import fields, is_dataclass

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import campaigns, funnel, satisfaction
from crm_lib.sources import connect

CLOSE = 1e-6


def of_funnel(crm):
    """The whole funnel, with all that may stand around it."""
    around = {name: crm.get(name) for name in ("leads", "market", "products")}
    settings = crm.settings.funnel
    return funnel.pipeline(
        crm.opportunities, crm.get("stage_events"), as_of=crm.as_of, settings=settings, target_amount=1e6, **around
    )


def of_satisfaction(crm):
    """What customers said, and what stands behind it."""
    settings = crm.settings.satisfaction
    said = satisfaction.voices(crm.surveys, crm.get("survey_items"), crm.get("cases"), settings)
    return said, satisfaction.evidence(said, crm.tables, settings, as_of=crm.as_of)


def of_campaigns(crm):
    """The evaluation of all campaigns."""
    return campaigns.of_source(crm)


CASES = {
    ("sample", "funnel"): of_funnel,
    ("sample", "campaigns"): of_campaigns,
    ("sample", "satisfaction"): of_satisfaction,
    ("pipeline", "funnel"): of_funnel,
    ("hillstrom", "campaigns"): of_campaigns,
    ("mobi", "satisfaction"): of_satisfaction,
}


@pytest.fixture(scope="module")
def source():
    """A source by name, in DuckDB."""
    made = {}
    return lambda name: made[name] if name in made else made.setdefault(name, connect(name))


@pytest.mark.parametrize(("name", "topic"), CASES)
def test_a_topic_finds_the_same(name, topic, engine, duckdb, moved, source):
    here = duckdb if name == "sample" else source(name)
    there = engine if name == "sample" else moved(here)
    expected, found = CASES[name, topic](here), CASES[name, topic](there)
    assert list(differences(expected, found)) == []


def differences(a, b, where=""):
    """Where two results differ: counts, cents, words and dates exactly, what is fitted by more than 1e-6."""
    if isinstance(a, ibis.Expr):
        return
    if is_dataclass(a):
        for f in fields(a):
            yield from differences(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    elif isinstance(a, pd.DataFrame):
        yield from ([] if (list(a), len(a)) == (list(b), len(b)) else [f"{where}: {a.shape} and {b.shape}"])
        for column in a.columns if list(a) == list(b) else ():
            yield from differences(a[column].tolist(), b[column].tolist(), f"{where}[{column}]")
    elif isinstance(a, dict):
        yield from ([] if list(a) == list(b) else [f"{where}: {list(a)} and {list(b)}"])
        for key in a.keys() & b.keys():
            yield from differences(a[key], b[key], f"{where}[{key}]")
    elif isinstance(a, list | tuple | np.ndarray | pd.Series):
        yield from ([] if len(a) == len(b) else [f"{where}: {len(a)} and {len(b)}"])
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from differences(x, y, f"{where}[{i}]")
    elif not same(a, b):
        yield f"{where}: {a!r} and {b!r}"


def same(a, b):
    """Exactly where there are no more than two places, else nearly; nothing is nothing."""
    if a is None or a is pd.NaT or not isinstance(a, float | np.floating):
        return (a is b) or (pd.isna(a) and pd.isna(b)) or bool(a == b)
    if math.isnan(a) or b is None or math.isnan(b):
        return math.isnan(a) and (b is None or math.isnan(b))
    if a == round(a, 2) and abs(a) >= 1:
        return a == b
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)
