"""From a piece and its table to a proposal: columns chosen, forms found, what can't be known asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from crm_lib.contract.tables import COUNT, DAY, MONEY, NUMBER, TABLES, TIME
from crm_lib.errors import DataContractError
from crm_lib.sources.dates import EXCEL
from crm_lib.sources.guess import forms
from crm_lib.sources.guess.choosing import Found, choose_columns
from crm_lib.sources.guess.columns import (
    distinct,
)
from crm_lib.sources.guess.extras import attributes, currency_column, currency_of, deals_closed, words_of
from crm_lib.sources.guess.no_sales import rows_to_leave_out
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import ProposedTable, Question
from crm_lib.sources.guess.scales import scales_of
from crm_lib.sources.guess.tables import Choice
from crm_lib.sources.mapping import left_out
from crm_lib.sources.settings import Reading, TableMapping

_ORDERS = ("day-first", "month-first", "year-first")
_READ = 0.99


def settle(piece: Piece, choice: Choice, answers: Answers) -> tuple[ProposedTable, list[Question]]:
    """The proposal for one piece, and the questions that must be answered before it holds."""
    found = Found(notes=list(piece.notes))
    choose_columns(piece, choice, answers, found)
    if found.questions:
        return _table(piece, choice, found), found.questions
    deals_closed(piece, choice.table, found.columns, found.notes)
    words_of(piece, choice.table, found.columns, found.notes)
    leave_out = rows_to_leave_out(piece, choice.table, found.columns, answers, found.notes, found.questions)
    piece = _without(piece, choice.table, leave_out)
    dated = _dates(piece, choice.table, answers, found)
    counted = _numbers(piece, choice.table, answers, found)
    reading = replace(
        piece.reading,
        dates=dated.reading.dates,
        decimal=counted.reading.decimal,
        thousands=counted.reading.thousands,
    )
    currency = currency_of(piece, choice.table, found.columns, answers, found.questions)
    made = replace(
        _table(piece, choice, found),
        reading=reading,
        keep=attributes(piece, choice.table, found.columns),
        leave_out=leave_out,
        currency=currency,
        currency_column=currency_column(piece, choice.table, found.columns),
        stages=_stages(piece, choice, found),
        scales=scales_of(piece, choice.table, found.columns, reading, found.notes),
        last_day=_last_day(piece, choice.table, found, reading, answers.today),
    )
    return replace(made, notes=tuple(found.notes)), found.questions


def _without(piece: Piece, table: str, leave_out: dict[str, tuple[str, ...]]) -> Piece:
    """The piece without the rows that are left out, so that their words are not judged as days or amounts."""
    gone = left_out(table, piece.raw, TableMapping(file="", leave_out=leave_out))
    if gone is None:
        return piece
    return replace(piece, raw=replace(piece.raw, table=piece.raw.table.filter(~gone)))


def _table(piece: Piece, choice: Choice, found: Found) -> ProposedTable:
    used = {c.theirs.name for c in found.columns.values()}
    profile = choice.profile
    return ProposedTable(
        label=piece.label,
        table=choice.table,
        file="" if piece.files else piece.path.name,
        files=piece.files,
        reading=piece.reading,
        columns=tuple(found.columns.values()),
        unused=tuple(c.name for c in piece.columns if c.name not in used),
        notes=tuple(found.notes),
        n_rows=piece.n_rows,
        recognised=f"{profile.system}, {profile.module}" if profile else "",
    )


def _of_type(table: str, found: Found, *types: str) -> list[str]:
    names = [c.theirs.name for t, c in found.columns.items() if TABLES[table].column(t).type in types]
    return list(dict.fromkeys(names))


def _dates(piece: Piece, table: str, answers: Answers, found: Found) -> forms.Forms:
    columns = _of_type(table, found, DAY, TIME)
    said = answers.get(piece.label, "dates")
    if said and said not in _ORDERS:
        raise DataContractError(f'dates is "{said}"; it must be one of: {", ".join(_ORDERS)}.')
    dated = forms.date_forms(piece.raw, columns, piece.reading, said)
    if "excel" in dated.reading.dates:
        dated = _counted(piece, columns, dated, answers, found)
    if dated.or_else and not said:
        orders = [_order(r.dates) for r in (dated.reading, *dated.or_else)]
        first = next((c.theirs.examples[0] for c in found.columns.values() if c.theirs.name in columns), "")
        words = (
            f"{piece.label}: what comes first in its days, as in {first}? All of them can be read in several ways."
        )
        found.questions.append(Question(f"{piece.label}:dates", words, tuple((o, "") for o in orders)))
    _note_unread(", ".join(columns), "days", dated, found)
    return dated


def _counted(piece: Piece, columns: list[str], dated: forms.Forms, answers: Answers, found: Found) -> forms.Forms:
    """Days as numbers: an old Excel for Mac counts from four years later, which is asked about where it fits."""
    said = answers.get(piece.label, "excel_days")
    if said and said not in EXCEL:
        raise DataContractError(f'excel_days is "{said}"; it must be one of: {", ".join(EXCEL)}.')
    older = tuple("excel-1904" if form == "excel" else form for form in dated.reading.dates)
    later = replace(dated.reading, dates=older)
    if said == "excel-1904":
        return replace(dated, reading=later)
    last, last_if_older = (forms.last_day(piece.raw, columns, r) for r in (dated.reading, later))
    these = ", ".join(columns)
    if not said and last_if_older and last_if_older <= answers.today:
        words = f"{piece.label}: {these}: Excel counts days in two ways. Which is the last day here?"
        choices = (("excel", f"{last}"), ("excel-1904", f"{last_if_older}, of an old Excel for Mac"))
        found.questions.append(Question(f"{piece.label}:excel_days", words, choices))
    found.notes.append(f"{these}: numbers are read as Excel's days, such as 45292 as 2024-01-01.")
    return dated


def _order(dates: tuple[str, ...]) -> str:
    for form in dates:
        if form in ("day-first", "month-first"):
            return form
        at = {sign: form.find(sign) for sign in ("%d", "%m", "%y")}
        if at["%y"] >= 0 and at["%y"] < at["%d"]:
            return "year-first"
        if at["%d"] != at["%m"]:
            return "day-first" if at["%d"] < at["%m"] else "month-first"
    return "year-first"


def _numbers(piece: Piece, table: str, answers: Answers, found: Found) -> forms.Forms:
    columns = _of_type(table, found, MONEY, NUMBER, COUNT)
    said = {"comma": ",", "point": "."}.get(
        answers.get(piece.label, "decimal"), answers.get(piece.label, "decimal")
    )
    if said not in ("", ",", "."):
        raise DataContractError(f'decimal is "{said}"; it must be "," (comma) or "." (point).')
    counted = forms.number_forms(piece.raw, columns, piece.reading, said)
    if counted.or_else and not said:
        marks = [r.decimal for r in (counted.reading, *counted.or_else)]
        named = {
            ",": ("comma", "1,234 is 1.234"),
            ".": ("point", "1,234 is one thousand two hundred and thirty-four"),
        }
        these = ", ".join(columns)
        words = f"{piece.label}: which is the decimal sign of its numbers ({these})? They can be read both ways."
        choices = tuple(named[m] for m in dict.fromkeys(marks))
        found.questions.append(Question(f"{piece.label}:decimal", words, choices))
    _note_unread(", ".join(columns), "numbers", counted, found)
    return counted


def _note_unread(columns: str, what: str, seen: forms.Forms, found: Found) -> None:
    """Values that no form reads are set aside, one by one; where they are many the table would be refused."""
    n = seen.n_filled - seen.n_read
    if n:
        quoted = f', such as "{seen.first}"' if seen.first else ""
        grave = " That is too many: the table will be refused." if seen.share < _READ else ""
        found.notes.append(
            f"{columns}: {n:,} of {seen.n_filled:,} values follow no one form of {what}{quoted}.{grave}"
        )


def _stages(piece: Piece, choice: Choice, found: Found) -> tuple[str, ...]:
    """Stages in the export's usual order, where the file holds no others."""
    stage = found.columns.get("stage")
    if not stage or not choice.profile or not choice.profile.stages:
        return ()
    from crm_lib.sources.guess.extras import is_closed

    values = distinct(piece.raw, stage.theirs.name) or {}
    open_ones = {v for v in values if not is_closed(v)}
    known = {s.casefold(): s for s in choice.profile.stages}
    if not open_ones or not {v.casefold() for v in open_ones} <= known.keys():
        return ()
    spelled = {v.casefold(): v for v in open_ones}
    return tuple(spelled[s.casefold()] for s in choice.profile.stages if s.casefold() in spelled)


def _last_day(piece: Piece, table: str, found: Found, reading: Reading, today: dt.date) -> str:
    """The last day, up to today, on which a row came to be known; empty where the table has no such column."""
    from crm_lib.sources.typed import typed

    for name in TABLES[table].known_on:
        if name in found.columns:
            value = piece.raw.table[piece.raw.names[found.columns[name].theirs.name]]
            day = typed(value, TIME, reading).date()
            last = piece.raw.table.agg(x=day.max(where=day <= today)).to_pyarrow().to_pylist()[0]["x"]
            return last.isoformat() if last else ""
    return ""
