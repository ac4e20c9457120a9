"""Commands on pages that were made: rebuild the index, compare two dates, remove old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_lib.cli.options import Source, To, name_run_date, root, say, scheduled, short
from crm_lib.errors import Busy, ParameterError


def index(to: To = None) -> None:
    """Make the index pages again from the records of earlier runs."""
    from crm_lib.runner.pages import index as pages

    folder = to or root() / "reports"
    pages.rebuild(folder)
    typer.echo(f"Index: {short(folder / 'index.html')}")


def compare(
    before: Annotated[str, typer.Argument(help="A date, as 2026-09-30 or 2026-09-30+label, or a label.")],
    now: Annotated[str, typer.Argument(help="The later one.")],
    source: Source = "",
    to: To = None,
) -> None:
    """Make the page that compares two dates: what moved, and by how much.

    Example: crm compare 2026-09-30 2026-10-31 --source sample
    """
    from crm_lib import sources
    from crm_lib.runner.pages import compare as pages

    page = pages.write(to or root() / "reports", source or sources.default_source(), before, now)
    typer.echo(f"Page: {short(page)}")


def tidy(
    keep: Annotated[int, typer.Option(min=1, help="Dates of each source that stay, the newest ones.")],
    source: Annotated[str, typer.Option("--source", "-s", help="One source only; else all.")] = "",
    to: To = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and remove nothing.")] = False,
) -> None:
    """Remove old dates; the last good page of every report and plans that are not settled stay.

    A plan that nobody approved goes with its date, once there is a newer one or it is too old to be approved.

    Example: crm tidy --keep 24 --dry-run
    """
    from crm_lib.runner.pages import index as pages
    from crm_lib.runner.store import tidy as old

    reports = to or root() / "reports"
    folders = sorted(p for p in reports.glob("[!.]*") if p.is_dir())
    if source and source not in {folder.name for folder in folders}:
        raise ParameterError(f'There are no pages of "{source}" in {short(reports)}.')
    n_removed, today = 0, name_run_date(scheduled(""))
    for folder in folders:
        removed, kept = old.plan(folder, keep, today) if source in ("", folder.name) else ([], [])
        for stays in kept:
            typer.echo(f"stays  {folder.name} {stays.folder.name}: {stays.reason}")
        for goes in removed:
            typer.echo(f"{'would go' if dry_run else 'goes'}  {folder.name} {goes.name}")
            n_removed += _remove(goes) if not dry_run else 0
    if n_removed:
        pages.rebuild(reports)


def _remove(folder: Path) -> bool:
    from crm_lib.runner.store import tidy as old

    try:
        old.remove(folder)
    except Busy as error:
        say(f"crm: {error}")
        return False
    return True
