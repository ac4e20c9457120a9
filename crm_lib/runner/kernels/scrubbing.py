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

from crm_lib.runner.evidence import privacy

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
    """Scrub what a topic has published into a folder, figures and tables; what holds no secret keeps its bytes."""
    path = folder / f"{topic}.figures.json"
    if not known:
        return
    if path.is_file():
        document = json.loads(path.read_text(encoding="utf-8"))
        clean = inside(document, known)
        if clean != document:
            path.write_text(json.dumps(clean, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for table in sorted((folder / topic).glob("*.parquet")):
        _table(table, known)


def _table(path: Path, known: tuple[str, ...]) -> None:
    import pyarrow.parquet as pq

    found = pq.read_table(path)
    names = [text(name, known) for name in found.column_names]
    before = found.columns  # asked once: each time they are new objects
    columns = [_column(column, known) for column in before]
    if names != found.column_names or any(new is not old for new, old in zip(columns, before, strict=True)):
        import pyarrow as pa

        pq.write_table(pa.table(columns, names=names), path)
    if text(path.name, known) != path.name:
        path.rename(path.with_name(text(path.name, known)))


def _column(column: Any, known: tuple[str, ...]) -> Any:
    """The column without secrets; itself where it holds none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    kind = plain.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        held = [secret for secret in known if pc.any(pc.match_substring(plain, secret)).as_py()]
        for secret in held:
            plain = pc.replace_substring(plain, secret, privacy.HIDDEN)
        return plain if held else column
    if not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return column
    found = str(plain.to_pylist())  # a nested column or one of bytes: nothing of it is shown, so it goes whole
    return pa.nulls(len(column), pa.string()) if text(found, known) != found else column


def _password(value: str) -> str:
    if not _URL.match(value):
        return ""
    try:
        found = unquote(urlsplit(value).password or "")
    except ValueError:
        return ""
    return found if len(found) >= _SHORTEST_PASSWORD and not privacy.is_common(found) else ""
