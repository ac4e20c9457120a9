"""`crm new` in a copy of the project: what it writes works, and passes the checks of the shipped topics."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.cli import new
from crm_lib.errors import ConfigError, ParameterError

ROOT = Path(__file__).parent.parent
# A name that no analyst's own topic is likely to have: these tests hold in their checkout as well.
TOPIC = "second_orders_of_the_test"
TITLE, QUESTION = "Baskets & <b>more</b>", "Who's back for a 2nd order?"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, without what git does not know."""
    copy = tmp_path_factory.mktemp("project")
    left = shutil.ignore_patterns("__pycache__", "cdnow_full", "scratch")
    for name in ("crm_lib", "notebooks", "data", "tests", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=left)
    for name in ("crm.toml", "pyproject.toml", "README.md", "Makefile", *(p.name for p in ROOT.glob("*.lock"))):
        shutil.copy(ROOT / name, copy / name)
    return copy


def run(project, *command):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")} | {"PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(project):
    code, said = run(project, "crm_lib.cli", "new", TOPIC, "--title", TITLE, "--question", QUESTION)
    assert code == 0, said
    return said


@pytest.mark.slow
def test_what_it_wrote_is_said(made, project):
    for place in new.FILES.values():
        name = place.format(topic=TOPIC)
        assert f"written     {name}" in made
        assert (project / name).is_file()
    assert f"Next: crm report {TOPIC}" in made


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_the_new_topic_passes_the_checks_of_the_shipped_ones(project):
    """Its own tests, its examples, its checked cells, and each test that runs once for every topic or notebook.

    Those that open the pages of all topics in a browser, or need a server, are left out: they take minutes.
    """
    own = project / "tests" / Path(__file__).name
    tests = [str(p.relative_to(project)) for p in sorted((project / "tests").glob("test_*.py")) if p != own]
    code, said = run(
        project, "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "-k", TOPIC,
        "tests/analysis", "tests/contract", "tests/runner/kernels/test_warm.py", "tests/show", "tests/theme",
        *tests, "crm_lib/analysis", "crm_lib/show", f"notebooks/{TOPIC}.ipynb",
    )  # fmt: skip
    assert code == 0, said
    whole = ("test_layers", "test_notebooks", "test_help", "contract/test_codebook", "theme/test_catalogue")
    code, said = run(project, "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}.py" for name in whole))
    assert code == 0, said
    for check in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        code, said = run(project, *check)
        assert code == 0, said


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_the_new_topic_stands_on_the_index(project):
    code, said = run(project, "crm_lib.cli", "report", TOPIC)
    assert code == 0, said
    folder = project / "reports/sample/2026-10-31"
    index, page = ((folder / f"{name}.html").read_text(encoding="utf-8") for name in ("index", TOPIC))
    assert "Baskets &amp; &lt;b&gt;more&lt;/b&gt;" in index
    assert "came back for a second order" in index
    assert "Who’s back for a 2nd order?" in page or "Who&#39;s back for a 2nd order?" in page or QUESTION in page


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_a_second_time_nothing_is_overwritten(project):
    before = (project / "crm_lib/contract/topics.py").read_bytes()
    code, said = run(project, "crm_lib.cli", "new", TOPIC)
    assert code == 2
    assert f'There is a topic "{TOPIC}" already' in said
    assert (project / "crm_lib/contract/topics.py").read_bytes() == before


@pytest.mark.parametrize(
    ("topic", "options", "words"),
    [
        ("clv", {}, "already"),
        ("Basket", {}, "lower-case"),
        ("class", {}, "no word of Python"),
        (TOPIC, {"title": 'a "b"'}, "--title must be one line"),
        (TOPIC, {"question": "Tell me."}, "must end with a question mark"),
    ],
)
def test_what_can_not_name_a_topic_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, topic, options, words
):
    (tmp_path / "crm.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=words):
        new.new(topic, **({"title": "", "question": ""} | options))
    assert [p.name for p in tmp_path.iterdir()] == ["crm.toml"]


def test_a_project_without_the_catalogue_is_told_so(tmp_path, monkeypatch):
    (tmp_path / "crm.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="a checkout of the project"):
        new.new(TOPIC, title="", question="")


def test_a_file_that_stands_there_is_not_overwritten(tmp_path, monkeypatch):
    bare(tmp_path, monkeypatch)
    place = tmp_path / "notebooks" / f"{TOPIC}.ipynb"
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(ParameterError, match=rf"notebooks/{TOPIC}\.ipynb exists already"):
        new.new(TOPIC, title="", question="")
    assert place.read_text(encoding="utf-8") == "mine"


def test_a_module_of_several_files_is_not_hidden_by_one_of_its_name(tmp_path, monkeypatch):
    bare(tmp_path, monkeypatch)
    (tmp_path / "crm_lib/analysis/btyd").mkdir(parents=True)
    with pytest.raises(ParameterError, match="crm_lib/analysis/btyd exists already"):
        new.new("btyd", title="", question="")


@pytest.mark.parametrize(
    "topic",
    [
        *("index", "runs", "compare", "check", "lists"),  # pages and folders of the runner
        *("all", "topics", "dataclass"),  # names in the catalogue
        *("source", "as_of", "language", "seed"),  # the common parameters
        *("say", "crm", "connect", "result", "ibis", "histories"),  # names in the files that are written
    ],
)
def test_a_name_that_means_something_else_is_refused(tmp_path, monkeypatch, topic):
    bare(tmp_path, monkeypatch)
    with pytest.raises(ParameterError, match="has a meaning of its own here"):
        new.new(topic, title="", question="")
    assert not list((tmp_path / "notebooks").iterdir())


def bare(folder, monkeypatch):
    """A project that holds no more than the catalogue."""
    (folder / "crm.toml").write_text("", encoding="utf-8")
    (folder / "crm_lib/contract").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / new.CATALOGUE, folder / new.CATALOGUE)
    monkeypatch.chdir(folder)
