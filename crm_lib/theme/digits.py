"""What a number is before it is said: whether it is one, its exact digits, its sign."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from decimal import Decimal
from typing import Any

NOTHING = "–"
_MINUS = "\N{MINUS SIGN}"


def is_missing(x: Any) -> bool:
    """Whether `x` is nothing that can be said: None, NaN, NaT, NA, or infinite.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    if x is None:
        return True
    if isinstance(x, str):
        return False
    if isinstance(x, dt.date):
        return str(x) == "NaT"
    try:
        return not math.isfinite(x)
    except (TypeError, ValueError):
        return True


def exact(x: Any) -> Decimal:
    """Return the number with exactly the digits that it shows."""
    return x if isinstance(x, Decimal) else Decimal(repr(float(x))) if isinstance(x, float) else Decimal(str(x))


def real_minus(text: str) -> str:
    """Write a real minus sign, and none before what rounded to zero."""
    text = text.replace("-", _MINUS)
    return text if any(unicodedata.digit(c, 0) for c in text) else text.replace(_MINUS, "")


def decimals(digits: int) -> str:
    """Return the pattern of a number with so many decimals."""
    return "0." + "0" * digits if digits else "0"
