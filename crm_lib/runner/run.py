"""Runs an order: as many notebooks at once as asked, each in a process group, then the record and the index."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_lib import __version__
from crm_lib.runner import archive, failure, figures, index, process, verdict
from crm_lib.runner.job import Job, Order
from crm_lib.runner.progress import Lines
from crm_lib.runner.verdict import Verdict
from crm_lib.theme import words


@dataclass(frozen=True)
class Outcome:
    """How one topic ended, and the page that tells of it (its good page, or the failure page)."""

    job: Job
    verdict: Verdict
    seconds: float
    page: Path


@dataclass(frozen=True)
class Run:
    """All outcomes of one order, and its index page."""

    outcomes: tuple[Outcome, ...]
    index: Path

    @property
    def exit_code(self) -> int:
        """0 when all is well, 2 when some input was bad, else 1."""
        return max((o.verdict.exit_code for o in self.outcomes), default=0)


@dataclass
class _Shift:
    """What the threads of one run share: when it began, and the processes that are alive."""

    order: Order
    start: str
    began: dt.datetime
    commit: str
    log: Path
    alive: set[int] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """End every worker and kernel; what they leave is told to nobody."""
        self.stopped.set()
        process.kill(self.alive)

    def note(self, text: str) -> None:
        """Append to the log of the run."""
        with self.lock, self.log.open("a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")


def report(order: Order, progress: Lines | None = None, now: dt.datetime | None = None) -> Run:
    """Make every report of the order; a failure of one leaves the others and the last good page alone."""
    progress = progress or Lines()
    began = now or dt.datetime.now().astimezone()
    words.use(order.language)
    archive.sweep(order.folder)
    start = archive.begin(order.folder, began)
    log = order.folder / "runs" / f"{start}.log"
    shift = _Shift(order, start, began, _commit(order.reports.parent), log)
    refused = [_refused(shift, job) for job in order.jobs if job.topic in order.refused]
    with progress:
        for outcome in refused:
            progress.finished(outcome.job.topic, outcome.verdict, 0.0)
        made = _all(shift, [job for job in order.jobs if job.topic not in order.refused], progress)
    outcomes = _in_order(order, [*refused, *made])
    archive.write_record(order.folder, start, _record(shift, outcomes))
    index.write(order.reports, order.folder)
    return Run(outcomes, order.folder / "index.html")


def _all(shift: _Shift, jobs: list[Job], progress: Lines) -> list[Outcome]:
    for job in jobs:
        progress.waiting(job.topic)
    outcomes = []
    with _stoppable(shift), ThreadPoolExecutor(max_workers=max(1, shift.order.n_at_once)) as pool:
        try:
            running = [pool.submit(_one, shift, job, progress) for job in jobs]
            for done in as_completed(running):
                outcome = done.result()
                outcomes.append(outcome)
                progress.finished(outcome.job.topic, outcome.verdict, outcome.seconds)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            shift.stop()
            raise
    return outcomes


def _one(shift: _Shift, job: Job, progress: Lines) -> Outcome:
    """Run one job aside and put what it made in its place."""
    order, clock = shift.order, time.monotonic()
    progress.started(job.topic)
    made = archive.aside(order.folder, job.topic, shift.start)
    try:
        found = _work(shift, job, made)
        if shift.stopped.is_set():
            raise KeyboardInterrupt
        if found.good:
            archive.install(made, order.folder, job.topic, order.language)
            page = order.folder / archive.page_name(job.topic, order.language)
        else:
            page = _tell_failure(shift, job, found)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return Outcome(job, found, time.monotonic() - clock, page)


def _work(shift: _Shift, job: Job, made: Path) -> Verdict:
    """The verdict of a worker process, or one on its death."""
    order, errors = shift.order, made / "stderr"
    environment = process.environment(made, order.reports, order.run_date)
    found, late = process.work(_task(shift, job, made), environment, errors, shift.alive)
    shift.note(f"== {job.topic}: {found.state if found else 'no verdict'} ({job.command})")
    shift.note(errors.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return verdict.timed_out(order.minutes) if late else verdict.killed()
    return found


def _task(shift: _Shift, job: Job, made: Path) -> dict[str, Any]:
    order = shift.order
    return {
        "topic": job.topic,
        "title": job.title,
        "notebook": str(job.notebook.resolve()),
        "parameters": dict(job.parameters),
        "command": job.command,
        "folder": str(made),
        "page": archive.page_name(job.topic, order.language),
        "language": order.language,
        "minutes": order.minutes,
        "source_title": order.source_title,
        "as_of": order.as_of.isoformat(),
        "made_at": _minute(shift.began),
        "version": __version__,
        "commit": shift.commit,
    }


def _refused(shift: _Shift, job: Job) -> Outcome:
    """A topic whose data did not pass the check: no kernel starts for it."""
    found = Verdict(verdict.NO_DATA, shift.order.refused[job.topic], 2)
    shift.note(f"== {job.topic}: {found.message}")
    return Outcome(job, found, 0.0, _tell_failure(shift, job, found))


def _tell_failure(shift: _Shift, job: Job, found: Verdict) -> Path:
    order = shift.order
    page = order.folder / archive.page_name(job.topic, order.language, failed=True)
    archive.write(page, failure.page(order, job, found, made_at=_minute(shift.began), log=shift.log.name))
    return page


def _in_order(order: Order, outcomes: list[Outcome]) -> tuple[Outcome, ...]:
    place = {job.topic: i for i, job in enumerate(order.jobs)}
    return tuple(sorted(outcomes, key=lambda outcome: place[outcome.job.topic]))


def _record(shift: _Shift, outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    order = shift.order
    return {
        "start": shift.start,
        "started_at": shift.began.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "made_at": _minute(shift.began),
        "source": order.source,
        "source_title": order.source_title,
        "as_of": order.as_of.isoformat(),
        "label": order.label,
        "language": order.language,
        "version": __version__,
        "commit": shift.commit,
        "reports": [_outcome_record(order, outcome) for outcome in outcomes],
        "left_out": {topic: list(tables) for topic, tables in order.left_out.items()},
    }


def _outcome_record(order: Order, outcome: Outcome) -> dict[str, Any]:
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
        "parameters": dict(outcome.job.parameters),
        "command": outcome.job.command,
    }


@contextmanager
def _stoppable(shift: _Shift) -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does, with nothing left running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: Any) -> None:
        shift.stop()
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _minute(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M")


def _commit(folder: Path) -> str:
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
