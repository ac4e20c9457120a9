import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import histories

AS_OF = dt.date(2026, 10, 31)
ROWS = [
    ("ann", "2026-10-01 09:00", 10.0),
    ("ann", "2026-10-01 18:00", 5.0),  # same day: one order of 15
    ("ann", "2026-10-11 12:00", 20.0),
    ("bob", "2026-10-21 12:00", 0.0),  # free, and an order
    ("bob", "2026-10-22 12:00", -7.0),  # a refund, and none
]


def table(rows):
    customers, at, amounts = zip(*rows, strict=True)
    return ibis.memtable(
        pa.table({"customer_id": customers, "at": [dt.datetime.fromisoformat(a) for a in at], "amount": amounts})
    )


def customers(rows=ROWS, as_of=AS_OF):
    return histories.customers_frame(histories.per_customer(table(rows), as_of), as_of).set_index("customer_id")


def test_purchases_of_one_day_are_one_order():
    assert customers().loc["ann", ["n_orders", "x", "t_x", "T"]].tolist() == [2, 1, 10, 30]


def test_a_free_day_is_an_order_and_a_refund_is_none():
    bob = customers().loc["bob"]
    assert (bob["n_orders"], bob["x"], bob["T"]) == (1, 0, 10)


def test_a_refund_lowers_money():
    assert customers()["amount"].to_dict() == {"ann": 35.0, "bob": -7.0}


def test_the_first_amount_is_the_net_of_the_first_order_day():
    assert customers()["first_amount"].to_dict() == {"ann": 15.0, "bob": 0.0}


def test_who_only_sent_back_is_no_customer():
    assert list(customers([*ROWS, ("cy", "2026-10-02", -3.0)]).index) == ["ann", "bob"]


def test_days_after_the_as_of_date_do_not_count():
    assert customers(as_of=dt.date(2026, 10, 10)).loc["ann", "n_orders"] == 1


def test_cents_add_up_exactly():
    rows = [("a", "2026-10-01", 0.1), ("a", "2026-10-01", 0.2), ("a", "2026-10-01", -0.3)]
    assert customers(rows).loc["a", "n_orders"] == 1


def test_customers_with_the_same_history_are_counted_together_in_the_engine():
    rows = [*ROWS, ("cy", "2026-10-01", 1.0), ("cy", "2026-10-11", 1.0)]
    h = histories.unique(histories.per_customer(table(rows), AS_OF), AS_OF)
    assert [h.x.tolist(), h.t_x.tolist(), h.T.tolist(), h.n.tolist()] == [[0, 1], [0, 10], [10, 30], [1, 2]]
    assert (h.n_customers, h.n_repeaters, h.n_repeat_orders) == (3, 2, 2)


def test_engine_and_frame_make_the_same_histories():
    made = histories.per_customer(table(ROWS), AS_OF)
    inside, outside = histories.unique(made, AS_OF), histories.of_frame(histories.customers_frame(made, AS_OF))
    for name in ("x", "t_x", "T", "n"):
        np.testing.assert_array_equal(inside[name], outside[name])


def test_row_order_does_not_matter():
    pd.testing.assert_frame_equal(customers(ROWS), customers(ROWS[::-1]))


def test_a_sample_keeps_first_and_last_history():
    h = histories.of_frame(pd.DataFrame({"x": range(100), "t_x": range(100), "T": range(100)}))
    assert h.sample(11).x.tolist() == [0, 10, 20, 30, 40, 50, 59, 69, 79, 89, 99]
    assert h.sample(1000) is h


def test_days_count_first_and_repeat_orders_of_known_customers_only():
    days = histories.days_with_counts(table(ROWS), dt.date(2026, 10, 15))
    assert days[["n_orders", "n_first", "n_repeat"]].to_numpy().tolist() == [[1, 1, 0], [1, 0, 1]]


def test_bought_between_leaves_out_the_first_day_and_keeps_the_last():
    came = histories.bought_between(table(ROWS), dt.date(2026, 10, 1), dt.date(2026, 10, 22))
    assert came.to_numpy().tolist() == [["ann", 1, 20.0], ["bob", 1, -7.0]]


@pytest.mark.parametrize("as_of", [dt.date(2026, 9, 30)])
def test_before_the_first_purchase_there_is_nobody(as_of):
    assert customers(as_of=as_of).empty
    assert len(histories.unique(histories.per_customer(table(ROWS), as_of), as_of)) == 0
