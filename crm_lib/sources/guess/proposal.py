"""What is proposed: tables, columns, notes, and the questions that are left."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_lib.contract.settings import Scale
from crm_lib.sources.guess.columns import TheirColumn
from crm_lib.sources.settings import Aspect, ColumnMapping, Reading

SURE, LIKELY, SAID = "sure", "likely", "as you said"
NONE = "none"


@dataclass(frozen=True)
class Question:
    """What can't be known from the file: its key for `--set KEY=VALUE`, the words, and what may be answered."""

    key: str
    words: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProposedColumn:
    """One of our columns, theirs that becomes it, how sure that is, and why."""

    target: str
    theirs: TheirColumn
    sure: str
    mapping: ColumnMapping
    why: str = ""


@dataclass(frozen=True)
class ProposedTable:
    """A file or sheet as one of our tables: how it is read, its columns, those not used, what to know of it.

    `files` stands for `file` where several are one table; `aspects` are the questions of a wide survey.
    """

    label: str
    table: str
    file: str
    reading: Reading
    columns: tuple[ProposedColumn, ...]
    files: tuple[str, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    unused: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    leave_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    n_rows: int = 0
    recognised: str = ""
    currency: str = ""
    currency_column: str = ""
    stages: tuple[str, ...] = ()
    scales: dict[str, Scale] = field(default_factory=dict)
    last_day: str = ""

    def column(self, target: str) -> ProposedColumn | None:
        """The proposed column of this name, or None."""
        return next((c for c in self.columns if c.target == target), None)


@dataclass(frozen=True)
class Proposal:
    """All tables of a source, files that are none, and the open questions."""

    tables: tuple[ProposedTable, ...]
    questions: tuple[Question, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """The currency of the amounts, where one is known."""
        named = [t.currency for t in self.tables if t.currency]
        return named[0] if named else ""
