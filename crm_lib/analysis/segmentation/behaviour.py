"""Rules on what customers did, given as text: "orders > 10", "days > 90 and money >= 500"."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.analysis.segmentation.weights import COLUMNS, WORDS
from crm_lib.errors import ParameterError

SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}
_SIGN_WORDS = {">=": "from", "<=": "up_to", ">": "over", "<": "under", "=": "is"}
_DIMENSION_WORDS = {"r": "days", "f": "orders", "m": "money"}
_CONDITION = re.compile(r"\s*([a-z]+)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*")
MOST_RULES = 12


@dataclass(frozen=True)
class Condition:
    """One measure against one limit: `dimension` is r (days since the last order), f (orders) or m (money)."""

    dimension: str
    sign: str
    limit: float

    def holds(self, customers: pd.DataFrame) -> Any:
        """Whether it holds, per customer."""
        return SIGNS[self.sign](customers[COLUMNS[self.dimension]].to_numpy(dtype=float), self.limit)


@dataclass(frozen=True)
class Behaviour:
    """A rule: all its conditions hold."""

    conditions: tuple[Condition, ...]

    @property
    def column(self) -> str:
        """Its name as a column: `orders_over_10`."""
        said = (f"{_DIMENSION_WORDS[c.dimension]}_{_SIGN_WORDS[c.sign]}_{c.limit:g}" for c in self.conditions)
        return re.sub(r"\W", "_", "_and_".join(said))

    def holds(self, customers: pd.DataFrame) -> np.ndarray:
        """Whether all conditions hold, per customer of `days_since_last`, `n_orders`, `amount`."""
        return np.logical_and.reduce([c.holds(customers) for c in self.conditions])


def read(text: str) -> tuple[Behaviour, ...]:
    """The rules of a text, set apart by ";" or ","; none for an empty text.

    Raises `ParameterError` for what can't be read.

    >>> [rule.column for rule in read("orders > 10; days > 90 and money >= 500")]
    ['orders_over_10', 'days_over_90_and_money_from_500']
    """
    rules = [_rule(part) for part in re.split(r"[;,]", text.lower()) if part.strip()]
    if len(rules) > MOST_RULES:
        raise ParameterError(f"{len(rules)} rules on behaviour were given; at most {MOST_RULES} fit on a page.")
    return tuple(dict.fromkeys(rules))


def _rule(text: str) -> Behaviour:
    found = [_CONDITION.fullmatch(part) for part in re.split(r"\band\b", text)]
    if not all(found) or not all(match[1] in WORDS for match in found):
        raise ParameterError(
            f'The rule "{text.strip()}" can\'t be read. Write days (since the last order), orders or money, a '
            'sign (> >= < <= =) and a number, joined by "and", as in "orders > 10" or "days > 90 and money > 500".'
        )
    return Behaviour(tuple(Condition(WORDS[m[1]], m[2], float(m[3])) for m in found))
