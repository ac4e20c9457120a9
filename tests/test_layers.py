"""Who may import whom, read from the import statements themselves."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "crm_lib"

MAY_IMPORT = {
    "errors": set(),
    "contract": {"errors"},
    "sources": {"errors", "contract"},
    "analysis": {"errors", "contract"},
    "theme": {"errors"},
    "show": {"errors", "contract", "analysis", "theme"},
    "runner": {"errors", "contract", "theme"},
    "cli": {"errors", "contract", "sources", "runner", "theme"},
}
# What analysis must do without: disk, clock, plots.
ANALYSIS_DOES_WITHOUT = {"os", "pathlib", "shutil", "tempfile", "time", "random", "matplotlib", "seaborn"}


def layer(path):
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def imports(path):
    """Full names of everything the file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or layer(p) in MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_layer_imports_only_the_layers_below_it(path):
    own = layer(path)
    seen = {
        name.split(".")[1]
        for name in imports(path)
        if name.startswith("crm_lib.") and name != "crm_lib.__version__"
    }
    assert seen - {own} <= MAY_IMPORT[own]


@pytest.mark.parametrize("path", [p for p in FILES if layer(p) == "analysis"], ids=lambda p: p.name)
def test_analysis_knows_no_disk_no_clock_and_no_plots(path):
    assert not {name.split(".")[0] for name in imports(path)} & ANALYSIS_DOES_WITHOUT


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_is_named_for_everything(path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "core"}


def test_every_topic_has_its_files_in_every_layer():
    from crm_lib.contract.topics import TOPICS

    root = PACKAGE.parent
    for topic in TOPICS:
        assert (root / "notebooks" / f"{topic}.ipynb").exists(), f"notebooks/{topic}.ipynb is missing"
        for folder, test in (("analysis", "tests/analysis"), ("show", "tests/show")):
            either = [PACKAGE / folder / f"{topic}.py", PACKAGE / folder / topic / "__init__.py"]
            assert any(p.exists() for p in either), f"crm_lib/{folder}/{topic}.py is missing"
            assert list((root / test).glob(f"test_{topic}*.py")), f"{test}/test_{topic}.py is missing"
