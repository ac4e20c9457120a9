"""A notebook of one's own: an edited copy of a shipped one, made into a page beside the usual pages."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crm_lib.cli.options import notebook, short
from crm_lib.contract.project import locate
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ParameterError
from crm_lib.runner.request.parameters import did_you_mean


@dataclass(frozen=True)
class OwnNotebook:
    """A notebook file, the topic that its `connect` names, and the label under which its pages stand."""

    path: Path
    topic: str
    label: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stands in a command in place of the topic."""
        return ("--notebook", short(self.path)) if self.path != notebook(self.topic).resolve() else (self.topic,)


def read(path: Path, label: str = "") -> OwnNotebook:
    """What a notebook says of itself; without a label its pages stand under DATE+its file name.

    Raises
    ------
    ParameterError
        There is no such notebook, or no topic in it.
    """
    if not path.is_file() or path.suffix != ".ipynb":
        seen = "is not a notebook (.ipynb)" if path.exists() else "does not exist"
        raise ParameterError(f"--notebook: {path} {seen}. Copy one of notebooks/ and name the copy.")
    path = path.resolve()
    topic = _topic(path)
    shipped = path == notebook(topic).resolve()
    return OwnNotebook(path, topic, label if label or shipped else _label(path.stem))


@contextmanager
def reachable() -> Iterator[None]:
    """Name crm.toml in the environment: kernels begin in their notebook's folder, which may lie elsewhere."""
    before = os.environ.get("CRM_CONFIG")
    os.environ["CRM_CONFIG"] = str(locate())
    try:
        yield
    finally:
        os.environ.pop("CRM_CONFIG")
        if before is not None:
            os.environ["CRM_CONFIG"] = before


def _topic(path: Path) -> str:
    named = list(_named(path))
    if not named:
        raise ParameterError(
            f'{path.name} names no topic. Its tables come from connect(source, ..., topic="clv"); '
            f"topics: {', '.join(TOPICS)}."
        )
    if named[0] not in TOPICS:
        hint = did_you_mean(named[0], TOPICS)
        raise ParameterError(f'{path.name} names the topic "{named[0]}", which is not known.{hint}')
    return named[0]


def _named(path: Path) -> Iterator[str]:
    """Topics in calls of `connect`, in order; cells that are not Python (magics) are passed over."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{path.name} can't be read as a notebook ({type(error).__name__}).") from error
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "connect":
                given = {k.arg: k.value for k in node.keywords}
                if isinstance(given.get("topic"), ast.Constant):
                    yield str(given["topic"].value)


def _label(stem: str) -> str:
    """A file's name as a label: what may not stand in one becomes a dash.

    >>> _label("clv for Berlin (2)")
    'clv-for-Berlin-2'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:40] or "own"
