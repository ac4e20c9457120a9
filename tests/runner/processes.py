"""What tests of killed, stopped and hindered runs share: processes in /proc, and pages as readers see them."""

import json
import time
from pathlib import Path

import pandas as pd

from crm_lib.runner.evidence.lint import problems

PATIENCE_S = 300.0  # never waited for on a machine at rest


def wait_for(condition, seconds=PATIENCE_S):
    """What the condition finds, as soon as it finds something: a slow machine only takes longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {seconds} s")


def ended(runner, seconds=PATIENCE_S):
    """Exit code and all that was said."""
    said = runner.communicate(timeout=seconds)
    return runner.returncode, "".join(said)


def children(pid):
    try:
        return [int(p) for task in Path(f"/proc/{pid}/task").glob("*/children") for p in task.read_text().split()]
    except OSError:
        return []


def family(pid):
    """All processes below one."""
    return [p for child in children(pid) for p in (child, *family(child))]


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids):
    return wait_for(lambda: not any(map(running, pids)))


def assert_readers_see_whole_pages(folder, topic="good"):
    page = (folder / f"{topic}.html").read_text(encoding="utf-8")
    assert problems(page) == []
    assert page.rstrip().endswith("</html>")
    assert "The answer is <b>42</b>." in page
    figures = (folder / f"{topic}.figures.json").read_text(encoding="utf-8")
    assert json.loads(figures)["topic"] == topic
    for table in folder.glob(f"{topic}/*.parquet"):
        assert len(pd.read_parquet(table))
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert problems(index) == []
    assert index.rstrip().endswith("</html>")


def assert_nothing_is_left(folder):
    left = [p.name for p in (*folder.iterdir(), *(folder / "runs").iterdir()) if p.name.startswith(".")]
    assert left == [".lock"]
