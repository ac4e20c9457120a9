"""What the docs tell people to type is typed, page by page and in order, in a copy of the project."""

import csv
import datetime as dt
import io
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.contract.topics import TOPICS
from crm_lib.sources.settings import read_config

ROOT = Path(__file__).parent.parent
TYPED = {"shop", "web", "exports", "basket"} & {*read_config(ROOT / "crm.toml").sources, *TOPICS}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(TYPED), reason=f"{', '.join(TYPED)}: the docs were followed in this very checkout"),
]
CRM = (sys.executable, "-m", "crm_lib.cli")
# What nobody but a person runs: it opens JupyterLab, or is the tests themselves.
BY_HAND = {"make lab", "make test"}
PROGRAMS = ("make ", "crm ", ".venv/bin/", "cp ")


def commands(page):
    """The lines of a page's code blocks that name no language, in order, without comments."""
    for language, block in re.findall(r"^ *```([\w-]*)\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL):
        if not language:
            yield from (line.strip() for line in block.splitlines() if line.strip().startswith(PROGRAMS))


def text_of(page):
    return (ROOT / ("README.md" if page == "README" else f"docs/{page}.md")).read_text(encoding="utf-8")


def scheduled():
    """Every command of the page for operators once, as the machine that it is meant for would call it."""
    found = re.findall(
        r"(?<=[ =\"/\n])((?:\.venv/bin/)?crm (?:report|tidy) .*?)(?:\",)?$", text_of("schedule"), re.M
    )
    day = (("{{ data_interval_end | ds }}", "2026-10-05"), ("\"$(date -d '100 days ago' +\\%F)\"", "2026-07-01"))
    for line in dict.fromkeys(line.removeprefix(".venv/bin/") for line in found):
        for said, then in day:
            line = line.replace(said, then)
        yield line


def recipe(target):
    """The one line that a target of the Makefile runs once the environment is there."""
    found = re.search(
        rf"^{target}: \$\(READY\) ##[^\n]*\n\t@\$\(BIN\)/([^\n]+)\n", (ROOT / "Makefile").read_text(), re.M
    )
    assert found, f"make {target} runs more than one line"
    return found[1]


def arguments_of(line):
    """The command as it is run here: our own interpreter for the environment in `.venv`."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        words = shlex.split(recipe(words[1]))
    if words[0] in ("crm", ".venv/bin/crm"):
        return [*CRM, *words[1:]]
    assert words[0] == "cp", f"nothing here runs {line}"
    return words


@pytest.fixture
def project(tmp_path, sample_run):
    """A copy of the project in which `make report` has been run, with the exports of a shop beside it."""
    left = shutil.ignore_patterns("__pycache__", "cdnow_full", "scratch")
    for name in ("crm_lib", "notebooks", "data", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left)
    for name in ("crm.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(sample_run.folder / "reports", tmp_path / "reports")
    exports(tmp_path / "exports")
    return tmp_path


def exports(folder):
    """Orders of three months in files of their own and the customers, as a Chinese CRM writes them."""
    folder.mkdir()
    draw, months = random.Random(7), {}
    for i in range(200):
        day = dt.date(2026, 7, 1) + dt.timedelta(days=draw.randrange(60))
        while day <= dt.date(2026, 9, 30):
            row = (
                f"K{i:04d}",
                f"{day.year}/{day.month}/{day.day}",
                f"￥{draw.randrange(500, 500_000) / 100:,.2f}",
            )
            months.setdefault(day.month, []).append(row)
            day += dt.timedelta(days=1 + int(draw.expovariate(1 / 20)))
    for month, rows in months.items():
        write(folder / f"订单_2026-{month:02d}.csv", [("客户编号", "下单时间", "实付金额"), *rows])
    people = [(f"K{i:04d}", "2026/7/1", ("华东", "华南", "华北")[i % 3]) for i in range(200)]
    write(folder / "客户.csv", [("客户编号", "注册日期", "地区"), *people])


def write(path, rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode("gb18030"))


def run(project, line, typed="y\n"):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")} | {"PYTHONPATH": str(project)}
    done = subprocess.run(
        arguments_of(line), cwd=project, env=environment, input=typed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


PAGES = {
    "first-report": ("sample/2026-10-31/clv.html", "sample/2026-09-30/clv.html", "index.html"),
    "own-data": ("shop/check.html", *(f"shop/2026-09-30/{t}.html" for t in ("segmentation", "clv", "retention"))),
    "changing-a-report": (
        "sample/2026-10-31+half-year/clv.html",
        "sample/2026-10-31+clv_berlin/clv.html",
        "sample/2026-10-31/basket.html",
    ),
}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_works_in_its_order(project, page):
    said = [run(project, line) for line in commands(page) if line not in BY_HAND]
    assert said
    for name in PAGES[page]:
        assert (project / "reports" / name).is_file(), name


def test_every_command_of_the_readme_works(project):
    """Reports but the smallest are only asked what they would make, and compared where another page makes them."""
    compared = {line.partition("#")[0].strip() for line in commands("first-report") if " compare " in line}
    for line in commands("README"):
        said = line.partition("#")[0].strip()
        if not (said in compared or said.startswith("make ")):
            run(project, f"{said} --dry-run" if " report " in said and "textbook" not in said else said)
    assert (project / "reports/textbook/2008-12-31/segmentation.html").is_file()
    assert (project / "reports/exports/check.html").is_file()


def test_every_command_of_the_page_for_operators_works(project):
    for source in ("shop", "web"):
        run(project, f"crm init exports/ --name {source}")
    lines = list(scheduled())
    assert len(lines) >= 6
    for line in lines:
        day = "" if "--run-date" in line else " --run-date 2026-10-05"
        run(project, f"{line}{day} --dry-run" if " report " in line else line)


def test_pages_with_commands_are_run_or_known_to_be_for_operators():
    """A new page of the docs must be run here, or say why not: other machines, or nothing to type."""
    with_commands = {p.stem for p in (ROOT / "docs").glob("*.md") if any("crm " in c for c in commands(p.stem))}
    assert with_commands - PAGES.keys() <= {"schedule", "commands", "decisions", "benchmarks", "engines"}
