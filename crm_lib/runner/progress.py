"""What a person sees while reports are made: a live table, one line per report, or failures only.

All of them say what went wrong on one line; without a terminal nothing moves, so that a mail of cron can be read.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from crm_lib.runner.evidence.verdict import Verdict, state_words

_STYLE = {"ok": "green", "care": "yellow", "no": "red"}


class Lines:
    """One line per report, as for a log: nothing moves."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def begins(self, title: str) -> None:
        """Say for which source and date the next lines are."""
        print(title, flush=True)  # noqa: T201

    def waits(self, said: str) -> None:
        """Say that another run has to end first."""
        print(said, file=sys.stderr, flush=True)  # noqa: T201

    def waiting(self, topic: str) -> None:
        """Note that a report is to be made."""

    def started(self, topic: str) -> None:
        """Note that its notebook runs."""

    def finished(self, topic: str, verdict: Verdict, seconds: float) -> None:
        """Say how it ended."""
        icon, _blank, said = verdict.line.partition(" ")
        print(f"{icon} {topic}  {seconds:.1f} s  {said}", flush=True)  # noqa: T201


class Quiet(Lines):
    """Nothing while all is well; one line on standard error for a report that is not."""

    def __init__(self) -> None:
        self.title = ""

    def begins(self, title: str) -> None:
        """Keep the title for the lines that may follow."""
        self.title = title

    def waits(self, said: str) -> None:
        """Say nothing: if the wait is in vain, the command says so."""

    def finished(self, topic: str, verdict: Verdict, seconds: float) -> None:
        """Say how it ended when a person should know."""
        if verdict.exit_code:
            icon, _blank, said = verdict.line.partition(" ")
            print(f"{icon} {self.title} {topic}: {said}".replace("  ", " "), file=sys.stderr, flush=True)  # noqa: T201


class Board(Lines):
    """A table that lives on the terminal: notebook, seconds, result."""

    def __init__(self, console: Console):
        self.console = console
        self.rows: dict[str, tuple[float | None, float, Verdict | None]] = {}

    def __enter__(self) -> Self:
        """Begin to draw, for this source and date."""
        self.rows.clear()
        self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=4)
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state standing."""
        self.live.__exit__(kind, error, trace)

    def waiting(self, topic: str) -> None:
        """Show the report as one that waits."""
        self.rows[topic] = (None, 0.0, None)

    def started(self, topic: str) -> None:
        """Let its seconds run."""
        self.rows[topic] = (time.monotonic(), 0.0, None)

    def finished(self, topic: str, verdict: Verdict, seconds: float) -> None:
        """Show how it ended."""
        self.rows[topic] = (None, seconds, verdict)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for head in ("report", "seconds", "result"):
            table.add_column(head, justify="right" if head == "seconds" else "left")
        for topic, (since, seconds, verdict) in self.rows.items():
            table.add_row(topic, *_state(since, seconds, verdict))
        return table


def _state(since: float | None, seconds: float, verdict: Verdict | None) -> tuple[str, str]:
    if verdict is not None:
        said, colon, message = verdict.line.partition(": ")
        _icon, _word, tone = state_words(verdict.state)
        return f"{seconds:.1f}", f"[{_STYLE[tone]}]{said}[/]{_plain(colon + message)}"
    if since is None:
        return "", "waits"
    return f"{time.monotonic() - since:.0f}", "runs"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def for_terminal(quiet: bool = False) -> Lines:
    """A live table on a terminal, lines everywhere else; failures alone when asked to be quiet."""
    if quiet:
        return Quiet()
    console = Console()
    return Board(console) if sys.stdout.isatty() and console.is_terminal else Lines()
