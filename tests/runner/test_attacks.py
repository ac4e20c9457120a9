"""The runner under the axe: whatever is killed or in the way, readers keep a whole page.

Each attack asserts the verdict, the exit code, and what the reader sees.
"""

import datetime as dt
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crm_lib.runner import process, run
from crm_lib.runner.evidence import verdict
from crm_lib.runner.kernels import forked
from tests.runner.processes import (
    assert_nothing_is_left,
    assert_readers_see_whole_pages,
    children,
    ended,
    family,
    gone,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")

RUNNER = """
import datetime as dt, sys
from contextlib import nullcontext
from pathlib import Path
from crm_lib.runner import process, run
from crm_lib.runner.kernels import forked
from crm_lib.runner.job import Job, Order
notebooks, reports, warm = [Path(p) for p in sys.argv[3:]], Path(sys.argv[2]), sys.argv[1] == "warm"
jobs = tuple(Job("good", "Good", "Good?", p, {"as_of": "2026-10-31", "horizon_weeks": 52}) for p in notebooks)
order = Order("sample", "Xudong", dt.date(2026, 10, 31), reports, jobs, minutes=2, n_at_once=2, wait_s=300)
with forked.WarmPair(process.base_environment()) if warm else nullcontext() as pair:
    sys.exit(run.report(order, warm=pair).exit_code)
"""


def started(reports, notebook, way="plain", **options):
    """A runner in a process of its own."""
    command = [sys.executable, "-c", RUNNER, way, str(reports), str(notebook)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture
def made(tmp_path, report):
    """A dated folder in which a good page stands."""
    assert report(tmp_path, "good").exit_code == 0
    return tmp_path / "sample" / "2026-10-31"


def kill_the_runner_at(seconds, reports, notebook, way):
    runner = started(reports, notebook, way)
    time.sleep(seconds)
    pids = family(runner.pid)
    runner.kill()
    runner.communicate()
    assert gone(pids), f"killed after {seconds:.2f} s, its processes live on"


def the_runner_dies(made, job, way, n, longest):
    moments = random.Random(7)
    for _round in range(n):
        kill_the_runner_at(moments.uniform(0.2, longest), made.parent.parent, job("slow_good").notebook, way)
        assert_readers_see_whole_pages(made)
    code, said = ended(started(made.parent.parent, job("good").notebook))
    assert (code, "✓ good" in said) == (0, True)
    assert_readers_see_whole_pages(made)
    assert_nothing_is_left(made)


def test_a_runner_killed_at_any_moment_leaves_the_last_good_page_and_no_process(made, job):
    the_runner_dies(made, job, "plain", 5, 3.5)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "longest"), [("plain", 4.0), ("warm", 8.0)])
def test_a_runner_killed_at_many_moments(made, job, way, longest):
    the_runner_dies(made, job, way, 13, longest)


def kernels(pair=None):
    """Kernels below us that have been started plainly, or forked from a warm process."""
    plain = [pid for pid in family(os.getpid()) if "ipykernel_launcher" in command_of(pid)]
    return plain + (children(pair.kernels.process.pid) if pair else [])


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def with_an_axe(made, order, job, name, moment, pair=None):
    """Make a report while its kernel is killed as soon as `moment` says so, if it ever does."""
    over = threading.Event()

    def axe():
        while not over.is_set():
            if pids := kernels(pair):
                moment(over)
                for pid in pids:
                    forked.end_group(pid)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=axe)
    thread.start()
    stuck = run.Job("good", "Good", "Good?", job(name).notebook, dict(job(name).parameters))
    done = run.report(order(made.parent.parent, stuck), warm=pair)
    over.set()
    thread.join()
    return done


def the_kernel_dies(made, order, job, n, pair=None):
    """At random moments after it has appeared: while it starts (it is started again), runs, or has ended."""
    moments = random.Random(11)
    for _round in range(n):
        seconds = moments.uniform(0.0, 1.6)
        done = with_an_axe(made, order, job, "slow_good", lambda over, s=seconds: over.wait(s), pair)
        (outcome,) = done.outcomes
        assert (outcome.verdict.state, done.exit_code) in {(verdict.KILLED, 137), (verdict.FINE, 0)}
        assert_readers_see_whole_pages(made)
        assert_told_of(made, outcome)
        assert_nothing_is_left(made)


def assert_told_of(made, outcome):
    failure = made / "good.failed.html"
    assert failure.exists() == (not outcome.verdict.good)
    if failure.exists():
        said = failure.read_text(encoding="utf-8")
        assert "may have run out of memory" in said
        assert 'href="good.html"' in said
        assert "Traceback" not in said


def test_a_kernel_killed_at_any_moment_leaves_whole_pages(made, order, job):
    the_kernel_dies(made, order, job, 3)


@pytest.mark.skipif(not forked.possible(), reason="warm processes need Linux")
def test_a_forked_kernel_killed_at_any_moment_leaves_whole_pages(made, order, job):
    with forked.WarmPair(process.base_environment()) as pair:
        the_kernel_dies(made, order, job, 2, pair)


def test_a_kernel_killed_at_work_is_told_of_and_the_last_good_page_stands(made, order, job):
    def at_work(over):
        while not (list(made.glob(".making-*/running")) or over.wait(0.02)):
            pass

    done = with_an_axe(made, order, job, "never_ends", at_work)
    (outcome,) = done.outcomes
    assert (outcome.verdict.state, done.exit_code) == (verdict.KILLED, 137)
    assert_readers_see_whole_pages(made)
    assert_told_of(made, outcome)
    assert_nothing_is_left(made)


@pytest.mark.slow
def test_a_kernel_killed_at_many_moments(made, order, job):
    the_kernel_dies(made, order, job, 13)


@pytest.mark.slow
@pytest.mark.skipif(not forked.possible(), reason="warm processes need Linux")
def test_a_forked_kernel_killed_at_many_moments(made, order, job):
    with forked.WarmPair(process.base_environment()) as pair:
        the_kernel_dies(made, order, job, 13, pair)


@pytest.mark.slow
def test_two_runs_at_once_make_one_page_after_the_other(made, job):
    both = [started(made.parent.parent, job("slow_good").notebook) for _ in range(2)]
    for code, said in map(ended, both):
        assert (code, "✓ good" in said) == (0, True)
    assert_readers_see_whole_pages(made)
    assert_nothing_is_left(made)
    assert len(list((made / "runs").glob("*.json"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize("way", ["plain", "warm"])
def test_blanks_and_letters_of_all_scripts_in_paths_do_no_harm(tmp_path, job, way):
    place = tmp_path / "Müller & Söhne {客户} 100 %"
    place.mkdir()
    notebook = place / "gut gemacht's.ipynb"
    notebook.write_bytes(job("good").notebook.read_bytes())
    code, said = ended(started(place / "Berichte 报告", notebook, way, cwd=place))
    assert (code, "✓ good" in said) == (0, True)
    assert_readers_see_whole_pages(place / "Berichte 报告/sample/2026-10-31")


def test_a_clock_that_was_set_back_hides_no_newer_run(made, report, order, job):
    broken = run.Job("good", "Good", "Good?", job("cell_error").notebook, dict(job("cell_error").parameters))
    yesterday = dt.datetime(2026, 10, 31, 12, 0, tzinfo=dt.UTC)
    assert run.report(order(made.parent.parent, broken), now=yesterday).exit_code == 1
    assert_readers_see_whole_pages(made)
    assert "One report failed" in (made / "index.html").read_text(encoding="utf-8")


def test_a_clock_that_was_set_forward_and_back_again_hides_no_newer_run(made, report):
    """The newest attempt counts, not the one with the latest stamp."""
    reports = made.parent.parent
    assert report(reports, "good", now=dt.datetime(2031, 1, 1, tzinfo=dt.UTC)).exit_code == 0
    assert report(reports, "good", now=report.noon + dt.timedelta(minutes=1)).exit_code == 0
    assert_readers_see_whole_pages(made)
    assert "made 1 November 2026, 12:01" in (made / "index.html").read_text(encoding="utf-8").replace("\xa0", " ")
    assert "1 November 2026, 12:01" in (made / "good.html").read_text(encoding="utf-8")
