"""Tables for readers: the columns that matter, in their words, numbers to the right."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crm_lib.show.parts import Part, render
from crm_lib.theme.words import NOTHING, clean, is_missing, shorten

# In px on a desk: the sheet, a letter of a table, the space around a cell; and the letters before words wrap.
_SHEET, _LETTER, _PADDING, _MOST_LETTERS = 940, 7.6, 20, 18
_WIDER = 0.9  # of a letter, by which a Chinese character is wider
_MANY = 10  # columns that would not fit on paper
LONGEST = 1_000  # letters of a typed text: one of a megabyte must not cost the page


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
    """Show a table given cell by cell; one too wide for a desk is set smaller, and its numbers may wrap."""
    heads, rows = [_cut(head) for head in heads], [[_cut(cell) for cell in row] for row in rows]
    return render("table", heads=heads, rows=rows, caption=caption, foot=foot, dense=_is_wide(heads, rows))


def _cut(cell: Cell) -> Cell:
    return cell if len(cell.text) <= LONGEST else replace(cell, text=shorten(cell.text, LONGEST))


def _is_wide(heads: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether its columns, at their longest, need more than the sheet; words wrap, numbers don't."""
    needed = 0.0
    for i, head in enumerate(heads):
        longest = max((_letters(row[i].text) for row in rows), default=0)
        letters = longest if head.right else min(longest, _MOST_LETTERS)
        needed += max(letters, max(map(_letters, head.text.split()), default=0)) * _LETTER + _PADDING
    return needed > _SHEET or len(heads) >= _MANY


def _letters(text: str) -> float:
    """How many letters wide a text is; a Chinese one takes the room of two."""
    return len(text) + _WIDER * sum(unicodedata.east_asian_width(c) in "WF" for c in text)
