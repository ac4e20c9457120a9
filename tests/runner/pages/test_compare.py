import csv
import json
import re

import pandas as pd
import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.pages import compare, movers, moves
from crm_lib.runner.store import archive


def figure(name, value, unit="orders", low=None, high=None, words=""):
    return {"name": name, "value": value, "unit": unit, "n": 9, "low": low, "high": high, "words": words}


def dated(reports, name, figures=(), topic="clv", tables=None, **parameters):
    folder = reports / "sample" / name
    report = {"topic": topic, "state": "fine", "parameters": {"as_of": name, **parameters}}
    record = {
        "start": "a", "started_at": "2026-11-01T12:00:00", "made_at": "2026-11-01 12:00", "source": "sample",
        "source_title": "Xudong", "as_of": name[:10], "label": name[11:], "language": "en", "version": "0.1.0",
        "commit": "", "reports": [report], "left_out": {},
    }  # fmt: skip
    archive.write_record(folder, "a", record)
    document = {"topic": topic, "figures": list(figures), "summary": "", "notes": [], "about": {"currency": "CNY"}}
    (folder / f"{topic}.figures.json").write_text(json.dumps(document), encoding="utf-8")
    for table, frame in (tables or {}).items():
        (folder / topic).mkdir(exist_ok=True)
        frame.to_parquet(folder / topic / f"{table}.parquet")
    return folder


def written(reports, before="2026-09-30", now="2026-10-31"):
    path = compare.write(reports, "sample", before, now)
    page = path.read_text(encoding="utf-8").replace("\xa0", " ")
    assert problems(page) == []
    assert path.name == f"compare.{before}.html"
    return page


@pytest.mark.parametrize(
    ("old", "new", "beyond"),
    [
        ((1, 2), (3, 4), True),
        ((3, 4), (1, 2), True),
        ((1, 2), (2, 3), False),
        ((1, 4), (2, 3), False),
        ((None, None), (2, 3), None),
        ((1, 2), (None, None), None),
    ],
)
def test_a_move_is_beyond_the_intervals_when_they_do_not_touch(old, new, beyond):
    before, now = figure("x", 2.0, low=old[0], high=old[1]), figure("x", 3.0, low=new[0], high=new[1])
    (move,) = moves.between({"topic": "clv", "figures": [before]}, {"topic": "clv", "figures": [now]})
    assert move.beyond is beyond


@pytest.mark.parametrize(
    ("before", "now", "unit", "said"),
    [
        (0.10, 0.25, "share", "▲ 15.0 points"),
        (1000.0, 800.0, "orders", "▼ 20.0 %"),
        (2_000_000.0, 2_500_000.0, "CNY", "▲ CN¥500K (25.0 %)"),
        (0.0, 5.0, "orders", "▲"),
    ],
)
def test_a_move_is_said_in_its_unit(before, now, unit, said):
    old, new = ({"topic": "clv", "figures": [figure("x", value, unit)]} for value in (before, now))
    (move,) = moves.between(old, new)
    assert move.change.replace("\xa0", " ") == said


def test_a_move_that_rounds_to_nothing_has_no_direction():
    before, now = figure("x", 1.0, "ratio"), figure("x", 0.9996, "ratio")
    assert moves.Move("clv", "ratio", before, now, False).change == "unchanged"


def test_what_did_not_move_or_is_not_known_on_both_dates_is_left_out():
    old = [figure("same", 5.0), figure("gone", 5.0), figure("empty", None), figure("other", 1.0, "share")]
    new = [figure("same", 5.0), figure("new", 5.0), figure("empty", 1.0), figure("other", 2.0, "CNY")]
    assert moves.between({"topic": "clv", "figures": old}, {"topic": "clv", "figures": new}) == []
    assert moves.between(None, {"topic": "clv", "figures": new}) == []


def test_most_money_comes_first(tmp_path):
    shares = [figure("share", v, "share", v - 0.01, v + 0.01, words="A share") for v in (0.1, 0.9)]
    little = [figure("little", v, "CNY", v - 1, v + 1, words="Little money") for v in (100.0, 200.0)]
    much = [figure("much", v, "CNY", v - 1, v + 1, words="Much money") for v in (1e6, 2e6)]
    for i, day in enumerate(("2026-09-30", "2026-10-31")):
        dated(tmp_path, day, [shares[i], little[i], much[i]])
    page = written(tmp_path)
    assert "<h1>Three figures moved beyond their intervals</h1>" in page
    places = [page.index(words) for words in ("Much money", "Little money", "A share")]
    assert places == sorted(places)
    assert "90 %: CN¥1" in page


def test_when_nothing_moved_the_page_says_so(tmp_path):
    for day in ("2026-09-30", "2026-10-31"):
        dated(tmp_path, day, [figure("x", 5.0)])
    assert "<h1>Nothing moved</h1>" in written(tmp_path)


def test_a_move_that_may_be_chance_stands_in_the_fold(tmp_path):
    for day, v in (("2026-09-30", 0.50), ("2026-10-31", 0.52)):
        dated(tmp_path, day, [figure("x", v, "share", v - 0.1, v + 0.1, words="A share")])
    page = written(tmp_path)
    assert "No figure moved by more than chance would make" in page
    assert page.index("All other figures") < page.index("A share") < page.index("may be chance")


def test_other_parameters_are_named_before_any_figure(tmp_path):
    dated(tmp_path, "2026-10-31", [figure("x", 5.0)], horizon_weeks=52)
    dated(tmp_path, "2026-10-31+quick", [figure("x", 9.0)], horizon_weeks=26)
    page = written(tmp_path, "2026-10-31", "2026-10-31+quick")
    assert "<code>clv.horizon_weeks</code>: <bdi>52</bdi> → <bdi>26</bdi>" in page
    assert "31 October 2026 · quick" in page


def test_a_label_alone_stands_for_its_newest_date(tmp_path):
    dated(tmp_path, "2026-10-31", [figure("x", 5.0)])
    dated(tmp_path, "2026-09-30+quick", [figure("x", 6.0)])
    newest = dated(tmp_path, "2026-10-31+quick", [figure("x", 9.0)])
    assert compare.write(tmp_path, "sample", "2026-10-31", "quick").parent == newest


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (
            "2026-10-30",
            "2026-10-31",
            'There is no run "2026-10-30" of the source sample. Did you mean "2026-10-31"?',
        ),
        ("2026-10-31", "2026-10-31", "there is nothing to compare"),
        ("", "2026-10-31", "There are: 2026-10-31."),
    ],
)
def test_a_date_that_is_not_there_is_refused_in_words(tmp_path, before, now, words):
    dated(tmp_path, "2026-10-31")
    with pytest.raises(ParameterError) as error:
        compare.write(tmp_path, "sample", before, now)
    assert words in str(error.value)


def customers(**segments):
    rows = [(name, segment, amount) for name, (segment, amount) in segments.items()]
    return {"customers": pd.DataFrame(rows, columns=["customer_id", "segment", "amount"])}


def test_customers_who_changed_segment_are_counted_with_their_money(tmp_path):
    before = customers(
        a=("best", 100.0), b=("best", 50.0), c=("quiet", 10.0), d=("quiet", 5.0), gone=("quiet", 1.0)
    )
    now = customers(a=("quiet", 110.0), b=("best", 60.0), c=("best", 500.0), d=("best", 7.0), new=("best", 2.0))
    named = pd.DataFrame({"segment": ["best"], "name": ["Best customers"], "n_customers": [4], "amount": [1.0]})
    old = dated(tmp_path, "2026-09-30", (), "segmentation", before)
    new = dated(tmp_path, "2026-10-31", (), "segmentation", now | {"segments": named})
    found = movers.segments(old, new)
    assert found.moves.to_dict("records") == [
        {"from": "quiet", "to": "Best customers", "n": 2, "amount": 507.0},
        {"from": "Best customers", "to": "quiet", "n": 1, "amount": 110.0},
    ]
    assert (found.n_both, found.n_new, found.n_gone, found.n_moved, found.amount) == (4, 1, 1, 3, 617.0)
    page = written(tmp_path)
    assert "3 of 4 customers are in another segment than before. They have spent CN¥617 so far." in page
    assert "1 customer is new since then." in page
    assert "1 customer is no longer there." in page


def test_hostile_names_stay_text(tmp_path):
    hostile = "<script>alert(1)</script>"
    dated(tmp_path, "2026-09-30", [], "segmentation", customers(a=("best", 1.0)))
    dated(tmp_path, "2026-10-31", [], "segmentation", customers(a=(hostile, 1.0)))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written(tmp_path)


def test_the_customers_whose_forecast_moved_most_come_first(tmp_path):
    def frame(*values):
        return {"customers": pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "clv_mid": values})}

    old = dated(tmp_path, "2026-09-30", tables=frame(10.0, 10.0, 10.0, None))
    new = dated(tmp_path, "2026-10-31", tables=frame(12.0, 3.0, 10.0, 5.0))
    assert movers.values(old, new)["customer_id"].tolist() == ["b", "a"]
    assert "−CN¥7" in written(tmp_path)


def test_a_date_without_tables_compares_figures_only(tmp_path):
    old, new = dated(tmp_path, "2026-09-30"), dated(tmp_path, "2026-10-31")
    assert (movers.segments(old, new), movers.values(old, new)) == (None, None)
    assert "changed segment" not in written(tmp_path)


def test_what_its_tables_show_lies_beside_as_csv(tmp_path):
    for day, v in (("2026-09-30", 0.5), ("2026-10-31", 0.9)):
        dated(tmp_path, day, [figure("x", v, "share", v - 0.1, v + 0.1, words="=A share"), figure("n", v * 10)])
    page = written(tmp_path)
    folder = tmp_path / "sample/2026-10-31"
    linked = re.findall(r'class="csv" href="(compare\.2026-09-30/[^"]+)"', page)
    there = sorted(str(path.relative_to(folder)) for path in (folder / "compare.2026-09-30").iterdir())
    assert sorted(linked) == there
    assert len(linked) == page.count("<table") == 2
    _heads, first = csv.reader((folder / linked[0]).read_text(encoding="utf-8-sig").splitlines())
    assert first[:2] == ["'=A share (Customer value)", "50.0 % (90 %: 40.0 % – 60.0 %)"]


def test_a_page_with_fewer_tables_takes_the_others_away_and_leaves_nothing_half_made(tmp_path):
    for day, v in (("2026-09-30", 0.5), ("2026-10-31", 0.9)):
        dated(tmp_path, day, [figure("x", v, "share", v - 0.1, v + 0.1), figure("n", v * 10)])
    written(tmp_path)
    dated(tmp_path, "2026-10-31", [figure("n", 9.0)])
    written(tmp_path)
    folder = tmp_path / "sample/2026-10-31"
    assert [path.name for path in (folder / "compare.2026-09-30").iterdir()] == ["table-01.csv"]
    assert not list(folder.glob(f"{archive.ASIDE}*"))


def test_figures_that_were_asked_differently_do_not_count_as_moved(tmp_path):
    for day, v, weeks in (("2026-09-30", 5.0, 52), ("2026-10-31", 9.0, 26)):
        dated(tmp_path, day, [figure("x", v, low=v - 1, high=v + 1, words="Orders ahead")], horizon_weeks=weeks)
    page = written(tmp_path)
    assert "No figure moved by more than chance would make" in page
    assert "Figures of reports that were asked differently do not count as moved." in page
    assert page.index("All other figures") < page.index("Orders ahead") < page.index("asked differently</span>")


def test_what_a_failed_run_was_asked_for_changes_nothing(tmp_path):
    for day, v in (("2026-09-30", 5.0), ("2026-10-31", 9.0)):
        folder = dated(tmp_path, day, [figure("x", v, low=v - 1, high=v + 1)], horizon_weeks=52)
    (record,) = archive.records(folder)
    failed = record["reports"][0] | {"state": "failed", "parameters": {"horizon_weeks": 26}}
    archive.write_record(folder, "b", record | {"start": "b", "started_at": "2026-11-02", "reports": [failed]})
    assert "<h1>One figure moved beyond its intervals</h1>" in written(tmp_path)


@pytest.mark.parametrize(("weeks", "told"), [(52, True), (26, False)])
def test_customers_are_compared_where_both_dates_asked_the_same(tmp_path, weeks, told):
    for day, v, asked in (("2026-09-30", 5.0, 52), ("2026-10-31", 900.0, weeks)):
        customers = pd.DataFrame({"customer_id": ["C1", "C2"], "clv_mid": [v, 1.0]})
        dated(tmp_path, day, [figure("x", v)], tables={"customers": customers}, horizon_weeks=asked)
    assert ("Whose expected value moved most?" in written(tmp_path)) is told
