import datetime as dt
import re
from types import SimpleNamespace

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_lib.analysis import clv
from crm_lib.analysis.clv.layers import Layers, stretched
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import PublishedFigure
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
        say.realised(forecast),
        say.value_by_tenth(forecast),
        say.most_valuable(forecast),
        say.at_risk(forecast),
        say.trust(forecast),
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
        for part in (say.value_by_tenth(forecast), say.trust(forecast))
        for text_of in re.findall(r'<p class="?t"?>(.*?)</p>', part.html)
    ]
    assert len(titles) == 2
    assert all(len(t.split(" ")) <= 10 for t in titles), titles
    assert titles[0].startswith("The top tenth brings")


def test_the_test_is_told_with_both_numbers(forecast):
    shown, test = text(say.trust(forecast)), forecast.holdout
    assert f"{words.number(test.expected_orders)} orders were expected" in shown
    assert f"{words.number(test.seen_orders)} came" in shown
    assert "The data have room for" in shown or "hold-outs of 26 weeks that don't overlap" in shown


def test_the_simplest_rule_and_another_program_stand_beside_the_model(forecast):
    shown = text(say.trust(forecast))
    assert "each goes on at the same rate" in shown
    assert "days since last order" in shown
    assert re.search(r"The model won \d of 7 contests", shown)
    assert "lifetimes 0.11" in shown


def recomputed(*rows):
    def entry(name, value):
        return PublishedFigure("clv", name, value, 0.5, "A paper", name, "1997-09-30")

    return tuple(clv.Recomputed(entry(name, value), here) for name, value, here in rows)


def test_published_numbers_stand_beside_ours_with_a_mark_and_a_word():
    source = SimpleNamespace(title="CDNOW")
    shown = text(say.checked(source, recomputed(("r", 1.0, 1.1), ("b", 2.0, 2.2))))
    assert "All 2 agree" in shown
    assert shown.count("✓ agrees") == 2
    assert "fitted to data up to 30 September 1997" in shown


def test_a_number_that_differs_is_said_first():
    shown = text(say.checked(SimpleNamespace(title="CDNOW"), recomputed(("r", 1.0, 9.0), ("b", 2.0, None))))
    assert "0 of 2 agree" in shown
    assert "✗ differs" in shown
    assert "not computed" in shown


def test_where_the_published_data_are_missing_the_page_says_so():
    assert "not in crm.toml" in text(say.checked(None, clv.recomputed(None)))


def test_revenue_is_called_revenue_where_no_cost_is_known(forecast):
    shown = text(say.realised(forecast))
    assert "Revenue, not profit" in shown.replace(" ,", ",")
    assert "Revenue expected" in text(say.headline(forecast))


def with_costs(share=0.4):
    """The shop with the production cost of every row."""
    rows = table(shop())
    return rows.mutate(cost_amount=rows["amount"] * share)


def test_profit_is_shown_cost_by_cost(forecast):
    found = clv.forecast(with_costs(), AS_OF, clv.Options(horizon_weeks=26, currency="CNY"))
    shown = text(say.realised(found))
    assert "− production cost" in shown
    assert "60.0 %" in shown.replace("\xa0", " ")
    assert "known for 100 % of sales" in shown.replace("\xa0", " ")
    assert "Costs of campaigns and overhead are not known" in shown
    assert "Profit expected" in text(say.headline(found))
    assert found.outlook.value.value == pytest.approx(0.6 * forecast.outlook.value.value, rel=1e-3)


def test_the_most_valuable_customers_come_first_with_range_and_day(forecast):
    shown = text(say.most_valuable(forecast))
    best = forecast.table.sort_values("clv_mid", ascending=False)["customer_id"].iloc[:2].tolist()
    assert shown.index(best[0]) < shown.index(best[1])
    assert "Next order by" in shown


def test_layers_and_models_are_told(forecast):
    shown = text(say.trust(forecast))
    assert "What the ranges are made of" in shown
    assert "MBG/NBD" in shown
    assert "AIC above best" in shown
    assert "mean chance to leave after an order" in shown


def test_a_range_of_all_layers_is_said_plainly():
    whole = Layers(0.1, 0.1, 0.2, 5, Interval(100.0, 70.0, 150.0, 5))
    found = said.range_in_words(Interval(100.0, 90.0, 110.0, 5), whole, words.number)
    assert found.replace("\u00a0", " ") == "90 %: 70 – 150 · n = 5"


def test_a_simpler_model_is_named():
    steady = [(f"c{i}", j * 14 + i % 14, 5.0 + i % 7) for i in range(60) for j in range(50)]
    shown = text(say.trust(clv.forecast(table(steady), AS_OF, clv.Options(holdout_weeks=0))))
    assert "Simpler model" in shown
    assert "The NBD model, in which all customers stay, stands in" in shown


def test_spend_that_hangs_on_frequency_is_said():
    dear = [(f"c{i}", d, 10.0 * i + d % 7) for i in range(1, 81) for d in range(0, 8 * i, 15)]
    shown = text(say.trust(clv.forecast(table(dear), AS_OF, clv.Options(holdout_weeks=0))))
    assert "each band of order numbers is drawn towards a mean of its own" in shown


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
    assert "Repeat orders in 52 weeks, one pace for all 0.0" in text(say.headline(nothing))
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
    assert "No weeks were held back" in text(say.trust(untested))
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
    layers = Layers(0.1, 0.1, None, 1, stretched(estimate, [miss]))
    found = said.range_in_words(estimate, layers, words.number)
    assert found.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "CN¥0"), (3.456, "CN¥3.46"), (55_641, "CN¥55,600"), (12_306_870, "CN¥12.3M"), (1_234_567, "CN¥1.23M")],
)
def test_money_is_not_said_more_exactly_than_known(amount, expected):
    assert said.about(amount) == expected
