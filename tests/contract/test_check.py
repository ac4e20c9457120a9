"""Rules counted in the engine, on tables of a few rows."""

import datetime as dt

import ibis
import pyarrow as pa
import pytest
from ibis import _

from crm_lib.contract.check import check
from crm_lib.contract.rules import Surroundings, rules_of
from crm_lib.contract.settings import Scale
from crm_lib.contract.tables import MONEY, TABLES
from crm_lib.errors import DataContractError

LENIENT = Surroundings(max_rejected_share=1.0)
DAY = dt.datetime(2026, 1, 5)


def numbered(**columns):
    n = len(next(iter(columns.values())))
    return ibis.memtable(pa.table({"__row": list(range(1, n + 1)), **columns}))


def money(table):
    return table.mutate(amount=_.amount.cast(MONEY))


def reasons(found):
    return [(r.column, r.reason, r.n) for r in found.reasons]


def test_a_sound_table_passes_whole_and_loses_its_helper_columns():
    found = check(TABLES["customers"], numbered(customer_id=["A", "B"], customer_id__seen=["A", "B"]))
    assert (found.rejected, found.reasons, found.messages) == (None, (), ())
    assert (found.n_read, found.n_rejected) == (2, 0)
    assert found.table.columns == ("customer_id",)


def test_each_broken_rule_is_counted_and_each_row_has_one_reason():
    sales = numbered(
        customer_id=["A", None, "B", "C", "A"],
        at=pa.array([DAY, DAY, None, DAY, DAY], pa.timestamp("us")),
        at__seen=["2026-01-05", "2026-01-05", "soon", "2026-01-05", "2026-01-05"],
        amount=pa.array([1.0, 2.0, 4.0, None, 16.0]),
        amount__seen=["1", "2", "4", "8 euros", "16"],
    )
    found = check(TABLES["transactions"], money(sales), LENIENT)
    assert reasons(found) == [("customer_id", "empty", 1), ("at", "not a date", 1), ("amount", "not a number", 1)]
    assert found.n_rejected == 3
    assert found.table.customer_id.to_pyarrow().to_pylist() == ["A", "A"]
    assert [r.amount for r in found.reasons] == [2.0, 4.0, None]


def test_a_row_with_two_faults_is_set_aside_once():
    people = numbered(customer_id=["A", None], points=pa.array([1, -5]))
    found = check(TABLES["customers"], people, LENIENT)
    assert reasons(found) == [("customer_id", "empty", 1)]
    assert len(found.messages) == 2
    assert found.rejected.count().to_pyarrow().as_py() == 1


def test_text_and_ids_are_never_quoted_numbers_and_dates_are():
    cases = numbered(
        case_id=["secret-1", "secret-2"],
        kind=["complaint", "secret words"],
        opened_at=pa.array([dt.datetime(1800, 1, 1), DAY], pa.timestamp("us")),
    )
    found = check(TABLES["cases"], cases, LENIENT)
    assert len(found.messages) == 2
    assert not any("secret" in m for m in found.messages)
    assert any("1800-01-01" in m for m in found.messages)


def test_ids_are_compared_with_the_rows_that_hold():
    around = Surroundings(
        others={"customers": ibis.memtable(pa.table({"customer_id": ["A"]}))}, max_rejected_share=1
    )
    leads = numbered(
        lead_id=["1", "2", "3"],
        created_at=pa.array([DAY] * 3, pa.timestamp("us")),
        customer_id=["A", "B", None],
    )
    found = check(TABLES["leads"], leads, around)
    assert reasons(found) == [("customer_id", "unknown id", 1)]
    assert found.table.lead_id.to_pyarrow().to_pylist() == ["1", "3"]


def test_ids_are_not_compared_where_the_other_table_is_missing():
    leads = numbered(lead_id=["1"], created_at=pa.array([DAY], pa.timestamp("us")), customer_id=["B"])
    assert check(TABLES["leads"], leads).reasons == ()


@pytest.mark.parametrize(("score", "sound"), [(0.0, True), (10.0, True), (-1.0, False), (11.0, False)])
def test_answers_must_be_on_the_declared_scale(score, sound):
    around = Surroundings(scales={"nps": Scale(0, 10)}, max_rejected_share=1)
    surveys = numbered(response_id=["1"], asked_at=pa.array([DAY], pa.timestamp("us")), nps=[score])
    assert (check(TABLES["surveys"], surveys, around).reasons == ()) is sound


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_must_be_finite(value):
    targets = numbered(
        metric=["sales"],
        period_start=pa.array([DAY.date()]),
        period_end=pa.array([DAY.date()]),
        value=pa.array([value], from_pandas=False),
        unit=["CNY"],
    )
    assert ("value", "not finite", 1) in reasons(check(TABLES["targets"], targets, LENIENT))


def test_days_after_the_run_are_set_aside_but_contract_ends_are_not():
    around = Surroundings(no_later_than=dt.date(2026, 1, 6), max_rejected_share=1)
    late = dt.date(2026, 1, 7)
    people = numbered(
        customer_id=["A", "B"], since=pa.array([DAY.date(), late]), contract_end=pa.array([late, late])
    )
    assert reasons(check(TABLES["customers"], people, around)) == [("since", "after the run", 1)]


def test_a_key_of_two_columns_is_unique_as_a_pair():
    items = {"response_id": ["1", "1", "2"], "aspect": ["Price", "Staff", "Price"]}
    assert check(TABLES["survey_items"], numbered(**items)).reasons == ()
    items["aspect"] = ["Price", "Price", "Price"]
    with pytest.raises(DataContractError, match=r"response_id \+ aspect: 1 value occurs more than once"):
        check(TABLES["survey_items"], numbered(**items))


def test_a_table_without_key_may_repeat_rows():
    sales = numbered(customer_id=["A", "A"], at=pa.array([DAY] * 2, pa.timestamp("us")), amount=[1.0, 1.0])
    assert check(TABLES["transactions"], money(sales)).n_rejected == 0


def test_the_share_allowed_is_exact():
    ids = [str(i) for i in range(99)] + [None]
    assert check(TABLES["customers"], numbered(customer_id=ids)).n_rejected == 1
    with pytest.raises(DataContractError, match=r"2 of 100 rows \(2\.0%\) can't be used"):
        check(TABLES["customers"], numbered(customer_id=[*ids[:98], None, None]))


def test_broken_lines_count_towards_the_share():
    people = numbered(customer_id=[str(i) for i in range(98)])
    found = check(TABLES["customers"], people, Surroundings(n_broken_lines=1, max_rejected_share=0.02))
    assert (found.n_read, found.n_rejected) == (99, 1)
    assert reasons(found) == [("line", "broken line", 1)]


@pytest.mark.parametrize("name", list(TABLES))
def test_every_column_of_every_table_has_rules_that_its_type_allows(name):
    contract = TABLES[name]
    types = {c.name: c.type for c in contract.columns}
    empty = ibis.memtable(pa.table({"__row": pa.array([], pa.int64())}))
    table = empty.mutate(**{n: ibis.null(t) for n, t in types.items()})
    table = table.mutate(**{f"{n}__seen": ibis.null("string") for n, t in types.items() if t != "string"})
    rules = list(rules_of(contract, table, Surroundings()))
    assert {r.column for r in rules} >= set(contract.required)
    assert all(r.broken.type().is_boolean() for r in rules)


def test_a_missing_column_says_how_to_name_it():
    with pytest.raises(DataContractError) as caught:
        check(TABLES["transactions"], numbered(customer_id=["A"]))
    assert str(caught.value) == (
        'transactions: the column "at" is missing. The table has: customer_id. '
        'Add it to the file, or name it in crm.toml: columns = { at = "their name" }.'
    )
