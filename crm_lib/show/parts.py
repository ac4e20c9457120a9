"""The parts of a page made of words: cards, sentences, notes, steps, terms.

Every text argument is plain text: it is escaped, and only then `**bold**` becomes bold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from crm_lib.theme.words import gettext, typeset

_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_ICONS = {"good": "✓", "care": "◐", "bad": "✗"}


@dataclass(frozen=True, repr=False)
class Part:
    """A piece of a page as safe HTML; a notebook shows it, the runner puts it on the page."""

    html: str = ""

    def _repr_html_(self) -> str:
        return self.html

    def __html__(self) -> str:
        """Return the markup, so that a template takes a part as it is."""
        return self.html

    def __repr__(self) -> str:
        """Say how long it is: the markup itself is for the page."""
        return f"Part({len(self.html)} characters)"


def rich(text: str) -> Markup:
    """Give the text its language's punctuation, escape it, then turn `**bold**` into bold.

    >>> rich("**3** of <b>")
    Markup('<b>3</b> of &lt;b&gt;')
    """
    return Markup(_BOLD.sub(r"<b>\1</b>", str(escape(typeset(text)))))


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crm_lib.theme"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["rich"] = rich
    environment.filters["typeset"] = typeset
    environment.globals["_"] = gettext
    return environment


def render(template: str, **context: Any) -> Part:
    """Fill `theme/templates/parts/<template>.html.j2`."""
    return Part(_environment().get_template(f"parts/{template}.html.j2").render(**context).strip())


@dataclass(frozen=True)
class Badge:
    """A judgement beside a figure; `tone` is good, care or bad and is printed with an icon."""

    text: str
    tone: str = "care"

    @property
    def icon(self) -> str:
        """The icon of the tone; KeyError where there is no such tone."""
        return _ICONS[self.tone]


@dataclass(frozen=True)
class Card:
    """One box of "In short": what it is, the value, its interval, one sentence, a judgement."""

    label: str
    value: str
    interval: str = ""
    sentence: str = ""
    badge: Badge | None = None


def cards(*boxes: Card) -> Part:
    """Show the boxes side by side, on a phone one below the other."""
    return render("cards", boxes=boxes)


def sentence(*texts: str) -> Part:
    """Show each text as a paragraph; empty ones are left out."""
    return render("sentences", texts=[t for t in texts if t])


def note(text: str) -> Part:
    """Show a warning in an amber box; nothing where the text is empty."""
    return render("note", text=text) if text else Part()


def steps(*texts: str) -> Part:
    """Show what to do, in order."""
    return render("steps", texts=[t for t in texts if t])


def terms(meanings: Mapping[str, str]) -> Part:
    """Show a list of terms and what they mean."""
    return render("terms", meanings=meanings)


def together(*parts: Part) -> Part:
    """Join several parts into one, in this order."""
    return Part("\n".join(p.html for p in parts if p.html))


def fold(title: str, body: Part) -> Part:
    """Show a part only to who opens it; nothing where the part is empty."""
    return render("fold", title=title, body=body) if body.html else body
