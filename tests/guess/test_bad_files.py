"""Files that can't be used: said in words, with what to do, before anything is written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.errors import DataContractError

ORDERS = "客户编号,下单时间,订单金额\nK1,2026-01-05,10.00\nK2,2026-01-06,20.00\nK1,2026-02-07,30.00\n"


def refused(proposed, files, **options):
    with pytest.raises(DataContractError) as caught:
        proposed(files, **options)
    return str(caught.value)


def test_an_empty_file(proposed):
    assert refused(proposed, {"a.csv": ""}) == "a.csv is empty: its first line must name the columns."


def test_only_a_header(proposed):
    said = refused(proposed, {"a.csv": "客户编号,下单时间,订单金额\n"})
    assert said == "a.csv has a header and no rows. Export it again with its data."


def test_no_header(proposed):
    said = refused(proposed, {"a.csv": "K1,2026-01-05,10.00\nK2,2026-01-06,20.00\n"})
    assert said.startswith("a.csv has no header: its first line holds data.")
    assert "K1" not in said


@pytest.mark.parametrize(
    "head", ["客户,客户,订单\n编号,名称,金额\n", "客户信息,,订单信息\n客户编号,客户名称,订单金额\n"]
)
def test_two_headers(proposed, head):
    said = refused(proposed, {"a.csv": head + "K1,甲,10.00\nK2,乙,20.00\n" * 5})
    assert "two header lines" in said
    assert "--skip 1" in said


def test_two_headers_are_read_when_the_second_is_named(proposed):
    text = (
        "客户信息,,订单信息,\n客户编号,客户名称,订单金额,下单时间\n"
        + "K1,甲,10.00,2026-01-05\nK2,乙,20.00,2026-01-06\n"
    )
    proposal = proposed({"orders.csv": text}, {"skip": "1"})
    assert [c.target for c in proposal.tables[0].columns][:3] == ["customer_id", "at", "amount"]


def test_merged_cells(proposed, tmp_path, xlsx):
    path = xlsx(
        tmp_path / "m.xlsx",
        {"A": [["客户编号", "下单时间", "订单金额"], ["K1", "2026-01-05", 1], [None, "2026-01-06", 2]]},
        merged=["A2:A3"],
    )
    said = refused(proposed, {"m.xlsx": path.read_bytes()})
    assert "1 merged cell in the table (first: row 2, column 1)" in said
    assert "Unmerge the cells" in said


@pytest.mark.parametrize("name", ["locked.xlsx", "locked.xls"])
def test_a_password(proposed, name):
    # Each was encrypted (agile, RC4) by msoffcrypto-tool's functions and opens with the password "geheim".
    locked = (Path(__file__).parent / "locked" / name).read_bytes()
    assert f"{name} is protected by a password" in refused(proposed, {name: locked})


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.parquet"])
def test_a_file_that_is_not_what_it_says(proposed, name):
    assert "can't be read" in refused(proposed, {name: b"no such thing at all" * 50})


def test_three_hundred_columns(proposed):
    head = ",".join(f"c{i}" for i in range(300))
    said = refused(proposed, {"a.csv": head + "\n" + ",".join("x" * 300) + "\n"})
    assert said.startswith("a.csv has 300 columns")


def test_mixed_encodings(proposed):
    body = "客户编号,城市\n".encode() + "K1,北京\n".encode() * 5 + "K2,上海\n".encode("gb18030") * 5
    said = refused(proposed, {"a.csv": body})
    assert re.match(
        r"a\.csv mixes encodings: of its lines with more than plain letters, 6 are UTF-8 and 5 not", said
    )


def test_lines_of_latin_letters_in_two_encodings(proposed):
    lines = "".join(f"K{i},2026-01-05,9.5,Zürich\n" for i in range(9))
    body = b"Customer ID,Order Date,Amount,City\n" + lines.encode() + lines.encode("latin-1")
    assert "9 are UTF-8 and 9 not" in refused(proposed, {"a.csv": body})


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("gb18030", ("女", "毛", "每", "没有", "北京")),
        ("gb18030", ("女", "毛", "每", "é")),
        ("big5", ("女", "台北", "客戶", "北京")),
        ("latin-1", ("Zürich", "Málaga", "N°", "Düsseldorf Süd")),
        ("cp1252", ("5 €", "Köln – Süd", "«Gruß»", "Zürich")),
    ],
)
def test_a_sound_file_in_an_old_encoding_is_not_called_mixed(proposed, encoding, words):
    head = (
        "客户编号,下单时间,订单金额,客户地区\n"
        if encoding in ("gb18030", "big5")
        else "Customer ID,Order Date,Amount,City\n"
    )
    head = (
        head.replace("户", "戶")
        .replace("编号", "編號")
        .replace("单", "單")
        .replace("时间", "時間")
        .replace("订", "訂")
        .replace("额", "額")
        .replace("区", "區")
        if encoding == "big5"
        else head
    )
    body = "".join(f"K{i},2026-01-05,9.5,{words[i % len(words)]}\n" for i in range(40))
    proposal = proposed({"orders.csv": (head + body).encode(encoding)})
    assert not any("mixes" in reason for reason in proposal.left_out)
    assert proposal.tables[0].reading.encoding == encoding


def test_a_bad_sheet_beside_a_sound_one_is_left_out_with_its_reason(proposed, tmp_path, xlsx):
    sheets = {
        "订单": [["客户编号", "下单时间", "订单金额"], ["K1", "2026-01-05", 1]],
        "说明": [["说明"], ["a", "b"]],
    }
    proposal = proposed({"m.xlsx": xlsx(tmp_path / "m.xlsx", sheets).read_bytes()})
    assert [t.label for t in proposal.tables] == ["m.xlsx[订单]"]
    assert len(proposal.left_out) == 1


def test_a_workbook_without_a_sound_sheet_is_refused_and_names_the_option(proposed, tmp_path, xlsx):
    rows = [["客户编号", "下单时间", "订单金额"], ["K1", "2026-01-05", 1], [None, "2026-01-06", 2]]
    path = xlsx(tmp_path / "m.xlsx", {"A": rows, "B": rows}, merged=["A2:A3"])
    said = refused(proposed, {"m.xlsx": path.read_bytes()})
    assert said.startswith("No sheet of m.xlsx can be used. m.xlsx, sheet A: 1 merged cell")
    assert said.endswith("name it with --sheet.")


def test_another_thing_is_no_candidate_for_the_customer(proposed):
    said = refused(proposed, {"订单.csv": "下单时间,金额,商品\n2026-01-05,10.00,茶\n2026-01-06,20.00,茶\n"})
    assert "no column could be customer_id (the customer)" in said


def test_none_of_the_candidates_is_an_answer_and_refuses_in_words(proposed):
    text = "下单时间,订单金额,F3\n2026-01-05,10.00,x1\n2026-01-06,20.00,x2\n"
    (question,) = proposed({"订单.csv": text}).questions
    assert [choice for choice, _what in question.choices] == ["F3", "none"]
    assert "no column could be customer_id (the customer)" in refused(proposed, {}, said={"customer_id": "none"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("客户编号\t金额\nK1\t5\n".encode("utf-16"), "a.xls is text, no workbook."),
        (b"<html><body><table><tr><td>a</td></tr></table></body></html>", "a.xls is a web page"),
        (
            "客户编号\t金额\nK1\t5\n".encode("gb18030"),
            "a.xls is text, no workbook. Rename it to a.csv",
        ),
    ],
)
def test_what_only_opens_in_excel_is_said_to_be_what_it_is(proposed, body, words):
    assert words in refused(proposed, {"a.xls": body})


def test_no_customer_column(proposed):
    said = refused(proposed, {"orders.csv": "下单时间,订单金额\n2026-01-05,10.00\n2026-01-06,20.00\n"})
    assert "no column could be customer_id (the customer)" in said
    assert "Its columns are: 下单时间, 订单金额." in said


def test_a_column_twice(proposed):
    said = refused(proposed, {"a.csv": "客户编号,金额,金额\nK1,1,2\n"})
    assert 'the column "金额" stands twice' in said


def test_a_phone_number_is_no_id(proposed):
    rows = "".join(f"1380000{i:04d},2026-01-0{i % 9 + 1},10.00\n" for i in range(20))
    said = refused(proposed, {"orders.csv": "客户,下单时间,订单金额\n" + rows})
    assert "no column could be customer_id" in said
    assert "13800" not in said


def test_one_bad_file_of_a_folder_is_left_out_with_its_reason(proposed):
    proposal = proposed(
        {"订单.csv": ORDERS, "empty.csv": "", "picture.txt": b"\x89PNG\r\n\x1a\n\x00\x01\x02" * 50}
    )
    assert [t.table for t in proposal.tables] == ["transactions"]
    assert len(proposal.left_out) == 2
    assert any("empty.csv is empty" in reason for reason in proposal.left_out)


def test_two_files_for_one_table_are_asked_about(proposed):
    proposal = proposed({"a.csv": ORDERS, "b.csv": ORDERS})
    (question,) = proposal.questions
    assert question.key == "transactions_from"
    assert [c for c, _ in question.choices] == ["a.csv", "b.csv"]
    assert [t.label for t in proposed({}, {"transactions_from": "b.csv"}).tables] == ["b.csv"]


def test_the_command_ends_with_2_and_writes_nothing(tmp_path):
    (tmp_path / "a.csv").write_text("", encoding="utf-8")
    code = "import sys; sys.argv = ['crm', 'init', 'a.csv', '--yes']; from crm_lib.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 2
    assert run.stderr == "crm: a.csv is empty: its first line must name the columns.\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
