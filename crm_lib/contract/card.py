"""What became of a source's rows: the account that every page opens with."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rejected:
    """Rows set aside for one reason: column, reason in words, count, and money where the table has it."""

    column: str
    reason: str
    n: int
    amount: float | None = None


@dataclass(frozen=True)
class TableCard:
    """One table's account: rows read, set aside, known only after the as-of date, and used; first and last day.

    `n_used` = `n_read` − rejected rows − `n_after`. `currencies` has how many amounts bear the sign of each, where
    a check has looked.
    """

    table: str
    n_read: int
    n_rejected: int
    n_after: int
    n_used: int
    first_on: dt.date | None = None
    last_on: dt.date | None = None
    rejected: tuple[Rejected, ...] = field(default_factory=tuple)
    currencies: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class DataCard:
    """A source's account: its tables, a fingerprint of the files, the as-of date, and tables that can't be used.

    `problems` holds (table, reason) for tables whose structure is wrong; they are left out.
    """

    source: str
    title: str
    as_of: dt.date
    fingerprint: str
    tables: tuple[TableCard, ...]
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows used, over all tables."""
        return sum(t.n_used for t in self.tables)

    @property
    def n_rejected(self) -> int:
        """Rows set aside, over all tables."""
        return sum(t.n_rejected for t in self.tables)

    def reasons(self) -> Counter[str]:
        """Rows set aside by `table.column: reason`."""
        return Counter({f"{t.table}.{r.column}: {r.reason}": r.n for t in self.tables for r in t.rejected})
