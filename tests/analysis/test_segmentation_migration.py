import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals, segmentation
from crm_lib.analysis.segmentation.migration import graded_in_both
from crm_lib.contract.publication import Publication, check_publication

AS_OF = dt.date(2026, 12, 27)
START = AS_OF - dt.timedelta(weeks=20)
BEFORE = START - dt.timedelta(weeks=10)
SINCE = START + dt.timedelta(weeks=10)
LONG_AGO = START - dt.timedelta(weeks=30)


def purchases(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    return ibis.memtable(
        frame.assign(at=pd.to_datetime(frame["at"])),
        schema={"customer_id": "string", "at": "timestamp", "amount": "float64"},
    )


def small():
    return purchases(
        ("a", BEFORE, 100.0), ("a", SINCE, 120.0),
        ("b", BEFORE, 60.0), ("b", SINCE, 5.0),
        ("c", BEFORE, 20.0), ("c", SINCE, 400.0),
        ("d", BEFORE, 8.0), ("d", SINCE, -15.0),
        ("s", LONG_AGO, 50.0), ("s", SINCE, 101.0),
        ("t", LONG_AGO, 50.0),
        ("n", SINCE, 70.0),
    )  # fmt: skip


def test_customers_are_graded_at_the_start_and_by_the_same_limits_since():
    moves = segmentation.migration(small(), AS_OF, 20)
    assert moves.limits == {"A": 100.0, "B": 60.0, "C": 20.0}
    found = moves.customers.set_index("customer_id")
    assert found["grade_before"].to_dict() == {
        "a": "A", "b": "B", "c": "C", "d": "D", "s": "silent", "t": "silent", "n": "new",
    }  # fmt: skip
    assert found["grade_after"].to_dict() == {
        "a": "A", "b": "D", "c": "A", "d": "no_order", "s": "A", "t": "no_order", "n": "B",
    }  # fmt: skip


def test_everyone_and_all_money_is_in_exactly_one_cell():
    moves = segmentation.migration(small(), AS_OF, 20)
    assert moves.cells["n"].sum() == moves.rows["n"].sum() == 7
    assert moves.cells["amount_before"].sum() == 188.0
    assert moves.cells["amount_after"].sum() == 120 + 5 + 400 - 15 + 101 + 70
    shares = moves.cells.groupby("before")["share"].sum()
    assert all(s == pytest.approx(1) for s in shares[shares > 0])


def test_the_first_period_knows_nothing_of_the_second():
    later = [*small().to_pandas().itertuples(index=False), ("a", SINCE, 9000.0), ("z", SINCE, 1.0)]
    one, other = segmentation.migration(small(), AS_OF, 20), segmentation.migration(purchases(*later), AS_OF, 20)
    assert one.limits == other.limits
    same = one.customers.merge(other.customers, on="customer_id")
    assert (same["grade_before_x"] == same["grade_before_y"]).all()


def test_rows_count_who_went_down_and_up_with_wilsons_interval():
    moves = segmentation.migration(small(), AS_OF, 20)
    row, expected = moves.row("B"), intervals.wilson(1, 1)
    assert (row["n_down"], row["down"], row["down_low"]) == (1, 1.0, expected.low)
    assert moves.row("C")["n_up"] == 1
    assert np.isnan(moves.row("new")["down"])
    assert moves.n_up_to_a == 2, "one from C, one from silence"


def test_the_figures_are_those_of_the_cells():
    many = [(f"a{i}", BEFORE, 100.0) for i in range(4)] + [("a0", SINCE, 30.0), ("x", SINCE, 9.0)]
    moves = segmentation.migration(purchases(("old", LONG_AGO, 1.0), *many), AS_OF, 20)
    publication = Publication("segmentation", moves.figures)
    check_publication(publication)
    assert publication["moved_down_from_a_n"].value == 4
    assert publication["moved_down_from_a_amount"].value == 370.0
    assert (publication["lost_n"].value, publication["new_n"].value, publication["new_amount"].value) == (
        3,
        1,
        9.0,
    )


def test_where_the_data_are_short_their_halves_are_compared():
    moves = segmentation.migration(small(), AS_OF, 100)
    assert moves.weeks == ((AS_OF - LONG_AGO).days + 1) // 14
    assert moves.weeks_asked == 100


def test_too_short_a_time_and_no_purchases_are_said():
    short = segmentation.migration(purchases(("a", AS_OF, 5.0), ("b", AS_OF, 7.0)), AS_OF)
    assert (short.weeks, short.figures, short.first_on) == (0, (), AS_OF)
    assert segmentation.migration(purchases(), AS_OF).weeks == 0
    assert segmentation.migration(None, AS_OF) is None


def test_where_nobody_paid_everyone_is_d():
    free = purchases(("old", LONG_AGO, 0.0), ("a", BEFORE, 0.0), ("b", BEFORE, 0.0), ("b", SINCE, 0.0))
    moves = segmentation.migration(free, AS_OF, 20)
    assert moves.limits == {}
    assert moves.row("D")["n"] == 2
    check_publication(Publication("segmentation", moves.figures))


def steady(rng, n=300):
    """Customers who all stay as they are: money in both periods drawn from the same customer's own rate."""
    rate = rng.gamma(1.5, 1.0, n)
    orders = rng.poisson(rate[:, None], (n, 2))
    money = np.where(orders > 0, rng.gamma(2 * np.maximum(orders, 1), 20), 0).round(2)
    return pd.DataFrame(
        {
            "customer_id": range(n),
            "n_orders_before": orders[:, 0],
            "n_orders_after": orders[:, 1],
            "amount_before": money[:, 0],
            "amount_after": money[:, 1],
            "is_new": False,
        }
    )


@pytest.mark.slow
def test_steady_customers_leave_a_as_often_as_they_rise_into_it_nine_times_in_ten():
    rng = np.random.default_rng(5)
    held = []
    for _ in range(1000):
        both = steady(rng)
        graded_in_both(both)
        down = ((both["before"] == "A") & (both["after"] != "A")).sum()
        up = ((both["before"] != "A") & (both["after"] == "A")).sum()
        found = intervals.wilson(int(down), int(down + up))
        held.append(found.low <= 0.5 <= found.high)
    assert 0.86 <= np.mean(held) <= 0.94
