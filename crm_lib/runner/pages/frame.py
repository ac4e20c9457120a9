"""The frame that all pages share: one Jinja environment with the stylesheet, the policy and the words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crm_lib.runner.evidence import privacy
from crm_lib.runner.evidence.lint import POLICY
from crm_lib.runner.kernels import scrubbing
from crm_lib.theme import words

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_THEME = resources.files("crm_lib.theme")


def environment() -> Environment:
    """Environment in which every text is escaped unless it is marked as made here."""
    made = Environment(
        loader=FileSystemLoader(str(_THEME / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["typeset"] = words.typeset
    made.globals.update(
        _=words.gettext,
        ngettext=words.ngettext,
        pgettext=words.pgettext,
        day=words.day,
        number=words.number,
        language=words.language,
        when=when,
        policy=Markup(POLICY),
        style=Markup(stylesheet()),
    )
    return made


def stylesheet() -> str:
    """The one stylesheet, as every page carries it."""
    return (_THEME / "style.css").read_text(encoding="utf-8").strip()


def render(template: str, phone_like_ids: bool = False, **values: Any) -> str:
    """A page made from a template in `crm_lib/theme/templates`, without what no page may show.

    What looks like a phone number, an address or a secret is taken out of every text that the template puts in;
    only the `contact` among the values, whom readers are to ask, may be an address.
    """
    made = environment()
    made.finalize = _cleaner(str(values.get("contact") or ""), phone_like_ids)
    return made.get_template(template).render(**values)


def _cleaner(contact: str, phone_like_ids: bool) -> Callable[[Any], Any]:
    secrets = scrubbing.secrets()

    def clean(value: Any) -> Any:
        if not isinstance(value, str) or isinstance(value, Markup):
            return value
        pieces = value.split(contact) if contact else [value]
        return contact.join(privacy.scrub(piece, secrets, phone_like_ids) for piece in pieces)

    return clean


def when(minute: str) -> str:
    """A stamped minute in words.

    >>> when("2026-11-21 08:00")
    '21 November 2026, 08:00'
    """
    stamped = dt.datetime.fromisoformat(minute)
    return words.gettext("{day}, {time}").format(day=words.day(stamped.date()), time=f"{stamped:%H:%M}")


def without_colours(text: str) -> str:
    """Text without the codes that colour it on a terminal."""
    return _ANSI.sub("", text)
