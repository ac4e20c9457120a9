"""Files that can't be used: said in words, with what to do, before anything is written."""

import re
import subprocess
import sys

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


def test_a_password(proposed):
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    )
    assert "is protected by a password" in refused(proposed, {"a.xlsx": locked})


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
