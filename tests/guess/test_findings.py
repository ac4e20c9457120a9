"""What a check finds in tables that keep the contract, in five rows each."""

import datetime as dt

import pytest

from crm_lib.analysis import segmentation
from crm_lib.contract import findings as kinds
from crm_lib.runner.pages import checkup
from crm_lib.sources import check, connect

DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=i) for i in range(60) if not 20 <= i < 40]
BODY = "".join(f"A,{day},10.00\n" for day in DAYS)


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    (tmp_path / "data").mkdir()
    (tmp_path / "crm.toml").write_text(
        '[sources.shop]\npath = "data"\nas_of = "2026-10-31"\ncurrency = "USD"\n', encoding="utf-8"
    )

    def run(**tables):
        for name, text in tables.items():
            (tmp_path / "data" / f"{name}.csv").write_text(text, encoding="utf-8")
        seen = check("shop")
        assert not seen.problems
        return {(f.kind, f.column): f for f in seen.findings}, seen

    return run


def orders(rows):
    return "customer_id,at,amount\n" + rows


def test_rows_equal_to_another_are_counted_beyond_the_first(found):
    f = found(transactions=orders("A,2026-01-01,5\n" * 3 + "B,2026-01-01,7\n"))[0][kinds.DUPLICATES, ""]
    assert (f.n, f.of, f.amount) == (2, 4, 10.0)


def test_a_hole_is_named_with_its_days(found):
    f = found(transactions=orders(BODY))[0][kinds.HOLE, ""]
    assert (f.first_on, f.last_on, f.n) == (dt.date(2026, 1, 21), dt.date(2026, 2, 9), 20)


def test_a_shop_that_sells_once_a_week_has_no_hole(found):
    weekly = "".join(f"A,{dt.date(2025, 1, 1) + dt.timedelta(days=7 * i)},10.00\n" for i in range(60))
    assert (kinds.HOLE, "") not in found(transactions=orders(weekly))[0]


def test_orders_before_sign_up_and_customers_without_orders(found):
    customers = "customer_id,since\nA,2026-01-10\nB,2026-01-01\nC,\n"
    rows = "A,2026-01-05,5\nA,2026-01-11,6\nB,2026-01-01,7\n"
    seen, _ = found(customers=customers, transactions=orders(rows))
    early, idle = seen[kinds.BEFORE_SIGN_UP, "at"], seen[kinds.WITHOUT_ORDERS, "customer_id"]
    assert (early.n, early.of, early.amount) == (1, 3, 5.0)
    assert (idle.n, idle.of) == (1, 3)
    assert (seen[kinds.MISSING, "since"].n, seen[kinds.MISSING, "since"].of) == (1, 3)


def test_refunds_and_customers_below_zero(found):
    seen, _ = found(transactions=orders("A,2026-01-05,5\nA,2026-01-06,-2\nB,2026-01-01,-7\n"))
    rows, customers = seen[kinds.NEGATIVE_ROWS, "amount"], seen[kinds.NEGATIVE_CUSTOMERS, "customer_id"]
    assert (rows.n, rows.of, rows.amount) == (2, 3, -9.0)
    assert (customers.n, customers.of, customers.amount) == (1, 2, -7.0)


def test_reports_do_with_customers_below_zero_what_the_check_says(found):
    """With an order they stay; with refunds only they are left out and counted."""
    seen, told = found(transactions=orders("A,2026-01-05,5\nA,2026-01-06,-9\nB,2026-01-01,-7\nC,2026-01-01,8\n"))
    assert seen[kinds.NEGATIVE_CUSTOMERS, "customer_id"].n == 2
    (effect,) = (
        line.effect for line in checkup.said(told.card, told.findings).misleading if "exceed" in line.what
    )
    assert "Those with an order stay, with money below zero; those with refunds only are left out" in effect
    crm = connect("shop", topic="segmentation")
    graded = segmentation.segments(crm.transactions, as_of=crm.as_of)
    assert dict(zip(graded.customers["customer_id"], graded.customers["amount"], strict=True)) == {"A": -4, "C": 8}
    assert (graded.rows.n_left_out, graded.rows.left_out_amount) == (1, -7)


def test_two_currencies_are_seen_again_from_what_is_kept(found):
    text = orders("A,2026-01-05,￥5\nA,2026-01-06,￥6\nB,2026-01-01,$7\n")
    for _again in range(2):
        f = found(transactions=text)[0][kinds.CURRENCIES, "amount"]
        assert (f.names, f.n, f.of) == (("CNY", "USD"), 1, 3)


def test_two_currencies_in_a_column_of_their_own_are_seen_again_from_what_is_kept(found, tmp_path):
    with (tmp_path / "crm.toml").open("a", encoding="utf-8") as file:
        file.write('[sources.shop.tables.transactions]\ncurrency_column = "币种"\nfile = "transactions.csv"\n')
        file.write('leave_out = { "币种" = ["EUR"] }\n')
    rows = "".join(f"A,2026-01-0{i},{i},{c}\n" for i, c in enumerate(("人民币", "rmb", "USD", "EUR"), 1))
    text = "customer_id,at,amount,币种\n" + rows
    for _again in range(2):
        f = found(transactions=text)[0][kinds.CURRENCIES, "amount"]
        assert (f.names, f.n, f.of) == (("CNY", "USD"), 1, 3)


def test_sound_tables_have_no_finding(found):
    assert found(transactions=orders("A,2026-01-05,5\nB,2026-01-06,6\n"))[1].findings == ()
