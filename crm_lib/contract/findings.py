"""What a check sees in tables that keep the contract and may still mislead: counts without words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

DUPLICATES = "duplicates"  # rows equal in every column
HOLE = "hole"  # days in a row without any row, far longer than usual
BEFORE_SIGN_UP = "before sign-up"  # orders before the customer's first day
NEGATIVE_ROWS = "negative rows"  # refunds
NEGATIVE_CUSTOMERS = "negative customers"  # customers whose refunds exceed what they bought
CURRENCIES = "currencies"  # signs of more than one currency
WITHOUT_ORDERS = "without orders"  # customers in no transaction
MISSING = "missing"  # empty values of a column that may be empty
KINDS = (
    CURRENCIES,
    NEGATIVE_CUSTOMERS,
    HOLE,
    DUPLICATES,
    BEFORE_SIGN_UP,
    NEGATIVE_ROWS,
    WITHOUT_ORDERS,
    MISSING,
)


@dataclass(frozen=True)
class Finding:
    """One observation: its kind, where, how many of how many, the money in it, and the days it lies between."""

    kind: str
    table: str
    column: str = ""
    n: int = 0
    of: int = 0
    amount: float | None = None
    first_on: dt.date | None = None
    last_on: dt.date | None = None
    names: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of what was looked at."""
        return self.n / self.of if self.of else 0.0
