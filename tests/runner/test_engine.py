import json
from contextlib import suppress
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from crm_lib.runner import engine

BROKEN = Path(__file__).parent.parent / "notebooks"


def executed(tmp_path, name, seconds=60.0):
    """What the engine left behind, through papermill as the runner uses it."""
    output = tmp_path / "out.ipynb"
    options = {"engine_name": "crm", "progress_bar": False, "run_timeout": seconds, "cwd": tmp_path}
    with suppress(PapermillExecutionError):
        papermill.execute_notebook(str(BROKEN / f"{name}.ipynb"), str(output), {"as_of": "2026-10-31"}, **options)
    return nbformat.read(output, as_version=4)


def statuses(notebook):
    marked = (c.metadata.get("papermill", {}) for c in notebook.cells if c.cell_type == "code")
    return [m.status for m in marked]


@pytest.mark.parametrize(
    ("name", "ended", "cells"),
    [
        ("syntax_error", engine.ERROR, ["completed", "completed", "failed"]),
        ("sys_exit", engine.EXITED, ["completed", "completed", "failed", "pending"]),
        ("killed_kernel", engine.KILLED, ["completed", "completed", "failed", "pending"]),
    ],
)
def test_cells_say_what_became_of_them(tmp_path, name, ended, cells):
    notebook = executed(tmp_path, name)
    assert notebook.metadata.crm.ended == ended
    assert statuses(notebook) == cells


def test_a_run_over_its_time_is_ended_and_says_so(tmp_path):
    notebook = executed(tmp_path, "never_ends", seconds=2)
    assert notebook.metadata.crm.ended == engine.TIMED_OUT
    assert statuses(notebook) == ["completed", "completed", "failed", "pending"]


def test_a_whole_run_is_saved_once_with_outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))
    notebook = executed(tmp_path, "good")
    assert notebook.metadata.crm.ended == engine.COMPLETED
    assert set(statuses(notebook)) == {"completed"}
    assert json.loads((tmp_path / "good.figures.json").read_text(encoding="utf-8"))["topic"] == "good"


def test_a_run_whose_last_cells_never_ran_did_not_complete():
    cells = [nbformat.v4.new_code_cell("1", execution_count=1), nbformat.v4.new_code_cell("2")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    for cell in cells:
        cell.metadata["papermill"] = nbformat.NotebookNode(status="pending")
    notebook.metadata["papermill"] = nbformat.NotebookNode()
    engine.settle(notebook, engine.COMPLETED, None)
    assert notebook.metadata.crm.ended == engine.EXITED
    assert statuses(notebook) == ["completed", "pending"]
