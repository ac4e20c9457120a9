import csv
import datetime as dt

import pandas as pd
import pytest

from crm_lib.runner.pages import spreadsheet

FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "＝1+1", "\x00=1", "|calc"]


def written(tmp_path, frame, name="customers"):
    (tmp_path / "clv").mkdir(exist_ok=True)
    frame.to_parquet(tmp_path / "clv" / f"{name}.parquet", index=False)
    (sheet,) = spreadsheet.write(tmp_path, "clv")
    text = (tmp_path / sheet.address).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    return sheet, list(csv.reader(text.decode("utf-8-sig").splitlines(keepends=True)))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_cell_is_a_formula(tmp_path, text):
    _sheet, rows = written(tmp_path, pd.DataFrame({"name": [text, "plain"]}))
    assert rows[1][0].startswith("'")
    assert rows[2] == ["plain"]


def test_numbers_stay_numbers_and_days_stay_days(tmp_path):
    frame = pd.DataFrame({"n": [-5, 7], "share": [0.25, None], "on": pd.to_datetime(["2026-10-31", None])})
    sheet, rows = written(tmp_path, frame)
    assert rows == [["n", "share", "on"], ["-5", "0.25", "2026-10-31"], ["7", "", ""]]
    assert (sheet.name, sheet.address, sheet.n_rows, sheet.n_written) == ("customers", "clv/customers.csv", 2, 2)


def test_commas_quotes_lines_and_chinese_come_back_as_they_were(tmp_path):
    texts = ["a, b", 'say "x"', "旭东家居", "one;=two"]
    _sheet, rows = written(tmp_path, pd.DataFrame({"name": texts}))
    assert [row[0] for row in rows[1:]] == texts


def test_a_column_of_our_own_name_is_no_formula_either(tmp_path):
    _sheet, rows = written(tmp_path, pd.DataFrame({"=x": [dt.date(2026, 10, 31)]}))
    assert rows == [["'=x"], ["2026-10-31"]]


def test_a_long_table_is_cut_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    sheet, rows = written(tmp_path, pd.DataFrame({"n": range(10)}))
    assert (sheet.n_rows, sheet.n_written, len(rows)) == (10, 3, 4)


def test_a_topic_without_tables_has_no_sheet(tmp_path):
    assert spreadsheet.write(tmp_path, "clv") == ()
