"""Errors in the reader's language.

An error is English where it is raised: the layers below the page know no language, and what reaches a page is its
text alone, out of a notebook's output or the account of a check. So its text is recognised by the template that it
was made from: the catalogues hold every f-string of an error, `{n:,} of {n_read:,} rows …`, and what stands in its
places is put into the translation. What is not recognised stays English.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from crm_lib.theme import messages, words

CONTEXT = "error"
_PLACE = re.compile(r"\{(\w+)(?:![rsa])?(?::([^{}]*))?\}")
_SENTENCE_ENDS = re.compile(r"(?<=[.?!…]) ")
_WIDE_ENDS = ("。", "？", "！")  # no blank follows these
_LED_BY = re.compile(r"([\w.\[\]-]+): (?=\S)")
_LONGEST = 20_000  # characters; a longer text stays as it is
_MOST_SENTENCES = 20
_LEAST_LETTERS = 2  # what has fewer between its places would fit anything


def templates(node: ast.expr) -> list[str]:
    r"""The templates of a string or f-string: one for each way through its `a if … else b`; none of anything else.

    >>> templates(ast.parse('f"{n:,} {\'row\' if n == 1 else \'rows\'} of {path.name}"', mode="eval").body)
    ['{n:,} row of {path_name}', '{n:,} rows of {path_name}']
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        ways = [node.value.replace("{", "{{").replace("}", "}}")]
    elif isinstance(node, ast.JoinedStr):
        ways = ["".join(way) for way in itertools.product(*(_piece(value) for value in node.values))]
    else:
        return []
    return [way.strip() for way in ways if _letters(way) >= _LEAST_LETTERS]


def _piece(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value).replace("{", "{{").replace("}", "}}")]
    value = node.value
    if isinstance(value, ast.IfExp) and all(isinstance(v, ast.Constant) for v in (value.body, value.orelse)):
        return [str(value.body.value), str(value.orelse.value)]
    name = re.sub(r"\W+", "_", ast.unparse(value)).strip("_")
    form = ast.unparse(node.format_spec)[2:-1] if node.format_spec else ""
    return ["{" + (f"{name}:{form}" if form else name) + "}"]


def _letters(template: str) -> int:
    return sum(c.isalpha() for c in _PLACE.sub("", template))


@dataclass(frozen=True)
class Known:
    """A template, how its text is recognised, and its translation."""

    pattern: re.Pattern[str]
    literals: tuple[str, ...]
    translation: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the places of this template in a text; None where it was not made from it."""
        at = 0
        for literal in self.literals:  # a cheap look before the pattern tries every way
            at = text.find(literal, at)
            if at < 0:
                return None
            at += len(literal)
        found = self.pattern.fullmatch(text)
        return found.groupdict() if found else None


def known(translations: dict[str, str]) -> list[Known]:
    """Templates ready to recognise texts; those with the most of their own first."""
    ranked = sorted(translations, key=lambda t: (-_letters(t), -len(_PLACE.sub("", t)), t))
    return [_known(template, translations[template]) for template in ranked]


def _known(template: str, translation: str) -> Known:
    pattern, literals, at, seen = "", [], 0, set()
    for place in _PLACE.finditer(template.replace("{{", "\0\0").replace("}}", "\1\1")):
        literals.append(_plain(template[at : place.start()]))
        name = place[1]
        pattern += re.escape(literals[-1])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{_shape(place[2] or '')})"
        seen.add(name)
        at = place.end()
    literals.append(_plain(template[at:]))
    return Known(re.compile(pattern + re.escape(literals[-1]), re.DOTALL), tuple(literals), translation)


def _plain(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _shape(form: str) -> str:
    """What a value of this format looks like."""
    if form.endswith("%"):
        return r"-?[\d.,]+%"
    if form.endswith((",", "d")):
        return r"-?\d+(?:,\d{3})*"
    return r"-?[\d.,einfa+-]+" if form.endswith(("g", "f")) else ".*?"


def error(text: str) -> str:
    """The text of an error in the reader's language; as it is where that is English, or it is not recognised."""
    language = words.language()
    if language == words.SOURCE_LANGUAGE:
        return text
    return say(text, _of_language(language, messages.changed(language)))


@lru_cache(maxsize=4)
def _of_language(language: str, _changed: int) -> list[Known]:
    return known(messages.in_context(language, CONTEXT))


def say(text: str, those: list[Known]) -> str:
    """The text of an error by these templates; unchanged where none of them made it."""
    return _said(text, those) or text if len(text) <= _LONGEST else text


def _said(text: str, those: list[Known]) -> str:
    """The translation of a text; empty where it is not recognised."""
    bare = text.strip()
    if not bare:
        return ""
    for way in (_whole, _lines, _led, _sentences):
        if found := way(bare, those):
            return found
    return ""


def _whole(text: str, those: list[Known]) -> str:
    for one in those:
        values = one.values(text)
        if values is not None:
            return _filled(one.translation, values, lambda value: _said(value, those))
    return ""


def _filled(translation: str, values: dict[str, str], say: Callable[[str], str]) -> str:
    def put(place: re.Match[str]) -> str:
        value = values[place[1]]
        lead = "\n" if value.startswith("\n") else ""
        return lead + (say(value) or value)

    marked = translation.replace("{{", "\0").replace("}}", "\1")
    return _PLACE.sub(put, marked).replace("\0", "{").replace("\1", "}")


def _lines(text: str, those: list[Known]) -> str:
    lines = text.split("\n")
    if len(lines) == 1:
        return ""
    said = [_said(line, those) for line in lines]
    return "\n".join(s or line.strip() for s, line in zip(said, lines, strict=True)) if any(said) else ""


def _led(text: str, those: list[Known]) -> str:
    """A message led by the name of the table that it is about."""
    lead = _LED_BY.match(text)
    rest = _said(text[lead.end() :], those) if lead else ""
    return f"{lead[1]}: {rest}" if rest else ""


def _sentences(text: str, those: list[Known]) -> str:
    """Sentences that code put one after the other: the longest beginning that is known, then the rest."""
    for end in _ends(text):
        first = _whole(text[:end], those)
        rest = _said(text[end:], those) if first else ""
        if first and rest:
            return first + ("" if first.endswith(_WIDE_ENDS) else " ") + rest
    return ""


def _ends(text: str) -> Iterator[int]:
    found = [end.start() for end in itertools.islice(_SENTENCE_ENDS.finditer(text), _MOST_SENTENCES)]
    return reversed(found)
