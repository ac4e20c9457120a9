"""One real ipykernel over ipc sockets: no port to race for, nothing other users of the machine can read.

Where ipc is missing, or its sockets can't be made, the kernel listens on TCP ports of this machine, with fresh
ones each time that it does not come up. A kernel is forked from the warm process when there is one.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from crm_lib.runner.kernels import forked
from crm_lib.runner.kernels.engine import COMPLETED, ERROR, EXITED, KILLED, NEVER_STARTED, TIMED_OUT, TOO_MUCH
from crm_lib.runner.kernels.provisioner import NAME as PROVISIONER

try:
    import resource
except ImportError:  # Windows
    resource = None

PROVISIONERS = "jupyter_client.kernel_provisioners"  # ours is missing until the package is installed anew
SHORTEST_WAIT_S = 0.5
IOPUB_TIMEOUT_S = 60  # outputs may lag behind on a busy machine; nbclient would drop them after 4
MOST_OUTPUT_BYTES = 10_000_000  # a page may hold 1.5 MB: more than this is a loop that prints


@dataclass
class Course:
    """How a run went: its end, the cell that broke, details, where the seconds went, how often it was started."""

    ended: str = COMPLETED
    broken: int | None = None
    detail: str = ""
    seconds: dict[str, float] = field(default_factory=lambda: {"kernel": 0.0, "imports": 0.0, "work": 0.0})
    memory_mb: int = 0
    starts: int = 1
    lasting: bool = False  # whether another start would fail as this one did


@dataclass(frozen=True)
class Watch:
    """What is done with a kernel as soon as it is there: its id is told, its memory bounded."""

    tell: Callable[[int], None] | None = None
    memory_mb: int = 0

    def started(self, pid: int) -> None:
        """Tell and bound; a system that can't bound another process leaves it be."""
        if self.tell:
            self.tell(pid)
        if self.memory_mb and hasattr(resource, "prlimit"):
            most = self.memory_mb * 1_000_000
            with suppress(OSError):
                resource.prlimit(pid, resource.RLIMIT_AS, (most, most))


class CrmClient(NotebookClient):
    """nbclient with one deadline for all cells, a cap on outputs, and a note of the cell that runs."""

    def __init__(self, nb: Any, transport: dict[str, str], deadline: float | None, **options: Any):
        super().__init__(
            nb,
            shutdown_kernel="immediate",
            on_cell_start=self._note,
            on_cell_executed=self._finish,
            iopub_timeout=IOPUB_TIMEOUT_S,
            raise_on_iopub_timeout=True,
            timeout_func=lambda _cell: (
                None if deadline is None else max(SHORTEST_WAIT_S, deadline - time.monotonic())
            ),
            **options,
        )
        self.transport = transport
        self.running: int | None = None
        self.since = 0.0
        self.n_bytes = 0
        self.seconds: dict[int, float] = {}

    @property
    def overflowed(self) -> bool:
        """Whether the notebook put out more than any page could hold."""
        return self.n_bytes > MOST_OUTPUT_BYTES

    def create_kernel_manager(self) -> KernelManager:
        """Make a manager that listens where we say and forks where that is possible."""
        self.km = AsyncKernelManager(kernel_name=self.kernel_name, **self.transport)
        if os.environ.get(forked.ADDRESS) and entry_points(group=PROVISIONERS, name=PROVISIONER):
            self.km.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
        return self.km

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """Keep an output, until there are too many: then the kernel is ended, and with it the cell."""
        self.n_bytes += _size(msg["content"])
        if not self.overflowed:
            return super().output(outs, msg, display_id, cell_index)
        end(self.km)
        return None

    def _note(self, cell: Any, cell_index: int) -> None:
        self.running, self.since = cell_index, time.monotonic()
        cell.metadata.papermill["start_time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _finish(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        self.seconds[cell_index] = time.monotonic() - self.since
        if execute_reply["content"]["status"] == "ok":
            self.running = None


def run_cells(
    nb: Any,
    kernel_name: str,
    *,
    run_timeout: float | None = None,
    start_timeout: float = 60,
    on_kernel: Callable[[int], None] | None = None,
    memory_mb: int = 0,
) -> Course:
    """Run all cells in a fresh kernel; nothing is raised for a run that failed."""
    watch = Watch(on_kernel, memory_mb)
    deadline = time.monotonic() + run_timeout if run_timeout else None
    began = time.monotonic()
    for n_starts, transport in enumerate(transports(), 1):
        with _place(transport) as where:
            options = {"kernel_name": kernel_name, "startup_timeout": int(start_timeout)}
            client = CrmClient(nb, where, deadline, **options)
            course = _course(client, watch)
        course.starts = n_starts
        started = client.code_cells_executed or course.ended != NEVER_STARTED
        late = deadline is not None and time.monotonic() > deadline
        if started or late or course.lasting or time.monotonic() - began > start_timeout:
            break
    return course


def transports() -> tuple[str, ...]:
    """Ways to reach a kernel, in the order to try: TCP thrice, as another process may take a port meanwhile."""
    return (*(("ipc",) if zmq.has("ipc") and sys.platform != "win32" else ()), "tcp", "tcp", "tcp")


def end(manager: KernelManager) -> None:
    """End a kernel and its group at once."""
    pid = getattr(manager.provisioner, "pid", None)
    if pid:
        forked.end_group(pid)


def _course(client: CrmClient, watch: Watch) -> Course:
    course = Course()
    try:
        _execute(client, watch, course)
    except CellExecutionError as error:
        course.ended, course.detail = EXITED if error.ename == "SystemExit" else ERROR, str(error)
    except CellTimeoutError as error:
        course.ended, course.detail = TIMED_OUT, str(error)
    except DeadKernelError as error:
        course.ended, course.detail = KILLED, str(error)
    except NoSuchKernel as error:
        course.ended, course.detail = NEVER_STARTED, f'There is no kernel "{error.name}" here.'
        course.lasting = True
    except (RuntimeError, OSError, zmq.ZMQError) as error:
        course.ended, course.detail = NEVER_STARTED, f"{type(error).__name__}: {error}"
    if client.overflowed:
        course.ended = TOO_MUCH
    course.broken = None if course.ended == COMPLETED else client.running
    for index, seconds in client.seconds.items():
        course.seconds["imports" if only_imports(client.nb.cells[index].source) else "work"] += seconds
    return course


def _execute(client: CrmClient, watch: Watch, course: Course) -> None:
    began = time.monotonic()
    with client.setup_kernel():
        watch.started(client.km.provisioner.pid)
        client.wait_for_reply(client.kc.kernel_info())
        course.seconds["kernel"] = time.monotonic() - began
        for index, cell in enumerate(client.nb.cells):
            client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
        course.memory_mb = peak_memory_mb(client.km.provisioner.pid)


def only_imports(source: str) -> bool:
    """Whether a cell does nothing but import.

    >>> only_imports("from math import pi"), only_imports("import math" + chr(10) + "math.pi")
    (True, False)
    """
    with suppress(SyntaxError):
        body = ast.parse(source).body
        return bool(body) and all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)
    return False


def peak_memory_mb(pid: int) -> int:
    """Most memory that a process has held, in MB; 0 where the system doesn't say."""
    with suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return round(int(status.partition("VmHWM:")[2].split()[0]) / 1000)
    return 0


def _size(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(map(_size, content.values()))
    return sum(map(_size, content)) if isinstance(content, list) else 0


@contextmanager
def _place(transport: str) -> Iterator[dict[str, str]]:
    folder = forked.short_folder()
    try:
        own = {"ip": str(folder / "s")} if transport == "ipc" else {"ip": "127.0.0.1"}
        yield {"transport": transport, "connection_file": str(folder / "c.json"), **own}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
