"""CDNOW, all customers: facts of the file, and the sample inside it."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crm_lib.analysis import clv
from crm_lib.analysis.clv import value
from crm_lib.sources import connect

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def crm():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_CONFIG", str(ROOT / "crm.toml"))
        patch.delenv("CRM_RUN_DATE", raising=False)
        yield connect("cdnow_full", topic="clv")


def one(expr):
    return expr.to_pyarrow().as_py()


def test_it_is_the_whole_file_with_its_duplicates(crm):
    rows = crm.transactions
    assert one(rows.count()) == 69_659
    assert one(rows.customer_id.nunique()) == 23_570
    assert one(rows.amount.sum()) == Decimal("2500315.63")
    assert one(rows.count()) - one(rows.distinct().count()) == 255
    assert one((rows.amount == 0).sum()) == 80
    assert one(rows.customer_id.min()) == "00001"
    assert sum(t.n_rejected for t in crm.card.tables) == 0


def test_the_top_fifth_holds_two_thirds(crm):
    held = np.sort(value.base(crm.transactions, crm.as_of)["amount"].to_numpy())[::-1]
    assert len(held) == 23_570
    assert held[:4714].sum() / held.sum() == pytest.approx(0.67777, abs=5e-6)


@pytest.mark.slow
def test_what_the_sample_finds_holds_for_all(crm):
    """Ten times the customers: the sample's parameters lie within three of its standard errors."""
    options = clv.Options(horizon_weeks=39, holdout_weeks=39)
    found = clv.forecast(crm.transactions, crm.as_of, options).holdout
    sample = np.log([0.24259, 4.4136, 0.79292, 2.42591])
    off = (np.log(found.fitted.model.parameters) - sample) / [0.0518, 0.0857, 0.2342, 0.2908]
    assert np.abs(off).max() < 3
    assert 0.8 < found.miss < 1.25
    assert found.contest("orders_error", "same_rate").model_won
