"""Messages in other languages: read from `locale/<language>/LC_MESSAGES/crm.po` itself, compiled in memory.

There is no compiled file that could be older than its text. A notebook's prose is translated by paragraph.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"
DOMAIN = "crm"

# Blank lines, and the line ends around a heading, part paragraphs; what parts them is kept.
_BETWEEN = re.compile(r"(\n\s*\n|\n(?=#{1,6} )|(?<=\n)(?=```))")
_LEAD = re.compile(r"(\s*(?:#{1,6}\s+)?)(.*?)(\s*)", re.DOTALL)
_HEADED = re.compile(r"^(#{1,6} [^\n]*)\n(?=[^\n])", re.MULTILINE)
_LIMITS = re.compile(r"[,;]?\s*(?:-?\d+(?:\.\d+)? to -?\d+(?:\.\d+)?|\ba date)\s*$")
_NOT_PROSE = ("```", "$$", "---", "|", "<")


def path(language: str, folder: Path | None = None) -> Path:
    """Where the catalogue of a language lies."""
    return (folder or FOLDER) / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def there(folder: Path | None = None) -> set[str]:
    """Languages that have a catalogue."""
    return {found.parts[-3] for found in (folder or FOLDER).glob(f"*/LC_MESSAGES/{DOMAIN}.po")}


def load(language: str, folder: Path | None = None) -> gettext.NullTranslations:
    """The messages of a language; those of the source language where it has no catalogue.

    The catalogue is read once per process, and again when its text has changed.
    """
    file = path(language, folder)
    return _compiled(file, file.stat().st_mtime_ns) if file.is_file() else gettext.NullTranslations()


def changed(language: str, folder: Path | None = None) -> int:
    """When the catalogue of a language was last changed; 0 where there is none."""
    file = path(language, folder)
    return file.stat().st_mtime_ns if file.is_file() else 0


def in_context(language: str, context: str, folder: Path | None = None) -> dict[str, str]:
    """The messages of one context with their translations."""
    from babel.messages.pofile import read_po

    file = path(language, folder)
    if not file.is_file():
        return {}
    with file.open("rb") as text:
        return {m.id: m.string for m in read_po(text, abort_invalid=True) if m.context == context and m.string}


@lru_cache(maxsize=8)
def _compiled(file: Path, _changed: int) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with file.open("rb") as text:
        write_mo(compiled, read_po(text, abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def of_markdown(text: str) -> Iterator[str]:
    r"""Yield the messages of a Markdown cell: each paragraph, each heading without its marks.

    >>> list(of_markdown("# Who?\n\nFor all.\nRead on.\n"))
    ['Who?', 'For all. Read on.']
    """
    for block in _blocks(text):
        if _is_prose(block):
            yield _parts(block)[1]


def of_help(comment: str) -> str:
    """Return a parameter's help without the range or the "a date" at its end, which are said apart.

    >>> of_help("how far ahead to forecast, 4 to 156")
    'how far ahead to forecast'
    """
    return _LIMITS.sub("", comment)


def markdown(text: str, say: Callable[[str], str]) -> str:
    r"""Return a Markdown cell with every message said by `say`; marks and code stay as they are.

    >>> markdown("# Who?\n\nFor all.", str.upper)
    '# WHO?\n\nFOR ALL.'
    """
    return "".join(_said(block, say) for block in _blocks(text))


def _blocks(text: str) -> list[str]:
    return _BETWEEN.split(_HEADED.sub(r"\1\n\n", text))


def _said(block: str, say: Callable[[str], str]) -> str:
    if not _is_prose(block):
        return block
    lead, message, tail = _parts(block)
    found = say(message)
    return block if found == message else f"{lead}{found}{tail}"


def _is_prose(block: str) -> bool:
    return bool(block.strip()) and not block.lstrip().startswith(_NOT_PROSE)


def _parts(block: str) -> tuple[str, str, str]:
    """Heading marks and blanks before, the message on one line, blanks after."""
    lead, message, tail = _LEAD.fullmatch(block).groups()
    return lead, " ".join(message.split()), tail
