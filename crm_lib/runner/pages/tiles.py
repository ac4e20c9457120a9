"""The figures of an index page, each with its change and its line: five indicators, and what each report says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from crm_lib.contract.publication import INDICATORS
from crm_lib.contract.topics import TOPICS
from crm_lib.runner.evidence import verdict
from crm_lib.runner.pages import figures, moves
from crm_lib.runner.store import history
from crm_lib.theme.words import gettext as _

# Which topic publishes each indicator of the index.
INDICATOR_TOPICS = {
    "satisfaction": "satisfaction",
    "loyalty": "retention",
    "conversion": "funnel",
    "lifetime_value": "clv",
    "participation": "campaigns",
}

_FLAT = 0.05


@dataclass(frozen=True)
class Tile:
    """A figure: name, value, what it is, interval, change since the date before, and its line over all dates."""

    label: str
    value: str
    what: str = ""
    interval: str = ""
    reason: str = ""
    change: str = ""
    tone: str = ""
    line: Markup | str = ""


def indicators(
    folder: Path, earlier: history.Archive, latest: Mapping[str, Any], left_out: Mapping[str, Any]
) -> list[Tile]:
    """The five indicators, in their order; one that is not known says why."""
    found = {}
    for topic in latest:
        found |= {name: (topic, f) for name, f in figures.by_name(figures.read(folder, topic)).items()}
    made = []
    for name in INDICATORS:
        topic, figure = found.get(name, (INDICATOR_TOPICS[name], None))
        if figure is None or figure["value"] is None:
            made.append(Tile(indicator_words()[name], "—", reason=_why_absent(name, figure, latest, left_out)))
        else:
            made.append(_indicator(name, tile(topic, figure, earlier)))
    return made


def _indicator(name: str, found: Tile) -> Tile:
    """The figure under the indicator's own name, which every index page shares."""
    word = indicator_words()[name]
    led = next((lead for lead in (f"{word}: ", f"{word}：") if found.label.startswith(lead)), "")
    what = found.label.removeprefix(led)
    return replace(found, label=word, what="" if what == word else what)


def by_topic(folder: Path, earlier: history.Archive, topics: Iterable[str]) -> list[tuple[str, list[Tile]]]:
    """Every other figure that has a value, under the title of the report that publishes it."""
    made = []
    for topic in topics:
        known = figures.by_name(figures.read(folder, topic)).values()
        shown = [tile(topic, f, earlier) for f in known if f["value"] is not None and f["name"] not in INDICATORS]
        if shown:
            made.append((_(TOPICS[topic].title) if topic in TOPICS else topic, shown))
    return made


def tile(topic: str, figure: Mapping[str, Any], earlier: history.Archive) -> Tile:
    """A figure with its change since the date before and its line over all dates."""
    value, unit = figure["value"], figure["unit"]
    series = [*earlier.values(topic, figure["name"], unit), value]
    before = earlier.last(topic, figure["name"], unit)
    change, tone = changed(figure, before) if before else ("", "")
    return Tile(
        label=figures.label(figure),
        value=figures.said(value, unit, brief=True),
        interval=figures.interval(figure),
        change=change,
        tone=tone,
        line=sparkline(series),
    )


def changed(figure: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, str]:
    """How the figure moved in words, and its tone.

    Of the indicators alone it is known that more is better; a move within the intervals has no tone.
    """
    value = figure["value"]
    moved = figures.change(value, before["value"], figure["unit"])
    if not any(digit in moved for digit in "123456789"):
        return _("unchanged"), ""
    rose = value > before["value"]
    told = figure["name"] in INDICATORS and moves.beyond(before, figure) is not False
    return f"{'▲' if rose else '▼'} {moved}", ("ok" if rose else "no") if told else ""


def sparkline(values: list[float]) -> Markup | str:
    """A small line of at least two values with a dot at its end, drawn in the page itself; for eyes only.

    Its height is at least a twentieth of the values, so that a standstill looks like one.
    """
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = max(high - low, _FLAT * max(abs(low), abs(high))) or 1
    foot = (low + high - span) / 2
    step = 82 / (len(values) - 1)
    places = " ".join(f"{4 + i * step:.0f},{19 - 16 * (v - foot) / span:.0f}" for i, v in enumerate(values))
    return Markup(
        '<svg width="90" height="22" viewBox="0 0 90 22" aria-hidden="true">'
        '<polyline fill="none" stroke="currentColor" stroke-width="1.6" points="{}"/>'
        '<circle fill="currentColor" r="2" cx="{}" cy="{}"/></svg>'
    ).format(places, *places.rsplit(" ", 1)[-1].split(","))


def indicator_words() -> dict[str, str]:
    """What the five indicators are called."""
    return {
        "satisfaction": _("Satisfaction"),
        "loyalty": _("Loyalty"),
        "conversion": _("Conversion"),
        "lifetime_value": _("Lifetime value"),
        "participation": _("Participation"),
    }


def _why_absent(
    name: str, figure: Mapping[str, Any] | None, latest: Mapping[str, Any], left_out: Mapping[str, Any]
) -> str:
    topic = INDICATOR_TOPICS[name]
    if figure is not None:
        return figure["words"] or _("the data can't bear this number")
    if topic in left_out:
        return _("not known: no table {tables}").format(tables=", ".join(left_out[topic]))
    if topic in latest and latest[topic]["state"] not in verdict.GOOD:
        title = latest[topic]["title"]
        return _("not known: {title} was not made").format(title=_(title))
    if topic in latest:
        return _("not measured by this source")
    return _("its report was not asked for")
