import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import retention
from crm_lib.analysis.retention import book as books
from crm_lib.analysis.retention import churn, loyalty, stages, survival
from crm_lib.analysis.retention.silence import ONCE, Silence
from crm_lib.contract.publication import Publication, check_publication
from crm_lib.errors import ParameterError

AS_OF = dt.date(2025, 12, 31)
FIRST = dt.date(2023, 1, 1)
# Bringing a table from ibis to pandas reads a pandas option that pandas calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")


def ago(days):
    """The moment so many days before the as-of date, at noon."""
    return dt.datetime.combine(AS_OF - dt.timedelta(days=days), dt.time(12))


def table(*rows):
    """Purchases from rows (customer, days ago, amount)."""
    customers, days, amounts = zip(*rows, strict=True) if rows else ((), (), ())
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "at": pa.array([ago(int(d)) for d in days], pa.timestamp("us")),
                "amount": pa.array(amounts, pa.float64()),
            }
        )
    )


def people(**columns):
    """The customers' table."""
    return ibis.memtable(pa.table(columns))


def shop(n=400, seed=1):
    """Customers who order at a pace of their own for a while and then stop; some rows are refunds."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        left, until, pace = rng.integers(200, 1000), rng.exponential(500), rng.gamma(1.0, 50) + 3
        day = 0.0
        while day < min(until, left):
            amount = round(float(rng.gamma(2, 40)) + 1, 2)
            rows.append((f"c{i:04}", left - int(day), amount))
            if rng.random() < 0.05:
                rows.append((f"c{i:04}", left - int(day), -amount / 2))
            day += rng.exponential(pace) + 1
    return table(*rows)


def small():
    return table(
        ("a", 700, 10.0), ("a", 400, 20.0), ("a", 30, 30.0), ("b", 500, 5.0), ("b", 499, -2.0), ("c", 10, 7.0)
    )


def test_orders_are_numbered_with_their_next_and_their_mean_wait():
    orders = books.frame(books.read(small(), AS_OF).orders, "customer_id", "day")
    first = orders[orders["customer_id"] == "a"]
    assert first["number"].tolist() == [1, 2, 3]
    assert first["mean_gap_days"].fillna(-1).tolist() == [-1, 300, 335]
    assert pd.isna(first["next_on"].iloc[-1])
    assert len(orders) == 5, "a refund is no order"


def test_the_book_counts_customers_orders_and_those_with_refunds_only():
    book = books.read(table(("a", 5, 1.0), ("a", 5, 2.0), ("r", 3, -4.0)), AS_OF)
    assert (book.n_customers, book.n_orders, book.n_without_order) == (1, 1, 1)
    assert book.first_on == AS_OF - dt.timedelta(days=5)


def test_a_state_knows_nothing_of_later_days():
    on = AS_OF - dt.timedelta(days=100)
    known = books.frame(books.state(books.read(small(), AS_OF), on, after_days=100), "customer_id")
    assert known["customer_id"].tolist() == ["a", "b"]
    assert known["days_since_last"].tolist() == [300, 400]
    assert known["cents"].tolist() == [3000, 300]
    assert known["n_after"].tolist() == [1, 0]
    assert known["cents_after"].tolist() == [3000, 0]


def test_a_contract_decides_where_there_is_one_else_silence_does():
    ends = people(
        customer_id=["runs", "ended", "bought_since", "none"],
        contract_end=pa.array([AS_OF, *[AS_OF - dt.timedelta(days=50)] * 2, None], pa.date32()),
    )
    rows = table(("runs", 300, 1.0), ("ended", 60, 1.0), ("bought_since", 10, 1.0), ("none", 91, 1.0))
    book = books.read(rows, AS_OF, ends)
    known = books.state(book, AS_OF)
    lost = books.frame(known.select("customer_id", lost=books.is_lost(known, AS_OF, 90)), "customer_id")
    assert lost.set_index("customer_id")["lost"].to_dict() == {
        "runs": False, "ended": True, "bought_since": False, "none": True,
    }  # fmt: skip


def periods(*rows, silent_days=100, weeks=10, customers=None):
    return churn.churn(books.read(table(*rows), AS_OF, customers), silent_days, weeks)


def test_churn_is_active_at_the_start_and_gone_at_the_end_graded_at_the_start():
    end = 10 * 7
    found = periods(
        ("old", 400, 1.0),
        ("a", end + 5, 100.0), ("a", 20, 0.01),
        ("b", end + 60, 60.0),
        ("c", end + 10, 20.0),
        ("d", end + 99, 8.0),
        ("gone_before", end + 101, 900.0),
        ("new", 5, 5000.0),
    )  # fmt: skip
    last = found.cells[found.cells["start_on"] == AS_OF - dt.timedelta(days=end)].set_index("grade")
    assert last["n"].to_dict() == {"A": 1, "B": 1, "C": 1, "D": 1}
    assert last["n_lost"].to_dict() == {"A": 0, "B": 1, "C": 0, "D": 1}
    assert found.last["amount_lost"] == 68.0
    assert last.loc["B", "amount_share"] == 1.0


def test_a_period_counts_only_where_somebody_could_have_gone():
    steady = [("a", days, 1.0) for days in range(500, 0, -50)]
    assert len(periods(*steady).periods) == (500 - 100) // 70
    assert not periods(("a", 101, 1.0))


def test_where_the_data_are_short_periods_are_halved():
    found = periods(("a", 200, 1.0), ("a", 120, 1.0), ("b", 190, 1.0), ("b", 80, 2.0))
    assert (found.weeks, found.weeks_asked) == (5, 10)


def test_a_change_of_mix_alone_is_no_change_of_standardised_churn():
    rates = {"A": (0.1, 0.06, 0.15), "D": (0.5, 0.4, 0.6)}
    mix = {"A": 0.5, "D": 0.5}

    def cells(**sizes):
        return pd.DataFrame(
            [
                {"grade": g, "n": n, "share": rates[g][0], "low": rates[g][1], "high": rates[g][2]}
                for g, n in sizes.items()
            ]
        )

    one, other = churn.standardised(cells(A=100, D=10), mix), churn.standardised(cells(A=10, D=100), mix)
    assert one.value == other.value == pytest.approx(0.3)
    assert one.low < 0.3 < one.high
    alone = churn.standardised(cells(A=100), mix)
    assert alone.value == pytest.approx(0.1)


def test_grades_are_those_of_the_pyramid():
    by_cents = pd.DataFrame({"cents": [-500, 0, 500, 1000, 2500, 6000], "n": [1, 2, 1, 1, 1, 1]})
    assert churn.grades_of(by_cents).tolist() == ["D", "D", "D", "C", "B", "A"]


def rule(days=100, silent_from=40, **own):
    return stages.Rule(days, silent_from, {int(k[1:]): v for k, v in own.items()})


def test_every_customer_is_in_exactly_one_stage_and_status():
    rows = table(
        ("won", 30, 1.0),
        ("kept", 60, 1.0), ("kept", 20, 1.0),
        ("slow", 130, 1.0), ("slow", 90, 1.0),
        ("risk", 60, 1.0), ("risk", 50, 1.0),
        ("back", 101, 1.0),
        ("lost", 201, 1.0), ("lost", 250, 1.0),
    )  # fmt: skip
    found = books.frame(stages.staged(books.read(rows, AS_OF), AS_OF, rule(p1=30, p3=95)), "customer_id")
    assert found.set_index("customer_id")["stage"].to_dict() == {
        "won": "won", "kept": "kept", "slow": "kept", "risk": "at_risk", "back": "to_win_back", "lost": "lost",
    }  # fmt: skip
    assert found.set_index("customer_id")["status"].to_dict() == {
        "won": "active", "kept": "active", "slow": "silent",
        "risk": "silent", "back": "churned", "lost": "churned",
    }  # fmt: skip


def test_a_running_contract_keeps_from_churn_but_not_from_being_at_risk():
    ends = people(
        customer_id=["k", "e"], contract_end=pa.array([AS_OF, AS_OF - dt.timedelta(days=150)], pa.date32())
    )
    book = books.read(table(("k", 300, 1.0), ("e", 160, 1.0)), AS_OF, ends)
    found = books.frame(stages.staged(book, AS_OF, rule()), "customer_id").set_index("customer_id")
    assert found["stage"].to_dict() == {"k": "at_risk", "e": "lost"}, "a contract that ended N days ago is lost"


def test_the_own_limit_is_at_most_n_and_unknown_where_too_few_return():
    classes = pd.DataFrame({"pace": [ONCE, 1, 2], "days": [800.0, 20.0, np.nan]})
    known = Silence(100, "", 70, AS_OF, pd.DataFrame(), classes, pd.DataFrame())
    assert stages.Rule.of(known, 90) == stages.Rule(100, 50, {0: 100, 1: 20})


def test_moves_are_counted_from_the_last_run_where_there_is_one():
    book = books.read(table(("a", 10, 5.0), ("b", 200, 5.0), ("b", 210, 1.0), ("n", 3, 2.0)), AS_OF)
    now = stages.staged(book, AS_OF, rule())
    before = pd.DataFrame(
        {"customer_id": ["a", "b", "x"], "stage": ["won", "at_risk", "kept"], "as_of": pd.Timestamp("2025-11-30")}
    )
    found = stages.moves(book, now, rule(), AS_OF - dt.timedelta(days=90), before)
    assert (found.from_run, found.on) == (True, dt.date(2025, 11, 30))
    assert (
        found.n("won", "won")
        == found.n("at_risk", "to_win_back")
        == found.n("new", "won")
        == found.n("kept", "gone")
        == 1
    )
    assert found.cells["n"].sum() == 4


def test_without_an_earlier_run_the_stages_are_worked_out_from_what_was_known_then():
    book = books.read(table(("a", 150, 5.0), ("a", 10, 5.0), ("b", 95, 3.0)), AS_OF)
    found = stages.moves(book, stages.staged(book, AS_OF, rule()), rule(), AS_OF - dt.timedelta(days=20))
    assert not found.from_run
    assert found.n("to_win_back", "kept") == found.n("won", "won") == 1


def test_loyalty_compares_each_good_customer_with_the_own_baseline():
    rows = [("a", 400, 50.0), ("a", 380, 50.0), ("a", 30, 90.0), ("a", 20, 1.0)]  # both kept
    rows += [("b", 400, 40.0), ("b", 390, 30.0), ("b", 50, 70.0)]  # money kept, orders not
    rows += [("c", 400, 20.0), ("c", 100, 15.0)]  # orders kept, money not
    rows += [("d", 400, 1.0), ("old", 728, 1.0)]
    found = loyalty.index(books.read(table(*rows), AS_OF), AS_OF, 364)
    assert found.by_grade.set_index("grade")["n"].to_dict() == {"A": 1, "B": 1}
    assert found.kept.value == 0.5
    assert (found.kept_orders.value, found.kept_amount.value) == (0.5, 1.0)
    assert found.orders_ratio.value == pytest.approx(3 / 4)
    assert found.amount_ratio.value == pytest.approx(161 / 170)


def test_exactly_four_fifths_are_kept():
    rows = [("a", 400 + i, 10.0) for i in range(5)] + [("a", 20 + i, 10.0) for i in range(4)]
    found = loyalty.index(books.read(table(*rows), AS_OF), AS_OF, 364)
    assert found.kept.value == 1.0


def test_tiers_and_their_points_are_counted_with_those_of_the_churned():
    book = books.read(
        table(("a", 10, 5.0), ("b", 500, 5.0), ("c", 20, 1.0)),
        AS_OF,
        people(customer_id=["a", "b", "c"], tier=["gold", "gold", None], points=[7, 5, None]),
    )
    found = loyalty.tiers(book, 100).set_index("tier")
    assert found.loc["gold", ["n", "n_lost", "points", "points_lost"]].tolist() == [2, 1, 12, 5]
    assert found.loc["", "n"] == 1
    assert loyalty.tiers(books.read(small(), AS_OF), 100) is None


def test_survival_ends_when_the_first_silence_is_complete_even_if_the_customer_returns():
    rows = table(("back", 500, 1.0), ("back", 300, 1.0), ("gone", 400, 1.0), ("here", 90, 1.0), ("here", 10, 1.0))
    found = survival.survival(books.read(rows, AS_OF), 100)
    assert (found.whole.n, found.whole.n_ended) == (3, 2)
    assert found.whole.time_of(0.5).value == 100


def test_small_groups_are_not_shown_and_equal_ones_do_not_differ():
    rows = [(f"c{i}", 300 - i % 7, 1.0) for i in range(80)] + [(f"c{i}", 100, 1.0) for i in range(0, 80, 2)]
    channels = ["shop" if i % 4 < 2 else "web" for i in range(78)] + ["fax", "fax"]
    ids = [f"c{i}" for i in range(80)]
    found = survival.survival(books.read(table(*rows), AS_OF, people(customer_id=ids, channel=channels)), 150)
    (split,) = found.splits
    assert list(split.curves) == ["shop", "web"]
    assert split.n_suppressed == 2
    assert found.surely_different == ()


@pytest.fixture(scope="module")
def whole():
    return retention.retention(shop(), AS_OF)


def test_the_whole_publishes_finite_figures_and_every_customer_once(whole):
    publication = whole.publication
    check_publication(publication)
    customers = publication.tables["customers"]
    assert customers["customer_id"].is_unique
    assert len(customers) == whole.book.n_customers
    assert set(customers["stage"]) <= set(stages.STAGES)
    assert publication["loyalty"].n > 0
    assert publication["loyalty"].low < publication["loyalty"].value < publication["loyalty"].high
    assert sum(publication[f"stage_{s}_n"].value for s in stages.STAGES) == len(customers)


def test_the_list_holds_those_not_churned_most_money_first_and_adds_up(whole):
    listed = whole.first(whole.n_listed)
    assert listed["at_risk_amount"].is_monotonic_decreasing
    assert (listed["status"] != "churned").all()
    assert listed["at_risk_amount"].sum() == pytest.approx(whole.at_risk.value)
    assert whole.by_grade["at_risk_amount"].sum() == pytest.approx(whole.at_risk.value)
    assert whole.by_grade["n"].sum() == len(listed)


def test_the_same_rows_in_another_order_give_the_same_numbers(whole):
    rows = shop().to_pandas().sample(frac=1, random_state=3)
    other = retention.retention(ibis.memtable(rows), AS_OF)
    assert other.publication.figures == whole.publication.figures
    pd.testing.assert_frame_equal(other.table, whole.table)


def test_later_rows_change_nothing():
    rows = shop(60).to_pandas()
    early = rows[rows["at"] <= pd.Timestamp("2025-06-30 23:59")]
    one = retention.retention(ibis.memtable(rows), dt.date(2025, 6, 30))
    other = retention.retention(ibis.memtable(early), dt.date(2025, 6, 30))
    assert one.publication.figures == other.publication.figures


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((), "no_orders"),
        ((("a", 3, -5.0), ("b", 9, -1.0)), "no_orders"),
        ((("a", 0, 5.0), ("b", 0, 1.0), ("c", 0, 1.0)), "too_short"),
        ((("a", 27, 5.0), ("a", 1, 1.0)), "too_short"),
        ((("a", 500, 5.0),), ""),
        ((("a", 500, 5.0), ("a", 2, 5.0)), ""),
        (tuple((f"c{i}", 100 + i, 1.0) for i in range(200)), ""),
        (tuple((f"c{i}", 400, 0.0) for i in range(20)), ""),
    ],
    ids=["empty", "all refunds", "all on the as-of day", "too short", "one customer", "two orders",
         "no second order", "nobody paid"],
)  # fmt: skip
def test_bad_input_gives_a_result_without_nan(rows, reason):
    found = retention.retention(table(*rows), AS_OF)
    assert found.reason == reason
    check_publication(found.publication)
    assert "loyalty" in {f.name for f in found.publication.figures}


def test_choices_that_cannot_be_meant_are_refused():
    with pytest.raises(ParameterError, match="period_weeks: saw 1, need a number from 4 to 156"):
        retention.Options(period_weeks=1)


def test_a_given_n_is_used_as_it_is(whole):
    found = retention.retention(shop(), AS_OF, options=retention.Options(churned_days=77))
    assert (found.silence.days, found.silence.why) == (77, "given")
    assert found.silence.back.n > 0
    assert whole.silence.days != 77


def test_the_previous_page_is_where_moves_begin(whole):
    before = whole.publication
    found = retention.retention(shop(), AS_OF, previous=Publication("retention", (), before.tables))
    assert found.moves.from_run
    assert (found.moves.cells["before"] == found.moves.cells["after"]).all(), "the same data: nobody has moved"
