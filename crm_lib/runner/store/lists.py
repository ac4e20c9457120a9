"""Target lists as files, one per play and owner, and the states they pass through.

reports/<source>/lists/<plan_date>/plan.json, members.parquet   what the plan says, with a mark of every file
/<list>.<nn>-<owner>.csv, .xlsx           for those who do the contacting
/states.jsonl, settled.json               who approved, sent and settled which list, and when

The folder is private: no page links to it and no mail holds it. Once something of a plan is approved, no run
writes the plan again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from crm_lib.contract import lists as stored
from crm_lib.contract.lists import (
    APPROVED,
    FOLDER,
    MEMBERS,
    ORDER,
    PLAN,
    SENT,
    SETTLED,
    STATES,
    Change,
    StoredPlan,
)
from crm_lib.errors import DataContractError, ParameterError
from crm_lib.runner.pages import spreadsheet
from crm_lib.runner.store import archive, lock

MOST_XLSX_ROWS = 100_000
SETTLED_FILE = "settled.json"
_WAIT_S = 60
_CREATED = dt.datetime(2000, 1, 1)  # written into every workbook, so that the same list gives the same bytes


def write(folder: Path) -> None:
    """Make the files of a plan that a notebook handed over into `<folder>/lists`; nothing where it made none."""
    place = folder / FOLDER
    if not (place / PLAN).is_file():
        return
    plan = stored.read(place)
    as_workbooks = len(plan.lists.members) <= MOST_XLSX_ROWS
    for name, sheet in _parts(plan):
        spreadsheet.save(sheet, place / f"{name}.csv")
        if as_workbooks:
            _write_xlsx(place / f"{name}.xlsx", sheet)
    marks = {path.name: stored.mark_of(path) for path in sorted(place.iterdir()) if path.name != PLAN}
    text = json.dumps({**plan.document, "files": marks}, ensure_ascii=False, indent=1)
    archive.write(place / PLAN, text + "\n")


def _parts(plan: StoredPlan) -> Iterator[tuple[str, pa.Table]]:
    """File name and rows of each list and owner, the columns in the reader's words and safe for spreadsheets."""
    headings = plan.lists.headings
    members = plan.lists.members.sort_values(["list", "owner"], kind="stable", ignore_index=True)
    sheet = spreadsheet.safe(
        pa.Table.from_pandas(members[list(headings)].rename(columns=headings), preserve_index=False)
    )
    owners = {owner: i for i, owner in enumerate(sorted(members["owner"].unique()), start=1)}
    first = 0
    for (name, owner), n in members.groupby(["list", "owner"], sort=True, observed=True).size().items():
        part = f"{owners[owner]:02}-{_slug(owner)}" if owner else "no-owner"
        yield f"{name}.{part}", sheet.slice(first, n)
        first += n


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:24].strip("-") or "owner"


def _write_xlsx(path: Path, sheet: pa.Table) -> None:
    import xlsxwriter

    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        bold, page = book.add_format({"bold": True}), book.add_worksheet()
        page.write_row(0, 0, sheet.column_names, bold)
        for j, column in enumerate(sheet.columns):
            page.write_column(1, j, column.to_pylist())
        page.freeze_panes(1, 1)
        page.set_column(0, len(sheet.column_names) - 1, 18)


def install(made: Path, folder: Path) -> None:
    """Put the lists of a good run in their place, unless that plan was approved or the run has a label."""
    fresh = made / FOLDER
    if not (fresh / PLAN).is_file() or "+" in folder.name:
        return
    home = folder.parent / FOLDER
    home.mkdir(mode=0o700, exist_ok=True)
    day = json.loads((fresh / PLAN).read_text(encoding="utf-8"))["plan_date"]
    with lock.held(home / ".lock", _WAIT_S):
        if (home / day / STATES).exists():
            return
        old = made / "old-lists"
        if (home / day).exists():
            os.replace(home / day, old)
        os.replace(fresh, home / day)
        shutil.rmtree(old, ignore_errors=True)


def waits(source_folder: Path, day: dt.date, today: dt.date) -> bool:
    """Whether a list of this date may be approved today, or was and is not settled; what can't be read waits."""
    home = source_folder / FOLDER
    folder = home / day.isoformat()
    try:
        if any(state != SETTLED for state in {c.list: c.state for c in stored.changes(folder)}.values()):
            return True
        if not (folder / PLAN).is_file() or (folder / SETTLED_FILE).exists():
            return False
        document = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return folder.name == _plans(home)[-1] and (today - day).days <= _valid_days(document)
    except (DataContractError, OSError, ValueError):
        return True


def discard(folder: Path) -> None:
    """Remove the plan of a dated folder, unless something of it was approved: then what it brought is measured."""
    home = folder.parent / FOLDER
    plan = home / folder.name
    if plan.is_dir():
        with lock.held(home / ".lock", _WAIT_S):
            if not (plan / STATES).exists():
                (plan / PLAN).unlink(missing_ok=True)  # from here on nobody takes the rest for a plan
                shutil.rmtree(plan)


def mark(source_folder: Path) -> str:
    """A mark of what became of all plans: pages that tell of them are made again when it changes."""
    total = hashlib.sha256()
    for path in sorted((source_folder / FOLDER).glob(f"*/{STATES}")):
        total.update(path.parent.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def move(
    source_folder: Path,
    wanted: str,
    state: str,
    by: str,
    when: tuple[dt.date, dt.datetime],
    cost: float | None = None,
) -> list[Change]:
    """Bring a list (`2026-10-31/win_back`) or all of a plan (`2026-10-31`) into its next state.

    Parameters
    ----------
    by
        Who says so.
    when
        The day on which it counts, and the time at which it is written down.
    cost
        What the contacts cost, when one list is settled.

    Raises
    ------
    ParameterError, DataContractError
        Where there is no such list, the state is not the next one, the list is stale or was edited.
    """
    day, _slash, name = wanted.strip().rstrip("/").partition("/")
    home = source_folder / FOLDER
    if not (home / day / PLAN).is_file():
        raise ParameterError(f'There is no plan of "{day}". Plans: {", ".join(_plans(home)) or "none"}.')
    with lock.held(home / ".lock", _WAIT_S):
        plan = stored.read(home / day)
        names = _named(plan, name, state)
        if cost is not None and (len(names) != 1 or cost < 0):
            raise ParameterError(
                "--cost is what the contacts of one list cost: name the list, and no negative sum."
            )
        for one in names:
            _check_next(plan, one, state)
        if state in (APPROVED, SENT):
            _check_untouched(plan)
        if state == APPROVED:
            _check_fresh(plan, _plans(home), when[0])
        at = when[1].isoformat(timespec="seconds")
        made = [Change(one, state, when[0].isoformat(), at, by, cost) for one in names]
        _record(plan, made)
    return made


def _plans(home: Path) -> list[str]:
    return sorted(path.parent.name for path in home.glob(f"[!.]*/{PLAN}"))


def _named(plan: StoredPlan, name: str, state: str) -> list[str]:
    there = [n for n, said in plan.lists.about.items() if said.get("n")]
    if name:
        if name not in there:
            raise ParameterError(
                f'The plan of {plan.plan_date} has no list "{name}". Lists: {", ".join(there) or "none"}.'
            )
        return [name]
    before = ORDER[ORDER.index(state) - 1]
    named = [n for n in there if plan.state(n) == before]
    if not named:
        raise ParameterError(
            f"The plan of {plan.plan_date} has no list that is {before}, so that none can be {state}."
        )
    return named


def _check_next(plan: StoredPlan, name: str, state: str) -> None:
    now, before = plan.state(name), ORDER[ORDER.index(state) - 1]
    if now != before:
        raise ParameterError(
            f"{plan.plan_date}/{name} is {now}. A list is {', then '.join(ORDER)}: "
            f"only one that is {before} can become {state}."
        )


def _check_untouched(plan: StoredPlan) -> None:
    """Every file is as the plan wrote it: an edited list is not the one whose hold-out was drawn."""
    marks: Mapping[str, str] = plan.document.get("files", {})
    for name, mark_then in marks.items():
        path = plan.folder / name
        if not path.is_file() or stored.mark_of(path) != mark_then:
            what = "was changed" if path.is_file() else "is missing"
            raise DataContractError(
                f"lists/{plan.plan_date}/{name} {what} since the plan was made. A list must be the one whose "
                f"hold-out was drawn: make the plan again (crm report action_plan --force), and leave customers "
                f"out through consent or unsubscribed_on."
            )


def _check_fresh(plan: StoredPlan, plans: list[str], today: dt.date) -> None:
    if plan.plan_date.isoformat() != plans[-1]:
        raise ParameterError(
            f"The plan of {plan.plan_date} is stale: there is a newer one of {plans[-1]}. Approve that."
        )
    valid = _valid_days(plan.document)
    age = (today - plan.plan_date).days
    if age > valid:
        raise ParameterError(
            f"The plan of {plan.plan_date} is stale: it is {age} days old, and crm.toml allows {valid} "
            f"(valid_days). Make a new one."
        )


def _valid_days(document: Mapping[str, Any]) -> int:
    return int(document.get("valid_days", 30))


def _record(plan: StoredPlan, made: list[Change]) -> None:
    path = plan.folder / STATES
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = (json.dumps({k: v for k, v in asdict(c).items() if v is not None}, ensure_ascii=False) for c in made)
    archive.write(path, before + "".join(line + "\n" for line in lines))
    for file in plan.folder.glob("*.[cx][sl][vs]*"):
        file.chmod(0o444)
    (plan.folder / MEMBERS).chmod(0o444)
    again = stored.read(plan.folder)
    there = [n for n, said in again.lists.about.items() if said.get("n")]
    if all(again.state(n) == SETTLED for n in there):
        settled: dict[str, Any] = {"settled": [asdict(c) for c in again.changes if c.state == SETTLED]}
        archive.write(plan.folder / SETTLED_FILE, json.dumps(settled, ensure_ascii=False, indent=1) + "\n")
