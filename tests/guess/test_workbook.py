"""Workbooks are read as text that reads back the same, from .xlsx and .xls."""

import datetime as dt
from pathlib import Path

import pytest

from crm_lib.errors import DataContractError
from crm_lib.sources import connect, workbook

XLS = Path(__file__).with_name("exports") / "orders.xls"
CONFIG = """
[sources.shop]
path = "data"
as_of = "2026-10-31"

[sources.shop.tables.transactions]
file = "{file}"
{more}

[sources.shop.tables.transactions.columns]
customer_id = "客户编号"
at = "下单日期"
amount = "订单金额"
"""
ROWS = [
    ["客户编号", "下单日期", "订单金额"],
    [7, dt.date(2026, 1, 5), 1234.5],
    ["K2", dt.datetime(2026, 1, 31, 10, 30), 12],
    [None, None, None],
    [7, "2026-02-14", 0.1 + 0.2],
]


@pytest.fixture
def orders(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)

    def read(file, more=""):
        (tmp_path / "crm.toml").write_text(CONFIG.format(file=file, more=more), encoding="utf-8")
        return connect("shop").transactions.order_by("at").to_pandas()

    return read


def test_cells_keep_their_values_and_ids_stay_whole(orders, tmp_path, xlsx):
    xlsx(tmp_path / "data/orders.xlsx", {"订单": ROWS})
    found = orders("orders.xlsx")
    assert list(found["customer_id"]) == ["7", "K2", "7"]
    assert [str(a) for a in found["amount"]] == ["1234.50", "12.00", "0.30"]
    assert list(found["at"]) == [
        dt.datetime(2026, 1, 5),
        dt.datetime(2026, 1, 31, 10, 30),
        dt.datetime(2026, 2, 14),
    ]


def test_an_old_workbook_is_read_too(orders, tmp_path):
    (tmp_path / "data/orders.xls").write_bytes(XLS.read_bytes())
    found = orders("orders.xls")
    assert float(found["amount"].sum()) == 2234.15
    assert found["at"].iloc[1] == dt.datetime(2026, 1, 31)


def test_one_of_several_sheets_must_be_named(orders, tmp_path, xlsx):
    xlsx(tmp_path / "data/orders.xlsx", {"订单": ROWS, "说明": [["x"], ["y"]]})
    with pytest.raises(DataContractError, match=r"has several sheets. Its sheets are: 订单, 说明. Set sheet = "):
        orders("orders.xlsx")
    with pytest.raises(DataContractError, match='has no sheet "订"'):
        orders("orders.xlsx", 'sheet = "订"')
    assert len(orders("orders.xlsx", 'sheet = "订单"')) == 3


def test_rows_above_the_header_are_skipped_where_declared(orders, tmp_path, xlsx):
    xlsx(tmp_path / "data/orders.xlsx", {"订单": [["订单导出", None, None], *ROWS]}, merged=["A1:C1"])
    assert len(orders("orders.xlsx", "skip = 1")) == 3


def test_sheets_without_a_value_are_not_offered(tmp_path, xlsx):
    path = xlsx(tmp_path / "a.xlsx", {"订单": ROWS, "Sheet2": []})
    assert workbook.sheets(path) == ["订单"]
