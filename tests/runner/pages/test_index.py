import json
import re
from collections import Counter

import pytest

from crm_lib.runner.evidence import states as standing
from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.pages import index, overview, tiles
from crm_lib.runner.store import archive


def figure(name, value, unit="orders", **more):
    return {"name": name, "value": value, "unit": unit, "n": None, "low": None, "high": None, "words": ""} | more


def outcome(topic, state="fine", message="", summary="", notes=()):
    page = f"{topic}.html" if state in ("fine", "notes") else f"{topic}.failed.html"
    return {
        "topic": topic, "title": topic.title(), "question": f"What of {topic}?", "state": state, "page": page,
        "message": message, "summary": summary, "notes": list(notes), "seconds": 1.0,
    }  # fmt: skip


def dated(reports, day, outcomes, figures=None, left_out=None, start="a", source="sample"):
    """One date with one recorded run and its figures."""
    folder = reports / source / day
    record = {
        "start": start, "started_at": f"2026-11-01T12:00:0{len(start)}", "made_at": "2026-11-01 12:00",
        "source": source, "source_title": source.title(), "as_of": day[:10], "label": day[11:], "language": "en",
        "version": "0.1.0", "commit": "", "reports": outcomes, "left_out": left_out or {},
    }  # fmt: skip
    archive.write_record(folder, start, record)
    for topic, found in (figures or {}).items():
        document = {"topic": topic, "figures": found, "summary": "", "notes": []}
        (folder / f"{topic}.figures.json").write_text(json.dumps(document), encoding="utf-8")
    for report in outcomes:
        if report["state"] in ("fine", "notes"):
            (folder / report["page"]).write_text("page", encoding="utf-8")
    return folder


def made(reports, folder):
    index.write(reports, folder)
    page = (folder / "index.html").read_text(encoding="utf-8").replace("\xa0", " ")
    assert problems(page) == []
    return page


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"fine": 4, "failed": 1}, "Four reports are fine, one failed"),
        ({"fine": 4}, "All four reports are fine"),
        ({"fine": 2}, "Both reports are fine"),
        ({"fine": 1}, "One report is fine"),
        ({"fine": 4, "notes": 1, "timed out": 1, "killed": 1, "no data": 1},
         "Four reports are fine, one needs care, two failed, one waits for data"),
        ({"notes": 2}, "Two reports need care"),
        ({"failed": 12}, "12 reports failed"),
        ({}, "No report has been made yet"),
    ],
)  # fmt: skip
def test_the_headline_counts_the_states(states, words):
    assert standing.headline(Counter(states)) == words


def test_the_newest_attempt_of_each_topic_counts(tmp_path):
    dated(tmp_path, "2026-10-31", [outcome("clv", "failed", "broken"), outcome("funnel")])
    folder = dated(tmp_path, "2026-10-31", [outcome("clv", summary="the top tenth brings 57 %")], start="bb")
    page = made(tmp_path, folder)
    assert "Both reports are fine" in page
    assert "the top tenth brings 57 %" in page
    assert "broken" not in page


def test_a_failure_names_what_happened_and_the_last_good_page(tmp_path):
    dated(tmp_path, "2026-09-30", [outcome("clv")])
    folder = dated(tmp_path, "2026-10-31", [outcome("clv", "failed", "control group <is> empty")])
    page = made(tmp_path, folder)
    assert '<a href="clv.failed.html">What of clv?</a>' in page
    assert "control group &lt;is&gt; empty" in page
    assert '<a href="../2026-09-30/clv.html">last good report: 30 September 2026</a>' in page


def test_notes_to_read_stand_beside_the_line(tmp_path):
    folder = dated(tmp_path, "2026-10-31", [outcome("clv", "notes", notes=["the hold-out missed by 14 %"])])
    page = made(tmp_path, folder)
    assert "read the notes" in page
    assert "the hold-out missed by 14 %" in page


def test_a_figure_shows_interval_change_and_line_over_the_dates(tmp_path):
    for day, value in (("2026-08-31", 0.10), ("2026-09-30", 0.101)):
        dated(tmp_path, day, [outcome("funnel")], {"funnel": [figure("conversion", value, "share", words="Won")]})
    now = figure("conversion", 0.105, "share", low=0.099, high=0.111, n=2950, words="Conversion, lead to sale")
    folder = dated(tmp_path, "2026-10-31", [outcome("funnel")], {"funnel": [now]})
    page = made(tmp_path, folder)
    assert "Conversion, lead to sale" in page
    assert "90 %: 9.9 % – 11.1 % · n = 2,950" in page
    assert '<polyline fill="none" stroke="currentColor" stroke-width="1.6" points="4,19 45,16 86,3"/>' in page
    assert '<span class="ok">▲ 0.4 points</span>' in page
    assert "Changes are against 30 September 2026." in page


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (0.10, 0.11, '<span class="ok">▲ 1.0 points</span>'),
        (0.11, 0.10, '<span class="no">▼ 1.0 points</span>'),
        (0.10, 0.10001, "<span>unchanged</span>"),
    ],
)
def test_a_change_is_said_as_it_is_rounded(tmp_path, before, now, said):
    for day, value in (("2026-09-30", before), ("2026-10-31", now)):
        folder = dated(tmp_path, day, [outcome("funnel")], {"funnel": [figure("conversion", value, "share")]})
    assert said in made(tmp_path, folder)


def test_of_other_figures_it_is_not_known_whether_more_is_better(tmp_path):
    for day, value in (("2026-09-30", 100.0), ("2026-10-31", 110.0)):
        folder = dated(tmp_path, day, [outcome("clv")], {"clv": [figure("complaints", value)]})
    assert "<span>▲ 10.0 %</span>" in made(tmp_path, folder)


def test_a_figure_that_was_asked_differently_has_no_change_and_did_not_move(tmp_path):
    for day, value, weeks in (("2026-09-30", 100.0, 52), ("2026-10-31", 50.0, 26)):
        asked = outcome("clv") | {"parameters": {"horizon_weeks": weeks}}
        found = figure("orders_expected", value, low=value - 1, high=value + 1)
        folder = dated(tmp_path, day, [asked], {"clv": [found]})
    page = made(tmp_path, folder)
    assert "▼" not in page
    assert "<polyline" not in page


def test_dates_of_another_label_are_no_history(tmp_path):
    found = {"funnel": [figure("conversion", 0.1, "share")]}
    dated(tmp_path, "2026-09-30+quick", [outcome("funnel")], found)
    page = made(tmp_path, dated(tmp_path, "2026-10-31", [outcome("funnel")], found))
    assert "<polyline" not in page
    assert "Changes are against" not in page
    assert '<a href="../2026-09-30+quick/index.html"><bdi>30 September 2026 · quick</bdi></a>' in page


def test_an_indicator_that_is_not_known_says_why(tmp_path):
    folder = dated(
        tmp_path,
        "2026-10-31",
        [outcome("clv", "failed"), outcome("funnel")],
        {"funnel": [figure("conversion", None, "share", words="fewer than 30 closed deals")]},
        left_out={"satisfaction": ["surveys"]},
    )
    page = made(tmp_path, folder)
    reasons = (
        "not known: no table surveys",
        "not known: Clv was not made",
        "fewer than 30 closed deals",
        "its report was not asked for",
    )
    assert [reason in page for reason in reasons] == [True] * 4


def test_every_figure_of_each_report_is_shown_by_its_words(tmp_path):
    found = {"clv": [figure("orders", 1517.0, words="Orders to come"), figure("n_open", 3.0), figure("r", None)]}
    page = made(tmp_path, dated(tmp_path, "2026-10-31", [outcome("clv")], found))
    assert page.index("Orders to come") < page.index("n open")
    assert ">r<" not in page


def test_the_five_indicators_stand_first_in_one_order_whether_known_or_not(tmp_path):
    found = {"funnel": [figure("conversion", 0.1, "share")], "clv": [figure("lifetime_value", 5.0, "CNY")]}
    page = made(tmp_path, dated(tmp_path, "2026-10-31", [outcome("clv"), outcome("funnel")], found))
    names = re.findall(r"<dt>([^<]+)</dt>", page)
    assert names == ["Satisfaction", "Loyalty", "Conversion", "Lifetime value", "Participation"]
    assert page.count('<div class="n">—</div>') == 3


def test_what_moved_beyond_its_intervals_is_said_and_leads_to_the_comparison(tmp_path):
    for day, value in (("2026-09-30", 0.20), ("2026-10-31", 0.10)):
        moved = figure("win_rate", value, "share", low=value - 0.02, high=value + 0.02, words="Win rate")
        folder = dated(tmp_path, day, [outcome("funnel")], {"funnel": [moved]})
    page = made(tmp_path, folder)
    assert "▼ 10.0 points" in page
    assert '<a href="compare.2026-09-30.html">Compare with 30 September 2026</a>' in page
    assert problems((folder / "compare.2026-09-30.html").read_text(encoding="utf-8")) == []


def test_a_move_within_the_intervals_has_no_colour_and_is_no_news(tmp_path):
    for day, value in (("2026-09-30", 0.10), ("2026-10-31", 0.11)):
        found = figure("conversion", value, "share", low=value - 0.02, high=value + 0.02)
        folder = dated(tmp_path, day, [outcome("funnel")], {"funnel": [found]})
    page = made(tmp_path, folder)
    assert "<span>▲ 1.0 points</span>" in page
    assert "No figure moved by more than chance would make since 30 September 2026." in page


def test_a_run_that_changed_nothing_leaves_the_state_before(tmp_path):
    dated(tmp_path, "2026-10-31", [outcome("clv", "notes", notes=["read this"])])
    folder = dated(tmp_path, "2026-10-31", [outcome("clv", "unchanged")], start="bb")
    assert "read this" in made(tmp_path, folder)


def test_the_index_over_all_shows_state_indicators_change_and_line_of_each_date(tmp_path):
    for day, value in (("2026-09-30", 0.10), ("2026-10-31", 0.11)):
        folder = dated(tmp_path, day, [outcome("funnel")], {"funnel": [figure("conversion", value, "share")]})
    dated(tmp_path, "2026-10-31+quick", [outcome("funnel", "failed")])
    index.write(tmp_path, folder)
    page = (tmp_path / "index.html").read_text(encoding="utf-8").replace("\xa0", " ")
    assert page.count('<span class="ok"><span aria-hidden="true">✓</span> One report is fine</span>') == 2
    assert '<span class="no"><span aria-hidden="true">✗</span> One report failed</span>' in page
    assert '11.0 %<br><small class="ok">▲ 1.0 points</small>' in page
    assert page.count("<polyline") == 1


def test_many_dates_of_a_source_fold(tmp_path):
    for month in range(1, 13):
        for day in ("01", "15"):
            folder = dated(tmp_path, f"2025-{month:02}-{day}", [outcome("clv")])
    archive.write(tmp_path / "index.html", overview.page(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert problems(page) == []
    assert page.index("12 earlier dates") > page.index(f"{folder.name}/index.html")


def test_a_standstill_looks_like_one():
    still, rise = tiles.sparkline([100, 100.1]), tiles.sparkline([100, 120])
    assert 'points="4,11 86,11"' in still
    assert 'points="4,19 86,3"' in rise
    assert tiles.sparkline([5]) == ""


def test_what_was_left_out_is_named_with_the_tables_it_would_take(tmp_path):
    folder = dated(tmp_path, "2026-10-31", [outcome("clv")], left_out={"funnel": ["opportunities"]})
    page = made(tmp_path, folder)
    assert "What is in the pipe, and where does it stall? – needs the table opportunities" in page


def test_all_sources_and_dates_stand_in_one_index_newest_first(tmp_path):
    dated(tmp_path, "1998-06-30", [outcome("clv", "notes")], source="cdnow")
    dated(tmp_path, "2026-09-30", [outcome("clv", "failed")])
    folder = dated(tmp_path, "2026-10-31", [outcome("clv")])
    index.write(tmp_path, folder)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert problems(page) == []
    assert "One report is fine, one needs care" in page
    places = [
        page.index(f'href="{x}/index.html"')
        for x in ("sample/2026-10-31", "sample/2026-09-30", "cdnow/1998-06-30")
    ]
    assert places == sorted(places)


def test_the_index_is_rebuilt_from_the_files_alone(tmp_path):
    dated(tmp_path, "2026-09-30", [outcome("clv")], {"clv": [figure("orders", 5.0)]})
    folder = dated(tmp_path, "2026-10-31", [outcome("clv")], {"clv": [figure("orders", 6.0)]})
    index.rebuild(tmp_path)
    pages = [folder / "index.html", folder.parent / "2026-09-30/index.html", tmp_path / "index.html"]
    before = [p.read_bytes() for p in pages]
    for page in pages:
        page.unlink()
    index.rebuild(tmp_path)
    assert [p.read_bytes() for p in pages] == before
