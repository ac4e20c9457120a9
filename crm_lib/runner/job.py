"""What is to be run: one notebook (a job), and what all jobs of one command share (an order)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One notebook to run: its topic, title and question, the file, and every parameter's value."""

    topic: str
    title: str
    question: str
    notebook: Path
    parameters: Mapping[str, Any]
    command: str = ""


@dataclass(frozen=True)
class Order:
    """What one command asks for: source and date, where pages go, and the jobs.

    `left_out` names topics whose tables the source lacks; `refused` topics whose data failed the check, with
    the words for it. `n_at_once` and `minutes` limit the run.
    """

    source: str
    source_title: str
    as_of: dt.date
    reports: Path
    jobs: tuple[Job, ...]
    language: str = "en"
    label: str = ""
    minutes: float = 20
    n_at_once: int = 1
    run_date: dt.date | None = None
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of this source and date."""
        name = self.as_of.isoformat() + (f"+{self.label}" if self.label else "")
        return self.reports / self.source / name
