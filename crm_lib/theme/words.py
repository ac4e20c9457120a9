"""How things are said: the language of sentences, and the form of numbers, money, dates and typed names.

The words belong to the process, as a notebook has a process of its own: a context variable would be
lost between two cells, since the kernel runs each cell in a context of its own.
"""

from __future__ import annotations

import datetime as dt
import gettext as catalogues
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, dates, numbers

from crm_lib.errors import ParameterError

NOTHING = "–"
LEVEL = 0.90
SOURCE_LANGUAGE = "en"

_CATALOGUES = Path(__file__).parent / "locale"
_DOMAIN = "crm"
_MINUS = "\N{MINUS SIGN}"
_NBSP = "\N{NO-BREAK SPACE}"
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_JOINERS = "\u200c\u200d"  # hold emoji and some scripts together
_LONE_STAR = "*\u2060"  # two stars typed by a customer never make bold


@dataclass(frozen=True)
class _Words:
    language: str
    currency: str
    catalogue: catalogues.NullTranslations
    locale: Locale


def languages() -> tuple[str, ...]:
    """Languages a page can be made in: the source language and each with a catalogue in `theme/locale`."""
    made = {path.parts[-3] for path in _CATALOGUES.glob(f"*/LC_MESSAGES/{_DOMAIN}.mo")}
    return (SOURCE_LANGUAGE, *sorted(made - {SOURCE_LANGUAGE}))


@lru_cache
def _words(language: str, currency: str) -> _Words:
    if language not in languages():
        raise ParameterError(
            f'language="{language}" is not one of the languages of the pages: {", ".join(languages())}. '
            f"Choose one of these, or add {language}/LC_MESSAGES/{_DOMAIN}.mo to crm_lib/theme/locale."
        )
    catalogue = catalogues.translation(_DOMAIN, str(_CATALOGUES), [language], fallback=True)
    return _Words(language, currency, catalogue, Locale.parse(language, sep="_"))


_current: list[_Words] = []


def _now() -> _Words:
    return _current[-1] if _current else _words(SOURCE_LANGUAGE, "")


def use(language: str = SOURCE_LANGUAGE, currency: str = "") -> None:
    """Set language and currency of every sentence and number said from here on in this process.

    Raises
    ------
    ParameterError
        If there is no catalogue for the language.
    """
    _current[:] = [_words(language or SOURCE_LANGUAGE, currency)]


def language() -> str:
    """Language in use, such as `en`."""
    return _now().language


def currency() -> str:
    """Currency code in use, such as `CNY`; empty where the source names none."""
    return _now().currency


def currency_name() -> str:
    """Currency in words, as in "US dollars"; empty where the source names none."""
    now = _now()
    return numbers.get_currency_name(now.currency, count=2, locale=now.locale) if now.currency else ""


def gettext(message: str) -> str:
    """Say the message in the current language."""
    return _now().catalogue.gettext(message)


_ = gettext


def ngettext(one: str, many: str, n: float) -> str:
    """Say the message that fits the count `n` in the current language; a fraction counts as several.

    >>> ngettext("order", "orders", 1.0), ngettext("order", "orders", 0.5)
    ('order', 'orders')
    """
    return _now().catalogue.ngettext(one, many, int(n) if n == int(n) else 2)


def is_missing(x: Any) -> bool:
    """Whether `x` is nothing that can be said: None, NaN, NaT, NA, or infinite.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    if x is None:
        return True
    if isinstance(x, str):
        return False
    if isinstance(x, dt.date):
        return str(x) == "NaT"
    try:
        return not math.isfinite(x)
    except (TypeError, ValueError):
        return True


def _exact(x: Any) -> Decimal:
    return x if isinstance(x, Decimal) else Decimal(repr(float(x))) if isinstance(x, float) else Decimal(str(x))


def _minus(text: str) -> str:
    """Write a real minus sign, and none before what rounded to zero."""
    text = text.replace("-", _MINUS)
    return text if any(unicodedata.digit(c, 0) for c in text) else text.replace(_MINUS, "")


def _decimals(digits: int) -> str:
    return "0." + "0" * digits if digits else "0"


def number(x: Any, digits: int = 0) -> str:
    """Write a number with `digits` decimals.

    >>> number(1234.5, 1), number(-3), number(None)
    ('1,234.5', '−3', '–')
    """
    if is_missing(x):
        return NOTHING
    return _minus(numbers.format_decimal(_exact(x), f"#,##{_decimals(digits)}", locale=_now().locale))


def money(x: Any, digits: int = 0, compact: bool = False) -> str:
    """Write an amount in the current currency; `compact` rounds to thousands, millions … with one decimal.

    >>> use(currency="CNY")
    >>> money(1234567), money(1234567, compact=True)
    ('CN¥1,234,567', 'CN¥1.2M')
    >>> use()
    """
    if is_missing(x):
        return NOTHING
    now = _now()
    if compact and abs(x) >= 1000:
        return _minus(_compact_money(_exact(x), now, max(digits, 1)))
    if not now.currency:
        return number(x, digits)
    pattern = now.locale.currency_formats["standard"].pattern.replace("0.00", _decimals(digits))
    return _minus(
        numbers.format_currency(_exact(x), now.currency, pattern, locale=now.locale, currency_digits=False)
    )


def _compact_money(x: Decimal, now: _Words, digits: int) -> str:
    if not now.currency:
        return numbers.format_compact_decimal(x, locale=now.locale, fraction_digits=digits)
    return numbers.format_compact_currency(x, now.currency, locale=now.locale, fraction_digits=digits)


def percent(share: Any, digits: int = 0) -> str:
    """Write a share (0–1) in per cent; in English with a space that does not break.

    >>> percent(0.631).replace(chr(160), " "), percent(None)
    ('63 %', '–')
    """
    if is_missing(share):
        return NOTHING
    locale = _now().locale
    pattern = locale.percent_formats[None].pattern.replace("#,##0", f"#,##{_decimals(digits)}")
    if locale.language == SOURCE_LANGUAGE:
        pattern = pattern.replace("%", f"{_NBSP}%")
    return _minus(numbers.format_percent(_exact(share), pattern, locale=locale))


def signed(x: Any, form: Callable[[Any], str] = number) -> str:
    """Write a change with its sign, plus included.

    >>> signed(3), signed(-3), signed(0)
    ('+3', '−3', '0')
    """
    text = form(x)
    rises = not is_missing(x) and x > 0 and any(unicodedata.digit(c, 0) for c in text)
    return f"+{text}" if rises else text


def points(share_difference: Any, digits: int = 1) -> str:
    """Write the difference of two shares in percentage points.

    >>> points(0.012), points(-0.2, 0)
    ('+1.2 points', '−20 points')
    """
    if is_missing(share_difference):
        return NOTHING
    text = signed(_exact(share_difference) * 100, lambda x: number(x, digits))
    return gettext("{n} points").format(n=text)


def day(date: dt.date | None) -> str:
    """Write a date in full.

    >>> day(dt.date(1998, 6, 30))
    '30 June 1998'
    """
    if is_missing(date):
        return NOTHING
    now = _now()
    form = "d MMMM y" if now.locale.language == SOURCE_LANGUAGE else "long"
    return dates.format_date(date, form, locale=now.locale)


def month(date: dt.date | None) -> str:
    """Write month and year.

    >>> month(dt.date(1998, 6, 30))
    'June 1998'
    """
    return NOTHING if is_missing(date) else dates.format_skeleton("yMMMM", _midnight(date), locale=_now().locale)


def short_month(date: dt.date | None) -> str:
    """Write month and year briefly, as on a chart's axis.

    >>> short_month(dt.date(1998, 6, 30))
    'Jun 1998'
    """
    return NOTHING if is_missing(date) else dates.format_skeleton("yMMM", _midnight(date), locale=_now().locale)


def short_day(date: dt.date | None) -> str:
    """Write day and month briefly, as on a chart's axis.

    >>> short_day(dt.date(1998, 6, 30))
    '30 Jun'
    """
    if is_missing(date):
        return NOTHING
    now = _now()
    if now.locale.language == SOURCE_LANGUAGE:
        return dates.format_date(date, "d MMM", locale=now.locale)
    return dates.format_skeleton("MMMd", _midnight(date), locale=now.locale)


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime(date.year, date.month, date.day)


def between(low: Any, high: Any, form: Callable[[Any], str]) -> str:
    """Write a range.

    >>> between(1411, 1678, number)
    '1,411 – 1,678'
    """
    return NOTHING if is_missing(low) or is_missing(high) else f"{form(low)} – {form(high)}"


def interval(low: Any, high: Any, form: Callable[[Any], str], n: int | None = None) -> str:
    """Write an interval with its level and, where given, the number of cases; empty where there is none.

    >>> interval(1411, 1678, number, n=2357).replace(chr(160), " ")
    '90 %: 1,411 – 1,678 · n = 2,357'
    """
    said = []
    if not (is_missing(low) or is_missing(high)):
        said.append(gettext("{level}: {range}").format(level=percent(LEVEL), range=between(low, high, form)))
    if n is not None:
        said.append(gettext("n = {n}").replace(" ", _NBSP).format(n=number(n)))
    return " · ".join(said)


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
