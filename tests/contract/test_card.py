"""The account that every page opens with."""

import datetime as dt

from crm_lib.contract.card import DataCard, Rejected, TableCard

CARD = DataCard(
    "shop",
    "The shop",
    dt.date(2026, 1, 31),
    "abc",
    (
        TableCard("customers", n_read=10, n_rejected=0, n_after=1, n_used=9),
        TableCard("transactions", 100, 3, 7, 90, rejected=(Rejected("amount", "not a number", 3, None),)),
    ),
)


def test_rows_add_up_over_tables():
    assert (CARD.n_rows, CARD.n_rejected) == (99, 3)
    assert all(t.n_used == t.n_read - t.n_rejected - t.n_after for t in CARD.tables)


def test_reasons_are_counted_by_table_and_column():
    assert dict(CARD.reasons()) == {"transactions.amount: not a number": 3}


def test_a_card_without_problems_has_none():
    assert CARD.problems == ()
