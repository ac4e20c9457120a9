import json

import pytest

from crm_lib.errors import Busy
from crm_lib.runner import archive, lock, tidy


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
    assert names(tidy.plan(source, 2)) == (["2026-07-28", "2026-08-28"], [])


def test_the_last_good_page_of_every_report_stays_however_old(source):
    dated(source, "2026-06-30", "clv", "funnel")
    dated(source, "2026-07-31", "clv")
    for month in ("08", "09", "10"):
        dated(source, f"2026-{month}-28")
    removed, kept = tidy.plan(source, 1)
    assert [f.name for f in removed] == ["2026-08-28", "2026-09-28"]
    assert [(k.folder.name, k.reason) for k in kept] == [
        ("2026-06-30", "the last good funnel.html"),
        ("2026-07-31", "the last good clv.html"),
    ]


def test_a_label_has_last_good_pages_of_its_own(source):
    dated(source, "2026-07-31+quick", "clv")
    dated(source, "2026-08-31", "clv")
    dated(source, "2026-09-30", "clv")
    assert names(tidy.plan(source, 1)) == (["2026-08-31"], ["2026-07-31+quick"])


def test_a_plan_that_is_not_settled_stays(source):
    for month in ("08", "09", "10"):
        dated(source, f"2026-{month}-28", "clv")
    (source / "lists/2026-08-28").mkdir(parents=True)
    (source / "lists/2026-09-28").mkdir(parents=True)
    (source / "lists/2026-09-28/settled.json").touch()
    assert names(tidy.plan(source, 1)) == (["2026-09-28"], ["2026-08-28"])


def test_a_folder_in_use_is_not_removed(source):
    folder = dated(source, "2026-08-31", "clv")
    with lock.held(folder / archive.LOCK), pytest.raises(Busy):
        tidy.remove(folder)
    assert folder.exists()
    tidy.remove(folder)
    assert list(source.iterdir()) == []
