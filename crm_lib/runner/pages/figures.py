"""Published figures as the runner reads them: plain records, and how a figure of each unit is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

_CURRENCY = re.compile(r"[A-Z]{3}")


def read(folder: Path, topic: str) -> dict[str, Any] | None:
    """What `<topic>.figures.json` in `folder` holds, or None where there is none or it can't be read."""
    document = _document(folder, topic)
    if not document:
        return None
    known = (document.get("words") or {}).get(words.language(), {})
    for figure in document.get("figures", []) if known else ():
        figure["words"] = known.get(figure["name"], figure["words"])
    return document


def keep_words(made: Path, folder: Path, topic: str) -> None:
    """Hand on what the figures are called in other languages from the publication that stands to the new one.

    A page in Chinese publishes the figures anew, with Chinese words: an English index still finds its own.
    """
    new, old = (_document(where, topic) for where in (made, folder))
    language, before = (str((d.get("about") or {}).get("language", "en")) for d in (new, old))
    other = {k: v for k, v in {before: _words_of(old), **(old.get("words") or {})}.items() if v and k != language}
    if other:
        text = json.dumps({**new, "words": other}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        (made / f"{topic}.figures.json").write_text(text, encoding="utf-8")


def _document(folder: Path, topic: str) -> dict[str, Any]:
    try:
        return json.loads((folder / f"{topic}.figures.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _words_of(document: Mapping[str, Any]) -> dict[str, str]:
    return {f["name"]: f["words"] for f in document.get("figures", []) if f.get("words")}


def wordless(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A document without what depends on the language of its page: its numbers, tables and data."""
    if document is None:
        return None
    kept = {k: v for k, v in document.items() if k not in ("words", "summary", "notes", "alerts", "stale")}
    kept["figures"] = [{k: v for k, v in f.items() if k != "words"} for f in document.get("figures", [])]
    return kept | {"about": {k: v for k, v in (document.get("about") or {}).items() if k != "language"}}


def by_name(document: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The figures of a document by their names."""
    return {f["name"]: f for f in (document or {}).get("figures", [])}


def n_rows(document: Mapping[str, Any] | None) -> int | None:
    """Rows that the figures rest on, over all tables; None where the publication does not say."""
    rows = ((document or {}).get("about") or {}).get("rows")
    return sum(table["used"] for table in rows.values()) if rows else None


def currency(document: Mapping[str, Any] | None) -> str:
    """Currency code of the source, else that of the first figure in money; empty where none is."""
    named = ((document or {}).get("about") or {}).get("currency")
    if named:
        return str(named)
    units = (str(f.get("unit")) for f in (document or {}).get("figures", []))
    return next((u for u in units if _CURRENCY.fullmatch(u)), "")


def said(value: float | None, unit: str, brief: bool = False) -> str:
    """A value in the form of its unit: money, share, ratio, points or a count.

    >>> said(0.631, "ratio"), said(1517.0, "orders")
    ('0.63', '1,517')
    """
    if value is None:
        return "–"
    if unit == "share":
        return words.percent(value, 0 if abs(value) >= 0.2 and not brief else 1)
    if unit == "ratio":
        return words.number(value, 2)
    if unit == "points":
        return words.number(value, 1)
    if _CURRENCY.fullmatch(unit or ""):
        return _money(value, unit, brief)
    return words.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 1)


def label(figure: Mapping[str, Any]) -> str:
    """What a figure is called: its own words, else its name with blanks.

    >>> label({"name": "n_open", "words": ""}), label({"name": "n_open", "words": "Deals open"})
    ('n open', 'Deals open')
    """
    return figure.get("words") or figure["name"].replace("_", " ")


def interval(figure: Mapping[str, Any]) -> str:
    """A figure's interval with its level and the number of cases; empty where it has neither."""
    return words.interval(
        figure["low"], figure["high"], lambda v: said(v, figure["unit"], brief=True), figure["n"]
    )


def is_money(unit: str) -> bool:
    """Whether the unit is a currency."""
    return bool(_CURRENCY.fullmatch(unit or ""))


def moved(now: float | None, before: float | None, unit: str) -> float | None:
    """How far a figure moved: shares, ratios and points in their own unit, all else as a share of what it was."""
    if now is None or before is None:
        return None
    if unit in {"share", "ratio", "points"}:
        return now - before
    return now / before - 1 if before else None


def moved_words(amount: float, unit: str) -> str:
    """The size of a move, as `moved` measures it, without its sign.

    >>> moved_words(-0.012, "share"), moved_words(0.25, "orders").replace(chr(160), " ")
    ('1.2 points', '25.0 %')
    """
    if unit == "share":
        return words.points(abs(amount)).lstrip("+")
    if unit in {"ratio", "points"}:
        return words.number(abs(amount), 2 if unit == "ratio" else 1)
    return words.percent(abs(amount), 1)


def change(now: float | None, before: float | None, unit: str) -> str:
    """How a figure moved, without its sign: points for a share, a difference for ratios, else per cent."""
    amount = moved(now, before, unit)
    return "" if amount is None else moved_words(amount, unit)


def count_word(n: int) -> str:
    """A small count in words, as at the head of a sentence.

    >>> count_word(2), count_word(12)
    ('two', '12')
    """
    small = (_("one"), _("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine"))
    return small[n - 1] if 1 <= n <= len(small) else words.number(n)


def _money(value: float, unit: str, brief: bool) -> str:
    with words.speaking(words.language(), unit):
        return words.money(value, compact=brief)
