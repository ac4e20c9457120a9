"""Days as Excel counts them: recognised by their heading, asked about where two counts fit."""

import datetime as dt

import pytest

from crm_lib.sources.files import engine
from crm_lib.sources.guess import files_in, propose

HEAD = "客户编号,下单时间,订单金额\n"
TODAY = dt.date(2026, 11, 21)


def proposed(folder, numbers, said=None, head=HEAD):
    rows = "".join(f"K{i},{number},1{i}.50\n" for i, number in enumerate(numbers))
    (folder / "orders.csv").write_text(head + rows, encoding="utf-8")
    return propose(engine(), files_in(folder), said or {}, today=TODAY)


def test_recent_days_leave_one_count_and_are_no_question(tmp_path):
    (table,) = proposed(tmp_path, range(46000, 46020)).tables
    assert table.reading.dates == ("excel",)
    assert table.last_day == "2025-12-28"
    assert any("45292" in note for note in table.notes)


def test_old_days_could_be_those_of_either_count_and_are_asked_about(tmp_path):
    (question,) = proposed(tmp_path, range(42000, 42020)).questions
    assert question.key == "orders.csv:excel_days"
    assert question.choices == (("excel", "2015-01-15"), ("excel-1904", "2019-01-16, of an old Excel for Mac"))


@pytest.mark.parametrize(("said", "last"), [("excel", "2015-01-15"), ("excel-1904", "2019-01-16")])
def test_the_answer_decides(tmp_path, said, last):
    (table,) = proposed(tmp_path, range(42000, 42020), {"excel_days": said}).tables
    assert (table.reading.dates, table.last_day) == ((said,), last)


def test_numbers_under_another_heading_are_no_days(tmp_path):
    head = "客户编号,下单时间,订单金额,积分\n"
    rows = "".join(f"K{i},2026-10-{i + 1:02d},1{i}.50,{46000 + i}\n" for i in range(20))
    (tmp_path / "orders.csv").write_text(head + rows, encoding="utf-8")
    (table,) = propose(engine(), files_in(tmp_path), {}, today=TODAY).tables
    assert table.column("at").theirs.name == "下单时间"
    assert table.reading.dates == ()


def test_large_amounts_are_not_taken_for_days(tmp_path):
    text = "客户编号,下单时间,订单金额\n" + "".join(f"K{i},2026-10-{i + 1:02d},{45000 + i}\n" for i in range(20))
    (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
    (table,) = propose(engine(), files_in(tmp_path), {}, today=TODAY).tables
    assert (table.column("at").theirs.name, table.column("amount").theirs.name) == ("下单时间", "订单金额")
