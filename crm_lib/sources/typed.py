"""Types values by the declared form: what doesn't follow it becomes null and keeps its text for the message."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dtypes

from crm_lib.contract.rules import SEEN
from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TEXT, TIME, TableContract
from crm_lib.sources import careful
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
ISO = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
OFFSET = r"\s*(Z|[+-]\d{2}:?\d{2})$"
# Money as people write it: (12.50) for a negative sum, a sign of the currency before or after, a sign before both.
BRACKETS = r"^\((.+)\)$"
BEFORE = r"^([+-]?)\s*(?:[￥¥$€£]|CNY|RMB|USD|EUR|GBP)[ \xA0]*"
AFTER = "[ \xa0\u202f]*(?:元|[￥¥$€£]|CNY|RMB|USD|EUR|GBP)$"
ORDERS = {"day-first": "%d/%m/%Y", "month-first": "%m/%d/%Y"}
# Days as a spreadsheet stores them: counted from day 0, the hour as a fraction (Excel; old Excel for Mac).
EXCEL = {"excel": "1899-12-30", "excel-1904": "1904-01-01"}
SERIAL = r"^[2-7]\d{4}(\.\d+)?$"  # 1954 to 2119, counted from 1899-12-30
_SECONDS = 86_400


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, form: str) -> dtypes.Timestamp():
    """Text to a time by one strptime form, null where it doesn't follow it."""


@ibis.udf.scalar.builtin(name="trim")
def _trim(text: str) -> str:
    """Text without the blanks around it; four times faster than stripping every kind of white space."""


def text_of(value: ibis.Value) -> ibis.Value:
    """A value as trimmed text; empty text is null."""
    if value.type().is_floating():
        # Ids that a tool turned into 17.0 because some were empty.
        whole = value.try_cast("int64")
        value = ibis.ifelse(whole.cast("float64") == value, whole.cast("string"), value.cast("string"))
    return _trim(value.cast("string")).nullif("")


def typed(value: ibis.Value, kind: str, reading: Reading, times: float = 1, on_server: bool = False) -> ibis.Value:
    """A value as `kind` (a type of the contract), null where it doesn't follow the declared form.

    `on_server`: the engine has no casts that give null, see `careful`.
    """
    if kind == TEXT:
        return text_of(value)
    if on_server and (found := careful.native(value, kind, times)) is not None:
        return found
    counted = kind in (DAY, TIME) and value.type().is_numeric()  # a spreadsheet's days, where they are declared
    if not (on_server or counted or value.type().is_string()):
        return _scaled(value, kind, times)
    text = text_of(value)
    if kind == FLAG:
        low = text.lower()
        return ibis.cases((low.isin(YES), True), (low.isin(NO), False), else_=ibis.null("boolean"))
    if kind in (DAY, TIME):
        at = time(text, reading.dates, on_server)
        return at.date() if kind == DAY else at
    return number(text, kind, reading, times, on_server)


def _scaled(value: ibis.Value, kind: str, times: float) -> ibis.Value:
    if times != 1 and kind in (MONEY, COUNT, NUMBER):
        value = value * times
    if value.type().is_timestamp() and value.type().timezone:
        value = value.cast("timestamp")
    return value.try_cast(kind)


def number(
    text: ibis.StringValue, kind: str, reading: Reading, times: float = 1, on_server: bool = False
) -> ibis.Value:
    """Text to a number: the shape is checked before signs are stripped, so 1,234.50 never becomes 1.2345."""
    shape = _shape(kind, reading)
    # Currency signs cost time: they are looked for only where the bare shape doesn't hold.
    bare = text.re_replace(BRACKETS, r"-\1").re_replace(BEFORE, r"\1").re_replace(AFTER, "")
    plain = ibis.ifelse(text.re_search(shape), text, ibis.ifelse(bare.re_search(shape), bare, ibis.null("string")))
    plain = plain.replace(reading.thousands, "") if reading.thousands else plain
    plain = plain.replace(reading.decimal, ".") if reading.decimal != "." else plain
    cast = careful.cast if on_server else ibis.Value.try_cast
    if kind == NUMBER:
        return cast(plain, NUMBER) * times if times != 1 else cast(plain, NUMBER)
    if times == 1 and kind == MONEY:
        return cast(plain, MONEY)
    exact = cast(plain, careful.EXACT)
    if times != 1:
        exact = exact * int(times) if float(times).is_integer() else exact.cast("float64") * times
    return cast(exact.round(), COUNT) if kind == COUNT else cast(exact, MONEY)


def _shape(kind: str, reading: Reading) -> str:
    """What a number looks like: whole for counts, with a power of ten allowed for plain numbers."""
    mark, point = _escaped(reading.thousands), _escaped(reading.decimal)
    whole = rf"(\d+|\d{{1,3}}({mark}\d{{3}})+)" if mark else r"\d+"
    if kind == COUNT:
        return rf"^[+-]?{whole}({point}0+)?$"
    power = r"([eE][+-]?\d+)?" if kind == NUMBER else ""
    return rf"^[+-]?{whole}({point}\d+)?{power}$"


def _escaped(sign: str) -> str:
    return f"[{sign}]" if sign else ""


def time(text: ibis.StringValue, forms: tuple[str, ...], on_server: bool = False) -> ibis.Value:
    """Text to a time by the declared forms, or ISO; an offset is dropped, so that the day is the local day."""
    if not forms:
        return _iso(text, on_server)
    strptime = careful.strptime if on_server else _try_strptime
    ways = []
    for form in forms:
        if form in ORDERS:
            ways += by_order(text, form, on_server)
        else:
            ways.append(_counted_days(text, form) if form in EXCEL else strptime(text, form))
    return ibis.coalesce(*ways, _iso(text, on_server)) if set(forms) & set(ORDERS) else ibis.coalesce(*ways)


def by_order(text: ibis.StringValue, order: str, on_server: bool = False) -> list[ibis.Value]:
    """Text to a time read day-first or month-first, with or without hours, whatever sign stands between."""
    plain = text.re_replace(r"[.\-]", "/")
    form = ORDERS[order]
    shaped = ibis.ifelse(plain.re_search(r"^\d{1,2}/\d{1,2}/\d{4}( |$)"), plain, ibis.null("string"))
    strptime = careful.strptime if on_server else _try_strptime
    return [strptime(shaped, form + rest) for rest in ("", " %H:%M:%S", " %H:%M")]


def _counted_days(text: ibis.StringValue, form: str) -> ibis.Value:
    """Text to a time where it is the number of a spreadsheet's day, to the nearest second."""
    days = ibis.ifelse(text.re_search(SERIAL), text, ibis.null("string")).cast("float64")
    return ibis.timestamp(EXCEL[form]) + (days * _SECONDS).round().cast("int64").as_interval("s")


def _iso(text: ibis.StringValue, on_server: bool) -> ibis.Value:
    bare = text.re_replace(OFFSET, "")
    far = ibis.ifelse((text.length() > 10) & bare.re_search(ISO), bare, ibis.null("string"))
    found = ibis.ifelse(text.re_search(ISO), text, far)
    return careful.time(found) if on_server else found.try_cast(TIME)


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
    return tuple(sorted(((c, n) for c, n in counted.items() if n), key=lambda pair: (-pair[1], pair[0])))
