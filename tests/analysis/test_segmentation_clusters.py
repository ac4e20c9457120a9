import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score, silhouette_score

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation.clusters import fit, meaning, stability
from crm_lib.contract.publication import Figure, Publication, check_publication

IRIS = load_iris().data
PLANTED = {
    "regulars": (20, 12, 4000),
    "once_good": (300, 9, 3500),
    "newcomers": (40, 2, 150),
    "gone": (380, 1, 60),
}


def frame(days, orders, amounts, **columns):
    ids = [f"c{i:05}" for i in range(len(days))]
    numbers = {"n_orders": np.asarray(orders).astype(int), "amount": np.round(np.asarray(amounts, dtype=float), 2)}
    return pd.DataFrame({"customer_id": ids, "days_since_last": np.rint(days).astype(int)} | numbers | columns)


def planted(n=800, seed=1, **changed):
    """Customers of four kinds, each with its own days, orders and money; `kind` is the truth."""
    rng = np.random.default_rng(seed)
    kinds = PLANTED | changed
    kind = rng.integers(0, len(kinds), n)
    days, orders, amounts = np.array(list(kinds.values()), dtype=float)[kind].T
    return frame(
        np.clip(rng.normal(days, 10 + 0.1 * days), 0, None),
        1 + rng.poisson(np.maximum(orders - 1, 0.1)),
        amounts * rng.lognormal(0, 0.4, n),
        kind=np.array(list(kinds))[kind],
    )


def noise(n=400, seed=1):
    """Days, orders and money that go together (who orders more spends more) and form no groups."""
    rng = np.random.default_rng(seed)
    related = [[1, -0.3, -0.3], [-0.3, 1, 0.8], [-0.3, 0.8, 1]]
    z = rng.multivariate_normal([0, 0, 0], related, n)
    return frame(np.clip(200 + 50 * z[:, 0], 0, None), np.rint(np.exp(2 + 0.7 * z[:, 1])) + 1, np.exp(5 + z[:, 2]))


@pytest.mark.parametrize(
    ("k", "inertia", "silhouette"), [(2, 152.34795176, 0.68104617), (3, 78.85144143, 0.55281901)]
)
def test_kmeans_on_iris_gives_the_published_numbers(k, inertia, silhouette):
    cut = fit.kmeans(IRIS, k, seed=7)
    assert cut.inertia == pytest.approx(inertia, rel=1e-8)
    assert fit.silhouettes(IRIS, [cut.labels])[0] == pytest.approx(silhouette, abs=1e-8)


@pytest.mark.parametrize(("k", "bic"), [(2, 574.0178), (3, 580.8594)])
def test_the_mixture_on_iris_has_the_published_bic(k, bic):
    assert fit.mixture(IRIS, k, seed=0).bic == pytest.approx(bic, abs=0.01)


def test_kmeans_on_iris_agrees_with_the_species_as_published():
    cut = fit.kmeans(IRIS, 3, seed=7)
    assert adjusted_rand_score(load_iris().target, cut.labels) == pytest.approx(0.73024, abs=1e-5)


def test_several_silhouettes_at_once_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(1500, 3))
    cuts = [np.concatenate([np.arange(k), rng.integers(0, k, 1500 - k)]) for k in (2, 5)]
    cuts.append(np.concatenate([[1], np.zeros(1499, dtype=int)]))
    expected = [silhouette_score(points, labels) for labels in cuts]
    assert fit.silhouettes(points, cuts) == pytest.approx(expected, abs=1e-12)


def test_planted_groups_are_found_again_and_named():
    customers = planted()
    found = segmentation.clusters(customers, seed=7)
    assert (found.k, found.refusal) == (4, "")
    assert found.best["lowest_jaccard"] > 0.95
    told = found.customers.merge(customers)
    assert adjusted_rand_score(told["kind"], told["cluster"]) > 0.95
    words = found.groups.set_index("cluster")[["when", "how_often", "how_much"]]
    assert words.loc[0].tolist() == ["lately", "often", "much"]
    assert words.loc[3].tolist() == ["long_ago", "once", "little"]


def test_clusters_are_numbered_by_value_per_customer():
    groups = segmentation.clusters(planted(), seed=7).groups
    assert groups["cluster"].tolist() == [0, 1, 2, 3]
    assert groups["mean_amount"].is_monotonic_decreasing
    assert (groups["low"] < groups["mean_amount"]).all()
    assert groups["customer_share"].sum() == pytest.approx(1)
    assert groups["amount"].sum() == pytest.approx(planted()["amount"].sum())


def test_the_order_of_rows_changes_nothing():
    customers = planted(400)
    first = segmentation.clusters(customers, seed=7)
    again = segmentation.clusters(customers.sample(frac=1, random_state=3), seed=7)
    pd.testing.assert_frame_equal(first.customers, again.customers)
    pd.testing.assert_frame_equal(first.groups, again.groups)
    pd.testing.assert_frame_equal(first.trials, again.trials)


def test_the_same_seed_gives_the_same_answer_and_another_the_same_groups():
    customers = planted(400)
    first, again, other = (segmentation.clusters(customers, seed=s) for s in (7, 7, 8))
    pd.testing.assert_frame_equal(first.trials, again.trials)
    pd.testing.assert_frame_equal(first.customers, other.customers)


def test_labels_follow_the_run_before():
    customers = planted(400)
    first = segmentation.clusters(customers, seed=7)
    before = first.tables["clusters"].assign(cluster=[5, 2, 9, 0])
    found = segmentation.clusters(
        planted(400, seed=2), seed=7, previous=Publication("segmentation", (), {"clusters": before})
    )
    assert found.has_before
    assert found.groups["cluster"].tolist() == [5, 2, 9, 0]
    assert (found.groups["moved"] < 0.5).all()


def test_a_cluster_without_a_partner_in_the_run_before_gets_a_new_number():
    first = segmentation.clusters(planted(400), seed=7)
    before = first.tables["clusters"].iloc[[0, 1, 3]]
    found = segmentation.clusters(planted(400), seed=7, previous=Publication("s", (), {"clusters": before}))
    assert found.groups["cluster"].tolist() == [0, 1, 4, 3]
    assert found.groups["moved"].isna().tolist() == [False, False, True, False]


def test_a_run_before_without_clusters_is_no_hindrance():
    empty = Publication("segmentation", (Figure("n", 1, "customers"),))
    assert not segmentation.clusters(planted(400), seed=7, previous=empty).has_before


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_refused(seed):
    found = segmentation.clusters(noise(seed=seed), seed=seed)
    assert found.k is None
    assert found.refusal in ("unstable", "no_groups")
    assert found.customers.empty
    assert found.tables == {}


@pytest.mark.slow
def test_noise_is_taken_for_groups_in_at_most_one_case_in_twenty():
    taken = [segmentation.clusters(noise(seed=s), seed=s).k is not None for s in range(40)]
    assert np.mean(taken) <= 0.05


def heavy_tails(rng, n):
    """Who is extreme in one measure is extreme in the others (a t copula)."""
    related = [[1, -0.5, -0.4], [-0.5, 1, 0.7], [-0.4, 0.7, 1]]
    z = rng.multivariate_normal([0, 0, 0], related, n) / np.sqrt(rng.chisquare(3, n) / 3)[:, None]
    days, orders, money = np.clip(z, -4, 4).T
    return frame(
        np.clip(200 + 60 * days, 0, None), np.rint(np.exp(1.5 + 0.6 * orders)) + 1, np.exp(5 + 0.9 * money)
    )


def unrelated(rng, n):
    return frame(rng.integers(0, 365, n), 1 + rng.integers(0, 15, n), rng.uniform(10, 2000, n))


def mostly_one_order(rng, n):
    orders = rng.geometric(0.6, n)
    return frame(rng.integers(0, 700, n), orders, orders * rng.lognormal(4, 0.8, n))


def one_kind_of_buyer(rng, n):
    """All buy at the same rate."""
    orders = 1 + rng.poisson(5, n)
    return frame(rng.exponential(60, n), orders, orders * rng.gamma(3, 20, n))


@pytest.mark.slow
def test_noise_of_other_kinds_is_taken_for_groups_in_at_most_one_case_in_twenty():
    kinds = (heavy_tails, unrelated, mostly_one_order, one_kind_of_buyer)
    taken = [
        segmentation.clusters(kind(np.random.default_rng([2026, seed]), 400), seed=seed).k is not None
        for kind in kinds
        for seed in range(10)
    ]
    assert np.mean(taken) <= 0.05


def test_a_stable_cut_through_a_long_cloud_is_refused():
    found = segmentation.clusters(noise(1500), seed=7)
    best = found.best
    assert best["lowest_jaccard"] > 0.75, "the cut lasts, and yet there are no groups"
    assert best["silhouette"] < best["to_beat"]
    assert found.refusal == "no_groups"


def test_few_customers_are_refused():
    assert segmentation.clusters(planted(99), seed=7).refusal == "few"


def test_customers_who_are_all_alike_are_refused():
    found = segmentation.clusters(frame([10] * 120, [2] * 120, [50.0] * 120), seed=7)
    assert found.refusal == "alike"
    assert found.best is None


def test_two_values_only_do_not_break_the_search():
    found = segmentation.clusters(frame([10, 20] * 60, [1, 1] * 60, [5.0, 5.0] * 60), seed=7)
    assert found.left_out == ("n_orders", "amount")
    assert found.k is None


def test_a_tiny_cluster_is_not_taken():
    customers = planted(600, regulars=(20, 12, 4000), once_good=(20, 12, 4000), newcomers=(20, 12, 4000))
    customers.loc[:3, ["days_since_last", "n_orders", "amount"]] = [5000, 500, 9e7]
    found = segmentation.clusters(customers, seed=7)
    taken = found.trials[found.trials["k"] == found.k]
    assert found.k is None or taken["smallest_share"].iloc[0] >= 0.02
    assert "small" in found.trials["verdict"].tolist()


def test_money_below_zero_counts_as_nothing_paid():
    customers = planted(400)
    customers.loc[:9, "amount"] = -5000.0
    found = segmentation.clusters(customers, seed=7)
    assert found.n_below_zero == 10
    assert np.isfinite(found.groups.select_dtypes("number").drop(columns="moved")).all().all()
    assert found.groups["amount"].sum() == pytest.approx(customers["amount"].sum())


def test_when_most_customers_ordered_once_the_spread_of_orders_is_not_zero():
    where = fit.space(fit.measured(frame(range(100), [1] * 80 + [5] * 20, range(1, 101))))
    assert (where.spread > 0).all()


def test_partners_are_matched_one_to_one():
    labels = np.array([0, 0, 0, 1, 1, 2])
    other = np.array([2, 2, 0, 0, 0, 1])
    assert stability.jaccards(labels, other, 3).tolist() == pytest.approx([2 / 3, 2 / 3, 1])


def test_customers_without_groups_keep_margins_and_rank_correlation():
    points = np.c_[np.repeat([0.0, 0, 1, 7], 500), np.arange(2000.0)]
    rng = np.random.default_rng(1)
    made = stability.without_groups(points, stability.relation(points, 4000, rng), 4000, rng)
    assert set(np.unique(made[:, 0])) == {0, 1, 7}
    assert np.mean(made[:, 0] == 0) == pytest.approx(0.5, abs=0.03)
    ranks = [pd.DataFrame(x).rank().corr().iloc[0, 1] for x in (points, made)]
    assert ranks[1] == pytest.approx(ranks[0], abs=0.02)


def test_samples_are_drawn_by_the_id_not_by_the_place():
    ids = pd.Series([f"c{i}" for i in range(1000)])
    turned = ids[::-1].reset_index(drop=True)
    assert set(ids[fit.chosen(ids, 100)]) == set(turned[fit.chosen(turned, 100)])
    assert len(fit.chosen(ids, 100)) == 100


def test_clusters_that_follow_from_the_grades_add_nothing():
    grades = pd.DataFrame({"r": [1, 5] * 50, "f": 3, "m": 3, "segment": ["a", "b"] * 50})
    same = meaning.against_grades(grades, pd.Series([0, 1] * 50))
    assert (same.rand, same.follows.value, same.adds) == (1, 1, False)
    other = meaning.against_grades(grades, pd.Series([0, 0, 1, 1] * 25))
    assert other.follows.value < 0.6
    assert other.adds
    assert other.table.to_numpy().sum() == 100


def test_figures_can_be_published():
    found = segmentation.clusters(planted(400), seed=7)
    check_publication(Publication("segmentation", found.figures, found.tables))
    refused = segmentation.clusters(noise(), seed=7)
    check_publication(Publication("segmentation", refused.figures, refused.tables))
    assert refused.figures[0].value == 0


def test_a_cut_that_lasts_without_groups_is_shown_but_not_taken():
    found = segmentation.clusters(noise(1500), seed=7)
    assert found.k is None
    assert len(found.groups) == found.best_k
    assert found.customers.empty
