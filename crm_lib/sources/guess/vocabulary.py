"""What exports call our columns: `vocabulary.toml`, its words as they are compared (see `shapes.plain`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from crm_lib.contract.tables import TABLES
from crm_lib.sources.guess.shapes import plain


@dataclass(frozen=True)
class Names:
    """The names of one column: certain, general, and those of a person or firm that may stand for an id."""

    certain: frozenset[str]
    general: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


def _plain(words: Iterable[str]) -> frozenset[str]:
    return frozenset(plain(word) for word in words)


def _names(table: str, column: str, written: dict[str, Any]) -> Names:
    lists = written.get(table, {}).get(column, {})
    own = {plain(column)}  # our own name is always certain
    certain, general, named = (_plain(lists.get(key, ())) for key in ("certain", "general", "named"))
    return Names(certain | own, general - own, named)


_WRITTEN = tomllib.loads(
    resources.files("crm_lib.sources.guess").joinpath("vocabulary.toml").read_text(encoding="utf-8")
)
VOCABULARY: dict[str, dict[str, Names]] = {
    name: {c.name: _names(name, c.name, _WRITTEN["tables"]) for c in contract.columns}
    for name, contract in TABLES.items()
}
NEVER, WON, LOST, CANCELLED, REFUNDED, SOLD, STATES, REFUNDS, TOTALS, TURNING, CURRENCY, TRAITS = (
    _plain(_WRITTEN[key])
    for key in (
        *("never", "won", "lost", "cancelled", "refunded", "sold", "states"),
        *("refunds", "totals", "turning", "currency", "traits"),
    )
)
EXPECTED, PERCEIVED = (tuple(_WRITTEN[key]) for key in ("expected", "perceived"))
CASE_KINDS = {kind: _plain(words) for kind, words in _WRITTEN["case_kinds"].items()}
HINTS = {table: _plain(words) for table, words in _WRITTEN["hints"].items()}
UNITS: dict[str, int] = _WRITTEN["units"]
UNIT_CURRENCIES: dict[str, str] = _WRITTEN["unit_currencies"]
