"""Which of their columns becomes which of ours: the best name that is free, else a question or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_lib.contract.tables import TABLES
from crm_lib.errors import DataContractError
from crm_lib.sources.guess.columns import (
    CERTAIN,
    GENERAL,
    NAMED,
    PARTLY,
    Match,
    TheirColumn,
    other_fits,
    speaks_enough,
)
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.proposal import LIKELY, NONE, SAID, SURE, ProposedColumn, Question
from crm_lib.sources.guess.shapes import unit
from crm_lib.sources.guess.tables import Choice
from crm_lib.sources.guess.vocabulary import UNITS
from crm_lib.sources.settings import ColumnMapping

# Columns that need not be there, but on which figures hang: two candidates are asked about, not dropped.
ASKED = frozenset(
    ("amount", "opened_at", "closed_at", "stage", "since", "nps", "csat", "days_since_last", "n_orders")
)
_MOST_CHOICES = 12
_NONE_OF_THESE = (NONE, "none of these")


@dataclass
class Found:
    """What has been settled so far."""

    columns: dict[str, ProposedColumn] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def choose_columns(piece: Piece, choice: Choice, answers: Answers, found: Found) -> None:
    """Their columns for ours: what was said, then the clearest names first."""
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


def _choose(piece: Piece, choice: Choice, target: str, taken: set[str], found: Found) -> None:
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


def _ask_for_missing(piece: Piece, choice: Choice, target: str, taken: set[str], found: Found) -> None:
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
