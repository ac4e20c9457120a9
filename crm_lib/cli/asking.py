"""How a proposal is shown on a terminal, and how a question is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_lib.cli.options import say
from crm_lib.contract.tables import TABLES
from crm_lib.errors import ConfigError

if TYPE_CHECKING:
    from crm_lib.sources.guess import Proposal, ProposedTable, Question
    from crm_lib.sources.settings import Reading

SAID = "as you said"
_LONGEST = 22  # characters of one example
_WIDTH = 118  # where there is no terminal


def show(proposal: Proposal) -> None:
    """Every table with its columns, five example values each, and how sure each is."""
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDTH)
    for table in proposal.tables:
        _show_table(console, table)
    for reason in proposal.left_out:
        console.print(Text(f"Left out: {safe(reason)}"))
    if any(_has_money(t) for t in proposal.tables):
        console.print(Text(f"Currency: {proposal.currency or 'none named; give one with --currency'}"))


def safe(text: str) -> str:
    r"""Text without control characters: what stands in a file must not steer a terminal.

    >>> safe("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def ask(question: Question) -> str:
    """One answer, by its number or its word; ConfigError where there is nobody to ask."""
    typer.echo(f"\n{safe(question.words)}")
    for i, (value, what) in enumerate(question.choices, 1):
        typer.echo(f"  {i}  {safe(value)}" + (f"  ({safe(what)})" if what else ""))
    values = [value for value, _what in question.choices]
    for _again in range(3):
        said = _prompt(question)
        if said.isdigit() and 1 <= int(said) <= len(values):
            return values[int(said) - 1]
        if said in values:
            return said
        say(f"Answer with a number from 1 to {len(values)}, or one of the words.")
    raise unanswered([question])


def _prompt(question: Question) -> str:
    try:
        return str(typer.prompt("Number")).strip()
    except typer.Abort:
        raise unanswered([question]) from None


def unanswered(questions: Sequence[Question]) -> ConfigError:
    """What must be said before anything can be written, with the option that says it; no values of the files."""
    lines = []
    for question in questions:
        words = " | ".join(value for value, _what in question.choices)
        lines.append(f"\n  {question.words}\n    --set '{question.key}=…'  one of: {words}")
    n = len(questions)
    head = "1 question is open" if n == 1 else f"{n} questions are open"
    return ConfigError(safe_lines(f"{head}; nothing was written.{''.join(lines)}"))


def safe_lines(text: str) -> str:
    """Lines of text without control characters."""
    return "\n".join(safe(line) for line in text.split("\n"))


def _show_table(console: Console, table: ProposedTable) -> None:
    recognised = f", recognised as an export of {table.recognised}" if table.recognised else ""
    console.print()
    console.print(
        Text(
            f"{safe(table.label)} → {table.table} ({TABLES[table.table].meaning}){recognised}\n"
            f"{table.n_rows:,} rows; {_reading(table.reading)}"
        )
    )
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for head in ("our column", "their column", "how sure", "for example"):
        grid.add_column(head, overflow="fold", no_wrap=head != "for example")
    for column in table.columns:
        examples = " · ".join(_short(v) for v in column.theirs.examples)
        why = f" ({safe(column.why)})" if column.why else ""
        grid.add_row(
            Text(column.target), Text(safe(column.theirs.name)), Text(f"{column.sure}{why}"), Text(examples)
        )
    for aspect in table.aspects:
        sides = {k: getattr(aspect, k) for k in ("expected", "perceived", "score") if getattr(aspect, k)}
        for target, theirs in sides.items():
            grid.add_row(Text(target), Text(safe(theirs)), Text(SAID), Text(safe(f"aspect: {aspect.aspect}")))
    console.print(grid)
    if table.unused:
        console.print(Text(f"  not used: {safe(', '.join(table.unused))}"))
    if table.keep:
        console.print(Text(f"  kept as attributes: {safe(', '.join(table.keep))}"))
    for note in table.notes:
        console.print(Text(f"  note: {safe(note)}"))


def _short(value: str) -> str:
    value = safe(value)
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def _reading(reading: Reading) -> str:
    parts = [f"sheet {safe(reading.sheet)}" if reading.sheet else f"encoding {reading.encoding}"]
    if not reading.sheet:
        parts.append(f'separator "{reading.separator}"')
    if reading.decimal != "." or reading.thousands:
        thousands = f'"{reading.thousands}" between thousands' if reading.thousands else "none between thousands"
        parts.append(f'decimal sign "{reading.decimal}", {thousands}')
    if reading.dates:
        parts.append(f"days as {', '.join(reading.dates)}")
    return "; ".join(parts)


def _has_money(table: ProposedTable) -> bool:
    return any(TABLES[table.table].column(c.target).type.startswith("decimal") for c in table.columns)
