"""What a notebook lets its reader choose: read from the `parameters` cell without running it.

A line of that cell says everything: `horizon_weeks: int = 52  # how far ahead to forecast, 4 to 156` is a name,
a type, a default, a help text and a range. Values from the command line are parsed and checked against it
before a kernel starts.
"""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import io
import json
import keyword
import math
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.errors import ParameterError
from crm_lib.runner.evidence import privacy
from crm_lib.runner.request import dates

TAG = "parameters"
COMMON = ("source", "as_of", "language")
_SCALARS = ("str", "int", "float", "bool")
_RANGE = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)\s*$")
_DATE = re.compile(r"\ba date\s*$")
_KINDS = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
_WANTED = {"str": "a text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


@dataclass(frozen=True)
class Parameter:
    """One choice: name, type (`str`, `int`, `float`, `bool`), default, help and what its values may be.

    `many` means a list of that type; `optional` that `none` is a value; `choices` come from a `Literal`. A text
    whose help ends with "a date" is `dated`: it takes a day, or a word like `last-month`, and reaches the notebook
    as an ISO date.
    """

    name: str
    type: str
    default: Any
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    many: bool = False
    optional: bool = False
    dated: bool = False


def declared(notebook: Path) -> tuple[Parameter, ...]:
    """Parameters of a notebook in the order of its cell; none when it has no such cell.

    Raises
    ------
    ParameterError
        The cell holds something that is not `name: type = literal  # help`, a name that is not allowed, or a
        default that its own line does not allow.
    """
    cell = _cell(notebook)
    return () if cell is None else _read(cell, notebook.name)


def chosen(
    parameters: Sequence[Parameter],
    given: Mapping[str, str | list[str]],
    notebook: str,
    run_date: dt.date | None = None,
) -> dict[str, Any]:
    """Every parameter's value: what was given as text, parsed and checked, else the default; dates as days."""
    known = {p.name: p for p in parameters}
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            raise ParameterError(
                f'{notebook} has no parameter "{name}".{did_you_mean(name, known)} It has: {names}.'
            )
    return {
        p.name: parse(p, given[p.name], notebook, run_date)
        if p.name in given
        else _day(p, p.default, f"{notebook}: the default of {p.name}", run_date)
        for p in parameters
    }


def parse(parameter: Parameter, text: str | list[str], notebook: str = "", run_date: dt.date | None = None) -> Any:
    """The value that a text stands for, by the parameter's type: ids like 007 stay text.

    >>> parse(Parameter("horizon_weeks", "int", 52, low=4, high=156), "39")
    39
    """
    where = f"{notebook}.{parameter.name}" if notebook else parameter.name
    if parameter.optional and isinstance(text, str) and text.strip().lower() == "none":
        return None
    if parameter.many:
        return [_one(parameter, piece, where, run_date) for piece in _pieces(text)]
    if isinstance(text, list):
        raise ParameterError(f"{where} was given {len(text)} times; it takes one value.")
    return _one(parameter, text, where, run_date)


def did_you_mean(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """A hint that begins with a space, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""


def _pieces(text: str | list[str]) -> list[str]:
    if isinstance(text, list):
        return text
    if text.strip().startswith("["):
        try:
            return [str(item) for item in json.loads(text)]
        except ValueError:
            pass
    return [piece.strip() for piece in text.split(",") if piece.strip()]


def _one(parameter: Parameter, text: str, where: str, run_date: dt.date | None) -> Any:
    value = _typed(parameter, text, where)
    _hold(parameter, value, where)
    return _day(parameter, value, where, run_date)


def _hold(parameter: Parameter, value: Any, where: str) -> None:
    """Refuse a value, of the right type, that its declaration does not allow."""
    if parameter.choices and value not in parameter.choices:
        options = [str(c) for c in parameter.choices]
        hint = did_you_mean(str(value), options)
        raise ParameterError(f'{where} is "{value}"; it may be: {", ".join(options)}.{hint}')
    if parameter.low is not None and not parameter.low <= value <= parameter.high:
        raise ParameterError(f"{where} is {value}; it must lie between {parameter.low:g} and {parameter.high:g}.")


def _day(parameter: Parameter, value: Any, where: str, run_date: dt.date | None) -> Any:
    """The value, and of what names a day the day."""
    if isinstance(value, list):
        return [_day(parameter, one, where, run_date) for one in value]
    return dates.day(value, run_date, where).isoformat() if parameter.dated and value else value


def _hold_default(parameter: Parameter, where: str) -> None:
    """Refuse a default that its own line would not take: of another type, out of range, no date."""
    default = parameter.default
    if parameter.optional and default is None:
        return
    if parameter.many and not isinstance(default, list):
        raise ParameterError(f"{where} is {default!r}; it must be a list.")
    for value in default if parameter.many else [default]:
        if type(value) not in _KINDS[parameter.type] or (type(value) is float and not math.isfinite(value)):
            raise ParameterError(f"{where} is {value!r}; it must be {_WANTED[parameter.type]}.")
        _hold(parameter, value, where)
        if parameter.dated and value.strip() not in ("", *dates.WORDS):  # a word waits for the day of the run
            dates.day(value, None, where)


def _typed(parameter: Parameter, text: str, where: str) -> Any:
    bare = text.strip()
    if parameter.type == "str":
        return text
    if parameter.type == "bool" and bare.lower() in _TRUE | _FALSE:
        return bare.lower() in _TRUE
    if parameter.type == "int" and re.fullmatch(r"[+-]?\d+", bare):
        return int(bare)
    if (
        parameter.type == "float"
        and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", bare)
        and math.isfinite(float(bare))
    ):
        return float(bare)
    raise ParameterError(f'{where} is "{text}"; it must be {_WANTED[parameter.type]}.')


def _cell(notebook: Path) -> str | None:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise ParameterError(f"{notebook} can't be read as a notebook ({type(error).__name__}).") from error
    for cell in cells:
        if cell["cell_type"] == "code" and TAG in cell.get("metadata", {}).get("tags", []):
            return "".join(cell["source"])
    return None


def _read(source: str, notebook: str) -> tuple[Parameter, ...]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ParameterError(f"{notebook}: line {error.lineno} of its parameters cell is not Python.") from error
    comments = _comments(source)
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            continue
        found.append(_parameter(node, comments.get(node.end_lineno or 0, ""), notebook))
    return tuple(found)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _parameter(node: ast.stmt, comment: str, notebook: str) -> Parameter:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        raise ParameterError(
            f"{notebook}: line {node.lineno} of its parameters cell must be `name: type = value  # help`."
        )
    name = checked_name(node.target.id, notebook)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as error:
        raise ParameterError(f"{notebook}: the default of {name} must be a plain value.") from error
    shape = _shape(node.annotation, f"{notebook}: parameter {name}")
    limits = _RANGE.search(comment) if shape["type"] in {"int", "float"} else None
    low, high = (float(limits[1]), float(limits[2])) if limits else (None, None)
    dated = shape["type"] == "str" and (name == "as_of" or bool(_DATE.search(comment)))
    found = Parameter(name=name, default=default, help=comment, low=low, high=high, dated=dated, **shape)
    _hold_default(found, f"{notebook}: the default of {name}")
    return found


def checked_name(name: str, notebook: str = "notebook") -> str:
    """The name, when it may be a parameter: an identifier that promises no secret."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ParameterError(f'{notebook}: "{name}" is not a name for a parameter.')
    if privacy.promises_secret(name):
        raise ParameterError(
            f'{notebook}: "{name}" looks like a secret. Secrets come from the environment, never from a parameter.'
        )
    return name


def _shape(annotation: ast.expr, where: str) -> dict[str, Any]:
    """Type, choices, many and optional of an annotation."""
    if isinstance(annotation, ast.Name) and annotation.id in _SCALARS:
        return {"type": annotation.id}
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        right = annotation.right
        if isinstance(right, ast.Constant) and right.value is None:
            return _shape(annotation.left, where) | {"optional": True}
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        if annotation.value.id == "list":
            return _shape(annotation.slice, where) | {"many": True}
        if annotation.value.id == "Literal":
            return _literal(annotation.slice, where)
    raise ParameterError(
        f"{where} has a type that is not understood ({ast.unparse(annotation)}); "
        'use str, int, float, bool, list[...], Literal["a", "b"] or one of them with "| None".'
    )


def _literal(node: ast.expr, where: str) -> dict[str, Any]:
    values = ast.literal_eval(node)
    choices = values if isinstance(values, tuple) else (values,)
    kinds = {type(c).__name__ for c in choices}
    if len(kinds) != 1 or not kinds <= set(_SCALARS):
        raise ParameterError(f"{where}: the choices of a Literal must all be of one plain type.")
    return {"type": kinds.pop(), "choices": choices}
