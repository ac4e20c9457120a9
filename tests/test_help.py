"""What `Tab` and `Shift+Tab` show in JupyterLab: the tables that are there, and help on all that a notebook calls."""

import ast
import datetime as dt
import doctest
import importlib
import inspect
import json
import re
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crm_lib import sources
from crm_lib.contract.card import DataCard
from crm_lib.contract.settings import Settings
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import DataContractError

ROOT = Path(__file__).parent.parent
# Classes whose fields and methods speak for themselves, or explain their parts beside each field.
MODULES = ("crm_lib.analysis", "crm_lib.show")


def called(topic):
    """Full name and object of every function and class of ours that a shipped notebook calls."""
    notebook = json.loads((ROOT / "notebooks" / f"{topic}.ipynb").read_text(encoding="utf-8"))
    code = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
    tree, known = ast.parse(code), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("crm_lib."):
            known |= {a.asname or a.name: (node.module, a.name) for a in node.names}
    for node in ast.walk(tree):
        parts = ast.unparse(node.func).split(".") if isinstance(node, ast.Call) else [""]
        if parts[0] in known:
            module, name = known[parts[0]]
            found = getattr(importlib.import_module(module), name, None)
            found = found or importlib.import_module(f"{module}.{name}")
            for part in parts[1:]:
                found = getattr(found, part)
            yield ".".join([module, name, *parts[1:]]), found


FUNCTIONS = {name: found for topic in TOPICS for name, found in called(topic)}
ENTRIES = {
    name: found
    for name, found in FUNCTIONS.items()
    if not name.startswith("crm_lib.show.") and inspect.isfunction(found)
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_on_what_a_notebook_calls_begins_with_a_sentence(name):
    first = inspect.getdoc(FUNCTIONS[name]).splitlines()[0]
    assert re.match(r"[A-Z`\"“]", first), first
    assert first.endswith((".", "?", ";", ":", ",")), first


@pytest.mark.parametrize("name", ENTRIES)
def test_help_on_an_analysis_says_what_each_parameter_means(name):
    text = inspect.getdoc(ENTRIES[name])
    unsaid = [p for p in inspect.signature(ENTRIES[name]).parameters if not re.search(rf"\b{p}\b", text)]
    assert not unsaid, f"{name} says nothing of {', '.join(unsaid)}"


@pytest.mark.parametrize("name", ENTRIES)
def test_help_on_an_analysis_has_an_example(name):
    assert doctest.DocTestParser().get_examples(inspect.getdoc(ENTRIES[name])), f"{name} has no >>> example"


