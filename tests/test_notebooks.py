"""The house rules of the shipped notebooks: a story, not a program."""

import ast
import itertools
import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from crm_lib.contract.topics import TOPICS

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FORBIDDEN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Lambda,
)  # fmt: skip
MAY_IMPORT = ("crm_lib.analysis", "crm_lib.show", "crm_lib.sources", "typing")
COMMON = ("source", "as_of", "language", "seed")
CHECKED = "nbval-check-output"


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def prose(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "markdown"]


def tags(cell):
    return cell.metadata.get("tags", [])


def parameters(notebook):
    (cell,) = (c for c in code(notebook) if "parameters" in tags(c))
    return cell


def test_every_topic_has_its_notebook():
    """Beside them may lie an edited copy of one, as docs/changing-a-report.md says."""
    assert set(TOPICS) <= {p.stem for p in NOTEBOOKS}


def test_it_is_short(notebook):
    assert len(notebook.cells) <= 30
    assert max(len(c.source.splitlines()) for c in code(notebook)) <= 10


def test_it_holds_no_program(notebook):
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, FORBIDDEN), ast.unparse(node)


def test_it_imports_only_what_a_story_needs(notebook):
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert all(n.startswith(MAY_IMPORT) for n in names), names


def test_it_knows_no_path_and_no_sql(notebook):
    strings = [
        node.value
        for cell in code(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for text in strings:
        assert "/" not in text
        assert "\\" not in text
        assert not re.search(r"\bselect\b.*\bfrom\b", text, re.I)


def test_its_title_is_a_question_and_says_for_whom(notebook):
    title, *rest = [line for line in prose(notebook)[0].splitlines() if line.strip()]
    assert title.startswith("# ")
    assert title.endswith("?")
    assert rest, "two lines under the title say who decides what with it"


def test_only_one_heading_of_the_first_level_and_no_level_skipped(notebook):
    levels = [len(m) for text in prose(notebook) for m in re.findall(r"^(#+) ", text, re.M)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("heading", ["In short", "How far to trust this", "What to do", "Definitions"])
def test_it_has_the_sections_every_reader_looks_for(notebook, heading):
    assert any(re.search(rf"^## {heading}$", text, re.M) for text in prose(notebook))


def test_every_parameter_has_a_type_a_default_and_a_word_of_help(notebook):
    cell = parameters(notebook)
    lines = [line for line in cell.source.splitlines() if line.strip() and not line.startswith("from typing")]
    for line in lines:
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.AnnAssign), line
        assert "  # " in line, f"no help: {line}"


def test_it_takes_the_common_parameters(notebook):
    names = [n.target.id for n in ast.walk(ast.parse(parameters(notebook).source)) if isinstance(n, ast.AnnAssign)]
    assert tuple(names[:4]) == COMMON


def test_the_last_code_cell_publishes(notebook):
    assert code(notebook)[-1].source.startswith("crm.publish(")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_outputs_stay_only_where_they_are_checked(path):
    """In git, that is: a notebook that was run and saved keeps them on disk."""
    text = path.read_text(encoding="utf-8")
    if (ROOT / ".git").exists():
        asked = ["git", "show", f":notebooks/{path.name}"]
        held = subprocess.run(asked, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        text = held.stdout or pytest.skip("git does not hold it yet")
    for cell in code(nbformat.reads(text, as_version=4)):
        if CHECKED in tags(cell):
            assert "keep_output" in tags(cell), "nbstripout would strip what nbval compares"
            assert cell.outputs, "nothing stored to compare with"
        else:
            assert not cell.outputs
            assert cell.execution_count is None


def test_something_is_checked(notebook):
    assert any(CHECKED in tags(c) for c in code(notebook))


def test_it_names_no_path_of_a_machine(notebook):
    assert not re.search(r"/(home|root|work|Users)/", nbformat.writes(notebook))
