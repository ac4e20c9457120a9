import datetime as dt
import json

import pytest

from crm_lib.contract import lists as stored
from crm_lib.errors import Busy
from crm_lib.runner.store import archive, lists, lock, tidy
from tests.runner.store.test_lists import place, target_lists

TODAY = dt.date(2026, 11, 2)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def dated(source, name, *good):
    """A dated folder with a run, and good pages of these topics."""
    folder = source / name
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "x.json").write_text(json.dumps({"start": "x", "started_at": "1"}), encoding="utf-8")
    (folder / "index.html").touch()
    (folder / "clv.failed.html").touch()
    for topic in good:
        (folder / f"{topic}.html").touch()
        (folder / f"{topic}.figures.json").touch()
    return folder


def names(plan):
    removed, kept = plan
    return [f.name for f in removed], [k.folder.name for k in kept]


def test_the_newest_dates_stay_and_older_ones_go(source):
    for month in ("07", "08", "09", "10"):
        dated(source, f"2026-{month}-28", "clv")
    assert names(tidy.plan(source, 2, TODAY)) == (["2026-07-28", "2026-08-28"], [])


def test_the_last_good_page_of_every_report_stays_however_old(source):
    dated(source, "2026-06-30", "clv", "funnel")
    dated(source, "2026-07-31", "clv")
    for month in ("08", "09", "10"):
        dated(source, f"2026-{month}-28")
    removed, kept = tidy.plan(source, 1, TODAY)
    assert [f.name for f in removed] == ["2026-08-28", "2026-09-28"]
    assert [(k.folder.name, k.reason) for k in kept] == [
        ("2026-06-30", "the last good funnel.html"),
        ("2026-07-31", "the last good clv.html"),
    ]


def test_a_label_has_last_good_pages_of_its_own(source):
    dated(source, "2026-07-31+quick", "clv")
    dated(source, "2026-08-31", "clv")
    dated(source, "2026-09-30", "clv")
    assert names(tidy.plan(source, 1, TODAY)) == (["2026-08-31"], ["2026-07-31+quick"])


MONTHS = ("2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31")


def move(source, day, *states):
    on = dt.date.fromisoformat(day) + dt.timedelta(days=2)
    for state in states:
        lists.move(source, day, state, "Li", (on, dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)))


def plans(source, became=None):
    """A date with a plan of every month; the lists of some came into these states."""
    for day in MONTHS:
        place(source, target_lists(dt.date.fromisoformat(day)))
        dated(source, day, "clv")
        move(source, day, *(became or {}).get(day, ()))


def left(source):
    return sorted(p.name for p in (source / "lists").glob("2026-*"))


def test_plans_of_several_months_that_nobody_approved_go_with_their_dates(source):
    plans(source)
    removed, kept = tidy.plan(source, 2, TODAY)
    assert ([f.name for f in removed], kept) == (list(MONTHS[:3]), [])
    for folder in removed:
        tidy.remove(folder)
    assert left(source) == list(MONTHS[3:])
    assert names(tidy.plan(source, 2, TODAY)) == ([], [])


def test_a_plan_that_was_approved_or_sent_and_not_settled_stays_with_its_date(source):
    plans(source, {"2026-07-31": ("approved",), "2026-08-31": ("approved", "sent")})
    removed, kept = tidy.plan(source, 1, TODAY)
    assert [f.name for f in removed] == ["2026-06-30", "2026-09-30"]
    assert [(k.folder.name, k.reason) for k in kept] == [
        ("2026-07-31", "its plan is not settled"),
        ("2026-08-31", "its plan is not settled"),
    ]


def test_a_plan_that_was_settled_is_still_measured_when_its_date_has_gone(source):
    plans(source, {"2026-07-31": ("approved", "sent", "settled")})
    removed, kept = tidy.plan(source, 1, TODAY)
    assert ([f.name for f in removed], kept) == (list(MONTHS[:4]), [])
    for folder in removed:
        tidy.remove(folder)
    assert left(source) == ["2026-07-31", "2026-10-31"]
    assert stored.read(source / "lists/2026-07-31").state("mail") == "settled"


def test_lists_that_nobody_approved_beside_settled_ones_hold_no_date(source):
    place(source, target_lists(dt.date(2026, 6, 30)))
    for state in ("approved", "sent", "settled"):
        lists.move(source, "2026-06-30/mail", state, "Li", (dt.date(2026, 7, 1), dt.datetime(2026, 7, 1)))
    dated(source, "2026-06-30", "clv")
    dated(source, "2026-10-31", "clv")
    assert names(tidy.plan(source, 1, dt.date(2026, 7, 2))) == ([], ["2026-06-30"]), "one may still be approved"
    assert names(tidy.plan(source, 1, TODAY)) == (["2026-06-30"], [])


def test_the_newest_plan_stays_while_it_may_be_approved(source):
    place(source, target_lists(dt.date(2026, 9, 30)))
    for day in ("2026-09-30", "2026-10-31"):
        dated(source, day, "clv")
    assert names(tidy.plan(source, 1, dt.date(2026, 10, 30))) == ([], ["2026-09-30"])
    assert names(tidy.plan(source, 1, dt.date(2026, 10, 31))) == (["2026-09-30"], [])


@pytest.mark.parametrize("broken", ["plan.json", "states.jsonl"])
def test_a_plan_that_can_not_be_read_stays(source, broken):
    place(source, target_lists(dt.date(2026, 9, 30)))
    (source / "lists/2026-09-30" / broken).write_text("{", encoding="utf-8")
    for day in ("2026-09-30", "2026-10-31"):
        dated(source, day, "clv")
    assert names(tidy.plan(source, 1, TODAY)) == ([], ["2026-09-30"])


def test_a_folder_in_use_is_not_removed(source):
    folder = dated(source, "2026-08-31", "clv")
    with lock.held(folder / archive.LOCK), pytest.raises(Busy):
        tidy.remove(folder)
    assert folder.exists()
    tidy.remove(folder)
    assert list(source.iterdir()) == []
