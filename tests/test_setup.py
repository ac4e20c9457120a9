"""The two README commands stand on these files agreeing with each other."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENGINES = (ROOT / "requirements-engines.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked(lock=LOCK):
    """Name → versions pinned (several where platforms differ)."""
    pins = {}
    for line in lock.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", line):
            pins.setdefault(match[1].lower(), []).append(Version(match[2]))
    return pins


def wanted():
    extras = PROJECT["optional-dependencies"]["dev"]
    return [Requirement(text) for text in PROJECT["dependencies"] + extras]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_lock_satisfies_every_dependency(requirement):
    versions = locked()[requirement.name.lower()]
    assert all(requirement.specifier.contains(v) for v in versions)


def engines_wanted():
    extras = PROJECT["optional-dependencies"]
    return [Requirement(text) for name in ("postgres", "spark", "dev-engines") for text in extras[name]]


@pytest.mark.parametrize("requirement", engines_wanted(), ids=str)
def test_the_two_locks_satisfy_what_engines_need(requirement):
    versions = (locked() | locked(ENGINES))[requirement.name.lower()]
    assert all(requirement.specifier.contains(v) for v in versions)


def test_the_lock_of_the_engines_holds_only_what_is_beyond_the_other():
    assert locked(ENGINES)
    assert not set(locked(ENGINES)) & set(locked())


@pytest.mark.parametrize(("lock", "fewest"), [(LOCK, 100), (ENGINES, 5)], ids=["main", "engines"])
def test_the_lock_pins_exactly_and_holds_no_address(lock, fewest):
    entries = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(entries) > fewest
    assert all("==" in line for line in entries)
    assert not re.search(r"://|index-url|find-links|\bfile:", lock)


@pytest.mark.parametrize("lock", [LOCK, ENGINES], ids=["main", "engines"])
def test_every_pin_has_its_hash(lock):
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_conda_installs_the_same_lock():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "- -r requirements.lock" in text
    assert PROJECT["requires-python"] in text
    assert "==" not in text


def test_the_running_libraries_are_the_locked_ones():
    from importlib.metadata import version

    for name in ("duckdb", "ibis-framework", "numpy", "pandas", "scipy", "papermill", "nbconvert"):
        assert Version(version(name)) in locked()[name]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_another_python_gets_a_plain_message(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    run = subprocess.run(
        ["make", "report", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert "This needs Python 3.11, 3.12 or 3.13" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_notebook_that_was_run_is_committed_as_it_was():
    (strip,) = re.findall(r"^STRIP := \S+/nbstripout (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    kept = (ROOT / "notebooks" / "clv.ipynb").read_text(encoding="utf-8")
    ran = nbformat.reads(kept, as_version=4)
    ran.metadata["language_info"] = {"name": "python", "version": "3.12.1"}
    for i, cell in enumerate(c for c in ran.cells if c.cell_type == "code"):
        cell.execution_count = i + 1
        cell.outputs = cell.outputs or [nbformat.v4.new_output("stream", text="C00010 spent 5")]
    command = [str(Path(sys.executable).parent / "nbstripout"), *shlex.split(strip)]
    stripped = subprocess.run(
        command, input=nbformat.writes(ran), capture_output=True, text=True, timeout=60, check=True
    )
    assert stripped.stdout.strip() == kept.strip()


@pytest.fixture
def clone(tmp_path):
    """A clone in which no command was typed yet, with an environment; and git in it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    notebook = nbformat.read(ROOT / "notebooks" / "clv.ipynb", as_version=4)
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        cell.outputs = cell.outputs or [nbformat.v4.new_output("stream", text="C00010 spent 5")]
    nbformat.write(notebook, tmp_path / "notebooks" / "clv.ipynb")

    def git(*arguments):
        who = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    git("init", "--quiet")
    return tmp_path, git


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("git")), reason="make or git is not installed")
def test_a_commit_holds_no_outputs_but_those_that_are_checked(clone):
    folder, git = clone
    recipe = subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/.ready"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in recipe.stdout.splitlines() if "git config" in line)
    subprocess.run(["sh", "-c", line], cwd=folder, check=True)
    git("add", "notebooks")
    git("commit", "--quiet", "--message", "A notebook that was run")
    committed = nbformat.reads(git("show", "HEAD:notebooks/clv.ipynb"), as_version=4)
    with_outputs = [c.id for c in committed.cells if c.get("outputs")]
    assert with_outputs == [c.id for c in committed.cells if "keep_output" in c.metadata.get("tags", [])] != []
    assert "C00010" in (folder / "notebooks" / "clv.ipynb").read_text(encoding="utf-8"), "the file keeps its own"
    assert git("status", "--short", "notebooks") == ""


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_works_before_there_is_an_environment(clone):
    _folder, git = clone
    git("add", "notebooks")
    git("commit", "--quiet", "--message", "A notebook")
    assert git("status", "--short", "notebooks") == ""


def test_this_python_is_one_of_the_supported():
    assert (3, 11) <= sys.version_info < (3, 14)


SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="there is no java on the PATH")
@pytest.mark.parametrize("n", range(3))
def test_spark(n): pass

@pytest.fixture
def browser(): pytest.skip("Chromium is missing (Debian: apt-get install chromium)")

def test_page(browser): pass

def test_all_is_well(): pass
"""


@pytest.mark.slow
def test_the_end_of_a_test_run_says_what_was_skipped_and_why_and_fails_nothing(tmp_path):
    (tmp_path / "test_it.py").write_text(SKIPS, encoding="utf-8")
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    pytest_alone = [sys.executable, "-m", "pytest", "-q", "-p", "xdist.plugin", "-n", "1"]
    only_what_is_named = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(pytest_alone, cwd=tmp_path, env=only_what_is_named, capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if " skipped: " in line] == [
        "1 skipped: Chromium is missing (Debian: apt-get install chromium)",
        "3 skipped: there is no java on the PATH",
    ]
    assert done.returncode == 0
