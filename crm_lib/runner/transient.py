"""Why a run may go well a second time, with nothing changed: the whole list of what is tried again, once.

Everything else comes out the same however often it is tried, and is not: an error in a notebook, a time-out, a
kernel that was killed (most likely out of memory), `sys.exit`, a full disk, data that break the contract.
A kernel that does not come up is started again before any cell has run (`kernel.run_cells`): the same rule. By the
same list a source is asked twice by the check before any notebook starts (`crm_lib.cli.plan`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crm_lib.runner.kernels import engine, forked
from crm_lib.theme.words import gettext as _

PAUSE_S = 2.0  # before the second try
_CONNECTIONS = (
    "ConnectionResetError",
    "ConnectionRefusedError",
    "ConnectionAbortedError",
    "BrokenPipeError",
    "Unreachable",
    "RetriesExceeded",  # Spark Connect
    "Py4JNetworkError",  # a Spark that started here
)
_DATABASES = ("OperationalError", "AdminShutdown", "ConnectionTimeout", "InterfaceError")
_LOST = re.compile(
    r"server closed the connection|connection (?:\S+ ){0,12}(?:refused|reset|timed out|is closed|was closed)"
    r"|terminating connection|could not connect|the database system is (?:starting|shutting)",
    re.IGNORECASE,
)
_KEPT = re.compile(r"\.crm[/\\]\S+\.duckdb")
_LOCKED = re.compile(r"could not set lock|conflicting lock", re.IGNORECASE)


def of_notebook(notebook: Any) -> str:
    """Why an executed notebook may end otherwise a second time, in words; empty where it would not."""
    if notebook.metadata.get("crm", {}).get("ended") != engine.ERROR:
        return ""
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    error = next((o for o in outputs if o.output_type == "error"), None)
    return of_error(error.ename, error.evalue) if error is not None else ""


def of_error(name: str, text: str) -> str:
    """Why an error may not come a second time, in words; empty where it would.

    >>> of_error("ConnectionResetError", "[Errno 104]"), of_error("ValueError", "connection refused")
    ('the connection to the data was lost', '')
    """
    name = name.rpartition(".")[2]
    if name in _CONNECTIONS or (name in _DATABASES and _LOST.search(text)):
        return _("the connection to the data was lost")
    if name in ("IOException", "FileNotFoundError") and (_KEPT.search(text) or _LOCKED.search(text)):
        return _("the kept tables were being replaced by another run")
    return ""


def of_starts(cost: Mapping[str, Any]) -> str:
    """Why a kernel was started more than once; empty where the first start did."""
    return _("the kernel did not come up at once") if cost.get("kernel_starts", 1) > 1 else ""


def of_death(pair: forked.WarmPair | None) -> str:
    """Why a notebook that was cut off may not be a second time: the warm process it was forked from had gone."""
    if pair is not None and not pair.alive:
        return _("the process that starts notebooks was gone")
    return ""
