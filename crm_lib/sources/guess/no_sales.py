"""Rows of an order file that are no sales: cancelled and refunded orders, lines of totals."""

from __future__ import annotations

import ibis
from ibis import _

from crm_lib.errors import DataContractError
from crm_lib.sources.guess.columns import TheirColumn
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import ProposedColumn, Question
from crm_lib.sources.guess.shapes import plain
from crm_lib.sources.guess.vocabulary import CANCELLED, REFUNDED, REFUNDS, SOLD, STATES, TOTALS
from crm_lib.sources.typed import text_of

Columns = dict[str, ProposedColumn]
_MOST_NAMED = 6
_FEWEST_ORDERS, _NEARLY_ALL = 3, 0.95
_LONGEST = max(map(len, TOTALS | CANCELLED | REFUNDED | SOLD)) + 6
_MOST_WORDS = 100_000
# A word of totals in any spelling that `plain` takes for the same; letter by letter, as signs may stand between.
_TOTAL = r"(?i)^\P{L}*(?:" + "|".join(r"\P{L}*".join(word) for word in sorted(TOTALS)) + ")"
_BELOW_ZERO = r"^\(.+\)$|^[^0-9]*-"


def rows_to_leave_out(
    piece: Piece, table: str, columns: Columns, answers: Answers, notes: list[str], questions: list[Question]
) -> dict[str, tuple[str, ...]]:
    """Cancelled and refunded orders and lines of totals, which would count as sales."""
    if table != "transactions":
        return {}
    _note_refunds(piece, columns, notes)
    _ask_whose_amount(piece, columns, answers, questions)
    found: dict[str, tuple[str, ...]] = {}
    for theirs in piece.columns:
        there = _totals(piece, theirs, columns)
        if plain(theirs.name) in STATES:
            there |= _no_sales(piece, theirs, columns, answers, notes, questions)
        if there:
            found[theirs.name] = tuple(there)
            said = ", ".join(f"{v} ({n:,})" for v, n in there.items())
            notes.append(f"{theirs.name}: rows with {said} are left out, as they are no sales.")
    return found


def _ask_whose_amount(piece: Piece, columns: Columns, answers: Answers, questions: list[Question]) -> None:
    """One amount on all lines of an order may be that of the whole order, and would count once for each line."""
    if not {"order_id", "amount"} <= columns.keys():
        return
    n, n_same = _orders_of_one_amount(piece, columns["order_id"].theirs.name, columns["amount"].theirs.name)
    if n < _FEWEST_ORDERS or n_same < _NEARLY_ALL * n:
        return
    amount = columns["amount"].theirs.name
    said = answers.get(piece.label, "amount_of")
    if said == "order":
        raise DataContractError(
            f"{piece.label}: {amount} holds the amount of the whole order on each of its lines, and would count "
            "several times. Export one row for each order, or name the amount of a line with --set amount=COLUMN."
        )
    if not said:
        words = (
            f"{piece.label}: in {n_same:,} of {n:,} orders of several lines, {amount} is the same on each line. "
            "Is it the amount of the line, or of the whole order?"
        )
        choices = (("line", "of the line: lines are added up"), ("order", "of the whole order, said on each line"))
        questions.append(Question(f"{piece.label}:amount_of", words, choices))


def _orders_of_one_amount(piece: Piece, order: str, amount: str) -> tuple[int, int]:
    """Orders of several lines, and those of them that hold one amount on every line."""
    raw = piece.raw
    rows = raw.table.select(
        order=text_of(raw.table[raw.names[order]]), amount=text_of(raw.table[raw.names[amount]])
    )
    each = (
        rows.filter(_.order.notnull())
        .group_by("order")
        .agg(n=_.count(), least=_.amount.min(), most=_.amount.max())
    )
    several = each.filter(_.n > 1)
    found = several.agg(n=_.count(), same=(_.least == _.most).sum()).to_pyarrow().to_pylist()[0]
    return found["n"], found["same"] or 0


def _totals(piece: Piece, theirs: TheirColumn, columns: Columns) -> dict[str, int]:
    """Words of totals in rows that lack the customer or the day, or that stand in place of one of them."""
    named = tuple(columns[c].theirs.name for c in ("customer_id", "at") if c in columns)
    if theirs.name in named:
        return _totals_among(_words(piece, theirs, _TOTAL))
    found = _totals_among(_words(piece, theirs, _TOTAL, lacking=named))
    if not found:
        return found
    whole = _words(piece, theirs, _TOTAL, filled=named)
    return {v: n for v, n in found.items() if v not in whole}


def _totals_among(words: dict[str, int]) -> dict[str, int]:
    return {v: n for v, n in words.items() if plain(v) in TOTALS}


def _no_sales(
    piece: Piece,
    theirs: TheirColumn,
    columns: Columns,
    answers: Answers,
    notes: list[str],
    questions: list[Question],
) -> dict[str, int]:
    """The words of a state that say there was no sale; those that say neither are told."""
    words = _words(piece, theirs)
    there = {v: n for v, n in words.items() if plain(v) in CANCELLED}
    refunded = {v: n for v, n in words.items() if plain(v) in REFUNDED}
    unknown = [f"{v} ({n:,})" for v, n in words.items() if plain(v) not in CANCELLED | REFUNDED | SOLD]
    if unknown and (len(unknown) < len(words) or plain(theirs.name) != "state"):  # a state may be one of a country
        more = " …" if len(unknown) > _MOST_NAMED else ""
        notes.append(f"{theirs.name}: rows with {', '.join(unknown[:_MOST_NAMED])}{more} count as sales.")
    said = answers.get(piece.label, "refunded")
    if refunded and not said and (n := _below_zero(piece, columns)):
        listed = ", ".join(f"{v} ({k:,})" for v, k in refunded.items())
        asked = (
            f"{piece.label}: {theirs.name} says of some rows {listed}, and {n:,} rows hold an amount below zero. "
            "Are those the refunds of the former?"
        )
        choices = (
            ("keep", "yes: both count, and cancel each other"),
            ("leave_out", "no: refunded rows are no sales"),
        )
        questions.append(Question(f"{piece.label}:refunded", asked, choices))
    return there if said == "keep" else there | refunded


def _words(
    piece: Piece,
    theirs: TheirColumn,
    pattern: str = "",
    filled: tuple[str, ...] = (),
    lacking: tuple[str, ...] = (),
) -> dict[str, int]:
    """Short values of this pattern and how often each stands there.

    Asked are rows where all columns of `filled` hold something, and one of `lacking` does not.
    """
    raw = piece.raw
    rows = raw.table
    if not rows[raw.names[theirs.name]].type().is_string():
        return {}
    there = {name: text_of(rows[raw.names[name]]).notnull() for name in (*filled, *lacking)}
    for name in filled:
        rows = rows.filter(there[name])
    if lacking:
        rows = rows.filter(ibis.or_(*(~there[name] for name in lacking)))
    text = text_of(rows[raw.names[theirs.name]])
    short = rows.select(v=text).filter((_.v.length() <= _LONGEST) & _.v.re_search(pattern))
    counted = short.group_by("v").agg(n=_.count()).order_by("v").limit(_MOST_WORDS).to_pyarrow().to_pylist()
    return {row["v"]: row["n"] for row in counted}


def _below_zero(piece: Piece, columns: Columns) -> int:
    """How many amounts are negative."""
    if "amount" not in columns:
        return 0
    value = piece.raw.table[piece.raw.names[columns["amount"].theirs.name]]
    below = text_of(value).re_search(_BELOW_ZERO) if value.type().is_string() else value < 0
    return piece.raw.table.agg(n=below.sum()).to_pyarrow().to_pylist()[0]["n"] or 0


def _note_refunds(piece: Piece, columns: Columns, notes: list[str]) -> None:
    """A column of refunds stays unread: it is told, as what was paid is then too high."""
    used = {c.theirs.name for c in columns.values()}
    for theirs in piece.columns:
        if theirs.name in used or plain(theirs.name) not in REFUNDS:
            continue
        text = text_of(piece.raw.table[piece.raw.names[theirs.name]])
        n = piece.raw.table.agg(n=text.re_search("[1-9]").sum()).to_pyarrow().to_pylist()[0]["n"]
        if n:
            rows = "1 row holds" if n == 1 else f"{n:,} rows hold"
            notes.append(
                f"{theirs.name} is not used: {rows} a refund there, which is not taken off the amount. "
                "Give a column of what was kept, or refunds as rows of their own with an amount below zero."
            )
