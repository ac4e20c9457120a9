"""The index page of a date, rebuilt each time from the records of runs and the published figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.runner import archive, compare, frame, history, overview, states, tiles, verdict
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
    runs = archive.records(folder)
    if runs:
        words.use(runs[-1]["language"])
        earlier = history.earlier(folder)
        if earlier:
            compare.write(reports, folder.parent.name, earlier[-1].name, folder.name)
            words.use(runs[-1]["language"])
        archive.write(folder / "index.html", page_of_date(folder, runs))
    archive.write(reports / "index.html", overview.page(reports))


def page_of_date(folder: Path, runs: list[dict[str, Any]]) -> str:
    """The index of one source and date: headline, indicators, state of each report, what moved, other dates."""
    last = runs[-1]
    latest = states.newest_by_topic(runs)
    left_out = {t: tables for t, tables in last["left_out"].items() if t not in latest}
    earlier = history.Archive(history.earlier(folder))
    before = earlier.folders[-1] if earlier.folders else None
    moved = [m for m in compare.moved(before, folder) if m.beyond and not m.technical] if before else []
    return frame.render(
        "index.html.j2",
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


def _others(folder: Path) -> list[overview.Dated]:
    """The other dates of the source, newest first."""
    dates = (where for _day, _label, where in reversed(archive.dated(folder.parent)) if where != folder)
    return [overview.dated(where, f"../{where.name}/index.html") for where in dates]


def rebuild(reports: Path) -> None:
    """Make every index page again from what lies in the folder."""
    archive.write(reports / "index.html", overview.page(reports))
    for source in sorted(p for p in reports.iterdir() if p.is_dir() and re.match(r"\w", p.name)):
        for _day, _label, folder in archive.dated(source):
            write(reports, folder)
