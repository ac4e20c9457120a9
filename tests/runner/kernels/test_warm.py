"""Kernels forked from a warm process give what plain kernels give, and take nothing of each other."""

import json
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from crm_lib.runner import process, run
from crm_lib.runner.evidence import verdict
from crm_lib.runner.kernels import engine, forked, kernel

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "tests" / "notebooks"
pytestmark = pytest.mark.skipif(not forked.possible(), reason="warm processes need Linux")

# What differs from run to run: process ids, temporary files, times, ids made up by chance.
CHANCE = (
    (r"ipykernel_\d+", "ipykernel_N"),
    (r"/tmp/[\w./-]+", "/tmp/…"),
    (r"\x1b\[[0-9;]*m", ""),
    (r"0x[0-9a-f]{6,}", "0x…"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"T_[0-9a-f]{5}\w*", "T_ID"),
    (r"\b[\d.]+ m?s\b", "N s"),
)


@pytest.fixture(scope="module")
def pair():
    with forked.WarmPair(process.base_environment()) as made:
        made.ready([SMALL / "many_outputs.ipynb", *sorted((ROOT / "notebooks").glob("*.ipynb"))])
        yield made


def executed(notebook, folder, monkeypatch, address="", **given):
    """A notebook as the engine leaves it, run by a kernel forked at `address` or by a plain one."""
    for name, value in process.base_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CRM_PUBLISH_TO", str(folder))
    monkeypatch.setenv(forked.ADDRESS, address)
    output = folder / "out.ipynb"
    kernels = []
    with suppress(PapermillExecutionError):
        papermill.execute_notebook(
            str(notebook),
            str(output),
            given,
            engine_name="crm",
            progress_bar=False,
            run_timeout=300,
            cwd=notebook.parent,
            on_kernel=kernels.append,
        )
    return nbformat.read(output, as_version=4), kernels


def said(notebook):
    """All outputs of a notebook as text, with what differs by chance masked."""
    text = json.dumps([c.get("outputs", []) for c in notebook.cells], sort_keys=True, ensure_ascii=False, indent=1)
    for pattern, plain in CHANCE:
        text = re.sub(pattern, plain, text)
    return text


def statuses(notebook):
    return [c.metadata.get("papermill", {}).get("status") for c in notebook.cells]


MANY_OUTPUTS = pytest.param("many_outputs", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [MANY_OUTPUTS, "good", "noisy", "cell_error", "sys_exit", "syntax_error"])
def test_outputs_are_those_of_a_plain_kernel(name, pair, tmp_path, monkeypatch):
    (tmp_path / "plain").mkdir()
    (tmp_path / "warm").mkdir()
    plain, _pids = executed(SMALL / f"{name}.ipynb", tmp_path / "plain", monkeypatch, as_of="2026-10-31")
    warm, _pids = executed(
        SMALL / f"{name}.ipynb", tmp_path / "warm", monkeypatch, pair.kernels.address, as_of="2026-10-31"
    )
    assert said(warm) == said(plain)
    assert warm.metadata.crm.ended == plain.metadata.crm.ended
    assert statuses(warm) == statuses(plain)


@pytest.mark.slow
@pytest.mark.parametrize("topic", ["satisfaction", "action_plan"])
def test_shipped_notebooks_put_out_the_same_in_both(topic, pair, tmp_path, monkeypatch):
    notebook = ROOT / "notebooks" / f"{topic}.ipynb"
    (tmp_path / "plain").mkdir()
    (tmp_path / "warm").mkdir()
    plain, _pids = executed(notebook, tmp_path / "plain", monkeypatch, source="sample", as_of="2026-10-31")
    warm, _pids = executed(
        notebook, tmp_path / "warm", monkeypatch, pair.kernels.address, source="sample", as_of="2026-10-31"
    )
    assert said(warm) == said(plain)
    assert (tmp_path / "warm" / f"{notebook.stem}.figures.json").read_bytes() == (
        tmp_path / "plain" / f"{notebook.stem}.figures.json"
    ).read_bytes()


def scratch(folder, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    path = folder / "scratch.ipynb"
    nbformat.write(notebook, path)
    return path


def result(notebook):
    return notebook.cells[-1].outputs[0].data["text/plain"]


def test_a_kernel_is_a_child_of_the_warm_process_and_leads_its_own_group(pair, tmp_path, monkeypatch):
    source = "import os; os.getppid(), os.getpid() == os.getpgrp(), os.getpid()"
    notebook, kernels = executed(scratch(tmp_path, source), tmp_path, monkeypatch, pair.kernels.address)
    assert result(notebook) == str((pair.kernels.process.pid, True, kernels[0]))


def test_what_one_kernel_changes_no_other_sees(pair, tmp_path, monkeypatch):
    change = "import pandas as pd, os\npd.set_option('display.max_rows', 3)\nos.environ['LEFT'] = 'x'\npd.left = 1"
    look = "import pandas as pd, os\npd.get_option('display.max_rows'), 'LEFT' in os.environ, hasattr(pd, 'left')"
    executed(scratch(tmp_path, change), tmp_path, monkeypatch, pair.kernels.address)
    notebook, _pids = executed(scratch(tmp_path, look), tmp_path, monkeypatch, pair.kernels.address)
    assert result(notebook) == "(60, False, False)"


def test_chance_is_not_the_same_in_two_kernels(pair, tmp_path, monkeypatch):
    source = "import numpy as np, random; np.random.random(), random.random()"
    path = scratch(tmp_path, source)
    drawn = {result(executed(path, tmp_path, monkeypatch, pair.kernels.address)[0]) for _ in range(2)}
    assert len(drawn) == 2


def test_a_kernel_holds_nothing_of_the_runner_and_is_told_no_address(pair, tmp_path, monkeypatch):
    source = f"import sys, os\n{{'papermill', 'nbconvert'}} & set(sys.modules), {forked.ADDRESS!r} in os.environ"
    notebook, _pids = executed(scratch(tmp_path, source), tmp_path, monkeypatch, pair.kernels.address)
    assert result(notebook) == "(set(), False)"


def test_without_the_warm_process_a_plain_kernel_does_the_work(tmp_path, monkeypatch):
    notebook, _pids = executed(scratch(tmp_path, "1 + 1"), tmp_path, monkeypatch, str(tmp_path / "nobody"))
    assert notebook.metadata.crm.ended == engine.COMPLETED
    assert result(notebook) == "2"


def test_a_whole_run_is_the_same_with_and_without(tmp_path, report, order, job, pair):
    plain = report(tmp_path / "plain", "good", "noisy")
    warm = run.report(order(tmp_path / "warm", job("good"), job("noisy")), now=report.noon, warm=pair)
    assert [o.verdict for o in warm.outcomes] == [o.verdict for o in plain.outcomes]
    assert [o.page.read_bytes() for o in warm.outcomes] == [o.page.read_bytes() for o in plain.outcomes]
    assert {"runner", "kernel", "imports", "work", "page"} <= warm.outcomes[0].cost.keys()


def test_a_killed_worker_is_told_of_and_takes_its_kernel_along(tmp_path, order, job, pair, monkeypatch):
    def kill(task, environment, errors, alive, workers):
        worker = forked.Forked(workers.address, (0, 1, 2), environment, os.getcwd())
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.wait(10) == -signal.SIGKILL
        errors.touch()
        return None, {}, False

    monkeypatch.setattr(process, "work", kill)
    made = run.report(order(tmp_path, job("good")), warm=pair)
    assert made.outcomes[0].verdict.state == verdict.KILLED


@pytest.mark.slow
def test_a_closed_pair_leaves_no_process_and_no_folder():
    pair = forked.WarmPair(process.base_environment())
    pair.ready([])
    child = forked.Forked(pair.kernels.address, (0, 1, 2), dict(os.environ), os.getcwd(), ["-f", "/dev/null/none"])
    pair.__exit__(None, None, None)
    end = time.monotonic() + 10
    while forked.alive(child.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not forked.alive(child.pid)
    child.close()
    assert not pair.kernels.folder.exists()
    assert not pair.workers.folder.exists()


def test_imports_of_a_notebook_are_read_without_running_it(tmp_path):
    path = scratch(tmp_path, "import os.path as p\nfrom crm_lib.show import clv as say", "%magic", "x = 1 / 0")
    assert forked.imported(path) == ["os.path", "crm_lib.show", "crm_lib.show.clv"]
    assert forked.imported(tmp_path / "none.ipynb") == []


def test_folders_of_processes_long_dead_are_swept_and_others_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(forked, "_short_place", lambda: str(tmp_path))
    names = ("crm-999999999-a", "crm-999999998-b", f"crm-{os.getpid()}-c")
    old, young, living = (tmp_path / name for name in names)
    for folder in (old, young, living):
        folder.mkdir()
    for folder in (old, living):
        os.utime(folder, (0, 0))
    forked.sweep()
    assert (old.exists(), young.exists(), living.exists()) == (False, True, True)


def test_the_provisioner_is_registered_and_without_it_kernels_are_plain(pair, tmp_path, monkeypatch):
    source = "import os; os.getppid()"
    assert kernel.entry_points(group=kernel.PROVISIONERS, name=kernel.PROVISIONER)
    monkeypatch.setattr(kernel, "entry_points", lambda **_names: ())
    notebook, _pids = executed(scratch(tmp_path, source), tmp_path, monkeypatch, pair.kernels.address)
    assert result(notebook) == str(os.getpid())
