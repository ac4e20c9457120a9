"""A check of a source as its report: on the terminal, and as a page beside the source's dates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crm_lib.cli.options import root, say, short
from crm_lib.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_lib.runner.pages.checkup import Line
    from crm_lib.sources import Checkup

_MOST_MISSING = 8  # columns named on a terminal


def check_and_say(source: str, as_of: str, to: Path | None = None, language: str = "en") -> Checkup:
    """Check a source, print what was found in English, and write the page in this language."""
    from crm_lib import sources
    from crm_lib.runner.pages import checkup as pages
    from crm_lib.theme import words

    words.use(language)
    with progress_bar() as progress:
        found = sources.check(source, as_of, progress)
    with words.speaking(currency=found.currency):
        _print(found)
    words.use(language, found.currency)
    made_at = dt.datetime.now().strftime("%Y-%m-%d %H:%M")
    command = f"crm check --source {found.card.source}" + (f" --as-of {as_of}" if as_of else "")
    command += "" if language == words.SOURCE_LANGUAGE else f" --language {language}"
    reports = to or root() / "reports"
    page = pages.write(reports, found.card, found.findings, found.problems, found.warnings, made_at, command)
    typer.echo(f"Page: {short(page)}")
    return found


def _print(found: Checkup) -> None:
    from crm_lib.runner.pages import checkup as pages

    card = found.card
    said = pages.said(card, found.findings)
    typer.echo(
        f"{card.title} ({card.source}), data up to {card.as_of.isoformat()}, fingerprint {card.fingerprint[:16]}"
    )
    for t in card.tables:
        span = f", {t.first_on} to {t.last_on}" if t.first_on else ""
        later = f", {t.n_after:,} after the date" if t.n_after else ""
        aside = f", {t.n_rejected:,} set aside" if t.n_rejected else ""
        typer.echo(f"  {t.table}: {t.n_read:,} rows read{aside}{later}, {t.n_used:,} used{span}")
    _print_lines("Set aside, in no figure:", said.aside)
    _print_lines("Used, but look at it:", said.misleading)
    _print_missing(said.missing)
    for warning in found.warnings:
        typer.echo(f"  note: {warning}")
    for table, message in found.problems.items():
        say(f"  {table} can't be used: {message}")


def _print_lines(head: str, lines: Sequence[Line]) -> None:
    if lines:
        typer.echo(head)
    for line in lines:
        amount = f", {line.money}" if line.money else ""
        typer.echo(f"  {line.where}: {line.count} {line.what}{amount}\n      {line.effect}")


def _print_missing(lines: Sequence[Line]) -> None:
    if lines:
        named = ", ".join(f"{line.where} {line.count}" for line in lines[:_MOST_MISSING])
        more = len(lines) - _MOST_MISSING
        typer.echo(f"Empty values: {named}" + (f", and {more} more columns" if more > 0 else ""))
