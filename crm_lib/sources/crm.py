"""What a notebook holds: one source's tables at one date, its settings, and the way to publish."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis

from crm_lib import __version__
from crm_lib.contract import lists as stored_lists
from crm_lib.contract import publication as publications
from crm_lib.contract.card import DataCard
from crm_lib.contract.lists import StoredPlan, TargetLists
from crm_lib.contract.publication import KeyFigures, Publication
from crm_lib.contract.settings import Settings
from crm_lib.contract.tables import TABLES
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import DataContractError


class Crm:
    """A source at a date; its tables are attributes (`crm.transactions`), each an ibis table.

    A table that the source lacks, or that broke the contract, raises DataContractError when it is asked for;
    `get` returns None instead.
    """

    def __init__(
        self,
        card: DataCard,
        settings: Settings,
        tables: Mapping[str, ibis.Table],
        errors: Mapping[str, DataContractError],
        language: str = "en",
        topic: str = "",
    ) -> None:
        self.card = card
        self.settings = settings
        self.tables = dict(tables)
        self.errors = dict(errors)
        self.language = language
        self.topic = topic

    @property
    def source(self) -> str:
        """The source's name in crm.toml."""
        return self.card.source

    @property
    def title(self) -> str:
        """The source's title for readers."""
        return self.card.title

    @property
    def as_of(self) -> dt.date:
        """The last day of data in use."""
        return self.card.as_of

    def __repr__(self) -> str:
        """Name, date and tables; no data."""
        return f"Crm({self.source!r}, as_of={self.as_of.isoformat()!r}, tables={sorted(self.tables)})"

    def __getattr__(self, name: str) -> ibis.Table:
        """A table by its name; DataContractError says why there is none."""
        if name not in TABLES:
            raise AttributeError(f"A Crm has no attribute {name!r}.")
        self._allow(name)
        if name in self.errors:
            raise self.errors[name]
        if name not in self.tables:
            there = ", ".join(self.tables) or "none"
            raise DataContractError(
                f'The source "{self.source}" has no table {name}; it has: {there}. '
                f"Add the file, or name it under sources.{self.source}.tables in crm.toml."
            )
        return self.tables[name]

    def __dir__(self) -> list[str]:
        """What `Tab` offers: besides the rest the tables that are there, each for this topic."""
        asked = TOPICS[self.topic].tables if self.topic else self.tables
        return [*super().__dir__(), *(name for name in self.tables if name in asked)]

    def get(self, name: str) -> ibis.Table | None:
        """The table of this name, or None where the source lacks it or it can't be used (see `card.problems`)."""
        if name not in TABLES:
            raise AttributeError(f"The contract has no table {name!r}.")
        self._allow(name)
        return self.tables.get(name)

    def _allow(self, name: str) -> None:
        """The catalogue says which tables a topic asks for; a table it doesn't name was not loaded."""
        if self.topic and name not in TOPICS[self.topic].tables:
            raise DataContractError(
                f"The topic {self.topic} asks for the table {name}, which its line in crm_lib/contract/topics.py "
                f"does not name. Add it there, under needs or useful."
            )

    def publish(self, publication: Publication) -> KeyFigures | None:
        """Write figures and tables where the runner asks; in JupyterLab check them and show what would go."""
        folder = os.environ.get("CRM_PUBLISH_TO", "")
        if folder:
            publications.write(publication, Path(folder), self.about())
            return None
        publications.check_publication(publication)
        return KeyFigures(publication)

    def save_lists(self, lists: TargetLists) -> TargetLists | None:
        """Hand target lists to the runner, which stores them; in JupyterLab check them and show what would go."""
        folder = os.environ.get("CRM_PUBLISH_TO", "")
        if folder:
            stored_lists.write(lists, Path(folder), self.about())
            return None
        stored_lists.check(lists)
        return lists

    def plans(self) -> tuple[StoredPlan, ...]:
        """The plans stored for this source up to this date, oldest first; none in a JupyterLab of its own."""
        folder = self._reports()
        return stored_lists.stored(folder, self.as_of) if folder else ()

    def about(self) -> dict[str, Any]:
        """What describes the data behind a publication, ready for JSON."""
        cards = self.card.tables
        return {
            "source": self.source,
            "title": self.title,
            "as_of": self.as_of.isoformat(),
            "language": self.language,
            "currency": self.settings.currency,
            "fingerprint": self.card.fingerprint,
            "rows": {
                t.table: {"read": t.n_read, "used": t.n_used, "rejected": t.n_rejected, "after": t.n_after}
                for t in cards
            },
            "last_on": {t.table: t.last_on.isoformat() if t.last_on else None for t in cards},
            "problems": dict(self.card.problems),
            "version": __version__,
        }

    def published(self, topic: str) -> Publication | None:
        """What `topic` published for this source and date; None where there is nothing yet.

        A run with a label reads what the same run has made, and else the usual pages of the date.
        """
        folder, day = self._reports(), self.as_of.isoformat()
        if not folder:
            return None
        own = Path(os.environ.get("CRM_PUBLISH_TO", "")).parent
        labelled = _read(own, topic) if own.name.startswith(f"{day}+") and own.parent == folder else None
        return labelled or _read(folder / day, topic)

    def published_all(self) -> dict[str, Publication | None]:
        """What each topic before this one published for this source and date; None for those that did not."""
        before = TOPICS[self.topic].after if self.topic else tuple(TOPICS)
        return {topic: self.published(topic) for topic in before}

    def previous(self, topic: str) -> Publication | None:
        """What `topic` published for the newest earlier date; None where there is none."""
        folder = self._reports()
        if not folder or not folder.is_dir():
            return None
        days = sorted((d for d in map(_as_day, folder.iterdir()) if d and d < self.as_of), reverse=True)
        found = (_read(folder / day.isoformat(), topic) for day in days)
        return next((p for p in found if p is not None), None)

    def _reports(self) -> Path | None:
        named = os.environ.get("CRM_REPORTS", "")
        return Path(named) / self.source if named else None


def _as_day(folder: Path) -> dt.date | None:
    try:
        return dt.date.fromisoformat(folder.name)
    except ValueError:
        return None


def _read(folder: Path, topic: str) -> Publication | None:
    try:
        return publications.read(folder, topic)
    except FileNotFoundError:
        return None
