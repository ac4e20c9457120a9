"""The command `crm`: the one module that sees both sources and runner.

Heavy libraries are imported where they are used, so that `crm --help` answers at once.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crm_lib import __version__
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import CrmError, DataContractError, ParameterError
from crm_lib.runner import choices, parameters
from crm_lib.runner.job import Order

if TYPE_CHECKING:
    from crm_lib.sources import Checkup

EXIT_CODES = "Exit codes: 0 all is well (reports with notes to read included), 1 some report failed, 2 bad input."

app = typer.Typer(
    help="Turn CRM tables into dated reports: one page per question, and an index over them.\n\n" + EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

REPORT_HELP = f"""Make reports: all that the source's tables allow, or the topics named.

Examples:

\b
  crm report
  crm report segmentation clv --source cdnow --as-of 1998-06-30
  crm report clv --source cdnow --set clv.horizon_weeks=39 --set clv.holdout_weeks=39
  crm report funnel --source pipeline --label quick --jobs 1

`crm topics` lists topics and what can be set. The source's tables are checked before any notebook starts; topics
whose tables can't be used are refused, the others run.

{EXIT_CODES}
"""


class Format(StrEnum):
    """File formats of the sample company."""

    csv = "csv"
    parquet = "parquet"


Source = Annotated[str, typer.Option("--source", "-s", help="A source in crm.toml; else the default named there.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="Last day of data to use, as 2026-10-31; else the source's own.")
]


def main() -> None:
    """Run the command; errors meant for people come without a traceback."""
    try:
        app(prog_name="crm")
    except CrmError as error:
        _say(f"crm: {error}")
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _crm(
    version: Annotated[bool, typer.Option("--version", help="Say the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"crm_lib {__version__}")
        raise typer.Exit


@app.command(help=REPORT_HELP)
def report(
    topics: Annotated[
        list[str] | None, typer.Argument(help="Topics; all that can be made when none is named.")
    ] = None,
    source: Source = "",
    as_of: AsOf = "",
    language: Annotated[str, typer.Option(help="Language of the pages.")] = "en",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TOPIC.PARAMETER=VALUE", help="A notebook's parameter; may be repeated."),
    ] = None,
    label: Annotated[str, typer.Option(help="Keep the pages beside the usual ones, under DATE+LABEL.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Notebooks at once; 0: as many as there are cores.")] = 0,
    timeout: Annotated[float, typer.Option(min=0.01, help="Minutes that one notebook may take.")] = 20,
    to: Annotated[Path | None, typer.Option(help="Folder for the pages; else reports/ beside crm.toml.")] = None,
) -> None:
    """Make reports (the help of this command stands in REPORT_HELP)."""
    from crm_lib.runner import archive, progress, run
    from crm_lib.theme import words

    _name_run_date()
    words.use(language)
    archive.checked_label(label)
    source, left_out = _source_and_gaps(source, topics or [])
    wanted = _wanted(topics or [], left_out)
    given = choices.split(settings or [], wanted)
    chosen = {topic: choices.values(topic, _notebook(topic), given.get(topic, {})) for topic in wanted}
    checkup = _checkup(source, as_of)
    shared = {"source": source, "as_of": checkup.card.as_of.isoformat(), "language": language}
    order = Order(
        source=source,
        source_title=checkup.card.title,
        as_of=checkup.card.as_of,
        reports=to or _root() / "reports",
        jobs=tuple(choices.job(topic, _notebook(topic), chosen[topic] | shared, label) for topic in wanted),
        language=language,
        label=label,
        minutes=timeout,
        n_at_once=jobs or os.cpu_count() or 1,
        run_date=dt.date.fromisoformat(os.environ["CRM_RUN_DATE"]),
        left_out=left_out,
        refused=_refused(wanted, source, checkup),
    )
    done = run.report(order, progress.for_terminal())
    typer.echo(f"Index: {_short(done.index)}")
    if done.exit_code:
        n_bad = sum(not outcome.verdict.good for outcome in done.outcomes)
        _say(f"crm: {n_bad} of {len(done.outcomes)} reports could not be made; see {_short(done.index)}")
    raise typer.Exit(done.exit_code)


@app.command()
def check(source: Source = "", as_of: AsOf = "") -> None:
    """Read and check a source's tables without making a report.

    Says for each table how many rows were read, set aside and why, and what can't be used at all.

    Exit codes: 0 all tables can be used, 2 some can't.
    """
    from crm_lib import sources

    _name_run_date()
    found = _checkup(source or sources.default_source(), as_of)
    _print_card(found)
    raise typer.Exit(2 if found.problems else 0)


@app.command()
def sample(
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything drawn by chance; else the project's own.")
    ] = None,
    customers: Annotated[int | None, typer.Option(min=100, help="Customers to make up; else 5,000.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; else data/sample beside crm.toml.")] = None,
    format: Annotated[Format, typer.Option(help="File format of the tables.")] = Format.csv,
    campaign_effects: Annotated[bool, typer.Option(help="Let campaigns change what customers buy.")] = True,
) -> None:
    """Write the sample company, with the truth behind it in truth.json.

    The same seed and size give the same bytes.

    Example: crm sample --customers 100000 --out big --format parquet
    """
    from crm_lib.sources.sample import write_sample

    drawn = {} if seed is None else {"seed": seed}
    sized = {} if customers is None else {"n_customers": customers}
    folder = out or _root() / "data" / "sample"
    files = write_sample(folder, **drawn, **sized, campaign_effects=campaign_effects, format=format.value)
    typer.echo(f"{len(files)} files in {_short(folder)}")


@app.command()
def topics() -> None:
    """List the topics: question, tables needed, and the parameters that --set takes."""
    for topic in TOPICS.values():
        needs = " or ".join(" and ".join(way) for way in topic.needs)
        typer.echo(f"{topic.name}: {topic.question}")
        typer.echo(f"  needs {needs}" + (f"; can use {', '.join(topic.useful)}" if topic.useful else ""))
        notebook = _notebook(topic.name)
        if not notebook.exists():
            typer.echo("  its notebook is missing")
            continue
        for p in parameters.declared(notebook):
            if p.name not in parameters.COMMON:
                help_text = f"  {p.help}" if p.help else ""
                typer.echo(f"  --set {topic.name}.{p.name}={choices.as_text(p.default)}  ({p.kind}){help_text}")


@app.command()
def index(
    to: Annotated[Path | None, typer.Option(help="Folder of the pages; else reports/ beside crm.toml.")] = None,
) -> None:
    """Make the index pages again from the records of earlier runs."""
    from crm_lib.runner import index as pages

    folder = to or _root() / "reports"
    pages.rebuild(folder)
    typer.echo(f"Index: {_short(folder / 'index.html')}")


def _source_and_gaps(source: str, asked: Sequence[str]) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The source to read, and for each topic that its tables don't allow, the tables that lack."""
    from crm_lib import sources

    for topic in asked:
        if topic not in TOPICS:
            hint = parameters.did_you_mean(topic, TOPICS)
            raise ParameterError(f'There is no topic "{topic}".{hint} Topics: {", ".join(TOPICS)}.')
    source = source or sources.default_source()
    tables = sources.tables_of(source)
    gaps = {name: topic.missing(tables) for name, topic in TOPICS.items()}
    lacking = {name: missing for name, missing in gaps.items() if missing}
    for topic in asked:
        if topic in lacking:
            needs = " and ".join(lacking[topic])
            raise DataContractError(f'{topic} needs the table {needs}, which the source "{source}" does not have.')
    return source, lacking


def _wanted(asked: Sequence[str], left_out: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys(asked)) or [topic for topic in TOPICS if topic not in left_out]


def _checkup(source: str, as_of: str) -> Checkup:
    from crm_lib import sources

    if as_of:
        parameters.as_day(as_of, "--as-of")
    return sources.check(source, as_of)


def _refused(wanted: Sequence[str], source: str, checkup: Checkup) -> dict[str, str]:
    """Topics whose tables did not pass the check, with the words of the check."""
    from crm_lib import sources

    sound = sources.tables_of(source) - set(checkup.problems)
    refused = {}
    for topic in wanted:
        broken = [t for t in TOPICS[topic].missing(sound) if t in checkup.problems]
        if broken:
            refused[topic] = " ".join(checkup.problems[table] for table in broken)
    return refused


def _print_card(checkup: Checkup) -> None:
    card = checkup.card
    typer.echo(
        f"{card.title} ({card.source}), data up to {card.as_of.isoformat()}, fingerprint {card.fingerprint[:16]}"
    )
    for t in card.tables:
        span = f", {t.first_on} to {t.last_on}" if t.first_on else ""
        later = f", {t.n_after:,} after the date" if t.n_after else ""
        aside = f", {t.n_rejected:,} set aside" if t.n_rejected else ""
        typer.echo(f"  {t.table}: {t.n_read:,} rows read{aside}{later}, {t.n_used:,} used{span}")
        for r in t.rejected:
            money = "" if r.amount is None else f" ({r.amount:,.2f} in money)"
            typer.echo(f"    {r.n:,} set aside: {r.column}: {r.reason}{money}")
    for warning in checkup.warnings:
        typer.echo(f"  note: {warning}")
    for table, message in checkup.problems.items():
        _say(f"  {table} can't be used: {message}")


def _notebook(topic: str) -> Path:
    return _root() / "notebooks" / f"{topic}.ipynb"


def _root() -> Path:
    from crm_lib import sources

    return sources.root()


def _name_run_date() -> None:
    """Name the logical day of the run for everything that follows; a schedule may have named it already."""
    os.environ.setdefault("CRM_RUN_DATE", dt.date.today().isoformat())


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _say(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    main()
