import subprocess
import sys

import pytest

from crm_lib.errors import Busy
from crm_lib.runner.store import lock

HOLD = """
import sys, time
from pathlib import Path
from crm_lib.runner.store import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sample" / "2026-10-31" / "runs" / ".lock"


@pytest.fixture
def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_is_told_who_holds_it(path, holder):
    told = []
    words = rf"Another run is making sample 2026-10-31 \(process {holder.pid}, since .*\)\. Nothing was done\."
    with pytest.raises(Busy, match=words), lock.held(path, 0.3, told.append):
        raise AssertionError("two hold one lock")
    assert len(told) == 1
    assert Busy.exit_code == 75


def test_a_holder_that_is_killed_lets_go(path, holder):
    holder.kill()
    with lock.held(path, 10) as sure:
        assert sure


def test_who_waits_gets_it_when_it_is_free(path):
    with lock.held(path):
        pass
    with lock.held(path, 0) as sure:
        assert sure


def test_a_folder_that_was_tidied_away_is_made_again(path):
    with lock.held(path):
        path.unlink()
    with lock.held(path):
        assert path.exists()


def test_a_file_system_without_locks_stops_nobody(path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    with lock.held(path) as one, lock.held(path) as two:
        assert (one, two) == (False, False)
