"""Text to a day or a time by the declared form; what doesn't follow it, or is no day at all, becomes null.

The form is checked by a pattern that only real days fit, and only then parsed: PostgreSQL has no cast that gives
null where it fails, so what reaches a cast must be known to be sound. Patterns hold nothing that engines read
differently: digits as [0-9], since the short sign for them may mean those of any script; no references to groups.
"""

from __future__ import annotations

import re

import ibis
import ibis.expr.datatypes as dtypes

# Days as a spreadsheet stores them: counted from day 0, the hour as a fraction (Excel; old Excel for Mac).
EXCEL = {"excel": "1899-12-30", "excel-1904": "1904-01-01"}
SERIAL = r"^[2-7][0-9]{4}(\.[0-9]+)?$"  # 1954 to 2119, counted from 1899-12-30
_SECONDS = 86_400
ORDERS = {"day-first": "%d/%m/%Y", "month-first": "%m/%d/%Y"}
OFFSET = r"\s*(Z|[+-][0-9]{2}:?[0-9]{2})$"

_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
# Months by their length: patterns of the year, the month and its days.
_CALENDAR = (
    (_YEAR, "(?:0?[13578]|1[02])", "(?:0?[1-9]|[12][0-9]|3[01])"),
    (_YEAR, "(?:0?[469]|11)", "(?:0?[1-9]|[12][0-9]|30)"),
    (_YEAR, "0?2", "(?:0?[1-9]|1[0-9]|2[0-8])"),
    (_LEAP, "0?2", "29"),
)
_CLOCK = {"%H": "(?:0?[0-9]|1[0-9]|2[0-3])", "%M": "[0-5][0-9]", "%S": "[0-5][0-9]"}


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, form: str) -> dtypes.Timestamp():
    """Text to a time by one strptime form, null where it doesn't follow it."""


def shaped(text: ibis.StringValue, pattern: str) -> ibis.StringValue:
    """The text where it follows the pattern, else null; to Java's `$` a last line break is no text."""
    whole = text.re_search(pattern) & ~text.contains("\n") & ~text.contains("\r")
    return ibis.ifelse(whole, text, ibis.null("string"))


def pattern_of(form: str) -> str | None:
    """The pattern of all days that a form of four-digit years, months, days and hours can write; None for others.

    >>> bool(re.search(pattern_of("%d/%m/%Y"), "29/2/2024")), bool(re.search(pattern_of("%d/%m/%Y"), "29/2/2025"))
    (True, False)
    """
    parts = re.findall(r"%.|[^%]+", form)
    if not {"%Y", "%m", "%d"} <= {p for p in parts if p[0] == "%"} <= {"%Y", "%m", "%d", *_CLOCK}:
        return None
    ways = []
    for year, month, day in _CALENDAR:
        known = {"%Y": year, "%m": month, "%d": day, **_CLOCK}
        ways.append("".join(known[p] if p[0] == "%" else re.escape(p) for p in parts))
    pattern = f"^(?:{'|'.join(ways)})$"
    return pattern if _has_signs(form) else _two_digits(pattern)


def _has_signs(form: str) -> bool:
    """Whether signs stand between the parts, so that 5 can stand for 05."""
    return not re.search("%[dmH]%|%[YMS]%[dmH]", form)


def _two_digits(pattern: str) -> str:
    return pattern.replace("0?", "0")


ISO = _two_digits(f"^(?:{'|'.join(f'{year}-{month}-{day}' for year, month, day in _CALENDAR)})")
ISO += r"([ T](?:[01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?)?$"


def time(text: ibis.StringValue, forms: tuple[str, ...]) -> ibis.Value:
    """Text to a time by the declared forms, or ISO; an offset is dropped, so that the day is the local day."""
    if not forms:
        return _iso(text)
    ways = []
    for form in forms:
        if form in ORDERS:
            ways += by_order(text, form)
        else:
            ways.append(_counted_days(text, form) if form in EXCEL else _by_form(text, form))
    return ibis.coalesce(*ways, _iso(text)) if set(forms) & set(ORDERS) else ibis.coalesce(*ways)


def by_order(text: ibis.StringValue, order: str) -> list[ibis.Value]:
    """Text to a time read day-first or month-first, with or without hours, whatever sign stands between."""
    plain = text.re_replace(r"[.\-]", "/")
    return [_by_form(plain, ORDERS[order] + rest) for rest in ("", " %H:%M:%S", " %H:%M")]


def _counted_days(text: ibis.StringValue, form: str) -> ibis.Value:
    """Text to a time where it is the number of a spreadsheet's day, to the nearest second."""
    days = shaped(text, SERIAL).try_cast("float64")
    return ibis.timestamp(EXCEL[form]) + (days * _SECONDS).round().cast("int64").as_interval("s")


def _by_form(text: ibis.StringValue, form: str) -> ibis.Value:
    pattern = pattern_of(form)
    if pattern is None:  # short years, names of months and the like: DuckDB alone reads them
        return _try_strptime(text, form)
    # Spark takes a 5 for a two-digit part only where the form says so.
    loose = re.sub("%([dmH])", r"%-\1", form) if _has_signs(form) else form
    return shaped(text, pattern).as_timestamp(loose).cast("timestamp")


def _iso(text: ibis.StringValue) -> ibis.Value:
    bare = text.re_replace(OFFSET, "")
    far = ibis.ifelse(text.length() > 10, shaped(bare, ISO), ibis.null("string"))
    return ibis.coalesce(shaped(text, ISO), far).try_cast("timestamp")
