"""Dates as people name them: `last-month`, `2026-W47`, `2026-10`, counted from the logical day of the run.

The clock is asked once, by the command; everything else is given the run date, so that a night that is made up for
later gives the same pages.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_lib.errors import ConfigError, ParameterError

DAY, WEEK, MONTH, QUARTER, YEAR = PERIODS = ("day", "week", "month", "quarter", "year")
WORDS = ("yesterday", *(f"last-{period}" for period in PERIODS[1:]))
FORMS = f"a day like 2026-10-31, a month like 2026-10, a week like 2026-W47, or one of: {', '.join(WORDS)}"

_WEEK = re.compile(r"(\d{4})-W(\d\d)")
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")


def today(time_zone: str = "", now: dt.datetime | None = None) -> dt.date:
    """The day that it is in a time zone, of this machine when none is named."""
    now = now or dt.datetime.now(dt.UTC)
    try:
        return now.astimezone(ZoneInfo(time_zone) if time_zone else None).date()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f'time_zone is "{time_zone}"; it must be a name like Europe/Berlin.') from error


def day(text: str, run_date: dt.date | None, where: str = "as_of") -> dt.date:
    """The last day of what a text names.

    >>> run_date = dt.date(2026, 11, 25)
    >>> [str(day(text, run_date)) for text in ("last-month", "2026-W47", "2026-02", "yesterday")]
    ['2026-10-31', '2026-11-22', '2026-02-28', '2026-11-24']

    Raises
    ------
    ParameterError
        The text names no day, or a word is used where no run date is known.
    """
    bare = text.strip()
    try:
        if _ISO.fullmatch(bare):
            return dt.date.fromisoformat(bare)
        if found := _WEEK.fullmatch(bare):
            return dt.date.fromisocalendar(int(found[1]), int(found[2]), 7)
        if found := _MONTH.fullmatch(bare):
            return end(dt.date(int(found[1]), int(found[2]), 1), MONTH)
    except ValueError:
        pass
    if bare in WORDS and run_date:
        return before(run_date, DAY if bare == "yesterday" else bare.removeprefix("last-"))
    raise ParameterError(f'{where} is "{text}"; it must be {FORMS}.')


def end(of: dt.date, period: str) -> dt.date:
    """Last day of the period that a day lies in; weeks end on Sunday."""
    if period == DAY:
        return of
    if period == WEEK:
        return of + dt.timedelta(days=7 - of.isoweekday())
    last_month = {MONTH: of.month, QUARTER: (of.month + 2) // 3 * 3, YEAR: 12}[period]
    months = of.year * 12 + last_month  # the month after, counted from year 0
    return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)


def before(run_date: dt.date, period: str) -> dt.date:
    """Last day of the period that was over before the run date began.

    >>> str(before(dt.date(2026, 11, 30), "month"))
    '2026-10-31'
    """
    if period == DAY:
        return run_date - dt.timedelta(days=1)
    if period == WEEK:
        return run_date - dt.timedelta(days=run_date.isoweekday())
    first_month = {MONTH: run_date.month, QUARTER: (run_date.month - 1) // 3 * 3 + 1, YEAR: 1}[period]
    return dt.date(run_date.year, first_month, 1) - dt.timedelta(days=1)


def ends(since: dt.date, until: dt.date, period: str) -> list[dt.date]:
    """The last days of all periods that ended from one day to another, both counted.

    >>> [str(d) for d in ends(dt.date(2026, 8, 31), dt.date(2026, 11, 24), "month")]
    ['2026-08-31', '2026-09-30', '2026-10-31']
    """
    found, at = [], end(since, period)
    while at <= until:
        found.append(at)
        at = end(at + dt.timedelta(days=1), period)
    return found
