"""How things are said: the language of sentences, and the form of numbers, money, dates and typed names.

The words belong to the process, as a notebook has a process of its own: a context variable would be
lost between two cells, since the kernel runs each cell in a context of its own.
"""

from __future__ import annotations

import datetime as dt
import gettext as catalogues
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, dates, numbers

from crm_lib.errors import ParameterError
from crm_lib.theme import messages
from crm_lib.theme.digits import NOTHING, decimals, exact, is_missing, real_minus
from crm_lib.theme.typed import clean, name, shorten  # noqa: F401 (found here, too)
from crm_lib.theme.typesetting import chinese

LEVEL = 0.90
SOURCE_LANGUAGE = "en"

_NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class _Words:
    language: str
    currency: str
    catalogue: catalogues.NullTranslations
    locale: Locale


def languages() -> tuple[str, ...]:
    """Languages a page can be made in: the source language and each with a catalogue in `theme/locale`."""
    return (SOURCE_LANGUAGE, *sorted(messages.there() - {SOURCE_LANGUAGE}))


@lru_cache
def _words(language: str, currency: str) -> _Words:
    if language not in languages():
        raise ParameterError(
            f'language="{language}" is not one of the languages of the pages: {", ".join(languages())}. '
            f"Choose one of these, or add {language}/LC_MESSAGES/{messages.DOMAIN}.po to crm_lib/theme/locale."
        )
    return _Words(language, currency, messages.load(language), Locale.parse(language, sep="_"))


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


@contextmanager
def speaking(language: str = SOURCE_LANGUAGE, currency: str = "") -> Iterator[None]:
    """Speak another language for a while, as the command line speaks English whatever the pages speak."""
    standing = list(_current)
    use(language, currency)
    try:
        yield
    finally:
        _current[:] = standing


def language() -> str:
    """Language in use, such as `en`."""
    return _now().language


def language_name(code: str) -> str:
    """Name of a language in its own words.

    >>> language_name("zh"), language_name("en")
    ('中文', 'English')
    """
    locale = Locale.parse(code, sep="_")
    return locale.get_language_name(locale) or code


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


def pgettext(context: str, message: str) -> str:
    """Say the message in the current language; the context tells apart what English says with one word."""
    return _now().catalogue.pgettext(context, message)


def ngettext(one: str, many: str, n: float) -> str:
    """Say the message that fits the count `n` in the current language; a fraction counts as several.

    >>> ngettext("order", "orders", 1.0), ngettext("order", "orders", 0.5)
    ('order', 'orders')
    """
    return _now().catalogue.ngettext(one, many, int(n) if n == int(n) else 2)


def typeset(text: str) -> str:
    """Return a sentence put together from pieces with the punctuation of the current language.

    Code joins pieces with the source language's ", " and "; ", and sentences with a blank.
    """
    return chinese(text) if _now().locale.language == "zh" else text


def number(x: Any, digits: int = 0) -> str:
    """Write a number with `digits` decimals.

    >>> number(1234.5, 1), number(-3), number(None)
    ('1,234.5', '−3', '–')
    """
    if is_missing(x):
        return NOTHING
    return real_minus(numbers.format_decimal(exact(x), f"#,##{decimals(digits)}", locale=_now().locale))


def _by_ten_thousands() -> bool:
    """Whether readers count in 万 and 亿 and put the unit of money behind the number."""
    return _now().locale.language == "zh"


def short_money_from() -> int:
    """Power of ten from which an amount is read more easily when it is written short."""
    return 4 if _by_ten_thousands() else 6


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
    if _by_ten_thousands():
        return _chinese_money(exact(x), now.currency, digits, compact)
    if compact and abs(x) >= 1000:
        return real_minus(_compact_money(exact(x), now, max(digits, 1)))
    if not now.currency:
        return number(x, digits)
    pattern = now.locale.currency_formats["standard"].pattern.replace("0.00", decimals(digits))
    return real_minus(
        numbers.format_currency(exact(x), now.currency, pattern, locale=now.locale, currency_digits=False)
    )


def _compact_money(x: Decimal, now: _Words, digits: int) -> str:
    if not now.currency:
        return numbers.format_compact_decimal(x, locale=now.locale, fraction_digits=digits)
    return numbers.format_compact_currency(x, now.currency, locale=now.locale, fraction_digits=digits)


def _chinese_money(x: Decimal, currency: str, digits: int, compact: bool) -> str:
    """Write an amount as Chinese readers expect it: 9,876元, 55.6万元, 1.23亿美元; short ones with 3 digits."""
    if compact:
        for size, sign in ((Decimal(10**8), "亿"), (Decimal(10**4), "万")):
            if abs(x) >= size * Decimal("0.99995"):
                whole = len(str(abs(int(x / size))))
                return f"{number(x / size, max(max(digits + 1, 3) - whole, 0))}{sign}{_chinese_unit(currency)}"
    return number(x, digits) + _chinese_unit(currency)


def _chinese_unit(currency: str) -> str:
    if currency in ("", "CNY"):
        return "元" if currency else ""
    return numbers.get_currency_name(currency, locale=Locale("zh"))


def percent(share: Any, digits: int = 0) -> str:
    """Write a share (0–1) in per cent; in English with a space that does not break.

    >>> percent(0.631).replace(chr(160), " "), percent(None)
    ('63 %', '–')
    """
    if is_missing(share):
        return NOTHING
    locale = _now().locale
    pattern = locale.percent_formats[None].pattern.replace("#,##0", f"#,##{decimals(digits)}")
    if locale.language == SOURCE_LANGUAGE:
        pattern = pattern.replace("%", f"{_NBSP}%")
    return real_minus(numbers.format_percent(exact(share), pattern, locale=locale))


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
    text = signed(exact(share_difference) * 100, lambda x: number(x, digits))
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
    if is_missing(low) or is_missing(high):
        return NOTHING
    return gettext("{low} – {high}").format(low=form(low), high=form(high))


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
