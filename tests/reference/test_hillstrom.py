"""Hillstrom's e-mail test in three arms: counts, rates, uplifts and Welch's t as computed from the raw file."""

from pathlib import Path

import pytest

from crm_lib.analysis import campaigns
from crm_lib.sources import check, connect

ROOT = Path(__file__).parents[2]
ARMS = {
    "Mens E-Mail": (21_307, 0.182757, 0.012531, 1.422617),
    "Womens E-Mail": (21_387, 0.151400, 0.008837, 1.077202),
}
CONTROL = (21_306, 0.106167, 0.005726, 0.652789)
UPLIFT = {
    "Mens E-Mail": (0.07658956, 0.00680501, 0.769827, 5.3001),
    "Womens E-Mail": (0.04523311, 0.00311106, 0.424412, 3.2564),
}


@pytest.fixture(scope="module")
def crm():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_CONFIG", str(ROOT / "crm.toml"))
        patch.delenv("CRM_RUN_DATE", raising=False)
        assert check("hillstrom").problems == {}
        yield connect("hillstrom", topic="campaigns")


@pytest.fixture(scope="module")
def found(crm):
    return campaigns.of_source(crm)


def test_exact_duplicates_are_different_people_and_stay(crm):
    rows = crm.contacts
    kept = rows.drop("customer_id")
    assert rows.count().to_pyarrow().as_py() == 64_000
    assert 64_000 - kept.distinct().count().to_pyarrow().as_py() > 0
    assert rows.customer_id.nunique().to_pyarrow().as_py() == 64_000


@pytest.mark.parametrize("variant", list(ARMS))
def test_the_arms_are_those_of_the_file(found, variant):
    (u,) = (u for u in found.uplifts if u.variant == variant)
    n, visited, bought, spend = ARMS[variant]
    treated, control = found.arms["E1"][True, variant], found.arms["E1"][False, ""]
    assert (u.n_treated, u.n_control) == (n, CONTROL[0])
    assert u.treated_visited_share == pytest.approx(visited, abs=5e-7)
    assert u.treated_share == pytest.approx(bought, abs=5e-7)
    assert treated.mean == pytest.approx(spend, abs=5e-7)
    assert control.mean == pytest.approx(CONTROL[3], abs=5e-7)
    assert (u.control_visited_share, u.control_share) == pytest.approx(CONTROL[1:3], abs=5e-7)


@pytest.mark.parametrize("variant", list(ARMS))
def test_the_uplifts_are_those_computed_from_the_file(found, variant):
    (u,) = (u for u in found.uplifts if u.variant == variant)
    visited, bought, spend, t = UPLIFT[variant]
    assert u.visited.value == pytest.approx(visited, abs=5e-9)
    assert u.bought.value == pytest.approx(bought, abs=5e-9)
    assert u.revenue.value == pytest.approx(spend, abs=5e-7)
    assert u.revenue_t == pytest.approx(t, abs=5e-5)
    assert u.verdict == "proven"


def test_spread_is_that_of_the_file(found):
    arms = found.arms["E1"]
    spreads = [arms[key].variance ** 0.5 for key in ((True, "Mens E-Mail"), (True, "Womens E-Mail"), (False, ""))]
    assert spreads == pytest.approx([17.754205, 15.116106, 11.588200], abs=1e-6)


def test_the_thirds_came_out_as_planned(found):
    assert all(u.p_ratio > 0.001 for u in found.uplifts)


def test_capping_keeps_the_effect_because_it_is_a_percentile_of_spenders(found):
    (mens,) = (u for u in found.uplifts if u.variant == "Mens E-Mail")
    assert mens.cap > 100
    assert mens.capped.value == pytest.approx(mens.revenue.value, rel=0.05)


def test_history_hardly_helps_here_and_changes_no_verdict(found):
    for u in found.uplifts:
        assert 0 <= u.cuped_saves < 0.01
        assert u.cuped.low > 0


def test_half_of_the_credited_buyers_would_have_come_anyway(found):
    assert found.gap.credited == 456
    assert found.gap.caused.value == pytest.approx(42_694 * (456 / 42_694 - 122 / 21_306))
    rows = found.attribution.rows
    assert all(rows[m].sum() == 456 for m in campaigns.MODELS)


def test_all_published_figures_of_the_source_agree(crm, found):
    figures = {f.name: f.value for f in campaigns.publication(found).figures}
    for entry in crm.settings.published:
        assert abs(figures[entry.figure] - entry.value) <= entry.within, entry.figure
