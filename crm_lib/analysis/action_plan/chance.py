"""Chance that is the same on every run and engine: a number from an id, a salt and nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd

_KEY = "0123456789123456"  # of pandas' own hash; written down so that a new default changes nothing
_SHIFT = np.uint64(11)


def uniform(ids: Any, *salt: object) -> np.ndarray:
    """A number in [0, 1) for each id, drawn anew for every salt; the order of ids does not matter.

    >>> a, b = uniform(["x", "y"], 7), uniform(["y", "x"], 7)
    >>> bool(a[0] == b[1]), bool(uniform(["x"], 8)[0] == a[0])
    (True, False)
    """
    hashed = pd.util.hash_array(np.asarray(ids, dtype=object), hash_key=_KEY, categorize=False)
    salted = hashlib.blake2b(repr(salt).encode(), digest_size=8).digest()
    return (_mixed(hashed ^ np.uint64(int.from_bytes(salted, "big"))) >> _SHIFT) / float(1 << 53)


def _mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): near values become unlike."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
