"""A worker process: started in a session of its own, followed by its events, ended with all that it started."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from crm_lib.runner.verdict import Verdict

GRACE_S = 20
_THREAD_CAPS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def environment(made: Path, reports: Path, run_date: dt.date | None) -> dict[str, str]:
    """The worker's environment: where to publish, the logical day, one thread per library, a fixed hash seed."""
    named = {
        "CRM_PUBLISH_TO": str(made.resolve()),
        "CRM_REPORTS": str(reports.resolve()),
        "PYTHONHASHSEED": "0",
    }
    if run_date:
        named["CRM_RUN_DATE"] = run_date.isoformat()
    return os.environ | dict.fromkeys(_THREAD_CAPS, "1") | named


def work(
    task: Mapping[str, Any], environment: Mapping[str, str], errors: Path, alive: set[int]
) -> tuple[Verdict | None, bool]:
    """Let a worker do a task: its verdict (None when it died without one), and whether it was ended as too late.

    Its standard error goes to the file `errors`; the processes that live are kept in `alive`.
    """
    with errors.open("w", encoding="utf-8") as sink, tempfile.TemporaryDirectory(prefix="crm") as scratch:
        return _attend(task, {**environment, "TMPDIR": scratch}, sink, alive)


def kill(pids: Iterable[int]) -> None:
    """End these processes and all in their groups."""
    for pid in list(pids):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _attend(
    task: Mapping[str, Any], environment: Mapping[str, str], sink: IO[str], alive: set[int]
) -> tuple[Verdict | None, bool]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "crm_lib.runner.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sink,
        text=True,
        env=environment,
        start_new_session=True,
    )
    pids, late = {worker.pid}, threading.Event()
    watch = threading.Timer(task["minutes"] * 60 + GRACE_S, lambda: (late.set(), kill(pids)))
    watch.start()
    alive.add(worker.pid)
    found = None
    try:
        found = _follow(worker, json.dumps(task), pids, alive)
    finally:
        watch.cancel()
        if found is None:  # the worker did not end its kernel itself
            kill(pids)
        worker.wait()
        worker.stdout.close()
        alive.difference_update(pids)
    return found, late.is_set()


def _follow(worker: subprocess.Popen[str], task: str, pids: set[int], alive: set[int]) -> Verdict | None:
    found = None
    with suppress(BrokenPipeError):
        worker.stdin.write(task)
        worker.stdin.close()
    for line in worker.stdout:
        event = _event(line)
        if "kernel" in event:
            pids.add(event["kernel"])
            alive.add(event["kernel"])
        if "verdict" in event:
            found = Verdict(**event["verdict"])
    return found


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
