"""Runs an order: as many notebooks at once as asked, each in a process group, then the record and the index."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from crm_lib import __version__
from crm_lib.errors import ReportFailed
from crm_lib.runner import process, transient
from crm_lib.runner.evidence import privacy, verdict
from crm_lib.runner.evidence.verdict import Verdict
from crm_lib.runner.job import Job, Order, waves
from crm_lib.runner.kernels import forked, scrubbing
from crm_lib.runner.kernels.forked import WarmPair
from crm_lib.runner.pages import failure, index
from crm_lib.runner.progress import Lines
from crm_lib.runner.store import archive, lists, lock, record, unchanged
from crm_lib.runner.store.record import Outcome, minute
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

_INDEX_WAIT_S = 60


@dataclass(frozen=True)
class Run:
    """All outcomes of one order, and its index page."""

    outcomes: tuple[Outcome, ...]
    index: Path

    @property
    def exit_code(self) -> int:
        """0 when all is well, else the code of what is gravest (see `verdict.gravest`)."""
        return verdict.gravest(o.verdict.exit_code for o in self.outcomes)


@dataclass
class _Shift:
    """What the threads of one run share: when it began, and the processes that are alive."""

    order: Order
    start: str
    began: dt.datetime
    commit: str
    log: Path
    warm: WarmPair | None = None
    secrets: tuple[str, ...] = field(default_factory=scrubbing.secrets)
    alive: set[int] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """End every worker and kernel; what they leave is told to nobody."""
        self.stopped.set()
        process.kill(self.alive)

    def note(self, text: str) -> None:
        """Append to the log of the run what may be told."""
        with self.lock, self.log.open("a", encoding="utf-8") as file:
            file.write(self.clean(text).rstrip() + "\n")

    def clean(self, text: str) -> str:
        """What may be told: record, index, mail and terminal repeat it, each in its own way."""
        return privacy.scrub(text, self.secrets)


def report(
    order: Order, progress: Lines | None = None, now: dt.datetime | None = None, warm: WarmPair | None = None
) -> Run:
    """Make every report of the order; a failure of one leaves the others and the last good page alone.

    Without `warm` every worker and kernel is a process started from nothing.

    Raises
    ------
    Busy
        Another run is making the same pages.
    ReportFailed
        Nothing can be written where the pages should go.
    """
    progress = progress or Lines()
    words.use(order.language)
    forked.sweep()
    order = replace(order, source_title=scrubbing.text(order.source_title, scrubbing.secrets()))
    try:
        with lock.held(order.folder / archive.LOCK, order.wait_s, progress.waits) as alone:
            archive.sweep(order.folder, alone)
            return _report(order, progress, now or dt.datetime.now().astimezone(), warm)
    except OSError as error:
        reason, place = error.strerror or type(error).__name__, Path(str(error.filename or order.folder)).name
        raise ReportFailed(f"The reports can't be written: {reason} ({place}).") from error


def _report(order: Order, progress: Lines, began: dt.datetime, warm: WarmPair | None) -> Run:
    start = archive.begin(order.folder, began)
    log = order.folder / "runs" / f"{start}.log"
    shift = _Shift(order, start, began, record.commit(order.reports.parent), log, warm)
    found: list[Outcome] = []
    with progress:
        found += _turned_away(shift, progress)
        for jobs in waves(tuple(job for job in order.jobs if job.topic not in order.refused)):
            found += _wave(shift, jobs, progress)
    outcomes = _in_order(order, found)
    written = record.of_run(order, start, began, shift.commit, outcomes)
    archive.write_record(order.folder, start, scrubbing.inside(written, shift.secrets))
    with lock.held(order.reports / ".lock", _INDEX_WAIT_S):
        index.write(order.reports, order.folder)
    return Run(outcomes, order.folder / archive.index_name(order.language))


def _turned_away(shift: _Shift, progress: Lines) -> list[Outcome]:
    """The topics whose data did not pass the check, for which no kernel starts; one cause is told once for all."""
    outcomes = [_refused(shift, job) for job in shift.order.jobs if job.topic in shift.order.refused]
    causes: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        causes.setdefault(outcome.verdict.line, []).append(outcome)
    for same in causes.values():
        progress.finished(", ".join(o.job.topic for o in same), same[0].verdict, 0.0)
    return outcomes


def _refused(shift: _Shift, job: Job) -> Outcome:
    said = shift.clean(shift.order.refused[job.topic])
    found = verdict.both(lambda: verdict.refused(said))
    shift.note(f"== {job.topic}: {said}")
    return Outcome(job, found, 0.0, _tell_failure(shift, job, found))


def _wave(shift: _Shift, jobs: list[Job], progress: Lines) -> list[Outcome]:
    settled = [outcome for job in jobs if (outcome := _unchanged(shift, job))]
    known = {outcome.job.topic for outcome in settled}
    rest = [job for job in jobs if job.topic not in known]
    if shift.warm and rest:
        shift.warm.ready(job.notebook for job in shift.order.jobs)
    for outcome in settled:
        progress.finished(outcome.job.topic, outcome.verdict, 0.0)
    return [*settled, *(_all(shift, rest, progress) if rest else [])]


def _all(shift: _Shift, jobs: list[Job], progress: Lines) -> list[Outcome]:
    for job in jobs:
        progress.waiting(job.topic)
    took = record.last_seconds(shift.order)
    jobs = sorted(jobs, key=lambda job: -took.get(job.topic, float("inf")))  # the longest first
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


def _unchanged(shift: _Shift, job: Job) -> Outcome | None:
    """How a topic ends for which no kernel starts, since its page would come out the same; else None."""
    last = unchanged.standing(shift.order, job)
    if last is None:
        return None
    still_stale = verdict.EXIT_STALE if last["state"] == verdict.STALE else verdict.EXIT_FINE
    found = Verdict(verdict.UNCHANGED, last["message"], still_stale)
    page = shift.order.folder / archive.page_name(job.topic, shift.order.language)
    return Outcome(job, found, 0.0, page, key=last["key"])


def _one(shift: _Shift, job: Job, progress: Lines) -> Outcome:
    """Run one job aside and put what it made in its place."""
    order, clock = shift.order, time.monotonic()
    progress.started(job.topic)
    key, cost, retried = unchanged.key(order, job), {}, ""
    page = order.folder / archive.page_name(job.topic, order.language)
    made: Path | None = None
    try:
        made = archive.aside(order.folder, job.topic, shift.start)
        found, cost, retried = _tried(shift, job, made)
        if shift.stopped.is_set():
            raise KeyboardInterrupt
        if found.good:
            archive.install(made, order.folder, job.topic, order.language)
            lists.install(made, order.folder)
        else:
            page = _tell_failure(shift, job, found, made)
    except OSError as error:  # a full disk: the others may still fit, and whatever stood there stands
        reason = error.strerror or type(error).__name__
        found = verdict.both(lambda: _unwritten(reason))
    finally:
        if made:
            shutil.rmtree(made, ignore_errors=True)
    return Outcome(job, found, time.monotonic() - clock, page, cost, key, retried)


def _unwritten(reason: str) -> Verdict:
    said = _("The page can't be written: {reason}.").format(reason=reason)
    return Verdict(verdict.FAILED, said, verdict.EXIT_FAILED)


def _tried(shift: _Shift, job: Job, made: Path) -> tuple[Verdict, Mapping[str, Any], str]:
    """Verdict and cost of a job, and why it was tried twice: the second time in processes started from nothing."""
    found, cost = _work(shift, job, made, shift.warm)
    if found.good or not found.transient or shift.stopped.wait(transient.PAUSE_S):
        return found, cost, transient.of_starts(cost)
    retried = found.transient
    shift.note(f"== {job.topic}: tried again, since {retried}")
    shutil.rmtree(made)
    made.mkdir()
    found, cost = _work(shift, job, made, None)
    return found, cost, retried


def _work(shift: _Shift, job: Job, made: Path, warm: WarmPair | None) -> tuple[Verdict, Mapping[str, Any]]:
    """The verdict of a worker process, or one on its death, and what it cost."""
    order, errors = shift.order, made / "stderr"
    kernels, workers = (warm.kernels.address, warm.workers) if warm else ("", None)
    environment = process.environment(made, order.reports, order.run_date, kernels)
    found, cost, late = process.work(_task(shift, job, made), environment, errors, shift.alive, workers)
    shift.note(f"== {job.topic}: {found.state if found else 'no verdict'} ({job.command})")
    shift.note(errors.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        found = verdict.both(lambda: verdict.timed_out(order.minutes) if late else verdict.killed())
    if found.state == verdict.KILLED:
        found = replace(found, transient=transient.of_death(warm))
    return replace(found, message=shift.clean(found.message), english=shift.clean(found.english)), cost


def _task(shift: _Shift, job: Job, made: Path) -> dict[str, Any]:
    order = shift.order
    return {
        "topic": job.topic,
        "title": job.title,
        "notebook": str(job.notebook.resolve()),
        "parameters": dict(job.parameters),
        "command": job.command,
        "folder": str(made),
        "place": str(order.folder.resolve()),
        "thresholds": {name: asdict(limit) for name, limit in order.reporting.thresholds.items()},
        "phone_like_ids": order.reporting.phone_like_ids,
        "fresh_days": order.reporting.fresh_days,
        "page": archive.page_name(job.topic, order.language),
        "language": order.language,
        "minutes": order.minutes,
        "memory_mb": order.memory_mb,
        "source_title": order.source_title,
        "as_of": order.as_of.isoformat(),
        "made_at": minute(shift.began),
        "version": __version__,
        "commit": shift.commit,
    }


def _tell_failure(shift: _Shift, job: Job, found: Verdict, made: Path | None = None) -> Path:
    return failure.write(shift.order, job, found, minute(shift.began), shift.log.name, made)


def _in_order(order: Order, outcomes: list[Outcome]) -> tuple[Outcome, ...]:
    place = {job.topic: i for i, job in enumerate(order.jobs)}
    return tuple(sorted(outcomes, key=lambda outcome: place[outcome.job.topic]))


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
