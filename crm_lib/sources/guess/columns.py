"""Which of their columns is which of ours: by name, and only where the values fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

import ibis
from ibis import _

from crm_lib.contract.rules import ROW
from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TABLES, TEXT, TIME, Column
from crm_lib.sources.files import Raw
from crm_lib.sources.guess.shapes import is_day, is_number, is_serial, plain
from crm_lib.sources.guess.vocabulary import HINTS, NEVER, TOTALS, TURNING, VOCABULARY
from crm_lib.sources.typed import NO, YES, text_of

CERTAIN, GENERAL, NAMED, PARTLY = "certain", "general", "named", "partly"
_SAMPLED = 3000
_MOSTLY = 0.97
_AT_ONCE = 100
EXAMPLES = 5


@dataclass(frozen=True)
class TheirColumn:
    """One of their columns: its name, how much of it is filled, what its values look like, and some of them."""

    name: str
    filled_share: float
    n_different: int
    values: tuple[str, ...] = field(repr=False)
    looks_like: frozenset[str] = frozenset()

    @property
    def examples(self) -> tuple[str, ...]:
        """Some different values, the first in the file."""
        return tuple(dict.fromkeys(self.values))[:EXAMPLES]


@dataclass(frozen=True)
class Match:
    """A column of ours, the column of theirs that could be it, and how its name speaks for that."""

    target: str
    column: TheirColumn
    by: str


def their_columns(raw: Raw) -> list[TheirColumn]:
    """All columns of a raw table with what their values look like, from rows spread over the whole of it."""
    n = raw.table.count().to_pyarrow().as_py()
    if not n:
        return []
    step = max(n // _SAMPLED, 1)
    sampled = raw.table.filter((_[ROW] - 1) % step == 0).order_by(ROW).limit(_SAMPLED).to_pyarrow()
    counts: dict[str, int] = {}
    ours = [c for name, c in raw.names.items() if name]
    for start in range(0, len(ours), _AT_ONCE):
        part = ours[start : start + _AT_ONCE]
        asked = {f"f{c}": text_of(raw.table[c]).count() for c in part}
        asked |= {f"d{c}": text_of(raw.table[c]).approx_nunique() for c in part}
        counts |= raw.table.agg(**asked).to_pyarrow().to_pylist()[0]
    return [_column(name, c, counts, n, sampled) for name, c in raw.names.items() if name]


def _column(name: str, ours: str, counts: dict[str, int], n: int, sampled) -> TheirColumn:
    found = sampled.column(ours).to_pylist()
    values = tuple(s for v in found if v is not None and (s := _said(v)))
    return TheirColumn(name, counts[f"f{ours}"] / n, counts[f"d{ours}"], values, _looks(values))


def _said(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().removesuffix(" 00:00:00")


def is_whole(text: str) -> bool:
    """Whether it is a whole number, also one that a tool wrote as 17.0."""
    return bool(re.fullmatch(r"[+-]?\d+(\.0+)?", text))


def _looks(values: tuple[str, ...]) -> frozenset[str]:
    values = tuple(v for v in values if plain(v) not in TOTALS)  # the word of a line of totals says nothing
    if not values:
        return frozenset(("nothing",))
    kinds = {
        "day": sum(map(is_day, values)),
        "counted day": sum(is_day(v) or is_serial(v) for v in values),
        "number": sum(map(is_number, values)),
        "whole": sum(map(is_whole, values)),
        "flag": sum(v.lower() in YES + NO for v in values),
        "address": sum("@" in v for v in values),
        "phone": sum(bool(re.fullmatch(r"(\+?86[- ]?)?1[3-9]\d{9}", v)) for v in values),
        "code": sum(bool(re.search(r"\d", v)) and " " not in v and len(v) <= 40 for v in values),
    }
    return frozenset(kind for kind, n in kinds.items() if n >= _MOSTLY * len(values))


def fits(column: Column, theirs: TheirColumn) -> bool:
    """Whether the values could be those of our column."""
    looks = theirs.looks_like
    if "nothing" in looks:
        return False
    if column.type in (DAY, TIME):
        return "counted day" in looks
    if column.type in (MONEY, NUMBER):
        return "number" in looks
    if column.type == COUNT:
        return "whole" in looks or "number" in looks
    if column.type == FLAG:
        return "flag" in looks
    if column.type == TEXT and column.name.endswith("_id"):
        split = all(re.fullmatch(r"\d+[.,]\d{1,2}", v) for v in theirs.values[:50])
        return not split and not {"address", "phone"} & looks and not ("day" in looks and "whole" not in looks)
    return True


def matches(table: str, theirs: list[TheirColumn]) -> dict[str, list[Match]]:
    """For each of our columns every one of theirs that could be it, the best names first; only those that fit."""
    found: dict[str, list[Match]] = {}
    for column in TABLES[table].columns:
        fitting = [
            Match(column.name, t, by) for t in theirs if (by := _named(table, column.name, t)) and fits(column, t)
        ]
        rank = (CERTAIN, GENERAL, NAMED, PARTLY)
        if fitting:
            found[column.name] = sorted(fitting, key=lambda m: rank.index(m.by))
    return found


def _named(table: str, target: str, theirs: TheirColumn) -> str:
    names = VOCABULARY[table][target]
    said = plain(theirs.name)
    if said in names.certain:
        return CERTAIN
    if said in names.named:  # an id under the heading "Customer" is one; a name is not
        return GENERAL if "code" in theirs.looks_like else NAMED
    if said in names.general:
        return GENERAL
    if not said or said in NEVER or any(n in said for n in NEVER if len(n) >= _length(n)):
        return ""
    return PARTLY if any(n in said for n in names.certain if len(n) >= _length(n)) else ""


def speaks_enough(match: Match) -> bool:
    """Whether a name that holds one of ours says that and no more: not the last order, nor a sum over many."""
    said = plain(match.column.name)
    return match.by == PARTLY and not any(word in said for word in TURNING)


def _length(name: str) -> int:
    """From which length on a name inside another counts: two Chinese letters, six plain ones."""
    return 6 if name.isascii() else 2


def other_fits(table: str, target: str, theirs: list[TheirColumn], taken: set[str]) -> list[TheirColumn]:
    """Columns whose values would do for a column of ours that no name speaks for."""
    column = TABLES[table].column(target)
    fitting = [t for t in theirs if t.name not in taken and fits(column, t) and not _is_other(target, t.name)]
    if column.type in (DAY, TIME):  # numbers are taken for days only where nothing else could be
        return [t for t in fitting if "day" in t.looks_like] or fitting
    return fitting


def _is_other(target: str, name: str) -> bool:
    """Whether a heading says that it is something else: never ours, another column of ours, or another thing."""
    said = plain(name)
    others = (names for columns in VOCABULARY.values() for t, names in columns.items() if t != target)
    things = (words for table, words in HINTS.items() if target not in TABLES[table].key)
    return said in NEVER or any(said in n.certain for n in others) or any(said in words for words in things)


def is_unique(raw: Raw, name: str) -> bool:
    """Whether a column of theirs is filled and different in every row."""
    text = text_of(raw.table[raw.names[name]])
    found = raw.table.agg(n=_.count(), filled=text.count(), different=text.nunique()).to_pyarrow().to_pylist()[0]
    return found["n"] == found["filled"] == found["different"]


def distinct(raw: Raw, name: str, most: int = 60) -> dict[str, int] | None:
    """Every value of a column and how often; None where there are more than `most`."""
    text = text_of(raw.table[raw.names[name]])
    counted = raw.table.select(v=text).filter(_.v.notnull()).group_by("v").agg(n=_.count())
    rows = counted.order_by(ibis.desc("n"), "v").limit(most + 1).to_pyarrow().to_pylist()
    return None if len(rows) > most else {row["v"]: row["n"] for row in rows}


def repeated(names: list[str]) -> list[str]:
    """Names that stand twice in a header."""
    ordered = sorted(n for n in names if n)
    return [a for a, b in pairwise(ordered) if a == b]
