"""The key figures of an index page: the five indicators and the first figure of each report, with their change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from crm_lib.contract.publication import INDICATORS
from crm_lib.contract.topics import TOPICS
from crm_lib.runner import figures, verdict
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

# Which topic publishes each indicator of the index.
INDICATOR_TOPICS = {
    "satisfaction": "satisfaction",
    "loyalty": "retention",
    "conversion": "funnel",
    "lifetime_value": "clv",
    "participation": "campaigns",
}


@dataclass(frozen=True)
class Tile:
    """A key figure: its words, value, interval, change since the date before, and its line over all dates."""

    label: str
    value: str
    interval: str = ""
    reason: str = ""
    change: str = ""
    tone: str = ""
    line: Markup | str = ""


def of_date(folder: Path, earlier: list[Path], latest: dict[str, Any], left_out: dict[str, Any]) -> list[Tile]:
    """The indicators that are known, the first other figure of each report, then the indicators that are not."""
    now = {topic: figures.by_name(figures.read(folder, topic)) for topic in latest}
    found = {name: figure for document in now.values() for name, figure in document.items()}
    known = [name for name in INDICATORS if name in found and found[name]["value"] is not None]
    indicators = [_tile(found[name], _series(earlier, name, found[name])) for name in known]
    absent = [
        Tile(_indicator_words(name), "–", reason=_why_absent(name, found.get(name), latest, left_out))
        for name in INDICATORS
        if name not in known
    ]
    heads = []
    for document in now.values():
        others = [f for f in document.values() if f["name"] not in INDICATORS and f["value"] is not None]
        if others:
            heads.append(_tile(others[0], _series(earlier, others[0]["name"], others[0])))
    return [*indicators, *heads, *absent]


def _tile(figure: dict[str, Any], series: list[float]) -> Tile:
    value, unit = figure["value"], figure["unit"]
    change, tone = _change(figure, series[-2]) if len(series) > 1 else ("", "")
    return Tile(
        label=figure["words"] or figure["name"].replace("_", " "),
        value=figures.said(value, unit, brief=True),
        interval=words.interval(figure["low"], figure["high"], _form(unit), figure["n"]),
        change=change,
        tone=tone,
        line=sparkline(series),
    )


def _change(figure: dict[str, Any], before: float) -> tuple[str, str]:
    """How the figure moved in words, and its tone: of the indicators alone it is known that more is better."""
    value = figure["value"]
    moved = figures.change(value, before, figure["unit"])
    if not any(digit in moved for digit in "123456789"):
        return _("unchanged"), ""
    rose = value > before
    tone = ("ok" if rose else "no") if figure["name"] in INDICATORS else ""
    return f"{'▲' if rose else '▼'} {moved}", tone


def _form(unit: str) -> Any:
    return lambda value: figures.said(value, unit, brief=True)


def _series(earlier: list[Path], name: str, figure: dict[str, Any]) -> list[float]:
    """The figure's values over all earlier dates and this one, where its unit stayed the same."""
    values = []
    for folder in earlier:
        for path in sorted(folder.glob("*.figures.json")):
            before = figures.by_name(figures.read(folder, path.name.removesuffix(".figures.json"))).get(name)
            if before and before["value"] is not None and before["unit"] == figure["unit"]:
                values.append(before["value"])
                break
    return [*values, figure["value"]]


def sparkline(values: list[float]) -> Markup | str:
    """A small line of at least two values, drawn in the page itself."""
    if len(values) < 2:
        return ""
    low, span = min(values), (max(values) - min(values)) or 1
    step = 82 / (len(values) - 1)
    places = " ".join(f"{4 + i * step:.0f},{19 - 16 * (v - low) / span:.0f}" for i, v in enumerate(values))
    return Markup(
        '<svg width="90" height="22" viewBox="0 0 90 22" aria-hidden="true">'
        '<polyline fill="none" stroke="currentColor" stroke-width="1.6" points="{}"/></svg>'
    ).format(places)


def _indicator_words(name: str) -> str:
    return {
        "satisfaction": _("Satisfaction"),
        "loyalty": _("Loyalty"),
        "conversion": _("Conversion"),
        "lifetime_value": _("Lifetime value"),
        "participation": _("Participation"),
    }[name]


def _why_absent(name: str, figure: dict[str, Any] | None, latest: dict[str, Any], left_out: dict[str, Any]) -> str:
    topic = INDICATOR_TOPICS[name]
    if figure is not None:
        return figure["words"] or _("the data can't bear this number")
    if topic in left_out:
        return _("not known: no table {tables}").format(tables=", ".join(left_out[topic]))
    if topic in latest and latest[topic]["state"] not in verdict.GOOD:
        return _("not known: {title} was not made").format(title=latest[topic]["title"])
    if topic in latest:
        return _("not measured by this source")
    return _("no report gives it yet") if topic not in TOPICS else _("its report was not asked for")
