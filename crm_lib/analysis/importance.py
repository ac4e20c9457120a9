"""How much of an outcome's variance each driver accounts for, from correlations alone.

Every function takes the correlations of the drivers and, last, of the outcome: one matrix, or a stack of them
(`…, k + 1, k + 1`), as a bootstrap makes them.
"""

from __future__ import annotations

from math import factorial

import numpy as np

MOST_DRIVERS = 12  # of the exact Shapley values: 2 to the power of 12 subsets
FLAT = 1e-10  # variance left of a driver that others repeat exactly


def explained_by_subset(correlations: np.ndarray) -> np.ndarray:
    """R² of the outcome on each subset of the drivers: last axis 2^k long, bit j of the place being driver j.

    Drivers are swept out one after the other; a driver that others repeat adds nothing.
    """
    k = correlations.shape[-1] - 1
    found = np.zeros((2**k, *correlations.shape[:-2]))

    def sweep(left: np.ndarray, first: int, mask: int) -> None:
        for j in range(first, k):
            at = j - first
            variance = left[at, at]
            along = left[at:, at] / np.sqrt(np.where(variance > FLAT, variance, np.inf))
            chosen = mask | 1 << j
            found[chosen] = found[mask] + along[-1] ** 2
            if j + 1 < k:
                rest = along[1:]
                sweep(left[at + 1 :, at + 1 :] - rest[:, None] * rest[None, :], j + 1, chosen)

    # The stack goes last: numpy then runs over all matrices at once, not over the few drivers of each.
    sweep(np.ascontiguousarray(np.moveaxis(np.asarray(correlations, dtype=float), (-2, -1), (0, 1))), 0, 0)
    return np.moveaxis(found, 0, -1)


def shapley(correlations: np.ndarray) -> np.ndarray:
    """Shapley values of R² (LMG): what a driver adds, averaged over all orders in which drivers can enter.

    They sum to R² (Lindeman, Merenda & Gold 1980; Grömping 2006). At most 12 drivers.

    >>> shapley(np.array([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]])).round(4).tolist()
    [0.36, 0.09]
    """
    k = correlations.shape[-1] - 1
    if k > MOST_DRIVERS:
        raise ValueError(f"shapley needs at most {MOST_DRIVERS} drivers, got {k}.")
    fits = explained_by_subset(correlations)
    masks = np.arange(2**k)
    sizes = np.array([int(m).bit_count() for m in masks])
    weight = np.array([factorial(s) * factorial(k - s - 1) / factorial(k) for s in range(k)])
    found = np.empty((*fits.shape[:-1], k))
    for j in range(k):
        without = masks[masks >> j & 1 == 0]
        found[..., j] = (fits[..., without | 1 << j] - fits[..., without]) @ weight[sizes[without]]
    return found


def relative_weights(correlations: np.ndarray) -> np.ndarray:
    """Relative weights: R² shared out by way of the nearest uncorrelated drivers; they sum to R².

    With the drivers' correlations V D V′ and Λ = V √D V′: ε = Λ²·(Λ⁻¹ r)² (Johnson 2000).

    >>> relative_weights(np.array([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]])).round(4).tolist()
    [0.36, 0.09]
    """
    c = np.asarray(correlations, dtype=float)
    among, outcome = c[..., :-1, :-1], c[..., :-1, -1]
    values, vectors = np.linalg.eigh(among)
    root = np.sqrt(np.clip(values, 0, None))
    inverse = np.where(root > np.sqrt(FLAT), 1 / np.where(root > 0, root, 1), 0)
    near = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    back = (vectors * inverse[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    slopes = (back @ outcome[..., None])[..., 0]
    return (near**2 @ (slopes**2)[..., None])[..., 0]


def inflation(correlations: np.ndarray) -> np.ndarray:
    """Variance inflation of each driver, 1 ÷ (1 − R² on the others); infinite where others repeat it.

    >>> inflation(np.array([[1, 0.6, 0.1], [0.6, 1, 0.1], [0.1, 0.1, 1]])).round(4).tolist()
    [1.5625, 1.5625]
    """
    among = np.asarray(correlations, dtype=float)[..., :-1, :-1]
    k = among.shape[-1]
    found = np.ones(among.shape[:-1])
    for j in range(k):
        others = [i for i in range(k) if i != j]
        order = [*others, j]
        rest = among[..., order, :][..., :, order]
        tolerance = 1 - _explained(rest)
        found[..., j] = np.where(tolerance > FLAT, 1 / np.where(tolerance > FLAT, tolerance, 1), np.inf)
    return found


def _explained(correlations: np.ndarray) -> np.ndarray:
    """R² of the last on all others."""
    return relative_weights(correlations).sum(axis=-1)


def correlations(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlations between columns, rows counted `weights` times; 0 where a column does not vary.

    Weights of shape `(…, rows)` give a stack of correlations, `(…, columns, columns)`.
    """
    x = np.asarray(values, dtype=float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    k, total = x.shape[1], w.sum(axis=-1)
    near = x - x.mean(axis=0)  # sums of squares about zero would lose digits
    mean = (w @ near) / total[..., None]
    products = (near[:, :, None] * near[:, None, :]).reshape(len(x), k * k)
    spread = (w @ products).reshape(*total.shape, k, k) - (
        total[..., None, None] * mean[..., :, None] * mean[..., None, :]
    )
    width = np.sqrt(np.clip(np.diagonal(spread, axis1=-2, axis2=-1), 0, None))
    varies = width > FLAT * np.sqrt(total)[..., None] * (1 + np.abs(x).max(axis=0))
    scale = np.where(varies, 1 / np.where(varies, width, 1), 0)
    found = spread * scale[..., :, None] * scale[..., None, :]
    found[..., np.arange(k), np.arange(k)] = 1.0
    return found
