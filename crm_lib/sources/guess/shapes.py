"""What a value looks like: a number in some form, a day in some form, and which strptime forms would read it."""

from __future__ import annotations

import re
import unicodedata

from crm_lib.sources.dates import SERIAL
from crm_lib.sources.typed import CURRENCIES

_SERIAL = re.compile(SERIAL)
_MONEY = re.compile(r"[￥¥$€£]|元|CNY|RMB|USD|EUR|GBP")
_NUMBER = re.compile(r"^\(?[+-]?\s*\d[\d., '\u00a0\u202f]*\)?$")
_DAY = re.compile(
    r"^(?P<date>(?P<ymd>\d{4}(?P<s1>[-/.])\d{1,2}(?P=s1)\d{1,2})|(?P<han>\d{4}年\d{1,2}月\d{1,2}日)|(?P<flat>(?:19|20)\d{6})"
    r"|(?P<dmy>\d{1,2}(?P<s2>[-/.])\d{1,2}(?P=s2)\d{4})|(?P<short>\d{1,2}(?P<s3>[-/.])\d{1,2}(?P=s3)\d{2})"
    r"|(?P<dby>\d{1,2}(?P<s4>[- ])[A-Za-z]{3,9}(?P=s4)\d{4})|(?P<bdy>[A-Za-z]{3,9} \d{1,2}, ?\d{4}))"
    r"(?P<rest>(?P<gap>,? ?T?)\d{1,2}:\d{2}(?P<seconds>:\d{2}(?:\.\d+)?)?(?P<noon> ?[AaPp][Mm])?"
    r"\s*(?:Z|[+-]\d{2}:?\d{2})?)?$"
)
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?$")


def is_number(text: str) -> bool:
    """Whether it looks like a number in any of the usual forms.

    >>> is_number("￥1,234.50"), is_number("(12,5)"), is_number("A12"), is_number("2026-01-05")
    (True, True, False, False)
    """
    bare = _MONEY.sub("", text).strip()
    return bool(_NUMBER.match(bare)) and bare.count("/") == 0


def is_day(text: str) -> bool:
    """Whether it looks like a day or a time in any of the usual forms.

    >>> is_day("2026/1/5"), is_day("5-Jan-2026"), is_day("2026年1月5日"), is_day("12.50")
    (True, True, True, False)
    """
    return bool(_DAY.match(text.strip()))


def is_serial(text: str) -> bool:
    """Whether it could be a day as a spreadsheet counts it; only a heading tells it from any other number.

    >>> is_serial("45292"), is_serial("45292.4375"), is_serial("1045"), is_serial("20260105")
    (True, True, False, False)
    """
    return bool(_SERIAL.match(text.strip()))


def currencies_in(text: str) -> set[str]:
    """Codes of the currencies whose signs stand in the text."""
    return {CURRENCIES[sign] for sign in _MONEY.findall(text)}


def ways(text: str) -> tuple[tuple[str, ...], ...]:
    """The ways in which a day can be read: each a tuple of forms for `dates`; ISO is the empty tuple.

    >>> ways("2026-01-05"), ways("2026/1/5"), ways("1/2/2026"), ways("45292")
    (((),), (('%Y/%m/%d',),), (('day-first',), ('month-first',)), (('excel',),))
    """
    text = text.strip()
    if _ISO.match(text):
        return ((),)
    if is_serial(text):
        return (("excel",),)
    found = _DAY.match(text)
    if not found:
        return ()
    rest = _time_form(found)
    if found["dmy"] and not found["noon"] and found["gap"] in (None, " "):
        return (("day-first",), ("month-first",))
    return tuple((form + rest,) for form in _date_forms(found))


def _date_forms(found: re.Match[str]) -> tuple[str, ...]:
    if found["ymd"]:
        return (found["s1"].join(("%Y", "%m", "%d")),)
    if found["han"]:
        return ("%Y年%m月%d日",)
    if found["flat"]:
        return ("%Y%m%d",)
    if found["dmy"]:
        return tuple(found["s2"].join(parts) for parts in (("%d", "%m", "%Y"), ("%m", "%d", "%Y")))
    if found["short"]:
        orders = (("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"))
        return tuple(found["s3"].join(parts) for parts in orders)
    word = re.search(r"[A-Za-z]+", found["date"])[0]
    month = "%b" if len(word) == 3 else "%B"
    if found["dby"]:
        return (found["s4"].join(("%d", month, "%Y")),)
    return (f"{month} %d, %Y" if ", " in found["date"] else f"{month} %d,%Y",)


def _time_form(found: re.Match[str]) -> str:
    if not found["rest"]:
        return ""
    noon = found["noon"]
    hours = "%I:%M" if noon else "%H:%M"
    seconds = ":%S" + (".%f" if "." in (found["seconds"] or "") else "") if found["seconds"] else ""
    return (found["gap"] or "") + hours + seconds + ((" %p" if noon.startswith(" ") else "%p") if noon else "")


def plain(header: str) -> str:
    """A header as it is compared: one form of width and case, without units in brackets, blanks and signs.

    >>> plain(" 订单金额（元） "), plain("Customer_ID *"), plain("Account Name.id")
    ('订单金额', 'customerid', 'accountnameid')
    """
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"[(\[【].*?[)\]】]", "", text) or text
    return "".join(c for c in text if c.isalnum())


def unit(header: str) -> str:
    """What stands in brackets behind a header.

    >>> unit("金额（万元）"), unit("Amount [USD]"), unit("Amount")
    ('万元', 'USD', '')
    """
    found = re.search(r"[(\[【](.*?)[)\]】]", unicodedata.normalize("NFKC", header))
    return found[1].strip() if found else ""
