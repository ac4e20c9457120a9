"""Commands on tables and topics: check a source, write the sample company, list what can be asked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crm_lib.cli.options import (
    AsOf,
    RunDate,
    Source,
    To,
    name_run_date,
    notebook,
    resolved,
    root,
    scheduled,
    short,
)
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ParameterError
from crm_lib.runner.request import choices, dates


class Format(StrEnum):
    """File formats of the sample company."""

    csv = "csv"
    parquet = "parquet"


def check(
    source: Source = "",
    as_of: AsOf = "",
    run_date: RunDate = "",
    language: Annotated[str, typer.Option(help="Language of the page.")] = "en",
    to: To = None,
) -> None:
    """Read and check a source's tables without making a report.

    Says for each table how many rows were read, set aside and why, what may still mislead and what each does to
    the results, and what can't be used at all; the same as a page, reports/SOURCE/check.html or, in
    another language, check.LANGUAGE.html.

    Exit codes: 0 all tables can be used, 2 some can't.
    """
    from crm_lib import sources
    from crm_lib.cli.checking import check_and_say

    source = source or sources.default_source()
    day = name_run_date(scheduled(run_date), sources.reporting_of(source).time_zone)
    found = check_and_say(source, resolved(as_of, day), to, language)
    for said in _slips(source):
        typer.echo(f"  note: {said}")
    raise typer.Exit(2 if found.problems else 0)


def sample(
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything drawn by chance; else the project's own.")
    ] = None,
    customers: Annotated[int | None, typer.Option(min=100, help="Customers to make up; else 5,000.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; else data/sample beside crm.toml.")] = None,
    format: Annotated[Format, typer.Option(help="File format of the tables.")] = Format.csv,
    campaign_effects: Annotated[bool, typer.Option(help="Let campaigns change what customers buy.")] = True,
    respond_to: Annotated[
        list[Path] | None,
        typer.Option(help="Go on with what sent lists brought: reports/sample/lists/DATE; repeatable."),
    ] = None,
    until: Annotated[str, typer.Option(metavar="DATE", help="With --respond-to: the last day.")] = "",
) -> None:
    """Write the sample company, with the truth behind it in truth.json.

    The same seed and size give the same bytes.

    With --respond-to the company goes on to a later day, and customers on lists that were sent answer to them.

    Example: crm sample --customers 100000 --out big --format parquet
    """
    from crm_lib.sources.sample import write_sample

    drawn = {} if seed is None else {"seed": seed}
    sized = {} if customers is None else {"n_customers": customers}
    folder = out or root() / "data" / "sample"
    if bool(respond_to) != bool(until):
        raise ParameterError("--respond-to and --until belong together: whose lists, and up to which day.")
    if respond_to:
        from crm_lib.sources.sample.respond import write_response

        day = dates.day(until, None, "--until")
        files = write_response(folder, respond_to, day, **drawn, **sized, format=format.value)
        typer.echo(f"{len(files)} files in {short(folder)}")
        return
    files = write_sample(folder, **drawn, **sized, campaign_effects=campaign_effects, format=format.value)
    typer.echo(f"{len(files)} files in {short(folder)}")


def topics() -> None:
    """List the topics: question, tables needed, and the parameters that --set takes."""
    for topic in TOPICS.values():
        needs = " or ".join(" and ".join(way) for way in topic.needs)
        typer.echo(f"{topic.name}: {topic.question}")
        typer.echo(f"  needs {needs}" + (f"; can use {', '.join(topic.useful)}" if topic.useful else ""))
        if not notebook(topic.name).exists():
            typer.echo("  its notebook is missing")
            continue
        for name, kind, help_text in choices.table(topic.name, notebook(topic.name)):
            typer.echo(f"  --set {name}  ({kind})" + (f"  {help_text}" if help_text else ""))


def _slips(source: str) -> tuple[str, ...]:
    """Thresholds of a source that guard nothing, as far as its newest published figures can tell."""
    from crm_lib import sources
    from crm_lib.runner.evidence import thresholds
    from crm_lib.runner.store import archive, history

    limits = sources.reporting_of(source).thresholds
    dated = archive.dated(root() / "reports" / source) if limits else []
    tables = sources.tables_of(source)
    expected = [name for name, topic in TOPICS.items() if not topic.missing(tables)]
    return thresholds.slips(limits, history.documents(dated[-1][2]), expected) if dated else ()
