"""Notebooks that eat, print or ask for too much: the verdict, the exit code, and what the reader sees."""

import resource
from pathlib import Path

import pytest

from crm_lib.runner import run
from crm_lib.runner.evidence import verdict


def only(done):
    (outcome,) = done.outcomes
    return outcome.verdict, done.exit_code, outcome.page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="another process can't be bounded here")
def test_out_of_memory_is_said_and_nobody_else_suffers(tmp_path, order, job):
    found, code, page = only(run.report(order(tmp_path, job("hungry"), memory_mb=4000)))
    assert (found.state, code) == (verdict.KILLED, 137)
    assert "ran out of memory" in page


@pytest.mark.slow
def test_a_flood_of_output_is_a_failure_in_words(tmp_path, report):
    found, code, page = only(report(tmp_path, "endless_output"))
    assert (found.state, code) == (verdict.FAILED, 1)
    assert "printed more than any page could hold" in page
    assert len(page) < 50_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_disk_that_is_full_for_a_notebook_is_said(tmp_path, report):
    found, code, page = only(report(tmp_path, "full_disk"))
    assert (found.state, code) == (verdict.FAILED, 1)
    assert "There was no room left on the disk." in page
    assert "/dev/full" not in page


def test_a_missing_kernel_is_said(tmp_path, report):
    found, code, page = only(report(tmp_path, "missing_kernel"))
    assert (found.state, code) == (verdict.FAILED, 1)
    assert "The notebook could not be started." in page
    (log,) = (tmp_path / "sample/2026-10-31/runs").glob("*.log")
    assert 'There is no kernel "no-such-kernel" here.' in log.read_text(encoding="utf-8")


def test_a_notebook_that_may_only_be_read_is_enough(tmp_path, order, job):
    notebook = tmp_path / "good.ipynb"
    notebook.write_bytes(job("good").notebook.read_bytes())
    notebook.chmod(0o444)
    before = notebook.read_bytes()
    stands = run.Job("good", "Good", "Good?", notebook, dict(job("good").parameters))
    found, code, page = only(run.report(order(tmp_path / "reports", stands)))
    assert (found.state, code) == (verdict.FINE, 0)
    assert "The answer is <b>42</b>." in page
    assert notebook.read_bytes() == before
