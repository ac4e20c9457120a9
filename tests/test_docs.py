"""What the docs tell people to type works: commands parse, Python runs, settings are TOML, links lead on."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from crm_lib.cli import app
from crm_lib.runner.evidence import verdict

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "notebooks/README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = ROOT / "docs" / "commands.md"


def blocks(language):
    """Code blocks of a language (empty: none named) in all pages but the generated one."""
    fence = re.compile(rf"^ *```{language}\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    for page in PAGES:
        if page != GENERATED:
            for i, block in enumerate(fence.findall(page.read_text(encoding="utf-8"))):
                yield pytest.param(block, id=f"{page.stem}-{i}")


def commands():
    """Every line in the docs that calls `crm`, without what is a placeholder or belongs to the shell."""
    for page in PAGES:
        if page == GENERATED:
            continue
        text = page.read_text(encoding="utf-8")
        lines = re.findall(
            r"^ *(?:\.venv/bin/)?(crm [a-z].*)$",
            "\n".join(re.findall(r"```.*?```", text, re.DOTALL)),
            re.MULTILINE,
        )
        for line in lines + re.findall(r"`(crm [a-z][^`|…]*)`", text):
            if not re.search(r"\b[A-Z]{3,}\b|\.\.\.", line):
                yield pytest.param(line, id=f"{page.stem}: {line}")


def test_every_command_and_its_options_stand_in_the_docs(tmp_path):
    made = tmp_path / "commands.md"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "typer",
            "crm_lib.cli",
            "utils",
            "docs",
            "--name",
            "crm",
            "--title",
            "Every command",
            "--output",
            str(made),
        ],
        check=True,
        capture_output=True,
    )
    assert GENERATED.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), "run: make docs"


@pytest.mark.parametrize("line", sorted({p.id: p for p in commands()}.values(), key=lambda p: p.id))
def test_a_command_in_the_docs_is_understood(line):
    _crm, name, *arguments = shlex.split(line, comments=True)
    group = get_command(app)
    assert name in group.commands
    if arguments:
        group.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("code", list(blocks("python")))
def test_python_in_the_docs_runs(code):
    if "airflow" in code:
        pytest.skip("for another program; tests/test_schedule.py reads it")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", list(blocks("toml")))
def test_settings_in_the_docs_are_toml(text):
    indent = re.match(r" *", text)[0]
    assert tomllib.loads("\n".join(line.removeprefix(indent) for line in text.splitlines()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_in_the_docs_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_readers_find_every_state_of_the_index_in_the_docs():
    states = ("FINE", "NOTES", "STALE", "UNCHANGED", "NO_DATA", "FAILED", "TIMED_OUT", "KILLED")
    said = [verdict.state_words(getattr(verdict, name))[:2] for name in states]
    text = (ROOT / "docs" / "reading-a-report.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\S) \| ([a-z ]+) \|", text, re.MULTILINE) == said
