import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation
from crm_lib.contract.publication import check_publication
from crm_lib.errors import NotEnoughData

AS_OF = dt.date(2026, 10, 31)
FIVE_ROWS = [
    ("ann", "2026-10-01", 100.00),
    ("ann", "2026-10-20", 50.00),
    ("bob", "2026-01-01", 900.00),
    ("cat", "2026-10-30", 5.00),
    ("cat", "2026-10-31", -8.00),
]


def purchases(*rows):
    columns = {"customer_id": "string", "at": "timestamp", "amount": "float64"}
    table = ibis.memtable(
        pd.DataFrame(rows, columns=list(columns)).astype({"at": "datetime64[us]"}), schema=columns
    )
    return table.mutate(amount=table.amount.cast("decimal(18,2)"))


def summaries(*rows):
    columns = ["customer_id", "days_since_last", "n_orders", "amount"]
    return ibis.memtable(dict(zip(columns, zip(*rows, strict=True), strict=True)))


def spenders(amounts):
    rows = [(f"c{i:05}", i % 90, 1 + i % 7, float(a)) for i, a in enumerate(amounts)]
    return segmentation.segments(None, summaries(*rows), as_of=AS_OF)


def test_customers_are_summed_up_from_their_purchases():
    found = segmentation.segments(purchases(*FIVE_ROWS), as_of=AS_OF).customers
    assert found[["customer_id", "days_since_last", "n_orders", "amount"]].to_numpy().tolist() == [
        ["ann", 11, 2, 150.0],
        ["bob", 303, 1, 900.0],
        ["cat", 1, 1, -3.0],
    ]


def test_a_later_purchase_is_not_known_yet():
    found = segmentation.segments(purchases(*FIVE_ROWS), as_of=dt.date(2026, 10, 10))
    assert found.customers["customer_id"].tolist() == ["ann", "bob"]
    assert found.rows.n_rows == 2
    assert found.amount == 1000.0


def test_whoever_only_got_money_back_is_left_out_and_counted():
    rows = [*FIVE_ROWS, ("dan", "2026-05-05", -20.00)]
    found = segmentation.segments(purchases(*rows), as_of=AS_OF)
    assert "dan" not in found.customers["customer_id"].tolist()
    assert (found.rows.n_left_out, found.rows.left_out_amount) == (1, -20.0)
    assert found.amount + found.rows.left_out_amount == 1027.0


def test_summaries_do_where_there_are_no_purchases():
    found = segmentation.segments(None, summaries(("a", 3, 2, 10.0), ("b", 9, 0, 0.0)), as_of=AS_OF)
    assert found.customers["customer_id"].tolist() == ["a"]
    assert found.rows.n_left_out == 1


def test_purchases_win_over_summaries():
    found = segmentation.segments(purchases(*FIVE_ROWS), summaries(("z", 3, 2, 10.0)), as_of=AS_OF)
    assert found.rows.table == "transactions"


def test_segments_and_grades_share_out_all_money_to_the_cent():
    found = spenders(np.random.default_rng(1).lognormal(4, 1, 500).round(2))
    assert found.by_segment["n_customers"].sum() == found.by_grade["n_customers"].sum() == 500
    assert round(found.by_segment["amount"].sum(), 2) == round(found.by_grade["amount"].sum(), 2) == found.amount
    assert found.by_segment["amount"].is_monotonic_decreasing


def test_the_order_of_rows_does_not_matter():
    amounts = np.random.default_rng(2).lognormal(4, 1, 200).round(0)
    rows = [(f"c{i}", i % 50, 1 + i % 3, float(a)) for i, a in enumerate(amounts)]
    one = segmentation.segments(None, summaries(*rows), as_of=AS_OF)
    other = segmentation.segments(None, summaries(*rows[::-1]), as_of=AS_OF)
    pd.testing.assert_frame_equal(one.customers, other.customers)
    assert one.publication.figures == other.publication.figures


def test_customers_at_risk_are_slipping_and_come_by_money():
    found = spenders(range(100, 0, -1))
    worst = segmentation.at_risk(found, n_most=5)
    assert set(worst["segment"]) <= set(segmentation.SLIPPING)
    assert worst["amount"].is_monotonic_decreasing
    slipping = found.customers[found.customers["segment"].isin(segmentation.SLIPPING)]
    assert worst["amount"].iloc[0] == slipping["amount"].max()


def test_equal_weights_agree_with_themselves():
    rows = [(f"c{i}", i, 1 + i % 7, float(i % 11)) for i in range(60)]
    how = segmentation.grading(weighing="equal")
    found = segmentation.segments(None, summaries(*rows), as_of=AS_OF, how=how)
    assert found.rank_agreement == pytest.approx(1.0)


def test_the_publication_can_be_published():
    publication = spenders(range(1, 101)).publication
    check_publication(publication)
    assert publication["n_customers"].value == 100
    assert publication["top_fifth_share"].value == pytest.approx(sum(range(81, 101)) / 5050)
    assert publication["top_fifth_share"].low < publication["top_fifth_share"].value
    assert list(publication.tables["customers"].columns) == [
        *("customer_id", "as_of", "days_since_last", "n_orders", "amount"),
        *("r", "f", "m", "code", "weighted", "segment", "value_grade"),
    ]


def test_the_figure_of_slipping_money_is_the_sum_of_its_customers():
    found = spenders(range(1, 201))
    slipping = found.customers["segment"].isin(segmentation.SLIPPING)
    assert found.publication["slipping_amount"].value == found.customers.loc[slipping, "amount"].sum()
    assert found.publication["slipping_n"].value == slipping.sum()


def test_one_customer_is_graded_in_the_middle():
    found = segmentation.segments(purchases(FIVE_ROWS[0]), as_of=AS_OF)
    assert found.customers["code"].tolist() == ["333"]
    assert found.rank_agreement is None
    check_publication(found.publication)


def test_customers_all_alike_get_the_middle_grade():
    found = segmentation.segments(None, summaries(*((c, 3, 2, 10.0) for c in "abcdef")), as_of=AS_OF)
    assert found.customers["code"].unique().tolist() == ["333"]
    assert found.customers["value_grade"].unique().tolist() == ["A"]
    check_publication(found.publication)


def test_where_nobody_paid_shares_of_money_are_unknown():
    found = segmentation.segments(None, summaries(("a", 3, 2, 0.0), ("b", 9, 1, -5.0)), as_of=AS_OF)
    assert found.top_fifth.value is None
    assert found.customers["value_grade"].tolist() == ["D", "D"]
    check_publication(found.publication)


@pytest.mark.parametrize("rows", [(), (("a", "2026-10-01", -5.0), ("b", "2026-10-02", -9.0))])
def test_without_any_order_it_says_so(rows):
    with pytest.raises(NotEnoughData, match=rf"transactions: {len(rows)} rows .* none of them is an order"):
        segmentation.segments(purchases(*rows), as_of=AS_OF)


def test_without_any_table_it_says_which_are_needed():
    with pytest.raises(NotEnoughData, match="transactions or customer_summaries"):
        segmentation.segments(None, None, as_of=AS_OF)


def test_no_figure_is_ever_nan():
    for found in (spenders([1.0]), spenders([0.0, 0.0]), spenders([-1.0, 5.0, 5.0])):
        assert not any(isinstance(f.value, float) and math.isnan(f.value) for f in found.publication.figures)


def test_no_source_for_proof_gives_no_proof():
    assert segmentation.of_source(None) is None
