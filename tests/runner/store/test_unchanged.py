"""A page that would come out the same is left as it is, and anything it depends on makes it new."""

import json
from dataclasses import replace

import pytest

from crm_lib.runner import run
from crm_lib.runner.evidence import verdict
from crm_lib.runner.store import unchanged

DATA = {"fingerprint": "5f0c", "settings": "a1"}


@pytest.fixture(scope="module")
def made(tmp_path_factory, report):
    """A folder of reports in which `good` was made."""
    folder = tmp_path_factory.mktemp("made") / "reports"
    assert report(folder, "good", **DATA).exit_code == 0
    return folder


@pytest.fixture
def asked(made, order, job):
    """The order that made it, once more."""
    return order(made, job("good"), **DATA)


def test_nothing_is_run_when_nothing_has_changed(asked, made):
    page = asked.folder / "good.html"
    before = page.stat()
    done = run.report(asked)
    assert [o.verdict.state for o in done.outcomes] == [verdict.UNCHANGED]
    assert done.exit_code == 0
    assert page.stat().st_mtime_ns == before.st_mtime_ns
    newest = max((asked.folder / "runs").glob("*.json"))
    (report,) = json.loads(newest.read_text(encoding="utf-8"))["reports"]
    assert (report["state"], report["summary"]) == ("unchanged", "1,517 orders to come")
    assert "One report is fine" in (asked.folder / "index.html").read_text(encoding="utf-8")


def test_and_again_after_a_run_that_was_passed_over(asked):
    run.report(asked)
    assert unchanged.standing(asked, asked.jobs[0])["state"] == verdict.FINE


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "6a1d"},
        {"settings": "b2"},
        {"language": "zh"},
        {"force": True},
        {"fingerprint": ""},
        {"label": "quick"},
    ],
    ids=str,
)
def test_another_order_is_run(asked, change):
    assert unchanged.standing(replace(asked, **change), asked.jobs[0]) is None


def test_other_parameters_or_another_notebook_are_run(asked, job, tmp_path):
    assert unchanged.standing(asked, asked.jobs[0]) is not None
    assert unchanged.standing(asked, job("good", horizon_weeks=39)) is None
    text = job("good").notebook.read_text(encoding="utf-8").replace("42", "43")
    (tmp_path / "good.ipynb").write_text(text, encoding="utf-8")
    assert unchanged.standing(asked, replace(asked.jobs[0], notebook=tmp_path / "good.ipynb")) is None


def test_other_code_is_run(asked, monkeypatch):
    monkeypatch.setattr(unchanged, "code", lambda: "other")
    assert unchanged.standing(asked, asked.jobs[0]) is None


def test_every_library_that_shapes_a_page_counts_and_no_tool_does():
    found = unchanged.libraries()
    assert {"scikit-learn", "statsmodels", "pyarrow", "babel", "lifetimes", "ibis-framework"} <= set(found)
    assert not {"pytest", "ruff", "uv", "hatchling"} & set(found)
    assert all(found.values())


def test_another_version_of_one_library_is_other_code(monkeypatch):
    before = unchanged.code.__wrapped__()
    newer = unchanged.libraries() | {"statsmodels": "99.0"}
    monkeypatch.setattr(unchanged, "libraries", lambda: newer)
    assert unchanged.code.__wrapped__() != before


def test_what_the_date_before_published_counts_too(asked, monkeypatch):
    monkeypatch.setattr(
        unchanged.history, "before", lambda _folder, _topic: {"figures": [{"name": "n", "value": 1}]}
    )
    assert unchanged.standing(asked, asked.jobs[0]) is None


def test_a_page_that_somebody_edited_or_removed_is_made_again(tmp_path, report, order, job):
    report(tmp_path, "good", **DATA)
    again = order(tmp_path, job("good"), **DATA)
    page = again.folder / "good.html"
    page.write_text(page.read_text(encoding="utf-8") + "<!-- mine -->", encoding="utf-8")
    assert unchanged.standing(again, again.jobs[0]) is None
    page.unlink()
    assert unchanged.standing(again, again.jobs[0]) is None


def test_a_failure_since_then_makes_it_new(tmp_path, report, order, job):
    report(tmp_path, "good", **DATA)
    again = order(tmp_path, job("good"), **DATA)
    broken = replace(again.jobs[0], notebook=job("cell_error").notebook)
    assert run.report(replace(again, jobs=(broken,))).exit_code == 1
    assert unchanged.standing(again, again.jobs[0]) is None
