"""The search for the number of clusters: each k is cut, the two clearest are tested, the best that passes wins."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from crm_lib.analysis.segmentation.clusters import fit, stability

KS = tuple(range(2, 9))
STABLE_FROM = 0.75
SMALLEST_SHARE = 0.02
MIXTURE_UP_TO = 2_500
N_TESTED = 2
N_SCAN_STARTS = 5
CLEARER_BY = 0.05
_FLOOR = 0.01  # variance below which a component of the mixture may not shrink, in squared spreads

PASSES, SMALL, UNSTABLE, NO_GROUPS, NOT_TESTED = "passes", "small", "unstable", "no_groups", "not_tested"


@dataclass(frozen=True, eq=False)
class Search:
    """What was found: one row of `trials` per k, the one that came furthest, and its cut where that lasts.

    `verdict` is that of `best_k`; with `PASSES` or `NO_GROUPS` there are a cut and the Jaccard of each cluster.


    Columns of `trials`: k, silhouette, smallest_share, bic (of a mixture with k components); where tested
    lowest_jaccard, rand (both from bootstraps) and to_beat (silhouette asked for); verdict.
    """

    trials: pd.DataFrame
    best_k: int | None = None
    verdict: str = ""
    cut: fit.Cut | None = None
    jaccard: np.ndarray = field(default_factory=lambda: np.zeros(0))
    mixture_k: int | None = None
    mixture_rand: float | None = None


def search(points: np.ndarray, ids: pd.Series, seed: int) -> Search:
    """Look for clusters among the points of these customers."""
    n_distinct = len(np.unique(points, axis=0))
    scanned = {k: fit.kmeans(points, k, seed, N_SCAN_STARTS) for k in KS if k <= n_distinct}
    if not scanned:
        return Search(pd.DataFrame())
    trials = _scanned(points, ids, scanned)
    tested = trials[trials["verdict"] == NOT_TESTED].nlargest(N_TESTED, "silhouette")["k"].tolist()
    cuts = {k: fit.kmeans(points, k, seed) for k in tested}
    jaccard = _test(points, ids, trials, cuts, seed)
    best = _best(trials)
    lasting = cuts[best["k"]] if best["verdict"] in (PASSES, NO_GROUPS) else None
    mixture_k, rand = _mixtures(points, ids, trials, lasting, seed)
    found = jaccard.get(best["k"], np.zeros(0))
    return Search(trials, int(best["k"]), best["verdict"], lasting, found, mixture_k, rand)


def _best(trials: pd.DataFrame) -> pd.Series:
    """The trial that came furthest; of several, the clearest."""
    came = trials["verdict"].map([PASSES, NO_GROUPS, UNSTABLE, NOT_TESTED, SMALL].index)
    return trials.assign(came=came).sort_values(["came", "silhouette"], ascending=[True, False]).iloc[0]


def _scanned(points: np.ndarray, ids: pd.Series, cuts: dict[int, fit.Cut]) -> pd.DataFrame:
    seen = fit.chosen(ids, fit.SILHOUETTE_UP_TO)
    smallest = [np.bincount(cut.labels).min() / len(points) for cut in cuts.values()]
    trials = pd.DataFrame(
        {
            "k": list(cuts),
            "silhouette": fit.silhouettes(points[seen], [cut.labels[seen] for cut in cuts.values()]),
            "smallest_share": smallest,
        }
    )
    large = trials["smallest_share"] >= SMALLEST_SHARE
    return trials.assign(lowest_jaccard=np.nan, rand=np.nan, to_beat=np.nan).assign(
        verdict=large.map({True: NOT_TESTED, False: SMALL})
    )


def _test(
    points: np.ndarray, ids: pd.Series, trials: pd.DataFrame, cuts: dict[int, fit.Cut], seed: int
) -> dict[int, np.ndarray]:
    """Fill in what the tests of each cut say; the Jaccard of each of its clusters."""
    drawn = points[fit.chosen(ids, stability.BOOTSTRAP_UP_TO)]
    to_beat = _to_beat(stability.references(drawn, tuple(cuts), seed)) if cuts else []
    jaccard = {}
    for (k, cut), limit in zip(cuts.items(), to_beat, strict=True):
        found = stability.stability(drawn, cut, seed)
        jaccard[k], row = found.jaccard, trials["k"] == k
        stable = found.jaccard.min() >= STABLE_FROM
        clear = trials.loc[row, "silhouette"].iloc[0] > limit
        measured = [found.jaccard.min(), found.rand, limit]
        trials.loc[row, ["lowest_jaccard", "rand", "to_beat"]] = measured
        trials.loc[row, "verdict"] = UNSTABLE if not stable else PASSES if clear else NO_GROUPS
    return jaccard


def _to_beat(references: np.ndarray) -> np.ndarray:
    """Silhouette to exceed: the highest without groups, and their mean by a margin that is worth a mention."""
    return np.maximum(references.max(axis=0), references.mean(axis=0) + CLEARER_BY)


def _mixtures(
    points: np.ndarray, ids: pd.Series, trials: pd.DataFrame, cut: fit.Cut | None, seed: int
) -> tuple[int, float | None]:
    """Add the BIC of mixtures; the number of components BIC would take, and agreement with the cut."""
    seen = points[fit.chosen(ids, MIXTURE_UP_TO)]
    found = {k: fit.mixture(seen, k, seed, _FLOOR) for k in (1, *trials["k"])}
    trials["bic"] = [found[k].bic for k in trials["k"]]
    rand = None
    if cut is not None:
        rand = float(adjusted_rand_score(fit.nearest(seen, cut.centroids), found[cut.k].labels))
    return min(found, key=lambda k: found[k].bic), rand
