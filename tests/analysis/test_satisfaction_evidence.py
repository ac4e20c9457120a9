"""What stands behind the answers, on tables small enough to count by hand."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals, satisfaction
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import by_aspect, handling, later, measure, outside, people, silent
from crm_lib.analysis.satisfaction import drivers as driving
from crm_lib.analysis.satisfaction.base import base
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.comments import comments
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.show import satisfaction as say

AS_OF = dt.date(2024, 12, 31)
SCALES = {"nps": Scale(0, 10), "csat": Scale(1, 5, top_from=4), "items": Scale(1, 10)}
SETTINGS = SatisfactionSettings(scales=SCALES)
ALL = Limits(suppress_below=1, compare_from=1)
SURVEY = {"response_id": "string", "customer_id": "string", "touchpoint": "string", "asked_at": "timestamp",
          "answered_at": "timestamp", "nps": "float64", "csat": "float64", "comment": "string"}  # fmt: skip
ITEM = {"response_id": "string", "aspect": "string", "expected": "float64", "perceived": "float64"}
SALE = {"customer_id": "string", "at": "timestamp", "amount": "decimal(18,2)", "quantity": "float64",
        "product_id": "string"}  # fmt: skip
CASE = {"case_id": "string", "kind": "string", "opened_at": "timestamp", "closed_at": "timestamp",
        "customer_id": "string", "aspect": "string", "product_id": "string"}  # fmt: skip


def table(rows, schema, columns=None):
    columns = columns or list(schema)
    frame = pd.DataFrame(rows, columns=columns)
    for c in columns:
        if schema[c] == "timestamp":
            frame[c] = pd.to_datetime(frame[c])
        elif schema[c] == "float64":
            frame[c] = frame[c].astype(float)
    full = ibis.memtable(
        frame, schema={c: "float64" if schema[c].startswith("decimal") else schema[c] for c in columns}
    )
    return full.cast({c: t for c, t in schema.items() if c in columns and t.startswith("decimal")} or {})


def surveys(rows, columns=("response_id", "customer_id", "asked_at", "answered_at", "csat")):
    return table(rows, SURVEY, list(columns))


def replies(rows, columns=("response_id", "customer_id", "asked_at", "answered_at", "csat")):
    return engine.responses(surveys(rows, columns), SCALES)


def sales(rows, columns=("customer_id", "at", "amount")):
    return table(rows, SALE, list(columns))


# ------------------------------------------------------------------ drivers


def rated(values, names):
    """Answers with a latent csat on their mean and perceived aspects."""
    ids = [f"r{i:04}" for i in range(len(values))]
    rows = [(i, a, None, v) for i, line in zip(ids, values, strict=True) for a, v in zip(names, line, strict=True)]
    return ids, table(rows, ITEM)


def driven(weights, n=600, seed=4, **about):
    """Drivers of a made-up outcome: independent aspects with these weights and noise."""
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(5.5, 1.2, (n, len(weights))), 1, 10)
    y = x @ np.array(weights) + rng.normal(0, 1, n)
    ids, items = rated(x, [f"a{i}" for i in range(len(weights))])
    csat = np.clip(3 + (y - y.mean()) / (2 * y.std()), 1, 5)
    said = replies([(i, i, "2024-01-01", "2024-01-02", c) for i, c in zip(ids, csat, strict=True)])
    return driving.drivers(engine.items(items, said, SCALES["items"]), said, SCALES, Limits(), **about)


def test_importance_is_shared_out_as_the_weights_say():
    """Independent drivers account for weight² each."""
    found = driven([1.0, 0.5, 0.0], n=2000)
    shares = found.table.set_index("aspect").shapley
    assert shares[["a0", "a1", "a2"]].to_numpy() == pytest.approx([0.8, 0.2, 0.0], abs=0.05)
    variance = 1.2**2 * 1.25
    assert found.explained.value == pytest.approx(variance / (variance + 1), abs=0.05)
    assert list(found.leading.aspect) == ["a0"]
    assert found.table.set_index("aspect").apart.to_dict() == {"a0": 1, "a1": -1, "a2": -1}


def test_both_measures_of_importance_sum_to_one_and_nearly_agree():
    found = driven([1.0, 0.5, 0.5, 0.2])
    assert found.table[["shapley", "relative"]].sum().to_numpy() == pytest.approx([1, 1])
    assert found.table.shapley.to_numpy() == pytest.approx(found.table.relative.to_numpy(), abs=0.05)
    assert (found.table.vif < 1.1).all()


def test_the_same_seed_gives_the_same_intervals():
    pd.testing.assert_frame_equal(driven([1, 1], n=90).table, driven([1, 1], n=90).table)


def test_no_more_than_twelve_aspects_are_shared_out_unless_named():
    assert driven([1.0] * 13, n=150).why == driving.TOO_MANY
    named = [f"a{i}" for i in range(12)]
    assert len(driven([1.0] * 13, n=150, wanted=named, n_draws=20).table) == 12


def test_too_few_answers_refuse_to_say_what_matters():
    assert driven([1, 1, 1, 1], n=39).why == driving.FEW
    assert driven([1, 1], n=29).why == driving.FEW
    assert driven([1.0], n=200).why == driving.NO_ASPECTS


def test_an_outcome_that_never_varies_goes_with_nothing():
    ids, items = rated(np.random.default_rng(0).uniform(1, 10, (50, 2)), ["a", "b"])
    said = replies([(i, i, "2024-01-01", "2024-01-02", 4) for i in ids])
    found = driving.drivers(engine.items(items, said, SCALES["items"]), said, SCALES, Limits())
    assert found.why == driving.ALIKE
    assert found.table.empty


def test_answers_that_lack_an_aspect_and_aspects_rarely_asked_are_named():
    rng = np.random.default_rng(1)
    ids = [f"r{i:03}" for i in range(100)]
    rows = [(i, a, None, rng.uniform(1, 10)) for i in ids for a in ("a", "b")][:-1]
    rows += [(i, "rare", None, 5) for i in ids[:20]]
    said = replies([(i, i, "2024-01-01", "2024-01-02", rng.integers(1, 6)) for i in ids])
    found = driving.drivers(engine.items(table(rows, ITEM), said, SCALES["items"]), said, SCALES, Limits())
    assert (found.n, found.n_incomplete, found.left_out) == (99, 1, ("rare",))


# ------------------------------------------------------------------ who stayed silent


def crowd(n_rich, n_poor, rich_answers, poor_answers):
    """Rich customers are content, poor ones not; so many of each answered."""
    people = [(f"a{i:03}", 100, i < rich_answers, 5) for i in range(n_rich)]
    people += [(f"d{i:03}", 1, i < poor_answers, 2) for i in range(n_poor)]
    asked = [(f"r{c}", c, "2024-06-01", "2024-06-02" if yes else None, csat) for c, _, yes, csat in people]
    bought = sales([(c, "2024-05-01", amount) for c, amount, *_ in people])
    return replies(asked), base(None, bought, AS_OF)


def test_weighted_share_is_that_of_the_customer_base():
    said, customers = crowd(40, 160, 40, 40)
    found = silent.silent(said, None, customers, SCALES, Limits())
    row = found.weighted.set_index("measure").loc["content"]
    assert row.plain == pytest.approx(0.5)
    assert row.weighted == pytest.approx(40 / 200)
    assert found.by == ("grade",)
    assert found.n_effective == pytest.approx(80**2 / (40 * 0.4**2 + 40 * 1.6**2))
    known = intervals.wilson(0.2 * found.n_effective, found.n_effective)
    assert (row.weighted_low, row.weighted_high) == pytest.approx((known.low, known.high))


def test_response_is_counted_by_grade():
    said, customers = crowd(40, 160, 40, 40)
    rates = silent.silent(said, None, customers, SCALES, Limits()).rates
    assert rates.n_asked.sum() == 200
    assert rates.rate.max() == 1
    assert rates.set_index("grade").loc["D"].rate == pytest.approx(40 / 160)


def test_answers_alike_in_every_grade_are_not_moved_by_weights():
    said, customers = crowd(40, 160, 20, 80)
    found = silent.silent(said, None, customers, SCALES, Limits())
    assert found.n_effective == pytest.approx(100)
    assert found.moves.empty


def test_without_purchases_nothing_is_weighted():
    said, _ = crowd(40, 160, 20, 80)
    found = silent.silent(said, None, None, SCALES, Limits())
    assert found.rates.empty
    assert found.weighted.empty
    assert found.n_effective is None


def test_late_answers_stand_beside_early_ones():
    rows = [(f"e{i}", f"e{i}", "2024-01-01", "2024-01-01", 5) for i in range(40)]
    rows += [(f"l{i}", f"l{i}", "2024-01-01", "2024-01-09", 1 + 4 * (i % 2)) for i in range(30)]
    found = silent.silent(replies(rows), None, None, SCALES, Limits())
    assert found.median_days == 0
    known = intervals.newcombe(15, 30, 40, 40)
    assert found.differences["content"].value == pytest.approx(known.value)
    assert found.differences["content"].low == pytest.approx(known.low)


def test_answers_dated_before_their_question_are_neither_early_nor_late_and_counted():
    rows = [("r1", "c1", "2024-02-01", "2024-01-01", 5), ("r2", "c2", "2024-02-01", "2024-02-02", 4)]
    assert engine.about(replies(rows))["n_before"] == 1
    found = silent.silent(replies(rows), None, None, SCALES, ALL)
    assert found.timing.empty


def test_further_answers_of_one_customer_on_one_day_are_counted_as_possible_duplicates():
    rows = [(f"r{i}", "c1", "2024-02-01", "2024-02-02", 5) for i in range(3)]
    assert engine.about(replies(rows))["n_same_day"] == 2


# ------------------------------------------------------------------ from outside


def year_of_sales(n=100):
    """`n` customers with an order of two units in each quarter of 2024."""
    days = ("2024-01-01", "2024-04-10", "2024-07-10", "2024-12-31")
    rows = [(f"c{i}", d, 10, 2, "p1" if i < 50 else "p2") for d in days for i in range(n)]
    return sales(rows, ("customer_id", "at", "amount", "quantity", "product_id"))


def cases(rows, columns=("case_id", "kind", "opened_at", "closed_at", "customer_id", "aspect", "product_id")):
    return table(rows, CASE, list(columns))


def complaint(i, day, kind="complaint", closed=None, customer="c1", aspect="speed", product="p1"):
    return (f"k{i}", kind, day, closed, customer, aspect, product)


def trend(*ratios):
    periods = pd.to_datetime(["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01"])
    return pd.DataFrame({"period": periods, "ratio": ratios, "nps": np.nan})


FEW_THEN_MANY = [complaint(i, "2024-07-05") for i in range(2)] + [
    complaint(10 + i, "2024-10-05") for i in range(20)
]


def test_complaints_are_held_against_customers_and_failures_against_units():
    made = [*FEW_THEN_MANY, complaint(99, "2024-10-07", "failure")]
    quarters = outside.outside(cases(made), year_of_sales(), None, trend(1, 1, 1, 1), Limits()).quarters
    assert list(quarters.n_customers) == [100] * 4
    assert list(quarters.n_units) == [200] * 4
    assert list(quarters.complaints) == [0, 0, 0.02, 0.2]
    known = intervals.poisson_rate(20, 100)
    assert (quarters.complaints_low.iloc[-1], quarters.complaints_high.iloc[-1]) == (known.low, known.high)
    assert quarters.failures.iloc[-1] == 1 / 200


def test_a_survey_that_rises_while_complaints_rise_is_flagged_and_not_rescaled():
    found = outside.outside(cases(FEW_THEN_MANY), year_of_sales(), None, trend(1, 1, 0.9, 1.0), Limits())
    assert found.judged.disagrees
    assert (found.judged.survey_before, found.judged.survey_after) == (0.9, 1.0)


def test_a_survey_that_falls_while_complaints_rise_agrees():
    found = outside.outside(cases(FEW_THEN_MANY), year_of_sales(), None, trend(1, 1, 1.0, 0.9), Limits())
    assert not found.judged.disagrees


def test_a_survey_that_rises_while_complaints_stay_is_not_flagged():
    steady = [complaint(i, day) for i, day in enumerate(["2024-07-05"] * 5 + ["2024-10-05"] * 6)]
    found = outside.outside(cases(steady), year_of_sales(), None, trend(1, 1, 0.9, 1.0), Limits())
    assert not found.judged.disagrees


def test_quarters_that_sales_do_not_fill_are_left_out():
    half = sales([(f"c{i}", d, 10) for i in range(9) for d in ("2024-02-20", "2024-05-01", "2024-08-10")])
    found = outside.outside(cases(FEW_THEN_MANY), half, None, trend(1, 1, 1, 1), Limits())
    assert list(found.quarters.period) == [pd.Timestamp("2024-04-01")]


def test_product_that_fails_more_than_the_others_stands_apart():
    made = [complaint(i, "2024-05-05", "failure", product="p1") for i in range(40)]
    made += [complaint(100 + i, "2024-05-05", "failure", product="p2") for i in range(10)]
    found = outside.outside(cases(made), year_of_sales(), None, trend(1, 1, 1, 1), Limits()).products
    assert found.set_index("product_id").failures.to_dict() == {"p1": 0.1, "p2": 0.025}
    assert found.set_index("product_id").apart.to_dict() == {"p1": True, "p2": False}


def test_correlation_of_survey_and_complaints_needs_eight_quarters_and_follows_the_lag():
    periods = pd.date_range("2022-01-01", periods=10, freq="QS")
    quarters = pd.DataFrame({"period": periods, "complaints": np.arange(10.0)})
    survey = pd.DataFrame({"period": periods, "ratio": -(np.arange(10.0) ** 3)})
    found = outside._lags(quarters, survey, "ratio")
    assert {lag: m.n for lag, m in found.items()} == {0: 10, 1: 9, 2: 8}
    assert all(m.value == pytest.approx(-1, abs=1e-5) for m in found.values())
    assert outside._lags(quarters[:7], survey, "ratio") == {}


def test_without_purchases_there_are_no_rates():
    assert outside.outside(cases(FEW_THEN_MANY), None, None, trend(1, 1, 1, 1), Limits()) is None
    assert outside.outside(None, year_of_sales(), None, trend(1, 1, 1, 1), Limits()) is None


@pytest.mark.parametrize(("before", "after", "verdict"), [(20, 60, 1), (60, 20, -1), (30, 33, 0), (0, 0, 0)])
def test_complaints_rose_only_where_both_quarters_say_so(before, after, verdict):
    rows = [pd.Series({"complaints_n": k, "n_customers": 100}) for k in (before, after)]
    assert by_aspect.changed(*rows) == verdict


# ------------------------------------------------------------------ handling


def test_open_cases_are_censored_not_left_out():
    made = [complaint(i, "2024-12-01", closed="2024-12-05", customer=f"c{i}") for i in range(3)]
    made += [complaint(10 + i, "2024-12-29", customer=f"o{i}") for i in range(5)]
    row = handling.handling(cases(made), replies([]), SCALES["csat"], AS_OF, Limits()).kinds.iloc[0]
    assert (row.n, row.n_open, row.days) == (8, 5, 4)
    assert row.within_7 == 1
    assert row.within_2 == 0


def test_share_closed_is_one_minus_kaplan_meier():
    days, ended = np.array([1.0, 2, 3, 4, 5]), np.array([True, False, True, False, True])
    assert handling.closed_by(days, ended, 3).value == pytest.approx(1 - 4 / 5 * 2 / 3)
    assert handling.closed_by(days, ended, 9).value == 1
    assert handling.closed_by(days[:4], ended[:4], 9).value is None
    found = handling.closed_by(days, ended, 3)
    assert 0 < found.low < found.value < found.high < 1


def test_cases_closed_before_they_were_opened_are_left_out_and_counted():
    made = [complaint(1, "2024-12-05", closed="2024-12-01"), complaint(2, "2024-12-05", closed="2024-12-06")]
    found = handling.handling(cases(made), replies([]), SCALES["csat"], AS_OF, Limits())
    assert (found.n_backwards, found.kinds.n[0]) == (1, 1)


def test_who_complains_again_is_counted_once_the_days_are_over():
    made = [complaint(1, "2024-01-01", customer="again"), complaint(2, "2024-02-01", customer="again")]
    made += [complaint(3, "2024-01-01", customer="late"), complaint(4, "2024-08-01", customer="late")]
    made += [complaint(5, "2024-12-01", customer="not over"), complaint(6, "2024-12-02", customer="not over")]
    found = handling.handling(cases(made), replies([]), SCALES["csat"], AS_OF, ALL)
    assert (found.repeats.value, found.repeats.n) == (0.5, 2)


def test_answers_after_a_complaint_stand_beside_all_others():
    made = [complaint(1, "2024-01-01", customer="c1"), complaint(2, "2024-01-05", customer="c1")]
    said = [("r1", "c1", "2024-02-01", "2024-02-01", 1), ("r2", "c1", "2023-02-01", "2023-02-01", 5)]
    said += [("r3", "c2", "2024-02-01", "2024-02-01", 5), ("r4", "c3", "2024-02-01", "2024-02-01", 2)]
    found = handling.handling(cases(made), replies(said), SCALES["csat"], AS_OF, ALL)
    assert (found.after.value, found.after.n) == (0, 1)
    assert (found.others.value, found.others.n) == (pytest.approx(2 / 3), 3)
    assert found.difference.value == pytest.approx(-2 / 3)


# ------------------------------------------------------------------ later


def test_only_orders_after_the_answer_and_within_the_days_count():
    said = [(f"r{c}", c, "2024-01-01", "2024-01-10", 5) for c in ("same day", "day after", "last day", "too late")]
    said += [(f"r{c}", c, "2024-01-01", "2024-01-10", 1) for c in ("other", "never bought")]
    said += [("r9", "day after", "2024-03-01", "2024-03-10", 1), ("r8", "not over", "2024-12-01", "2024-12-01", 5)]
    days = {"same day": "2024-01-10", "day after": "2024-01-11", "last day": "2024-07-08"}
    days |= {"too late": "2024-07-09", "other": "2024-02-01", "not over": "2024-12-02"}
    bought = sales([(c, day, 7) for c, day in days.items()])
    found = later.later(replies(said), bought, SCALES, AS_OF, ALL, lag_days=180)
    groups = found.groups.set_index("content")
    assert groups.n.to_dict() == {True: 4, False: 2}
    assert groups.bought.to_dict() == {True: 0.5, False: 0.5}
    assert groups.spent.to_dict() == {True: 3.5, False: 3.5}
    assert found.difference.value == 0


def test_difference_among_like_customers_is_mantel_haenszels():
    cells = pd.DataFrame(
        {
            "band": [0, 0, 1, 1, 2],
            "content": [True, False, True, False, True],
            "n": [20, 80, 60, 40, 9],
            "bought": [4, 8, 42, 24, 9],
        }
    )
    found = later.stratified_difference(cells)
    weights = 20 * 80 / 100, 60 * 40 / 100
    assert found.value == pytest.approx(np.average([0.2 - 0.1, 0.7 - 0.6], weights=weights))
    assert found.low < found.value < found.high
    assert found.n == 200


def test_purchases_or_a_question_that_tells_content_are_needed():
    said = replies([("r1", "c1", "2024-01-01", "2024-01-02", 5)])
    assert later.later(said, None, SCALES, AS_OF, ALL).why == measure.NOT_ASKED
    assert later.later(said, sales([("c1", "2024-02-01", 1)]), {}, AS_OF, ALL).why == measure.NOT_ASKED
    assert later.later(said, sales([("c1", "2024-02-01", 1)]), SCALES, AS_OF, ALL).why == measure.FEW


# ------------------------------------------------------------------ comments

COLUMNS = ("response_id", "customer_id", "touchpoint", "asked_at", "answered_at", "csat", "comment")
WORDS = {"Delivery": ("LATE", "送货"), "Price": ("cheap",), "Rare": ("unheard of",)}


def commented(texts):
    rows = [(f"r{i}", f"c{i}", "web", "2024-01-01", "2024-01-02", 1 + i % 5, t) for i, t in enumerate(texts)]
    frame = surveys(rows, COLUMNS)
    return comments(frame, engine.responses(frame, SCALES), SCALES["csat"], WORDS, Limits())


def test_comments_are_counted_by_the_words_that_the_company_declares():
    texts = ["came late"] * 5 + ["送货慢，Late again, not cheap"] * 5 + ["cheap"] + ["fine"] * 6 + [None, "  "]
    found = commented(texts)
    assert found.n == 17
    assert found.categories.set_index("category").n.to_dict() == {"Delivery": 10, "Price": 6, "": 6}
    assert found.touchpoints.n.tolist() == [17]


def test_no_word_of_a_comment_is_in_any_result():
    found = commented(["my phone is 555-0199 and late"] * 9)
    assert "555" not in found.categories.to_csv() + found.touchpoints.to_csv()


def test_fewer_than_five_comments_are_not_counted_by_category():
    assert commented(["late"] * 4).categories.empty
    found = commented(["late"] * 4 + ["fine"] * 6)
    counts = found.categories.set_index("category").n
    assert np.isnan(counts["Delivery"])
    assert counts[""] == 6


# ------------------------------------------------------------------ per customer, and money


def test_nobodys_own_answer_is_published():
    rows = [(f"r{i}", f"c{i}", "2024-01-01", "2024-01-02", 5) for i in range(23)]
    said = replies(rows)
    pairs = table([(f"r{i}", "a", 10, 1 + i % 7) for i in range(23)], ITEM)
    by_response = engine.pairs_by_response(engine.items(pairs, said, SCALES["items"]))
    found = people.customers(by_response, said, AS_OF, Limits())
    assert list(found.columns) == people.PUBLISHED
    assert len(found) == 23
    for value, group in found.groupby("satisfaction"):
        assert len(group) >= 5
        assert (group.satisfaction_n == len(group)).all()
        own = [(1 + int(c[1:]) % 7) / 10 for c in group.customer_id]
        assert value == pytest.approx(np.mean(own), abs=1e-6)


def test_fewer_than_five_customers_publish_nothing():
    said = replies([(f"r{i}", f"c{i}", "2024-01-01", "2024-01-02", 5) for i in range(4)])
    pairs = table([(f"r{i}", "a", 10, 5) for i in range(4)], ITEM)
    by_response = engine.pairs_by_response(engine.items(pairs, said, SCALES["items"]))
    assert people.customers(by_response, said, AS_OF, Limits()).empty


def test_money_of_those_who_got_less_counts_each_customer_once_and_the_last_year_only():
    said = replies([(f"r{i}", f"c{i % 6}", "2024-01-01", "2024-01-02", 2) for i in range(12)])
    pairs = engine.items(table([(f"r{i}", "a", 9, 3) for i in range(12)], ITEM), said, SCALES["items"])
    bought = sales([(f"c{i}", day, 10) for i in range(6) for day in ("2024-03-01", "2022-03-01")])
    found = people.stakes(pairs, said, base(None, bought, AS_OF), SCALES["csat"], Limits())
    short = found[found.what == "short"].iloc[0]
    assert (short.aspect, short.n_customers, short.amount) == ("a", 6, 60.0)
    assert found.set_index("what").amount["not content"] == 60


# ------------------------------------------------------------------ as a whole


def whole(tables, **about):
    said = satisfaction.voices(tables["surveys"], tables.get("survey_items"), tables.get("cases"), SETTINGS)
    return said, satisfaction.evidence(said, tables, SETTINGS, as_of=AS_OF, **about)


def test_surveys_alone_give_evidence_in_words_only():
    said, found = whole({"surveys": surveys([("r1", "c1", "2024-01-01", "2024-01-02", 5)])})
    assert not found.drivers
    assert not found.later
    assert found.outside is None
    assert found.handling is None
    assert found.customers.empty
    check_publication(say.publication(said, found))


def test_all_answers_missing_is_no_error():
    asked = surveys([(f"r{i}", f"c{i}", "2024-01-01", "2024-01-02", None) for i in range(40)])
    items = table([(f"r{i}", "a", None, None) for i in range(40)], ITEM)
    tables = {"surveys": asked, "survey_items": items, "transactions": sales([("c1", "2024-02-01", 5)])}
    said, found = whole(tables)
    assert said.overall.content.why == measure.NOBODY
    assert found.drivers.why == driving.NO_OUTCOME
    check_publication(say.publication(said, found))


def test_figures_are_finite_and_named():
    rng = np.random.default_rng(8)
    rows = [(f"r{i}", f"c{i}", "2024-01-01", "2024-01-0" + str(1 + i % 7), rng.integers(1, 6)) for i in range(90)]
    tables = {
        "surveys": surveys(rows),
        "survey_items": table([(f"r{i}", a, 7, rng.integers(1, 11)) for i in range(90) for a in "ab"], ITEM),
        "transactions": sales([(f"c{i}", f"2024-0{1 + i % 9}-03", 1 + i) for i in range(100)]),
        "cases": cases([complaint(i, "2024-05-01", closed="2024-05-03", customer=f"c{i}") for i in range(9)]),
    }
    said, found = whole(tables)
    published = say.publication(said, found)
    check_publication(published)
    assert {"satisfaction_weighted", "drivers_explained", "complaint_days", "answered_amount"} <= {
        f.name for f in published.figures
    }
    assert all(f.words for f in published.figures)
    assert set(published.tables) == {"aspects", "touchpoints", "drivers", "rates", "customers"}
