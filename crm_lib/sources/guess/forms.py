"""In which form numbers and days are written: what could hold is tried on every row, by the code that reads them.

A form holds when it reads as many values as any other. Where two forms hold and give different values, nothing
here decides: the person is asked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
from ibis import _

from crm_lib.contract.tables import TIME
from crm_lib.sources.dates import time
from crm_lib.sources.files import Raw
from crm_lib.sources.guess.shapes import ways
from crm_lib.sources.settings import Reading
from crm_lib.sources.typed import CURRENCIES, number, text_of

THOUSANDS = (",", ".", " ", "\u00a0", "\u202f", "'", "’")
_ENOUGH_GROUPS = 8
_TRIED = 3000
_ORDERS = {"day-first": 0, "month-first": 1, "year-first": 2}


@dataclass(frozen=True)
class Forms:
    """A form of numbers or days: how many values it reads of how many, and others that read as many differently.

    `first` is the first value that it does not read.
    """

    reading: Reading
    n_read: int
    n_filled: int
    or_else: tuple[Reading, ...] = field(default_factory=tuple)
    first: str = ""

    @property
    def share(self) -> float:
        """Share of the values that it reads."""
        return self.n_read / self.n_filled if self.n_filled else 1.0


def number_forms(raw: Raw, columns: list[str], reading: Reading, order: str = "") -> Forms:
    """The decimal and thousands signs of these columns; `order` is what a person said: "," or "." for decimals."""
    texts = _texts(raw, columns)
    if not texts:
        return Forms(reading, 0, 0)
    told = _told(raw, texts)
    pairs = [p for p in _pairs(told) if not order or p[0] == order]
    readings = dict(enumerate(replace(reading, decimal=d, thousands=t) for d, t in pairs))
    some = _numbers_read(told.limit(_TRIED), readings)
    whole = {i: r for i, r in readings.items() if some[f"n{i}"] == some["filled"]}
    found = _numbers_read(told, whole or readings)
    if whole and max(found[f"n{i}"] for i in whole) < found["filled"]:
        whole, found = {}, _numbers_read(told, readings)
    best = max(found[f"n{i}"] for i in whole or readings)
    holding = [i for i in whole or readings if found[f"n{i}"] == best]
    chosen = readings[holding[0]]
    differing = [readings[i] for i in holding if found[f"s{i}"] != found[f"s{holding[0]}"]]
    if differing and (grouped := _in_groups(told, [chosen, *differing])):
        return Forms(grouped, best, found["filled"])
    first = _first_unread(raw, texts, [_read(t, chosen) for t in texts]) if best < found["filled"] else ""
    return Forms(chosen, best, found["filled"], tuple(differing), first)


def _told(raw: Raw, texts: list[ibis.StringValue]) -> ibis.Table:
    """Every text `v` of these columns once, and how often, `n`: amounts repeat, and to read them takes long."""
    each = [raw.table.select(v=text) for text in texts]
    return ibis.union(*each).filter(_.v.notnull()).group_by("v").agg(n=_.count()).cache()


def _read(text: ibis.StringValue, reading: Reading) -> ibis.Value:
    return number(text, "decimal(38,6)", reading)


def _numbers_read(told: ibis.Table, readings: dict[int, Reading]) -> dict[str, Any]:
    """How many values there are, how many each form reads, and the sum of its amounts without their signs.

    What does not read all of the first texts can't read all: where another form does, the rest need not try it.
    """
    values = {i: _read(told.v, r) for i, r in readings.items()}
    asked = {f"n{i}": told.n.sum(where=v.notnull()).fill_null(0) for i, v in values.items()}
    asked |= {f"s{i}": v.abs().sum() for i, v in values.items()}
    return told.agg(filled=told.n.sum().fill_null(0), **asked).to_pyarrow().to_pylist()[0]


def _pairs(told: ibis.Table) -> list[tuple[str, str]]:
    """Decimal and thousands signs worth trying, the plainest first, by the signs that occur."""
    asked = {f"s{i}": told.v.contains(s).any() for i, s in enumerate(THOUSANDS)}
    found = told.agg(**asked).to_pyarrow().to_pylist()[0]
    there = [s for i, s in enumerate(THOUSANDS) if found[f"s{i}"]]
    pairs = [(".", ""), (",", "")]
    pairs += [(d, t) for t in there for d in (".", ",") if t != d]
    return pairs if "," in there or len(there) > 1 else [p for p in pairs if p[0] == "." or "." in p[1] or p[1]]


def _in_groups(told: ibis.Table, readings: list[Reading]) -> Reading | None:
    """Groups of three are thousands where nothing from 1000 on goes without the sign and something below does.

    Numbers with three decimals would all bear the sign; with zeros cut off some would have fewer decimals.
    """
    signs = {r.thousands or r.decimal for r in readings}
    if len(signs) != 1:
        return None
    (sign,) = signs
    as_thousands = next((r for r in readings if r.thousands == sign), None)
    if as_thousands is None:
        return None
    marked, value = told.v.contains(sign), _read(told.v, as_thousands).abs()
    found = told.agg(
        marked=told.n.sum(where=marked),
        small=told.n.sum(where=~marked & (value < 1000)),
        large=told.n.sum(where=~marked & (value >= 1000)),
    )
    n = found.to_pyarrow().to_pylist()[0]
    return as_thousands if (n["marked"] or 0) >= _ENOUGH_GROUPS and n["small"] and not n["large"] else None


def date_forms(raw: Raw, columns: list[str], reading: Reading, order: str = "") -> Forms:
    """The forms of days in these columns; `order` is what a person said: day-first, month-first or year-first."""
    texts = _texts(raw, columns, numbers=True)
    if not texts:
        return Forms(reading, 0, 0)
    classes = _classes(raw, texts)
    for _again in range(2):
        options = _options(classes, order)
        readings = [replace(reading, dates=o) for o in options]
        parsed = {i: [time(t, r.dates) for t in texts] for i, r in enumerate(readings)}
        best, filled, holding = _counted(raw, texts, parsed)
        more = _unread_classes(raw, texts, parsed[holding[0]]) - classes if best < filled else set()
        if not more:
            break
        classes |= more
    differing = [i for i in holding[1:] if _differ(raw, parsed[holding[0]], parsed[i])]
    first = _first_unread(raw, texts, parsed[holding[0]]) if best < filled else ""
    return Forms(readings[holding[0]], best, filled, tuple(readings[i] for i in differing), first)


def last_day(raw: Raw, columns: list[str], reading: Reading) -> dt.date | None:
    """The last day in these columns, read in this form."""
    days = [time(t, reading.dates).date().max() for t in _texts(raw, columns, numbers=True)]
    found = raw.table.agg(**{f"d{i}": d for i, d in enumerate(days)}).to_pyarrow().to_pylist()[0] if days else {}
    return max((day for day in found.values() if day), default=None)


def _texts(raw: Raw, columns: list[str], numbers: bool = False) -> list[ibis.StringValue]:
    """The columns that hold text (or also numbers); a typed file needs no form."""
    values = [raw.table[raw.names[name]] for name in columns]
    return [text_of(v) for v in values if v.type().is_string() or (numbers and v.type().is_numeric())]


def _classes(raw: Raw, texts: list[ibis.StringValue]) -> set[tuple[tuple[str, ...], ...]]:
    found = set()
    for text in texts:
        some = raw.table.select(v=text).filter(_.v.notnull()).limit(_TRIED).to_pyarrow()["v"].to_pylist()
        found |= {w for v in some if (w := ways(v))}
    return found


def _unread_classes(raw: Raw, texts, parsed) -> set[tuple[tuple[str, ...], ...]]:
    found = set()
    for text, at in zip(texts, parsed, strict=True):
        unread = raw.table.select(v=text, at=at).filter(_.v.notnull() & _.at.isnull()).limit(_TRIED)
        found |= {w for v in unread.to_pyarrow()["v"].to_pylist() if (w := ways(v))}
    return found


def _options(classes: set[tuple[tuple[str, ...], ...]], order: str) -> list[tuple[str, ...]]:
    """Every way to read all classes, one order for the whole table."""
    if classes <= {((),)}:
        return [()]
    n_orders = max(len(c) for c in classes)
    wanted = [_ORDERS[order]] if order else range(n_orders)
    options = []
    for i in wanted:
        forms = [c[min(i, len(c) - 1)] for c in sorted(classes)]
        flat = [form for way in forms for form in way]
        if () in forms and not {"day-first", "month-first"} & set(flat):
            flat += ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        options.append(tuple(dict.fromkeys(flat)))
    return list(dict.fromkeys(options))


def _counted(raw: Raw, texts, parsed: dict) -> tuple[int, int, list[int]]:
    """Most values read, values there are, and the ways that read that many."""
    asked = {f"n{i}": sum(_plausible(at).sum() for at in each) for i, each in parsed.items()}
    found = raw.table.agg(filled=sum(t.count() for t in texts), **asked).to_pyarrow().to_pylist()[0]
    best = max(found[f"n{i}"] or 0 for i in parsed)
    return best, found["filled"], [i for i in parsed if (found[f"n{i}"] or 0) == best]


def _plausible(at: ibis.TimestampValue) -> ibis.BooleanValue:
    return at.year().between(1900, 2100).fill_null(False)


def _differ(raw: Raw, ours: list, others: list) -> bool:
    unlike = [(a.cast(TIME) != b.cast(TIME)).fill_null(False).any() for a, b in zip(ours, others, strict=True)]
    return any(raw.table.agg(**{f"u{i}": u for i, u in enumerate(unlike)}).to_pyarrow().to_pylist()[0].values())


def _first_unread(raw: Raw, texts, parsed) -> str:
    """A value of a number or date column that the form does not read; such values may be quoted."""
    for text, value in zip(texts, parsed, strict=True):
        unread = raw.table.select(v=text, x=value).filter(_.v.notnull() & _.x.isnull()).limit(1)
        if found := unread.to_pyarrow()["v"].to_pylist():
            return found[0]
    return ""


def currencies(raw: Raw, columns: list[str]) -> dict[str, int]:
    """How many amounts bear the sign of each currency."""
    texts = _texts(raw, columns)
    if not texts:
        return {}
    asked = {f"c{i}": sum(t.contains(s).sum() for t in texts) for i, s in enumerate(CURRENCIES)}
    found = raw.table.agg(**asked).to_pyarrow().to_pylist()[0]
    counted: dict[str, int] = {}
    for i, code in enumerate(CURRENCIES.values()):
        counted[code] = max(counted.get(code, 0), found[f"c{i}"] or 0)
    return {code: n for code, n in counted.items() if n}
