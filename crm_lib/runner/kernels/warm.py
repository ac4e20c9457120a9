"""A warm process: it has imported what its children need and forks one of them per request.

Started by `forked.WarmProcess` as `python -m crm_lib.runner.kernels.warm ROLE LISTENER`, where LISTENER is the
number of a listening socket. Each connection asks for one child: a JSON request with three file descriptors in,
`{"pid": …}` and, when the child has ended, `{"status": …}` out. A connection that is closed ends its child; input
that is closed ends everything. A kernel born here is a real ipykernel, in a process and session of its own.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from typing import Any

WORKER, KERNEL = "worker", "kernel"
HEADER = struct.Struct("!I")
N_STREAMS = 3
PATIENCE_S = 10.0

# What each role needs before it knows the notebooks; a library that is missing is passed over.
MODULES = {
    WORKER: (
        "crm_lib.runner.worker",
        "papermill.execute",
        "papermill.engines",
        "nbformat.v4",
        "jupyter_client.asynchronous",
        "crm_lib.runner.kernels.kernel",
        "crm_lib.runner.pages.page",
        "nbconvert.exporters.templateexporter",
    ),
    KERNEL: (
        "ipykernel.kernelapp",
        "ipykernel.ipkernel",
        "pandas",
        "pyarrow.pandas_compat",
        "pyarrow.parquet",
        "ibis",
        "ibis.backends.duckdb",
        "ibis.backends.duckdb.converter",
        "ibis.expr.types.groupby",
        "ibis.formats.pandas",
        "matplotlib.pyplot",
        "matplotlib.backends.backend_svg",
        "scipy.optimize",
        "scipy.stats",
        "seaborn",
        "sklearn.cluster",
        "statsmodels.duration.survfunc",
    ),
}


def main() -> None:
    """Import, then fork until nobody asks any more."""
    role, listener = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    if role == KERNEL:
        if not os.environ.get("MPLBACKEND"):
            os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as ipykernel does
    else:
        from crm_lib.runner.worker import skip_slow_grammar

        skip_slow_grammar()
    load(MODULES[role])
    line = open(0, "rb", buffering=0, closefd=False).readline()  # noqa: SIM115
    if not line:
        return
    load(json.loads(line))
    gc.collect()
    gc.freeze()  # pages that the collector doesn't touch stay shared
    Server(role, listener).serve()


def load(modules: list[str] | tuple[str, ...]) -> None:
    """Import these; what fails here fails again, and is told, in the child that needs it."""
    for name in modules:
        with suppress(BaseException):
            importlib.import_module(name)


class Server:
    """Children by their connections; one thread, so that a fork copies no lock that somebody holds."""

    def __init__(self, role: str, listener: socket.socket):
        self.role, self.listener = role, listener
        self.children: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Answer until standard input is closed, then end every child."""
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for key, what in ((0, "end"), (self.listener, "ask"), (woken, "reap")):
            self.selector.register(key, selectors.EVENT_READ, what)
        while True:
            for key, _events in self.selector.select():
                if key.data == "end":
                    if not os.read(0, 4096):
                        return self._end()
                elif key.data == "ask":
                    self._answer()
                elif key.data == "reap":
                    woken.recv(4096)
                    self._reap()
                else:
                    self._dropped(key.data)

    def _answer(self) -> None:
        connection, _address = self.listener.accept()
        connection.settimeout(PATIENCE_S)
        try:
            request, streams = received(connection)
        except (OSError, ValueError):
            connection.close()
            return
        pid = forked()
        if pid == 0:
            self._become(request, streams, connection)
        for stream in streams:
            os.close(stream)
        self.children[pid] = connection
        self.selector.register(connection, selectors.EVENT_READ, pid)

    def _become(self, request: dict[str, Any], streams: list[int], connection: socket.socket) -> None:
        """Turn this fork into the child; it never returns."""
        code = 1
        try:
            os.setsid()
            self._let_go()
            adopt(request, streams)
            send(connection, {"pid": os.getpid()})
            connection.close()
            (kernel if self.role == KERNEL else worker)(request["arguments"])
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:  # told in the log, as the interpreter would
            sys.excepthook(*sys.exc_info())
        finally:
            with suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _let_go(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.selector.close()
        self.listener.close()
        for other in self.children.values():
            other.close()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status, _usage = os.wait4(-1, os.WNOHANG)
                if not pid:
                    return
                connection = self.children.pop(pid, None)
                if connection:
                    self.selector.unregister(connection)
                    with suppress(OSError):
                        send(connection, {"status": os.waitstatus_to_exitcode(status)})
                    connection.close()

    def _dropped(self, pid: int) -> None:
        """Whoever asked for this child is gone."""
        connection = self.children.pop(pid, None)
        if connection:
            end_group(pid)
            self.selector.unregister(connection)
            connection.close()

    def _end(self) -> None:
        for pid in self.children:
            end_group(pid)


def end_group(pid: int) -> None:
    """End a process and its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def forked() -> int:
    """Fork; pandas and DuckDB each hold an idle thread by now, of which newer Pythons warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def adopt(request: dict[str, Any], streams: list[int]) -> None:
    """Take over the streams, folder and environment of whoever asked, and forget what was drawn or cached."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    tempfile.tempdir = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def worker(_arguments: list[str]) -> None:
    """Be a worker."""
    from crm_lib.runner import worker

    worker.main()


def kernel(arguments: list[str]) -> None:
    """Be an ipykernel, as `python -m ipykernel_launcher` would."""
    from ipykernel.kernelapp import IPKernelApp

    spec = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [spec.origin if spec and spec.origin else "ipykernel_launcher.py", *arguments]
    # ipykernel read who its parent is when it was imported, which was before there was one.
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def send(connection: socket.socket, message: dict[str, Any], streams: tuple[int, ...] = ()) -> None:
    """Send one message, with file descriptors where some are given."""
    body = json.dumps(message).encode()
    if streams:
        socket.send_fds(connection, [HEADER.pack(len(body))], list(streams))
        connection.sendall(body)
    else:
        connection.sendall(HEADER.pack(len(body)) + body)


def received(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive one message and the file descriptors that came with it; EOFError where there is none."""
    header, streams, _flags, _address = socket.recv_fds(connection, HEADER.size, N_STREAMS)
    header += _exactly(connection, HEADER.size - len(header))
    return json.loads(_exactly(connection, HEADER.unpack(header)[0])), streams


def _exactly(connection: socket.socket, n: int) -> bytes:
    pieces = b""
    while len(pieces) < n:
        piece = connection.recv(n - len(pieces))
        if not piece:
            raise EOFError
        pieces += piece
    return pieces


if __name__ == "__main__":
    main()
