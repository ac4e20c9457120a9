r"""Casts for servers, which fail where a text does not follow the type: its shape is looked at first.

The embedded engine has casts that give null instead (`try_cast`, `try_strptime`); what is built here of regular
expressions and conditions alone gives the same values on any engine.
"""

from __future__ import annotations

import re

import ibis

from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TEXT, TIME
from crm_lib.errors import ConfigError

EXACT = "decimal(38,6)"
_SHAPES = {
    MONEY: r"^[+-]?0*\d{1,15}(\.\d*)?$",
    EXACT: r"^[+-]?0*\d{1,18}(\.\d*)?$",
    NUMBER: r"^[+-]?\d{1,200}(\.\d{0,200})?([eE][+-]?\d{1,2})?$",
}
_BELOW = {MONEY: 10**15, COUNT: 10**18, EXACT: 10**18}
_DAYS = r"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|[12]\d))"
_CLOCK = r"(([01]?\d|2[0-3]):[0-5]?\d(:[0-5]?\d(\.\d+)?)?|24:00(:00)?)"
_TIME = rf"^[1-9]\d{{3}}-{_DAYS}([ T]{_CLOCK})?$"
_DIRECTIVES = {
    "Y": r"(\d{4})",
    "y": r"(\d{2})",
    "m": r"(\d{1,2})",
    "d": r"(\d{1,2})",
    "H": r"(\d{1,2})",
    "M": r"(\d{1,2})",
    "S": r"(\d{1,2})",
    "f": r"(\d{1,6})",
}


def cast(value: ibis.Value, kind: str) -> ibis.Value:
    """A text or a number as `kind`, null where it does not follow it or is too large."""
    if not value.type().is_string():
        if kind == NUMBER:
            return value.cast(NUMBER)
        fits = value.abs() < _BELOW[kind]
    else:
        fits = value.re_search(_SHAPES[kind])
    return ibis.ifelse(fits, value, ibis.null(value.type())).cast(kind)


def time(text: ibis.StringValue) -> ibis.Value:
    """A text such as 2026-10-31 or 2026-10-31 09:30 as a time, null where there is no such day or hour."""
    shaped = ibis.ifelse(text.re_search(_TIME), text, ibis.null("string"))
    year = shaped.substr(0, 4).cast("int32")
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    there = leap | (shaped.substr(5, 5) != "02-29")
    return ibis.ifelse(there, shaped, ibis.null("string")).cast("timestamp")


def strptime(text: ibis.StringValue, form: str) -> ibis.Value:
    """A text as a time by one strptime form, null where it doesn't follow it."""
    names = re.findall("%(.)", form)
    unknown = [name for name in names if name not in _DIRECTIVES]
    if unknown or not {"m", "d"} <= set(names) or not {"Y", "y"} & set(names):
        raise ConfigError(
            f'dates = "{form}" can\'t be read on a server, which knows %Y or %y, %m, %d, %H, %M, %S and %f. '
            "Give the column a type there (a view will do), or read the data from a file."
        )
    between = [re.escape(part) for part in re.split("%.", form)]
    pattern = "".join(a + b for a, b in zip(between, [*(_DIRECTIVES[n] for n in names), ""], strict=True))
    part = {name: text.re_extract(f"^{pattern}$", i) for i, name in enumerate(names, 1)}
    year = part["Y"] if "Y" in part else ibis.ifelse(part["y"] < "69", "20", "19").concat(part["y"])
    two = {name: part[name].lpad(2, "0") if name in part else ibis.literal("00") for name in "mdHMS"}
    iso = year.concat("-", two["m"], "-", two["d"], " ", two["H"], ":", two["M"], ":", two["S"])
    return time(iso.concat(".", part["f"]) if "f" in part else iso)


def native(value: ibis.Value, kind: str, times: float = 1) -> ibis.Value | None:
    """A value that the server has typed, as `kind`; None where the types don't meet and its text must be read."""
    found = value.type()
    if kind in (DAY, TIME) and found.is_temporal():
        # The session's time zone says which local time a point in time was.
        return value.cast(TIME).cast(kind)
    if kind == FLAG:
        return value if found.is_boolean() else (value != 0) if found.is_numeric() else None
    if kind in (MONEY, COUNT, NUMBER) and (found.is_numeric() or found.is_boolean()):
        number = value.cast("int32") if found.is_boolean() else value
        number = number * times if times != 1 else number
        return cast(number, kind)
    return value if kind == TEXT and found.is_string() else None
