"""The contract holds together: names, keys, dates and references point at something."""

import ibis
import pytest

from crm_lib.contract.tables import DAY, TABLES, TIME
from crm_lib.contract.topics import TOPICS

EVERY = list(TABLES.values())


@pytest.mark.parametrize("table", EVERY, ids=lambda t: t.name)
def test_keys_and_dates_name_columns_of_the_table(table):
    names = [c.name for c in table.columns]
    assert len(names) == len(set(names))
    assert set(table.key) <= set(names)
    assert all(table.column(c).type in (DAY, TIME) for c in table.known_on)
    assert all(c.dated_by is None or c.dated_by in names for c in table.columns)


@pytest.mark.parametrize("table", EVERY, ids=lambda t: t.name)
def test_references_and_parents_are_tables_with_that_key(table):
    for column in table.columns:
        if column.refers_to:
            assert TABLES[column.refers_to].key == (column.name,)
    if table.known_through:
        assert set(TABLES[table.known_through].key) <= set(table.required)


@pytest.mark.parametrize("table", EVERY, ids=lambda t: t.name)
def test_types_are_types_of_the_engine_and_meanings_are_given(table):
    for column in table.columns:
        assert ibis.dtype(column.type)
        assert column.meaning
        assert not (column.required and column.outcome)


def test_topics_need_tables_that_exist():
    named = {t for topic in TOPICS.values() for way in (*topic.needs, topic.useful) for t in way}
    assert named <= set(TABLES)


def test_missing_tables_are_those_of_the_cheapest_way():
    assert TOPICS["segmentation"].missing({"customer_summaries"}) == ()
    assert TOPICS["clv"].missing({"customers"}) == ("transactions",)
