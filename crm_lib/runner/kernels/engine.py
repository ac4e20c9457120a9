"""The papermill engine `crm`: one time limit for the whole run, and a status that rests on evidence.

papermill alone calls every cell `completed` after a dead kernel or a time-out, and treats `sys.exit(0)` as
success. This engine looks at what ran. It is found through the entry point `papermill.engine`; papermill loads
it while papermill itself is still being imported, so nothing of papermill may be imported at the top.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_lib.runner.kernels.kernel import Course

# What ended a run, in `notebook.metadata.crm.ended`.
COMPLETED, ERROR, EXITED, KILLED, TIMED_OUT, NEVER_STARTED, TOO_MUCH = (
    "completed",
    "error",
    "exited",
    "killed",
    "timed out",
    "never started",
    "too much output",
)


class CrmEngine:
    """Executes a notebook in a fresh kernel; papermill asks an engine for these three things only."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Name of the kernel to start."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Language in which papermill writes the parameters."""
        from papermill.utils import nb_language

        return nb_language(nb, language)

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: str | None = None, **options: Any) -> Any:
        """Run all cells and say of each what became of it; papermill saves the notebook, once.

        Options used: `run_timeout` (seconds for the whole run), `start_timeout`, `on_kernel` (called with the
        kernel's process id), `memory_mb` (of address space; 0: no limit). Nothing is raised for a run that failed:
        `metadata.crm.ended` says how it ended. When we are told to stop, what is known is settled and saved before
        we obey.
        """
        from crm_lib.runner.kernels.kernel import Course, run_cells

        started = _now()
        _clear(nb)
        course = Course(KILLED, detail="The run was told to stop.")
        try:
            course = run_cells(
                nb,
                kernel_name,
                run_timeout=options.get("run_timeout"),
                start_timeout=options.get("start_timeout", 60),
                on_kernel=options.get("on_kernel"),
                memory_mb=options.get("memory_mb", 0),
            )
        except BaseException:
            code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
            course.broken = max((i for i in code if nb.cells[i].metadata.papermill.start_time), default=None)
            _finish(nb, started, course)
            if output_path:
                _save(nb, Path(output_path))
            raise
        _finish(nb, started, course)
        return nb


def _finish(nb: Any, started: dt.datetime, course: Course) -> None:
    from crm_lib.runner.kernels import scrubbing

    secrets = scrubbing.secrets()
    scrubbing.notebook(nb, secrets)  # before anything of it is saved
    settle(nb, course.ended, course.broken, scrubbing.text(course.detail, secrets))
    nb.metadata.crm["seconds"] = {part: round(seconds, 3) for part, seconds in course.seconds.items()}
    nb.metadata.crm["memory_mb"] = course.memory_mb
    nb.metadata.crm["starts"] = course.starts
    finished = _now()
    nb.metadata.papermill.update(
        start_time=started.isoformat(),
        end_time=finished.isoformat(),
        duration=(finished - started).total_seconds(),
    )


def settle(nb: Any, ended: str, broken: int | None, detail: str = "") -> None:
    """Say of every code cell whether it completed, failed or never ran, and of the notebook how it ended.

    `broken` is the index of the cell that ran last and did not finish.
    """
    all_ran = True
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        failed = index == broken
        ran = cell.execution_count is not None or not cell.source.strip()
        all_ran &= ran and not failed
        cell.metadata.papermill.status = "failed" if failed else "completed" if ran else "pending"
        cell.metadata.papermill.exception = failed
    if ended == COMPLETED and not all_ran:
        ended = EXITED
    nb.metadata.papermill.exception = None if ended == COMPLETED else True
    nb.metadata["crm"] = type(nb.metadata)(ended=ended, detail=detail)


def _clear(nb: Any) -> None:
    for cell in nb.cells:
        cell.metadata["papermill"] = type(nb.metadata)(
            exception=None, start_time=None, end_time=None, duration=None, status="pending"
        )
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = []


def _save(nb: Any, path: Path) -> None:
    import nbformat

    path.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
