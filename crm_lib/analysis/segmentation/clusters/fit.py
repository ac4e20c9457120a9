"""Cutting points into clusters: what is measured, K-means, the mixture beside it, and the silhouette."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

MEASURES = ("days_since_last", "n_orders", "amount")
SILHOUETTE_UP_TO = 10_000
N_STARTS = 20
N_QUICK_STARTS = 3

_IQR_OF_NORMAL = 1.3489795003921634  # an interquartile range divided by this is a standard deviation
_CHUNK = 1_000
_ITERATIONS = 300


@dataclass(frozen=True)
class Space:
    """Where customers are compared: `centre` and `spread` of each measure that varies, after `measured`."""

    columns: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray

    def points(self, measures: pd.DataFrame) -> np.ndarray:
        """Rows of `measured` in units of the spread, around the centre."""
        return (measures[list(self.columns)].to_numpy(dtype=float) - self.centre) / self.spread

    def measures(self, points: np.ndarray) -> pd.DataFrame:
        """Points back in the units of `measured`."""
        return pd.DataFrame(points * self.spread + self.centre, columns=list(self.columns))


@dataclass(frozen=True, eq=False)
class Cut:
    """Points cut into clusters: label per point, centroids, and the sum of squared distances to them."""

    labels: np.ndarray
    centroids: np.ndarray
    inertia: float

    @property
    def k(self) -> int:
        """How many clusters."""
        return len(self.centroids)


def measured(customers: pd.DataFrame) -> pd.DataFrame:
    """Days as they are, log(1 + orders) and log(1 + money); who was paid back more than was paid counts as 0."""
    return pd.DataFrame(
        {
            "days_since_last": customers["days_since_last"].astype("float64"),
            "n_orders": np.log1p(customers["n_orders"].astype("float64")),
            "amount": np.log1p(customers["amount"].astype("float64").clip(lower=0)),
        }
    )


def unmeasured(measures: pd.DataFrame) -> pd.DataFrame:
    """Rows of `measured` back in days, orders and money."""
    own = {name: (measures[name] if name == "days_since_last" else np.expm1(measures[name])) for name in measures}
    return pd.DataFrame(own)


def space(measures: pd.DataFrame) -> Space:
    """Median and interquartile range of each measure; constant measures are left out.

    Where more than half of the customers share one value the range may be 0: then the standard deviation.
    """
    varying = tuple(c for c in measures if measures[c].nunique() > 1)
    x = measures[list(varying)].to_numpy(dtype=float)
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    robust = (high - low) / _IQR_OF_NORMAL
    return Space(varying, middle, np.where(robust > 0, robust, x.std(axis=0)))


def kmeans(points: np.ndarray, k: int, seed: int, n_starts: int = N_STARTS) -> Cut:
    """K-means (Lloyd), the best of `n_starts` starts by k-means++."""
    found = KMeans(k, n_init=n_starts, max_iter=_ITERATIONS, random_state=seed).fit(points)
    return Cut(found.labels_, found.cluster_centers_, float(found.inertia_))


def nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The place of the nearest centroid of each point; of two equally near, the first."""
    chunks = range(0, len(points), 100 * _CHUNK)
    return np.concatenate([cdist(points[i : i + 100 * _CHUNK], centroids).argmin(axis=1) for i in chunks])


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of Gaussians: its BIC (lower is better) and the likeliest component of each point."""

    bic: float
    labels: np.ndarray


def mixture(points: np.ndarray, k: int, seed: int, floor: float = 1e-6) -> Mixture:
    """Mixture of `k` Gaussians with full covariances; `floor` is added to every variance.

    Counts lie on few values: without a floor a component shrinks onto one of them and its likelihood has no end.
    """
    model = GaussianMixture(k, reg_covar=floor, random_state=seed, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a BIC somewhat too high is all that follows
        model.fit(points)
    return Mixture(float(model.bic(points)), model.predict(points))


def silhouettes(points: np.ndarray, cuts: Sequence[np.ndarray]) -> list[float]:
    """Mean silhouette (Rousseeuw 1987) of several labellings, each distance taken once for all of them.

    A point alone in its cluster counts 0.
    """
    members = [np.eye(int(labels.max()) + 1)[labels] for labels in cuts]
    totals = np.zeros(len(cuts))
    for i in range(0, len(points), _CHUNK):
        distances = cdist(points[i : i + _CHUNK], points)
        for j, (labels, member) in enumerate(zip(cuts, members, strict=True)):
            totals[j] += _silhouette(distances @ member, labels[i : i + _CHUNK], member.sum(axis=0)).sum()
    return [float(total / len(points)) for total in totals]


def _silhouette(sums: np.ndarray, own: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Silhouette of some points from the sums of their distances to each cluster."""
    rows = np.arange(len(own))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / np.maximum(sizes, 1)
    means[rows, own] = np.inf
    means[:, sizes == 0] = np.inf
    outside = means.min(axis=1)
    longer = np.maximum(inside, outside)
    alone = (sizes[own] == 1) | (longer == 0) | ~np.isfinite(outside)
    return np.where(alone, 0.0, (outside - inside) / np.where(alone, 1.0, longer))


def chosen(ids: pd.Series, n_most: int) -> np.ndarray:
    """Positions of at most `n_most` rows, those with the lowest hash of the id: the same in every run."""
    if len(ids) <= n_most:
        return np.arange(len(ids))
    hashes = pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)
    return np.sort(np.argsort(hashes, kind="stable")[:n_most])
