"""What a page shows in tables lies beside it as CSV, as it is shown."""

import csv
import datetime as dt
import re

import nbformat
import pytest

from crm_lib.runner.pages import page, shown_tables
from crm_lib.runner.pages.page import About
from crm_lib.runner.pages.spreadsheet import Sheet
from crm_lib.runner.store import archive
from crm_lib.show.tables import Cell, cells
from crm_lib.theme import words


def part(*rows, heads=("What", "Value"), caption="Deals"):
    """A table as pages have it, its first column words and the others numbers."""
    lines = [[Cell(text, right=i > 0) for i, text in enumerate(row)] for row in rows]
    return str(cells([Cell(head, right=i > 0) for i, head in enumerate(heads)], lines, caption).html)


def read(path):
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(raw.decode("utf-8-sig").splitlines()))


@pytest.fixture
def beside(tmp_path):
    """Rows of the tables beside a page, in its order."""

    def made(html, language="en"):
        page = shown_tables.linked(html, "funnel", language)
        shown_tables.write(tmp_path, page, "funnel", language)
        return [read(path) for path in sorted((tmp_path / "funnel").glob("*.csv"))]

    return made


def test_each_table_has_a_link_in_its_caption_to_its_own_file(tmp_path):
    html = shown_tables.linked(
        part(("a", "1")) + "<p>x</p>" + part(("b", "2"), caption="More <deals>"), "funnel", "zh"
    )
    shown_tables.write(tmp_path, html, "funnel", "zh")
    assert html.count('class="csv"') == 2
    assert 'href="funnel/table-01.zh.csv" download="funnel-Deals.csv">CSV</a></span></caption>' in html
    assert 'href="funnel/table-02.zh.csv" download="funnel-More-deals.csv">' in html
    assert sorted(p.name for p in (tmp_path / "funnel").iterdir()) == ["table-01.zh.csv", "table-02.zh.csv"]


def test_a_table_without_a_caption_has_a_file_too(beside):
    assert beside("<table><tbody><tr><td>a</td></tr></tbody></table>") == [[["a"]]]


def test_it_says_what_the_page_says_without_what_is_only_form(beside):
    ((heads, *rows),) = beside(part(("a & <b>, \u2068c\u2069", "7 – 9"), heads=("Stage", "90\xa0% interval")))
    assert heads == ["Stage", "90 % interval"]
    assert rows == [["a & <b>, c", "7 – 9"]]


@pytest.mark.parametrize(
    ("said", "heading", "written"),
    [
        (["1,517", "−3", "–"], "Value", ["1517", "-3", ""]),
        (["12\xa0%", "1.5\xa0%"], "Value (%)", ["12", "1.5"]),
        (["CN¥519.2K", "CN¥1.3M", "−CN¥900"], "Value (CN¥)", ["519200", "1300000", "-900"]),
        (["55.6万元", "1.23亿元", "+312元"], "Value (元)", ["556000", "123000000", "312"]),
        (["+7.5 points", "−3.3 points"], "Value (points)", ["7.5", "-3.3"]),
        (["12", "< 5"], "Value", ["12", "< 5"]),
        (["1 day", "2 days"], "Value", ["1 day", "2 days"]),
        (["2 August 2026", "7 – 9"], "Value", ["2 August 2026", "7 – 9"]),
        (["12", "3\xa0%"], "Value", ["12", "3 %"]),
    ],
)
def test_a_plain_number_is_one_that_a_spreadsheet_reads_its_unit_in_the_heading(beside, said, heading, written):
    ((heads, *rows),) = beside(part(*(("x", text) for text in said)))
    assert heads == ["What", heading]
    assert [row[1] for row in rows] == written


def test_words_that_look_like_numbers_stay_as_they_are(beside):
    ((_heads, *rows),) = beside(part(("1,517", "1"), ("007", "2")))
    assert [row[0] for row in rows] == ["1,517", "007"]


def test_no_word_is_a_formula_and_no_number_is_taken_for_one(beside):
    ((heads, *rows),) = beside(part(("=1+1", "−5"), ("@SUM(1)", "+cmd|x"), heads=("-x", "Value")))
    assert heads[0] == "'-x"
    assert rows == [["'=1+1", "-5"], ["'@SUM(1)", "'+cmd|x"]]


def test_the_other_language_keeps_its_tables_and_old_ones_go(tmp_path):
    place, made = tmp_path / "place", tmp_path / "made"
    for name in ("clv/table-01.csv", "clv/table-02.csv", "clv/table-02.zh.csv", "clv/old.csv", "clv/old.parquet"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("old", encoding="utf-8")
    for name in ("clv.html", "clv.figures.json", "clv/table-01.csv"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("new", encoding="utf-8")
    archive.install(made, place, "clv", "en")
    assert sorted(p.name for p in (place / "clv").iterdir()) == ["table-01.csv", "table-02.zh.csv"]
    assert (place / "clv/table-01.csv").read_text(encoding="utf-8") == "new"


def test_a_chinese_page_keeps_its_words_and_marks(beside):
    words.use("zh")
    ((heads, row),) = beside(part(("上海", "41.5万元"), heads=("地区", "金额")), "zh")
    assert (heads, row) == (["地区", "金额（元）"], ["上海", "415000"])


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "customers (5,000 rows), results (the first 2 of 9 rows), my own (1 row)"),
     ("zh", "客户（5,000行）、结果（共9行中的前2行）、my own (1行)")],
)  # fmt: skip
def test_the_last_lines_name_the_full_tables_in_the_words_of_the_page(language, said):
    words.use(language)
    sheets = [Sheet("customers", "clv/customers.csv", 5000, 5000), Sheet("results", "clv/results.csv", 9, 2)]
    about = About("clv", "Value", "Xudong", dt.date(2026, 10, 31), "2026-11-01 12:00", "crm report clv", "0.1.0",
                  sheets=(*sheets, Sheet("my_own", "clv/my_own.csv", 1, 1)))  # fmt: skip
    made, _problems = page.make(nbformat.v4.new_notebook(), about)
    footer = re.sub(r"<[^>]+>", "", made.partition("<footer>")[2])
    assert said in " ".join(footer.split())


def test_what_a_line_in_small_letters_adds_stands_in_brackets(beside):
    ((_heads, row),) = beside(
        "<table><tr><th>Now</th></tr><tr><td>5<br><small>90 %: 4 to 6</small></td></tr></table>"
    )
    assert row == ["5 (90 %: 4 to 6)"]
