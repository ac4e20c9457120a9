"""What is written down of a run: how each report ended, what it cost, and what its page depends on."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_lib import __version__
from crm_lib.runner.evidence.verdict import Verdict
from crm_lib.runner.job import Job, Order
from crm_lib.runner.pages import figures
from crm_lib.runner.store import archive, history, unchanged


@dataclass(frozen=True)
class Outcome:
    """How one topic ended, and the page that tells of it (its good page, or the failure page).

    `cost` says where the seconds went: `runner` (papermill, waiting for a process), `kernel`, `imports`, `work`,
    `page`; and `memory_mb`, the most that the kernel held. `key` stands for all that the page depends on.
    `retried` says why it was tried a second time; empty where it was not.
    """

    job: Job
    verdict: Verdict
    seconds: float
    page: Path
    cost: Mapping[str, float] = field(default_factory=dict)
    key: str = ""
    retried: str = ""


def of_run(
    order: Order, start: str, began: dt.datetime, commit: str, outcomes: tuple[Outcome, ...]
) -> dict[str, Any]:
    """The record of a run, ready for JSON."""
    return {
        "start": start,
        "started_at": archive.after_all(order.folder, began.astimezone(dt.UTC)).isoformat(timespec="microseconds"),
        "made_at": minute(began),
        "run_date": order.run_date.isoformat() if order.run_date else None,
        "source": order.source,
        "source_title": order.source_title,
        "as_of": order.as_of.isoformat(),
        "label": order.label,
        "phone_like_ids": order.reporting.phone_like_ids,
        "language": order.language,
        "version": __version__,
        "commit": commit,
        "reports": [_of_outcome(order, outcome) for outcome in outcomes],
        "left_out": {topic: list(tables) for topic, tables in order.left_out.items()},
    }


def _of_outcome(order: Order, outcome: Outcome) -> dict[str, Any]:
    good = outcome.verdict.good
    published = (figures.read(order.folder, outcome.job.topic) or {}) if good else {}
    return {
        "topic": outcome.job.topic,
        "title": outcome.job.title,
        "question": outcome.job.question,
        "state": outcome.verdict.state,
        "message": outcome.verdict.message,
        "summary": published.get("summary", ""),
        "notes": published.get("notes", []),
        "page": outcome.page.name,
        "seconds": round(outcome.seconds, 1),
        "cost": dict(outcome.cost),
        "retried": outcome.retried,
        "parameters": dict(outcome.job.parameters),
        "command": outcome.job.command,
        "key": outcome.key if good else "",
        "page_mark": unchanged.mark(outcome.page) if good else "",
    }


def last_seconds(order: Order) -> dict[str, float]:
    """How long each topic's notebook took last time, here or on the newest date before."""
    for folder in (order.folder, *reversed(history.earlier(order.folder))):
        runs = archive.records(folder)
        found = {r["topic"]: r["seconds"] for run in runs for r in run["reports"] if r.get("seconds")}
        if found:
            return found
    return {}


def minute(when: dt.datetime) -> str:
    """A time to the minute, as pages show it."""
    return when.strftime("%Y-%m-%d %H:%M")


def commit(folder: Path) -> str:
    """Short name of the commit that the project stands on; empty outside git."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
