"""`crm new`: a topic that works, to be changed into one's own: notebook, analysis, show, tests, catalogue line."""

from __future__ import annotations

import ast
import json
import keyword
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from crm_lib.cli.options import root
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ConfigError, ParameterError

FILES = {
    "analysis.py.txt": "crm_lib/analysis/{topic}.py",
    "show.py.txt": "crm_lib/show/{topic}.py",
    "notebook.ipynb.txt": "notebooks/{topic}.ipynb",
    "test_analysis.py.txt": "tests/analysis/test_{topic}.py",
    "test_show.py.txt": "tests/show/test_{topic}.py",
}
CATALOGUE = "crm_lib/contract/topics.py"
_NAME = re.compile(r"[a-z][a-z0-9_]{2,29}")
_ALL = re.compile(r"^# In the order of the index\.\nALL = \((.*?)^\)$", re.MULTILINE | re.DOTALL)
_ENTRY = Template("""$constant = Topic(
    "$topic",
    $title,
    $question,
    needs=(("transactions",),),
    publishes=("quarters",),
)

""")


def new(
    topic: Annotated[str, typer.Argument(help="Name of the topic: one word in lower case, such as basket.")],
    title: Annotated[str, typer.Option(help="Its title on the index; else the name.")] = "",
    question: Annotated[str, typer.Option(help="The question that it answers.")] = "",
) -> None:
    """Begin a topic of your own: a notebook, its analysis, its sentences, their tests, and its catalogue line.

    What is written works at once: it says how many customers came back for a second order. Change it into what you
    want to know. Nothing that exists is overwritten.

    Example: crm new basket --title Baskets --question "What do customers buy together?"
    """
    project = root()
    title = title or topic.replace("_", " ").capitalize()
    question = question or "How many customers come back?"
    _check(project, topic, title, question)
    written = _files(topic, title, question)
    catalogue = _catalogued(project / CATALOGUE, topic, title, question)
    for name, text in written.items():
        (project / name).write_text(text, encoding="utf-8")
    (project / CATALOGUE).write_text(catalogue, encoding="utf-8")
    for name in (*written, CATALOGUE):
        typer.echo(f"written     {name}")
    typer.echo(
        "Title and question stand in English on Chinese pages until crm.po has them: see docs/translating.md."
    )
    _translate(project, title, question)
    _settle(project, topic)
    typer.echo(f"Next: crm report {topic}, make lab, and notebooks/README.md for how it is done here.")


def _translate(project: Path, title: str, question: str) -> None:
    """Bring the Chinese catalogue up to date: the skeleton is translated, title and question stay as typed."""
    from crm_lib.theme import catalogue

    known = json.loads((resources.files("crm_lib.cli") / "skeleton" / "zh.json").read_text(encoding="utf-8"))
    known |= {title: title, question: question}
    chinese = catalogue.updated("zh", catalogue.extracted(project))
    for message in chinese:
        if not message.string and message.id in known:
            message.string = known[message.id]
    catalogue.write("zh", chinese)


def _settle(project: Path, topic: str) -> None:
    """Write the codebook anew, and run the notebook once for the figures that its checked cell is compared with.

    Both in processes of their own: this one has read the catalogue as it was.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    subprocess.run([sys.executable, "-m", "crm_lib.contract.codebook"], cwd=project, check=True)
    place = project / "notebooks" / f"{topic}.ipynb"
    notebook = nbformat.read(place, as_version=4)
    try:
        NotebookClient(notebook, resources={"metadata": {"path": str(place.parent)}}).execute()
    except CellExecutionError as error:
        typer.echo(f"note: the notebook did not run on the sample ({error.ename}); run it and save it yourself.")
        return
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.execution_count = None
            kept = cell.outputs if "keep_output" in cell.metadata.get("tags", []) else []
            cell.outputs = [nbformat.NotebookNode(output, execution_count=None) for output in kept]
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, place)


def _check(project: Path, topic: str, title: str, question: str) -> None:
    """Refuse before anything is written."""
    if topic in TOPICS:
        raise ParameterError(f'There is a topic "{topic}" already. Choose another name, or edit that one.')
    if not _NAME.fullmatch(topic) or keyword.iskeyword(topic):
        raise ParameterError(
            f'"{topic}" can\'t name a topic: 3 to 30 lower-case letters, digits and "_", a letter first, '
            "and no word of Python."
        )
    for what, text, most in (("--title", title, 30), ("--question", question, 100)):
        if len(text) > most or not text.isprintable() or "\\" in text or '"' in text:
            raise ParameterError(f'{what} must be one line of at most {most} letters, without " and \\.')
    if not question.endswith("?"):
        raise ParameterError("--question must end with a question mark: it becomes the title of the page.")
    if not (project / CATALOGUE).is_file():
        raise ConfigError(f"{project} holds no {CATALOGUE}: a topic is added to a checkout of the project.")
    if topic in _taken(project):
        raise ParameterError(f'"{topic}" has a meaning of its own here. Choose another name.')
    places = [path.format(topic=topic) for path in FILES.values()]
    packages = [place.removesuffix(".py") for place in places]
    there = [name for name in dict.fromkeys((*places, *packages)) if (project / name).exists()]
    if there:
        raise ParameterError(f"{', '.join(there)} exists already; nothing was written.")


def _taken(project: Path) -> set[str]:
    """Names that no topic can bear: pages and folders of the runner, and what its own files speak of by name."""
    from crm_lib.contract import lists
    from crm_lib.runner.store import archive

    catalogue = ast.parse((project / CATALOGUE).read_text(encoding="utf-8"))
    written = _files("topic_to_be", "Title", "Question?")
    notebook = json.loads(written.pop(FILES["notebook.ipynb.txt"].format(topic="topic_to_be")))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    used = {name for text in (*code, *written.values()) for name in _names(ast.parse(text))}
    return {*archive.OWN, lists.FOLDER, *used, *(name.lower() for name in _names(catalogue))}


def _names(tree: ast.AST) -> set[str]:
    """Names that are read or bound in a piece of code."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found | {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}


def _files(topic: str, title: str, question: str) -> dict[str, str]:
    """Text of each file by its place in the project."""
    skeleton = resources.files("crm_lib.cli") / "skeleton"
    found = {}
    for name, place in FILES.items():
        text = (skeleton / name).read_text(encoding="utf-8")
        said = {"topic": topic, "title": title, "question": question}
        if name.endswith(".ipynb.txt"):
            text = json.dumps(_filled(json.loads(text), said), ensure_ascii=False, indent=1) + "\n"
        else:
            text = Template(text).substitute(said)
        found[place.format(topic=topic)] = text
    return found


def _filled(node: Any, said: dict[str, str]) -> Any:
    """A notebook with its words put in, cell by cell: a quotation mark in them does not break the JSON."""
    if isinstance(node, dict):
        return {key: _filled(value, said) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, said) for value in node]
    return Template(node).safe_substitute(said) if isinstance(node, str) else node


def _catalogued(file: Path, topic: str, title: str, question: str) -> str:
    """The catalogue with the topic's entry, its name last in the list of all."""
    text = file.read_text(encoding="utf-8")
    listed = _ALL.search(text)
    if listed is None:
        raise ConfigError(f"{file.name} does not list ALL topics as it should; put the entry in by hand.")
    constant = topic.upper()
    entry = _ENTRY.substitute(
        constant=constant, topic=topic, title=json.dumps(title, ensure_ascii=False),
        question=json.dumps(question, ensure_ascii=False),
    )  # fmt: skip
    before, names, rest = text[: listed.start()], text[listed.start() : listed.end(1)], text[listed.end(1) :]
    return f"{before}{entry}{names}    {constant},\n{rest}"
