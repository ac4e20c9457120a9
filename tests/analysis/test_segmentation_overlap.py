import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation.overlap import _hidden, cramers_v
from crm_lib.errors import ParameterError

AS_OF = dt.date(2026, 10, 31)


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(7)
    n = 300
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "days_since_last": rng.integers(0, 400, n),
            "n_orders": rng.integers(1, 15, n),
            "amount": rng.lognormal(5, 1, n).round(2),
        }
    )
    return segmentation.segments(None, ibis.memtable(frame), as_of=AS_OF).customers


@pytest.fixture(scope="module")
def found(customers):
    table = customers[["customer_id"]].assign(
        region=np.where(customers["value_grade"] == "A", "north", "south"), gender=["f", "m", None] * 100
    )
    return segmentation.schemes(customers, AS_OF, table=ibis.memtable(table), behaviours="orders > 10; days > 90")


def test_customers_on_two_lists_are_counted_once_each(customers, found):
    shared = segmentation.overlap(found)
    marks = pd.DataFrame(
        {
            "quiet": customers["segment"].isin(segmentation.SLIPPING),
            "a": customers["value_grade"] == "A",
            "growth": found["value_kind"].labels == "growth",
            "relationship": found["value_kind"].labels == "relationship",
            "often": customers["n_orders"] > 10,
            "silent": customers["days_since_last"] > 90,
        }
    )
    per_customer = marks.sum(axis=1)
    assert shared.n_twice == (per_customer > 1).sum()
    assert shared.n_reached == (per_customer > 0).sum()
    assert shared.n_contacts == per_customer.sum()
    assert shared.lists["n_customers"].tolist() == marks.sum().tolist()
    assert shared.lists["n_also"].tolist() == marks[per_customer > 1].sum().tolist()
    assert shared.together[0, 1] == (marks["quiet"] & marks["a"]).sum()
    assert {f.name: f.value for f in shared.figures}["contacted_twice_n"] == shared.n_twice


def test_two_schemes_are_set_against_each_other(customers, found):
    crossing = segmentation.overlap(found, "value_grade, gender").crossing
    expected = pd.crosstab(customers["value_grade"], found["gender"].place)
    assert (crossing.n == expected.to_numpy()).all()


def test_schemes_that_go_together_come_first_and_those_of_the_same_facts_are_left_out(found):
    pairs = segmentation.overlap(found).pairs
    first = pairs.iloc[0]
    assert (first["one"], first["other"]) == ("value_grade", "region")
    assert first["cramers_v"] == pytest.approx(1, abs=0.01)
    assert first["share"] == 1.0
    assert not ((pairs["one"] == "value_grade") & (pairs["other"] == "segment")).any()


@pytest.mark.parametrize("cross", ["value_grade", "value_grade, value_grade", "value_grade, moon", ""])
def test_a_crossing_that_cannot_be_made_is_refused_with_what_there_is(found, cross):
    with pytest.raises(ParameterError, match="Name two of: value_grade, value_level"):
        segmentation.overlap(found, cross)


def test_a_scheme_the_source_lacks_leaves_the_crossing_out(found):
    assert segmentation.overlap(found, "value_grade, channels").crossing is None


def test_cramers_v_is_the_corrected_one():
    n = np.array([[30, 10, 5], [10, 40, 12]])
    chi2 = stats.chi2_contingency(n, correction=False).statistic
    total, rows, columns = n.sum(), 2, 3
    phi = max(0, chi2 / total - (rows - 1) * (columns - 1) / (total - 1))
    smaller = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1)) - 1
    assert cramers_v(n) == pytest.approx(np.sqrt(phi / smaller))
    assert cramers_v(np.array([[5, 5], [0, 0]])) is None


def test_unrelated_schemes_have_a_v_near_zero():
    rng = np.random.default_rng(1)
    found = [cramers_v(rng.multinomial(500, np.full(12, 1 / 12)).reshape(3, 4)) for _ in range(200)]
    assert np.mean(found) < 0.04


def test_small_cells_are_hidden_and_never_alone():
    n = np.array([[50, 3, 20], [40, 30, 9], [7, 8, 0]])
    hidden = _hidden(n, 5)
    assert hidden[0].tolist() == [False, True, True]
    assert all(hidden.sum(axis=1)[i] != 1 for i in range(3))
    assert not hidden[n == 0].any()
    assert not _hidden(n, 0).any()
