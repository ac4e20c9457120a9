"""The index pages, rebuilt each time from the records of runs and the published figures."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.runner import archive, frame, tiles, verdict
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext


@dataclass(frozen=True)
class Row:
    """A report in the table: its question, where it leads, its state and one line."""

    question: str
    address: str
    icon: str
    word: str
    tone: str
    line: str
    notes: tuple[str, ...] = ()
    last_good: tuple[str, str] | None = None


@dataclass(frozen=True)
class Dated:
    """One date of one source in the index over all: what was made and how it ended."""

    day: dt.date
    label: str
    address: str
    states: Counter[str]
    made_at: str

    @property
    def words(self) -> str:
        """How many reports are in which state."""
        return headline(self.states)


def write(reports: Path, folder: Path) -> None:
    """Rebuild the index of one date, then the index over all sources and dates."""
    runs = archive.records(folder)
    if runs:
        words.use(runs[-1]["language"])
        archive.write(folder / "index.html", page_of_date(folder, runs))
    archive.write(reports / "index.html", page_of_all(reports))


def page_of_date(folder: Path, runs: list[dict[str, Any]]) -> str:
    """The index of one source and date: headline, key figures, state of each report, other dates."""
    last = runs[-1]
    latest = newest_by_topic(runs)
    left_out = {t: tables for t, tables in last["left_out"].items() if t not in latest}
    day, label = dt.date.fromisoformat(last["as_of"]), last["label"]
    others = archive.dated(folder.parent)
    earlier = [where for on, other, where in others if other == label and on < day]
    return frame.render(
        "index.html.j2",
        source=last["source_title"],
        as_of=day,
        label=label,
        made_at=last["made_at"],
        headline=headline(Counter(report["state"] for report in latest.values())),
        compared=words.day(dt.date.fromisoformat(earlier[-1].name[:10])) if earlier else "",
        tiles=tiles.of_date(folder, earlier, latest, left_out),
        rows=[_row(folder, report, last["language"]) for report in latest.values()],
        left_out=[_left_out(topic, tables) for topic, tables in left_out.items()],
        others=[_other(on, other, where) for on, other, where in reversed(others) if where != folder],
        version=last["version"],
        commit=last["commit"],
    )


def page_of_all(reports: Path) -> str:
    """The index over all sources and dates, newest first."""
    sources: list[tuple[str, str, list[Dated]]] = []
    for folder in sorted(p for p in reports.iterdir() if p.is_dir() and not p.name.startswith(".")):
        dates = [_dated(day, label, where) for day, label, where in archive.dated(folder)[::-1]]
        if dates:
            title = archive.records(folder / Path(dates[0].address).parent.name)[-1]["source_title"]
            sources.append((title, folder.name, dates))
    sources.sort(key=lambda source: source[2][0].day, reverse=True)
    newest = [dates[0].states for _title, _name, dates in sources]
    return frame.render("index_all.html.j2", sources=sources, headline=headline(sum(newest, Counter())))


def newest_by_topic(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest attempt of each topic, in the catalogue's order, other topics after it."""
    newest = {report["topic"]: report for run in runs for report in run["reports"]}
    known = [topic for topic in TOPICS if topic in newest]
    return {topic: newest[topic] for topic in [*known, *sorted(set(newest) - set(known))]}


def headline(states: Counter[str]) -> str:
    """How the reports stand, as a sentence.

    >>> headline(Counter({"fine": 4, "failed": 1}))
    'Four reports are fine, one failed'
    """
    counts = (
        states[verdict.FINE],
        states[verdict.NOTES],
        sum(states[s] for s in (verdict.FAILED, verdict.TIMED_OUT, verdict.KILLED)),
        states[verdict.NO_DATA],
    )
    if not sum(counts):
        return _("No report has been made yet")
    said = [_counted(kind, n) for kind, n in enumerate(counts) if n]
    first = next(kind for kind, n in enumerate(counts) if n)
    said[0] = _counted_reports(first, counts[first], all_of_them=len(said) == 1)
    sentence = ", ".join(said)
    return sentence[:1].upper() + sentence[1:]


def _counted(kind: int, n: int) -> str:
    forms = (
        ngettext("{n} is fine", "{n} are fine", n),
        ngettext("{n} needs care", "{n} need care", n),
        ngettext("{n} failed", "{n} failed", n),
        ngettext("{n} waits for data", "{n} wait for data", n),
    )
    return forms[kind].format(n=_count_word(n))


def _counted_reports(kind: int, n: int, all_of_them: bool) -> str:
    if all_of_them and kind == 0 and n > 1:
        return _("Both reports are fine") if n == 2 else _("All {n} reports are fine").format(n=_count_word(n))
    forms = (
        ngettext("{n} report is fine", "{n} reports are fine", n),
        ngettext("{n} report needs care", "{n} reports need care", n),
        ngettext("{n} report failed", "{n} reports failed", n),
        ngettext("{n} report waits for data", "{n} reports wait for data", n),
    )
    return forms[kind].format(n=_count_word(n))


def _count_word(n: int) -> str:
    small = (_("one"), _("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine"))
    return small[n - 1] if 1 <= n <= len(small) else words.number(n)


def _row(folder: Path, report: dict[str, Any], language: str) -> Row:
    icon, word, tone = verdict.state_words(report["state"])
    good = report["state"] in verdict.GOOD
    found = None if good else archive.last_good(folder, report["topic"], language)
    return Row(
        question=report["question"],
        address=report["page"],
        icon=icon,
        word=word,
        tone=tone,
        line=report["summary"] if good else report["message"],
        notes=tuple(report["notes"]) if good else (),
        last_good=found and (_("last good report: {day}").format(day=words.day(found[0])), found[1]),
    )


def _left_out(topic: str, tables: list[str]) -> tuple[str, str]:
    question = TOPICS[topic].question if topic in TOPICS else topic
    said = ngettext("needs the table {tables}", "needs the tables {tables}", len(tables))
    return question, said.format(tables=", ".join(tables))


def _dated(day: dt.date, label: str, folder: Path) -> Dated:
    runs = archive.records(folder)
    states = Counter(report["state"] for report in newest_by_topic(runs).values())
    made_at = runs[-1]["made_at"] if runs else ""
    return Dated(day, label, f"{folder.parent.name}/{folder.name}/index.html", states, made_at)


def _other(day: dt.date, label: str, folder: Path) -> tuple[str, str]:
    return words.day(day) + (f" · {label}" if label else ""), f"../{folder.name}/index.html"


def rebuild(reports: Path) -> None:
    """Make every index page again from what lies in the folder."""
    archive.write(reports / "index.html", page_of_all(reports))
    for source in sorted(p for p in reports.iterdir() if p.is_dir() and re.match(r"\w", p.name)):
        for _day, _label, folder in archive.dated(source):
            write(reports, folder)
