import datetime as dt
import os

import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner import archive

NOON = dt.datetime(2026, 11, 1, 12, 0)


def folder_with(path, *files):
    path.mkdir(parents=True, exist_ok=True)
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name, encoding="utf-8")
    return path


def test_pages_are_named_by_topic_state_and_language():
    assert archive.page_name("clv", "en") == "clv.html"
    assert archive.page_name("clv", "zh") == "clv.zh.html"
    assert archive.page_name("clv", "en", failed=True) == "clv.failed.html"


def test_runs_of_one_second_get_names_of_their_own(tmp_path):
    names = [archive.begin(tmp_path, NOON) for _ in range(3)]
    assert names == ["2026-11-01T12-00-00", "2026-11-01T12-00-00-2", "2026-11-01T12-00-00-3"]


def test_a_good_run_replaces_all_that_the_one_before_left(tmp_path):
    place = folder_with(
        tmp_path / "place", "clv.failed.html", "clv/old.parquet", "clv/customers.parquet", "funnel.html"
    )
    made = folder_with(
        tmp_path / "made", "clv.html", "clv.figures.json", "clv/customers.parquet", "executed.ipynb"
    )
    archive.install(made, place, "clv", "en")
    left = sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())
    assert left == ["clv.figures.json", "clv.html", "clv/customers.parquet", "funnel.html"]


def test_what_a_dead_run_left_aside_is_swept_and_a_living_one_kept(tmp_path):
    living = archive.aside(tmp_path, "clv", "2026-11-01T12-00-00")
    dead = folder_with(tmp_path / ".making-999999999-2026-11-01T12-00-00-clv", "clv.html")
    archive.sweep(tmp_path)
    assert living.is_dir()
    assert not dead.exists()
    assert str(os.getpid()) in living.name


def test_the_last_good_page_is_on_this_date_or_before_and_never_of_another_label(tmp_path):
    for name in ("2026-08-31", "2026-10-31+quick", "2026-11-30"):
        folder_with(tmp_path / name, "clv.html", "runs/x.json")
    here = folder_with(tmp_path / "2026-10-31", "runs/x.json")
    assert archive.last_good(here, "clv", "en") == (dt.date(2026, 8, 31), "../2026-08-31/clv.html")
    folder_with(here, "clv.html")
    assert archive.last_good(here, "clv", "en") == (dt.date(2026, 10, 31), "clv.html")
    assert archive.last_good(here, "funnel", "en") is None


@pytest.mark.parametrize("label", ["a/b", "..", "-x", "x" * 41, "é", "a b"])
def test_a_label_that_is_no_part_of_a_folder_name_is_refused(label):
    with pytest.raises(ParameterError, match="--label is"):
        archive.checked_label(label)


def test_plain_labels_are_kept():
    assert [archive.checked_label(x) for x in ("", "quick", "v1.2_b-3")] == ["", "quick", "v1.2_b-3"]


def test_a_record_that_is_broken_is_passed_over(tmp_path):
    archive.write_record(tmp_path, "b", {"start": "b", "started_at": "2"})
    archive.write_record(tmp_path, "a", {"start": "a", "started_at": "1"})
    (tmp_path / "runs" / "c.json").write_text("{", encoding="utf-8")
    assert [r["start"] for r in archive.records(tmp_path)] == ["a", "b"]
