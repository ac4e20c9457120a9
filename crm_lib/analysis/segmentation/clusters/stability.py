"""Whether clusters are there: found again in resampled customers, clearer than among customers without groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.metrics import adjusted_rand_score

from crm_lib.analysis.segmentation.clusters import fit

N_BOOTSTRAPS = 50
BOOTSTRAP_UP_TO = 20_000
N_REFERENCES = 20
REFERENCE_UP_TO = 2_000
_ROUNDS = 6
_LEAST = 1e-4  # smallest eigenvalue of a correlation matrix


@dataclass(frozen=True, eq=False)
class Stability:
    """How well a cut is found again: mean Jaccard of each cluster (1: every time the same customers), mean ARI."""

    jaccard: np.ndarray
    rand: float


def jaccards(labels: np.ndarray, other: np.ndarray, k: int) -> np.ndarray:
    """Per cluster of `labels`: shared ÷ together with its partner in `other`, partners matched one to one.

    >>> jaccards(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]), 2).tolist()
    [1.0, 1.0]
    """
    shared = np.bincount(labels * k + other, minlength=k * k).reshape(k, k)
    together = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    jaccard = shared / np.maximum(together, 1)
    return jaccard[linear_sum_assignment(-jaccard)]


def stability(points: np.ndarray, cut: fit.Cut, seed: int, n_bootstraps: int = N_BOOTSTRAPS) -> Stability:
    """Fit again to bootstrap draws of the points and compare where each such fit puts all points (Hennig 2007)."""
    rng = np.random.default_rng([seed, cut.k])
    own = fit.nearest(points, cut.centroids)
    found, rand = np.zeros((n_bootstraps, cut.k)), np.zeros(n_bootstraps)
    for b in range(n_bootstraps):
        drawn = points[rng.integers(0, len(points), len(points))]
        again = fit.kmeans(drawn, cut.k, int(rng.integers(2**31)), fit.N_QUICK_STARTS)
        labels = fit.nearest(points, again.centroids)
        found[b], rand[b] = jaccards(own, labels, cut.k), adjusted_rand_score(own, labels)
    return Stability(found.mean(axis=0), float(rand.mean()))


def references(points: np.ndarray, ks: tuple[int, ...], seed: int, n: int = N_REFERENCES) -> np.ndarray:
    """Silhouettes of the same cuts among invented customers without groups: one row per draw, one column per k.

    K-means cuts any cloud, and an elongated one always at the same place: stability alone would take the halves
    for clusters.
    """
    rng = np.random.default_rng([seed, 0])
    size = min(len(points), REFERENCE_UP_TO)
    related = relation(points, size, rng)
    return np.array([_reference(without_groups(points, related, size, rng), ks, rng) for _ in range(n)])


def _reference(points: np.ndarray, ks: tuple[int, ...], rng: np.random.Generator) -> list[float]:
    cuts = [fit.kmeans(points, k, int(rng.integers(2**31)), fit.N_QUICK_STARTS).labels for k in ks]
    return fit.silhouettes(points, cuts)


def without_groups(points: np.ndarray, related: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` invented points, each measure with its own distribution, spikes and tails included.

    `related` is the correlation of the normal variables behind them (a Gaussian copula): the invented go together
    as the real ones do; what is lost is only how values come in groups.
    """
    return _shaped(rng.standard_normal((size, points.shape[1])), related, np.sort(points, axis=0))


def _shaped(normal: np.ndarray, related: np.ndarray, margins: np.ndarray) -> np.ndarray:
    n = len(margins)
    places = (ndtr(normal @ np.linalg.cholesky(related).T) * n).astype(int)
    return np.take_along_axis(margins, np.minimum(places, n - 1), axis=0)


def relation(points: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The correlation with which `without_groups` gives the rank correlation of the points.

    Ties weaken what is seen of it (most customers ordered once), so it is raised until the invented points show
    as much as the real ones.
    """
    wanted, margins = _seen(points), np.sort(points, axis=0)
    normal, related = rng.standard_normal((size, points.shape[1])), wanted
    for _ in range(_ROUNDS):
        related = _valid(related + wanted - _seen(_shaped(normal, _valid(related), margins)))
    return related


def _seen(points: np.ndarray) -> np.ndarray:
    """Correlation of the normal scores of ranks."""
    width = points.shape[1]
    scores = ndtri((rankdata(points, axis=0) - 0.5) / len(points))
    with np.errstate(invalid="ignore"):
        between = np.nan_to_num(np.corrcoef(scores, rowvar=False).reshape(width, width))
    np.fill_diagonal(between, 1.0)
    return between


def _valid(related: np.ndarray) -> np.ndarray:
    """The matrix made positive definite, with a diagonal of 1."""
    values, vectors = np.linalg.eigh(np.clip(related, -1, 1))
    fixed = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    return fixed / np.outer(scale, scale)
