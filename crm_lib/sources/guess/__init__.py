"""Guesses how a person's files become tables of the contract, says how sure it is, asks what it can't know.

Nothing here is used when reports run: what is guessed is written into `crm.toml`, where a person can read it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import ibis

from crm_lib.contract.tables import TABLES
from crm_lib.errors import DataContractError
from crm_lib.sources.converted import Store
from crm_lib.sources.guess import months, wide
from crm_lib.sources.guess.pieces import Answers, Piece, files_in, pieces_of
from crm_lib.sources.guess.proposal import NONE, Proposal, ProposedColumn, ProposedTable, Question
from crm_lib.sources.guess.settle import settle
from crm_lib.sources.guess.tables import choose_table

__all__ = ["Answers", "Proposal", "ProposedColumn", "ProposedTable", "Question", "files_in", "propose"]


def propose(
    con: ibis.BaseBackend,
    paths: Sequence[Path],
    said: Mapping[str, str],
    store: Store | None = None,
    today: dt.date | None = None,
) -> Proposal:
    """What these files are, as far as `said` (answers by key) and their own bytes tell.

    DataContractError says in words why a single file can't be used; of several, such a file is left out.
    """
    answers = Answers(said, today) if today else Answers(said)
    pieces: list[Piece] = []
    questions: list[Question] = []
    left_out: list[str] = []
    for path in paths:
        try:
            found, asked, reasons = pieces_of(con, path, answers, store)
        except DataContractError as error:
            if len(paths) == 1:
                raise
            left_out.append(str(error))
            continue
        pieces += found
        questions += asked
        left_out += reasons
    pieces, asked, reasons = months.joined(con, pieces, answers)
    questions += asked
    left_out += reasons
    tables = []
    alone = len(pieces) == 1 and not questions and not left_out
    for piece in pieces:
        table, asked, reason = _one(piece, answers, alone)
        if table and not asked:
            items, asked = wide.items_of(piece, table, answers)
            tables += items
        elif table:
            tables.append(table)
        questions += asked
        left_out += [reason] if reason else []
    questions += _twice(tables, answers)
    if not tables and not questions:
        raise DataContractError("None of these files is a table of a CRM. " + " ".join(left_out))
    return Proposal(tuple(_in_order(tables)), tuple(questions), tuple(left_out))


def _one(piece: Piece, answers: Answers, alone: bool) -> tuple[ProposedTable | None, list[Question], str]:
    choice = choose_table(piece, answers)
    if choice.question:
        return None, [choice.question], ""
    if choice.table == NONE:
        names = ", ".join(c.name for c in piece.columns)
        reason = (
            f"{piece.label}: its columns say of no table what it is ({names}). If it is one, name it with "
            f"--set {piece.label}:table=TABLE (one of {', '.join(TABLES)})."
        )
        if alone and not answers.get(piece.label, "table"):
            return None, [_any_table(piece)], ""
        return None, [], reason
    try:
        table, asked = settle(piece, choice, answers)
    except DataContractError as error:
        if alone or answers.get(piece.label, "table"):
            raise
        return None, [], str(error)
    return table, asked, ""


def _any_table(piece: Piece) -> Question:
    """Asked where nothing in a file says what it is; its columns are asked about next."""
    names = ", ".join(c.name for c in piece.columns)
    words = f"{piece.label}: which table is it? Its columns say of none what it is ({names})."
    return Question(f"{piece.label}:table", words, tuple((t.name, t.meaning) for t in TABLES.values()))


def _twice(tables: list[ProposedTable], answers: Answers) -> list[Question]:
    """Two files that are the same table: only one can be it."""
    counted = Counter(t.table for t in tables)
    questions = []
    for name, n in sorted(counted.items()):
        if n < 2:
            continue
        said = answers.get("", f"{name}_from")
        labels = [t.label for t in tables if t.table == name]
        if said:
            if said not in labels:
                raise DataContractError(
                    f'"{said}" is none of the files that could be {name}: {", ".join(labels)}.'
                )
            tables[:] = [t for t in tables if t.table != name or t.label == said]
            continue
        words = (
            f"Several files could be {name}, and are no parts of one table: their names differ by more than "
            "digits, or they hold the same rows. Which shall be used?"
        )
        questions.append(Question(f"{name}_from", words, tuple((label, "") for label in labels)))
    return questions


def _in_order(tables: list[ProposedTable]) -> list[ProposedTable]:
    order = list(TABLES)
    return sorted((replace(t) for t in tables), key=lambda t: order.index(t.table))
