"""Whether the data behind a page are fresh enough for its date."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.theme import words


def settle(folder: Path, document: dict[str, Any] | None, fresh_days: int | None) -> dict[str, Any] | None:
    """The publication, with what is to be said of stale data under `stale` and at the head of alerts and notes.

    The file in `folder` is written again when there is something to say.
    """
    said = stale(document, fresh_days) if document else ""
    if not said:
        return document
    settled = {
        **document,
        "stale": said,
        "alerts": [said, *document.get("alerts", [])],
        "notes": [said, *document.get("notes", [])],
    }
    text = json.dumps(settled, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    (folder / f"{settled['topic']}.figures.json").write_text(text, encoding="utf-8")
    return settled


def stale(document: Mapping[str, Any], fresh_days: int | None) -> str:
    """A sentence when a table that the topic needs ends longer ago than allowed; empty when none is known to.

    Of several such tables the one that ends first counts; tables that are only useful don't. Age is counted to the
    date of the report, not to today: a page of an old date is as fresh as it was then.
    """
    about = document.get("about") or {}
    last_on = about.get("last_on") or {}
    ends = [(dt.date.fromisoformat(last_on[t]), t) for t in _needed(document["topic"], last_on) if last_on[t]]
    if fresh_days is None or not ends or not about.get("as_of"):
        return ""
    newest, table = min(ends)
    age = (dt.date.fromisoformat(about["as_of"]) - newest).days
    if age <= fresh_days:
        return ""
    said = words.ngettext(
        "The newest row of {table} is of {day}, {age} before the date of this report; at most {n} day is allowed.",
        "The newest row of {table} is of {day}, {age} before the date of this report; "
        "at most {n} days are allowed.",
        fresh_days,
    )
    counted = words.ngettext("{n} day", "{n} days", age).format(n=words.number(age))
    return said.format(table=table, day=words.day(newest), age=counted, n=words.number(fresh_days))


def _needed(topic: str, there: Collection[str]) -> tuple[str, ...]:
    """The tables that the topic stands on in this source: of its alternatives the first that is whole."""
    ways = TOPICS[topic].needs if topic in TOPICS else ()
    return next((way for way in ways if all(table in there for table in way)), ())
