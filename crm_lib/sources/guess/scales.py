"""The scales of survey answers, as far as the values show them."""

from __future__ import annotations

from ibis import _

from crm_lib.contract.rules import SCALE_OF
from crm_lib.contract.settings import Scale
from crm_lib.sources.guess.pieces import Piece
from crm_lib.sources.guess.proposal import ProposedColumn
from crm_lib.sources.settings import Reading
from crm_lib.sources.typed import typed

_USUAL = (5, 7, 10, 100)


def scales_of(
    piece: Piece, table: str, columns: dict[str, ProposedColumn], reading: Reading, notes: list[str]
) -> dict[str, Scale]:
    """The smallest usual scale that holds every answer; a guess that the person is told of."""
    found: dict[str, Scale] = {}
    for target, name in SCALE_OF.get(table, {}).items():
        if target not in columns:
            continue
        value = typed(piece.raw.table[piece.raw.names[columns[target].theirs.name]], "float64", reading)
        seen = piece.raw.table.select(x=value).agg(low=_.x.min(), high=_.x.max()).to_pyarrow().to_pylist()[0]
        if seen["low"] is None or seen["low"] < 0 or seen["high"] > _USUAL[-1]:
            continue
        highest = 10 if target == "nps" and seen["high"] <= 10 else min(s for s in _USUAL if s >= seen["high"])
        lowest = 0 if target == "nps" or seen["low"] < 1 else 1
        found[name] = Scale(lowest, highest)
        notes.append(
            f"{target}: taken as a scale from {lowest} to {highest}; correct it in crm.toml if it is another."
        )
    return found
