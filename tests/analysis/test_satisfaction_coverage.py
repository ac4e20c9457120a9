"""Nine intervals in ten hold the truth: simulated, with the truth known."""

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import importance, intervals, raking
from crm_lib.analysis.satisfaction import by_aspect, drivers, handling, later, measure

pytestmark = pytest.mark.slow
REPLICATES = 1_500


def share_held(pairs):
    """Share of (low, truth, high) that hold the truth."""
    return np.mean([low <= truth <= high for low, truth, high in pairs])


@pytest.mark.parametrize("shares", [(0.6, 0.25, 0.15), (0.4, 0.4, 0.2), (0.9, 0.08, 0.02)])
@pytest.mark.parametrize("n", [20, 200])
def test_promoter_score(shares, n):
    rng = np.random.default_rng(n)
    truth = 100 * (shares[0] - shares[2])
    found = [intervals.nps(*map(int, rng.multinomial(n, shares))) for _ in range(REPLICATES)]
    held = share_held((i.low, truth, i.high) for i in found)
    assert (0.87 if n == 200 else 0.85) <= held <= (0.93 if n == 200 else 1.0)  # 20 answers come in few steps


CORRELATED = np.array([[1, 0.5, 0.3], [0.5, 1, 0.2], [0.3, 0.2, 1]])
ONE_MOOD = 0.45 + 0.55 * np.eye(7)


@pytest.mark.parametrize(
    ("among", "weights", "n", "each"),
    [
        pytest.param(CORRELATED, (0.6, 0.4, 0.3), 150, 1, id="three drivers"),
        pytest.param(CORRELATED, (0.6, 0.4, 0.3), 150, 3, id="three answers of each customer"),
        pytest.param(ONE_MOOD, (0.2,) * 7, 300, 1, id="seven drivers of one mood"),
        pytest.param(ONE_MOOD, (0.2,) * 7, 100, 1, id="fourteen answers for each driver"),
    ],
)
def test_importance_and_what_is_explained(among, weights, n, each):
    """Correlated drivers; the truth follows from their covariance. Answers of one customer share most of all."""
    weights, k, noise = np.array(weights), len(weights), 1.0
    outcome = among @ weights
    whole = weights @ outcome + noise**2
    corner = np.append(outcome / np.sqrt(whole), 1)
    truth = np.vstack([np.column_stack([among, corner[:k]]), corner])
    true_shares, true_fit = (
        importance.shapley(truth) / importance.shapley(truth).sum(),
        importance.shapley(truth).sum(),
    )
    rng, root, names = np.random.default_rng(6), np.linalg.cholesky(among), [f"a{i}" for i in range(k)]
    who, shares, explained = np.repeat(np.arange(n), each), [], []

    def drawn(size):
        """Normal values of which four fifths are the customer's and the rest each answer's own."""
        own = rng.normal(size=(n * each, size))
        return own if each == 1 else np.sqrt(0.8) * rng.normal(size=(n, size))[who] + np.sqrt(0.2) * own

    for i in range(600):
        x = drawn(k) @ root.T
        y = x @ weights + noise * drawn(1)[:, 0]
        fit, table = drivers._estimate(np.column_stack([x, y]), names, i, 300, who)
        rows = table.set_index("aspect").loc[names]
        shares += list(zip(rows.shapley_low, true_shares, rows.shapley_high, strict=True))
        explained.append((fit.low, true_fit, fit.high))
    assert 0.87 <= share_held(shares) <= 0.93
    assert 0.87 <= share_held(explained) <= 0.93


def test_a_driver_that_hardly_matters_is_held_less_often():
    """Its share can't come out as nothing, so draws lie above it: the one case below nine in ten that is known."""
    rng, held = np.random.default_rng(6), []
    weights = np.array([0.8, 0.4, 0.05])
    truth = weights**2 / (weights @ weights)
    for i in range(1_000):
        x = rng.normal(size=(150, 3))
        y = x @ weights + rng.normal(size=150)
        _fit, table = drivers._estimate(np.column_stack([x, y]), ["a", "b", "c"], i, 300)
        row = table.set_index("aspect").loc["c"]
        held.append((row.shapley_low, truth[2], row.shapley_high))
    assert 0.80 <= share_held(held) <= 0.93


def test_equally_important_aspects_are_seldom_told_apart():
    rng, false = np.random.default_rng(2), 0
    for i in range(250):
        x = rng.normal(size=(300, 1)) * 0.7 + rng.normal(size=(300, 6))
        y = x.sum(axis=1) + 3 * rng.normal(size=300)
        _fit, table = drivers._estimate(np.column_stack([x, y]), list("abcdef"), i, 100)
        false += bool((table.apart != 0).any())
    assert false / 250 <= 0.13


def test_ratio_weighted_to_the_base():
    """Two groups answer unequally; raked cells with squared weights give the base's ratio nine times in ten."""
    rng, n = np.random.default_rng(9), 150
    base, answering, truths = np.array([0.3, 0.7]), np.array([0.6, 0.4]), np.array([1.05, 0.9])
    held = []
    for _ in range(REPLICATES):
        group = rng.random(n) < answering[1]
        expected = np.clip(rng.normal(7, 1, n), 1, 10)
        perceived = truths[group.astype(int)] * expected + rng.normal(0, 1, n)
        cells = pd.DataFrame({"group": group.astype(int), "n": 1})
        counts = cells.groupby("group").n.sum().reset_index()
        weights = raking.rake(counts, {"group": pd.Series(base)})[group.astype(int)]
        sums = {"n": n, "perceived": (weights * perceived).sum(), "expected": (weights * expected).sum()}
        sums |= {
            "perceived_sq": (weights**2 * perceived**2).sum(),
            "expected_sq": (weights**2 * expected**2).sum(),
        }
        found = measure.ratio(sums | {"cross": (weights**2 * perceived * expected).sum()}, 5)
        held.append((found.low, base @ truths, found.high))
    assert 0.87 <= share_held(held) <= 0.93


def test_difference_among_like_customers():
    rng, held = np.random.default_rng(5), []
    shares = np.array([0.2, 0.45, 0.7])
    for _ in range(REPLICATES):
        rows = []
        for band, n in enumerate((60, 80, 50)):
            for content, size in ((True, int(n * 0.7)), (False, n - int(n * 0.7))):
                k = rng.binomial(size, shares[band] + 0.1 * content)
                rows.append({"band": band, "content": content, "n": size, "bought": k})
        found = later.stratified_difference(pd.DataFrame(rows))
        held.append((found.low, 0.1, found.high))
    assert 0.87 <= share_held(held) <= 0.93


def test_share_closed_within_a_week():
    rng, held = np.random.default_rng(1), []
    for _ in range(REPLICATES):
        days, watched = rng.exponential(6, 80), rng.uniform(0, 40, 80)
        seen = np.minimum(days, watched)
        found = handling.closed_by(seen, days <= watched, 7.0)
        held.append((found.low, 1 - np.exp(-7 / 6), found.high))
    assert 0.87 <= share_held(held) <= 0.93


def test_complaints_that_did_not_change_are_seldom_said_to_have():
    rng = np.random.default_rng(3)
    said = [
        by_aspect.changed(
            pd.Series({"complaints_n": rng.poisson(30), "n_customers": 900}),
            pd.Series({"complaints_n": rng.poisson(40), "n_customers": 1200}),
        )
        for _ in range(REPLICATES)
    ]
    assert np.mean(np.abs(said)) <= 0.13
