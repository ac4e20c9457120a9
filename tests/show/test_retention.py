import datetime as dt
import html
import re
from functools import cache

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_lib.analysis import retention
from crm_lib.analysis.retention.stages import STAGES
from crm_lib.contract.publication import check_publication
from crm_lib.show import retention as say
from crm_lib.show.retention.lifecycle import stage_names
from crm_lib.show.retention.said import pace_name
from crm_lib.theme import words

AS_OF = dt.date(2025, 12, 31)
HOSTILE = "<b>**South**</b>"
PARTS = (
    "headline",
    "early_warning",
    "churn",
    "life_cycle",
    "loyalty",
    "silence",
    "cohorts",
    "survival",
    "contracts",
)
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")


@pytest.fixture(autouse=True)
def _euros():
    words.use(currency="EUR")
    yield
    words.use()


def table(rows):
    customers, days, amounts = zip(*rows, strict=True) if rows else ((), (), ())
    noon = dt.datetime.combine(AS_OF, dt.time(12))
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "at": pa.array([noon - dt.timedelta(days=int(d)) for d in days], pa.timestamp("us")),
                "amount": pa.array(amounts, pa.float64()),
            }
        )
    )


def rows(n=300, seed=1):
    """Customers of two kinds: some order often and stay, some leave soon."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        left, pace = rng.integers(200, 1000), 25 if i % 3 else 60
        until, day = rng.exponential(800 if i % 3 else 150), 0.0
        while day < min(until, left):
            found.append((f"c{i:03}", left - int(day), round(float(rng.gamma(2, 40 if i % 3 else 10)), 2)))
            day += rng.exponential(pace) + 1
    return found


@pytest.fixture(scope="module")
def result():
    ids = [f"c{i:03}" for i in range(300)]
    ends = [AS_OF + dt.timedelta(days=i - 100) if i % 5 == 0 else None for i in range(300)]
    people = pa.table(
        {
            "customer_id": ids,
            "channel": ["shop" if i % 3 else HOSTILE for i in range(300)],
            "tier": ["gold" if i % 4 else HOSTILE for i in range(300)],
            "points": [10 * i for i in range(300)],
            "contract_end": pa.array(ends, pa.date32()),
        }
    )
    return retention.retention(table(rows()), AS_OF, ibis.memtable(people))


def text(part):
    """What a reader reads, tags and pictures taken out."""
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"data:image[^\"']+", "", part.html))
    return " ".join(html.unescape(bare).replace("\N{NO-BREAK SPACE}", " ").split())


def everything(found):
    parts = [getattr(say, name)(found) for name in PARTS] + [say.trust(found), say.next_steps(found)]
    return " ".join(text(p) for p in parts)


def no_nonsense(said):
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b|\{\w+\}", said), said


def test_the_whole_page_is_said_without_nonsense(result):
    no_nonsense(everything(result))


def test_the_headline_has_money_churn_and_loyalty_with_intervals_and_n(result):
    said = text(say.headline(result))
    for start in (
        "Sales at risk in 26 weeks",
        "Active customers lost in 26 weeks",
        "Good customers who kept",
        "Churned so far",
    ):
        assert start in said
    assert said.count("90 %:") == 4
    assert f"n = {result.n_listed:,}" in said


def test_the_list_names_ids_money_chance_and_the_own_limit(result):
    said, first = text(say.early_warning(result)), result.first(1).iloc[0]
    assert first["customer_id"] in said
    assert "Own limit" in said
    assert f"8 of {result.n_listed} customers not yet churned" in said


def test_churn_says_grades_periods_and_the_same_mix(result):
    said = text(say.churn(result))
    assert re.search(r"Grade [B-D] leaves [\d.]+ times as often as [A-C]|All grades leave at the same pace", said)
    assert "Same mix of grades (90 %)" in said
    assert "In 26 weeks" in said


def test_every_stage_has_words_and_everybody_is_counted(result):
    names = stage_names(result)
    assert tuple(names) == STAGES
    assert len({w.name for w in names.values()}) == len(STAGES)
    said = text(say.life_cycle(result))
    assert all(w.play in said for w in names.values())
    assert "There is no earlier page" in said


def test_moves_from_an_earlier_page_are_said_to_be(result):
    before = result.publication
    again = retention.retention(table(rows()), AS_OF, previous=before)
    assert "as published then" in text(say.life_cycle(again))


def test_n_is_justified_in_words(result):
    said = text(say.silence(result))
    assert f"{result.silence.days} days without an order count as churn" in said
    assert "of them came back, against" in said


def test_the_triangle_comes_with_retention_and_survival_named(result):
    said = text(say.cohorts(result))
    assert "Retention: share that ordered in quarter" in said
    assert "Survival: share that ordered in quarter … or later" in said
    assert "of first orders are followed by a second" in said


def test_hostile_names_stay_text(result):
    markup = say.survival(result).html + say.loyalty(result).html
    assert "South" in markup
    assert "<b>**South" not in markup
    assert "<b>South" not in markup


def test_contracts_that_end_soon_are_counted_with_money(result):
    said = text(say.contracts(result))
    assert "within 90 days" in said
    assert "contracts have ended" in said
    without = retention.retention(table(rows()), AS_OF)
    assert "no contract ends" in text(say.contracts(without))


def test_trust_sets_the_list_beside_days_since_the_last_order(result):
    said = text(say.trust(result))
    assert "days since last order" in said
    assert "Which won" in said
    assert "came true" in said


def test_the_publication_names_every_figure(result):
    found = say.publication(result)
    check_publication(found)
    assert all(f.words for f in found.figures), [f.name for f in found.figures if not f.words]
    assert found.summary


def test_paces_have_names_without_gaps():
    assert [pace_name(p) for p in range(7)] == [
        "one order so far", "up to 14 days", "15 – 30 days", "31 – 60 days", "61 – 120 days", "121 – 240 days",
        "over 240 days",
    ]  # fmt: skip


BAD = {
    "empty": [],
    "all refunds": [("a", 3, -5.0), ("b", 9, -1.0)],
    "all on the as-of day": [("a", 0, 5.0), ("b", 0, 1.0)],
    "one customer": [("a", 500, 5.0)],
    "one customer, many orders": [("a", d, 5.0) for d in range(900, 0, -30)],
    "no second order": [(f"c{i}", 100 + 4 * i, 1.0) for i in range(200)],
    "a cohort of one": [("first", 800, 5.0), *[(f"c{i}", 300 - i % 9, 1.0) for i in range(60)]],
    "everybody gone": [(f"c{i}", 900 - d, 2.0) for i in range(60) for d in (0, 7)],
    "nobody paid": [(f"c{i}", 400 - i, 0.0) for i in range(40)],
    "short": [(f"c{i}", d, 2.0) for i in range(40) for d in (50, 20)],
    "two on one day": [("a", 400, 5.0), ("b", 400, 1.0)],
    "deep refund": [("a", 400, 5.0), ("a", 30, -500.0), ("b", 380, 1.0), ("b", 100, 2.0)],
}


@cache
def of(name):
    return retention.retention(table(BAD[name]), AS_OF)


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_page_in_words(name):
    found = of(name)
    said = everything(found)
    no_nonsense(said)
    check_publication(say.publication(found))
    assert len(text(say.headline(found))) > 20


@pytest.mark.parametrize(
    ("name", "words_said"),
    [
        ("all refunds", "every row is a refund"),
        ("all on the as-of day", "can't be seen in less than four weeks"),
        ("no second order", "Fewer than 10 customers have bought a second time"),
    ],
)
def test_the_page_says_why_it_cannot_tell(name, words_said):
    found = of(name)
    assert words_said in text(say.headline(found))
    assert say.publication(found).notes
