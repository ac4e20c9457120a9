"""Weights of days, orders and money in the score: given, equal, by pairwise comparison (AHP), or by entropy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.errors import ParameterError, part

DIMENSIONS = ("r", "f", "m")
COLUMNS = {"r": "days_since_last", "f": "n_orders", "m": "amount"}
WORDS = {"days": "r", "orders": "f", "money": "m", "amount": "m"}
EQUAL = (1 / 3, 1 / 3, 1 / 3)

RANDOM_INDEX = 0.58  # mean consistency index of random 3 × 3 comparisons (Saaty)
MOST_INCONSISTENT = 0.10
SCORE_BANDS = ("under_2", "2_to_3", "3_to_4", "4_to_5")

_HELP = part(
    'Write three weights that add up to 1, such as "days 0.08, orders 0.27, money 0.65"; three comparisons, such '
    'as "orders/days 3, money/days 7, money/orders 3"; "entropy"; or "equal".'
)


@dataclass(frozen=True)
class Weights:
    """Weights of days, orders and money, and how they came about.

    `how` is `given`, `equal`, `pairwise` or `entropy`. `values` is None for entropy until the customers are
    known. `consistency` is the pairwise comparison's ratio CR; below 0.10 it may be used.
    """

    how: str
    values: tuple[float, float, float] | None
    consistency: float | None = None

    def of(self, customers: pd.DataFrame) -> Weights:
        """The same weights with their values known; entropy takes them from the customers."""
        return self if self.values is not None else Weights(self.how, entropy(customers))


TEXTBOOK = Weights("given", (0.08, 0.27, 0.65))


def read(text: str) -> Weights:
    """The weights that a text asks for.

    Raises `ParameterError` where it can't be read, where weights are negative or don't add up to 1, and where
    comparisons contradict each other.

    >>> read("days 0.2, orders 0.3, money 0.5").values
    (0.2, 0.3, 0.5)
    """
    said = text.strip().lower()
    if said == "entropy":
        return Weights("entropy", None)
    if said == "equal":
        return Weights("equal", EQUAL)
    parts = [part.split() for part in re.split(r"[,;]", said) if part.strip()]
    numbers = {part[0]: _number(part[1], text) for part in parts if len(part) == 2}
    if len(parts) != len(DIMENSIONS) or len(numbers) != len(DIMENSIONS):
        raise _unread(text)
    return _compared(numbers, text) if all("/" in word for word in numbers) else _given(numbers, text)


def _given(numbers: dict[str, float], text: str) -> Weights:
    by_dimension = {WORDS.get(word, word): number for word, number in numbers.items()}
    if set(by_dimension) != set(DIMENSIONS):
        raise _unread(text)
    values = tuple(by_dimension[d] for d in DIMENSIONS)
    if min(values) < 0 or abs(sum(values) - 1) > 1e-9:
        given = ", ".join(f"{weight:g}" for weight in values)
        raise ParameterError(
            f"The weights of days, orders and money are {given}; they add up to "
            f"{sum(values):g}. They must be three numbers, none negative, that add up to 1."
        )
    return Weights("given", values)


def _compared(numbers: dict[str, float], text: str) -> Weights:
    matrix = np.eye(len(DIMENSIONS))
    told = set()
    for word, ratio in numbers.items():
        pair = tuple(WORDS.get(w.strip(), "") for w in word.split("/"))
        if len(pair) != 2 or not set(pair) <= set(DIMENSIONS) or pair[0] == pair[1] or not 1 / 9 <= ratio <= 9:
            raise ParameterError(
                f'The comparison "{word} {ratio:g}" can\'t be used. Ratios lie from 1/9 to 9. {_HELP}'
            )
        i, j = (DIMENSIONS.index(d) for d in pair)
        matrix[i, j], matrix[j, i] = ratio, 1 / ratio
        told.add(frozenset(pair))
    if len(told) != len(DIMENSIONS):
        raise _unread(text)
    values, ratio = principal(matrix)
    if ratio >= MOST_INCONSISTENT:
        raise ParameterError(
            f'The comparisons "{text}" contradict each other: their consistency ratio is {ratio:.2f}, and it must '
            f"be under {MOST_INCONSISTENT:.2f}. Where money counts a times as much as orders, and orders b times "
            "as much as days, money should count about a × b times as much as days. Compare once more."
        )
    return Weights("pairwise", values, ratio)


def principal(matrix: Any) -> tuple[tuple[float, ...], float]:
    """Principal eigenvector of a pairwise matrix, adding up to 1, and the consistency ratio CR (Saaty 1980).

    CI = (λ − n) ÷ (n − 1) and CR = CI ÷ 0.58, the random index of three things.

    >>> weights, ratio = principal([[1, 1/3, 1/6], [3, 1, 1/2], [6, 2, 1]])
    >>> [round(w, 3) for w in weights], round(abs(ratio), 6)
    ([0.1, 0.3, 0.6], 0.0)
    """
    m = np.asarray(matrix, dtype=float)
    values, vectors = np.linalg.eig(m)
    largest = int(values.real.argmax())
    vector = np.abs(vectors[:, largest].real)
    index = (float(values.real[largest]) - len(m)) / (len(m) - 1)
    return tuple(float(v) for v in vector / vector.sum()), max(index, 0.0) / RANDOM_INDEX


def entropy(customers: pd.DataFrame) -> tuple[float, float, float]:
    """Weights by entropy: the more unevenly a measure is spread over the customers, the more it counts.

    Days (fewer are better), orders and money are stretched to 0–1 first. w = (1 − e) ÷ Σ(1 − e) with
    e = −Σ p ln p ÷ ln n. A measure in which all customers are alike gets 0; equal weights where all do.
    """
    spread = np.array([_unevenness(d, customers[c].to_numpy(dtype=float)) for d, c in COLUMNS.items()])
    return tuple(float(w) for w in spread / spread.sum()) if spread.sum() > 0 else EQUAL


def _unevenness(dimension: str, x: np.ndarray) -> float:
    reach = np.ptp(x) if len(x) else 0.0
    if reach == 0:
        return 0.0
    stretched = ((x.max() - x) if dimension == "r" else (x - x.min())) / reach
    p = stretched[stretched > 0] / stretched.sum()
    return max(0.0, 1 + float((p * np.log(p)).sum()) / np.log(len(x)))


def score(customers: pd.DataFrame, weights: tuple[float, ...]) -> pd.Series:
    """Weighted score: the mean of the grades r, f, m under `weights`, 1.00–5.00."""
    return sum(weight * customers[d] for weight, d in zip(weights, DIMENSIONS, strict=True)).round(6)


def band(scores: Any) -> np.ndarray:
    """The class of each score: under 2, 2 to 3, 3 to 4, 4 to 5; a score on a limit lies above it.

    >>> band([1.99, 2, 5]).tolist()
    ['under_2', '2_to_3', '4_to_5']
    """
    place = np.searchsorted((2, 3, 4), np.asarray(scores, dtype=float), side="right")
    return np.asarray(SCORE_BANDS, dtype=object)[place]


def beside(customers: pd.DataFrame, used: Weights) -> pd.DataFrame:
    """The weights used, equal ones and those by entropy, and what each changes against equal weights.

    Returns
    -------
    pd.DataFrame
        `how`, `used`, `days`, `orders`, `money`, `tau` (Kendall's tau-b of the scores with those of equal
        weights; None where all are alike), `n_moved` (customers in another score band than with equal weights).
    """
    others = [w for w in (Weights("equal", EQUAL), Weights("entropy", entropy(customers))) if w.how != used.how]
    codes = customers.groupby(list(DIMENSIONS), sort=True).size().reset_index(name="n")
    equal = score(codes, EQUAL)
    rows = []
    for weights in (used, *others):
        own = score(codes, weights.values)
        rows.append(
            {"how": weights.how, "used": weights is used}
            | dict(zip(("days", "orders", "money"), weights.values, strict=True))
            | {"tau": tau(own, equal, codes["n"]), "n_moved": int(codes["n"][band(own) != band(equal)].sum())}
        )
    return pd.DataFrame(rows)


def tau(one: Any, other: Any, n: Any) -> float | None:
    """Kendall's tau-b of two scores, each pair of values held by `n` customers; None where one does not vary."""
    a, b, counts = (np.asarray(v, dtype=float) for v in (one, other, n))
    pairs = np.outer(counts, counts)
    np.fill_diagonal(pairs, counts * (counts - 1))
    da, db = np.sign(a[:, None] - a), np.sign(b[:, None] - b)
    untied = (pairs * da**2).sum() * (pairs * db**2).sum()
    return float((pairs * da * db).sum() / np.sqrt(untied)) if untied > 0 else None


def _number(text: str, whole: str) -> float:
    """A number, or a fraction such as 1/3."""
    top, _, bottom = text.partition("/")
    try:
        return float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):
        raise _unread(whole) from None


def _unread(text: str) -> ParameterError:
    return ParameterError(f'The weights "{text}" can\'t be read. {_HELP}')
