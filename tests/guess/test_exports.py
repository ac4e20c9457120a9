"""The exports of known CRMs are recognised, and their money, customers and closed deals come out right."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from crm_lib.sources import connect
from crm_lib.sources.files import engine
from crm_lib.sources.guess import block, propose

EXPORTS = Path(__file__).with_name("exports")
DEALS = [
    ("zoho_deals.csv", "Zoho CRM, Deals", ["Qualification", "Negotiation/Review"]),
    ("salesforce_opportunities.csv", "Salesforce, Opportunities", ["Prospecting", "Negotiation/Review"]),
    ("hubspot_deals.csv", "HubSpot, Deals", ["Appointment Scheduled", "Contract Sent"]),
    ("fenxiang_deals.csv", "纷享销客, 商机", ["验证客户", "方案/报价"]),
]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A project whose source is one export, as `crm init` would write it."""

    def run(name):
        (tmp_path / "files").mkdir(exist_ok=True)
        shutil.copy(EXPORTS / name, tmp_path / "files")
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("CRM_CONFIG", raising=False)
        proposal = propose(engine(), [tmp_path / "files" / name], {})
        assert proposal.questions == ()
        text = block.block("shop", "Shop", "files", proposal, dt.date(2026, 11, 21), {})
        (tmp_path / "crm.toml").unlink(missing_ok=True)
        block.write(tmp_path / "crm.toml", "shop", text)
        return proposal.tables[0], connect("shop", as_of="2026-11-20")

    return run


@pytest.mark.parametrize(("name", "recognised", "stages"), DEALS)
def test_deals_are_recognised_with_outcomes_and_closing_days_of_closed_ones(source, name, recognised, stages):
    table, crm = source(name)
    assert table.recognised == recognised
    deals = crm.opportunities.order_by("opened_at").to_pandas()
    assert list(deals["outcome"].fillna("")) == ["won", "lost", "", ""]
    assert list(deals["closed_at"].notna()) == [True, True, False, False]
    assert deals["opened_at"].iloc[0].date() == dt.date(2026, 1, 5)
    assert float(deals["amount"].iloc[:3].sum()) == 24000.50
    assert deals["customer_id"].iloc[0] == deals["customer_id"].iloc[2]
    assert list(crm.settings.funnel.stages) == stages


def test_the_data_export_of_salesforce_is_recognised_by_its_field_names(source):
    table, crm = source("salesforce_data_export.csv")
    assert table.recognised == "Salesforce, Opportunity (data export)"
    deals = crm.opportunities.order_by("opened_at").to_pandas()
    assert list(deals["outcome"].fillna("")) == ["won", "lost", ""]
    assert deals["opened_at"].iloc[1].date() == dt.date(2026, 2, 11)


@pytest.mark.parametrize("name", ["zoho_accounts.csv", "hubspot_companies.csv", "fenxiang_customers.csv"])
def test_customers_are_recognised_with_their_first_day(source, name):
    table, crm = source(name)
    assert table.table == "customers"
    assert table.recognised
    customers = crm.customers.order_by("customer_id").to_pandas()
    days = [d.date() if isinstance(d, dt.datetime) else d for d in customers["since"]]
    assert [str(d)[:10] for d in days] == ["2025-11-03", "2025-12-13", "2026-01-23"]
    assert customers["industry"].notna().all()


@pytest.mark.parametrize(
    ("name", "total", "currency"),
    [
        ("zoho_sales_orders.csv", 1800.60, ""),
        ("salesforce_orders.csv", 1800.60, ""),
        ("fenxiang_orders.csv", 21890.50, "CNY"),
    ],
)
def test_orders_are_recognised_without_the_cancelled_ones(source, name, total, currency):
    table, crm = source(name)
    assert table.table == "transactions"
    assert float(crm.transactions.amount.sum().to_pyarrow().as_py()) == total
    assert crm.settings.currency == currency
    assert any("left out" in note for note in table.notes)
