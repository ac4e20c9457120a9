"""Do the questions of one group measure one thing? Cronbach's alpha on standardised items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from ibis.expr.types import Table
from scipy import stats

from crm_lib.analysis.intervals import LEVEL
from crm_lib.analysis.satisfaction import measure
from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import total

PREFIXED = re.compile(r"^([^:：]+)[:：].+$", re.DOTALL)
NUMBERED = re.compile(r"^(.*\D)\d+$", re.DOTALL)


def standardised_alpha(correlations: np.ndarray) -> float | None:
    """Cronbach's alpha of standardised items, k·r̄ / (1 + (k − 1)·r̄); None without at least two varying items.

    >>> round(standardised_alpha(np.array([[1, 0.5], [0.5, 1]])), 4)
    0.6667
    """
    k = len(correlations)
    if k < 2 or not np.isfinite(correlations).all():
        return None
    mean_correlation = float(correlations[np.triu_indices(k, 1)].mean())
    bottom = 1 + (k - 1) * mean_correlation
    return k * mean_correlation / bottom if bottom > 0 else None


def alpha(correlations: np.ndarray, n: int, at_least: int) -> Measure:
    """Alpha with the interval of Feldt (1965): 1 − (1 − α)·F with n − 1 and (n − 1)(k − 1) degrees of freedom."""
    value, k = standardised_alpha(correlations), len(correlations)
    if n < at_least or value is None:
        return Measure(n=n, why=measure.FEW if n < at_least else measure.NOBODY)
    tail = (1 - LEVEL) / 2
    low, high = (1 - (1 - value) * stats.f.ppf(q, n - 1, (n - 1) * (k - 1)) for q in (1 - tail, tail))
    return Measure(value, float(low), float(high), n)


def groups(aspects: Sequence[str]) -> dict[str, list[str]]:
    """Aspects that share what stands before a colon, or all but a number at the end, by what they share.

    >>> groups(["CUSA1", "CUSA2", "Value: price", "Value: quality", "delivery"])
    {'CUSA': ['CUSA1', 'CUSA2'], 'Value': ['Value: price', 'Value: quality']}
    """
    found: dict[str, list[str]] = {}
    for aspect in sorted(aspects):
        if match := PREFIXED.match(aspect) or NUMBERED.match(aspect):
            found.setdefault(match[1].strip(" _-."), []).append(aspect)
    return {name: members for name, members in found.items() if len(members) > 1}


def correlations(rated: Table, members: Sequence[str], value: str = "score") -> tuple[np.ndarray, int]:
    """Correlations between aspects over responses that answered all of `members`, and how many those are."""
    chosen = rated.filter(rated.aspect.isin(list(members)) & rated[value].notnull())
    names = [f"item_{i}" for i in range(len(members))]
    wide = chosen.group_by("response_id").aggregate(
        **{name: chosen[value].max(where=chosen.aspect == m) for name, m in zip(names, members, strict=True)}
    )
    full = wide.drop_null(names)
    sums = {name: total(full[name]) for name in names}
    pairs = combinations_with_replacement(names, 2)
    found = fetched(
        full.aggregate(n=full.count(), **sums, **{_cross(a, b): total(full[a] * full[b]) for a, b in pairs})
    )
    return _correlated(found.iloc[0], names), int(found.n[0])


def _cross(a: str, b: str) -> str:
    return f"{a}__{b}"


def _correlated(sums: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Pearson's correlations from exact sums and sums of products; NaN beside an item that does not vary."""
    n, k = float(sums.n), len(names)
    spread = np.zeros((k, k))
    for (i, a), (j, b) in combinations_with_replacement(enumerate(names), 2):
        spread[i, j] = spread[j, i] = n * sums[_cross(a, b)] - sums[a] * sums[b]
    width = np.sqrt(np.where(np.diag(spread) > 0, np.diag(spread), np.nan))
    matrix = spread / np.outer(width, width)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def consistency(rated: Table, aspects: Sequence[str], at_least: int) -> pd.DataFrame:
    """Alpha of each group of aspects: group, n_items, alpha, alpha_low, alpha_high, alpha_n."""
    rows = []
    for name, members in groups(aspects).items():
        found = alpha(*correlations(rated, members), at_least)
        rows.append({"group": name, "n_items": len(members), **found.columns("alpha")})
    return pd.DataFrame(rows, columns=["group", "n_items", *Measure().columns("alpha")])
