"""Target lists: what a plan hands over, and what is stored of it under `reports/<source>/lists/<plan_date>/`.

`plan.json` says how the plan was made, `members.parquet` holds one row per customer and list, `states.jsonl` one
line for each change of state. The CSV and XLSX files beside them are for those who do the contacting.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from crm_lib.errors import DataContractError

FOLDER = "lists"
PLAN, MEMBERS, STATES = "plan.json", "members.parquet", "states.jsonl"
PROPOSED, APPROVED, SENT, SETTLED = ORDER = ("proposed", "approved", "sent", "settled")
TREATED, CONTROL = ARMS = ("treated", "control")
# One row per customer and list. `contact_cost` is 0 for the hold-out; `gain` is expected of a contact.
COLUMNS = ("list", "customer_id", "owner", "channel", "arm", "contact_cost", "gain", "reason")


@dataclass(frozen=True)
class Change:
    """A list came into a state: on which day it counts, when that was written (ISO), and by whom.

    `cost` is what the contacts cost in the end, told when the list is settled.
    """

    list: str
    state: str
    day: str
    at: str
    by: str
    cost: float | None = None

    @property
    def on(self) -> dt.date:
        """The day on which it counts."""
        return dt.date.fromisoformat(self.day)


@dataclass(frozen=True, eq=False)
class TargetLists:
    """The lists of one plan. `about` describes each list by its name and is stored as it is.

    `headings` names the columns of the files in the reader's words, in their order.
    """

    plan_date: dt.date
    members: pd.DataFrame
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What would be written: lists, customers and arms; no ids."""
        if self.members.empty:
            return f"Plan of {self.plan_date}: no lists."
        counted = self.members.groupby(["list", "arm"], observed=True).size().unstack(fill_value=0)
        return f"Plan of {self.plan_date}, lists that a report would write:\n{counted.to_string()}"


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """A plan read again: its lists, the changes of their states, and where it lies."""

    lists: TargetLists
    changes: tuple[Change, ...]
    folder: Path
    document: Mapping[str, Any]

    @property
    def plan_date(self) -> dt.date:
        """The date of the plan."""
        return self.lists.plan_date

    @property
    def fixed(self) -> bool:
        """Whether something of it was approved: from then on no run writes it again."""
        return bool(self.changes)

    def state(self, name: str) -> str:
        """The state of a list."""
        own = [c.state for c in self.changes if c.list == name]
        return own[-1] if own else PROPOSED

    def since(self, name: str, state: str) -> dt.date | None:
        """The day on which a list came into a state; None where it did not."""
        return next((c.on for c in self.changes if c.list == name and c.state == state), None)

    def cost(self, name: str) -> float | None:
        """What the contacts of a list cost, where its settlement says so."""
        return next((c.cost for c in reversed(self.changes) if c.list == name and c.cost is not None), None)


def check(lists: TargetLists) -> None:
    """Refuse lists that nobody may act on: a customer twice, an arm or a column that is not known."""
    missing = [c for c in COLUMNS if c not in lists.members]
    if missing:
        raise DataContractError(f"The lists of {lists.plan_date} lack the column {missing[0]}.")
    twice = lists.members["customer_id"].duplicated()
    if twice.any():
        first = lists.members.loc[twice, "customer_id"].iloc[0]
        raise DataContractError(
            f"The lists of {lists.plan_date} name {first} twice; one plan contacts nobody twice."
        )
    unknown = set(lists.members["arm"].unique()) - set(ARMS)
    if unknown:
        raise DataContractError(
            f"The lists of {lists.plan_date} hold an arm that is not one of {', '.join(ARMS)}."
        )


def write(lists: TargetLists, folder: Path, about: Mapping[str, Any]) -> None:
    """Write `plan.json` and `members.parquet` into `<folder>/lists`; the runner makes the other files of them."""
    check(lists)
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    lists.members.to_parquet(place / MEMBERS, index=False)
    document = {
        "plan_date": lists.plan_date.isoformat(),
        **lists.facts,
        "lists": {name: dict(said) for name, said in lists.about.items()},
        "headings": dict(lists.headings),
        "data": dict(about),
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    (place / PLAN).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> StoredPlan:
    """The plan of a folder `lists/<plan_date>`; DataContractError where it can't be read."""
    try:
        document = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        members = pd.read_parquet(folder / MEMBERS)
        day = dt.date.fromisoformat(document["plan_date"])
        told = TargetLists(day, members, document["lists"], document["headings"], document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataContractError(
            f"The plan in {FOLDER}/{folder.name} can't be read ({type(error).__name__}). "
            f"Make it again, or take it out of the folder."
        ) from error
    return StoredPlan(told, changes(folder), folder, document)


def changes(folder: Path) -> tuple[Change, ...]:
    """Every change of state, oldest first; none where all is still proposed."""
    path = folder / STATES
    if not path.exists():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return tuple(Change(**json.loads(line)) for line in lines if line.strip())
    except (ValueError, TypeError) as error:
        raise DataContractError(
            f"{FOLDER}/{folder.name}/{STATES} was changed by hand and can't be read. Mend it."
        ) from error


def stored(source_folder: Path, until: dt.date) -> tuple[StoredPlan, ...]:
    """All plans of a source up to a date, oldest first."""
    place = source_folder / FOLDER
    if not place.is_dir():
        return ()
    dated = sorted(path for path in place.iterdir() if (path / PLAN).is_file())
    plans = (read(path) for path in dated if path.name <= until.isoformat())
    return tuple(plans)


def mark_of(path: Path) -> str:
    """The SHA-256 of a file, by which a change is seen."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
