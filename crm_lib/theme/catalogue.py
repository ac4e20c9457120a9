"""The catalogues brought up to date: `python -m crm_lib.theme.catalogue` reads code, templates and notebooks.

Every `.po` in `theme/locale` gets the messages that are new, loses those that are gone, and keeps what it has.
What is still to be translated is listed; the command ends with 1 while anything is. See `docs/translating.md`.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from crm_lib import errors
from crm_lib.theme import messages, said

ROOT = Path(__file__).parents[2]
_PLACEHOLDER = re.compile(r"\{(\w*)[^{}]*\}")
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)

# Titles and questions of topics; reasons for which rows are set aside.
_SAID_BY_CONTRACT = {"Topic": slice(1, 3), "Rule": slice(1, 2), "Rejected": slice(1, 2)}
# Texts of errors, and what becomes part of them: one value, many values, what is needed.
_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
_SAID_BY_ERRORS = dict.fromkeys(_ERRORS | {"part"}, slice(0, 1)) | {"Rule": slice(2, 5)}

Extracted = Iterator[tuple[int, str | None, Any, list[str]]]


def of_notebook(file: IO[bytes], _keywords: Any, _comment_tags: Any, options: Any) -> Extracted:
    """Yield the messages of a notebook for Babel: paragraphs of prose, and the help text of each parameter."""
    for number, cell in enumerate(json.load(file)["cells"], 1):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from ((number, None, message, []) for message in messages.of_markdown(source))
        elif "parameters" in cell["metadata"].get("tags", []):
            yield from ((number, None, message, []) for message in _comments(source))


def _comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        said = token.string.lstrip("# ").strip()
        if token.type == tokenize.COMMENT and said:
            yield messages.of_help(said)


def of_contract(file: IO[bytes], _keywords: Any, _comment_tags: Any, options: Any) -> Extracted:
    """Yield what the contract says to readers for Babel: it can't import the words, so pages say it for it."""
    tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for told in node.args[_SAID_BY_CONTRACT.get(node.func.id, slice(0))]:
                if isinstance(told, ast.Constant):
                    yield told.lineno, None, told.value, []
    for line, function, (context, template), comments in _errors(tree):
        for told in dict.fromkeys((template, errors.of_table(template))):
            yield line, function, (context, told), comments


def of_errors(file: IO[bytes], _keywords: Any, _comment_tags: Any, options: Any) -> Extracted:
    """Yield the templates of errors for Babel: what is raised, and what is marked as a part of it."""
    yield from _errors(ast.parse(file.read()))


def _errors(tree: ast.AST) -> Extracted:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for said_by in node.args[_SAID_BY_ERRORS.get(node.func.id, slice(0))]:
                for template in said.templates(said_by):
                    yield node.lineno, "pgettext", (said.CONTEXT, template), []


def of_settings(file: IO[bytes], _keywords: Any, _comment_tags: Any, options: Any) -> Extracted:
    """Yield what the published figures of the shipped sources are called, and who published them, for Babel."""
    for source in tomllib.load(file)["sources"].values():
        for figure in source.get("published", []):
            yield from ((1, None, figure[said], []) for said in ("words", "citation") if figure.get(said))


def extracted(root: Path = ROOT) -> Catalog:
    """All messages of the project, without translations."""
    with (messages.FOLDER / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = Catalog(project="crm_lib", charset="utf-8")
    for name, line, message, _said, context in extract_from_dir(
        root, methods, options, DEFAULT_KEYWORDS, directory_filter=_is_ours
    ):
        if not _is_a_copy(root, Path(name)):
            found.add(message, locations=[(name, line)], context=context)
    return found


def _is_a_copy(root: Path, name: Path) -> bool:
    """Whether this is somebody's own copy of a notebook: a topic's notebook has an analysis of its name."""
    analysis = root / "crm_lib" / "analysis" / name.stem
    return name.suffix == ".ipynb" and not (analysis.is_dir() or analysis.with_suffix(".py").is_file())


def _is_ours(folder: str) -> bool:
    return not Path(folder).name.startswith((".", "_")) and Path(folder).name not in {"reports", "data", "tests"}


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands."""
    with messages.path(language).open("rb") as text:
        return read_po(text, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """The catalogue with the template's messages and the translations that it has of them."""
    catalogue = read(language)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    for message in catalogue:
        message.flags.discard("python-format")  # "63 % of" is no format, whatever Babel takes it for
    return catalogue


def write(language: str, catalogue: Catalog) -> None:
    """Write the catalogue."""
    messages.path(language).write_bytes(as_text(catalogue))


def as_text(catalogue: Catalog) -> bytes:
    """The catalogue as it stands in git: nothing in it but the messages changes from one writing to the next."""
    written = io.BytesIO()
    write_po(written, catalogue, width=0, include_lineno=False, ignore_obsolete=True, omit_header=True)
    named = {"Language": catalogue.locale_identifier, "Plural-Forms": catalogue.plural_forms}
    fixed = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8"}
    header = "".join(f'"{name}: {value}\\n"\n' for name, value in (named | fixed).items())
    return f'{catalogue.header_comment}\nmsgid ""\nmsgstr ""\n{header}\n'.encode() + written.getvalue()


def faults(catalogue: Catalog) -> list[str]:
    """What is wrong with the translations, one line each: missing, fuzzy, placeholders or bold that differ."""
    said = (message for message in catalogue if message.id)
    return [f"{_first(message.id)!r}: {fault}" for message in said for fault in _faults(message)]


def _faults(message: Message) -> Iterator[str]:
    said = forms(message.string or "")
    if not said or not all(said):
        yield "is not translated"
        return
    if message.fuzzy:
        yield "is fuzzy"
    wanted = _placeholders(forms(message.id))
    for text in said:
        if _placeholders([text]) != wanted:
            yield f"has the placeholders {sorted(wanted)}, its translation {sorted(_placeholders([text]))}"
        if len(_BOLD.findall(text)) != len(_BOLD.findall(forms(message.id)[-1])) or text.count("**") % 2:
            yield "has other bold words in its translation"


def forms(message_id: Any) -> list[str]:
    """Singular and plural of a message, or its one form."""
    return [message_id] if isinstance(message_id, str) else list(message_id)


def _first(message_id: Any) -> str:
    return forms(message_id)[0]


def _placeholders(texts: Iterable[str]) -> set[str]:
    """Named placeholders of all forms: the singular may leave out one that the plural has."""
    return {name for text in texts for name in _PLACEHOLDER.findall(text.replace("{{", "").replace("}}", ""))}


def main() -> int:
    """Bring every catalogue up to date and list what is still to be translated."""
    template = extracted()
    left = 0
    for language in sorted(messages.there()):
        catalogue = updated(language, template)
        write(language, catalogue)
        wrong = faults(catalogue)
        left += len(wrong)
        print(f"{language}: {len(catalogue)} messages, {len(wrong)} to mend")  # noqa: T201
        print("".join(f"  {line}\n" for line in wrong), end="")  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
