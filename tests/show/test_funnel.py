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
    say.in_the_pipe,
    say.four_parts,
    say.losses,
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


def test_the_weakest_step_is_the_title_when_it_is_clear(followed):
    html = say.losses(followed).html
    assert "Weakest step: " in html
    assert "Mode: any stage" in html


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
