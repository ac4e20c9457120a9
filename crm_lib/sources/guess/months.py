"""Files that are parts of one table: the same name but for its digits, the same header, and no rows in common."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import ibis
from ibis import _

from crm_lib.contract.tables import TABLES
from crm_lib.sources import several
from crm_lib.sources.guess.columns import is_unique, their_columns
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import NONE, Question
from crm_lib.sources.guess.tables import choose_table

_MOST_SHARED = 0.05  # of the smallest file's rows; an export that holds all before it has them all in common
_MANY_ROWS, _ONE_IN = 1_000_000, 16
_MOST_NAMED = 12
_YEAR = re.compile(r"(19|20)\d\d")  # next year's file is meant as well


def joined(
    con: ibis.BaseBackend, pieces: Sequence[Piece], answers: Answers
) -> tuple[list[Piece], list[Question], list[str]]:
    """The pieces, those of one table put together; what must be asked of the others; what is left out."""
    stems: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        stems[_stem(piece)].append(piece)
    found, questions, left_out = [], [], []
    for those in stems.values():
        alike, odd = _by_header(those)
        if len(alike) < 2 or not _is_one_table(con, alike, answers):
            found += those
            continue
        for piece in odd:
            if answers.get(piece.label, "leave_out") == "yes":
                left_out.append(f"{piece.label}: left out, as you said. {_differs(alike[0], piece)}")
            else:
                questions.append(_question(alike, piece))
        found.append(_as_one(con, alike))
    return found, questions, left_out


def _stem(piece: Piece) -> tuple[str, str]:
    name = piece.path.name
    return (re.sub(r"\d+", "#", name) if re.search(r"\d", name) else name + "/" + piece.label, piece.reading.sheet)


def _by_header(those: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """The files with the most usual header and form, and the others."""
    kinds: dict[object, list[Piece]] = defaultdict(list)
    for piece in those:
        kinds[(frozenset(piece.raw.names), piece.reading)].append(piece)
    usual = max(kinds.values(), key=len)
    return usual, [piece for piece in those if piece not in usual]


def _differs(first: Piece, piece: Piece) -> str:
    return several.other_columns(first.raw, piece.raw) or (
        f"{piece.label} is saved in another form than {first.label} (encoding, separator, lines above the header)."
    )


def _question(alike: list[Piece], piece: Piece) -> Question:
    words = (
        f"{len(alike)} files like {alike[0].label} are one table, and {piece.label} can't be read with them: "
        f"{_differs(alike[0], piece)} Leave it out, or stop here, correct it and begin again?"
    )
    return Question(f"{piece.label}:leave_out", words, (("yes", "leave it out"),))


def _is_one_table(con: ibis.BaseBackend, alike: list[Piece], answers: Answers) -> bool:
    """Whether the files together are still a table: its key one row each, and nothing told twice."""
    choice = choose_table(alike[0], answers)
    if choice.table == NONE or _share_in_common(alike) > _MOST_SHARED:
        return False
    key = TABLES[choice.table].key
    if not key:
        return True
    matches = choice.matches.get(key[0])
    return len(key) == 1 and bool(matches) and is_unique(_as_one(con, alike).raw, matches[0].column.name)


def _share_in_common(alike: list[Piece]) -> float:
    """Rows that stand in more than one file, as a share of the smallest file's."""
    first = alike[0].raw
    parts = [several.in_order_of(first, p.raw, _part=ibis.literal(i)) for i, p in enumerate(alike)]
    rows = ibis.union(*parts)
    if sum(p.n_rows for p in alike) > _MANY_ROWS:  # a sample of values of the first column, the same in every file
        column = next(iter(first.names.values()))
        rows = rows.filter(rows[column].cast("string").hash().abs() % _ONE_IN == 0)
    counted = rows.group_by([c for c in rows.columns if c != "_part"]).agg(n=_["_part"].nunique())
    shared = counted.filter(_.n > 1).count().to_pyarrow().as_py()
    fewest = min(row["n"] for row in rows.group_by("_part").agg(n=_.count()).to_pyarrow().to_pylist())
    return shared / max(fewest, 1)


def _as_one(con: ibis.BaseBackend, alike: list[Piece]) -> Piece:
    alike = sorted(alike, key=lambda p: p.path.name)
    names = [p.path.name for p in alike]
    raw = several.as_one(con, [replace(p.raw, place=p.path.name, kept_as="") for p in alike], "")
    pattern = pattern_of(names, [p.name for p in alike[0].path.parent.iterdir()])
    label = pattern or f"{names[0]} … {names[-1]}"
    listed = ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")
    return replace(
        alike[0],
        label=label,
        raw=replace(raw, place=label),
        files=(pattern,) if pattern else tuple(names),
        columns=tuple(their_columns(raw)),
        n_rows=sum(p.n_rows for p in alike),
        notes=(*alike[0].notes, f"{len(names)} files are read as one table: {listed}."),
    )


def pattern_of(names: Sequence[str], there: Sequence[str]) -> str:
    """A pattern that fits these names and no other file of the folder; empty where none is found.

    >>> pattern_of(["orders_2026-01.csv", "orders_2026-02.csv"], ["orders_2026-01.csv", "orders_2026-02.csv"])
    'orders_????-??.csv'
    >>> pattern_of(["1.csv", "2.csv"], ["1.csv", "2.csv", "3.csv"])
    ''
    """
    runs = [re.split(r"(\d+)", name) for name in names]
    pieces = [_run(column) for column in zip_longest(*runs, fillvalue="")]
    pattern = "".join(pieces)
    return pattern if sorted(fnmatch.filter(there, pattern)) == sorted(names) else ""


def _run(texts: tuple[str, ...]) -> str:
    """What stands for the same place in all names: the text itself, a sign for each digit, or any text."""
    if not texts[0].isdigit() or (len(set(texts)) == 1 and not _YEAR.fullmatch(texts[0])):
        return texts[0].replace("[", "[[]")
    widths = {len(text) for text in texts}
    return "?" * widths.pop() if len(widths) == 1 else "*"
