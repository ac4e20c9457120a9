"""The dates of a source one after the other: which came before, and how a figure ran over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crm_lib.runner.evidence import verdict
from crm_lib.runner.pages import figures
from crm_lib.runner.store import archive
from crm_lib.theme import words


def day_of(folder: Path) -> dt.date:
    """The date of a dated folder, with or without a label."""
    return dt.date.fromisoformat(folder.name[:10])


def label_of(folder: Path) -> str:
    """The label of a dated folder; empty where it has none."""
    return folder.name[11:]


def name_in_words(folder: Path) -> str:
    """Date and label of a dated folder as a reader reads them."""
    label = label_of(folder)
    return words.day(day_of(folder)) + (f" · {label}" if label else "")


def earlier(folder: Path) -> list[Path]:
    """Folders of the dates before this one with the same label, oldest first."""
    day, label = day_of(folder), label_of(folder)
    return [where for on, other, where in archive.dated(folder.parent) if other == label and on < day]


def before(folder: Path, topic: str) -> dict[str, Any] | None:
    """What a topic published on the newest earlier date on which it did; None where it never has."""
    found = (figures.read(where, topic) for where in reversed(earlier(folder)))
    return next((document for document in found if document), None)


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """What each topic has published in a dated folder."""
    topics = sorted(path.name.removesuffix(".figures.json") for path in folder.glob("*.figures.json"))
    read = {topic: figures.read(folder, topic) for topic in topics}
    return {topic: document for topic, document in read.items() if document}


def asked(folder: Path) -> dict[str, dict[str, Any]]:
    """What the pages of a dated folder were asked for: parameters by topic, without date and language."""
    reports = (report for run in archive.records(folder) for report in run["reports"])
    return {
        report["topic"]: {n: v for n, v in report.get("parameters", {}).items() if n not in ("as_of", "language")}
        for report in reports
        if report["state"] in verdict.GOOD
    }


def unlike(one: Path, other: Path) -> set[str]:
    """Topics that were asked differently in two dated folders: their figures do not answer the same question."""
    return _unlike(asked(one), asked(other))


def _unlike(here: dict[str, dict[str, Any]], there: dict[str, dict[str, Any]]) -> set[str]:
    return {topic for topic in here.keys() & there.keys() if _differ(here[topic], there[topic])}


def _differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a parameter that both know has two values; the seed of chance changes no question."""
    return any(one[name] != other[name] for name in (one.keys() & other.keys()) - {"seed"})


class Archive:
    """The figures of dates before `now`, each file read once; topics that were asked differently are left out."""

    def __init__(self, folders: Iterable[Path], now: Path):
        self.folders = list(folders)
        wanted = asked(now)
        self._read = {folder: self._comparable(folder, wanted) for folder in self.folders}

    @staticmethod
    def _comparable(folder: Path, wanted: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        other = _unlike(asked(folder), wanted)
        return {topic: document for topic, document in documents(folder).items() if topic not in other}

    def figures(self, folder: Path, topic: str) -> dict[str, dict[str, Any]]:
        """Figures of a topic on a date, by name."""
        return figures.by_name(self._read[folder].get(topic))

    def last(self, topic: str, name: str, unit: str) -> dict[str, Any] | None:
        """The figure on the newest of the dates; None where that date does not know it, or in another unit."""
        found = self.figures(self.folders[-1], topic).get(name) if self.folders else None
        return found if found and found["value"] is not None and found["unit"] == unit else None

    def values(self, topic: str, name: str, unit: str) -> list[float]:
        """A figure's values over the dates that know it, where its unit is this one."""
        found = (self.figures(folder, topic).get(name) for folder in self.folders)
        return [f["value"] for f in found if f and f["value"] is not None and f["unit"] == unit]
