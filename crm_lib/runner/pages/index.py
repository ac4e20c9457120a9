"""The index page of a date, rebuilt each time from the records of runs and the published figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.runner.evidence import states, verdict
from crm_lib.runner.pages import compare, frame, overview, tiles
from crm_lib.runner.store import archive, history
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext

_MOST_MOVED = 6


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


def write(reports: Path, folder: Path) -> None:
    """Rebuild the index of one date and its comparison with the date before, then the index over all."""
    for language, runs in _by_language(archive.records(folder)).items():
        _write_dated(reports, folder, language, runs)
    _write_all(reports)


def _write_dated(reports: Path, folder: Path, language: str, runs: list[dict[str, Any]]) -> None:
    """Write index and comparison in a language, from the runs that spoke it."""
    earlier = history.earlier(folder)
    if earlier:
        compare.write(reports, folder.parent.name, earlier[-1].name, folder.name, language)
    words.use(language)
    _write(folder, page_of_date(folder, runs), archive.records(folder))


def _write_all(reports: Path) -> None:
    """Write the index over all sources and dates, in every language in which there are pages."""
    everything = [run for folder in _folders(reports) for run in archive.records(folder)]
    for language in _by_language(everything) or {words.SOURCE_LANGUAGE: []}:
        words.use(language)
        _write(reports, overview.page(reports, _others_of(everything)), everything)


def _write(folder: Path, page: str, runs: list[dict[str, Any]]) -> None:
    """Write an index under its name; where no run spoke English, the newest language has `index.html`, too."""
    language, spoken = words.language(), _by_language(runs)
    archive.write(folder / archive.index_name(language), page)
    if words.SOURCE_LANGUAGE not in spoken and language == next(reversed(spoken), language):
        archive.write(folder / archive.index_name(words.SOURCE_LANGUAGE), page)


def _by_language(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Runs by the language of their pages, the language of the newest run last."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: run["started_at"]):
        found[run["language"]] = [*found.pop(run["language"], []), run]
    return found


def _others_of(runs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """The other languages of an index: code, name in its own words, file."""
    codes = [code for code in _by_language(runs) if code != words.language()]
    return [(code.replace("_", "-"), words.language_name(code), archive.index_name(code)) for code in codes]


def _folders(reports: Path) -> list[Path]:
    sources = sorted(p for p in reports.iterdir() if p.is_dir() and re.match(r"\w", p.name))
    return [folder for source in sources for _day, _label, folder in archive.dated(source)]


def page_of_date(folder: Path, runs: list[dict[str, Any]]) -> str:
    """The index of one source and date: headline, indicators, state of each report, what moved, other dates."""
    last = runs[-1]
    latest = states.newest_by_topic(runs)
    left_out = {t: tables for t, tables in last["left_out"].items() if t not in latest}
    earlier = history.Archive(history.earlier(folder), folder)
    before = earlier.folders[-1] if earlier.folders else None
    moved = compare.moved(before, folder) if before else []
    moved = [m for m in moved if m.beyond and m.alike and not m.technical]
    return frame.render(
        "index.html.j2",
        phone_like_ids=last.get("phone_like_ids", False),
        languages=_others_of(archive.records(folder)),
        all_dates=archive.index_name(words.language()),
        source=last["source_title"],
        as_of=history.day_of(folder),
        label=last["label"],
        made_at=last["made_at"],
        headline=states.headline(states.count(latest)),
        compared=history.name_in_words(before) if before else "",
        compare_page=compare.file_name(before) if before else "",
        indicators=tiles.indicators(folder, earlier, latest, left_out),
        rows=[_row(folder, report, last["language"]) for report in latest.values()],
        moved=[compare.row(m) for m in moved[:_MOST_MOVED]],
        n_moved=len(moved),
        figures=tiles.by_topic(folder, earlier, latest),
        left_out=[_left_out(topic, tables) for topic, tables in left_out.items()],
        others=_others(folder),
        version=last["version"],
        commit=last["commit"],
    )


def _row(folder: Path, report: dict[str, Any], language: str) -> Row:
    icon, word, tone = verdict.state_words(report["state"])
    asked = report["question"]
    good = report["state"] in verdict.GOOD
    found = None if good else archive.last_good(folder, report["topic"], language)
    return Row(
        question=_(asked),
        address=report["page"],
        icon=icon,
        word=word,
        tone=tone,
        line=report["summary"] if good else report["message"],
        notes=tuple(report["notes"]) if good else (),
        last_good=found and (_("last good report: {day}").format(day=words.day(found[0])), found[1]),
    )


def _left_out(topic: str, tables: list[str]) -> tuple[str, str]:
    question = _(TOPICS[topic].question) if topic in TOPICS else topic
    said = ngettext("needs the table {tables}", "needs the tables {tables}", len(tables))
    return question, said.format(tables=", ".join(tables))


def _others(folder: Path) -> list[overview.Dated]:
    """The other dates of the source, newest first."""
    dates = (where for _day, _label, where in reversed(archive.dated(folder.parent)) if where != folder)
    return [
        overview.dated(where, f"../{where.name}/{archive.index_in(where, words.language())}") for where in dates
    ]


def rebuild(reports: Path) -> None:
    """Make every index page again from what lies in the folder."""
    for folder in _folders(reports):
        for language, runs in _by_language(archive.records(folder)).items():
            _write_dated(reports, folder, language, runs)
    _write_all(reports)
