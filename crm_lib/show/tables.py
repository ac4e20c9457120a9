"""Tables for readers: the columns that matter, in their words, numbers to the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crm_lib.show.parts import Part, render
from crm_lib.theme.words import NOTHING, clean, is_missing


@dataclass(frozen=True)
class Field:
    """A column of a frame and its heading; with a `form` (value to text) it stands to the right."""

    column: str
    label: str
    form: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Cell:
    """What stands in one cell: its text, whether to the right, and a tone (`ok`, `no`) or none."""

    text: str
    right: bool = False
    tone: str = ""


def _cell(value: Any, field: Field) -> Cell:
    if field.form is None:
        return Cell(clean(value) or NOTHING)
    return Cell(NOTHING if is_missing(value) else str(field.form(value)), right=True)


def table(frame: pd.DataFrame, fields: Sequence[Field], caption: str, foot: str = "") -> Part:
    """Show the frame's columns named by `fields`, rows in the frame's order.

    It scrolls sideways where it is too wide, and its first column stays.
    """
    columns = [frame[field.column].tolist() for field in fields]
    rows = [
        [_cell(value, field) for value, field in zip(values, fields, strict=True)]
        for values in zip(*columns, strict=True)
    ]
    return cells([Cell(f.label, f.form is not None) for f in fields], rows, caption, foot)


def cells(heads: Sequence[Cell], rows: Sequence[Sequence[Cell]], caption: str, foot: str = "") -> Part:
    """Show a table given cell by cell."""
    return render("table", heads=heads, rows=rows, caption=caption, foot=foot)
