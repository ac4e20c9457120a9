"""Importance of drivers of fertility in Switzerland in 1888 (R's `swiss`), as published."""

from pathlib import Path

import pandas as pd
import pytest

from crm_lib.analysis import importance

SWISS = pd.read_csv(Path(__file__).parent / "data" / "swiss.csv", index_col=0)
DRIVERS = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]


@pytest.fixture(scope="module")
def correlations():
    return importance.correlations(SWISS[[*DRIVERS, "Fertility"]].to_numpy(float))


def test_shapley_values_are_those_of_relaimpo(correlations):
    """Grömping 2006, Journal of Statistical Software 17(1): LMG."""
    published = [0.05709122, 0.17117303, 0.26013468, 0.10557015, 0.11276592]
    assert importance.shapley(correlations) == pytest.approx(published, abs=5e-9)
    assert importance.shapley(correlations).sum() == pytest.approx(0.70673500, abs=5e-9)


def test_relative_weights_are_johnsons(correlations):
    known = [0.04841690, 0.15470825, 0.27196410, 0.11468003, 0.11696572]
    assert importance.relative_weights(correlations) == pytest.approx(known, abs=5e-9)
