import dataclasses
import datetime as dt
import json
import zipfile

import pandas as pd
import pytest

from crm_lib.contract import lists as stored
from crm_lib.contract.lists import TargetLists
from crm_lib.errors import DataContractError, ParameterError
from crm_lib.runner.store import lists

PLANNED = dt.date(2026, 10, 31)
WHEN = (dt.date(2026, 11, 2), dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC))
HOSTILE = "=cmd|' /C calc'!A0"


def target_lists(day=PLANNED, n=6):
    members = pd.DataFrame(
        {
            "list": ["mail"] * (n - 2) + ["call"] * 2,
            "customer_id": [HOSTILE, *(f"c{i}" for i in range(1, n))],
            "owner": ["Li ../../etc", ""] * (n // 2),
            "channel": "e-mail",
            "arm": ["treated", "control"] * (n // 2),
            "contact_cost": [2.0, 0.0] * (n // 2),
            "gain": 5.0,
            "reason": "+1 order",
        }
    )
    about = {
        "mail": {"n": n - 2, "n_treated": 2, "n_control": 2},
        "call": {"n": 2, "n_treated": 1, "n_control": 1},
    }
    return TargetLists(day, members, about, {"customer_id": "Customer", "reason": "Reason"}, {"valid_days": 30})


@pytest.fixture
def source(tmp_path):
    """A source folder with one plan in its place."""
    place(tmp_path, target_lists())
    return tmp_path


def place(source, told):
    made = source / told.plan_date.isoformat() / ".making"
    made.mkdir(parents=True, exist_ok=True)
    stored.write(told, made, {"source": "sample"})
    lists.write(made)
    lists.install(made, made.parent)
    return made


def test_there_is_one_file_per_play_and_owner_and_no_formula_in_it(source):
    home = source / "lists" / "2026-10-31"
    names = sorted(p.name for p in home.glob("*.csv"))
    assert names == ["call.02-li-etc.csv", "call.no-owner.csv", "mail.02-li-etc.csv", "mail.no-owner.csv"]
    text = (home / "mail.02-li-etc.csv").read_text(encoding="utf-8-sig")
    assert f'"\'{HOSTILE}"' in text
    assert '"\'+1 order"' in text
    with zipfile.ZipFile(home / "mail.02-li-etc.xlsx") as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        texts = book.read("xl/sharedStrings.xml").decode()
    assert all(f"{text}</t>" in texts for text in ("Customer", "Reason", f"'{HOSTILE}", "'+1 order"))


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    homes = []
    for name in ("a", "b"):
        place(tmp_path / name, target_lists())
        homes.append(tmp_path / name / "lists" / "2026-10-31")
    files = sorted(p.name for p in homes[0].iterdir())
    assert [p.name for p in sorted(homes[1].iterdir())] == files
    assert all((homes[0] / f).read_bytes() == (homes[1] / f).read_bytes() for f in files)


def test_a_long_list_is_csv_only(source, monkeypatch):
    monkeypatch.setattr(lists, "MOST_XLSX_ROWS", 3)
    place(source, target_lists(dt.date(2026, 11, 30)))
    assert not list((source / "lists" / "2026-11-30").glob("*.xlsx"))


def test_a_run_with_a_label_stores_no_lists(tmp_path):
    made = tmp_path / "2026-10-31+more" / ".making"
    made.mkdir(parents=True)
    stored.write(target_lists(), made, {})
    lists.write(made)
    lists.install(made, made.parent)
    assert not (tmp_path / "lists").exists()


def test_a_list_goes_from_proposed_to_settled_with_time_and_name(source):
    for state in ("approved", "sent"):
        lists.move(source, "2026-10-31/mail", state, "Li", WHEN)
    lists.move(source, "2026-10-31/mail", "settled", "Wu", WHEN, 12.5)
    plan = stored.read(source / "lists" / "2026-10-31")
    assert plan.state("mail") == "settled"
    assert plan.state("call") == "proposed"
    assert plan.since("mail", "sent") == WHEN[0]
    assert plan.cost("mail") == 12.5
    assert [(c.by, c.at) for c in plan.changes][-1] == ("Wu", "2026-11-02T09:00:00+00:00")
    assert not (plan.folder / "settled.json").exists()
    for state in ("approved", "sent", "settled"):
        lists.move(source, "2026-10-31", state, "Li", WHEN)
    assert (plan.folder / "settled.json").exists()


@pytest.mark.parametrize(
    ("wanted", "state", "says"),
    [
        ("2026-10-31/mail", "sent", "only one that is approved"),
        ("2026-10-31/post", "approved", 'no list "post". Lists: mail, call'),
        ("2026-09-30", "approved", "Plans: 2026-10-31"),
        ("../../etc", "approved", "no plan"),
        ("2026-10-31", "settled", "no list that is sent"),
    ],
)
def test_a_step_that_can_not_be_is_refused_in_words(source, wanted, state, says):
    with pytest.raises(ParameterError, match=says):
        lists.move(source, wanted, state, "Li", WHEN)


def test_an_edited_or_missing_list_is_not_approved(source):
    home = source / "lists" / "2026-10-31"
    with (home / "mail.no-owner.csv").open("a", encoding="utf-8") as file:
        file.write('"c9","added"\n')
    with pytest.raises(DataContractError, match=r"mail\.no-owner\.csv was changed since the plan was made"):
        lists.move(source, "2026-10-31", "approved", "Li", WHEN)
    (home / "mail.no-owner.csv").unlink()
    with pytest.raises(DataContractError, match="is missing since"):
        lists.move(source, "2026-10-31", "approved", "Li", WHEN)
    assert stored.read(home).state("mail") == "proposed"


def test_a_stale_plan_is_not_approved(source):
    late = (dt.date(2026, 12, 24), WHEN[1])
    with pytest.raises(ParameterError, match=r"54 days old, and crm\.toml allows 30"):
        lists.move(source, "2026-10-31", "approved", "Li", late)
    place(source, target_lists(dt.date(2026, 11, 30)))
    with pytest.raises(ParameterError, match="a newer one of 2026-11-30"):
        lists.move(source, "2026-10-31", "approved", "Li", WHEN)


def test_a_proposed_plan_is_made_again_and_an_approved_one_is_not(source):
    home = source / "lists" / "2026-10-31"
    before = (home / "plan.json").read_bytes()
    place(source, target_lists(n=8))
    assert (home / "plan.json").read_bytes() != before
    lists.move(source, "2026-10-31/mail", "approved", "Li", WHEN)
    fixed = {p.name: p.read_bytes() for p in home.iterdir()}
    place(source, target_lists(n=4))
    assert {p.name: p.read_bytes() for p in home.iterdir()} == fixed
    assert not (home / "mail.no-owner.csv").stat().st_mode & 0o222


def test_a_change_of_state_makes_pages_that_tell_of_it_again(source):
    before = lists.mark(source)
    lists.move(source, "2026-10-31/mail", "approved", "Li", WHEN)
    assert lists.mark(source) != before


def test_nobody_is_named_twice_and_no_arm_is_invented():
    told = target_lists()
    twice = dataclasses.replace(told, members=pd.concat([told.members, told.members]))
    with pytest.raises(DataContractError, match="contacts nobody twice"):
        stored.check(twice)
    strange = dataclasses.replace(told, members=told.members.assign(arm="maybe"))
    with pytest.raises(DataContractError, match="treated, control"):
        stored.check(strange)


def test_a_damaged_plan_is_named(source):
    home = source / "lists" / "2026-10-31"
    (home / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataContractError, match="lists/2026-10-31 can't be read"):
        stored.stored(source, PLANNED)


def test_plans_after_the_date_are_not_read(source):
    assert [p.plan_date for p in stored.stored(source, PLANNED)] == [PLANNED]
    assert stored.stored(source, dt.date(2026, 10, 30)) == ()
    assert json.loads((source / "lists" / "2026-10-31" / "plan.json").read_text())["files"]
