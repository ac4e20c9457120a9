"""A notebook's prose as HTML: Markdown whose raw HTML is text, with placeholders filled in."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Mapping
from typing import Any

from crm_lib.runner.pages import figures
from crm_lib.theme import words

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class Filler:
    """Fills `{name}` from parameters and published figures, and remembers the names that it does not know."""

    def __init__(self, parameters: Mapping[str, Any], published: Mapping[str, Mapping[str, Any]]):
        self.parameters = parameters
        self.published = published
        self.unknown: list[str] = []

    def fill(self, text: str) -> str:
        """Text with its placeholders filled; unknown ones stay as they are."""
        return _PLACEHOLDER.sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        name = match[1]
        if name in self.published:
            figure = self.published[name]
            return figures.said(figure["value"], figure["unit"])
        if name in self.parameters:
            return value_words(self.parameters[name])
        if name not in self.unknown:
            self.unknown.append(name)
        return match[0]


def value_words(value: Any) -> str:
    """A parameter's value as a reader reads it.

    >>> value_words(52), value_words(["a", "b"]), value_words(0.25)
    ('52', 'a, b', '0.25')
    """
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return words.gettext("yes") if value else words.gettext("no")
    if isinstance(value, int):
        return words.number(value)
    if isinstance(value, float):
        return words.number(value, len(repr(value).partition(".")[2].removesuffix("0")) if abs(value) < 1e6 else 0)
    if isinstance(value, list | tuple):
        return ", ".join(value_words(v) for v in value)
    text = str(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return words.day(dt.date.fromisoformat(text))
    return text


def to_html(markdown: str, filler: Filler) -> str:
    """Markdown as HTML: raw HTML in it becomes text, links that run something lead nowhere."""
    import mistune

    render = mistune.create_markdown(escape=True, plugins=["table"])
    made = str(render(markdown)).replace("<table>", '<div class="scroll"><table>')
    return _fill_escaped(made.replace("</table>", "</table></div>"), filler)


def inline(markdown: str, filler: Filler) -> str:
    """One line of Markdown as HTML without its paragraph."""
    made = to_html(" ".join(markdown.split()), filler).strip()
    return made.removeprefix("<p>").removesuffix("</p>")


def plain(markdown: str, filler: Filler) -> str:
    """One line of Markdown as plain text."""
    return html.unescape(re.sub(r"<[^>]+>", "", inline(markdown, filler)))


def split(markdown: str) -> list[tuple[int, str, str]]:
    r"""A cell's Markdown cut at its first- and second-level headings: (level, heading, body); level 0 has none.

    >>> split("# Who?\nFor all.\n\n## In short\n\nRead on.")
    [(1, 'Who?', 'For all.'), (2, 'In short', 'Read on.')]
    """
    parts: list[tuple[int, str, list[str]]] = [(0, "", [])]
    fenced = False
    for line in markdown.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"(#{1,2})\s+(.+?)\s*#*$", line)
        if heading:
            parts.append((len(heading[1]), heading[2], []))
        else:
            parts[-1][2].append(line)
    cut = [(level, title, "\n".join(body).strip()) for level, title, body in parts]
    return [part for part in cut if part[0] or part[2]]


def _fill_escaped(made: str, filler: Filler) -> str:
    return _PLACEHOLDER.sub(lambda m: html.escape(filler.fill(m[0]), quote=True), made)
