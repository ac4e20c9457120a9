"""Grades 1–5 that never split ties: cut points, grades, and what ties cost.

Where more than 35 % of the customers share one value of a dimension, cut points by count leave grades empty.
Fixed limits then take their place, unless these would leave even fewer grades.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.analysis.segmentation.weights import COLUMNS, TEXTBOOK, WORDS, Weights, read, score
from crm_lib.errors import ParameterError

N_GRADES = 5
RULES = ("nearest", "quantile")
TOO_MANY_TIED = 0.35

# Fixed limits of days and orders; those of money are multiples of the median, since money has no natural unit.
FIXED = {"r": (30.0, 90.0, 180.0, 365.0), "f": (1.0, 2.0, 4.0, 9.0)}
FIXED_PER_MEDIAN = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Grading:
    """How customers are graded: the rule for cut points, the weights of r, f and m, and own cut points.

    `rule` is `nearest` (the textbook's) or `quantile` (type 7). `cuts` names own cut points for some of
    r, f, m as four rising numbers; a value above a cut lies in the next class.
    """

    rule: str = "nearest"
    weights: Weights = TEXTBOOK
    cuts: dict[str, tuple[float, ...]] = field(default_factory=dict)


def grading(limits: str = "nearest", weighing: str = "days 0.08, orders 0.27, money 0.65") -> Grading:
    """A checked `Grading` from what a notebook's parameters say.

    `limits` is a rule, own cut points, or both, parts set apart by ";"; `weighing` is read by `weights.read`.
    Raises `ParameterError` for what can't be read.

    >>> grading("quantile; days 30 90 180 365").cuts
    {'r': (30.0, 90.0, 180.0, 365.0)}
    """
    parts = [part.split() for part in limits.replace(",", " ").split(";") if part.strip()]
    rules = [part[0] for part in parts if len(part) == 1 and part[0] not in WORDS]
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ParameterError(f'Grading rule "{unknown[0]}" is not known. Choose one of: {", ".join(RULES)}.')
    own = dict(_own(*part) for part in parts if part[0] not in rules)
    return Grading(rules[0] if rules else RULES[0], read(weighing), own)


def _own(word: str, *texts: str) -> tuple[str, tuple[float, ...]]:
    """The dimension that a word means, and its four cut points."""
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        numbers = ()
    rising = len(numbers) == N_GRADES - 1 and all(a < b for a, b in pairwise(numbers))
    if word not in WORDS or not rising:
        raise ParameterError(
            f'Own cut points "{" ".join((word, *texts))}" can\'t be read. Write days, orders or money and four '
            'rising numbers, parts set apart by ";", such as "days 30 90 180 365; orders 1 2 4 8".'
        )
    return WORDS[word], numbers


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
    """Customers with `r`, `f`, `m`, `code`, `weighted`, and the account of how each dimension was graded.

    `how.weights` must have its values.
    """
    result, accounts = customers.copy(), []
    for dimension, column in COLUMNS.items():
        values = customers[column].to_numpy(dtype=float)
        rule, cut_points = limits_of(dimension, values, how)
        result[dimension] = grades(values, cut_points, fewer_is_better=dimension == "r")
        accounts.append({"dimension": dimension, "rule": rule} | account(values, result[dimension], cut_points))
    result["code"] = (100 * result["r"] + 10 * result["f"] + result["m"]).astype("str")
    result["weighted"] = score(result, how.weights.values)
    return result, pd.DataFrame(accounts)


def limits_of(dimension: str, values: np.ndarray, how: Grading) -> tuple[str, tuple[float, ...]]:
    """The rule in force for a dimension (`own`, `nearest`, `quantile`, `fixed`) and its cut points.

    >>> limits_of("f", np.array([1.0] * 8 + [2, 3, 6, 12]), Grading())
    ('fixed', (1.0, 2.0, 4.0, 9.0))
    """
    if dimension in how.cuts:
        return "own", how.cuts[dimension]
    by_count = cuts(values, how.rule)
    counts = np.unique(values, return_counts=True)[1]
    if len(counts) < 2 or counts.max() <= TOO_MANY_TIED * len(values):
        return how.rule, by_count
    fixed = FIXED.get(dimension) or tuple(float(np.median(values) * times) for times in FIXED_PER_MEDIAN)
    rising = all(a < b for a, b in pairwise(fixed))
    return (
        ("fixed", fixed)
        if rising and _n_used(values, fixed) >= _n_used(values, by_count)
        else (how.rule, by_count)
    )


def _n_used(values: np.ndarray, cut_points: tuple[float, ...]) -> int:
    return len(np.unique(grades(values, cut_points)))


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
