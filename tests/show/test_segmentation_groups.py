"""Schemes, moves and overlap as a reader reads them."""

import datetime as dt
import html
import re

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation
from crm_lib.contract.publication import check_publication
from crm_lib.errors import NotEnoughData
from crm_lib.show import segmentation as say
from crm_lib.theme import words

AS_OF = dt.date(2026, 10, 31)
RULES = "orders > 10; days > 90"


@pytest.fixture(autouse=True)
def _euros():
    words.use(currency="EUR")
    yield
    words.use()


def text(part):
    """What a reader reads, tags and pictures taken out."""
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"data:image[^\"']+", "", part.html))
    return " ".join(html.unescape(bare).replace("\N{NO-BREAK SPACE}", " ").split())


def purchases(n=200, seed=4, channels=("web", "store"), days=700):
    rng = np.random.default_rng(seed)
    rows = 5 * n
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in rng.integers(0, n, rows)],
            "at": pd.Timestamp(AS_OF) - pd.to_timedelta(rng.integers(0, days, rows), unit="D"),
            "amount": rng.lognormal(4, 1, rows).round(2),
            "channel": rng.choice(channels, rows),
        }
    )
    return ibis.memtable(frame)


def page(transactions, table=None, weeks=52, cross="value_kind, value_grade", how=None):
    """Every part of the page that this file is about, and the publication."""
    result = segmentation.segments(transactions, as_of=AS_OF, how=how)
    moves = segmentation.migration(transactions, AS_OF, weeks)
    found = segmentation.schemes(
        result.customers,
        AS_OF,
        transactions=transactions,
        table=table,
        behaviours=RULES,
        dimensions=["tier"],
    )
    shared = segmentation.overlap(found, cross)
    parts = [say.headline(result, moves), say.migration(result, moves), say.schemes(result, found)]
    parts += [say.overlap(found, shared), say.trust(result)]
    publication = say.publication(result, moves, found, shared)
    check_publication(publication)
    said = " ".join(text(p) for p in parts)
    assert not {"nan", "None", "inf", "NaN"} & set(said.split())
    return said, publication


def people(n=200, **columns):
    return ibis.memtable(pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(n)]} | columns))


def test_the_page_says_who_moved_with_customers_money_and_interval():
    transactions = purchases()
    said, publication = page(transactions, weeks=40)
    figures = {f.name: f for f in publication.figures}
    down, share = figures["moved_down_from_a_n"], figures["moved_down_from_a_share"]
    assert f"{down.value} of {down.n} A customers fell or stopped" in said
    assert f"90 %: {100 * share.low:.0f} % – {100 * share.high:.0f} %" in said
    assert "Customers and money moved" in said
    assert figures["moved_down_from_a_amount"].unit == "EUR"


def test_the_customer_table_has_every_scheme_once():
    _, publication = page(purchases(), people(tier=["x", "y"] * 100))
    columns = list(publication.tables["customers"].columns)
    assert len(columns) == len(set(columns))
    wanted = {"value_level", "value_kind", "orders_over_10", "days_over_90", "channel_mix", "grade_before"}
    assert wanted <= set(columns)
    assert "tier" not in columns  # attributes beside an id would show groups that the page hides
    assert len(publication.tables["customers"]) == int(publication["n_customers"].value)
    segments = publication.tables["segments"]
    assert segments["n_customers"].sum() == int(publication["n_customers"].value)
    assert dict(zip(segments["segment"], segments["name"], strict=True))["best"] == "Best customers"
    assert segments["amount"].is_monotonic_decreasing
    assert all(f.words for f in publication.figures)


def test_schemes_are_named_by_their_rules_and_customers_on_two_lists_are_said():
    said, publication = page(purchases())
    assert "More than 10 orders" in said
    assert "Silent more than 90 days" in said
    assert "much money, many orders, and still buying" in said
    twice = publication["contacted_twice_n"]
    assert f"{twice.value} of {twice.n} customers on these lists" in said
    assert "Not in this source: Age, Gender, Region, City" in said


def test_where_the_data_are_short_the_page_says_which_periods_are_compared():
    said, _ = page(purchases(days=200))
    assert "Two periods of 52 weeks were asked for" in said


def test_half_unknown_and_constant_attributes_are_said():
    table = people(region=["north"] * 200, gender=["f"] * 100 + [None] * 100)
    said, _ = page(purchases(), table)
    assert "tells nobody apart: Region" in said
    assert "read with care: Gender (50 %)" in said


def test_hostile_names_stay_text():
    table = people(tier=["<script>alert(1)</script>", "**=cmd|x"] * 100)
    transactions = purchases(channels=("<b>web</b>", "store"))
    result = segmentation.segments(transactions, as_of=AS_OF)
    found = segmentation.schemes(
        result.customers, AS_OF, transactions=transactions, table=table, dimensions=["tier"]
    )
    shared = segmentation.overlap(found, "tier, channel_mix")
    markup = say.schemes(result, found).html + say.overlap(found, shared).html
    assert "<script" not in markup
    assert "<b>web" not in markup
    assert "&lt;script&gt;" in markup


def test_small_cells_of_attributes_are_not_shown():
    table = people(tier=["x"] * 190 + ["y"] * 10)
    said, _ = page(purchases(), table, cross="tier, segment")
    assert "Cells of fewer than 5 customers" in said


def test_a_crossing_of_what_the_source_lacks_is_said():
    said, _ = page(purchases(), cross="tier, segment")
    assert "the source lacks one of them" in said


def test_weights_by_comparison_come_with_their_consistency():
    how = segmentation.grading(weighing="orders/days 3, money/days 7, money/orders 3")
    said, _ = page(purchases(), how=how)
    assert "by pairwise comparison, used here" in said
    assert "The comparisons are consistent: ratio 0.006, where 0.10 is the limit" in said


def test_the_textbooks_table_is_checked_on_other_pages_too():
    rows = pd.DataFrame(
        {"customer_id": ["a", "b"], "days_since_last": [1, 2], "n_orders": [2, 1], "amount": [9.0, 1.0]}
        | {"printed_r": [5, 1], "printed_f": [5, 1], "printed_m": [5, 2]}
    )
    textbook = segmentation.segments(None, ibis.memtable(rows), as_of=AS_OF)
    said = text(say.trust(segmentation.segments(purchases(), as_of=AS_OF), textbook=textbook))
    assert "Checked against published numbers" in said
    assert "✓ as printed" in said or "✗" in said


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", 0, 5.0)], "too short a time to grade customers at two dates"),
        ([("a", 0, 5.0), ("b", 0, 7.0), ("c", 0, 7.0)], "too short a time"),
        ([("a", 400, 5.0), ("b", 300, 0.0)], "Nobody was of grade A|A customers fell or stopped"),
        ([("a", 400, 0.0), ("b", 10, 0.0)], "Nobody was of grade A"),
        ([("a", 700, 5.0), ("a", 10, -5.0), ("b", 500, 5.0)], "fell or stopped"),
    ],
)
def test_odd_purchases_make_a_page_in_words(rows, expected):
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    frame["at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(frame["at"], unit="D")
    said, _ = page(ibis.memtable(frame))
    assert re.search(expected, said)


def test_refunds_alone_are_too_few_data():
    frame = pd.DataFrame({"customer_id": ["a"], "at": [pd.Timestamp(AS_OF)], "amount": [-5.0]})
    with pytest.raises(NotEnoughData, match="none of them is an order"):
        page(ibis.memtable(frame))
