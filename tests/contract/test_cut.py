"""What could be known at the end of a day."""

import datetime as dt

import ibis
import pyarrow as pa
import pytest

from crm_lib.contract.cut import cut
from crm_lib.contract.tables import TABLES

DAY = dt.date(2026, 1, 10)
BEFORE, AFTER = dt.datetime(2026, 1, 10, 23, 59), dt.datetime(2026, 1, 11, 0, 0)


def table(**columns):
    return ibis.memtable(pa.table(columns))


def at(*times):
    return pa.array(times, pa.timestamp("us"))


def days(*values):
    return pa.array(values, pa.date32())


def after_cut(as_of=DAY, **tables):
    return {name: t.to_pyarrow().to_pylist() for name, t in cut(tables, as_of).items()}


def test_rows_known_later_go_by_day_not_by_hour():
    kept = after_cut(transactions=table(customer_id=["A", "B"], at=at(BEFORE, AFTER)))
    assert [r["customer_id"] for r in kept["transactions"]] == ["A"]


def test_a_deal_closed_later_is_open_again_with_no_stage_from_its_end():
    deals = table(
        opportunity_id=["1", "2", "3"],
        opened_at=at(BEFORE, BEFORE, BEFORE),
        closed_at=at(BEFORE, AFTER, None),
        outcome=["won", "won", None],
        stage=["Won", "Won", "Engaging"],
    )
    kept = after_cut(opportunities=deals)["opportunities"]
    assert [(r["opportunity_id"], r["closed_at"], r["outcome"], r["stage"]) for r in kept] == [
        ("1", BEFORE, "won", "Won"),
        ("2", None, None, None),
        ("3", None, None, "Engaging"),
    ]


def test_rows_without_a_date_stay():
    kept = after_cut(opportunities=table(opportunity_id=["1"], opened_at=at(None)))
    assert len(kept["opportunities"]) == 1


def test_tables_without_the_date_column_stay_whole():
    assert len(after_cut(customers=table(customer_id=["A", "B"]))["customers"]) == 2


def test_targets_market_and_contract_ends_stay():
    kept = after_cut(
        targets=table(
            metric=["sales"], period_start=days(dt.date(2027, 1, 1)), period_end=days(dt.date(2027, 12, 31))
        ),
        market=table(period_start=days(dt.date(2027, 1, 1)), period_end=days(dt.date(2027, 12, 31))),
        customers=table(customer_id=["A"], since=days(DAY), contract_end=days(dt.date(2027, 1, 1))),
    )
    assert len(kept["targets"]) == len(kept["market"]) == 1
    assert kept["customers"][0]["contract_end"] == dt.date(2027, 1, 1)


def test_a_withdrawal_of_consent_later_is_not_known_yet():
    people = table(customer_id=["A", "B"], unsubscribed_on=days(DAY, dt.date(2026, 1, 11)))
    assert [r["unsubscribed_on"] for r in after_cut(customers=people)["customers"]] == [DAY, None]


def test_a_campaign_is_known_from_its_application_or_else_its_start():
    campaigns = table(
        campaign_id=["1", "2", "3"],
        applied_on=days(DAY, None, None),
        starts_on=days(dt.date(2026, 2, 1), dt.date(2026, 2, 1), DAY),
    )
    assert [r["campaign_id"] for r in after_cut(campaigns=campaigns)["campaigns"]] == ["1", "3"]


def test_an_answer_given_later_is_no_answer_yet():
    surveys = table(
        response_id=["1", "2", "3"],
        asked_at=at(BEFORE, BEFORE, AFTER),
        answered_at=at(BEFORE, AFTER, AFTER),
        nps=[9.0, 3.0, 5.0],
    )
    items = table(
        response_id=["1", "2", "3"], aspect=["Price"] * 3, expected=[8.0, 8.0, 8.0], perceived=[7.0, 6.0, 5.0]
    )
    kept = after_cut(surveys=surveys, survey_items=items)
    assert [(r["response_id"], r["nps"]) for r in kept["surveys"]] == [("1", 9.0), ("2", None)]
    by_id = sorted((r["response_id"], r["expected"], r["perceived"]) for r in kept["survey_items"])
    assert by_id == [("1", 8.0, 7.0), ("2", None, None)]


def test_items_without_their_surveys_stay():
    assert len(after_cut(survey_items=table(response_id=["1"], aspect=["Price"]))["survey_items"]) == 1


def test_what_a_contact_brought_later_is_blank_but_undated_counts_stay():
    contacts = table(
        campaign_id=["1"], assigned_at=at(BEFORE), responded_at=at(AFTER), response=["yes"], orders=pa.array([2])
    )
    (kept,) = after_cut(contacts=contacts)["contacts"]
    assert (kept["responded_at"], kept["response"], kept["orders"]) == (None, None, 2)


@pytest.mark.parametrize("later", [DAY, dt.date(2026, 1, 11), dt.date(2026, 6, 1)])
def test_cutting_twice_is_cutting_at_the_earlier_day(later):
    deals = table(
        opportunity_id=["1", "2"], opened_at=at(BEFORE, AFTER), closed_at=at(AFTER, AFTER), outcome=["won", "lost"]
    )
    twice = cut(cut({"opportunities": deals}, later), DAY)["opportunities"].to_pyarrow().to_pylist()
    assert twice == after_cut(opportunities=deals)["opportunities"]


def test_cut_keeps_columns_and_types():
    deals = table(opportunity_id=["1"], opened_at=at(BEFORE), closed_at=at(AFTER), outcome=["won"])
    assert cut({"opportunities": deals}, DAY)["opportunities"].schema() == deals.schema()


def test_every_outcome_names_a_dated_column_or_stays_with_its_row():
    undated = {
        (t.name, c.name)
        for t in TABLES.values()
        for c in t.columns
        if c.outcome and t.column(c.dated_by or c.name).type not in ("date", "timestamp")
    }
    assert undated == {
        ("contacts", "visits"),
        ("contacts", "orders"),
        ("contacts", "revenue_amount"),
        ("survey_items", "expected"),
        ("survey_items", "perceived"),
        ("survey_items", "score"),
    }
