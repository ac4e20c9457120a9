"""One class against all other customers: shares, means, and which of many differences hold together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals

_EXACT_UP_TO = 100  # expected count in the smallest cell up to which the exact test is used
Row = dict[str, Any]

# Cells that may be too small: those of the class with and without the level, and those of the others.
HIDDEN = ("own_few", "own_all", "others_few", "others_all")


def share(k: int, n: int, k_others: int, n_others: int) -> Row:
    """Difference of two shares with Newcombe's interval, its p value, and its size in standard deviations."""
    found = intervals.newcombe(k, n, k_others, n_others)
    pooled = (k + k_others) / (n + n_others)
    spread = math.sqrt(pooled * (1 - pooled))
    return {
        "k": k,
        "k_others": k_others,
        "own": k / n,
        "others": k_others / n_others,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "effect": found.value / spread if spread else 0.0,
        "p_value": _share_p(k, n, k_others, n_others),
    }


def _share_p(k: int, n: int, k_others: int, n_others: int) -> float:
    """Two-sided p of equal shares: twice the smaller exact tail, or chi-square where all cells are large."""
    total, with_it = n + n_others, k + k_others
    if min(n, n_others) * min(with_it, total - with_it) > _EXACT_UP_TO * total:
        cells = [[k, n - k], [k_others, n_others - k_others]]
        return float(stats.chi2_contingency(cells, correction=False).pvalue)
    tails = stats.hypergeom.cdf(k, total, with_it, n), stats.hypergeom.sf(k - 1, total, with_it, n)
    return min(1.0, 2 * float(min(tails)))


def numbers(values: np.ndarray, classes: np.ndarray, names: tuple[Any, ...], compare_from: int) -> list[Row]:
    """Each class against all others by a number: means, standardised difference with interval, p by ranks.

    The difference is in pooled standard deviations, its error allows unequal spreads. The p value is Mann and
    Whitney's, which no outlier moves. Classes with fewer than `compare_from` known values are left out, as is
    every class against fewer than as many others.
    """
    ranks, ties = stats.rankdata(values), np.unique(values, return_counts=True)[1].astype(float)
    tied = 1 - float((ties**3 - ties).sum()) / max(len(values) ** 3 - len(values), 1)
    rows = []
    for name in names:
        inside = classes == name
        n, n_others = int(inside.sum()), int((~inside).sum())
        if min(n, n_others) >= compare_from:
            row = _standardised(values[inside], values[~inside])
            rows.append({"group": name, **row, "p_value": _ranks_p(float(ranks[inside].sum()), n, n_others, tied)})
    return rows


def _standardised(own: np.ndarray, others: np.ndarray) -> Row:
    n, m = len(own), len(others)
    pooled = math.sqrt(((n - 1) * own.var(ddof=1) + (m - 1) * others.var(ddof=1)) / (n + m - 2))
    difference = float(own.mean() - others.mean()) / pooled if pooled else 0.0
    error = math.sqrt(own.var(ddof=1) / n + others.var(ddof=1) / m) / pooled if pooled else 0.0
    half = stats.norm.ppf(0.5 + intervals.LEVEL / 2) * math.hypot(error, difference / math.sqrt(2 * (n + m - 2)))
    return {
        "n": n,
        "n_others": m,
        "own": float(own.mean()),
        "others": float(others.mean()),
        "difference": difference,
        "low": difference - float(half),
        "high": difference + float(half),
        "effect": difference,
    }


def _ranks_p(rank_sum: float, n: int, n_others: int, tied: float) -> float:
    """Two-sided p of Mann and Whitney's test, normal approximation with ties and continuity corrected."""
    spread = math.sqrt(n * n_others * (n + n_others + 1) / 12 * tied)
    if not spread:
        return 1.0
    away = abs(rank_sum - n * (n + 1) / 2 - n * n_others / 2) - 0.5
    return min(1.0, 2 * float(stats.norm.sf(max(away, 0.0) / spread)))


def holm(p_values: Any) -> np.ndarray:
    """P values adjusted for their number by Holm's step-down (1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def judged(rows: list[Row], suppress_below: int) -> pd.DataFrame:
    """All comparisons, corrected for their number: `holds` where p is at most 10 % and the interval leaves out 0.

    `hidden` names the first of the four cells of a share with fewer than `suppress_below` customers, else "".
    """
    made = pd.DataFrame(rows)
    made["p_value"] = holm(made["p_value"])
    apart = (made["low"] > 0) | (made["high"] < 0)
    made["holds"] = (made["p_value"] <= 1 - intervals.LEVEL) & apart
    cells = np.array([made["k"], made["n"] - made["k"], made["k_others"], made["n_others"] - made["k_others"]])
    few = cells < suppress_below
    made["hidden"] = np.select(list(few), HIDDEN, "")
    made["more"] = made["difference"] > 0
    made["mark"] = made["group"] + " " + made["effect"].abs().round(9).astype("str")
    return made.rename(columns={"p_value": "p_adjusted"})


def blanked(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The comparisons without the numbers of hidden rows; `mark` as a plain number per set of customers."""
    made = comparisons.assign(mark=pd.factorize(comparisons["mark"])[0])
    told = ["k", "k_others", "own", "others", "difference", "low", "high", "effect", "p_adjusted"]
    made.loc[made["hidden"] != "", told] = np.nan
    return made
