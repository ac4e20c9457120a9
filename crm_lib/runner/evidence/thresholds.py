"""Thresholds of crm.toml: published figures that lie outside their bounds, or moved too far, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crm_lib.contract.reporting import Threshold
from crm_lib.contract.topics import TOPICS
from crm_lib.runner.pages import figures
from crm_lib.runner.request.parameters import did_you_mean
from crm_lib.runner.store import history
from crm_lib.theme.words import gettext as _


def with_alerts(
    document: Mapping[str, Any], before: Mapping[str, Any] | None, limits: Mapping[str, Threshold]
) -> dict[str, Any]:
    """The publication with what crossed a threshold under `alerts`, and at the head of its notes.

    A publication with notes makes "fine" into "read the notes", so nothing else needs to know of thresholds.
    """
    alerts = crossed(document, before, limits)
    return {**document, "alerts": list(alerts), "notes": [*alerts, *document.get("notes", [])]}


def settle(folder: Path, topic: str, place: Path, limits: Mapping[str, Threshold]) -> dict[str, Any] | None:
    """Read what a topic has just published into `folder`, write its alerts into the file, and return it.

    `place` is the dated folder it is meant for: the dates before it are what changes are measured against.
    """
    document = figures.read(folder, topic)
    if document is None or not limits:
        return document
    settled = with_alerts(document, history.before(place, topic), limits)
    text = json.dumps(settled, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    (folder / f"{topic}.figures.json").write_text(text, encoding="utf-8")
    return settled


def crossed(
    document: Mapping[str, Any], before: Mapping[str, Any] | None, limits: Mapping[str, Threshold]
) -> tuple[str, ...]:
    """One sentence for each threshold that a figure crosses, in the order of publication.

    `before` is the same topic's publication of the date before; without it no change is judged.
    """
    known = figures.by_name(before)
    said: list[str] = []
    for name, figure in figures.by_name(document).items():
        limit = limits.get(f"{document['topic']}.{name}", limits.get(name))
        if limit is not None and figure["value"] is not None:
            said += [*_out_of_bounds(figure, limit), *_moved(figure, known.get(name), limit)]
    return tuple(said)


def unknown(limits: Mapping[str, Threshold], documents: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Names in `limits` that none of the publications (by topic) has a figure for: a slip of the pen, perhaps."""
    names = {
        n for topic, document in documents.items() for f in figures.by_name(document) for n in (f, f"{topic}.{f}")
    }
    return tuple(sorted(set(limits) - names))


def slips(
    limits: Mapping[str, Threshold], documents: Mapping[str, Mapping[str, Any]], expected: Iterable[str]
) -> tuple[str, ...]:
    """One sentence for each name in `limits` that no report publishes, once enough has been published to know.

    `clv.orders` can be judged by what clv published, a bare `orders` when all `expected` topics have.
    """
    known = {n for topic, d in documents.items() for f in figures.by_name(d) for n in (f, f"{topic}.{f}")}
    whole = set(expected) <= set(documents)
    said = []
    for name in unknown(limits, documents):
        topic, dot, _figure = name.partition(".")
        if (topic in documents or topic not in TOPICS) if dot else whole and documents:
            wrong = _('thresholds: no report publishes a figure "{name}", so that nothing is compared.{hint}')
            said.append(wrong.format(name=name, hint=did_you_mean(name, sorted(known))))
    return tuple(said)


def _out_of_bounds(figure: Mapping[str, Any], limit: Threshold) -> list[str]:
    value, unit = figure["value"], figure["unit"]
    facts = {"figure": figures.label(figure), "value": figures.said(value, unit)}
    said = []
    if limit.at_least is not None and value < limit.at_least:
        under = _("“{figure}” is {value}; the threshold is at least {bound}.")
        said.append(under.format(**facts, bound=figures.said(limit.at_least, unit)))
    if limit.at_most is not None and value > limit.at_most:
        over = _("“{figure}” is {value}; the threshold is at most {bound}.")
        said.append(over.format(**facts, bound=figures.said(limit.at_most, unit)))
    return said


def _moved(figure: Mapping[str, Any], known: Mapping[str, Any] | None, limit: Threshold) -> list[str]:
    if limit.moves_by is None or known is None or known["value"] is None or known["unit"] != figure["unit"]:
        return []
    moved = figures.moved(figure["value"], known["value"], figure["unit"])
    if moved is None or abs(moved) <= limit.moves_by:
        return []
    rose = _("“{figure}” rose from {before} to {value}, by {change}; the threshold is {bound}.")
    fell = _("“{figure}” fell from {before} to {value}, by {change}; the threshold is {bound}.")
    return [
        (rose if moved > 0 else fell).format(
            figure=figures.label(figure),
            before=figures.said(known["value"], figure["unit"]),
            value=figures.said(figure["value"], figure["unit"]),
            change=figures.change(figure["value"], known["value"], figure["unit"]),
            bound=figures.moved_words(limit.moves_by, figure["unit"]),
        )
    ]
