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
TITLE, QUESTION = "Baskets & <b>more</b>", "Who's back for a 2nd order?"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, without what git does not know."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("crm_lib", "notebooks", "data"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "cdnow_full"))
    for name in ("tests/analysis", "tests/show", "tests/theme", "tests/contract"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "crm.toml",
        "pyproject.toml",
        "tests/conftest.py",
        "tests/test_layers.py",
        "tests/test_notebooks.py",
    ):
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
    code, said = run(project, "crm_lib.cli", "new", "basket", "--title", TITLE, "--question", QUESTION)
    assert code == 0, said
    return said


@pytest.mark.slow
def test_what_it_wrote_is_said(made, project):
    for place in new.FILES.values():
        name = place.format(topic="basket")
        assert f"written     {name}" in made
        assert (project / name).is_file()
    assert "Next: crm report basket" in made


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_the_new_topic_passes_the_checks_of_the_shipped_ones(project):
    code, said = run(
        project, "pytest", "-q", "-p", "no:cacheprovider",
        "-k", "basket or layer or codebook or notebook or catalogue",
        "tests/analysis/test_basket.py", "tests/show/test_basket.py", "tests/test_layers.py",
        "tests/test_notebooks.py", "tests/contract/test_codebook.py", "tests/theme/test_catalogue.py",
    )  # fmt: skip
    assert code == 0, said
    for check in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        code, said = run(project, *check)
        assert code == 0, said


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_the_new_topic_stands_on_the_index(project):
    code, said = run(project, "crm_lib.cli", "report", "basket")
    assert code == 0, said
    folder = project / "reports/sample/2026-10-31"
    index, page = ((folder / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "basket"))
    assert "Baskets &amp; &lt;b&gt;more&lt;/b&gt;" in index
    assert "came back for a second order" in index
    assert "Who’s back for a 2nd order?" in page or "Who&#39;s back for a 2nd order?" in page or QUESTION in page


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_a_second_time_nothing_is_overwritten(project):
    before = (project / "crm_lib/contract/topics.py").read_bytes()
    code, said = run(project, "crm_lib.cli", "new", "basket")
    assert code == 2
    assert 'There is a topic "basket" already' in said
    assert (project / "crm_lib/contract/topics.py").read_bytes() == before


@pytest.mark.parametrize(
    ("topic", "options", "words"),
    [
        ("clv", {}, "already"),
        ("Basket", {}, "lower-case"),
        ("class", {}, "no word of Python"),
        ("basket", {"title": 'a "b"'}, "--title must be one line"),
        ("basket", {"question": "Tell me."}, "must end with a question mark"),
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
        new.new("basket", title="", question="")


def test_a_file_that_stands_there_is_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / "crm.toml").write_text("", encoding="utf-8")
    (tmp_path / "crm_lib/contract").mkdir(parents=True)
    shutil.copy(ROOT / new.CATALOGUE, tmp_path / new.CATALOGUE)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/basket.ipynb").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=r"notebooks/basket\.ipynb exists already"):
        new.new("basket", title="", question="")
    assert (tmp_path / "notebooks/basket.ipynb").read_text(encoding="utf-8") == "mine"
