"""Finds how a table lies in a file: the separator, the line that names the columns, what stands above it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from crm_lib.errors import DataContractError
from crm_lib.sources.guess.shapes import is_day, is_number
from crm_lib.sources.settings import Reading
from crm_lib.sources.text import pieces

SIGNS = (",", ";", "\t", "|")
MOST_COLUMNS = 300
_RECORDS = 200
_ABOVE = 15  # lines that may stand above the header
_TAB = re.compile(r"\t+")
# Tabs beside another sign: exports put them around ids so that Excel keeps every digit.
_PADDING = re.compile(r'(?:(?<=[,;|\n])|(?<=[,;|\n]"))\t+|\t+(?="?[,;|\n])')
_AT = re.compile(r".@.")


@dataclass(frozen=True)
class Layout:
    """Separator, lines above the header, the names of the columns, and other separators that fit as well."""

    separator: str
    skip: int
    names: tuple[str, ...]
    or_else: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def layout_of_text(path: Path, encoding: str, separator: str = "", skip: int | None = None) -> Layout:
    """The layout of a text file; DataContractError in words where it holds no table."""
    text = next(pieces(path, encoding), "")
    lines = text.splitlines(keepends=True)
    if not any(line.strip() for line in lines):
        raise DataContractError(f"{path.name} is empty: its first line must name the columns.")
    signs = [separator] if separator else [s for s in SIGNS if s != "\t" or not _pads("\n" + text)]
    ranked = sorted(((_fit(lines, s), s) for s in signs), reverse=True)
    (best, sign) = ranked[0]
    also = tuple(s for fit, s in ranked[1:] if fit[0] > 0.95 * best[0] and fit[1] >= 3 and best[1] >= 3)
    rows = _records(lines, sign)
    above = _above(rows, path.name) if skip is None else skip
    return Layout(
        separator="tab" if sign == "\t" else sign,
        skip=_physical(lines, sign, above) if skip is None else skip,
        names=_names(rows, above, path.name),
        or_else=also,
        above=tuple(" ".join(v for v in row if v.strip()) for row in rows[:above]),
    )


def layout_of_rows(rows: list[list[str]], place: str, skip: int | None = None) -> Layout:
    """The layout of a sheet, from its first rows."""
    if not any(v.strip() for row in rows for v in row):
        raise DataContractError(f"{place} is empty: its first line must name the columns.")
    above = _above(rows, place) if skip is None else skip
    said = tuple(" ".join(v for v in row if v.strip()) for row in rows[:above])
    return Layout(",", above, _names(rows, above, place), above=said)


def _pads(text: str) -> bool:
    """Whether tabs only stand around values that another sign separates."""
    n = len(_TAB.findall(text))
    return bool(n) and len(_PADDING.findall(text)) == n and bool(re.search(r"\t\"?[,;|]", text))


def _fit(lines: list[str], sign: str) -> tuple[float, int]:
    """Share of the records that have the usual number of values, weighed by that number."""
    rows = [row for row in _records(lines, sign) if any(v.strip() for v in row)]
    widths = Counter(len(row) for row in rows)
    width, n = max(widths.items(), key=lambda item: (item[1] * min(item[0], 3), item[0]))
    return (n / len(rows) if width > 1 else 0.0, width)


def _records(lines: list[str], sign: str) -> list[list[str]]:
    text = io.StringIO("".join(lines[: _RECORDS * 5]))
    try:
        return list(islice(csv.reader(text, delimiter=sign), _RECORDS))
    except csv.Error:
        return [[line] for line in lines[:_RECORDS]]


def _physical(lines: list[str], sign: str, n_records: int) -> int:
    """How many lines the first records take: a record may span lines inside quotes."""
    reader = csv.reader(io.StringIO("".join(lines[: _RECORDS * 5])), delimiter=sign)
    for _ in range(n_records):
        next(reader, None)
    return reader.line_num


def _above(rows: list[list[str]], place: str) -> int:
    """Rows above the header: shorter ones, such as a title or the day of the export."""
    filled = [sum(bool(v.strip()) for v in row) for row in rows]
    usual = sorted(filled[:_RECORDS])[len(filled) // 2]
    for i, row in enumerate(rows[:_ABOVE]):
        if filled[i] >= max(2, 0.6 * usual) or (usual <= 1 and filled[i]):
            _refuse_two_headers(rows, i, place)
            return i
        if i + 1 < len(rows) and _grouping(row, rows[i + 1]):
            raise _two_headers(place, i)
    return 0


def _grouping(row: list[str], below: list[str]) -> bool:
    """A row of group names over a row of names: several words, each standing over more than one column."""
    words = [v for v in row if v.strip()]
    return len(words) >= 2 and len(below) > len(words) and _looks_like_names(row) and _looks_like_names(below)


def _refuse_two_headers(rows: list[list[str]], i: int, place: str) -> None:
    if i + 2 >= len(rows):
        return
    first, second, data = rows[i], rows[i + 1], rows[i + 2]
    two = _looks_like_names(first) and _looks_like_names(second) and not _looks_like_names(data)
    if two and len([v for v in second if v.strip()]) > 0.5 * len(second):
        raise _two_headers(place, i)


def _two_headers(place: str, i: int) -> DataContractError:
    return DataContractError(
        f"{place} has two header lines ({i + 1} and {i + 2}), and a table has one. Remove one of them, or say "
        f"with --skip {i + 1} that the second names the columns."
    )


def _looks_like_names(row: list[str]) -> bool:
    words = [v.strip() for v in row if v.strip()]
    return bool(words) and not any(is_number(v) or is_day(v) or _AT.search(v) for v in words)


def _names(rows: list[list[str]], above: int, place: str) -> tuple[str, ...]:
    if above >= len(rows):
        raise DataContractError(f"{place} has no line {above + 1} that could name the columns.")
    names = tuple(v.strip() for v in rows[above])
    if any(is_number(n) or is_day(n) or _AT.search(n) for n in names):  # customers' data are never quoted
        raise DataContractError(
            f"{place} has no header: its first line holds data. Add a line that names the columns, or declare "
            "them in crm.toml with header = false and names = [...]."
        )
    if len(names) >= MOST_COLUMNS:
        raise DataContractError(
            f"{place} has {len(names):,} columns, and a table of a CRM has far fewer than {MOST_COLUMNS}. Choose "
            "the columns to export in your CRM: a customer, a day and an amount are enough to begin."
        )
    return names


def reading_of(layout: Layout, encoding: str) -> Reading:
    """How the file is read, as far as its layout says."""
    return Reading(separator=layout.separator, encoding=encoding, skip=layout.skip)
