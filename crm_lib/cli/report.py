"""`crm report`: several sources and dates after one another, with one pair of warm processes for all."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from crm_lib.cli import own, plan
from crm_lib.cli.options import EXIT_CODES, AsOf, RunDate, To, notebook, root, say, short
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import CrmError, ParameterError
from crm_lib.runner.evidence import verdict
from crm_lib.runner.job import Job, Order
from crm_lib.runner.kernels import forked
from crm_lib.runner.request import choices

HELP = f"""Make reports: all that the source's tables allow, or the topics named.

Examples:

\b
  crm report
  crm report segmentation clv --source cdnow --as-of 1998-06-30
  crm report clv --source cdnow --set clv.horizon_weeks=39 --set clv.holdout_weeks=39
  crm report --source shop --source web --as-of last-month --quiet
  crm report --since 2026-01-31 --every month
  crm report funnel --source pipeline --label quick --jobs 1
  crm report --notebook my_clv.ipynb --set clv.horizon_weeks=26

The source's tables are checked before any notebook starts; topics whose tables can't be used are refused, the
others run. A page that would come out the same is left as it is.

{EXIT_CODES}
"""


class Every(StrEnum):
    """Periods at whose ends reports are due."""

    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"


class WithParameters(TyperCommand):
    """A command whose help ends with the notebooks' parameters, read from their own cells."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what --set takes; nothing outside a project."""
        try:
            found = [(topic, notebook(topic)) for topic in TOPICS]
            rows = [row for topic, path in found if path.exists() for row in choices.table(topic, path)]
        except CrmError:
            return
        with formatter.section("Parameters for --set"):
            formatter.write_dl([(name, f"{kind}; {text}" if text else kind) for name, kind, text in rows])


def report(
    topics: Annotated[
        list[str] | None, typer.Argument(help="Topics; all that can be made when none is named.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", "-s", help="A source in crm.toml, may be repeated; else the default named there."
        ),
    ] = None,
    as_of: AsOf = "",
    run_date: RunDate = "",
    since: Annotated[
        str, typer.Option(metavar="DATE", help="Catch up: also the dates from here on that have no page yet.")
    ] = "",
    every: Annotated[Every, typer.Option(help="With --since: at the end of each of these.")] = Every.month,
    language: Annotated[str, typer.Option(help="Language of the pages.")] = "en",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TOPIC.PARAMETER=VALUE", help="A notebook's parameter; may be repeated."),
    ] = None,
    notebook_file: Annotated[
        Path | None,
        typer.Option(
            "--notebook",
            metavar="FILE",
            help="An edited copy of a notebook in place of the shipped one; its page stands under DATE+FILE.",
        ),
    ] = None,
    label: Annotated[str, typer.Option(help="Keep the pages beside the usual ones, under DATE+LABEL.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Notebooks at once; 0: as many as there are cores.")] = 0,
    timeout: Annotated[float, typer.Option(min=0.01, help="Minutes that one notebook may take.")] = 20,
    memory: Annotated[int, typer.Option(min=0, help="Megabytes that one notebook may take; 0: no limit.")] = 0,
    wait: Annotated[float, typer.Option(min=0, help="Minutes to wait for another run of the same pages.")] = 10,
    to: To = None,
    force: Annotated[bool, typer.Option("--force", help="Make pages again that would come out the same.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made and make nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing while all is well.")] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Tell whom [deliver] in crm.toml names; keep the mail in runs/.")
    ] = False,
    plain_kernels: Annotated[
        bool, typer.Option("--plain-kernels", help="Start every kernel from nothing, which is slower.")
    ] = False,
) -> None:
    """Make reports (the help of this command stands in HELP)."""
    reports = (to or root() / "reports").resolve()
    with _warm(plain_kernels or dry_run, force or _first_time(reports, source or [])) as warm:
        from crm_lib.runner.store import archive
        from crm_lib.theme import words

        words.use(language)
        mine = own.read(notebook_file, label) if notebook_file else None
        label = archive.checked_label(mine.label if mine else label)
        when = {"as_of": as_of, "run_date": run_date, "since": since, "every": every.value}
        wishes = plan.wishes(source or [], _topics(topics or [], mine), settings or [], when, mine)
        shared = plan.empty_order(
            reports=reports,
            language=language,
            label=label,
            minutes=timeout,
            memory_mb=memory,
            wait_s=wait * 60,
            n_at_once=jobs or os.cpu_count() or 1,
            force=force,
        )
        try:
            with own.reachable() if mine else nullcontext():
                code = _dry(wishes, shared) if dry_run else _make(wishes, shared, quiet, warm, deliver)
        except KeyboardInterrupt as stopped:
            told = signal.SIGTERM in stopped.args
            say("crm: stopped; the pages that stood there stand")
            raise typer.Exit(verdict.EXIT_STOPPED if told else verdict.EXIT_INTERRUPTED) from None
    raise typer.Exit(code)


def _topics(asked: list[str], mine: own.OwnNotebook | None) -> list[str]:
    """What is to be made; a notebook of one's own stands for its topic, and no other may be named beside it."""
    if mine is None:
        return asked
    others = [topic for topic in asked if topic != mine.topic]
    if others:
        raise ParameterError(
            f"--notebook: {mine.path.name} is a notebook of the topic {mine.topic}; {', '.join(others)} can't be "
            f"made of it. Leave them out, or make them by a command of their own."
        )
    return [mine.topic]


def _warm(plain: bool, at_once: bool) -> Any:
    """A pair of warm processes, nothing where they are not wanted or can't be.

    They import while we check when it is sure that something will be run, else when that is known.
    """
    from crm_lib.runner import process

    if plain or not forked.possible():
        return nullcontext()
    return forked.WarmPair(process.base_environment(), at_once)


def _first_time(reports: Path, sources_named: list[str]) -> bool:
    """Whether a source has no page yet, so that there is something to run whatever else we find."""
    names = sources_named or ["*"]
    return not all(any(reports.glob(f"{name}/*/runs/*.json")) for name in names)


def _make(
    wishes: list[plan.Wish], shared: Order, quiet: bool, warm: forked.WarmPair | None, deliver: bool = False
) -> int:
    from crm_lib.runner import progress, run

    lines = progress.for_terminal(quiet)
    several = len(wishes) > 1 or any(len(wish.days) > 1 for wish in wishes)
    codes, index = [], None
    for wish in wishes:
        try:
            if warm and plan.has_new_date(wish, shared):
                warm.begin()
            for order in plan.orders(wish, shared):
                if several or quiet:
                    lines.begins(f"{order.source} {order.folder.name}")
                done = run.report(order, lines, warm=warm)
                codes += [done.exit_code, *([_deliver(order, done)] if deliver else [])]
                index = done.index
                _tell_slips(order)
                if not quiet:
                    _tell(done)
        except CrmError as error:
            if not several:
                raise
            say(f"crm: {wish.source}: {error}")
            codes.append(error.exit_code)
    if index and not quiet:
        typer.echo(f"Index: {short(shared.reports / 'index.html' if several else index)}")
    elif not (codes or quiet):
        typer.echo("Nothing was missed.")
    return verdict.gravest(codes)


def _deliver(order: Order, done: Any) -> int:
    """Tell of a run in which anything was made anew; what goes wrong is one line each."""
    from crm_lib.runner.delivery import deliver

    if all(outcome.verdict.state == verdict.UNCHANGED for outcome in done.outcomes):
        return verdict.EXIT_FINE
    problems = deliver.run(order.folder, order.reporting).problems
    for problem in problems:
        say(f"crm: {order.source}: {problem}")
    return verdict.EXIT_FAILED if problems else verdict.EXIT_FINE


def _tell_slips(order: Order) -> None:
    """Say which thresholds guard nothing: also on a quiet night, since nobody would miss what never speaks."""
    from crm_lib.runner.evidence import thresholds
    from crm_lib.runner.store import history

    expected = [topic for topic in TOPICS if topic not in order.left_out]
    for said in thresholds.slips(order.reporting.thresholds, history.documents(order.folder), expected):
        say(f"crm: {order.source}: {said}")


def _tell(done: Any) -> None:
    n_bad = sum(not outcome.verdict.good for outcome in done.outcomes)
    if n_bad:
        say(f"crm: {n_bad} of {len(done.outcomes)} reports could not be made; see {short(done.index)}")


def _dry(wishes: list[plan.Wish], shared: Order) -> int:
    """Say what would be made, after the tables were checked."""
    codes = []
    for wish in wishes:
        try:
            for order in plan.orders(wish, shared):
                codes += [_foretold(order, job) for job in order.jobs]
        except CrmError as error:
            if len(wishes) == 1:
                raise
            say(f"crm: {wish.source}: {error}")
            codes.append(error.exit_code)
    return verdict.gravest(codes)


def _foretold(order: Order, job: Job) -> int:
    from crm_lib.runner.store import archive, unchanged

    page = short(order.folder / archive.page_name(job.topic, order.language))
    if job.topic in order.refused:
        typer.echo(f"can't make  {page}: {order.refused[job.topic]}")
        return verdict.EXIT_BAD_INPUT
    said = f"unchanged   {page}" if unchanged.standing(order, job) else f"would make  {page}: {job.command}"
    typer.echo(said)
    return verdict.EXIT_FINE
