"""The index over all sources and dates: each date with its state, the five indicators, and how they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from crm_lib.contract.publication import INDICATORS
from crm_lib.runner.evidence import states, verdict
from crm_lib.runner.pages import figures, frame, tiles
from crm_lib.runner.store import archive, history
from crm_lib.theme.words import language

_MOST_DATES = 12  # of a source; those before stand in a fold


@dataclass(frozen=True)
class Value:
    """An indicator on one date: its value, and its change since the date before."""

    said: str
    change: str = ""
    tone: str = ""
    known: bool = True


@dataclass(frozen=True)
class Dated:
    """One date of one source: where its index lies, its state in icon and words, and the indicators."""

    name: str
    address: str
    icon: str
    tone: str
    words: str
    made_at: str
    counts: Counter[str]
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Source:
    """A source in the index: its dates, newest first, and the line of each indicator over them."""

    title: str
    name: str
    dates: tuple[Dated, ...]
    older: tuple[Dated, ...]
    lines: tuple[Markup | str, ...]


def page(reports: Path, languages: Sequence[tuple[str, str, str]] = ()) -> str:
    """The index over all sources and dates, the source with the newest date first."""
    folders = [p for p in reports.iterdir() if p.is_dir() and not p.name.startswith(".")]
    known = [(where, archive.dated(where)) for where in sorted(folders)]
    known = sorted((pair for pair in known if pair[1]), key=lambda pair: pair[1][-1][0], reverse=True)
    sources = [_source(where, [folder for _day, _label, folder in dates]) for where, dates in known]
    newest = sum((source.dates[0].counts for source in sources), Counter())
    return frame.render(
        "index_all.html.j2",
        languages=languages,
        sources=sources,
        headline=states.headline(newest),
        indicators=list(tiles.indicator_words().values()),
    )


def dated(folder: Path, address: str, values: tuple[Value, ...] = ()) -> Dated:
    """A date as the index shows it."""
    runs = archive.records(folder)
    counts = states.count(states.newest_by_topic(runs))
    icon, _word, tone = verdict.state_words(states.worst(counts))
    return Dated(
        name=history.name_in_words(folder),
        address=address,
        icon=icon,
        tone=tone,
        words=states.headline(counts),
        made_at=runs[-1]["made_at"] if runs else "",
        counts=counts,
        values=values,
    )


def _source(where: Path, folders: list[Path]) -> Source:
    known = {folder: _indicators(folder) for folder in folders}
    rows = []
    for folder in folders:
        before = history.earlier(folder)
        values = tuple(
            _value(known[folder].get(n), known[before[-1]].get(n) if before else None) for n in INDICATORS
        )
        rows.append(dated(folder, f"{where.name}/{folder.name}/{archive.index_in(folder, language())}", values))
    plain = [folder for folder in folders if not history.label_of(folder)]
    rows.reverse()
    return Source(
        title=archive.records(folders[-1])[-1]["source_title"],
        name=where.name,
        dates=tuple(rows[:_MOST_DATES]),
        older=tuple(rows[_MOST_DATES:]),
        lines=tuple(_line([known[folder].get(name) for folder in plain]) for name in INDICATORS),
    )


def _indicators(folder: Path) -> dict[str, dict[str, Any]]:
    documents = history.documents(folder).values()
    found = (figure for document in documents for figure in document.get("figures", []))
    return {f["name"]: f for f in found if f["name"] in INDICATORS and f["value"] is not None}


def _value(figure: dict[str, Any] | None, before: dict[str, Any] | None) -> Value:
    if figure is None:
        return Value("—", known=False)
    comparable = before is not None and before["unit"] == figure["unit"]
    change, tone = tiles.changed(figure, before) if comparable else ("", "")
    return Value(figures.said(figure["value"], figure["unit"], brief=True), change, tone)


def _line(series: list[dict[str, Any] | None]) -> Markup | str:
    known = [figure for figure in series if figure]
    return tiles.sparkline([f["value"] for f in known if f["unit"] == known[-1]["unit"]])
