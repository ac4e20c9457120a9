"""A notebook's cells, run one after the other in this process, with the seconds that each kind of cell took."""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parent.parent
STEPS = ("load", "analysis", "show", "publish")


def run(topic: str, parameters: Mapping[str, Any]) -> dict[str, float]:
    """Run a topic's notebook with these parameters; the seconds of each step.

    `load` holds the cell that connects, `show` those that begin with a picture or a sentence, `publish` the last;
    all others are `analysis`. What a cell would display is made, as for a page.
    """
    notebook = nbformat.read(ROOT / "notebooks" / f"{topic}.ipynb", 4)
    seconds, names = dict.fromkeys(STEPS, 0.0), {}
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        start = time.perf_counter()
        shown = _executed(cell.source, names)
        if "parameters" in cell.metadata.get("tags", ()):
            names.update(parameters)
        if hasattr(shown, "_repr_html_"):
            shown._repr_html_()
        seconds[_step(cell.source)] += time.perf_counter() - start
    return seconds


def _step(text: str) -> str:
    if "crm = connect(" in text:
        return "load"
    first = text.split("(", 1)[0]
    return "publish" if first == "crm.publish" else "show" if first.startswith("say.") else "analysis"


def _executed(text: str, names: dict[str, Any]) -> Any:
    """The value of the last line, as a notebook would show it; None where it has none."""
    tree = ast.parse(text)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    return eval(compile(last, "notebook", "eval"), names) if last else None
