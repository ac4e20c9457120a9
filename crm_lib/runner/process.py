"""A worker process: started in a session of its own, followed by its events, ended with all that it started."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crm_lib.runner.evidence.verdict import Verdict
from crm_lib.runner.kernels import forked

GRACE_S = 20
_THREAD_CAPS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def base_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment with one thread per library and a fixed hash seed: what warm processes begin with."""
    return (
        dict(os.environ if given is None else given) | dict.fromkeys(_THREAD_CAPS, "1") | {"PYTHONHASHSEED": "0"}
    )


def environment(made: Path, reports: Path, run_date: dt.date | None, kernels: str = "") -> dict[str, str]:
    """A worker's environment: where to publish, the logical day, and where warm kernels are to be had."""
    named = {"CRM_PUBLISH_TO": str(made.resolve()), "CRM_REPORTS": str(reports.resolve())}
    if run_date:
        named["CRM_RUN_DATE"] = run_date.isoformat()
    if kernels:
        named[forked.ADDRESS] = kernels
    return base_environment() | named


def work(
    task: Mapping[str, Any],
    environment: Mapping[str, str],
    errors: Path,
    alive: set[int],
    workers: forked.WarmProcess | None = None,
) -> tuple[Verdict | None, dict[str, Any], bool]:
    """Let a worker do a task: its verdict (None when it died without one), what it cost, whether it was too late.

    Its standard error goes to the file `errors`; the processes that live are kept in `alive`. The worker is forked
    from `workers` where that is given and answers, else started.
    """
    scratch = forked.short_folder()
    try:
        with errors.open("wb") as sink:
            return _attend(task, {**environment, "TMPDIR": str(scratch)}, sink.fileno(), alive, workers)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def kill(pids: Iterable[int]) -> None:
    """End these processes and all in their groups."""
    for pid in list(pids):
        forked.end_group(pid)


def _attend(
    task: Mapping[str, Any],
    environment: Mapping[str, str],
    sink: int,
    alive: set[int],
    workers: forked.WarmProcess | None,
) -> tuple[Verdict | None, dict[str, Any], bool]:
    orders, give = os.pipe()
    hear, events = os.pipe()
    try:
        worker = _start((orders, events, sink), environment, workers)
    except BaseException:
        os.close(give)
        os.close(hear)
        raise
    finally:
        os.close(orders)
        os.close(events)
    pids, late = {worker.pid}, threading.Event()
    watch = threading.Timer(task["minutes"] * 60 + GRACE_S, lambda: (late.set(), kill(pids)))
    watch.start()
    alive.add(worker.pid)
    found, cost = None, {}
    try:
        found, cost = _follow(give, hear, json.dumps(task), pids, alive)
    finally:
        watch.cancel()
        if found is None:  # the worker did not end its kernel itself
            kill(pids)
        worker.wait()
        alive.difference_update(pids)
    return found, cost, late.is_set()


def _start(
    streams: tuple[int, int, int], environment: Mapping[str, str], workers: forked.WarmProcess | None
) -> subprocess.Popen[bytes] | forked.Forked:
    if workers:
        with suppress(forked.Unavailable):
            return forked.Forked(workers.address, streams, environment, os.getcwd())
    orders, events, sink = streams
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "crm_lib.runner.worker"],
        stdin=orders,
        stdout=events,
        stderr=sink,
        env=dict(environment),
        start_new_session=True,
    )


def _follow(
    give: int, hear: int, task: str, pids: set[int], alive: set[int]
) -> tuple[Verdict | None, dict[str, Any]]:
    """Hand over the task and listen. The way in stays open until the end: a worker that sees it closed stops."""
    found, cost = None, {}
    with open(give, "w", encoding="utf-8") as orders, open(hear, encoding="utf-8") as events:
        with suppress(BrokenPipeError):
            orders.write(task + "\n")
            orders.flush()
        for line in events:
            event = _event(line)
            if "kernel" in event:
                pids.add(event["kernel"])
                alive.add(event["kernel"])
            if "verdict" in event:
                found, cost = Verdict(**event["verdict"]), event.get("cost", {})
        with suppress(BrokenPipeError):
            orders.close()
    return found, cost


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
