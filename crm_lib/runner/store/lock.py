"""One run at a time for a source and date: a lock that the system lets go when its holder dies, however."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crm_lib.errors import Busy

try:
    import fcntl
except ImportError:  # a system without: runs are kept apart by their folders aside and by replacing files whole
    fcntl = None

_PAUSE_S = 0.2


@contextmanager
def held(path: Path, wait_s: float = 0.0, tell: Callable[[str], None] | None = None) -> Iterator[bool]:
    """Hold the lock of a file; True where the system really locks.

    Parameters
    ----------
    path : the lock file; it stays, and says who held it last.
    wait_s : how long to wait for another run.
    tell : told once who holds the lock, when we have to wait.

    Raises
    ------
    Busy
        Another run held the lock all the time.
    """
    deadline = time.monotonic() + wait_s
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            sure = _wait(handle, path, deadline, tell)
            if _still_there(handle, path):
                break
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # the folder was tidied away while we waited
    try:
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.truncate(handle, 0)
            now = dt.datetime.now().astimezone()
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "since": f"{now:%Y-%m-%d %H:%M}"}).encode(), 0)
        yield sure
    finally:
        os.close(handle)


def _wait(handle: int, path: Path, deadline: float, tell: Callable[[str], None] | None) -> bool:
    if fcntl is None:
        return False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if tell:
                tell(_holder(path))
                tell = None
            if time.monotonic() >= deadline:
                raise Busy(f"{_holder(path)} Nothing was done.") from None
            time.sleep(_PAUSE_S)
        except OSError:  # a file system that knows no locks
            return False


def _still_there(handle: int, path: Path) -> bool:
    with suppress(OSError):
        return os.fstat(handle).st_ino == path.stat().st_ino
    return False


def _holder(path: Path) -> str:
    who = ""
    with suppress(OSError, ValueError, KeyError):
        known = json.loads(path.read_text(encoding="utf-8"))
        who = f" (process {int(known['pid'])}, since {known['since']})"
    folder = path.parent.parent  # of runs/.lock
    return f"Another run is making {folder.parent.name} {folder.name}{who}."
