"""What a check has kept is what connect would have read, and is not used when anything has changed."""

import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.sources import check, connect, kept

CONFIG = """
[sources.shop]
path = "shop"
as_of = "2026-10-31"
currency = "USD"

[sources.shop.settings]
max_rejected_share = 1.0
"""
CUSTOMERS = "customer_id,since,name\n007,2026-01-01,Ann\n008,2026-02-01,Bob\n"
ROWS = "customer_id,at,amount\n007,2026-10-01,12.50\n008,2026-10-02,x\n008,2026-12-01,3.00\n007,2026-10-09,1.00\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    (tmp_path / "crm.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (tmp_path / "shop/transactions.csv").write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    return tmp_path


def states(shop):
    return sorted(p.name for p in (shop / ".crm/shop").glob("*.duckdb")) if (shop / ".crm/shop").is_dir() else []


def all_of(crm):
    return {name: table.to_pandas() for name, table in crm.tables.items()}


def forbidden(*_arguments, **_options):
    raise AssertionError("the files were read again")


def test_what_is_kept_equals_what_is_read(shop, monkeypatch):
    read = connect("shop")
    checked = check("shop")
    monkeypatch.setattr("crm_lib.sources.connection.load", forbidden)
    found = connect("shop")
    assert found.card == read.card
    assert check("shop") == checked
    assert {n: t.schema() for n, t in found.tables.items()} == {n: t.schema() for n, t in read.tables.items()}
    for name, frame in all_of(found).items():
        pd.testing.assert_frame_equal(frame, read.tables[name].to_pandas())


def test_a_topic_gets_its_own_tables_and_fingerprint(shop, monkeypatch):
    read = connect("shop", topic="clv")
    check("shop")
    monkeypatch.setattr("crm_lib.sources.connection.load", forbidden)
    found = connect("shop", topic="clv")
    assert found.card == read.card
    assert found.tables.keys() == read.tables.keys()


def test_connect_alone_keeps_nothing(shop):
    connect("shop")
    assert states(shop) == []


def test_the_folder_is_for_its_owner_only(shop):
    check("shop")
    assert (shop / ".crm").stat().st_mode & 0o077 == 0


def changed_file(shop):
    (shop / "shop/transactions.csv").write_text(ROWS + "007,2026-10-10,5.00\n", encoding="utf-8")


def changed_settings(shop):
    (shop / "crm.toml").write_text(CONFIG + 'company = "Another"\n', encoding="utf-8")


def changed_code(shop, monkeypatch):
    monkeypatch.setattr(kept, "_PACKAGE", shop)


@pytest.mark.parametrize("change", [changed_file, changed_settings])
def test_a_change_makes_everything_be_read_again(shop, change):
    check("shop")
    before = states(shop)
    change(shop)
    check("shop")
    assert len(states(shop)) == len(before) + 1


def test_other_code_or_another_date_makes_everything_be_read_again(shop, monkeypatch):
    check("shop")
    check("shop", "2026-09-30")
    changed_code(shop, monkeypatch)
    check("shop")
    assert len(states(shop)) == 3


def test_only_the_newest_states_stay(shop):
    for day in range(1, 7):
        check("shop", dt.date(2026, 10, day))
    assert len(states(shop)) == kept.MOST_KEPT


def test_what_is_broken_is_not_used(shop):
    read = check("shop")
    for path in (shop / ".crm/shop").iterdir():
        path.write_text("{", encoding="utf-8")
    assert check("shop") == read


def test_rows_set_aside_that_somebody_removed_are_set_aside_again(shop):
    check("shop")
    shutil.rmtree(shop / "rejected")
    check("shop")
    assert (shop / "rejected/shop/transactions.parquet").exists()


def test_a_table_that_broke_the_contract_keeps_its_words(shop):
    (shop / "shop/transactions.csv").write_text("customer_id,at\n007,2026-10-01\n", encoding="utf-8")
    first, second = check("shop"), check("shop")
    assert first.problems == second.problems
    assert "amount" in second.problems["transactions"]


def test_where_nothing_can_be_kept_everything_still_works(shop):
    Path(shop / ".crm").write_text("a file, where a folder should be", encoding="utf-8")
    assert check("shop").card.n_rows == 4
