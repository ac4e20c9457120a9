"""Every table of a page as CSV beside it: taken from the finished page, so that it holds what is shown.

A cell that shows a plain number becomes one that a spreadsheet can add up; where all numbers of a column bear the
same unit, the unit moves into its heading. All else stands as the page says it, never as a formula.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa

from crm_lib.runner.pages import spreadsheet
from crm_lib.theme.digits import NOTHING
from crm_lib.theme.words import typeset

_TABLE = re.compile(r"(<table\b[^>]*>)(.*?)</table>", re.DOTALL)
_CAPTION = re.compile(r"\s*<caption>(.*?)((?:</span>)?</caption>)", re.DOTALL)
_LINK = ' <a class="csv" href="{address}" download="{name}">CSV</a>'
_LINKED = re.compile(r' <a class="csv" href="[^"]*" download="[^"]*">CSV</a>')
_MOST_LETTERS = 60  # of a caption in a file's name
_SIZES = {"K": 3, "M": 6, "B": 9, "T": 12, "万": 4, "亿": 8, "万亿": 12}
_NUMBER = re.compile(
    r"(?P<sign>[+−-]?)(?P<before>(?:[A-Z]{0,3}[$£¥€₠-⃏￥]\xa0?|[A-Z]{3}\xa0)?)"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<size>万亿|[KMBT万亿]?)"
    r"(?P<behind>(?:\s?%|\s[A-Za-z]{1,12}|\s?[一-鿿]{1,6})?)"
)
_SAID = {"br": " ", "small": "("}  # what a line in small letters adds stands in brackets
_HIDDEN = re.compile("[\u2066-\u2069\u202a-\u202e]")


def file_name(number: int, language: str) -> str:
    """File name of the n-th table of a page: `table-03.csv`, `table-03.zh.csv`."""
    return f"table-{number:02}{'' if language == 'en' else f'.{language}'}.csv"


def is_of(name: str, language: str) -> bool:
    """Whether a file beside a page goes when the page is made again in this language: not one of another language.

    >>> is_of("table-03.zh.csv", "zh"), is_of("table-03.zh.csv", "en"), is_of("customers.csv", "en")
    (True, False, True)
    """
    found = re.fullmatch(r"table-\d+(?:\.(\w+))?\.csv", name)
    return not found or (found[1] or "en") == language


def linked(page: str, topic: str, language: str) -> str:
    """The page with a link in the caption of each table to its file."""
    numbers = iter(range(1, page.count("<table") + 1))

    def one(match: re.Match[str]) -> str:
        opening, rest = match[1], match[0][len(match[1]) :]
        caption = _CAPTION.match(rest)
        said, end = (caption[1], caption[2]) if caption else ("", "</caption>")
        address = f"{topic}/{file_name(next(numbers), language)}"
        link = _LINK.format(address=address, name=f"{topic}{_slug(said)}.csv")
        return f"{opening}<caption>{said}{link}{end}{rest[caption.end() if caption else 0 :]}"

    return _TABLE.sub(one, page)


def unlinked(page: str) -> str:
    """The page without these links, to travel alone."""
    return _LINKED.sub("", page)


def write(folder: Path, page: str, topic: str, language: str) -> None:
    """Write what the tables of a page show to where its links lead."""
    for i, match in enumerate(_TABLE.finditer(page), start=1):
        reader = _Reader()
        reader.feed(match[2])
        (folder / topic).mkdir(exist_ok=True)
        spreadsheet.save(_sheet(reader.rows), folder / topic / file_name(i, language))


def _slug(caption: str) -> str:
    plain = html.unescape(re.sub(r"<[^>]+>", "", caption))
    slug = re.sub(r"\W+", "-", plain)[:_MOST_LETTERS].strip("-")
    return f"-{slug}" if slug else ""


class _Reader(HTMLParser):
    """The cells of a table, row by row: (text, whether to the right)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[tuple[str, bool]]] = []
        self._cell: list[str] | None = None
        self._right = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self._cell, self._right = [], "r" in (dict(attrs).get("class") or "").split()
        elif tag in _SAID and self._cell is not None:
            self._cell.append(_SAID[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"} and self._cell is not None and self.rows:
            self.rows[-1].append((_HIDDEN.sub("", "".join(self._cell)).strip(), self._right))
            self._cell = None
        elif tag == "small" and self._cell is not None:
            self._cell.append(")")

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def _sheet(rows: list[list[tuple[str, bool]]]) -> pa.Table:
    width = max(map(len, rows), default=0)
    full = [[*row, *[("", False)] * (width - len(row))] for row in rows]
    columns = list(_columns(full)) if full else []
    safe = spreadsheet.safe(pa.table([pa.array(texts) for _h, texts, _n in columns], [h for h, _t, _n in columns]))
    cells = [
        [text if number is None else number for text, number in zip(column.to_pylist(), numbers, strict=True)]
        for column, (_heading, _texts, numbers) in zip(safe.columns, columns, strict=True)
    ]
    return pa.table([pa.array(column, pa.string()) for column in cells], safe.column_names)


def _columns(rows: list[list[tuple[str, bool]]]) -> Iterator[tuple[str, list[str], list[str | None]]]:
    """Heading, texts and numbers of each column; a number is None where the text stands for itself."""
    for (heading, _right), *below in zip(*rows, strict=True):
        found = [_NUMBER.fullmatch(text) if right else None for text, right in below]
        units = {_unit(match) for match in found if match}
        unit = next(iter(units)) if len(units) == 1 else ""
        numbers: list[str | None] = [
            _plain(match) if match and _unit(match) == unit else _nothing(text, right)
            for match, (text, right) in zip(found, below, strict=True)
        ]
        said = typeset(f"{heading} ({unit})") if unit else heading
        yield _one_line(said), [_one_line(text) for text, _right in below], numbers


def _nothing(text: str, right: bool) -> str | None:
    return "" if right and text == NOTHING else None


def _unit(number: re.Match[str]) -> str:
    return " ".join(filter(None, (number["before"].strip(), number["behind"].strip())))


def _plain(number: re.Match[str]) -> str:
    """The number as spreadsheets read it."""
    size = Decimal(10) ** _SIZES.get(number["size"], 0)
    digits = number["number"].replace(",", "")
    value = f"{(Decimal(digits) * size).normalize():f}" if number["size"] else digits
    return ("-" if number["sign"] in {"−", "-"} else "") + value


def _one_line(text: str) -> str:
    return " ".join(text.split())
