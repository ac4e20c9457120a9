import datetime as dt

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.analysis import funnel
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import FunnelSettings, PublishedFigure
from crm_lib.show import funnel as say
from crm_lib.theme import words

TODAY = dt.date(2026, 10, 31)
HOSTILE = "<script>alert(1)</script>"
STAGES = ("Enquiry <b>&</b>", "Quote **now**", "Signing")
SECTIONS = (
    say.headline,
    say.ahead,
    say.in_the_pipe,
    say.four_parts,
    say.losses,
    say.speed,
    say.over_time,
    say.how_long,
    say.stuck,
    say.who,
    say.trust,
    say.next_steps,
)
COLUMNS = {
    "opportunity_id": pa.string(),
    "stage": pa.string(),
    "opened_at": pa.timestamp("us"),
    "closed_at": pa.timestamp("us"),
    "outcome": pa.string(),
    "amount": pa.float64(),
    "owner": pa.string(),
    "region": pa.string(),
    "product": pa.string(),
}


@pytest.fixture(autouse=True)
def english_dollars():
    words.use("en", "USD")
    yield
    words.use()


def made(rows, as_of=TODAY, **more):
    """Deals of stage, age in days, days to close, outcome and amount, on a snapshot unless events are given."""
    today, deals = pd.Timestamp(as_of), []
    for i, (stage, age, lasted, outcome, amount) in enumerate(rows):
        opened = None if age is None else today - pd.Timedelta(days=age)
        closed = None if lasted is None else opened + pd.Timedelta(days=lasted)
        owner = HOSTILE if i % 2 else "=cmd|' /C calc'!A0"
        deals.append(
            (f"d{i:03}", stage, opened, closed, outcome, amount, owner, f"R{i % 3}", f"{HOSTILE} {i % 2}")
        )
    frame = pd.DataFrame(deals, columns=list(COLUMNS))
    frame[["opened_at", "closed_at"]] = frame[["opened_at", "closed_at"]].apply(pd.to_datetime)
    table = pa.Table.from_pandas(frame.astype(object), pa.schema(COLUMNS.items()))
    return funnel.pipeline(ibis.memtable(table), as_of=as_of, **more)


def events(rows):
    frame = pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"])
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


WON = [(None, 300 - i, 10 + i % 50, "won", 1000.0) for i in range(80)]
LOST = [(None, 300 - i, 5 + i % 60, "lost", 0.0) for i in range(60)]
OPEN = [
    (STAGES[1], 20, None, None, 700.0),
    (STAGES[1], 250, None, None, 9000.0),
    (STAGES[0], None, None, None, None),
]


@pytest.fixture(scope="module")
def snapshot():
    return made(WON + LOST + OPEN, settings=FunnelSettings(STAGES, {STAGES[0]: "top", STAGES[1]: "middle"}))


def followed_until(lost_reach):
    """Deals with stage events; lost deal i reaches `lost_reach(i)` stages, won deals all."""
    steps = []
    for i, (_stage, age, lasted, outcome, _amount) in enumerate(WON + LOST + OPEN[:2]):
        opened = pd.Timestamp(TODAY) - pd.Timedelta(days=age)
        for k, stage in enumerate(STAGES[: 3 if outcome == "won" else lost_reach(i)]):
            steps.append((f"d{i:03}", stage, opened + pd.Timedelta(days=k * (lasted or 9) // 4)))
    parts = dict(zip(STAGES, ("top", "middle", "bottom"), strict=True))
    settings = FunnelSettings(STAGES, parts, maturity_days=30)
    return made(WON + LOST + OPEN[:2], settings=settings, stage_events=events(steps))


@pytest.fixture(scope="module")
def followed():
    return followed_until(lambda i: 1)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("source", ["snapshot", "followed"])
def test_what_people_typed_comes_out_as_text(section, source, request):
    html = section(request.getfixturevalue(source)).html
    assert "<script" not in html
    assert "<b>&</b>" not in html
    assert "<b>now</b>" not in html


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("source", ["snapshot", "followed"])
def test_no_section_shows_a_number_that_is_none(section, source, request):
    html = section(request.getfixturevalue(source)).html
    assert html
    assert not any(bad in html for bad in (">nan", "None", "NaT", "inf %"))


def test_the_hostile_owner_is_named_in_the_list_of_stuck_deals(snapshot):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in say.stuck(snapshot).html


def test_a_snapshot_says_what_it_cannot_know(snapshot):
    assert "can&#39;t be known" in say.losses(snapshot).html


def test_the_weakest_step_is_named_when_it_is_clear(followed):
    html = say.losses(followed).html
    assert "The weakest step is " in html


def test_both_modes_are_named_the_leading_one_first(followed):
    html = say.losses(followed).html
    assert html.index("Mode: any stage") < html.index("Mode: all stages in order")


def test_what_a_point_is_worth_is_the_title_of_the_steps(followed):
    assert "One point more is worth most at " in say.losses(followed).html


def test_the_forecast_says_the_chance_to_reach_a_target(followed):
    assert "likely in the next 90 days" in say.ahead(followed).html
    recent = [(None, 60 + i, 10 + i % 50, "won", 900.0) for i in range(80)]
    assert "as much as in the 90 days before" in say.ahead(made([*recent, *LOST, *OPEN])).html
    given = made([("Talking", 5, None, None, 50.0)] * 40 + WON + LOST, target_amount=1e9)
    assert "The chance to reach the target of" in say.ahead(given).html
    assert "under 1" in say.ahead(given).html


def test_a_forecast_tested_on_few_past_days_is_called_a_range(snapshot):
    assert "can&#39;t be said" in say.ahead(snapshot).html or "too narrow" in say.ahead(snapshot).html
    assert "use with care" in say.headline(snapshot).html


def test_the_change_of_pace_is_told_by_lever():
    rows = [(None, 700 - i, 40, "won" if i % 2 else "lost", 900.0 + i) for i in range(650)]
    html = say.speed(made([*rows, *OPEN])).html
    assert "Money per day" in html
    for lever in ("Open deals", "Amount per sale", "Win rate", "Days to win"):
        assert lever in html


def test_a_quarter_that_misses_closings_is_compared_with_the_same_days_of_others():
    """Deals won in the last month of a quarter only; before September 2025 no closing was kept."""
    rows = []
    for day in pd.date_range("2025-09-01", "2026-09-30"):
        age = (pd.Timestamp(TODAY) - day).days
        for i in range(6):
            lasted = 10 + i * 15
            won = day.month % 3 == 0 and i < 5
            rows.append((None, age + lasted, lasted, "won" if won else "lost", 10.0))
    html = say.over_time(made(rows)).html
    assert "closings of that time are partly missing" in html
    assert "comes from the months that are missing" in html


def test_the_two_win_rates_and_what_lies_between_them_are_told():
    rows = [(None, 200 + i, 10 + i % 90, "won" if i % 3 else "lost", 1.0) for i in range(300)]
    html = say.over_time(made(rows)).html
    assert "between them:" in html
    assert "count by closing only" in html


def test_deals_past_their_day_are_told_or_that_it_cannot_be_known(snapshot):
    assert "Expected days of closing are not recorded" in say.stuck(snapshot).html


def test_what_did_not_go_straight_is_counted(followed):
    html = say.trust(followed).html
    assert "Moves that skipped a stage" in html
    assert "Moves back to an earlier stage" in html


def test_groups_that_do_not_stand_out_are_folded_away(snapshot):
    html = say.who(snapshot).html
    assert "No owner stands out" in html or "against the rest" in html
    assert "Too few deals" in html


def test_no_step_is_called_the_weakest_when_chance_could_explain_it():
    assert "No step is clearly weaker" in say.losses(followed_until(lambda i: 1 if i % 3 else 2)).html


def test_the_headline_gives_conversion_with_interval_and_n(followed):
    html = say.headline(followed).html.replace("\xa0", " ")
    assert "Opened deals that were won" in html
    assert f"n = {followed.conversion.share.n}" in html


def test_the_largest_stuck_deal_is_called_first(snapshot):
    assert "$9,000" in say.stuck(snapshot).html
    assert "Call the 1 largest stuck deal" in say.next_steps(snapshot).html


def test_what_to_do_is_ranked_by_money(snapshot):
    html = say.next_steps(snapshot).html
    assert html.index("Call the") < html.index("Put the selling time")


def test_too_few_deals_are_not_compared():
    html = say.who(made(WON[:10] + OPEN)).html
    assert "Nothing is compared" in html


def test_published_figures_stand_beside_ours(snapshot):
    entry = PublishedFigure("funnel", "n_won", 80, 0.5, "somebody", "Deals won")
    assert "agrees" in say.trust(snapshot, published=(entry,)).html


def test_the_test_on_past_deals_says_which_won(followed):
    assert "Which won" in say.trust(made([("Won", 400 - i, 100, "won", 1.0) for i in range(300)])).html
    assert "could not be tested" in say.trust(made(WON[:10])).html


def test_the_publication_names_every_figure(snapshot):
    published = say.publication(snapshot)
    check_publication(published)
    assert all(figure.words for figure in published.figures)
    assert "3 open deals" in published.summary
    assert "The source keeps no stage history." in published.notes


NOTHING_CLOSED = [("Talking", 10, None, None, 5.0), ("New", 3, None, None, 5.0)]
NOTHING_OPEN = [("Won", 50, 10, "won", 5.0), ("Lost", 50, 20, "lost", 5.0)]
NO_AMOUNTS = [("Talking", 10, None, None, None), ("Won", 50, 10, "won", None)]
NOTHING_WON = [("Lost", 50, 10, "lost", 5.0), ("Talking", 10, None, None, 5.0)]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("rows", [NOTHING_CLOSED, NOTHING_OPEN, NO_AMOUNTS, NOTHING_WON, NOTHING_CLOSED[:1]])
def test_thin_data_are_said_in_words(section, rows):
    html = section(made(rows)).html
    assert html
    assert not any(bad in html for bad in (">nan", "None", "NaT"))


# ------------------------------------------------------------------ the target of the period that runs


def with_target(metric, value, **more):
    row = {"metric": metric, "period_start": dt.date(2026, 11, 1), "period_end": dt.date(2027, 1, 31)}
    targets = ibis.memtable(pd.DataFrame([row | {"value": float(value), "unit": "USD"}]))
    deals = WON + LOST + [(STAGES[0], 10, None, None, 800.0)] * 40
    return made(deals, targets=targets, horizon_days=60, **more)


def sales(amount):
    frame = pd.DataFrame({"at": [pd.Timestamp(TODAY)], "amount": [float(amount)]})
    return ibis.memtable(frame).mutate(amount=ibis._.amount.cast("decimal(18,2)"))


def test_the_page_says_which_target_it_is_and_how_much_of_it_deals_must_bring():
    result = with_target("revenue", 100_000, transactions=sales(800_000))
    said = say.ahead(result).html
    assert "The target for sales from 1 November 2026 to 31 January 2027 is $100K." in said.replace("\u202f", " ")
    assert "Deals brought 10 % of all sales in the last 365 days" in said.replace("\xa0", " ")
    assert "so their part of it is <b>$10K</b>" in said
    assert "Chance that deals bring their part of the sales target, $10K by 31 January 2027" in say.headline(
        result
    ).html.replace("\xa0", " ")
    words_of = {f.name: f.words for f in say.publication(result).figures}
    assert words_of["target_amount"].startswith("Part of deals in the sales target up to")


def test_without_other_sales_deals_must_bring_all_of_the_target():
    assert "so deals must bring all of it" in say.ahead(with_target("revenue", 100_000)).html


def test_a_target_for_deals_is_named_as_one():
    result = with_target("won_amount", 20_000)
    assert "The target for won deals from" in say.ahead(result).html
    assert "Chance to reach the target of $20K by" in say.headline(result).html.replace("\xa0", " ")


def test_what_lacks_to_the_target_of_the_period_is_among_the_things_to_do():
    said = say.next_steps(with_target("won_amount", 90_000)).html.replace("\xa0", " ")
    assert "To reach $90K by 31 January 2027" in said


def test_a_parameter_takes_the_place_of_the_targets():
    result = with_target("won_amount", 90_000, target_amount=500.0)
    assert "The target for won deals" not in say.ahead(result).html
    assert "Chance to reach the target of $500: " in say.headline(result).html.replace("\xa0", " ")


def test_how_many_deals_will_come_may_not_be_known():
    rows = [(None, 60 - i % 30, 10 + i % 20, "won" if i % 2 else "lost", 100.0) for i in range(80)]
    rows += [(STAGES[0], 5, None, None, 100.0)] * 30
    row = {"metric": "won_amount", "period_start": dt.date(2026, 11, 1), "period_end": dt.date(2027, 1, 31)}
    targets = ibis.memtable(pd.DataFrame([row | {"value": 900.0, "unit": "USD"}]))
    result = made(rows, targets=targets)
    assert "Whether that is enough can&#39;t be said" in say.ahead(result).html
    assert "<b>not known</b>" in say.headline(result).html
    published = {f.name: f for f in say.publication(result).figures}
    assert published["p_target"].value is None
    assert published["p_target"].words == "too little is recorded to tell how many deals will come"


def test_what_becomes_of_deals_that_enter_a_stage_is_a_table_with_intervals(followed):
    said = say.how_long(followed).html
    assert "What becomes of deals within 90 days of entering a stage" in said.replace("\xa0", " ")
    assert "Aalen–Johansen" in said
