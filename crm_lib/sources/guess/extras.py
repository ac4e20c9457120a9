"""What belongs to a table beside its columns: words translated, the currency, attributes."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.contract.tables import MONEY, TABLES
from crm_lib.sources.guess import forms
from crm_lib.sources.guess.columns import TheirColumn, distinct
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import ProposedColumn, Question
from crm_lib.sources.guess.shapes import currencies_in, plain, unit
from crm_lib.sources.guess.vocabulary import (
    CASE_KINDS,
    CURRENCY,
    LOST,
    NEVER,
    UNIT_CURRENCIES,
    VOCABULARY,
    WON,
)
from crm_lib.sources.settings import ColumnMapping

_MOST_ATTRIBUTES, _MOST_VALUES = 8, 30
# "Close date" is the day expected until a deal is closed, and the day of closing from then on.
_CLOSING = VOCABULARY["opportunities"]["closed_at"].general
Columns = dict[str, ProposedColumn]


def is_closed(value: str) -> bool:
    """Whether a stage says that a deal is won or lost."""
    return plain(value) in WON | LOST


def deals_closed(piece: Piece, table: str, columns: Columns, notes: list[str]) -> None:
    """Outcomes read from the stage, and a closing day only where the deal is closed."""
    if table != "opportunities":
        return
    source = columns.get("outcome") or columns.get("stage")
    values = (distinct(piece.raw, source.theirs.name) if source else None) or {}
    won = [v for v in values if plain(v) in WON]
    lost = [v for v in values if plain(v) in LOST]
    if not won and not lost:
        columns.pop("outcome", None)
        notes.append("No stage or state says which deals are won or lost: all count as open.")
        return
    words = dict.fromkeys(won, "won") | dict.fromkeys(lost, "lost")
    mapping = ColumnMapping(column=source.theirs.name, values=words, other="")
    columns["outcome"] = ProposedColumn("outcome", source.theirs, source.sure, mapping, f"{', '.join(words)}")
    expected = columns.get("expected_close_on")
    if expected and "closed_at" not in columns and plain(expected.theirs.name) in _CLOSING:
        columns["closed_at"] = replace(expected, target="closed_at")
    if closed := columns.get("closed_at"):
        when = {source.theirs.name: tuple(words)}
        columns["closed_at"] = replace(
            closed, mapping=replace(closed.mapping, when=when), why="of closed deals only"
        )


def words_of(piece: Piece, table: str, columns: Columns, notes: list[str]) -> None:
    """Their words for ours where we allow only some; a column that can't be translated is left out."""
    for target, column in list(columns.items()):
        ours = TABLES[table].column(target).one_of
        if not ours or column.mapping.values:
            continue
        values = distinct(piece.raw, column.theirs.name) or {}
        known = {plain(w): w for w in ours}
        if target == "kind" and table == "cases":
            known |= {word: kind for kind, those in CASE_KINDS.items() for word in those}
        if values and all(plain(v) in known for v in values):
            translated = {v: known[plain(v)] for v in values if v != known[plain(v)]}
            columns[target] = replace(column, mapping=replace(column.mapping, values=translated))
        elif target not in TABLES[table].required:
            del columns[target]
            notes.append(f"{target} is left out: {column.theirs.name} holds other words than {', '.join(ours)}.")


def currency_of(piece: Piece, table: str, columns: Columns, answers: Answers, questions: list[Question]) -> str:
    """The currency of the amounts: said, signed, in the heading or a column of its own; asked when mixed."""
    money = [c for t, c in columns.items() if TABLES[table].column(t).type == MONEY]
    if not money:
        return ""
    said = answers.get(piece.label, "currency")
    if said:
        return said.upper()
    signs = forms.currencies(piece.raw, [c.theirs.name for c in money])
    signs = signs or _in_own_column(piece)
    if len(signs) > 1:
        parts = ", ".join(f"{n:,} in {code}" for code, n in signs.items())
        words = (
            f"{piece.label}: amounts are in several currencies ({parts}), and sums would add them as they are. "
            "In which shall they count?"
        )
        questions.append(Question(f"{piece.label}:currency", words, tuple((code, "") for code in signs)))
        return ""
    if signs:
        return next(iter(signs))
    heads = [unit(c.theirs.name).lower() for c in money]
    named = [UNIT_CURRENCIES[h] for h in heads if h in UNIT_CURRENCIES]
    if not named:
        named = [code for c in money for code in currencies_in(c.theirs.name.upper())]
    return named[0] if named else ""


def currency_column(piece: Piece, table: str, columns: Columns) -> str:
    """Their column that names the currency of each amount; empty where there is none."""
    if not any(TABLES[table].column(target).type == MONEY for target in columns):
        return ""
    return next((c.name for c in piece.columns if _codes(piece, c)), "")


def _in_own_column(piece: Piece) -> dict[str, int]:
    return next((codes for c in piece.columns if (codes := _codes(piece, c))), {})


def _codes(piece: Piece, theirs: TheirColumn) -> dict[str, int]:
    """How often each currency stands in a column of currencies."""
    if plain(theirs.name) not in CURRENCY and not plain(theirs.name).endswith("currency"):
        return {}
    counted: dict[str, int] = {}
    for value, n in (distinct(piece.raw, theirs.name, 20) or {}).items():
        code = UNIT_CURRENCIES.get(value.lower(), value.upper())
        counted[code] = counted.get(code, 0) + n
    return {code: n for code, n in counted.items() if len(code) == 3 and code.isascii()}


def attributes(piece: Piece, table: str, columns: Columns) -> tuple[str, ...]:
    """Further columns of customers that can serve as dimensions: few different words, nothing personal."""
    if not TABLES[table].extra:
        return ()
    used = {c.theirs.name for c in columns.values()}
    ours = set(VOCABULARY[table])
    kept = []
    for theirs in piece.columns:
        personal = (
            plain(theirs.name) in NEVER or {"address", "phone", "day", "number", "nothing"} & theirs.looks_like
        )
        few = 1 < theirs.n_different <= _MOST_VALUES and theirs.n_different < 0.5 * piece.n_rows
        if theirs.name not in used and theirs.name not in ours and few and not personal:
            kept.append(theirs.name)
    return tuple(kept[:_MOST_ATTRIBUTES])
