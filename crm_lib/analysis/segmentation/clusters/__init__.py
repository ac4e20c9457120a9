"""Customers cut into clusters by days, orders and money, or the reason why they can't be.

`fit` cuts, `search` looks for the number of clusters, `stability` asks whether they are there at all, `meaning`
orders and names what was found.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import sklearn
from threadpoolctl import threadpool_limits

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.segmentation.clusters import fit, meaning
from crm_lib.analysis.segmentation.clusters.meaning import AgainstGrades
from crm_lib.analysis.segmentation.clusters.search import (
    KS,
    NO_GROUPS,
    NOT_TESTED,
    PASSES,
    SMALL,
    SMALLEST_SHARE,
    STABLE_FROM,
    UNSTABLE,
    Search,
    search,
)
from crm_lib.contract.publication import Figure, Publication

__all__ = ["KS", "NOT_TESTED", "PASSES", "REFUSALS", "SMALLEST_SHARE", "STABLE_FROM", "Clusters", "clusters"]

FEWEST_CUSTOMERS = 100
FIT_UP_TO = 50_000
_QUICK = {"assume_finite": True, "skip_parameter_validation": True}

# Why there are no clusters: too few customers, nothing that tells them apart, only cuts with a tiny cluster,
# clusters that resampling dissolves, a silhouette that customers without groups reach as well.
FEW, ALIKE = "few", "alike"
REFUSALS = (FEW, ALIKE, SMALL, UNSTABLE, NO_GROUPS)


@dataclass(frozen=True, repr=False)
class Clusters(Brief):
    """Clusters of customers, or why there are none.

    Attributes
    ----------
    k, refusal
        Number of clusters and an empty refusal; or None and one of `REFUSALS`.
    customers
        `customer_id` and `cluster`: 0 is worth most per customer, unless a run before gave the labels. Empty
        with a refusal.
    groups
        Per cluster, most value per customer first: customers, money, typical values, words, centroid,
        `jaccard` and `moved` (distance from its place in the run before, in spreads). With the refusal
        `no_groups` it is the clearest cut all the same, which lasts; without a cut it is empty.
    trials, best_k
        One row per k, see `search.Search`, and the k that was taken or came furthest.
    left_out
        Measures that are the same for everyone.
    mixture_k, mixture_rand
        Number of components by BIC (1 to 8), and how far the mixture with k components agrees (adjusted Rand).
    """

    n_customers: int
    k: int | None = None
    refusal: str = ""
    customers: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    best_k: int | None = None
    left_out: tuple[str, ...] = ()
    n_fitted: int = 0
    n_below_zero: int = 0
    has_before: bool = False
    mixture_k: int | None = None
    mixture_rand: float | None = None
    against: AgainstGrades | None = None

    @property
    def best(self) -> pd.Series | None:
        """The trial that was taken or came furthest; None where none was made."""
        return None if self.best_k is None else self.trials.set_index("k", drop=False).loc[self.best_k]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What to publish, without words; 0 clusters where they were refused."""
        count = Figure("n_clusters", self.k or 0, "clusters", self.n_customers)
        if self.k is None:
            return (count,)
        n = self.n_fitted
        found = [
            count,
            Figure("clusters_silhouette", float(self.best["silhouette"]), "ratio", n),
            Figure("clusters_lowest_jaccard", float(self.best["lowest_jaccard"]), "ratio", n),
        ]
        if self.against is not None:
            told = self.against.follows
            found += [
                Figure("clusters_rand", self.against.rand, "ratio", self.n_customers),
                Figure("clusters_told_by_grades", told.value, "share", told.n, told.low, told.high),
            ]
        return tuple(found)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What the next run reads to keep the labels: one row per cluster with its centroid."""
        if self.k is None:
            return {}
        centroids = self.groups[["cluster", "n_customers", *(f"centroid_{m}" for m in fit.MEASURES)]]
        return {meaning.TABLE: centroids.rename(columns={f"centroid_{m}": m for m in fit.MEASURES})}


def clusters(customers: pd.DataFrame, *, seed: int, previous: Publication | None = None) -> Clusters:
    """Cut customers by days since the last order, orders and money; refuse where no cut holds.

    Each k from 2 to 8 is cut by K-means; the two with the best silhouette among those whose smallest cluster
    holds 2 % are tested. A k passes if every cluster is found again in bootstrap draws (mean Jaccard of 0.75 or
    more) and its silhouette is above that of 20 draws of customers without groups, and 0.05 above their mean. Of
    those that pass, the best silhouette wins. The result depends on seed and ids, not on the order of rows or the
    number of threads.

    Parameters
    ----------
    customers
        `customer_id`, `days_since_last`, `n_orders`, `amount`; with `segment`, `r`, `f`, `m` the clusters are
        compared with them.
    previous
        What the run before published, as `crm.previous` returns it; labels follow it.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> from crm_lib.analysis.segmentation import segments
    >>> clusters(segments(examples.purchases(), as_of=examples.AS_OF).customers, seed=7).refusal
    'few'
    """
    rows = customers.sort_values("customer_id", ignore_index=True)
    about = Clusters(len(rows), n_below_zero=int((rows["amount"] < 0).sum()))
    if len(rows) < FEWEST_CUSTOMERS:
        return replace(about, refusal=FEW)
    measures = fit.measured(rows)
    where = fit.space(measures)
    about = replace(about, left_out=tuple(m for m in fit.MEASURES if m not in where.columns))
    if not where.columns:
        return replace(about, refusal=ALIKE)
    points = where.points(measures)
    sample = fit.chosen(rows["customer_id"], FIT_UP_TO)
    with threadpool_limits(1), sklearn.config_context(**_QUICK):  # threads add their sums in no fixed order
        found = search(points[sample], rows["customer_id"].iloc[sample], seed)
        about = replace(
            about,
            n_fitted=len(sample),
            trials=found.trials,
            best_k=found.best_k,
            refusal="" if found.verdict == PASSES else found.verdict or ALIKE,
            mixture_k=found.mixture_k,
            mixture_rand=found.mixture_rand,
        )
        return about if found.cut is None else _named(about, rows, points, where, found, previous)


def _named(
    about: Clusters,
    rows: pd.DataFrame,
    points: np.ndarray,
    where: fit.Space,
    found: Search,
    previous: Publication | None,
) -> Clusters:
    """The clusters of all customers, labelled, described and set beside the grades."""
    places = fit.nearest(points, found.cut.centroids)
    order = meaning.by_value(places, rows["amount"].to_numpy(dtype=float), found.cut.centroids)
    centroids = found.cut.centroids[np.argsort(order)]
    earlier = meaning.before(previous)
    names, moved = meaning.aligned(centroids, earlier, where)
    labels = pd.Series(names[order[places]], index=rows.index, name="cluster")
    beside = pd.DataFrame({"cluster": names, "jaccard": found.jaccard[np.argsort(order)], "moved": moved})
    natural = fit.unmeasured(where.measures(centroids).reindex(columns=list(fit.MEASURES)))
    for measure in fit.MEASURES:
        beside[f"centroid_{measure}"] = natural[measure].fillna(float(rows[measure].median()))
    taken = {"k": found.cut.k, "customers": rows[["customer_id"]].assign(cluster=labels)}
    return replace(
        about,
        **({} if about.refusal else taken),
        groups=meaning.described(rows, labels).merge(beside, "left", "cluster"),
        has_before=earlier is not None,
        against=meaning.against_grades(rows, labels),
    )
