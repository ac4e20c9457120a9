import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crm_lib.errors import ParameterError
from crm_lib.theme import messages, words

SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def english_again():
    words.use()
    yield
    words.use()


@pytest.mark.parametrize(
    ("x", "digits", "said"),
    [
        (1234567, 0, "1,234,567"),
        (1234.56, 1, "1,234.6"),
        (-9582.43, 2, "−9,582.43"),
        (-0.2, 0, "0"),
        (Decimal("12.50"), 2, "12.50"),
        (np.int64(7), 0, "7"),
        (np.float64(0.1) + np.float64(0.2), 2, "0.30"),
    ],
)
def test_numbers_have_separators_and_a_real_minus(x, digits, said):
    assert words.number(x, digits) == said


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), pd.NA, pd.NaT, np.nan])
def test_what_is_not_known_is_a_dash_in_every_form(nothing):
    forms = (words.number, words.money, words.percent, words.points, words.day, words.month, words.name)
    assert [form(nothing) for form in forms[:-1]] == ["–"] * 6
    assert words.between(nothing, 1, words.number) == "–"
    assert words.interval(nothing, 1, words.number) == ""


@pytest.mark.parametrize(
    ("currency", "x", "how", "said"),
    [
        ("CNY", 1234567, {}, "CN¥1,234,567"),
        ("CNY", 1234567, {"compact": True}, "CN¥1.2M"),
        ("CNY", -1234567, {"compact": True}, "−CN¥1.2M"),
        ("CNY", 640, {"compact": True}, "CN¥640"),
        ("USD", 35.2, {"digits": 2}, "$35.20"),
        ("USD", -35, {}, "−$35"),
        ("", 35, {}, "35"),
        ("", 35_000, {"compact": True}, "35K"),
    ],
)
def test_money_is_in_the_currency_of_the_source(currency, x, how, said):
    words.use("en", currency)
    assert words.money(x, **how) == said


def test_currency_is_named_in_words():
    words.use("en", "USD")
    assert words.currency_name() == "US dollars"
    assert words.currency() == "USD"
    words.use("en")
    assert words.currency_name() == ""


def test_shares_are_per_cent_and_their_differences_points():
    assert words.percent(0.631) == f"63{SPACE}%"
    assert words.percent(0.0049, 1) == f"0.5{SPACE}%"
    assert words.percent(-0.12) == f"−12{SPACE}%"
    assert words.points(0.012) == "+1.2 points"
    assert words.points(-0.012) == "−1.2 points"
    assert words.points(0) == "0.0 points"


def test_dates_are_written_in_full_and_brief():
    last = dt.date(1998, 6, 30)
    assert words.day(last) == "30 June 1998"
    assert words.day(dt.datetime(1998, 6, 30, 12)) == words.day(pd.Timestamp(last)) == "30 June 1998"
    assert (words.month(last), words.short_month(last), words.short_day(last)) == (
        "June 1998",
        "Jun 1998",
        "30 Jun",
    )


def test_an_interval_says_level_range_and_cases():
    said = words.interval(1411.2, 1677.9, words.number, n=2357)
    assert said.replace(SPACE, " ") == "90 %: 1,411 – 1,678 · n = 2,357"
    assert words.interval(None, None, words.number, n=5).replace(SPACE, " ") == "n = 5"


def test_a_typed_name_is_kept_apart_cleaned_and_shortened():
    assert words.name("  East\x00\n Region ") == "\u2068East Region\u2069"
    assert words.name("\u202egnp.exe") == "\u2068gnp.exe\u2069"
    assert words.name("x" * 100) == "\u2068" + "x" * 39 + "…\u2069"
    assert words.name("") == "–"
    assert "**" not in words.name("**bold***")


def test_a_family_emoji_stays_whole():
    family = "👨\u200d👩\u200d👧"
    assert words.clean(family) == family


def test_an_unknown_language_is_refused_with_the_list_of_those_that_exist():
    with pytest.raises(ParameterError, match=r'language="xx" is not one of the languages of the pages: en, zh\.'):
        words.use("xx")
    assert words.language() == "en"


def test_a_language_is_added_by_adding_its_catalogue(tmp_path, monkeypatch):
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "crm.po").write_text(GERMAN, encoding="utf-8")
    monkeypatch.setattr(messages, "FOLDER", tmp_path)
    words._words.cache_clear()
    words.use("de", "EUR")
    assert words.gettext("yes") == "ja"
    assert words.gettext("not translated") == "not translated"
    assert words.number(1234.5, 1) == "1.234,5"
    assert words.day(dt.date(1998, 6, 30)) == "30. Juni 1998"
    words._words.cache_clear()


def test_counts_choose_singular_or_plural():
    said = [words.ngettext("{n} customer", "{n} customers", n).format(n=n) for n in (1, 2)]
    assert said == ["1 customer", "2 customers"]


CHINESE_MONEY = [
    ("CNY", 9876, {}, "9,876元"),
    ("CNY", 9876, {"compact": True}, "9,876元"),
    ("CNY", 55_612, {"compact": True}, "5.56万元"),
    ("CNY", 556_120, {"compact": True}, "55.6万元"),
    ("CNY", -556_120, {"compact": True}, "−55.6万元"),
    ("CNY", 13_440_000, {"compact": True}, "1,344万元"),
    ("CNY", 99_999_999, {"compact": True}, "1.00亿元"),
    ("CNY", 123_456_789, {"compact": True}, "1.23亿元"),
    ("USD", 35.2, {"digits": 2}, "35.20美元"),
    ("USD", 1_234_567, {"compact": True}, "123万美元"),
    ("", 35_000, {"compact": True}, "3.50万"),
    ("", 35, {}, "35"),
    ("CNY", float("nan"), {"compact": True}, "–"),
]


@pytest.mark.parametrize(("currency", "x", "how", "said"), CHINESE_MONEY)
def test_amounts_in_chinese_are_counted_by_ten_thousands_with_the_unit_behind(currency, x, how, said):
    words.use("zh", currency)
    assert words.money(x, **how) == said


def test_dates_shares_ranges_and_counts_in_chinese():
    words.use("zh", "CNY")
    last = dt.date(1998, 6, 30)
    assert (words.day(last), words.month(last), words.short_month(last), words.short_day(last)) == (
        "1998年6月30日",
        "1998年6月",
        "1998年6月",
        "6月30日",
    )
    assert words.percent(0.631) == "63%"
    assert words.percent(-0.12) == "−12%"
    assert words.points(0.012) == "+1.2个百分点"
    said = words.interval(0.2, 0.3, words.percent, n=2357)
    assert said == f"90%区间：20%～30% · n{SPACE}={SPACE}2,357"
    assert words.currency_name() == "人民币"
    assert [words.ngettext("{n} customer", "{n} customers", n).format(n=n) for n in (1, 2)] == [
        "1位客户",
        "2位客户",
    ]


GERMAN = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "yes"
msgstr "ja"
"""
