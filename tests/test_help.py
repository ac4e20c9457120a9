"""What `Tab` and `Shift+Tab` show in JupyterLab: the tables there are, and help on all that a notebook calls."""

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

# Those of a whole source prove a page on real data, and take seconds.
OF_TABLES = [n for n, f in ENTRIES.items() if ".sources." in n or "source" not in inspect.signature(f).parameters]


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


@pytest.mark.parametrize("name", OF_TABLES)
def test_help_on_an_analysis_has_an_example(name):
    assert doctest.DocTestParser().get_examples(inspect.getdoc(ENTRIES[name])), f"{name} has no >>> example"


def crm(topic="", **tables):
    card = DataCard("shop", "Shop", dt.date(2026, 10, 31), "", ())
    errors = {"surveys": DataContractError("No scale.")}
    return sources.Crm(card, Settings(), tables, errors, topic=topic)


def test_tab_offers_the_tables_that_are_there_and_no_others():
    rows = ibis.memtable(pd.DataFrame({"customer_id": ["a"]}))
    offered = set(dir(crm(transactions=rows, customers=rows)))
    assert {"transactions", "customers", "get", "publish", "as_of"} <= offered
    assert "products" not in dir(crm(transactions=rows))
    assert "surveys" not in dir(crm(transactions=rows)), "asking for it raises an error"


def test_tab_offers_only_what_the_topic_may_ask_for():
    rows = ibis.memtable(pd.DataFrame({"customer_id": ["a"]}))
    assert "cases" not in dir(crm("clv", transactions=rows, cases=rows))
    assert "transactions" in dir(crm("clv", transactions=rows, cases=rows))
