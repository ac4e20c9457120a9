"""The whole command `crm` under the axe: the exit code, the words on the terminal, and what readers still see."""

import ctypes
import datetime as dt
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.runner import run
from crm_lib.runner.evidence import verdict
from tests.runner.processes import (
    assert_nothing_is_left,
    assert_readers_see_whole_pages,
    ended,
    family,
    gone,
    wait_for,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")

NOON = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)
DROP_FROM_BOUNDS, WRITE_ANYWHERE = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


class Shop:
    """A project of one table and one topic; its notebook is one of tests/notebooks."""

    def __init__(self, place, job):
        self.place, self.job = place, job
        self.reports = place / "reports"
        self.folder = self.reports / "shop" / "2026-10-31"
        (place / "data").mkdir()
        (place / "notebooks").mkdir()
        settings = '[default]\nsource = "shop"\n[sources.shop]\npath = "data"\n'
        (place / "crm.toml").write_text(settings, encoding="utf-8")
        rows = "customer_id,at,amount\n7,2026-10-01,12.50\n"
        (place / "data/transactions.csv").write_text(rows, encoding="utf-8")
        self.use("good")

    def use(self, name):
        """Let this notebook be the one of the topic clv."""
        text = self.job(name).notebook.read_text(encoding="utf-8").replace(f'\\"{name}\\"', '\\"clv\\"')
        self.notebook.write_text(text, encoding="utf-8")

    @property
    def notebook(self):
        return self.place / "notebooks" / "clv.ipynb"

    def start(self, *more, **options):
        command = [sys.executable, "-m", "crm_lib.cli", "report", "clv", "--as-of", "2026-10-31", *more]
        given = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.place, env=given, stdout=pipe, stderr=pipe, text=True, **options)

    def crm(self, *more, **options):
        """Exit code and all lines that were said."""
        return ended(self.start("--plain-kernels", *more, **options))


@pytest.fixture
def shop(tmp_path, job):
    return Shop(tmp_path, job)


@pytest.fixture
def made(shop, order, job):
    """The shop, when its page stands."""
    one = job("good")
    standing = run.Job("clv", "Customer value", "Good?", shop.notebook, dict(one.parameters))
    assert run.report(order(shop.reports, standing, source="shop"), now=NOON).exit_code == 0
    return shop


def pages(shop):
    """Every page, byte for byte."""
    return {p.relative_to(shop.reports): p.read_bytes() for p in shop.reports.rglob("*.html")}


def assert_said(said, *lines):
    """These lines and no other; seconds and the numbers of processes are left out."""
    plain = re.sub(r"\s+\d+\.\d s\s+", " ", re.sub(r"\.(\S+)\.\d+\)", r"\1)", said))
    assert plain.splitlines() == list(lines)


def no_room():
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))


@pytest.mark.slow
def test_a_full_disk_ends_with_1_and_every_page_stands_as_it_was(made):
    before = pages(made)
    code, said = made.crm(preexec_fn=no_room)
    assert code == verdict.EXIT_FAILED
    assert_said(
        said,
        "✗ clv failed: The page can't be written: File too large.",
        "crm: The reports can't be written: File too large (2026-10-31).",
    )
    assert pages(made) == before
    assert_readers_see_whole_pages(made.folder, "clv")
    assert made.crm()[0] == verdict.EXIT_FINE
    assert_nothing_is_left(made.folder)


@pytest.mark.parametrize(
    ("number", "code", "way"),
    [
        (signal.SIGTERM, 143, ["--plain-kernels"]),
        (signal.SIGINT, 130, ["--plain-kernels"]),
        pytest.param(signal.SIGTERM, 143, [], marks=pytest.mark.slow, id="SIGTERM-warm"),
    ],
)
def test_a_command_that_is_stopped_says_so_in_one_line_and_every_page_stands(made, number, code, way):
    before = pages(made)
    made.use("never_ends")
    crm = made.start(*way)
    wait_for(lambda: list(made.folder.glob(".making-*/running")))
    pids = family(crm.pid)
    crm.send_signal(number)
    assert ended(crm) == (code, "crm: stopped; the pages that stood there stand\n")
    assert gone(pids)
    assert pages(made) == before
    assert_nothing_is_left(made.folder)
    assert len(list(made.folder.glob("runs/*.json"))) == 1, "a run that was stopped is told to nobody"


def bound_by_rights():
    """Take from the superuser what nobody else has: to write where the rights of files forbid it."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(DROP_FROM_BOUNDS, WRITE_ANYWHERE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the superuser can't give that up here")


@pytest.fixture
def locked(made):
    """A function that takes the right to write from a folder; skips where rights bind nobody."""
    folders = []

    def lock(folder):
        folders.append(folder)
        folder.chmod(0o555)
        touch = [sys.executable, "-c", f"open({str(folder / 'probe')!r}, 'w')"]
        try:
            probe = subprocess.run(touch, preexec_fn=bound_by_rights, capture_output=True, check=False)
        except subprocess.SubprocessError:
            pytest.skip("the superuser can't give up the right to write anywhere (CAP_SETPCAP is missing)")
        if probe.returncode == 0:
            pytest.skip("this file system lets everybody write into a folder without the right to")

    yield lock
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "first"),
    [("date", "✗ clv failed: The page can't be written: Permission denied."), ("reports", "✓ clv fine")],
    ids=["date", "reports"],
)
def test_a_folder_that_can_not_be_written_to_ends_with_1_and_readers_keep_their_pages(made, locked, where, first):
    before = pages(made)
    locked({"date": made.folder, "reports": made.reports}[where])
    code, said = made.crm("--force", preexec_fn=bound_by_rights)
    assert code == verdict.EXIT_FAILED
    assert_said(said, first, "crm: The reports can't be written: Permission denied (index.html).")
    after = pages(made)
    assert set(after) == set(before)
    assert where == "reports" or after == before
    assert_readers_see_whole_pages(made.folder, "clv")


def test_a_place_that_is_no_folder_ends_with_1_and_stays_what_it_was(shop):
    shop.reports.write_text("a file", encoding="utf-8")
    assert shop.crm() == (
        verdict.EXIT_FAILED,
        "crm: The reports can't be written: Not a directory (runs).\n",
    )
    assert shop.reports.read_text(encoding="utf-8") == "a file"
