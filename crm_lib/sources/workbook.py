"""Reads Excel workbooks (.xlsx, .xls and their kin) as text, cell by cell; what is no table is said in words."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from crm_lib.errors import DataContractError, part
from crm_lib.sources.checked import nearest

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ROWS = 20_000  # cells of so many rows are held at once


@dataclass(frozen=True)
class SheetRows:
    """The rows of a sheet below its header, as a table of text with columns c0, c1 …, and their names."""

    names: tuple[str, ...]
    table: pa.Table


def sheets(path: Path) -> list[str]:
    """Names of the sheets that hold something, in their order; hidden ones are left out."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    with _opened(path) as book:
        shown = [
            m.name
            for m in book.sheets_metadata
            if m.typ == SheetTypeEnum.WorkSheet and m.visible == SheetVisibleEnum.Visible
        ]
        return [name for name in shown if book.get_sheet_by_name(name).height]


def first_rows(path: Path, sheet: str, n: int) -> list[list[str]]:
    """The first rows of a sheet as text."""
    with _opened(path) as book:
        return [[_text(v) for v in row] for row in islice(_sheet(book, path, sheet).iter_rows(), n)]


def read_sheet(path: Path, sheet: str, skip: int = 0) -> SheetRows:
    """A sheet's table below `skip` rows; DataContractError where it is none, or where cells are merged.

    `sheet` may be empty where the workbook has only one.
    """
    with _opened(path) as book:
        found = _sheet(book, path, sheet)
        _refuse_merged(found, path, skip)
        rows = found.iter_rows()
        names = tuple(_text(v).strip() for v in next(islice(rows, skip, None), ()))
        if not any(names):
            raise DataContractError(f"{path.name} is empty: its first line must name the columns.")
        return SheetRows(names, _table(rows, len(names)))


def _table(rows: Iterator[list[Any]], width: int) -> pa.Table:
    schema = pa.schema([(f"c{i}", pa.string()) for i in range(width)])
    parts = []
    while batch := list(islice(rows, _ROWS)):
        filled = [[_text(v) or None for v in row] for row in batch]
        columns = list(zip(*(row for row in filled if any(row)), strict=True)) or [()] * width
        parts.append(pa.table([pa.array(c, pa.string()) for c in columns[:width]], schema=schema))
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _text(value: Any) -> str:
    """A cell as text that reads back the same: days in ISO, numbers without a power of ten, whole ones whole.

    >>> _text(1234.5), _text(17.0), _text(1e-5), _text(True), _text(dt.datetime(2026, 1, 5))
    ('1234.5', '17', '0.00001', 'true', '2026-01-05')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
    except calamine.PasswordError:
        raise _locked(path) from None
    except (calamine.CalamineError, OSError) as error:
        raise _no_workbook(path, type(error).__name__) from None
    try:
        yield book
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError) as error:
        raise DataContractError(f"{path.name} is damaged ({type(error).__name__}). Save it again.") from None
    finally:
        book.close()


def _no_workbook(path: Path, said: str) -> DataContractError:
    """What a file is that bears the ending of a workbook: web pages and text open in Excel, too."""
    with path.open("rb") as file:
        start = file.read(4096)
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|table|meta|\?xml)", start, re.IGNORECASE):
        return DataContractError(
            f"{path.name} is a web page or XML, no workbook. Open it in Excel and save it as .xlsx."
        )
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if wide or (re.search(rb"[\t,;|]", start) and not re.search(rb"[\x00-\x08\x0e-\x1f]", start)):
        return DataContractError(
            f"{path.name} is text, no workbook. Rename it to {path.stem}.csv, or open it in Excel and save it "
            "as .xlsx."
        )
    return DataContractError(f"{path.name} can't be read as a workbook ({said}). Is it the file it says?")


def _locked(path: Path) -> DataContractError:
    return DataContractError(
        f"{path.name} is protected by a password. Open it in Excel, save a copy without one, and use that."
    )


def _sheet(book: Any, path: Path, sheet: str) -> Any:
    names = book.sheet_names
    if not sheet and len(names) == 1:
        return book.get_sheet_by_name(names[0])
    if sheet not in names:
        there = ", ".join(names)
        wrong = part(f'has no sheet "{sheet}".{nearest(sheet, names)}')
        said = wrong if sheet else part("has several sheets.")
        raise DataContractError(f'{path.name} {said} Its sheets are: {there}. Set sheet = "…" for this table.')
    return book.get_sheet_by_name(sheet)


def _refuse_merged(sheet: Any, path: Path, skip: int) -> None:
    """A merged cell leaves its neighbours empty: a header or a value would be missing without a word."""
    top = sheet.start[0] if sheet.start else 0
    merged = [r for r in sheet.merged_cell_ranges or () if r[1][0] - top >= skip]
    if merged:
        (row, column), _end = min(merged)
        n = len(merged)
        raise DataContractError(
            f"{path.name}, sheet {sheet.name}: {n:,} merged {'cell' if n == 1 else 'cells'} in the table "
            f"(first: row {row + 1:,}, column {column + 1}). A merged cell fills one place and leaves the others "
            "empty. Unmerge the cells in Excel, fill each, and save."
        )
