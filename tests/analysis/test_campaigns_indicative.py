"""Comparison without a hold-out: right where the cells tell everything, refused where they can't."""

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.campaigns.indicative import compared


def people(rng, n=2000, effect=20.0):
    """Keener cells are contacted more often and change more by themselves."""
    cell = rng.integers(0, 10, n)
    contacted = rng.random(n) < 0.1 + 0.06 * cell
    change = 5.0 * cell + rng.normal(0, 30, n) + effect * contacted
    return pd.DataFrame({"cell": cell, "contacted": contacted, "change": change})


def test_the_effect_is_found_where_a_plain_difference_is_not():
    rng = np.random.default_rng(4)
    plain, covered = [], []
    for _ in range(400):
        frame = people(rng)
        found = compared("m", frame).money
        covered.append(found.low <= 20 <= found.high)
        arms = frame.groupby("contacted")["change"].mean()
        plain.append(arms[True] - arms[False])
    assert 0.86 <= np.mean(covered) <= 0.94
    assert np.mean(plain) > 24


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({"cell": 1, "contacted": [True] * 20 + [False] * 500, "change": 0.0}), "few"),
        (
            pd.DataFrame(
                {"cell": [1] * 100 + [2] * 100, "contacted": [True] * 100 + [False] * 100, "change": 0.0}
            ),
            "few",
        ),
        (
            pd.DataFrame(
                {"cell": [1] * 90 + [2] * 200, "contacted": [True] * 90 + [True] * 40 + [False] * 160}
            ).assign(change=0.0),
            "unlike",
        ),
    ],
)
def test_it_is_refused_where_there_are_too_few_alike(frame, why):
    found = compared("m", frame)
    assert found.why == why
    assert not found.money
