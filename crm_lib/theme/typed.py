"""What somebody typed, made fit for a sentence: on one line, short, its writing direction kept apart."""

from __future__ import annotations

import unicodedata
from typing import Any

from crm_lib.theme.digits import NOTHING

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_JOINERS = "\u200c\u200d"  # hold emoji and some scripts together
_LONE_STAR = "*\u2060"  # two stars typed by a customer never make bold


def clean(text: Any) -> str:
    r"""Return typed text on one line without control characters and marks that turn the writing direction.

    >>> clean("a\n b\u202ec")
    'a bc'
    """
    if text is None or (not isinstance(text, str) and str(text) in ("nan", "NaT", "<NA>")):
        return NOTHING
    spaced = " ".join(str(text).split())
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def shorten(text: str, most: int) -> str:
    """Cut the text to `most` characters, the last one an ellipsis.

    >>> shorten("integrated stove", 11)
    'integrated…'
    """
    return text if len(text) <= most else text[: max(most - 1, 1)].rstrip() + "…"


def name(text: Any, most: int = 40) -> str:
    """Return what somebody typed, safe inside a sentence: cleaned, shortened, its writing direction kept apart."""
    said = shorten(clean(text), most).replace("*", _LONE_STAR)
    return f"{_ISOLATE}{said}{_END_ISOLATE}" if said else NOTHING
