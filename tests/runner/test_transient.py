"""What is tried a second time, once, and what never is."""

import json

import nbformat
import pytest

from crm_lib.runner import process, run, transient
from crm_lib.runner.evidence import verdict
from crm_lib.runner.kernels import forked

LOST = "server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("name", "text", "again"),
    [
        ("ConnectionResetError", "[Errno 104] Connection reset by peer", True),
        ("psycopg.OperationalError", LOST, True),
        (
            "OperationalError",
            'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused',
            True,
        ),
        ("OperationalError", 'relation "orders" does not exist', False),
        ("OperationalError", 'password authentication failed for user "crm"', False),
        ("IOException", 'IO Error: Cannot open file ".crm/shop/1a2b.duckdb": No such file', True),
        ("IOException", 'IO Error: Could not set lock on file "x.duckdb": Conflicting lock is held', True),
        ("IOException", "IO Error: No space left on device", False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'orders.csv'", False),
        ("RetriesExceeded", "[RETRIES_EXCEEDED] The maximum number of retries has been exceeded.", True),
        ("py4j.protocol.Py4JNetworkError", "Answer from Java side is empty", True),
        ("Py4JError", "An error occurred while calling o7.sql. Trace:", False),
        ("ValueError", LOST, False),
        ("ZeroDivisionError", "division by zero", False),
        ("MemoryError", "", False),
        ("DataContractError", LOST, False),
    ],
)
def test_the_list_of_what_may_pass(name, text, again):
    assert bool(transient.of_error(name, text)) is again


def job_that(folder, job, line):
    """A small job that notes each of its tries in `tries`, then does what the line says."""
    notebook = nbformat.read(job("good").notebook, as_version=4)
    tries = folder / "tries"
    source = f"from pathlib import Path\ntries = Path({str(tries)!r})\ntries.open('a').write('x')\n{line}"
    notebook.cells.insert(2, nbformat.v4.new_code_cell(source))
    path = folder / "good.ipynb"
    nbformat.write(notebook, path)
    return run.Job("good", "Good", "Good?", path, dict(job("good").parameters)), tries


def recorded(done):
    (path,) = (done.index.parent / "runs").glob("*.json")
    (report,) = json.loads(path.read_text(encoding="utf-8"))["reports"]
    (log,) = (done.index.parent / "runs").glob("*.log")
    return report["retried"], log.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(transient, "PAUSE_S", 0.0)


@pytest.mark.parametrize(
    ("line", "n_tries", "state", "code"),
    [
        ("if len(tries.read_text()) == 1:\n    raise ConnectionResetError('lost')", 2, verdict.FINE, 0),
        ("raise ConnectionResetError('lost')", 2, verdict.FAILED, 1),
        ("1 / 0", 1, verdict.FAILED, 1),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 1, verdict.KILLED, 137),
        ("import sys\nsys.exit(0)", 1, verdict.FAILED, 1),
    ],
    ids=["lost once", "lost for good", "error", "killed", "exit"],
)
@pytest.mark.slow
def test_only_what_may_pass_is_tried_again_and_once(tmp_path, order, job, line, n_tries, state, code):
    asked, tries = job_that(tmp_path, job, line)
    done = run.report(order(tmp_path / "reports", asked))
    (outcome,) = done.outcomes
    assert (outcome.verdict.state, done.exit_code, len(tries.read_text())) == (state, code, n_tries)
    retried, log = recorded(done)
    assert retried == ("the connection to the data was lost" if n_tries == 2 else "")
    assert ("good: tried again, since the connection to the data was lost" in log) == (n_tries == 2)
    assert outcome.page.exists()


@pytest.mark.slow
@pytest.mark.skipif(not forked.possible(), reason="warm processes need Linux")
def test_a_warm_process_that_dies_costs_one_try_and_no_page(tmp_path, order, job, monkeypatch):
    """The kernel's last deed is to end the process that all others are forked from."""
    with forked.WarmPair(process.base_environment()) as pair:
        line = (
            "import os, signal, time\nif len(tries.read_text()) == 1:\n"
            f"    os.kill({pair.kernels.process.pid}, signal.SIGKILL)\n    time.sleep(600)"
        )
        asked, tries = job_that(tmp_path, job, line)
        done = run.report(order(tmp_path / "reports", asked), warm=pair)
    assert (done.exit_code, len(tries.read_text())) == (0, 2)
    assert recorded(done)[0] == "the process that starts notebooks was gone"


def test_a_missing_kernel_is_looked_for_once(tmp_path, report):
    done = report(tmp_path, "missing_kernel")
    path = max((done.index.parent / "runs").glob("*.json"))
    (written,) = json.loads(path.read_text(encoding="utf-8"))["reports"]
    assert (written["cost"]["kernel_starts"], written["retried"], done.exit_code) == (1, "", 1)
