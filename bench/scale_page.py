"""The scale table of docs/engines.md, and what ten billion rows would need, by the cost measured per million."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

from clv_page import processor

BEGIN, END = "<!-- begin: python bench/scale.py --write -->", "<!-- end -->"
HEAD = "| rows | customers | step | seconds | load | analysis | show | CPU s per million | peak GB | spilled GB |"
RULE = "|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|"


def line(n_rows: int, what: str, runs: dict[str, dict]) -> str:
    """One row of the table."""
    run, sizes = runs[what], runs["sizes"]
    n, n_customers = sizes["transactions"], sizes["customers"]
    if "failed" in run:
        return f"| {n:,} | {n_customers:,} | {what} | {run['failed']} | | | | | | |"
    seconds = run["seconds"]
    total = sum(seconds.values())
    cells = [
        f"{n:,}",
        f"{n_customers:,}",
        what,
        f"{total:.0f}" if total >= 10 else f"{total:.1f}",
        *(f"{seconds[s]:.1f}" if s in seconds else "" for s in ("load", "analysis", "show")),
        f"{run['processor_seconds'] / n * 1e6:.1f}",
        f"{run['mb'] / 1024:.1f}",
        f"{run['spill_mb'] / 1024:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def text(found: dict[int, dict[str, dict]]) -> str:
    """The whole table."""
    rows = [line(n, what, runs) for n, runs in found.items() for what in runs if what != "sizes"]
    return "\n".join([HEAD, RULE, *rows])


def how(found: dict[int, dict[str, dict]], shared: bool) -> str:
    """When, where and with what the figures were taken."""
    versions = next(run["versions"] for runs in found.values() for run in runs.values() if "versions" in run)
    return taken(versions, shared)


def taken(versions: list[str], shared: bool) -> str:
    """The day, the machine and these versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    state = "other work ran on the machine" if shared else "at rest"
    return (
        f"Taken on {dt.datetime.now().astimezone().date().isoformat()}, {state}: {os.cpu_count()} cores "
        f"({processor()}), {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}; "
        f"{', '.join(versions)}."
    )


def write(page: Path, found: dict[int, dict[str, dict]], shared: bool) -> None:
    """Put the table between the marks of the page; the words around it stay."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    tables = "\n\n".join([BEGIN, how(found, shared), text(found), END])
    page.write_text(before + tables + after, encoding="utf-8")
