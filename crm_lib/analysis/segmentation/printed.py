"""Agreement of grades, codes and scores computed here with those a source prints beside its customers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

PRINTED = {"r": "printed_r", "f": "printed_f", "m": "printed_m", "weighted": "printed_weighted"}


@dataclass(frozen=True)
class Agreement:
    """How many of `n` things the source prints come out the same here."""

    what: str
    n: int
    n_same: int


def agreements(customers: pd.DataFrame) -> tuple[Agreement, ...]:
    """Agreement of grades, codes and weighted scores; only of what the source prints.

    `customers` has `r`, `f`, `m`, `weighted` and those of `printed_r`, `printed_f`, `printed_m`,
    `printed_weighted` that the source has. Scores agree when equal to the second decimal.
    """
    same = {d: _same(customers[d], customers[p]) for d, p in PRINTED.items() if p in customers}
    graded = [same[d] for d in "rfm" if d in same]
    found = []
    if graded:
        found.append(Agreement("grades", sum(len(s) for s in graded), sum(int(s.sum()) for s in graded)))
    if len(graded) == 3:
        codes = pd.concat(graded, axis=1).all(axis=1)
        found.append(Agreement("codes", len(codes), int(codes.sum())))
    if "weighted" in same:
        found.append(Agreement("scores", len(same["weighted"]), int(same["weighted"].sum())))
    return tuple(found)


def _same(here: pd.Series, printed: pd.Series) -> pd.Series:
    """Whether both are equal to the second decimal; rows without a printed value are left out."""
    known = pd.to_numeric(printed, errors="coerce").dropna()
    return (here.loc[known.index] - known).abs() < 0.005
