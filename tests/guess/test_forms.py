"""Numbers and days: the form that reads all, or a question; a declared form is held against the whole value."""

import itertools

import ibis
import pytest

from crm_lib.contract.rules import ROW
from crm_lib.sources import files
from crm_lib.sources.dates import time
from crm_lib.sources.guess import forms
from crm_lib.sources.settings import Reading
from crm_lib.sources.typed import number, text_of, typed

COUNTER = itertools.count()


@pytest.fixture(scope="module")
def con():
    return files.engine()


@pytest.fixture
def raw(con):
    def make(values):
        table = con.create_table(f"t{next(COUNTER)}", ibis.memtable({"c0": values}), temp=True)
        return files.Raw(table.mutate(**{ROW: ibis.row_number() + 1}), {"x": "c0"}, "file")

    return make


@pytest.mark.parametrize(
    ("values", "decimal", "thousands"),
    [
        (["1,234.50", "12.00"], ".", ","),
        (["1.234,50", "12,00"], ",", "."),
        (["12,50"], ",", ""),
        (["1 234,50"], ",", " "),
        (["1'234.50"], ".", "'"),
        (["￥1,234.50", "-￥3", "(12.00)"], ".", ","),
        (["1,234,567"], ".", ","),
        (["1,234"] * 8 + ["500"], ".", ","),
        (["100", "7"], ".", ""),
    ],
)
def test_the_form_that_reads_all_numbers_is_found(raw, values, decimal, thousands):
    found = forms.number_forms(raw(values), ["x"], Reading())
    assert (found.reading.decimal, found.reading.thousands) == (decimal, thousands)
    assert (found.or_else, found.n_read) == ((), len(values))


@pytest.mark.parametrize(
    "values",
    [["1,234"], ["1.234", "2.345"], ["1,234", "-1,234"], ["1,234"] * 8, ["1,234"] * 8 + ["2000"]],
)
def test_one_sign_before_three_digits_is_asked_about(raw, values):
    assert forms.number_forms(raw(values), ["x"], Reading()).or_else


def test_two_ways_of_writing_in_one_column_are_not_both_read(raw):
    found = forms.number_forms(raw(["1,234.50", "1.234,50"]), ["x"], Reading())
    assert (found.n_read, found.n_filled) == (1, 2)
    assert found.first in ("1,234.50", "1.234,50")


@pytest.mark.parametrize(
    "text", ["￥1,234.50", "1,234.50", "￥1.23.4", "12,34,5", "1 234", "0x10", "1_000", "1e5", "nan"]
)
def test_a_declared_decimal_comma_never_reads_what_was_written_otherwise(con, text):
    reading = Reading(decimal=",")
    value = number(ibis.literal(text), "decimal(18,2)", reading)
    assert con.execute(value) is None


@pytest.mark.parametrize(
    ("values", "dates"),
    [
        (["2026-01-05"], ()),
        (["2026-01-05T10:00:00Z"], ()),
        (["2026/1/5"], ("%Y/%m/%d",)),
        (["13/02/2026", "01/02/2026"], ("day-first",)),
        (["01/13/2026", "01/02/2026"], ("month-first",)),
        (["01.01.2026"], ("day-first",)),
        (["2026年1月5日"], ("%Y年%m月%d日",)),
        (["20260105"], ("%Y%m%d",)),
        (["Jan 5, 2026 3:04 PM"], ("%b %d, %Y %I:%M %p",)),
        (["13/02/2026 03:04 PM", "01/02/2026 03:04 PM"], ("%d/%m/%Y %I:%M %p",)),
        (["2026/1/5 8:03", "2026/1/6"], ("%Y/%m/%d", "%Y/%m/%d %H:%M")),
        (["45292", "46000.4375"], ("excel",)),
        (["45292", "2026/1/6"], ("%Y/%m/%d", "excel")),
        (["45292", "13/02/2026"], ("day-first", "excel")),
    ],
)
def test_the_form_that_reads_all_days_is_found(raw, values, dates):
    found = forms.date_forms(raw(values), ["x"], Reading())
    assert (found.reading.dates, found.or_else, found.n_read) == (dates, (), len(values))


@pytest.mark.parametrize("values", [["01/02/2026"], ["5.1.26", "13.1.26"], ["24/1/5", "24/1/31"]])
def test_days_that_can_be_read_in_two_ways_are_asked_about(raw, values):
    assert forms.date_forms(raw(values), ["x"], Reading()).or_else


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("excel", "45292", "2024-01-01 00:00:00"),
        ("excel", "45292.4375", "2024-01-01 10:30:00"),
        ("excel", "43830.999988425925", "2019-12-31 23:59:59"),
        ("excel-1904", "45292", "2028-01-02 00:00:00"),
        ("excel", "1045", None),
        ("excel", "20260105", None),
        ("excel", "45292 ", "2024-01-01 00:00:00"),
        ("excel", "4529.2", None),
    ],
)
def test_a_number_is_the_day_that_excel_means(con, form, text, day):
    found = con.execute(time(text_of(ibis.literal(text)), (form,)))
    assert (None if found is None or str(found) == "NaT" else str(found)) == day


def test_whole_numbers_of_a_typed_file_are_days_only_where_declared(con):
    column = ibis.literal(45292, "int64")
    assert str(con.execute(typed(column, "date", Reading(dates=("excel",))))) in (
        "2024-01-01",
        "2024-01-01 00:00:00",
    )
    assert str(con.execute(typed(column, "date", Reading()))) in ("None", "NaT")


def test_one_late_row_decides_the_order(raw):
    found = forms.date_forms(raw(["01/02/2026"] * 9000 + ["13/02/2026"]), ["x"], Reading())
    assert (found.reading.dates, found.or_else) == (("day-first",), ())


def test_days_in_both_orders_leave_some_unread(raw):
    found = forms.date_forms(raw(["13/02/2026", "01/13/2026"]), ["x"], Reading())
    assert (found.n_read, found.n_filled) == (1, 2)
