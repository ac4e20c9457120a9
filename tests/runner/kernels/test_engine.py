import json
import resource
from contextlib import suppress
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from crm_lib.runner.kernels import engine, kernel

BROKEN = Path(__file__).parents[2] / "notebooks"


def executed(tmp_path, name, seconds=60.0, **more):
    """What the engine left behind, through papermill as the runner uses it."""
    output = tmp_path / "out.ipynb"
    options = {"engine_name": "crm", "progress_bar": False, "run_timeout": seconds, "cwd": tmp_path} | more
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


@pytest.mark.slow
def test_a_flood_of_output_ends_the_run_and_is_not_kept(tmp_path):
    notebook = executed(tmp_path, "endless_output")
    assert notebook.metadata.crm.ended == engine.TOO_MUCH
    assert statuses(notebook) == ["completed", "completed", "completed", "failed", "pending"]
    assert (tmp_path / "out.ipynb").stat().st_size < 2 * kernel.MOST_OUTPUT_BYTES


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="another process can't be bounded here")
def test_a_hungry_notebook_is_stopped_at_its_limit(tmp_path):
    notebook = executed(tmp_path, "hungry", memory_mb=4000)
    assert notebook.metadata.crm.ended in {engine.ERROR, engine.KILLED}
    assert statuses(notebook) == ["completed", "completed", "completed", "failed"]


def test_a_kernel_that_is_not_there_is_named(tmp_path):
    notebook = executed(tmp_path, "missing_kernel")
    assert notebook.metadata.crm.ended == engine.NEVER_STARTED
    assert notebook.metadata.crm.detail == 'There is no kernel "no-such-kernel" here.'
    assert set(statuses(notebook)) == {"pending"}


def test_without_ipc_the_kernel_listens_on_ports(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel.zmq, "has", lambda _what: False)
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))
    assert kernel.transports() == ("tcp", "tcp", "tcp")
    assert executed(tmp_path, "good").metadata.crm.ended == engine.COMPLETED


def test_a_kernel_that_does_not_come_up_is_tried_again_with_fresh_ports(monkeypatch):
    tried = []

    def comes_up_late(client, watch):
        tried.append((client.transport["transport"], client.transport["connection_file"]))
        return kernel.Course(engine.COMPLETED if len(tried) == 3 else engine.NEVER_STARTED)

    monkeypatch.setattr(kernel, "_course", comes_up_late)
    assert kernel.run_cells(nbformat.v4.new_notebook(), "python3").ended == engine.COMPLETED
    assert [transport for transport, _file in tried] == ["ipc", "tcp", "tcp"]
    assert len({file for _transport, file in tried}) == 3


def test_seconds_are_told_apart_and_the_memory_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))
    found = executed(tmp_path, "good").metadata.crm
    assert found.seconds.keys() == {"kernel", "imports", "work"}
    assert found.seconds.kernel > 0
    assert found.memory_mb > 0 or not Path("/proc").exists()


def test_told_to_stop_the_engine_saves_what_it_knows(tmp_path, monkeypatch):
    def interrupted(nb, *_rest, **_options):
        nb.cells[1].execution_count = 1
        for cell in nb.cells[:4]:
            cell.metadata.papermill.start_time = "2026-11-01T02:00:00Z"
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel, "run_cells", interrupted)
    with pytest.raises(KeyboardInterrupt):
        executed(tmp_path, "never_ends")
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert notebook.metadata.crm.ended == engine.KILLED
    assert "failed" in statuses(notebook)
    assert "running" not in statuses(notebook)


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
