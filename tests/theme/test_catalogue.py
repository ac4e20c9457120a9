"""The catalogues are whole: nothing that a reader sees is without its translation."""

import ast
import json
import os
from pathlib import Path

import pytest

from crm_lib.contract.topics import TOPICS
from crm_lib.theme import catalogue, messages, words

ROOT = Path(__file__).parents[2]
LANGUAGES = sorted(messages.there())


@pytest.fixture(scope="module")
def template():
    return catalogue.extracted()


@pytest.fixture(scope="module")
def ids(template):
    return {form for message in template if message.id for form in catalogue.forms(message.id)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_its_translation(language, template):
    fresh = catalogue.updated(language, template)
    assert catalogue.faults(fresh) == [], "run `python -m crm_lib.theme.catalogue`, then translate what it lists"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_in_git_is_the_one_that_the_command_writes(language, template):
    fresh = catalogue.as_text(catalogue.updated(language, template))
    assert messages.path(language).read_bytes() == fresh, "run `python -m crm_lib.theme.catalogue`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fuzzy_or_obsolete(language):
    read = catalogue.read(language)
    assert not read.obsolete
    assert not [m.id for m in read if m.id and m.fuzzy]


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_as_many_forms_as_the_language(language):
    read = catalogue.read(language)
    assert not [m.id for m in read if m.pluralizable and len(m.string) != read.num_plurals]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_paragraph_of_a_notebook_is_a_message(topic, ids):
    notebook = ROOT / "notebooks" / f"{topic}.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    asked = []
    for text in prose:
        messages.markdown(text, lambda message: asked.append(message) or message)
    assert asked
    assert set(asked) <= ids
    assert all(any(c.isalpha() for c in said) for said in asked)


def test_help_texts_topics_and_reasons_are_messages(ids):
    from crm_lib.runner.request import parameters

    for topic in TOPICS.values():
        declared = parameters.declared(ROOT / "notebooks" / f"{topic.name}.ipynb")
        assert {topic.title, topic.question, *(messages.of_help(p.help) for p in declared)} <= ids
    assert {"not a number", "unknown id", "broken line"} <= ids


def test_an_edited_copy_of_a_notebook_asks_for_no_translation(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "crm_lib" / "analysis" / "clv").mkdir(parents=True)
    cells = [{"cell_type": "markdown", "source": ["Of {name}."], "metadata": {}}]
    for name in ("clv", "clv_berlin"):
        text = json.dumps({"cells": cells}).replace("{name}", name)
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(text, encoding="utf-8")
    assert [m.id for m in catalogue.extracted(tmp_path) if m.id] == ["Of clv."]


def test_no_message_is_put_together_from_pieces():
    """`_(f"…")` and `_("…" + x)` can never be translated."""
    wrong = []
    for path in sorted((ROOT / "crm_lib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("_", "ngettext")
            ):
                said = node.args[: 2 if node.func.id == "ngettext" else 1]
                wrong += [f"{path.name}:{a.lineno}" for a in said if isinstance(a, ast.JoinedStr | ast.BinOp)]
    assert wrong == []


@pytest.mark.parametrize(
    ("english", "chinese", "fault"),
    [
        ("{n} deals", "{n}个商机", None),
        ("{n} deals", "商机", "placeholders"),
        ("{n} deals", "{n}个{what}", "placeholders"),
        ("**{n}** deals", "{n}个商机", "bold"),
        ("**{n}** deals", "**{n}*个商机", "bold"),
        ("{n} deals", "", "not translated"),
        (("{n} deal", "{n} deals"), ("{n}个商机",), None),
        (("One deal", "{n} deals"), ("{n}个商机",), None),
    ],
)
def test_faults_are_found(english, chinese, fault):
    from babel.messages.catalog import Catalog

    made = Catalog(locale="zh")
    made.add(english, chinese)
    found = catalogue.faults(made)
    assert bool(found) == bool(fault)
    assert fault is None or fault in found[0]


def test_a_changed_catalogue_is_read_again_and_nothing_compiled_lies_about(tmp_path):
    file = messages.path("zh", tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(PO.format(said="是"), encoding="utf-8")
    assert messages.load("zh", tmp_path).gettext("yes") == "是"
    file.write_text(PO.format(said="对"), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert messages.load("zh", tmp_path).gettext("yes") == "对"
    assert not list(messages.FOLDER.rglob("*.mo"))


def test_a_language_without_catalogue_says_the_messages_themselves(tmp_path):
    assert messages.load("zh", tmp_path).gettext("yes") == "yes"
    assert messages.there(tmp_path) == set()


def test_speaking_another_language_for_a_while_leaves_the_words_as_they_were():
    words.use("zh", "CNY")
    try:
        with words.speaking():
            assert (words.language(), words.gettext("yes")) == ("en", "yes")
        assert (words.language(), words.currency(), words.gettext("yes")) == ("zh", "CNY", "是")
        with pytest.raises(ZeroDivisionError), words.speaking("en"):
            raise ZeroDivisionError
        assert words.language() == "zh"
    finally:
        words.use()


PO = """msgid ""
msgstr ""
"Language: zh\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgid "yes"
msgstr "{said}"
"""
