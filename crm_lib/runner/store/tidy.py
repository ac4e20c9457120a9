"""Removes old dates of a source; what somebody still needs stays."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from crm_lib.runner.store import archive, lists, lock


@dataclass(frozen=True)
class Kept:
    """A dated folder that stays although it is old, and why."""

    folder: Path
    reason: str


def plan(source_folder: Path, keep: int, today: dt.date) -> tuple[list[Path], list[Kept]]:
    """Dated folders to remove, oldest first, and old ones that stay.

    The newest `keep` dates stay, each with all its labels. Of the others a folder stays when it holds the last
    good page of some report and label, or when a target list that it made may be approved `today` or was approved
    and has not been settled.
    """
    dated = archive.dated(source_folder)
    newest = set(sorted({day for day, _label, _folder in dated}, reverse=True)[:keep])
    last_good: dict[tuple[str, str], Path] = {}
    for _day, label, folder in dated:
        last_good |= {(label, page): folder for page in archive.good_pages(folder)}
    removed, kept = [], []
    for day, _label, folder in dated:
        needed = sorted(page for (_l, page), where in last_good.items() if where == folder)
        if day in newest:
            continue
        if needed:
            kept.append(Kept(folder, f"the last good {', '.join(needed)}"))
        elif lists.waits(source_folder, day, today):
            kept.append(Kept(folder, "its plan is not settled"))
        else:
            removed.append(folder)
    return removed, kept


def remove(folder: Path) -> None:
    """Remove a dated folder and a plan of it that nobody approved; Busy where somebody is writing there."""
    with lock.held(folder / archive.LOCK):
        lists.discard(folder)
        aside = folder.with_name(f"{archive.ASIDE}{folder.name}")
        folder.rename(aside)  # gone for every reader at once
    shutil.rmtree(aside)
