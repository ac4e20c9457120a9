"""The command `crm`: the one part that sees both sources and runner.

Heavy libraries are imported where they are used, so that `crm --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from crm_lib import __version__
from crm_lib.cli import init, lists, new, pages, report, tables
from crm_lib.cli.options import EXIT_CODES, say
from crm_lib.errors import CrmError

app = typer.Typer(
    help="Turn CRM tables into dated reports: one page per question, and an index over them.\n\n" + EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command; errors meant for people come without a traceback."""
    try:
        app(prog_name="crm")
    except CrmError as error:
        say(f"crm: {error}")
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _crm(
    version: Annotated[bool, typer.Option("--version", help="Say the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"crm_lib {__version__}")
        raise typer.Exit


app.command(help=report.HELP, cls=report.WithParameters)(report.report)
for command in (
    init.init, tables.check, tables.sample, tables.topics, new.new, pages.index, pages.compare, pages.tidy,
):  # fmt: skip
    app.command()(command)
app.add_typer(lists.app, name="plan")
