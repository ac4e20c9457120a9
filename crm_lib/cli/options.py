"""What several commands share: options, where the project lies, and how a line is said."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from crm_lib.contract.project import locate
from crm_lib.runner.kernels import scrubbing
from crm_lib.runner.request import dates

EXIT_CODES = (
    "Exit codes: 0 all is well (notes to read and unchanged pages included), 1 some report failed or had no data, "
    "2 bad input, 3 some data are stale, 75 another run is making the same pages, 124 a report took too long, "
    "130 or 143 stopped, 137 a report was cut off (out of memory?). The gravest wins: 2, 75, 137, 124, 1, 3."
)

Source = Annotated[str, typer.Option("--source", "-s", help="A source in crm.toml; else the default named there.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="Last day of data to use: 2026-10-31, 2026-10, 2026-W47, yesterday, last-week, last-month; else the "
        "source's own, or the day before the run date.",
    ),
]
RunDate = Annotated[
    str,
    typer.Option(
        "--run-date",
        metavar="DATE",
        help="Logical day of the run, from which last-month and the like count; else today where the source is.",
    ),
]
To = Annotated[Path | None, typer.Option(help="Folder for the pages; else reports/ beside crm.toml.")]


def root() -> Path:
    """The folder of the project."""
    return locate().parent


def notebook(topic: str) -> Path:
    """The notebook of a topic."""
    return root() / "notebooks" / f"{topic}.ipynb"


def scheduled(given: str) -> str:
    """The run date that was given, or that a schedule has named before we began; empty where neither is."""
    return given or os.environ.get("CRM_RUN_DATE", "")


def name_run_date(named: str, time_zone: str = "") -> dt.date:
    """The logical day of the run, today where none is named, told to everything that follows.

    The clock is asked here and nowhere else.
    """
    run_date = dates.day(named, None, "the run date") if named else dates.today(time_zone)
    os.environ["CRM_RUN_DATE"] = run_date.isoformat()
    return run_date


def resolved(as_of: str, run_date: dt.date) -> str:
    """The day that --as-of names, as an ISO date; empty when it is not given."""
    return dates.day(as_of, run_date, "--as-of").isoformat() if as_of else ""


def short(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def say(text: str) -> None:
    """Say something on standard error, without the secrets of the environment."""
    typer.echo(scrubbing.text(text, scrubbing.secrets()), err=True)
