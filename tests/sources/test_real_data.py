"""The real data that lie in `data/`: facts that anyone can count again."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from ibis import _

from crm_lib.sources import check, connect, tables_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project_file(monkeypatch):
    monkeypatch.setenv("CRM_CONFIG", str(ROOT / "crm.toml"))
    monkeypatch.delenv("CRM_RUN_DATE", raising=False)


def one(expr):
    return expr.to_pyarrow().as_py()


@pytest.mark.parametrize("source", ["cdnow", "pipeline", "mobi", "textbook", "hillstrom"])
def test_every_row_of_the_real_sources_is_sound(source):
    found = check(source)
    assert found.problems == {}
    assert found.warnings == ()
    assert {c.table for c in found.card.tables} == tables_of(source)
    assert sum(c.n_after for c in found.card.tables) == 0


def test_cdnow_has_its_published_totals():
    sales = connect("cdnow").transactions
    assert one(sales.count()) == 6919
    assert one(sales.amount.sum()) == Decimal("244091.94")
    assert one(sales.customer_id.nunique()) == 2357
    assert one(sales.select(sales.customer_id, day=sales["at"].date()).distinct().count()) == 6696
    assert one(sales.customer_id.min()) == "0001"


def test_cdnow_calibration_ends_39_weeks_earlier():
    crm = connect("cdnow", as_of="1997-09-30")
    assert crm.card.tables[0].last_on == dt.date(1997, 9, 30)
    days = crm.transactions.select("customer_id", day=crm.transactions["at"].date()).distinct()
    orders = days.group_by("customer_id").agg(n=_.count())
    assert one(orders.filter(_.n > 1).count()) == 946
    assert one((orders.n - 1).sum()) == 2457


def test_the_pipeline_has_its_known_counts():
    deals = connect("pipeline").opportunities
    stages = deals.group_by("stage").agg(n=_.count()).to_pyarrow().to_pylist()
    assert {r["stage"]: r["n"] for r in stages} == {
        "Won": 4238,
        "Lost": 2473,
        "Engaging": 1589,
        "Prospecting": 500,
    }
    assert one(deals.filter(_.outcome == "won").amount.sum()) == Decimal("10005534.00")
    assert one(deals.filter(_.opened_at.isnull()).count()) == 500
    assert one(deals.filter(_.customer_id.isnull()).count()) == 1425
    assert one(deals.filter(_["product"] == "GTXPro").count()) == 1480
    assert one(deals.filter(_.region.isnull()).count()) == 0


def test_a_pipeline_deal_closed_after_the_cut_is_open_again():
    deals = connect("pipeline", as_of="2017-06-30").opportunities
    assert one(deals.closed_at.max()) <= dt.datetime(2017, 6, 30)
    assert one(deals.filter(_.outcome.notnull() & _.closed_at.isnull()).count()) == 0
    assert one(deals.filter(_.stage.isin(["Won", "Lost"]) & _.closed_at.isnull()).count()) == 0


def test_mobi_has_its_known_answers():
    crm = connect("mobi")
    assert one(crm.surveys.count()) == 250
    assert one(crm.surveys.csat.mean()) == pytest.approx(7.988)
    assert one((crm.surveys.nps >= 9).sum()) == 95
    assert one((crm.surveys.nps <= 6).sum()) == 60
    quality = crm.survey_items.filter(_.aspect == "Overall quality")
    assert one((quality.expected.notnull() & quality.perceived.notnull()).sum()) == 250
    assert one(crm.survey_items.count()) == 18 * 250


def test_the_textbook_weights_its_grades():
    table = connect("textbook").customer_summaries
    weighted = table.printed_r * 0.08 + table.printed_f * 0.27 + table.printed_m * 0.65
    assert one(table.count()) == 100
    assert one((weighted - table.printed_weighted).abs().max()) < 0.0051
    assert one(table.amount.max()) == Decimal("2000000.00")
