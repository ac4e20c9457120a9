import datetime as dt
import json
import os
import re
from contextlib import suppress
from pathlib import Path

import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner.store import archive

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


OLD, NEW = ("customers.csv", "old.csv"), ("customers.csv", "new.csv")


def page_linking(folder, mark, names):
    """A page that links these tables, its figures, and the tables, all of one run."""
    links = "".join(f'<a href="clv/{name}">' for name in names)
    folder_with(folder, *(f"clv/{name}" for name in names))
    (folder / "clv.html").write_text(f"{mark} {links}", encoding="utf-8")
    (folder / "clv.figures.json").write_text(json.dumps({"summary": mark}), encoding="utf-8")
    return folder


class Killed(BaseException):
    """What no clean-up survives."""


def killed_at(step, monkeypatch):
    """Let the run end before the given change of the disk: a file put in its place, or one removed."""
    done = []

    def counted(change):
        def change_unless_killed(*given, **options):
            if len(done) == step:
                raise Killed
            done.append(given)
            return change(*given, **options)

        return change_unless_killed

    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    return done


@pytest.mark.parametrize("before", [True, False], ids=["in place of an old page", "for the first time"])
def test_a_run_killed_at_any_step_leaves_a_page_with_all_that_it_links(tmp_path, monkeypatch, before):
    for step in range(100):
        place = folder_with(tmp_path / f"place{step}", "clv.failed.html")
        if before:
            page_linking(place, "old", OLD)
        made = page_linking(tmp_path / f"made{step}", "new", NEW)
        with monkeypatch.context() as patched:
            done = killed_at(step, patched)
            with suppress(Killed):
                archive.install(made, place, "clv", "en")
        page = (place / "clv.html").read_text(encoding="utf-8") if (place / "clv.html").exists() else ""
        linked = re.findall(r'href="([^"]+)"', page)
        assert [link for link in linked if not (place / link).exists()] == [], f"step {step}"
        figures = (
            json.loads((place / "clv.figures.json").read_text()) if (place / "clv.figures.json").exists() else {}
        )
        if not page.startswith("new"):
            assert figures.get("summary") != "new", f"step {step}: new figures beside an old page, or none"
            assert (place / "clv.failed.html").exists()
        if len(done) < step:
            break
    assert page.startswith("new")
    assert sorted(p.name for p in (place / "clv").iterdir()) == sorted(NEW)
    assert step > 4


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
