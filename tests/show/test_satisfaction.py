"""What a stakeholder reads about satisfaction, and what must never be on the page."""

import datetime as dt
import html
import re
from dataclasses import replace

import ibis
import pandas as pd
import pytest

from crm_lib.analysis import satisfaction
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import PublishedFigure, SatisfactionSettings, Scale
from crm_lib.show import satisfaction as say
from crm_lib.theme import words

HOSTILE = '<script>alert("x")</script> **=cmd|calc**'
COMMENT = "my phone is 555-0199"
SCALES = {
    "nps": Scale(0, 10),
    "csat": Scale(1, 5, top_from=4),
    "ces": Scale(1, 7),
    "items": Scale(0, 10, top_from=9),
}
SETTINGS = SatisfactionSettings(scales=SCALES, touchpoints=("shop", "delivery", HOSTILE))
SURVEY = {
    "response_id": "string",
    "customer_id": "string",
    "touchpoint": "string",
    "asked_at": "timestamp",
    "answered_at": "timestamp",
    "nps": "float64",
    "csat": "float64",
    "ces": "float64",
    "walked_away": "boolean",
    "comment": "string",
}
ITEM = {"response_id": "string", "aspect": "string", "expected": "float64", "perceived": "float64"}
PARTS = (
    say.headline,
    say.falls_short,
    say.journey,
    say.change,
    say.answers,
    say.complaints,
    say.trust,
    say.next_steps,
)
WITH_EVIDENCE = (
    say.headline,
    say.falls_short,
    say.matters,
    say.complaints,
    say.later,
    say.answers,
    say.silent,
    say.next_steps,
)
AS_OF = dt.date(2025, 6, 30)


@pytest.fixture(autouse=True)
def english():
    words.use("en")


def people(n=120, touchpoints=("shop", "delivery", HOSTILE)):
    """`n` answers over two quarters; who met the last touchpoint left, half of the time."""
    rows = []
    for i in range(n):
        at = pd.Timestamp("2024-02-01" if i % 2 else "2024-05-01")
        stop = touchpoints[i % len(touchpoints)]
        left = stop == touchpoints[-1] and i % 2 == 0
        rows.append((f"r{i}", f"c{i}", stop, at, at, 10 - i % 8, 1 + i % 5, 1 + i % 7, left, COMMENT))
    return pd.DataFrame(rows, columns=list(SURVEY))


def rated(frame, perceived=None):
    """Two aspects for each response: one falls short for all, one meets what was expected."""
    got = perceived or {HOSTILE: 5, "delivery time": 9}
    rows = [
        (r, aspect, 8 + i % 2, value + i % 3 / 2)
        for i, r in enumerate(frame.response_id)
        for aspect, value in got.items()
    ]
    return pd.DataFrame(rows, columns=list(ITEM))


def cases():
    frame = pd.DataFrame(
        {"kind": ["complaint", "complaint", "failure"], "aspect": [HOSTILE, "delivery time", HOSTILE]}
    )
    return ibis.memtable(frame, schema={"kind": "string", "aspect": "string"})


def heard(frame=None, items=None, settings=SETTINGS, with_cases=True, **limits):
    frame = people() if frame is None else frame
    items = rated(frame) if items is None else items
    item_schema = {c: ITEM.get(c, "float64") for c in items.columns}
    return satisfaction.voices(
        ibis.memtable(frame, schema={c: SURVEY[c] for c in frame.columns}),
        ibis.memtable(items, schema=item_schema),
        cases() if with_cases else None,
        settings,
        **limits,
    )


def read(part):
    """The part as a reader sees it: tags, pictures and bidi isolates out."""
    text = re.sub(r"<[^>]+>", " ", part.html)
    text = re.sub("[\u2066-\u2069\u2060]", "", html.unescape(text)).replace("\xa0", " ")
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def said():
    return heard()


def empty(frame):
    return frame.iloc[:0]


DEGENERATE = {
    "nobody answered": lambda: heard(people().assign(answered_at=pd.NaT)),
    "one answer": lambda: heard(people(1)),
    "four answers": lambda: heard(people(4)),
    "twenty answers": lambda: heard(people(20)),
    "expected zero": lambda: heard(items=rated(people()).assign(expected=0.0)),
    "all alike": lambda: heard(
        people().assign(nps=9.0, csat=4.0, ces=4.0), rated(people()).assign(expected=7.0, perceived=7.0)
    ),
    "no scales": lambda: heard(settings=SatisfactionSettings()),
    "no aspects": lambda: heard(items=rated(people()).iloc[:0]),
    "no cases, no touchpoints": lambda: heard(people().drop(columns=["touchpoint"]), with_cases=False),
    "surveys sent only": lambda: heard(people()[["response_id", "asked_at"]]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_page_of_odd_answers_is_in_words(name):
    odd = DEGENERATE[name]()
    page = " ".join(read(part(odd)) for part in PARTS)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page, re.I)
    assert all(read(part(odd)).strip() for part in PARTS)
    check_publication(say.publication(odd))
    assert say.publication(odd).summary


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.__name__)
def test_what_customers_typed_is_text_and_comments_are_not_shown(said, part):
    shown = part(said).html
    assert "<script" not in shown
    assert "<b>=cmd" not in shown
    assert COMMENT not in shown


def test_in_short_has_three_cards_with_interval_and_n(said):
    text = read(say.headline(said))
    assert "Got ÷ expected 0.88 90 %: 0.87 – 0.89 · n = 120" in text
    assert "Would recommend (NPS)" in text
    assert "gave 4 or more out of 5" in text
    assert text.count("n = 120") == 3


def test_what_falls_short_is_named(said):
    assert "What falls shortest is" in read(say.headline(said))
    text = read(say.falls_short(said))
    assert "1 of 2 aspects falls short" in text
    assert "120 of 120 got less than they expected" in text


def test_aspect_with_too_few_answers_is_not_named_worst():
    few = rated(people(10), {"rarely asked": 1})
    text = read(say.falls_short(heard(items=pd.concat([rated(people()), few]))))
    assert "Aspects with fewer than 30 answers stand last" in text
    assert "Lowest is rarely asked" not in text


def scores(means, spread=0):
    """A single score for each aspect of `means`, every other answer higher by `spread`."""
    ids = people().response_id
    parts = [
        pd.DataFrame(
            {"response_id": ids, "aspect": aspect, "score": [mean + i % 2 * spread for i in range(len(ids))]}
        )
        for aspect, mean in means.items()
    ]
    return pd.concat(parts)


def test_single_scores_are_drawn_where_no_expectation_was_asked_for():
    said = heard(items=scores({"hood": 4.0, "oven": 9.0}))
    assert "Scores run from 4.0 to 9.0" in read(say.falls_short(said))
    assert "Ask for the expectation of every aspect" in read(say.next_steps(said))


def test_score_clearly_below_the_next_is_called_lowest():
    said = heard(items=scores({"hood": 4.0, "oven": 9.0}, spread=1))
    assert "hood scores lowest" in read(say.falls_short(said))


def test_one_asked_expectation_is_called_one():
    items = rated(people(), {"delivery time": 9})
    assert "one aspect only" in read(say.headline(heard(items=items)))


def test_touchpoint_where_most_leave_is_in_the_title(said):
    assert "Most leave for good at <script>" in read(say.journey(said))


def test_touchpoints_that_do_not_differ_are_not_ranked():
    said = heard(people().assign(walked_away=[i % 10 == 0 for i in range(120)]))
    assert "No touchpoint stands out" in read(say.journey(said))


def test_change_says_from_when_to_when(said):
    text = read(say.change(said))
    assert "From Q1 2024 to Q2 2024" in text
    assert "Q2 2024 holds answers up to 1 May 2024 only." in text


def test_undeclared_scale_is_said_with_what_to_do():
    said = heard(settings=SatisfactionSettings())
    assert "declare the scale in crm.toml" in read(say.headline(said))
    assert "declare scales in crm.toml" in read(say.next_steps(said))


def test_scale_that_begins_at_one_gives_nps_style_only():
    said = heard(settings=SatisfactionSettings(scales=SCALES | {"nps": Scale(1, 10)}))
    assert "NPS-style" in read(say.headline(said))
    assert "not with a net promoter score from elsewhere" in read(say.trust(said))


def test_fewer_than_five_answers_are_said_in_words():
    text = read(say.headline(heard(people(4))))
    assert "fewer than 5 answers" in text
    assert "Would recommend (NPS): fewer than 5 answers" in text


def test_low_response_is_a_warning_on_page_and_index():
    frame = people()
    silent = frame.assign(response_id=[f"s{i}" for i in range(120)], answered_at=pd.NaT)
    more = silent.assign(response_id=[f"t{i}" for i in range(120)])
    said = heard(pd.concat([frame, silent, more]))
    assert "Most who were asked stayed silent" in read(say.trust(said))
    assert any("stayed silent" in note for note in say.publication(said).notes)
    assert "Ask the 240 who stayed silent" in read(say.next_steps(said))


def test_steps_are_ranked_by_how_much_and_how_many():
    frame = people()
    wide = rated(frame, {"touches all": 7})
    deep = rated(frame.head(40), {"touches few": 6})
    text = read(say.next_steps(heard(items=pd.concat([wide, deep]))))
    assert text.index("touches all") < text.index("touches few")


def test_complaints_stand_beside_the_survey_without_a_cause(said):
    text = read(say.complaints(said))
    assert "Complaints: 2; failures: 1." in text
    assert "because" not in text


def test_rare_answers_are_pooled():
    frame = people().assign(nps=[9.0] * 110 + [2.0] * 8 + [1.0] * 2)
    text = read(say.answers(heard(frame)))
    assert "1–2 10" in text
    assert "Answers that fewer than 5 people gave are joined with the next." in text


def test_titles_are_short(said):
    titles = [t for part in PARTS for t in re.findall(r'<p class="t">(.*?)</p>', part(said).html, re.S)]
    assert len(titles) == 7
    for title in titles:
        assert len(html.unescape(re.sub(r"<[^>]+>", "", title)).split()) <= 10, title


def test_published_numbers_are_set_beside(said):
    entry = PublishedFigure("satisfaction", "answers", 120, 0.5, "Nobody 1900", "Answers given")
    assert "✓ agrees" in read(say.trust(said, (entry,)))


def test_every_published_figure_has_a_name(said):
    published = say.publication(said)
    assert all(f.words for f in published.figures)
    assert published.summary.startswith("Got ÷ expected 0.88, Would recommend (NPS) −25, Content 40")
    assert published["satisfaction"].low < published["satisfaction"].value < published["satisfaction"].high


def evidence(frame=None, items=None, sold=True, complained=2, settings=None, **about):
    """Evidence behind the answers of `frame`: a year of purchases, and complaints about the hostile aspect."""
    frame = people() if frame is None else frame
    items = rated(frame) if items is None else items
    keywords = {HOSTILE: ("phone",)}
    settings = settings or SatisfactionSettings(scales=SCALES, touchpoints=("shop",), comments=keywords)
    tables = {
        "surveys": ibis.memtable(frame, schema={c: SURVEY[c] for c in frame.columns}),
        "survey_items": ibis.memtable(items, schema={c: ITEM.get(c, "float64") for c in items.columns}),
    }
    days = pd.to_datetime(["2023-01-01", "2023-05-01", "2024-01-02", "2024-05-20", "2024-09-01", "2025-06-29"])
    if sold:
        orders = [(f"c{i}", d, 10.0 * (1 + i % 4)) for i in range(150) for d in days if (i + d.month) % 3]
        orders = pd.DataFrame(orders, columns=["customer_id", "at", "amount"])
        tables["transactions"] = ibis.memtable(orders).cast({"amount": "decimal(18,2)"})
    cases = [(f"k{i}", "complaint", pd.Timestamp("2024-05-02"), pd.Timestamp("2024-05-05"), f"c{i}", HOSTILE)
             for i in range(complained)]  # fmt: skip
    columns = ["case_id", "kind", "opened_at", "closed_at", "customer_id", "aspect"]
    if complained:
        tables["cases"] = ibis.memtable(pd.DataFrame(cases, columns=columns))
    said = satisfaction.voices(tables["surveys"], tables["survey_items"], tables.get("cases"), settings)
    return said, satisfaction.evidence(said, tables, settings, as_of=AS_OF, **about)


@pytest.fixture(scope="module")
def behind():
    return evidence()


@pytest.mark.parametrize("part", WITH_EVIDENCE, ids=lambda p: p.__name__)
def test_evidence_is_text_never_markup_and_never_a_comment(behind, part):
    shown = part(*behind).html
    assert read(part(*behind)).strip()
    assert "<script" not in shown
    assert "<b>=cmd" not in shown
    assert COMMENT not in shown
    assert not re.search(r"\b[nN]a[nN]\b|\bNone\b|\binf\b", read(part(*behind)))


BARE = {
    "no purchases, no cases": lambda: evidence(sold=False, complained=0),
    "no purchases": lambda: evidence(sold=False),
    "one answer": lambda: evidence(people(1)),
    "four answers": lambda: evidence(people(4)),
    "nobody answered": lambda: evidence(people().assign(answered_at=pd.NaT)),
    "no customers": lambda: evidence(people().assign(customer_id=None)),
    "all alike": lambda: evidence(people().assign(nps=9.0, csat=4.0), rated(people()).assign(perceived=7.0)),
    "no scales": lambda: evidence(settings=SatisfactionSettings()),
    "no comments": lambda: evidence(people().drop(columns="comment")),
    "one aspect": lambda: evidence(items=rated(people(), {"speed": 9})),
}


@pytest.mark.parametrize("name", BARE)
def test_a_page_that_its_tables_can_not_bear_is_in_words(name):
    odd = BARE[name]()
    page = " ".join(read(part(*odd)) for part in WITH_EVIDENCE)
    assert not re.search(r"\b[nN]a[nN]\b|\bNone\b|\binf\b", page)
    assert all(read(part(*odd)).strip() for part in WITH_EVIDENCE)
    check_publication(say.publication(*odd))


def test_titles_of_the_evidence_are_short(behind):
    titles = [t for part in WITH_EVIDENCE for t in re.findall(r'<p class="t">(.*?)</p>', part(*behind).html, re.S)]
    for title in titles:
        assert len(html.unescape(re.sub(r"<[^>]+>", "", title)).split()) <= 10, title


def test_money_stands_in_short(behind):
    assert "Customers who said they are not content bought for" in read(say.headline(*behind))


def test_later_purchases_are_said_without_a_cause(behind):
    text = read(say.later(*behind))
    assert "not why" in text
    assert not re.search(r"because|causes|leads to|thanks to|effect of", text)


def test_comments_are_counted_by_category(behind):
    text = read(say.answers(*behind))
    assert "120 answers carry a comment. Comments are counted, never shown." in text


def test_survey_that_rises_while_complaints_rise_is_a_note_on_page_and_index():
    better = people().assign(nps=[9.0] * 120)
    items = rated(better)
    later_ones = set(better.response_id[better.answered_at >= "2024-04-01"])
    items["perceived"] += [float(r in later_ones) for r in items.response_id]
    days = pd.date_range("2023-10-01", "2024-09-30", freq="7D")
    said, found = evidence(better, items)
    orders = pd.DataFrame(
        [(f"c{i}", d, 5.0) for d in days for i in range(40)], columns=["customer_id", "at", "amount"]
    )
    cases = pd.DataFrame(
        {"kind": "complaint", "opened_at": pd.to_datetime(["2024-05-02"] * 12), "aspect": HOSTILE}
    )
    outside = satisfaction.outside.outside(
        ibis.memtable(cases),
        ibis.memtable(orders).cast({"amount": "decimal(18,2)"}),
        None,
        said.trend,
        said.limits,
    )
    found = replace(found, outside=outside)
    text = read(say.complaints(said, found))
    assert "while complaints rose from 0.0 to 30.0 per 100 customers" in text
    assert "Neither figure was changed" in text
    assert any("not proven" in note for note in say.publication(said, found).notes)
    assert said.overall.ratio.value == heard(better, items).overall.ratio.value


def test_dates_that_run_backwards_and_possible_duplicates_are_a_note():
    frame = people(40).assign(customer_id="c1", touchpoint="shop")
    frame.loc[0, "asked_at"] = pd.Timestamp("2025-01-01")
    text = read(say.trust(heard(frame)))
    assert "1 answer is dated before its question" in text
    assert "38 answers repeat one of the same customer, day and touchpoint" in text
