import datetime as dt
import re

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show import segmentation as say
from crm_lib.show.segmentation import names
from crm_lib.theme import words

AS_OF = dt.date(2026, 10, 31)


@pytest.fixture(autouse=True)
def _euros():
    words.use(currency="EUR")
    yield
    words.use()


def shop(n=120, seed=3, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "days_since_last": rng.integers(0, 400, n),
            "n_orders": rng.integers(1, 12, n),
            "amount": rng.lognormal(5, 1, n).round(2),
        }
        | columns
    )
    return segmentation.segments(None, ibis.memtable(frame), as_of=AS_OF)


def of(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "days_since_last", "n_orders", "amount"])
    return segmentation.segments(None, ibis.memtable(frame), as_of=AS_OF)


def text(part):
    """What a reader reads, tags and pictures taken out."""
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"data:image[^\"']+", "", part.html))
    return " ".join(bare.replace("\N{NO-BREAK SPACE}", " ").split())


def everything(result):
    parts = [say.headline(result), say.money_by_segment(result), say.pyramid(result), say.at_risk(result)]
    parts += [say.scores(result), say.trust(result), say.next_steps(result)]
    found = segmentation.schemes(result.customers, AS_OF, behaviours="orders > 10; days > 90")
    parts += [say.schemes(result, found), say.overlap(found, segmentation.overlap(found))]
    parts += [say.migration(result, None)]
    return " ".join(text(p) for p in parts)


def test_every_segment_has_words():
    said = names.segments()
    assert tuple(said) == segmentation.SEGMENTS
    assert len({w.name for w in said.values()}) == len(said)
    assert all(w.name and w.meaning.endswith(".") and w.action.endswith(".") for w in said.values())


def test_the_headline_says_share_interval_and_n():
    result = shop()
    said = text(say.headline(result))
    top = result.top_fifth
    assert f"{100 * top.value:.0f} %" in said
    assert f"90 %: {100 * top.low:.0f} % – {100 * top.high:.0f} % · n = 120" in said
    assert "24 of 120 customers bring it" in said


def test_good_customers_going_quiet_are_counted_on_their_card():
    result = of(("a", 3, 3, 10.0), ("b", 90, 9, 900.0), ("c", 2, 2, 20.0), ("d", 1, 1, 30.0), ("e", 4, 1, 5.0))
    said = text(say.headline(result))
    assert "1 customer who spent much has not bought lately" in said
    assert "€900" in said


def test_segments_come_by_money_and_the_richest_is_in_the_title():
    result = shop()
    said = text(say.money_by_segment(result))
    richest = names.segments()[result.by_segment.iloc[0]["segment"]].name
    assert said.startswith(f"“{richest}”: {100 * result.by_segment.iloc[0]['amount_share']:.0f} % of the money")
    assert "everyone else" in said
    assert "r ≥ 4 and f ≥ 4 and m ≥ 4" in said


def test_lately_often_and_much_are_said_in_numbers():
    result = shop()
    cuts = dict(zip(result.accounts["dimension"], result.accounts["cuts"], strict=True))
    said = text(say.money_by_segment(result))
    assert f"lately means at most {cuts['r'][1]:.0f} days ago" in said
    assert f"often means at least {cuts['f'][2] + 1:.0f} orders" in said


def test_the_80_20_rule_is_judged_by_the_interval():
    even = of(*((f"c{i}", i, 1, 100.0 + i) for i in range(60)))
    assert "spread more evenly" in text(say.pyramid(even))
    steep = of(*((f"c{i}", i, 1, 1000.0 if i < 30 else 0.1) for i in range(300)))
    assert "hangs on fewer customers" in text(say.pyramid(steep))


def test_customers_at_risk_are_listed_by_id_with_what_they_spent():
    result = shop()
    said = text(say.at_risk(result))
    worst = segmentation.at_risk(result).iloc[0]
    assert f"{worst['customer_id']} " in said
    assert f"10 of {result.publication['slipping_n'].value}, by what they spent so far" in said


def test_the_ten_highest_scores_are_shown_and_up_to_two_hundred_in_a_fold():
    assert "The 10 highest scores" in text(say.scores(shop()))
    assert "All 120 customers" in text(say.scores(shop()))
    assert say.scores(shop()).html.count("<tr") == 11 + 121
    assert say.scores(shop(n=300)).html.count("<tr") == 11


def test_scores_printed_by_the_source_stand_beside_ours():
    result = shop(printed_weighted=[3.0] * 120)
    assert "As printed" in text(say.scores(result))
    assert "differ" in text(say.trust(result))


def test_too_many_ties_are_said():
    result = shop(n_orders=[1] * 60 + list(range(2, 62)))
    said = text(say.trust(result))
    assert "50 % of the customers have 1 order. That is too many to cut by count, so fixed limits are used" in said
    assert say.publication(result).notes == say.cautions(result)


def test_published_figures_are_checked():
    entry = PublishedFigure("segmentation", "n_customers", 120, 0, "a book", "customers")
    assert "agrees" in text(say.trust(shop(), [entry]))
    assert "a book" not in text(say.trust(shop()))


def test_steps_are_ranked_by_money():
    result = shop()
    said = text(say.next_steps(result))
    names_in_order = [names.segments()[s].name for s in result.by_segment["segment"][:5]]
    places = [said.index(f"{n} (") for n in names_in_order]
    assert places == sorted(places)


def test_the_publication_has_words_units_and_a_summary():
    publication = say.publication(shop())
    check_publication(publication)
    assert all(f.words for f in publication.figures)
    assert publication["amount"].unit == "EUR"
    assert publication.summary.startswith("The top fifth of 120 customers holds")


def test_a_single_customer_is_not_compared_with_others():
    said = everything(of(("a", 3, 2, 10.0)))
    assert "There is only one customer." in said
    assert "any other" not in said


@pytest.mark.parametrize(
    ("rows", "words_found"),
    [
        ([("a", 3, 2, 10.0)], "only one customer"),
        ([(c, 3, 2, 10.0) for c in "abcdef"], "All customers are alike"),
        ([("a", 3, 2, 0.0), ("b", 9, 1, -5.0)], "Nobody has paid more than was paid back"),
        ([("a", 3, 2, -5.0), ("b", 9, 1, 50.0)], "was paid back more than was paid"),
    ],
)
def test_odd_data_make_a_page_in_words(rows, words_found):
    said = everything(of(*rows))
    assert words_found in said
    assert "nan" not in said.lower().split()
    assert "None" not in said
