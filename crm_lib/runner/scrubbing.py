"""Takes the secrets of the environment out of what a notebook has put out, before anybody reads it."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crm_lib.runner import privacy

_SHORTEST_PASSWORD = 4
_URL = re.compile(r"^[A-Za-z][\w+.-]*://")


def secrets(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Every form in which a secret of the environment may be written, the longest first.

    Of an address with a password, the password alone is a secret too.
    """
    values = set(privacy.secrets_of(os.environ if environment is None else environment))
    values |= {password for value in values if (password := _password(value))}
    forms = {form for value in values for form in (value, html.escape(value), json.dumps(value)[1:-1])}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def text(said: str, known: Iterable[str]) -> str:
    """A text without these secrets."""
    for secret in known:
        said = said.replace(secret, privacy.HIDDEN)
    return said


def inside(value: Any, known: tuple[str, ...]) -> Any:
    """A value as JSON has it, with every text in it scrubbed."""
    if isinstance(value, str):
        return text(value, known)
    if isinstance(value, dict):
        return type(value)({name: inside(one, known) for name, one in value.items()})
    return [inside(one, known) for one in value] if isinstance(value, list) else value


def notebook(executed: Any, known: tuple[str, ...]) -> None:
    """Scrub the outputs of an executed notebook in place."""
    if known:
        for cell in executed.cells:
            if cell.cell_type == "code":
                cell.outputs = inside(cell.outputs, known)


def published(folder: Path, topic: str, known: tuple[str, ...]) -> None:
    """Scrub what a topic has published as figures into a folder."""
    path = folder / f"{topic}.figures.json"
    if known and path.is_file():
        path.write_text(text(path.read_text(encoding="utf-8"), known), encoding="utf-8")


def _password(value: str) -> str:
    if not _URL.match(value):
        return ""
    try:
        found = unquote(urlsplit(value).password or "")
    except ValueError:
        return ""
    return found if len(found) >= _SHORTEST_PASSWORD else ""
