"""What a notebook holds: dates, accounts, publishing and earlier publications."""

import datetime as dt
import json

import pandas as pd
import pytest

from crm_lib.contract.publication import Figure, Publication
from crm_lib.errors import ConfigError, DataContractError, ParameterError
from crm_lib.sources import as_of_of, connect

SALES = "customer_id,at,amount\nA,2026-01-05 23:59,1.00\nB,2026-02-01,2.00\nB,2026-03-01,4.00\n"


def published(value=3.0):
    figures = (Figure("orders", value, "orders", n=3),)
    return Publication("clv", figures, {"customers": pd.DataFrame({"customer_id": ["A"]})}, "Three orders.")


@pytest.fixture
def shop(project):
    project.write("transactions.csv", SALES)
    return project


def test_as_of_is_a_day_and_holds_the_whole_day(shop):
    crm = connect("shop", as_of="2026-01-05")
    assert crm.as_of == dt.date(2026, 1, 5)
    assert crm.transactions.count().to_pyarrow().as_py() == 1


def test_rows_after_as_of_are_counted_never_an_error(shop):
    (card,) = connect("shop", as_of="2026-02-01").card.tables
    assert (card.n_read, card.n_rejected, card.n_after, card.n_used) == (3, 0, 1, 2)
    assert (card.first_on, card.last_on) == (dt.date(2026, 1, 5), dt.date(2026, 2, 1))


def test_no_as_of_is_the_sources_default(shop):
    assert connect("shop").as_of == dt.date(2026, 10, 31)


def test_without_default_it_is_the_last_full_day_before_the_run(shop, monkeypatch):
    shop.configure(head="")
    monkeypatch.setenv("CRM_RUN_DATE", "2026-03-01")
    assert as_of_of("shop") == dt.date(2026, 2, 28)


def test_without_default_and_run_date_one_is_asked_for(shop):
    shop.configure(head="")
    with pytest.raises(ConfigError, match='The source "shop" has no default as_of'):
        connect("shop")


def test_the_fingerprint_changes_with_the_files_and_only_with_them(shop):
    before = connect("shop").card.fingerprint
    assert connect("shop", as_of="2026-02-01").card.fingerprint == before
    shop.write("transactions.csv", SALES + "C,2026-03-02,1\n")
    assert connect("shop").card.fingerprint != before


def test_the_empty_name_is_the_default_source(shop):
    assert connect("").source == "shop"


def test_publish_writes_where_the_runner_asks(shop, monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    crm = connect("shop", as_of="2026-02-01", language="zh")
    assert crm.publish(published()) is None
    about = json.loads((tmp_path / "out" / "clv.figures.json").read_text())["about"]
    assert (about["source"], about["as_of"], about["language"]) == ("shop", "2026-02-01", "zh")
    assert about["rows"] == {"transactions": {"read": 3, "used": 2, "rejected": 0, "after": 1}}
    assert about["last_on"] == {"transactions": "2026-02-01"}
    assert about["fingerprint"] == crm.card.fingerprint
    assert (tmp_path / "out" / "clv" / "customers.parquet").exists()


def test_publish_in_jupyterlab_shows_what_it_would_write(shop, monkeypatch):
    monkeypatch.delenv("CRM_PUBLISH_TO", raising=False)
    head, line = repr(connect("shop").publish(published(3.14159))).splitlines()
    assert head.split() == ["figure", "value", "low", "high", "n", "unit"]
    assert line.split() == ["orders", "3.142", "3", "orders"]


def test_a_topic_gets_its_own_tables_checked_against_those_they_refer_to(shop):
    shop.write("customers.csv", "customer_id\n" + "\n".join(["A", *(f"C{i}" for i in range(9))]))
    shop.write("transactions.csv", SALES.replace("B,", "A,") + "X,2026-03-02,9.00\n" + "A,2026-03-03,1.00\n" * 99)
    shop.write("cases.csv", "broken\n1\n")
    crm = connect("shop", topic="clv")
    assert list(crm.tables) == ["transactions"]
    (card,) = crm.card.tables
    assert [(r.column, r.n, r.amount) for r in card.rejected] == [("customer_id", 1, 9.0)]
    assert crm.card.problems == ()


def test_a_topic_can_not_ask_for_a_table_its_catalogue_line_does_not_name(shop):
    with pytest.raises(DataContractError, match=r"topic clv asks for the table cases.*contract/topics\.py"):
        connect("shop", topic="clv").get("cases")


def test_an_unknown_topic_is_refused(shop):
    with pytest.raises(ParameterError, match='There is no topic "clvv"; there are segmentation, clv'):
        connect("shop", topic="clvv")


def test_publish_refuses_what_no_reader_should_see(shop, monkeypatch):
    monkeypatch.delenv("CRM_PUBLISH_TO", raising=False)
    with pytest.raises(DataContractError, match="not finite"):
        connect("shop").publish(published(float("nan")))


def test_previous_is_the_newest_earlier_date_with_that_topic(shop, monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_REPORTS", str(tmp_path / "reports"))
    for day, value in (("2026-01-31", 1.0), ("2026-02-28", 2.0), ("2026-02-28+wide", 9.0), ("2026-03-31", 3.0)):
        folder = tmp_path / "reports" / "shop" / day
        folder.mkdir(parents=True)
        monkeypatch.setenv("CRM_PUBLISH_TO", str(folder))
        connect("shop", as_of=day[:10]).publish(published(value))
    crm = connect("shop", as_of="2026-03-31")
    assert crm.previous("clv")["orders"].value == 2.0
    assert crm.published("clv")["orders"].value == 3.0
    assert crm.published("funnel") is None
    assert crm.previous("funnel") is None


def test_without_reports_there_is_nothing_published(shop, monkeypatch):
    monkeypatch.delenv("CRM_REPORTS", raising=False)
    crm = connect("shop")
    assert crm.published("clv") is None
    assert crm.previous("clv") is None


def test_a_name_that_is_no_table_is_an_ordinary_attribute_error(shop):
    crm = connect("shop")
    with pytest.raises(AttributeError):
        crm.transaction  # noqa: B018
    with pytest.raises(AttributeError):
        crm.get("transaction")
    assert not hasattr(crm, "_repr_html_")


def test_the_engine_leaves_no_files_in_the_working_folder(shop):
    connect("shop")
    assert sorted(p.name for p in shop.root.iterdir()) == ["crm.toml", "data"]
