"""Overhead divided so that the cents add up: largest remainder, under five drivers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

METHODS = ("equal", "contacts", "direct_cost", "revenue", "hours")


def largest_remainder(total_cents: int, weights: Sequence[float]) -> list[int]:
    """Whole cents in proportion to the weights, which sum to the total exactly.

    Everyone gets the whole part of their share; the cents left over go to the largest remainders, of equal ones to
    the first. Raises ValueError without a positive weight.

    >>> largest_remainder(100, [1, 1, 1])
    [34, 33, 33]
    >>> largest_remainder(-100, [1, 1, 1])
    [-34, -33, -33]
    """
    exact = [Fraction(w).limit_denominator(10**9) if isinstance(w, float) else Fraction(w) for w in weights]
    if not exact or any(w < 0 for w in exact) or sum(exact) == 0:
        raise ValueError("largest_remainder needs weights of zero or more, one of them positive.")
    sign, rest = (-1 if total_cents < 0 else 1), abs(total_cents)
    shares = [rest * w / sum(exact) for w in exact]
    cents = [int(s) for s in shares]
    by_remainder = sorted(range(len(cents)), key=lambda i: (cents[i] - shares[i], i))
    for i in by_remainder[: rest - sum(cents)]:
        cents[i] += 1
    return [sign * c for c in cents]
