import datetime as dt

import pytest

from crm_lib.errors import ConfigError, ParameterError
from crm_lib.runner.request import dates


@pytest.mark.parametrize(
    ("text", "run_date", "expected"),
    [
        ("2026-10-31", "2026-11-25", "2026-10-31"),
        (" 2026-10-31 ", "2026-11-25", "2026-10-31"),
        ("yesterday", "2026-03-01", "2026-02-28"),
        ("yesterday", "2028-03-01", "2028-02-29"),
        ("last-week", "2026-11-23", "2026-11-22"),  # a Monday
        ("last-week", "2026-11-22", "2026-11-15"),  # a Sunday: its own week is not over
        ("last-month", "2026-11-01", "2026-10-31"),
        ("last-month", "2026-01-31", "2025-12-31"),
        ("last-quarter", "2026-11-25", "2026-09-30"),
        ("last-quarter", "2026-02-03", "2025-12-31"),
        ("last-year", "2026-11-25", "2025-12-31"),
        ("2026-W47", "2026-11-25", "2026-11-22"),
        ("2026-W53", "2026-11-25", "2027-01-03"),
        ("2026-02", "2026-11-25", "2026-02-28"),
        ("2028-02", "2026-11-25", "2028-02-29"),
        ("2026-12", "2026-11-25", "2026-12-31"),
    ],
)
def test_a_text_names_the_last_day_of_what_it_says(text, run_date, expected):
    assert dates.day(text, dt.date.fromisoformat(run_date)).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "2026-13", "2025-W53", "last-decade", "31.10.2026", "tomorrow", "20261031"]
)
def test_what_names_no_day_is_refused_with_what_is_wanted(text):
    with pytest.raises(ParameterError, match=r"--as-of is .*; it must be a day like 2026-10-31, a month"):
        dates.day(text, dt.date(2026, 11, 25), "--as-of")


def test_a_word_without_a_run_date_is_refused():
    with pytest.raises(ParameterError, match="must be a day"):
        dates.day("last-month", None)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("day", ["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01"]),
        ("week", ["2026-11-29"]),
        ("month", ["2026-11-30"]),
        ("quarter", []),
        ("year", []),
    ],
)
def test_periods_that_ended_between_two_days(period, expected):
    found = dates.ends(dt.date(2026, 11, 28), dt.date(2026, 12, 1), period)
    assert [day.isoformat() for day in found] == expected


def test_a_year_of_months_has_twelve_ends_each_the_last_of_its_month():
    found = dates.ends(dt.date(2027, 1, 1), dt.date(2027, 12, 31), "month")
    assert len(found) == 12
    assert all((day + dt.timedelta(days=1)).day == 1 for day in found)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Asia/Shanghai", "2026-11-02"), ("America/New_York", "2026-11-01"), ("UTC", "2026-11-01")],
)
def test_the_day_is_that_of_the_source(zone, expected):
    now = dt.datetime(2026, 11, 1, 22, 0, tzinfo=dt.UTC)
    assert dates.today(zone, now).isoformat() == expected


def test_the_hour_that_happens_twice_is_one_day():
    summer = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)  # 02:30 the first time in Berlin
    winter = dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)  # 02:30 the second time
    assert {dates.today("Europe/Berlin", now) for now in (summer, winter)} == {dt.date(2026, 10, 25)}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd"])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(ConfigError, match="it must be a name like Europe/Berlin"):
        dates.today(zone)
