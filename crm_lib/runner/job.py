"""What is to be run: one notebook (a job), and what all jobs of one command share (an order)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_lib.contract.reporting import Reporting
from crm_lib.contract.topics import TOPICS


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
    the words for it. `n_at_once`, `minutes` and `memory_mb` (of one kernel; 0: no limit) limit the run;
    `reporting` is what crm.toml says of the reports. A page that would come out the same is not made again, unless
    `force` says so or the `fingerprint` of the data is not given; `settings` stands for all of crm.toml. `wait_s`
    is how long to wait for another run of the same source and date.
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
    reporting: Reporting = field(default_factory=Reporting)
    fingerprint: str = ""
    settings: str = ""
    force: bool = False
    memory_mb: int = 0
    wait_s: float = 0

    @property
    def folder(self) -> Path:
        """The folder of this source and date."""
        name = self.as_of.isoformat() + (f"+{self.label}" if self.label else "")
        return self.reports / self.source / name


def waves(jobs: tuple[Job, ...]) -> list[list[Job]]:
    """Jobs that may run at once, wave after wave: what reads other topics begins when these are in their place."""
    made: list[list[Job]] = []
    rest = list(jobs)
    while rest:
        waiting = {job.topic for job in rest}
        ready = [job for job in rest if not waiting & set(_after(job.topic))] or rest
        made.append(ready)
        rest = [job for job in rest if job not in ready]
    return made


def _after(topic: str) -> tuple[str, ...]:
    return TOPICS[topic].after if topic in TOPICS else ()
