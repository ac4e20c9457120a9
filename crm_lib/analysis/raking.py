"""Weights that make those who answered look like all, by iterative proportional fitting, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

MOST_ROUNDS = 200
CLOSE_ENOUGH = 1e-10


def rake(cells: pd.DataFrame, targets: Mapping[str, pd.Series]) -> np.ndarray:
    """One weight per cell, mean 1 over the answers, so that each margin has its target share.

    Parameters
    ----------
    cells
        One row per combination of levels: the columns named in `targets`, and `n`, answers in it.
    targets
        By column: share of the whole by level (index), each level having an answer; shares sum to 1.

    >>> cells = pd.DataFrame({"grade": ["A", "D"], "n": [60, 40]})
    >>> rake(cells, {"grade": pd.Series({"A": 0.3, "D": 0.7})}).round(4).tolist()
    [0.5, 1.75]
    """
    n = cells["n"].to_numpy(dtype=float)
    weights = np.ones(len(cells))
    levels = {c: pd.Categorical(cells[c], categories=list(t.index)).codes for c, t in targets.items()}
    for _ in range(MOST_ROUNDS):
        before = weights.copy()
        for column, target in targets.items():
            held = np.bincount(levels[column], weights * n, len(target)) / (weights * n).sum()
            weights = weights * (target.to_numpy(dtype=float) / held)[levels[column]]
        weights = weights * n.sum() / (weights * n).sum()
        if np.abs(weights - before).max() < CLOSE_ENOUGH:
            break
    return weights


def effective(weights: np.ndarray, n: np.ndarray) -> float:
    """Answers that weighted ones are worth: (Σ w)² ÷ Σ w², each weight counted `n` times (Kish 1965).

    >>> round(effective(np.array([0.5, 1.75]), np.array([60, 40])), 2)
    72.73
    """
    return float((weights * n).sum() ** 2 / (weights**2 * n).sum())


def pooled(levels: pd.Series, at_least: int) -> dict[str, str]:
    """By level, the level it is counted with: those with fewer than `at_least` join the next, or the one before.

    `levels` holds answers by level, in the order in which neighbours are alike.

    >>> pooled(pd.Series({"A": 3, "B": 20, "C": 9, "D": 1}), 5)
    {'A': 'A/B', 'B': 'A/B', 'C': 'C/D', 'D': 'C/D'}
    """
    groups: list[tuple[list[str], int]] = []
    open_names: list[str] = []
    so_far = 0
    for name, n in levels.items():
        open_names, so_far = [*open_names, str(name)], so_far + int(n)
        if so_far >= at_least:
            groups.append((open_names, so_far))
            open_names, so_far = [], 0
    if open_names and groups:
        names, n = groups.pop()
        groups.append(([*names, *open_names], n + so_far))
    elif open_names:
        groups.append((open_names, so_far))
    return {name: "/".join(names) for names, _n in groups for name in names}
