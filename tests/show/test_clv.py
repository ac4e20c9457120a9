import datetime as dt
import re

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_lib.analysis import clv
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import PublishedFigure, Settings
from crm_lib.show import clv as say
from crm_lib.show.clv import said
from crm_lib.theme import words

AS_OF = dt.date(2025, 12, 31)
FIRST = dt.datetime(2024, 1, 1, 12)


@pytest.fixture(autouse=True)
def yuan():
    words.use("en", "CNY")
    yield
    words.use()


def table(rows):
    customers, days, amounts = zip(*rows, strict=True) if rows else ((), (), ())
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "at": pa.array([FIRST + dt.timedelta(days=int(d)) for d in days], pa.timestamp("us")),
                "amount": pa.array(amounts, pa.float64()),
            }
        )
    )


def shop(hostile="c0"):
    """Two hundred customers; one bought much and often, then fell silent."""
    rng = np.random.default_rng(1)
    rows = [(hostile, day, 900.0) for day in range(0, 100, 5)]
    for i in range(200):
        day, until, pace = rng.integers(0, 500), rng.exponential(400), rng.gamma(1.0, 40) + 3
        first = day
        while day < 731 and day <= first + until:
            rows.append((f"c{i:04}", day, round(rng.gamma(4, 10), 2)))
            day += 1 + rng.exponential(pace)
    return rows


def text(part):
    shown = re.sub(r'base64,[^" ]*', "", part.html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))


@pytest.fixture(scope="module")
def forecast():
    return clv.forecast(table(shop()), AS_OF, clv.Options(horizon_weeks=26, currency="CNY"))


@pytest.fixture(scope="module")
def nothing():
    return clv.forecast(table([(f"c{i}", i, 5.0) for i in range(40)]), AS_OF)


def parts(forecast):
    return [
        say.headline(forecast),
        say.value_by_tenth(forecast),
        say.at_risk(forecast),
        say.trust(forecast, Settings()),
        say.next_steps(forecast),
    ]


def test_the_cards_say_value_orders_and_silent_customers(forecast):
    shown = text(say.headline(forecast))
    assert words.number(forecast.outlook.orders.value) in shown
    assert f"n = {forecast.n_customers}" in shown
    assert "90 %: CN¥" in shown
    assert "Once good, now silent" in shown


def test_money_is_called_revenue_without_a_margin_and_profit_with_one(forecast):
    assert "Revenue expected" in text(say.headline(forecast))
    rich = clv.forecast(table(shop()), AS_OF, clv.Options(horizon_weeks=26, margin_share=0.4))
    assert "Profit expected" in text(say.headline(rich))
    assert "Share of expected profit" in text(say.value_by_tenth(rich))


def test_who_has_gone_silent_is_named_first(forecast):
    shown = text(say.at_risk(forecast))
    assert re.search(r"P\(buy\) c0 CN¥[\d,]+ 20 ", shown), shown
    assert "made 20 orders within 14 weeks" in shown


def test_the_titles_are_findings_of_at_most_ten_words(forecast):
    titles = [
        text_of
        for part in (say.value_by_tenth(forecast), say.trust(forecast, Settings()))
        for text_of in re.findall(r'<p class="?t"?>(.*?)</p>', part.html)
    ]
    assert len(titles) == 2
    assert all(len(t.split(" ")) <= 10 for t in titles), titles
    assert titles[0].startswith("The top tenth brings")


def test_the_test_is_told_with_both_numbers(forecast):
    shown, test = text(say.trust(forecast, Settings())), forecast.holdout
    assert f"{words.number(test.expected_orders)} orders were expected" in shown
    assert f"{words.number(test.seen_orders)} came" in shown
    assert "One such test is too few" in shown


def test_the_simplest_rule_and_another_program_stand_beside_the_model(forecast):
    shown = text(say.trust(forecast, Settings()))
    assert "same rate as before" in shown
    assert "weeks since last order" in shown
    assert "lifetimes 0.11" in shown


def published(up_to):
    return Settings(published=(PublishedFigure("clv", "holdout_r", 0.5, 9.0, "A paper", "Shape r", up_to),))


def test_numbers_in_print_stand_beside_ours_where_the_dates_agree(forecast):
    cut_on = forecast.holdout.cut_on.isoformat()
    assert "✓ agrees" in text(say.trust(forecast, published(cut_on)))


def test_numbers_in_print_for_another_day_are_not_compared(forecast):
    shown = text(say.trust(forecast, published("2025-10-01")))
    assert "agrees" not in shown
    assert "in print for data up to 1 October 2025: hold back 13 weeks" in shown


def test_steps_are_ranked_by_money(forecast):
    shown = text(say.next_steps(forecast))
    keep, call = shown.index("Give the top tenth"), shown.index("Call the")
    tenth = forecast.outlook.tenths["amount"].iloc[0]
    stake = forecast.outlook.risk.customers["at_risk_amount"].head(6).sum()
    assert (keep < call) == (tenth >= stake)
    assert shown.index("Fit again") > max(keep, call)


def test_nothing_unsaid_slips_in(forecast, nothing):
    for part in [*parts(forecast), *parts(nothing)]:
        assert not re.search(r"\bnan\b|\binf\b|\bNone\b|\{\w+\}", text(part)), text(part)


def test_without_a_model_every_section_says_why(nothing):
    assert "Customers with an order 40" in text(say.headline(nothing))
    for part in parts(nothing):
        assert "0 of 40 customers have bought a second time" in text(part)
    published = say.publication(nothing)
    check_publication(published)
    assert published.notes == (published.summary,)


def test_without_any_order_the_page_is_in_words():
    empty = clv.forecast(table([("a", 1, -5.0)]), AS_OF)
    assert all("There is no order up to this date" in text(p) for p in parts(empty))


def test_without_a_test_the_page_says_so():
    untested = clv.forecast(table(shop()), AS_OF, clv.Options(holdout_weeks=0))
    assert "not tested" in text(say.headline(untested))
    assert "No weeks were held back" in text(say.trust(untested, Settings()))
    assert say.publication(untested).notes


def test_what_customers_are_called_is_text_never_markup():
    found = clv.forecast(table(shop("<script>alert(1)</script>")), AS_OF)
    shown = say.at_risk(found).html
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_every_published_figure_has_words(forecast):
    published = say.publication(forecast)
    check_publication(published)
    assert [f.name for f in published.figures if not f.words] == []
    assert "from one customer in ten" in published.summary


@pytest.mark.parametrize(
    ("miss", "expected"),
    [
        (1.14, "90 %: 90 – 110 · n = 5; up to 125 if it misses as it did last time"),
        (0.9, "90 %: 90 – 110 · n = 5; down to 81 if it misses as it did last time"),
        (1.001, "90 %: 90 – 110 · n = 5"),
    ],
)
def test_the_range_reaches_as_far_as_the_miss(miss, expected):
    estimate = Interval(100.0, 90.0, 110.0, 5)
    found = said.range_in_words(estimate, clv.widened(estimate, miss), words.number)
    assert found.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "CN¥0"), (3.456, "CN¥3.46"), (55_641, "CN¥55,600"), (12_306_870, "CN¥12.3M"), (1_234_567, "CN¥1.23M")],
)
def test_money_is_not_said_more_exactly_than_known(amount, expected):
    assert said.about(amount) == expected
