"""`crm plan`: what becomes of target lists: approved, sent, settled."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import Annotated

import typer

from crm_lib.cli.options import RunDate, Source, To, name_run_date, root, scheduled, short

app = typer.Typer(
    help="Say what became of the target lists of an action plan.\n\n"
    "A list is proposed by `crm report action_plan`, then approved, sent and settled. From the first approval on "
    "the plan is fixed. What a list brought is measured when its outcome window has passed since it was sent.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
List = Annotated[
    str,
    typer.Argument(
        metavar="LIST", help="A list, as 2026-10-31/win_back, or a plan with all its lists: 2026-10-31."
    ),
]
By = Annotated[str, typer.Option(help="Who says so; else the user of this machine.")]


@app.command()
def approve(list_: List, source: Source = "", by: By = "", run_date: RunDate = "", to: To = None) -> None:
    """Approve a list: from here on it is fixed.

    A list of an older plan, one that is too old, or one whose files were changed is refused.
    """
    _move(list_, "approved", source, by, run_date, to)


@app.command()
def send(list_: List, source: Source = "", by: By = "", run_date: RunDate = "", to: To = None) -> None:
    """Say that an approved list was sent; its outcome window begins on the day after."""
    _move(list_, "sent", source, by, run_date, to)


@app.command()
def settle(
    list_: List,
    source: Source = "",
    by: By = "",
    run_date: RunDate = "",
    to: To = None,
    cost: Annotated[float | None, typer.Option(help="What the contacts of this list cost in the end.")] = None,
) -> None:
    """Settle a list that was sent: its cost is closed."""
    _move(list_, "settled", source, by, run_date, to, cost)


@app.command("list")
def show(source: Source = "", to: To = None) -> None:
    """Say which plans there are, and the state of each list."""
    from crm_lib.contract import lists

    folder = _folder(source, to)
    for plan in lists.stored(folder, dt.date.max):
        for name, said in plan.lists.about.items():
            if said.get("n"):
                arms = f"{said['n_treated']:,} to contact, {said['n_control']:,} held out"
                typer.echo(f"{plan.plan_date}/{name}  {plan.state(name)}  {arms}")


def _move(
    list_: str, state: str, source: str, by: str, run_date: str, to: Path | None, cost: float | None = None
) -> None:
    from crm_lib.runner.store import lists

    folder = _folder(source, to)
    day = name_run_date(scheduled(run_date))
    when = (day, dt.datetime.now().astimezone())
    for change in lists.move(folder, list_, state, by or getpass.getuser(), when, cost):
        plan = list_.partition("/")[0]
        typer.echo(f"{plan}/{change.list} is {change.state} ({change.by}, {change.day})")
    typer.echo(f"Lists: {short(folder / 'lists' / list_.partition('/')[0])}")


def _folder(source: str, to: Path | None) -> Path:
    from crm_lib import sources

    return (to or root() / "reports") / (source or sources.default_source())
