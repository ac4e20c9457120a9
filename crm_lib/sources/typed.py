"""Types values by the declared form: what doesn't follow it becomes null and keeps its text for the message."""

from __future__ import annotations

import ibis
from ibis import _

from crm_lib.contract.rules import SEEN, endless_told
from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TEXT, TIME, TableContract
from crm_lib.sources.dates import shaped, time
from crm_lib.sources.settings import Reading

TYPES = {"text": TEXT, "day": DAY, "time": TIME, "money": MONEY, "count": COUNT, "number": NUMBER, "flag": FLAG}
YES = ("true", "t", "yes", "y", "1", "是")
NO = ("false", "f", "no", "n", "0", "否")
CURRENCIES = {
    **dict.fromkeys(("￥", "¥", "元", "CNY", "RMB"), "CNY"),
    **dict.fromkeys(("$", "USD"), "USD"),
    **dict.fromkeys(("€", "EUR"), "EUR"),
    **dict.fromkeys(("£", "GBP"), "GBP"),
}
NAMES = CURRENCIES | {
    "人民币": "CNY",
    "人民币元": "CNY",
    "美元": "USD",
    "US$": "USD",
    "欧元": "EUR",
    "英镑": "GBP",
}
# Money as people write it: (12.50) for a negative sum, a sign of the currency before or after, a sign before both.
BRACKETS = r"^\(.+\)$"
BLANKS = " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
NULL_BYTE = r"\x00"  # no engine's SQL can quote it, and PostgreSQL can't hold it
# Text to be mended: it is empty, has a blank before or after it, or a null byte within.
UNTIDY = f"^$|^[{BLANKS}]|[{BLANKS}]$|{NULL_BYTE}"
SIGN = "(?:[￥¥$€£]|CNY|RMB|USD|EUR|GBP)[ \u00a0]*"
AFTER = "[ \u00a0\u202f]*(?:元|[￥¥$€£]|CNY|RMB|USD|EUR|GBP)$"
# What fits wherever a value goes: an engine without try_cast would raise an error for more.
DIGITS = "0*[0-9]{1,15}"
MOST = {MONEY: 10**16 - 1, COUNT: 2**63 - 1024}
_MOST_CURRENCIES = 50
EXACT = "decimal(38,6)"


@ibis.udf.scalar.builtin(name="trim")
def _trim(text: str) -> str:
    """Text without the blanks around it: to DuckDB of every script, elsewhere plain ones only."""


@ibis.udf.scalar.builtin(name="trim")
def _without(text: str, signs: str) -> str:
    """Text without these signs around it; DuckDB takes ten times as long for it."""


def text_of(value: ibis.Value) -> ibis.Value:
    """A value as trimmed text without null bytes; empty text is null."""
    if value.type().is_floating():
        # Ids that a tool turned into 17.0 because some were empty.
        whole = _fitting(value, COUNT).try_cast("int64")
        written = ibis.ifelse(whole.cast("float64") == value, whole.cast("string"), value.cast("string"))
        return endless_told(value, written)
    text = value.cast("string")
    trimmed = _trim(text.re_replace(NULL_BYTE, ""))
    trimmed = ibis.ifelse(trimmed.re_search(UNTIDY), _without(trimmed, BLANKS), trimmed)
    return ibis.ifelse(text.re_search(UNTIDY), trimmed.nullif(""), text)


def typed(value: ibis.Value, kind: str, reading: Reading, times: float = 1) -> ibis.Value:
    """A value as `kind` (a type of the contract), null where it doesn't follow the declared form."""
    if kind == TEXT:
        return text_of(value)
    if not value.type().is_string() and not (kind in (DAY, TIME) and value.type().is_numeric()):
        return _scaled(value, kind, times)
    text = text_of(value)
    if kind == FLAG:
        low = text.lower()
        return ibis.cases((low.isin(YES), True), (low.isin(NO), False), else_=ibis.null("boolean"))
    if kind in (DAY, TIME):
        at = time(text, reading.dates)
        return at.date() if kind == DAY else at
    return number(text, kind, reading, times)


def _scaled(value: ibis.Value, kind: str, times: float) -> ibis.Value:
    if times != 1 and kind in (MONEY, COUNT, NUMBER):
        value = value * times
    if value.type().is_timestamp() and value.type().timezone:
        value = value.cast("timestamp")
    if kind == FLAG and value.type().is_numeric():
        return value != 0
    if kind in MOST and (value.type().is_floating() or value.type().is_decimal()):
        return _rounded(_fitting(value, kind).try_cast(EXACT), kind)
    return _fitting(value, kind).try_cast(kind)


def _fitting(value: ibis.Value, kind: str) -> ibis.Value:
    """The value, null where `kind` can't hold it."""
    if kind not in MOST or not value.type().is_numeric():
        return value
    return ibis.ifelse(value.between(-MOST[kind], MOST[kind]), value, ibis.null(value.type()))


def _rounded(exact: ibis.Value, kind: str) -> ibis.Value:
    """A decimal to cents or to a whole number; engines round floats each in their own way."""
    return exact.round().try_cast(COUNT) if kind == COUNT else exact.try_cast(MONEY)


def number(text: ibis.StringValue, kind: str, reading: Reading, times: float = 1) -> ibis.Value:
    """Text to a number: the shape is checked before signs are stripped, so 1,234.50 never becomes 1.2345."""
    shape = _shape(kind, reading)
    # Currency signs cost time: they are looked for only where the bare shape doesn't hold.
    plain = ibis.coalesce(shaped(text, shape), shaped(_bare(text), shape))
    plain = plain.replace(reading.thousands, "") if reading.thousands else plain
    plain = plain.replace(reading.decimal, ".") if reading.decimal != "." else plain
    if kind == NUMBER:
        return plain.try_cast("float64") * times if times != 1 else plain.try_cast("float64")
    if times == 1 and kind == MONEY:
        return plain.try_cast(MONEY)
    exact = plain.try_cast(EXACT)
    if times != 1:
        exact = exact * int(times) if float(times).is_integer() else exact.cast("float64") * times
    return _rounded(_fitting(exact, kind), kind)


def _bare(text: ibis.StringValue) -> ibis.StringValue:
    """An amount without brackets and signs of a currency, its own sign in front."""
    held = text.re_replace(r"^\(", "-").re_replace(r"\)$", "")
    bare = ibis.ifelse(text.re_search(BRACKETS), held, text)
    bare = bare.re_replace(f"^-[ \t]*{SIGN}", "-").re_replace(f"^[+]?[ \t]*{SIGN}", "")
    return bare.re_replace(AFTER, "")


def _shape(kind: str, reading: Reading) -> str:
    """What a number looks like: whole for counts, with a power of ten allowed for plain numbers."""
    mark, point = _escaped(reading.thousands), _escaped(reading.decimal)
    whole = rf"(?:{DIGITS}|[0-9]{{1,3}}(?:{mark}[0-9]{{3}}){{1,4}})" if mark else DIGITS
    if kind == COUNT:
        return rf"^[+-]?{whole}(?:{point}0+)?$"
    power = r"(?:[eE][+-]?[0-9]{1,2})?" if kind == NUMBER else ""
    return rf"^[+-]?{whole}(?:{point}[0-9]+)?{power}$"


def _escaped(sign: str) -> str:
    return f"[{sign}]" if sign else ""


def currencies_of(contract: TableContract, table: ibis.Table) -> tuple[tuple[str, int], ...]:
    """How many amounts of a typed table were written with the sign of each currency; the most frequent first."""
    texts = [table[c.name + SEEN] for c in contract.columns if c.type == MONEY and c.name + SEEN in table.columns]
    if not texts:
        return ()
    asked = {f"c{i}": ibis.or_(*(t.contains(s) for t in texts)).sum() for i, s in enumerate(CURRENCIES)}
    found = table.agg(**asked).to_pyarrow().to_pylist()[0]
    counted: dict[str, int] = {}
    for i, code in enumerate(CURRENCIES.values()):
        counted[code] = counted.get(code, 0) + (found[f"c{i}"] or 0)
    return _most_first(counted)


def currencies_in(values: ibis.Value) -> tuple[tuple[str, int], ...]:
    """How often each currency stands in a column of currencies; the most frequent first."""
    rows = values.name("v").as_table().filter(_.v.notnull()).group_by("v").agg(n=_.count())
    counted: dict[str, int] = {}
    for row in rows.order_by(ibis.desc("n"), "v").limit(_MOST_CURRENCIES).to_pyarrow().to_pylist():
        code = NAMES.get(row["v"].upper(), row["v"].upper())
        counted[code] = counted.get(code, 0) + row["n"]
    return _most_first(counted)


def _most_first(counted: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((c, n) for c, n in counted.items() if n), key=lambda pair: (-pair[1], pair[0])))
