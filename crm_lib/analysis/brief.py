"""How a result looks in a notebook cell: its parts by name, tables by their size and columns, never their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from ibis.expr.types import Table

_WIDTH = 100


class Brief:
    """A dataclass made with `repr=False` that shows one line per field."""

    def __repr__(self) -> str:
        """Its name, and what each field holds."""
        parts = [f for f in fields(self) if f.repr]
        width = max((len(f.name) for f in parts), default=0)
        lines = [f"  {f.name:<{width}}  {_brief(getattr(self, f.name))}"[:_WIDTH] for f in parts]
        return "\n".join([type(self).__name__, *lines])


def _brief(value: Any) -> str:
    """One line on a value.

    >>> _brief(pd.DataFrame({"customer_id": ["a"], "amount": [1.0]})), _brief((1, 2)), _brief(0.123456)
    ('table of 1 row: customer_id, amount', '2 items', '0.1235')
    """
    if isinstance(value, pd.DataFrame):
        rows = f"{len(value):,} row" + ("" if len(value) == 1 else "s")
        return f"table of {rows}: {', '.join(map(str, value.columns))}"
    if isinstance(value, Table):
        return f"table in the engine: {', '.join(value.columns)}"
    if isinstance(value, pd.Series | np.ndarray):
        return f"{len(value):,} values" if np.ndim(value) == 1 else f"array {np.shape(value)}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return f"{len(value)} by name: {', '.join(map(str, value))}" if value else "nothing"
    if isinstance(value, tuple | list):
        return f"{len(value)} items" if value else "nothing"
    if is_dataclass(value) and len(repr(value)) > _WIDTH:
        return type(value).__name__
    return "nothing" if value is None or (isinstance(value, str) and not value) else repr(value).split("\n")[0]
