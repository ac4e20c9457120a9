import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from crm_lib.runner import process, run
from crm_lib.runner.evidence import verdict
from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.store import archive

FAILURES = {
    "syntax_error": (verdict.FAILED, 1, "error that nobody foresaw (SyntaxError)"),
    "cell_error": (verdict.FAILED, 1, "error that nobody foresaw (ValueError)"),
    "contract_error": (verdict.FAILED, 2, "transactions.amount: 3 of 6,919 values are not numbers."),
    "not_enough_data": (verdict.NO_DATA, 1, "No customer has bought twice."),
    "sys_exit": (verdict.FAILED, 1, "ended itself before its last cell"),
    "killed_kernel": (verdict.KILLED, 137, "may have run out of memory"),
    "publishes_nothing": (verdict.FAILED, 1, "published no figures"),
    "no_parameters": (verdict.FAILED, 1, "published no figures"),
    "no_figures": (verdict.NO_DATA, 1, "no rows to report on"),
    "hostile_output": (verdict.FAILED, 1, "it holds <script>, which no page may"),
    "external_image": (verdict.FAILED, 1, "its <img> reaches outside the page"),
    "unknown_placeholder": (verdict.FAILED, 1, "nothing is known for {ordres}"),
    "too_big": (verdict.FAILED, 1, "1.6 MB large"),
}
GOOD = ("good", "noisy", "reads_environment")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "reports"


@pytest.fixture(scope="module")
def whole(reports, report, job):
    """One run of good and broken notebooks together."""
    return report(reports, *GOOD, *FAILURES)


@pytest.fixture(scope="module")
def outcomes(whole):
    return {o.job.topic: o for o in whole.outcomes}


def text(path):
    return Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FAILURES)
def test_a_broken_notebook_leaves_a_plain_page_and_a_verdict(outcomes, name):
    state, exit_code, words = FAILURES[name]
    outcome = outcomes[name]
    assert (outcome.verdict.state, outcome.verdict.exit_code) == (state, exit_code)
    assert words in outcome.verdict.message
    assert outcome.page.name == f"{name}.failed.html"
    page = text(outcome.page)
    assert problems(page) == []
    assert "Traceback" not in page
    assert "Mary Smith" not in page


def test_the_log_holds_the_traceback(whole, reports):
    (log,) = (reports / "sample/2026-10-31/runs").glob("*.log")
    assert 'raise ValueError("customer Mary Smith owes 12")' in text(log)


def test_a_failure_leaves_no_page_figures_or_folders_behind(whole, reports):
    folder = reports / "sample/2026-10-31"
    assert {p.name for p in folder.iterdir() if p.suffix == ".json"} == {f"{name}.figures.json" for name in GOOD}
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {"runs", *GOOD}
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_the_others_finish_and_notes_are_told_from_fine(outcomes):
    assert [outcomes[name].verdict.state for name in GOOD] == [verdict.FINE, verdict.NOTES, verdict.FINE]
    assert [problems(text(outcomes[name].page)) for name in GOOD] == [[], [], []]


def test_bad_input_outranks_a_failure_in_the_exit_code(whole):
    assert whole.exit_code == 2


def test_outcomes_come_in_the_order_asked_for(whole):
    assert [o.job.topic for o in whole.outcomes] == [*GOOD, *FAILURES]


def test_a_kernel_stands_in_its_notebooks_folder_with_one_thread(outcomes, reports):
    page = text(outcomes["reads_environment"].page)
    assert f"CRM_REPORTS={reports}" in page
    assert "OMP_NUM_THREADS=1" in page
    assert "tests/notebooks</pre>" in page


def test_a_run_over_its_time_is_a_failure_and_a_good_page_outlives_it(tmp_path, report, order, job):
    good = report(tmp_path, "good")
    before = text(good.outcomes[0].page)
    stuck = run.Job("good", "Good", "What of good?", job("never_ends").notebook, job("never_ends").parameters)
    late = run.report(order(tmp_path, stuck, minutes=2 / 60))
    assert late.outcomes[0].verdict.state == verdict.TIMED_OUT
    assert late.exit_code == 124
    assert text(good.outcomes[0].page) == before
    failure = text(late.outcomes[0].page)
    assert 'href="good.html"' in failure
    assert "31 October 2026" in failure

    again = report(tmp_path, "good")
    assert again.exit_code == 0
    assert not late.outcomes[0].page.exists()


@pytest.mark.slow
def test_two_runs_of_one_second_keep_two_records_and_give_the_same_page(tmp_path, report):
    first = text(report(tmp_path, "good").outcomes[0].page)
    second = text(report(tmp_path, "good").outcomes[0].page)
    assert first == second
    runs = tmp_path / "sample/2026-10-31/runs"
    assert sorted(p.name for p in runs.glob("*.json")) == [
        "2026-11-01T12-00-00-2.json",
        "2026-11-01T12-00-00.json",
    ]


@pytest.mark.slow
def test_a_later_run_changes_stamped_times_only(tmp_path, report):
    later = dt.datetime(2026, 12, 1, 9, 30, tzinfo=dt.UTC)
    first = text(report(tmp_path, "good").outcomes[0].page)
    second = text(report(tmp_path, "good", now=later).outcomes[0].page)
    assert first != second
    assert first.replace("1 November 2026, 12:00", "1 December 2026, 09:30") == second


def test_a_label_puts_a_run_beside_the_usual_one(tmp_path, report):
    made = report(tmp_path, "good", label="quick")
    assert made.outcomes[0].page == tmp_path / "sample/2026-10-31+quick/good.html"


def test_data_that_fail_the_check_start_no_kernel(tmp_path, order, job):
    words = "transactions: the column amount is missing."
    refused = order(tmp_path, job("never_ends"), refused={"never_ends": words})
    began = time.monotonic()
    made = run.report(refused)
    assert time.monotonic() - began < 5
    assert made.exit_code == 2
    assert words in text(made.outcomes[0].page)


def test_the_record_holds_what_the_index_needs(whole, reports):
    (path,) = (reports / "sample/2026-10-31/runs").glob("*.json")
    record = json.loads(text(path))
    assert (record["source"], record["as_of"], record["made_at"]) == ("sample", "2026-10-31", "2026-11-01 12:00")
    by_topic = {r["topic"]: r for r in record["reports"]}
    assert by_topic["noisy"]["notes"] == ["The hold-out missed by 14 %."]
    assert by_topic["cell_error"]["page"] == "cell_error.failed.html"


STUCK = """
import datetime as dt, sys
from contextlib import suppress
from pathlib import Path
from crm_lib.runner import run
from crm_lib.runner.job import Job, Order
job = Job("stuck", "Stuck", "Stuck?", Path(sys.argv[1]), {"as_of": "2026-10-31"})
run.report(Order("sample", "Xudong", dt.date(2026, 10, 31), Path(sys.argv[2]), (job,)))
"""


def test_a_runner_told_to_stop_takes_its_kernels_with_it(tmp_path, job):
    command = [sys.executable, "-c", STUCK, str(job("never_ends").notebook), str(tmp_path)]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kernels = _wait_for(lambda: _kernels_below(runner.pid))
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=300)
    assert runner.returncode != 0
    assert _wait_for(lambda: not any(map(_alive, kernels)))
    assert list(tmp_path.glob("**/*.html")) == []


def _kernels_below(pid):
    found = [int(p) for p in _children(pid) if "ipykernel" in _command(p)]
    return found or [k for child in _children(pid) for k in _kernels_below(int(child))]


def _children(pid):
    return [p for task in Path(f"/proc/{pid}/task").glob("*/children") for p in task.read_text().split()]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _alive(pid):
    return "ipykernel" in _command(pid)


def _wait_for(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def test_a_worker_that_dies_without_a_word_is_called_killed(tmp_path, order, job, monkeypatch):
    def dies(task, environment, errors, alive, workers):
        errors.write_text("Killed", encoding="utf-8")
        return None, {}, False

    monkeypatch.setattr(process, "work", dies)
    made = run.report(order(tmp_path, job("good")))
    assert made.outcomes[0].verdict.state == verdict.KILLED
    assert re.search("Killed", text(next((tmp_path / "sample/2026-10-31/runs").glob("*.log"))))


def test_secrets_in_the_environment_are_named_by_no_record(tmp_path, report, monkeypatch):
    monkeypatch.setitem(os.environ, "CRM_DATABASE_URL", "postgres://me:pa55@db")
    made = report(tmp_path, "good")
    written = [text(p) for p in tmp_path.glob("**/*") if p.is_file()]
    assert made.exit_code == 0
    assert not any("pa55" in one for one in written)


def test_the_longest_notebook_begins_first_and_one_never_seen_before_all(tmp_path, order, job, monkeypatch):
    began = []

    def quick(task, environment, errors, alive, workers):
        began.append(task["topic"])
        errors.touch()
        return None, {}, False

    folder = order(tmp_path, job("good")).folder
    reports = [{"topic": "good", "seconds": 1.0}, {"topic": "noisy", "seconds": 9.0}]
    archive.write_record(
        folder, "a", {"start": "a", "started_at": "2026-11-01T00:00:00+00:00", "reports": reports}
    )
    monkeypatch.setattr(process, "work", quick)
    with suppress(KeyError):  # the record above is too bare for an index
        run.report(order(tmp_path, job("good"), job("noisy"), job("cell_error"), n_at_once=1))
    assert began == ["cell_error", "noisy", "good"]
