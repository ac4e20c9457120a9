"""One real ipykernel over ipc sockets: no port to race for, nothing other users of the machine can read."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from crm_lib.runner.engine import COMPLETED, ERROR, EXITED, KILLED, NEVER_STARTED, TIMED_OUT

SHORTEST_WAIT_S = 0.5
MOST_FOLDER_CHARS = 60  # so that a socket's path stays below 104 bytes


class IpcClient(NotebookClient):
    """nbclient over ipc, with one deadline for all cells and a note of the cell that runs."""

    def __init__(self, nb: Any, sockets: Path, deadline: float | None, **options: Any):
        super().__init__(
            nb,
            shutdown_kernel="immediate",
            on_cell_start=self._note,
            on_cell_executed=self._finish,
            timeout_func=lambda _cell: (
                None if deadline is None else max(SHORTEST_WAIT_S, deadline - time.monotonic())
            ),
            **options,
        )
        self.sockets = sockets
        self.running: int | None = None

    def create_kernel_manager(self) -> KernelManager:
        """Make a manager whose sockets lie in our own short folder: some systems allow 104 bytes for the path."""
        self.km = AsyncKernelManager(
            kernel_name=self.kernel_name,
            transport="ipc",
            ip=str(self.sockets / "s"),
            connection_file=str(self.sockets / "c.json"),
        )
        return self.km

    def _note(self, cell: Any, cell_index: int) -> None:
        self.running = cell_index
        cell.metadata.papermill["start_time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _finish(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        if execute_reply["content"]["status"] == "ok":
            self.running = None


def run_cells(
    nb: Any,
    kernel_name: str,
    *,
    run_timeout: float | None = None,
    start_timeout: float = 60,
    on_kernel: Callable[[int], None] | None = None,
) -> tuple[str, int | None, str]:
    """Run all cells in a fresh kernel: how it ended, the index of the cell that broke, and the details."""
    deadline = time.monotonic() + run_timeout if run_timeout else None
    with _socket_folder() as sockets:
        client = IpcClient(nb, sockets, deadline, kernel_name=kernel_name, startup_timeout=int(start_timeout))
        try:
            _execute(client, on_kernel)
        except CellExecutionError as error:
            exited = error.ename == "SystemExit"
            return EXITED if exited else ERROR, client.running, str(error)
        except CellTimeoutError as error:
            return TIMED_OUT, client.running, str(error)
        except DeadKernelError as error:
            return KILLED, client.running, str(error)
        except RuntimeError as error:
            return NEVER_STARTED, client.running, str(error)
    return COMPLETED, None, ""


def _execute(client: IpcClient, on_kernel: Callable[[int], None] | None) -> None:
    with client.setup_kernel():
        if on_kernel:
            on_kernel(client.km.provisioner.pid)
        client.wait_for_reply(client.kc.kernel_info())
        for index, cell in enumerate(client.nb.cells):
            client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)


@contextmanager
def _socket_folder() -> Iterator[Path]:
    too_long = len(tempfile.gettempdir()) > MOST_FOLDER_CHARS and os.access("/tmp", os.W_OK)
    folder = Path(tempfile.mkdtemp(prefix="crm", dir="/tmp" if too_long else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
