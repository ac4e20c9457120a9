"""From a piece and its table to a proposal: columns chosen, forms found, what can't be known asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from crm_lib.contract.tables import COUNT, DAY, MONEY, NUMBER, TABLES, TIME
from crm_lib.errors import DataContractError
from crm_lib.sources.dates import EXCEL
from crm_lib.sources.guess import forms
from crm_lib.sources.guess.columns import (
    CERTAIN,
    GENERAL,
    NAMED,
    PARTLY,
    Match,
    TheirColumn,
    distinct,
    other_fits,
    speaks_enough,
)
from crm_lib.sources.guess.extras import attributes, currency_of, deals_closed, words_of
from crm_lib.sources.guess.no_sales import rows_to_leave_out
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import LIKELY, NONE, SAID, SURE, ProposedColumn, ProposedTable, Question
from crm_lib.sources.guess.scales import scales_of
from crm_lib.sources.guess.shapes import unit
from crm_lib.sources.guess.tables import Choice
from crm_lib.sources.guess.vocabulary import UNITS
from crm_lib.sources.mapping import left_out
from crm_lib.sources.settings import ColumnMapping, Reading, TableMapping

# Columns that need not be there, but on which figures hang: two candidates are asked about, not dropped.
ASKED = frozenset(
    ("amount", "opened_at", "closed_at", "stage", "since", "nps", "csat", "days_since_last", "n_orders")
)
_MOST_CHOICES = 12
_NONE_OF_THESE = (NONE, "none of these")
_ORDERS = ("day-first", "month-first", "year-first")
_READ = 0.99


@dataclass
class _Found:
    """What has been settled so far."""

    columns: dict[str, ProposedColumn] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def settle(piece: Piece, choice: Choice, answers: Answers) -> tuple[ProposedTable, list[Question]]:
    """The proposal for one piece, and the questions that must be answered before it holds."""
    found = _Found(notes=list(piece.notes))
    _choose_columns(piece, choice, answers, found)
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


def _table(piece: Piece, choice: Choice, found: _Found) -> ProposedTable:
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


def _choose_columns(piece: Piece, choice: Choice, answers: Answers, found: _Found) -> None:
    contract = TABLES[choice.table]
    taken: set[str] = set()
    certain_first = sorted(
        (c.name for c in contract.columns), key=lambda n: _first_rank(choice.matches.get(n, ())), reverse=False
    )
    for target in [c.name for c in contract.columns if answers.get(piece.label, c.name)]:
        column = _named(piece, choice.table, target, answers.get(piece.label, target))
        if column:
            found.columns[target] = _proposed(target, column, SAID, "")
            taken.add(column.name)
    for target in certain_first:
        if target in found.columns or answers.get(piece.label, target):
            continue
        _choose(piece, choice, target, taken, found)
    order = [c.name for c in contract.columns]
    found.columns = dict(sorted(found.columns.items(), key=lambda item: order.index(item[0])))


def _first_rank(those) -> int:
    return (CERTAIN, GENERAL, NAMED, PARTLY).index(those[0].by) if those else 4


def _choose(piece: Piece, choice: Choice, target: str, taken: set[str], found: _Found) -> None:
    """One column of ours: the best name that is free, a question where two are as good or the name is weak."""
    required = target in TABLES[choice.table].required
    shared = choice.profile is not None and target in choice.profile.columns
    free = [m for m in choice.matches.get(target, ()) if shared or m.column.name not in taken]
    best = [m for m in free if m.by == free[0].by]
    weak = bool(best) and best[0].by in (NAMED, PARTLY)
    if not free and required:
        _ask_for_missing(piece, choice, target, taken, found)
    elif len(best) == 1 and (not weak or (required and speaks_enough(best[0]))):
        sure = SURE if best[0].by == CERTAIN else LIKELY
        why = choice.profile.system if shared else ""
        found.columns[target] = _proposed(target, best[0].column, sure, why)
        taken.add(best[0].column.name)
    elif best and (required or (target in ASKED and not weak)):
        found.questions.append(_which(piece, choice.table, target, best, weak))
    elif best and not weak:
        names = ", ".join(m.column.name for m in best)
        found.notes.append(
            f"{target} is left out: several columns could be it ({names}). Name one with --set {target}=…"
        )


def _which(piece: Piece, table: str, target: str, those: list[Match], weak: bool) -> Question:
    meaning = TABLES[table].column(target).meaning
    words = f"{piece.label}: which column is {target} ({meaning})?"
    if those[0].by == NAMED:
        words += " No column of ids was found; what stands in this one would name the customers on the pages."
    elif weak:
        words += " The names are not clear."
    choices = [(m.column.name, _examples(m.column)) for m in those]
    return Question(f"{piece.label}:{target}", words, (*choices, _NONE_OF_THESE) if weak else tuple(choices))


def _ask_for_missing(piece: Piece, choice: Choice, target: str, taken: set[str], found: _Found) -> None:
    candidates = other_fits(choice.table, target, list(piece.columns), taken)
    words = f"{TABLES[choice.table].column(target).meaning}"
    if not candidates:
        raise _missing(piece, choice.table, target)
    asked = f"{piece.label}: which column is {target} ({words})? No name says so."
    choices = tuple((c.name, _examples(c)) for c in candidates[:_MOST_CHOICES])
    found.questions.append(Question(f"{piece.label}:{target}", asked, (*choices, _NONE_OF_THESE)))


def _missing(piece: Piece, table: str, target: str) -> DataContractError:
    names = ", ".join(c.name for c in piece.columns)
    return DataContractError(
        f"{piece.label}: no column could be {target} ({TABLES[table].column(target).meaning}), which the table "
        f"{table} needs. Its columns are: {names}. Export it with that column, or name one with --set "
        f"{target}=COLUMN."
    )


def _examples(column: TheirColumn) -> str:
    return ", ".join(v[:20] for v in column.examples[:3])


def _named(piece: Piece, table: str, target: str, said: str) -> TheirColumn | None:
    for column in piece.columns:
        if column.name == said:
            return column
    if said == NONE:
        if target in TABLES[table].required:
            raise _missing(piece, table, target)
        return None
    names = ", ".join(c.name for c in piece.columns)
    raise DataContractError(f'{piece.label} has no column "{said}" for {target}. Its columns are: {names}.')


def _proposed(target: str, theirs: TheirColumn, sure: str, why: str) -> ProposedColumn:
    times = UNITS.get(unit(theirs.name), 1)
    note = why or (f"given in {unit(theirs.name)}" if times != 1 else "")
    return ProposedColumn(target, theirs, sure, ColumnMapping(column=theirs.name, times=times), note)


def _of_type(table: str, found: _Found, *types: str) -> list[str]:
    names = [c.theirs.name for t, c in found.columns.items() if TABLES[table].column(t).type in types]
    return list(dict.fromkeys(names))


def _dates(piece: Piece, table: str, answers: Answers, found: _Found) -> forms.Forms:
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


def _counted(piece: Piece, columns: list[str], dated: forms.Forms, answers: Answers, found: _Found) -> forms.Forms:
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


def _numbers(piece: Piece, table: str, answers: Answers, found: _Found) -> forms.Forms:
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


def _note_unread(columns: str, what: str, seen: forms.Forms, found: _Found) -> None:
    """Values that no form reads are set aside, one by one; where they are many the table would be refused."""
    n = seen.n_filled - seen.n_read
    if n:
        quoted = f', such as "{seen.first}"' if seen.first else ""
        grave = " That is too many: the table will be refused." if seen.share < _READ else ""
        found.notes.append(
            f"{columns}: {n:,} of {seen.n_filled:,} values follow no one form of {what}{quoted}.{grave}"
        )


def _stages(piece: Piece, choice: Choice, found: _Found) -> tuple[str, ...]:
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


def _last_day(piece: Piece, table: str, found: _Found, reading: Reading, today: dt.date) -> str:
    """The last day, up to today, on which a row came to be known; empty where the table has no such column."""
    from crm_lib.sources.typed import typed

    for name in TABLES[table].known_on:
        if name in found.columns:
            value = piece.raw.table[piece.raw.names[found.columns[name].theirs.name]]
            day = typed(value, TIME, reading).date()
            last = piece.raw.table.agg(x=day.max(where=day <= today)).to_pyarrow().to_pylist()[0]["x"]
            return last.isoformat() if last else ""
    return ""
