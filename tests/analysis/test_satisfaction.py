"""What customers said, on tables small enough to count by hand."""

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals, satisfaction
from crm_lib.analysis.satisfaction import measure
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.errors import NotEnoughData

SCALES = {
    "nps": Scale(0, 10, missing=(99,)),
    "csat": Scale(1, 5, top_from=4),
    "ces": Scale(1, 7),
    "items": Scale(0, 10, missing=(-99,), top_from=9),
}
SETTINGS = SatisfactionSettings(scales=SCALES, touchpoints=("shop", "delivery"))
SURVEYS = pd.DataFrame(
    [
        # response, customer, touchpoint, asked, answered, nps, csat, ces, walked away
        ("r1", "a", "delivery", "2024-01-10", "2024-01-11", 10, 5, 7, False),
        ("r2", "b", "delivery", "2024-01-10", "2024-01-12", 9, 4, 6, False),
        ("r3", "c", "shop", "2024-01-10", "2024-01-12", 8, 3, 5, False),
        ("r4", "c", "shop", "2024-02-10", "2024-02-12", 6, 1, 3, True),
        ("r5", "d", "shop", "2024-02-10", None, None, None, None, None),
    ],
    columns=[
        "response_id",
        "customer_id",
        "touchpoint",
        "asked_at",
        "answered_at",
        "nps",
        "csat",
        "ces",
        "walked_away",
    ],
)
STRANGERS = SURVEYS.assign(customer_id=None)  # nobody is known to have answered twice
ITEMS = pd.DataFrame(
    [
        # response, aspect, expected, perceived
        ("r1", "price", 8, 8),
        ("r2", "price", 10, 5),
        ("r3", "price", 5, 5),
        ("r4", "price", 8, 4),
        ("r1", "speed", 5, 10),
        ("r2", "speed", 10, 9),
        ("r3", "speed", 0, 7),
        ("r4", "speed", 8, -99),
    ],
    columns=["response_id", "aspect", "expected", "perceived"],
)


def surveys(frame=SURVEYS):
    dated = {c: pd.to_datetime(frame[c]) for c in ("asked_at", "answered_at") if c in frame}
    numbers = {c: frame[c].astype(float) for c in ("nps", "csat", "ces") if c in frame}
    flags = {"walked_away": frame.walked_away.astype("boolean")} if "walked_away" in frame else {}
    schema = {"response_id": "string", "customer_id": "string", "touchpoint": "string"}
    schema |= {"asked_at": "timestamp", "answered_at": "timestamp", "nps": "float64", "csat": "float64"}
    schema |= {"ces": "float64", "walked_away": "boolean"}
    frame = frame.assign(**dated, **numbers, **flags)
    return ibis.memtable(frame, schema={c: schema[c] for c in frame.columns})


def items(frame=ITEMS):
    halves = [c for c in ("expected", "perceived", "score") if c in frame]
    schema = {"response_id": "string", "aspect": "string"} | dict.fromkeys(halves, "float64")
    return ibis.memtable(frame.astype(dict.fromkeys(halves, float)), schema=schema)


def heard(survey_frame=SURVEYS, item_frame=ITEMS, cases=None, settings=SETTINGS, **limits):
    limits = {"suppress_below": 1, "compare_from": 1} | limits
    return satisfaction.voices(surveys(survey_frame), items(item_frame), cases, settings, **limits)


def crowd(n=40, nps=9.0, at="2024-01-15"):
    """`n` answers alike."""
    ids = [f"{at}-{i}" for i in range(n)]
    return pd.DataFrame({"response_id": ids, "asked_at": at, "answered_at": at, "nps": nps})


def row(frame, key, name):
    return frame[frame[key] == name].iloc[0]


def test_ratio_is_the_sum_of_perceived_over_the_sum_of_expected():
    said = heard()
    # pairs: 8/8, 5/10, 5/5, 4/8, 10/5, 9/10; the zero expectation and the missing half are left out
    assert said.overall.ratio.value == pytest.approx(41 / 46)
    assert said.overall.ratio.n == 4
    assert row(said.aspects, "aspect", "price").ratio == pytest.approx(22 / 31)
    assert row(said.aspects, "aspect", "speed").ratio == pytest.approx(19 / 15)
    assert row(said.aspects, "aspect", "speed").ratio_n == 2


def test_interval_of_the_ratio_takes_responses_as_clusters():
    said = heard(STRANGERS)
    pairs = ITEMS[(ITEMS.expected > 0) & (ITEMS.perceived >= 0)]
    known = intervals.ratio_of_means(pairs.perceived, pairs.expected, clusters=pairs.response_id)
    assert (said.overall.ratio.low, said.overall.ratio.high) == pytest.approx((known.low, known.high))
    price = row(said.aspects, "aspect", "price")
    alone = ITEMS[ITEMS.aspect == "price"]
    known = intervals.ratio_of_means(alone.perceived, alone.expected)
    assert (price.ratio_low, price.ratio_high) == pytest.approx((known.low, known.high))


def test_median_of_individual_ratios_stands_beside_the_ratio():
    said = heard()
    assert said.overall.median_ratio == pytest.approx(np.median([18 / 13, 14 / 20, 1, 0.5]))
    assert row(said.aspects, "aspect", "price").median_ratio == pytest.approx(np.median([1, 0.5, 1, 0.5]))


def test_gap_is_the_mean_difference_with_students_interval():
    price = row(heard().aspects, "aspect", "price")
    known = intervals.mean([0, -5, 0, -4])
    assert (price.gap, price.gap_low, price.gap_high) == pytest.approx((known.value, known.low, known.high))
    assert price.n_short == 2


def test_pairs_that_cannot_be_used_are_counted():
    base = heard().base
    assert (base.n_zero_expected, base.n_half) == (1, 1)
    assert row(base.used, "column", "perceived").n_code == 1


def test_promoters_minus_detractors():
    nps = heard(STRANGERS).overall.nps
    assert nps.value == pytest.approx(100 * (2 - 1) / 4)
    known = intervals.nps(2, 1, 1)
    assert (nps.low, nps.high) == (known.low, known.high)


def test_share_content_and_mean_effort():
    overall = heard(STRANGERS).overall
    assert overall.content.value == 0.5
    known = intervals.mean([7, 6, 5, 3])
    assert overall.effort.value == pytest.approx(known.value)
    assert overall.effort.low == pytest.approx(known.low)
    assert overall.effort.high == 7  # kept within the scale


def test_response_share_counts_who_stayed_silent():
    said = heard()
    assert (said.base.n_asked, said.base.n_answered) == (5, 4)
    assert said.overall.response.value == 0.8
    assert (said.base.n_customers, said.base.n_repeating) == (3, 1)


def test_answers_of_the_silent_are_not_counted():
    blank = SURVEYS.assign(answered_at=[None] * 4 + ["2024-02-12"])
    said = heard(blank)
    assert said.overall.nps.n == 0
    assert said.overall.ratio.n == 0


def test_source_without_answer_dates_knows_no_response_share():
    said = heard(SURVEYS.drop(columns="answered_at"))
    assert said.overall.response.why == measure.NOT_ASKED
    assert said.base.n_answered == 5


def test_touchpoints_follow_the_journey():
    touchpoints = heard(STRANGERS).touchpoints
    assert list(touchpoints.touchpoint) == ["shop", "delivery"]
    shop = row(touchpoints, "touchpoint", "shop")
    assert (shop.n_asked, shop.n_answered, shop.walked_away) == (3, 2, 0.5)
    assert (shop.walked_away_low, shop.walked_away_high) == pytest.approx(
        (intervals.wilson(1, 2).low, intervals.wilson(1, 2).high)
    )
    assert shop.ratio == pytest.approx(9 / 13)


def test_touchpoints_not_on_the_journey_come_after_it_and_the_unnamed_last():
    frame = SURVEYS.assign(touchpoint=["web", "attic", "delivery", None, "shop"])
    assert list(heard(frame).touchpoints.touchpoint) == ["shop", "delivery", "attic", "web", ""]


def test_source_without_touchpoints_has_none():
    assert heard(SURVEYS.drop(columns="touchpoint")).touchpoints.empty


def test_fewer_than_five_answers_are_not_shown():
    said = heard(suppress_below=5)
    assert said.overall.nps.value is None
    assert said.overall.nps.why == measure.FEW
    assert said.touchpoints[["ratio", "nps", "content", "walked_away"]].isna().all(axis=None)
    assert said.aspects[["ratio", "median_ratio", "gap", "n_short", "score"]].isna().all(axis=None)
    assert said.spread.n.isna().all()
    assert (said.spread.lowest < said.spread.highest).all()


def test_rare_answers_are_pooled_so_that_none_is_found_by_subtraction():
    frame = pd.concat([crowd(20, 9, "2024-01-01"), crowd(7, 8, "2024-01-02"), crowd(2, 1, "2024-01-03")])
    spread = heard(frame, suppress_below=5).spread
    assert spread[["lowest", "highest", "n"]].to_numpy().tolist() == [[1, 8, 9], [9, 9, 20]]


def test_missing_codes_and_values_off_the_scale_are_set_aside_and_counted():
    said = heard(SURVEYS.assign(nps=[10, 9, 99, 12, None]))
    assert said.overall.nps.n == 2
    found = row(said.base.used, "column", "nps")
    assert (found.n_code, found.n_off_scale) == (1, 1)


def test_a_scale_that_is_not_declared_is_never_guessed():
    said = heard(settings=SatisfactionSettings())
    whys = [getattr(said.overall, name).why for name in ("ratio", "nps", "content", "effort")]
    assert whys == [measure.UNDECLARED] * 4
    assert said.overall.walked_away.value == 0.25


def test_top_answers_must_be_declared():
    settings = SatisfactionSettings(scales=SCALES | {"csat": Scale(1, 5)})
    said = heard(settings=settings)
    assert said.overall.content.why == measure.NO_TOP
    assert said.overall.content_mean.value == 3.25


def test_promoters_exist_only_on_scales_that_end_at_ten():
    settings = SatisfactionSettings(scales=SCALES | {"nps": Scale(0, 5)})
    assert heard(settings=settings).overall.nps.why == measure.OTHER_SCALE


def test_worst_aspect_comes_first_and_those_too_few_to_compare_last():
    assert list(heard().aspects.aspect) == ["price", "speed"]
    assert list(heard(compare_from=3).aspects.comparable) == [True, False]


def test_single_scores_give_mean_and_share_of_top_answers():
    scores = pd.DataFrame({"response_id": ["r1", "r2", "r3"], "aspect": "service", "score": [9, 10, 5]})
    service = heard(item_frame=scores).aspects.iloc[0]
    assert (service.score, service.top, service.score_n) == (8, pytest.approx(2 / 3), 3)
    assert service.score_sd == pytest.approx(np.std([9, 10, 5], ddof=1))
    assert heard(item_frame=scores).overall.ratio.why == measure.NOT_ASKED


def test_change_between_quarters_adds_the_squares_of_both_errors():
    before = pd.concat([crowd(25, 9, "2024-02-01"), crowd(15, 3, "2024-02-02")])
    after = pd.concat([crowd(35, 9, "2024-05-01"), crowd(15, 3, "2024-05-02")])
    change = heard(pd.concat([before, after]), compare_from=30).changes["nps"]
    assert change.measure.value == pytest.approx(100 * (20 / 50 - 10 / 40))
    errors = [(i.high - i.low) / 2 for i in (intervals.nps(25, 0, 15), intervals.nps(35, 0, 15))]
    assert change.measure.high - change.measure.value == pytest.approx(np.hypot(*errors))
    assert (change.before, change.after) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01"))


def test_quarters_with_too_few_answers_are_not_compared():
    said = heard(pd.concat([crowd(40, 9, "2024-02-01"), crowd(29, 3, "2024-05-01")]), compare_from=30)
    assert len(said.trend) == 1
    assert said.changes == {}


def test_complaints_are_counted_with_an_exact_interval():
    frame = pd.DataFrame(
        {"kind": ["complaint"] * 3 + ["failure", "question"], "aspect": ["price"] * 4 + ["speed"]}
    )
    cases = ibis.memtable(frame, schema={"kind": "string", "aspect": "string"})
    complaints = heard(cases=cases).complaints
    assert list(complaints.aspect) == ["price"]
    assert (complaints.complaints[0], complaints.n_failures[0]) == (3, 1)
    known = intervals.poisson_rate(3, 1)
    assert (complaints.complaints_low[0], complaints.complaints_high[0]) == (known.low, known.high)


def test_published_figures_hold_no_nan_and_name_the_indicator_first():
    for said in (heard(), heard(suppress_below=5), heard(settings=SatisfactionSettings())):
        check_publication(said.publication)
        assert said.publication.figures[0].name == "satisfaction"
        assert set(said.publication.tables) == {"aspects", "touchpoints"}


def test_surveys_alone_suffice():
    said = satisfaction.voices(surveys(), settings=SETTINGS, suppress_below=1)
    assert said.overall.ratio.why == measure.NOT_ASKED
    assert said.aspects.empty
    assert said.publication["satisfaction"].value is None


def test_nobody_answered():
    said = heard(SURVEYS.assign(answered_at=None))
    assert said.overall.response.value == 0
    assert said.overall.nps.why == measure.NOBODY
    assert said.base.first_on is None
    assert said.aspects.empty
    check_publication(said.publication)


def test_nobody_asked_is_not_enough():
    with pytest.raises(NotEnoughData, match="nobody was asked"):
        heard(SURVEYS.iloc[:0])


def test_one_answer_has_no_interval():
    said = heard(SURVEYS.iloc[:1])
    assert said.overall.ratio.value == pytest.approx(18 / 13)
    assert said.overall.ratio.low is None
    assert said.overall.effort.low is None


def test_expectations_of_zero_give_no_ratio():
    said = heard(item_frame=ITEMS.assign(expected=0))
    assert said.overall.ratio.why == measure.NOBODY
    assert said.base.n_zero_expected == 8


def test_answers_all_alike_have_a_ratio_without_interval():
    said = heard(item_frame=ITEMS.assign(expected=7, perceived=7))
    assert (said.overall.ratio.value, said.overall.ratio.low) == (1, None)
    assert (said.overall.gap.value, said.overall.gap.low) == (0, None)


def test_ratio_interval_covers_the_truth_nine_times_in_ten():
    rng = np.random.default_rng(3)
    n, aspects, truth = 60, 4, 0.9
    hits = []
    for _ in range(1500):
        mood = rng.normal(0, 0.8, (n, 1))
        expected = 7 + mood + rng.normal(0, 1, (n, aspects))
        perceived = truth * 7 + 1.5 * mood + rng.normal(0, 1, (n, aspects))
        e, p = expected.sum(axis=1), perceived.sum(axis=1)
        sums = {"n": n, "perceived": p.sum(), "expected": e.sum(), "cross": (p * e).sum()}
        sums |= {"perceived_sq": (p * p).sum(), "expected_sq": (e * e).sum()}
        found = measure.ratio(sums, 5)
        hits.append(found.low <= truth <= found.high)
    assert 0.87 <= np.mean(hits) <= 0.93
