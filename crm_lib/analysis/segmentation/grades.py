"""Grades 1–5 that never split ties: cut points, grades, weighted score, and what ties cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.errors import ParameterError

N_GRADES = 5
RULES = ("nearest", "quantile")

# dimension -> column of the customer frame; of days, fewer are better
COLUMNS = {"r": "days_since_last", "f": "n_orders", "m": "amount"}
CUT_WORDS = {"days": "r", "orders": "f", "amount": "m"}


@dataclass(frozen=True)
class Grading:
    """How customers are graded: the rule for cut points, the weights of r, f and m, and own cut points.

    `rule` is `nearest` (the textbook's) or `quantile` (type 7). `cuts` names own cut points for some of
    r, f, m as four rising numbers; a value above a cut lies in the next class.
    """

    rule: str = "nearest"
    weights: tuple[float, float, float] = (0.08, 0.27, 0.65)
    cuts: dict[str, tuple[float, ...]] = field(default_factory=dict)


def grading(
    rule: str = "nearest",
    weights: tuple[float, ...] = (0.08, 0.27, 0.65),
    own_cuts: str = "",
) -> Grading:
    """A checked `Grading`; `weights` are those of days, orders and money, own cut points are given as text.

    Raises `ParameterError` for an unknown rule, weights that are negative or do not add up to 1, and cut
    points that are not four rising numbers.

    >>> grading(own_cuts="days 30 90 180 365; orders 1 2 4 8").cuts
    {'r': (30.0, 90.0, 180.0, 365.0), 'f': (1.0, 2.0, 4.0, 8.0)}
    """
    if rule not in RULES:
        raise ParameterError(f'Grading rule "{rule}" is not known. Choose one of: {", ".join(RULES)}.')
    if len(weights) != 3 or min(weights) < 0 or abs(sum(weights) - 1) > 1e-9:
        raise ParameterError(
            f"The weights of days, orders and money are {', '.join(f'{w:g}' for w in weights)}; they "
            f"add up to {sum(weights):g}. They must be three numbers, none negative, that add up to 1."
        )
    parts = [part.split() for part in own_cuts.replace(",", " ").split(";") if part.strip()]
    return Grading(rule, tuple(float(w) for w in weights), dict(_own(*part) for part in parts))


def _own(word: str, *texts: str) -> tuple[str, tuple[float, ...]]:
    """The dimension a word of `own_cuts` means, and its four cut points."""
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        numbers = ()
    rising = len(numbers) == N_GRADES - 1 and all(a < b for a, b in pairwise(numbers))
    if word not in CUT_WORDS or not rising:
        raise ParameterError(
            f'Own cut points "{" ".join((word, *texts))}" can\'t be read. Write days, orders or amount and four '
            'rising numbers, parts set apart by ";", such as "days 30 90 180 365; orders 1 2 4 8".'
        )
    return CUT_WORDS[word], numbers


def cuts(values: Any, rule: str = "nearest") -> tuple[float, ...]:
    """The four cut points; a value above a cut lies in the next class, so equal values are never split.

    `nearest`: the k-th cut is the value, short of the largest, whose cumulative count is nearest to k·n/5;
    of two equally near, the higher. `quantile`: the k/5 quantiles, type 7; a value on a cut counts as
    above it. Empty where there is only one distinct value.

    >>> cuts([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    (2.0, 4.0, 6.0, 8.0)
    >>> cuts([1, 1, 1, 1, 2, 3])
    (1.0, 1.0, 1.0, 2.0)
    """
    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    if len(distinct) < 2:
        return ()
    if rule == "quantile":
        return _quantile_cuts(np.asarray(values, dtype=float), distinct)
    reached = counts.cumsum()[:-1]
    misses = np.abs(reached * N_GRADES - np.arange(1, N_GRADES)[:, None] * int(counts.sum()))
    last_best = misses.shape[1] - 1 - misses[:, ::-1].argmin(axis=1)
    return tuple(float(distinct[i]) for i in last_best)


def _quantile_cuts(values: np.ndarray, distinct: np.ndarray) -> tuple[float, ...]:
    """Quantiles, each moved down to the largest value below it: classes are [lower, upper)."""
    quantiles = np.quantile(values, np.arange(1, N_GRADES) / N_GRADES)
    below = np.searchsorted(distinct, quantiles, side="left") - 1
    return tuple(float(distinct[i]) if i >= 0 else -np.inf for i in below)


def grades(values: Any, cut_points: tuple[float, ...], fewer_is_better: bool = False) -> np.ndarray:
    """Grades 1–5 by four cut points; 5 is best. Without cut points everyone gets 3: nobody differs.

    >>> grades([1, 1, 5, 9], (1.0, 2.0, 5.0, 8.0)).tolist()
    [1, 1, 3, 5]
    >>> grades([1, 1, 5, 9], (1.0, 2.0, 5.0, 8.0), fewer_is_better=True).tolist()
    [5, 5, 3, 1]
    """
    x = np.asarray(values, dtype=float)
    if not cut_points:
        return np.full(len(x), (N_GRADES + 1) // 2, dtype="int64")
    grade = 1 + np.searchsorted(np.asarray(cut_points), x, side="left")
    return (N_GRADES + 1 - grade if fewer_is_better else grade).astype("int64")


def graded(customers: pd.DataFrame, how: Grading) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers with `r`, `f`, `m`, `code`, `weighted`, and the account of how each dimension was graded."""
    result, accounts = customers.copy(), []
    for dimension, column in COLUMNS.items():
        values = customers[column].to_numpy(dtype=float)
        cut_points = how.cuts.get(dimension) or cuts(values, how.rule)
        result[dimension] = grades(values, cut_points, fewer_is_better=dimension == "r")
        own = dimension in how.cuts
        accounts.append({"dimension": dimension, "own": own} | account(values, result[dimension], cut_points))
    result["code"] = (100 * result["r"] + 10 * result["f"] + result["m"]).astype("str")
    result["weighted"] = weighted(result, how.weights)
    return result, pd.DataFrame(accounts)


def weighted(customers: pd.DataFrame, weights: tuple[float, float, float]) -> pd.Series:
    """Weighted score: the grades' mean under `weights`, 1.00–5.00."""
    total = sum(weight * customers[d] for weight, d in zip(weights, COLUMNS, strict=True))
    return total.round(6)


def account(values: np.ndarray, grade: Any, cut_points: tuple[float, ...]) -> dict[str, Any]:
    """What ties leave of a dimension: cut points, the commonest value, its share, grades in effect.

    `n_effective` is 1 ÷ Σ share², 5 where the five grades hold equally many.
    """
    distinct, counts = np.unique(values, return_counts=True)
    per_grade = np.bincount(np.asarray(grade), minlength=N_GRADES + 1)[1:]
    shares = per_grade / len(values)
    return {
        "cuts": cut_points,
        "commonest": float(distinct[counts.argmax()]),
        "commonest_share": float(counts.max() / len(values)),
        "n_distinct": len(distinct),
        "n_effective": float(1 / (shares**2).sum()),
        "n_per_grade": tuple(int(n) for n in per_grade),
    }
