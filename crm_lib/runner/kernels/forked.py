"""Processes forked from a warm one, and the warm ones themselves, as whoever asks for them sees them.

A forked process answers like `subprocess.Popen`: `pid`, `poll`, `wait`, `send_signal`. Where there is no fork, or
the warm process has gone, `Unavailable` is raised and the caller starts a plain process instead.
"""

from __future__ import annotations

import ast
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from crm_lib.runner.kernels import warm
from crm_lib.runner.kernels.warm import end_group

ADDRESS = "CRM_WARM_KERNELS"  # names the socket of the warm kernel process to a worker
_FOLDER = "crm-"
_MOST_FOLDER_CHARS = 60  # a socket's path must stay below 104 bytes on some systems
_LEFT_S = 24 * 3600


class Unavailable(Exception):
    """No warm process answers."""


def possible() -> bool:
    """Whether warm processes are of use here: macOS has fork, but its libraries don't survive it."""
    return sys.platform.startswith("linux") and hasattr(os, "fork") and hasattr(socket, "send_fds")


def short_folder() -> Path:
    """A new private folder with a short name, for sockets and scratch; it names the process it belongs to."""
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=_short_place()))


def sweep() -> None:
    """Remove short folders that killed processes left behind a day ago or earlier."""
    for left in Path(_short_place()).glob(f"{_FOLDER}*"):
        owner = left.name.removeprefix(_FOLDER).partition("-")[0]
        with suppress(OSError):
            ours = left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.getuid()
            if ours and time.time() - left.stat().st_mtime > _LEFT_S and owner.isdigit() and not alive(int(owner)):
                shutil.rmtree(left, ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether a process of this id is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _short_place() -> str:
    too_long = len(tempfile.gettempdir()) > _MOST_FOLDER_CHARS and os.access("/tmp", os.W_OK)
    return "/tmp" if too_long else tempfile.gettempdir()


class Forked:
    """A child of a warm process; it ends when this object's connection is closed."""

    stdin = stdout = stderr = None  # as jupyter_client expects of a process

    def __init__(
        self,
        address: str,
        streams: Sequence[int],
        environment: Mapping[str, str],
        folder: str,
        arguments: Sequence[str] = (),
    ):
        self.returncode: int | None = None
        self.connection = socket.socket(socket.AF_UNIX)
        try:
            self.connection.connect(address)
            request = {"environment": dict(environment), "folder": folder, "arguments": list(arguments)}
            warm.send(self.connection, request, tuple(streams))
            answer, _none = warm.received(self.connection)
            self.pid: int = answer["pid"]
        except (OSError, EOFError, KeyError) as error:
            self.connection.close()
            raise Unavailable(str(error)) from error

    def poll(self) -> int | None:
        """Exit code (negative: the signal that ended it), or None while it lives."""
        return self._status(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, when the process has ended; `subprocess.TimeoutExpired` when it does not in time."""
        if (code := self._status(timeout)) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal while it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Let go of the process, which ends it."""
        self.connection.close()

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self.connection], [], [], timeout)[0]:
            try:
                self.returncode = warm.received(self.connection)[0]["status"]
            except (OSError, EOFError):  # the warm process is gone, and took its children along
                self.returncode = -signal.SIGKILL
            self.connection.close()
        return self.returncode


class WarmProcess:
    """A process that imports what a role needs while the caller does other things, then forks on request."""

    def __init__(self, role: str, environment: Mapping[str, str]):
        self.folder = short_folder()
        self.address = str(self.folder / role)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(64)
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "crm_lib.runner.kernels.warm", role, str(listener.fileno())],
                pass_fds=(listener.fileno(),),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                start_new_session=True,
            )

    def ready(self, modules: Iterable[str] = ()) -> None:
        """Name what else to import; after that it answers."""
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(list(modules)).encode() + b"\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """End it and all that it forked."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:  # it is still importing
            end_group(self.process.pid)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class WarmPair:
    """One warm process for workers and one for kernels, so that a kernel holds nothing of the runner's.

    They begin to import at once, or not `at_once` but when it is known that something is to be run.
    """

    def __init__(self, environment: Mapping[str, str], at_once: bool = True):
        self.environment = dict(environment)
        self.kernels: WarmProcess | None = None
        self.workers: WarmProcess | None = None
        self.is_ready = False
        if at_once:
            self.begin()

    @property
    def alive(self) -> bool:
        """Whether both are there."""
        both = (self.kernels, self.workers)
        return all(one is not None and one.process.poll() is None for one in both)

    def begin(self) -> None:
        """Let both begin to import, unless they have."""
        if self.kernels is None:
            self.kernels = WarmProcess(warm.KERNEL, self.environment)
            self.workers = WarmProcess(warm.WORKER, self.environment)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both and all that they forked."""
        for one in (self.kernels, self.workers):
            if one is not None:
                one.close()

    def ready(self, notebooks: Iterable[Path]) -> None:
        """Let kernels import what these notebooks import; later notebooks import for themselves."""
        if self.is_ready:
            return
        self.begin()
        self.is_ready = True
        self.workers.ready()
        self.kernels.ready(dict.fromkeys(name for path in notebooks for name in imported(path)))


def imported(notebook: Path) -> list[str]:
    """Modules that a notebook's cells import, read without running them.

    `from crm_lib.show import clv` may mean a module or a name in one: both are listed.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []
    found = []
    for cell in cells:
        if cell["cell_type"] == "code":
            with suppress(SyntaxError):
                found += [n for node in ast.parse("".join(cell["source"])).body for n in _modules(node)]
    return found


def _modules(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
