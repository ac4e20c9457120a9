"""What clusters mean: order by value, labels of the run before, words, and what they add to the simple grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.segmentation.clusters import fit
from crm_lib.contract.publication import Publication

TABLE = "clusters"
FOLLOWS_FROM = 0.90
LOW, HIGH = 0.4, 0.6

# measure -> column of words, and the words from few to many
WORDS = {
    "days_since_last": ("when", ("lately", "between", "long_ago")),
    "n_orders": ("how_often", ("seldom", "sometimes", "often")),
    "amount": ("how_much", ("little", "middling", "much")),
}
ONCE = "once"


@dataclass(frozen=True)
class AgainstGrades:
    """Clusters beside named segments.

    `rand` is the adjusted Rand index, `table` the customers per cluster (rows) and segment (columns). `follows`
    is the share of customers whose cluster is that of most others with the same three grades; with
    `FOLLOWS_FROM` or more the clusters add nothing to the grades.
    """

    rand: float
    follows: Interval
    table: pd.DataFrame

    @property
    def adds(self) -> bool:
        """Whether clusters say something that the grades don't."""
        return bool(self.follows) and self.follows.value < FOLLOWS_FROM


def by_value(labels: np.ndarray, amounts: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """New label of each old one: 0 for the highest mean amount; equal means are ordered by their centroids."""
    k = len(centroids)
    means = np.bincount(labels, amounts, k) / np.maximum(np.bincount(labels, minlength=k), 1)
    order = sorted(range(k), key=lambda j: (-means[j], *centroids[j]))
    return np.argsort(order)


def before(previous: Publication | None) -> pd.DataFrame | None:
    """Centroids that an earlier run published: columns cluster and the measures; None where there are none."""
    found = previous.tables.get(TABLE) if previous is not None else None
    if found is None or found.empty or not {"cluster", *fit.MEASURES} <= set(found.columns):
        return None
    return found.sort_values("cluster", ignore_index=True)


def aligned(points: np.ndarray, earlier: pd.DataFrame | None, space: fit.Space) -> tuple[np.ndarray, np.ndarray]:
    """Label per centroid as in the run before (matched one to one, nearest in all), and how far each has moved.

    Centroids without a partner get the next free labels. The distance is in spreads of the customers, nan
    without a partner.
    """
    labels, moved = np.arange(len(points)), np.full(len(points), np.nan)
    if earlier is None:
        return labels, moved
    distances = cdist(points, space.points(fit.measured(earlier)))
    mine, theirs = linear_sum_assignment(distances)
    names = earlier["cluster"].to_numpy()
    labels[mine], moved[mine] = names[theirs], distances[mine, theirs]
    rest = np.setdiff1d(np.arange(len(points)), mine)
    labels[rest] = np.arange(len(rest)) + names.max() + 1
    return labels, moved


def worded(customers: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Per cluster: typical (median) days, orders and money, and a word for each, seen against all customers.

    Few lies in the lowest two fifths of all customers, many in the highest two; typically one order is `once`.
    """
    typical = customers[list(fit.MEASURES)].groupby(labels.to_numpy()).median()
    for measure, (name, words) in WORDS.items():
        everyone = np.sort(customers[measure].to_numpy(dtype=float))
        place = _place(everyone, typical[measure].to_numpy(dtype=float))
        typical[name] = np.select([place <= LOW, place < HIGH], words[:2], words[2])
    typical.loc[typical["n_orders"] == 1, "how_often"] = ONCE
    return typical.add_prefix("typical_").rename(columns={f"typical_{n}": n for n, _ in WORDS.values()})


def _place(everyone: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of customers below each value, those equal to it counted half."""
    below = np.searchsorted(everyone, values, side="left")
    return (below + np.searchsorted(everyone, values, side="right")) / (2 * len(everyone))


def described(customers: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Per cluster: customers, money, mean amount with interval, typical values and words; most value first."""
    groups = worded(customers, labels)
    total = customers["amount"].sum()
    rows = [_money(customers.loc[labels == c, "amount"], len(customers), total) for c in groups.index]
    made = pd.concat([pd.DataFrame(rows, index=groups.index), groups], axis=1).rename_axis("cluster")
    return made.sort_values("mean_amount", ascending=False, kind="stable").reset_index()


def _money(amounts: pd.Series, n: int, total: float) -> dict[str, Any]:
    mean = intervals.mean(amounts)
    return {
        "n_customers": len(amounts),
        "customer_share": len(amounts) / n,
        "amount": round(float(amounts.sum()), 2),
        "amount_share": float(amounts.sum() / total) if total > 0 else np.nan,
        "mean_amount": float(amounts.mean()),
        "low": np.nan if mean.low is None else mean.low,
        "high": np.nan if mean.high is None else mean.high,
    }


def against_grades(customers: pd.DataFrame, labels: pd.Series) -> AgainstGrades | None:
    """Clusters beside `segment` and the grades `r`, `f`, `m`; None where the customers have none."""
    if not {"segment", "r", "f", "m"} <= set(customers.columns):
        return None
    code = customers["r"] * 100 + customers["f"] * 10 + customers["m"]
    cells = pd.crosstab(code.to_numpy(), labels.to_numpy()).to_numpy()
    table = pd.crosstab(labels.to_numpy(), customers["segment"].to_numpy())
    rand = adjusted_rand_score(customers["segment"], labels)
    return AgainstGrades(float(rand), intervals.wilson(_told(cells), len(customers)), table)


def _told(cells: np.ndarray) -> int:
    """Customers whose cluster is the commonest among the *others* of their row, without a tie."""
    rivals = np.array([np.delete(cells, j, axis=1).max(axis=1) for j in range(cells.shape[1])]).T
    return int(cells[cells - 1 > rivals].sum())
