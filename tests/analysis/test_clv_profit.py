import datetime as dt

import ibis
import pandas as pd
import pytest

from crm_lib.analysis.clv import Costs, profit

WINDOW = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
SALES = [
    ("ann", "2026-01-01", 999.0, 1.0, "p1", 1),  # the day before the period
    ("ann", "2026-03-01", 100.0, 60.0, "p1", 1),
    ("ann", "2026-04-01", -50.0, -30.0, "p1", -1),
    ("bob", "2026-05-01", 300.0, 120.0, "p2", 3),
    ("bob", "2027-01-01", 999.0, 1.0, "p1", 1),  # the day after it
]


def transactions(rows=SALES, without=()):
    columns = ["customer_id", "at", "amount", "cost_amount", "product_id", "quantity"]
    frame = pd.DataFrame(rows, columns=columns)
    return ibis.memtable(frame.assign(at=pd.to_datetime(frame["at"])).drop(columns=list(without)))


def costs_of_campaigns():
    spent = pd.DataFrame(
        [
            ("actual", 30.0, "2026-06-01", "m1"),
            ("budget", 500.0, "2026-06-01", "m1"),
            ("actual", 40.0, "2026-07-01", None),
            ("actual", 500.0, "2025-07-01", None),
        ],
        columns=["kind", "amount", "spent_on", "campaign_id"],
    )
    spent["spent_on"] = pd.to_datetime(spent["spent_on"]).dt.date
    sent = pd.DataFrame(
        [("m1", "ann", "treated"), ("m1", "cy", "treated"), ("m1", None, "treated"), ("m1", "bob", "control")],
        columns=["campaign_id", "customer_id", "arm"],
    )
    return Costs(campaign_costs=ibis.memtable(spent), contacts=ibis.memtable(sent))


def of(found, customer):
    return found.customers.set_index("customer_id").loc[customer].to_dict()


def test_profit_is_sales_less_production_cost_where_it_is_known():
    found = profit.period(transactions(), WINDOW)
    assert found.basis == profit.COST
    assert found.known_share == 1
    assert (of(found, "ann")["sales_amount"], of(found, "ann")["production_amount"]) == (50.0, 30.0)
    assert found.total("value_amount") == 350 - 150
    assert found.value_share == pytest.approx(200 / 350)


def test_without_cost_amounts_the_product_knows_what_a_unit_costs():
    units = ibis.memtable(pd.DataFrame({"product_id": ["p1", "p2"], "unit_cost": [60.0, 50.0]}))
    found = profit.period(transactions(without=["cost_amount"]), WINDOW, Costs(products=units))
    assert found.basis == profit.COST
    assert of(found, "ann")["production_amount"] == 0.0  # one bought, one sent back
    assert of(found, "bob")["production_amount"] == 150.0


def test_a_rows_own_cost_goes_before_the_products():
    units = ibis.memtable(pd.DataFrame({"product_id": ["p1", "p2"], "unit_cost": [1.0, 1.0]}))
    assert profit.period(transactions(), WINDOW, Costs(products=units)).total("production_amount") == 150


def test_a_few_rows_without_cost_take_the_mean_of_the_others():
    rows = [("a", "2026-02-01", 99.0, 33.0, "p", 1), ("b", "2026-02-01", 1.0, None, "p", 1)]
    found = profit.period(transactions(rows), WINDOW)
    assert (found.basis, found.known_share) == (profit.COST, 0.99)
    assert of(found, "b")["production_amount"] == pytest.approx(0.33)


def test_where_cost_is_mostly_unknown_the_margin_of_the_company_holds():
    rows = [("a", "2026-02-01", 50.0, 33.0, "p", 1), ("b", "2026-02-01", 50.0, None, "p", 1)]
    with_margin = profit.period(transactions(rows), WINDOW, margin_share=0.4)
    assert (with_margin.basis, with_margin.value_share) == (profit.MARGIN, 0.4)
    without = profit.period(transactions(rows), WINDOW)
    assert (without.basis, without.is_profit, without.value_share) == (profit.REVENUE, False, 1.0)


def test_a_campaign_costs_those_it_contacted_and_the_rest_is_overhead_by_sales():
    found = profit.period(transactions(), WINDOW, costs_of_campaigns())
    assert of(found, "ann")["direct_amount"] == of(found, "cy")["direct_amount"] == 10.0
    assert of(found, "bob")["direct_amount"] == 0.0
    assert found.total("overhead_amount") == pytest.approx(30 + 40 - 20)
    assert of(found, "bob")["overhead_amount"] == pytest.approx(50 * 300 / 350, abs=0.01)
    assert of(found, "cy")["value_amount"] == -10.0


def test_everything_adds_up_to_the_cent():
    rows = [(f"c{i}", "2026-02-01", 10.0 + i, 3.33, "p", 1) for i in range(7)]
    found = profit.period(transactions(rows), WINDOW, costs_of_campaigns())
    spent = sum(found.total(c) for c in ("production_amount", "direct_amount", "overhead_amount"))
    assert round(found.total("sales_amount") - spent, 2) == round(found.total("value_amount"), 2)
    assert round(found.total("direct_amount") + found.total("overhead_amount"), 2) == 70.0
    cents = found.customers[["overhead_amount", "direct_amount"]] * 100
    assert (abs(cents - cents.round()) < 1e-9).all().all()


def test_a_loss_is_named_and_the_forecast_is_before_overhead():
    dear = costs_of_campaigns()
    rows = [("ann", "2026-02-01", 100.0, 60.0, "p", 1)]
    found = profit.period(transactions(rows), WINDOW, dear)
    assert found.made_a_loss
    assert found.value_share == pytest.approx(0.4)


def test_a_period_without_sales_is_empty_and_keeps_everything():
    found = profit.period(transactions(SALES[:1]), WINDOW)
    assert (len(found.customers), found.total("value_amount"), found.value_share) == (0, 0.0, 1.0)
