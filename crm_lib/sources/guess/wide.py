"""Wide surveys: one column for each question becomes one row for each question, `survey_items`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from crm_lib.contract.settings import Scale
from crm_lib.sources.guess.columns import TheirColumn, is_whole
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import ProposedTable, Question
from crm_lib.sources.guess.shapes import plain
from crm_lib.sources.guess.vocabulary import EXPECTED, NEVER, PERCEIVED, TRAITS
from crm_lib.sources.settings import Aspect
from crm_lib.sources.typed import text_of

_FEWEST = 3
_HIGHEST = 10
_USUAL = (5, 7, 10)
_NUMBERED = re.compile(r"^\s*[Qq]?\d+\s*[.、:：)）]\s*")
_MARKS = " -_:：/|()（）"


@dataclass(frozen=True)
class _Part:
    """A column as one side of a question: the aspect, and whether it holds what was expected, got, or a score."""

    aspect: str
    side: str
    column: TheirColumn


def items_of(piece: Piece, table: ProposedTable, answers: Answers) -> tuple[list[ProposedTable], list[Question]]:
    """The survey and, where its columns are questions on one scale and somebody says so, its items."""
    asked = [c for c in piece.columns if c.name in table.unused and _is_answer(c)]
    if table.table != "surveys" or table.column("response_id") is None or len(asked) < _FEWEST:
        return [table], []
    said = answers.get(piece.label, "aspects")
    if not said:
        names = ", ".join(c.name for c in asked)
        words = f"{piece.label}: {len(asked)} more columns hold numbers of a scale ({names}). Are they questions?"
        choices = (("yes", "one row for each answer, as survey_items"), ("no", "they are something else"))
        return [table], [Question(f"{piece.label}:aspects", words, choices)]
    if said != "yes":
        return [table], []
    used = {c.name for c in asked}
    left = tuple(name for name in table.unused if name not in used)
    return [replace(table, unused=left), _items(piece, table, asked)], []


def _is_answer(theirs: TheirColumn) -> bool:
    """Whole numbers of a short scale, under a heading that names no trait of a person and nothing counted."""
    said = plain(theirs.name)
    if "whole" not in theirs.looks_like or said in NEVER or any(word in said for word in TRAITS):
        return False
    numbers = {int(float(v)) for v in theirs.values if is_whole(v)}
    return len(numbers) >= _FEWEST and min(numbers) >= 0 and max(numbers) <= _HIGHEST


def _items(piece: Piece, table: ProposedTable, asked: list[TheirColumn]) -> ProposedTable:
    """One aspect for each question, or for each pair of what was expected and what was got."""
    scale = _scale(piece, asked)
    note = f"the answers are taken as a scale from {scale.lowest} to {scale.highest}; correct it in crm.toml."
    return replace(
        table,
        table="survey_items",
        columns=tuple(c for c in table.columns if c.target == "response_id"),
        aspects=tuple(_told_apart(_aspects([_part(c) for c in asked]))),
        unused=(),
        notes=(note,),
        scales={"items": scale},
        recognised="",
        last_day="",
    )


def _scale(piece: Piece, asked: list[TheirColumn]) -> Scale:
    """The smallest usual scale that holds every answer of every row."""
    values = [text_of(piece.raw.table[piece.raw.names[c.name]]).try_cast("float64") for c in asked]
    lows, highs = ({f"{way}{i}": getattr(v, way)() for i, v in enumerate(values)} for way in ("min", "max"))
    seen = piece.raw.table.agg(**lows, **highs).to_pyarrow().to_pylist()[0]
    highest = max(v for k, v in seen.items() if k.startswith("max") and v is not None)
    lowest = min(v for k, v in seen.items() if k.startswith("min") and v is not None)
    return Scale(0 if lowest < 1 else 1, next((s for s in _USUAL if s >= highest), _USUAL[-1]))


def _part(theirs: TheirColumn) -> _Part:
    name = _NUMBERED.sub("", theirs.name).strip()
    for side, words in (("expected", EXPECTED), ("perceived", PERCEIVED)):
        for word in sorted(words, key=len, reverse=True):
            found = re.search(re.escape(word), name, re.IGNORECASE)
            rest = (name[: found.start()] + name[found.end() :]).strip(_MARKS) if found else ""
            if rest:
                return _Part(rest, side, theirs)
    return _Part(name, "score", theirs)


def _told_apart(aspects: list[Aspect]) -> list[Aspect]:
    """Aspects of one name by the names of their columns: a response holds each aspect once."""
    n = Counter(a.aspect for a in aspects)
    whole = {a: a.score or f"{a.expected} / {a.perceived}" for a in aspects}
    return [replace(a, aspect=whole[a]) if n[a.aspect] > 1 else a for a in aspects]


def _aspects(parts: list[_Part]) -> list[Aspect]:
    """Pairs where both sides of an aspect were asked; any other column is a score of its own."""
    sides: dict[str, dict[str, _Part]] = {}
    for one in parts:
        sides.setdefault(one.aspect, {})[one.side] = one
    found = []
    for one in parts:
        pair = sides[one.aspect]
        if {"expected", "perceived"} <= set(pair):
            if one is pair["expected"]:
                both = (pair["expected"].column.name, pair["perceived"].column.name)
                found.append(Aspect(one.aspect, expected=both[0], perceived=both[1]))
            elif one is not pair["perceived"]:
                found.append(Aspect(one.column.name, score=one.column.name))
        else:
            found.append(Aspect(_NUMBERED.sub("", one.column.name).strip(), score=one.column.name))
    return found
