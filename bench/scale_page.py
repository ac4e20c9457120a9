"""The scale table of docs/engines.md, and what ten billion rows would need, by the cost measured per million."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

from clv_page import processor

BEGIN, END = "<!-- begin: python bench/scale.py --write -->", "<!-- end -->"
HEAD = (
    "| rows | customers | step | seconds | load | analysis | show "
    "| CPU s per million | peak GB | spilled GB | taken |"
)
RULE = "|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|---|"


def today() -> str:
    """The day on this machine."""
    return dt.datetime.now().astimezone().date().isoformat()


def line(n_rows: int, what: str, runs: dict[str, dict]) -> str:
    """One row of the table."""
    run, sizes = runs[what], runs["sizes"]
    n, n_customers = sizes["transactions"], sizes["customers"]
    if "failed" in run:
        return f"| {n:,} | {n_customers:,} | {what} | {run['failed']} | | | | | | | {today()} |"
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
        today(),
    ]
    return f"| {' | '.join(cells)} |"


def text(found: dict[int, dict[str, dict]]) -> str:
    """The whole table of this run."""
    return "\n".join([HEAD, RULE, *_rows(found)])


def _rows(found: dict[int, dict[str, dict]]) -> list[str]:
    return [line(n, what, runs) for n, runs in found.items() for what in runs if what != "sizes"]


def how(found: dict[int, dict[str, dict]], shared: bool) -> str:
    """When, where and with what the figures were taken."""
    versions = next(run["versions"] for runs in found.values() for run in runs.values() if "versions" in run)
    return taken(versions, shared)


def taken(versions: list[str], shared: bool) -> str:
    """The day, the machine and these versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    state = "other work ran on the machine" if shared else "at rest"
    return (
        f"Taken on {today()}, {state}: {os.cpu_count()} cores "
        f"({processor()}), {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}; "
        f"{', '.join(versions)}."
    )


def write(page: Path, found: dict[int, dict[str, dict]], shared: bool) -> None:
    """Put the table between the marks of the page; what this run did not measure stays in it, with its day."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    earlier, after = rest.split(END, 1)
    said, rows = how(found, shared), {}
    for row in [*earlier.splitlines(), *_rows(found)]:
        if row.startswith("| ") and row != HEAD:
            n_rows, _customers, step, *_, day, _end = (cell.strip() for cell in row.split("|")[1:])
            rows[int(n_rows.replace(",", "")), step] = day, row
    days = {day for day, _row in rows.values()}
    then = [t for t in earlier.splitlines() if any(t.startswith(f"Taken on {d},") for d in days) and t != said]
    table = [rows[key][1] for key in sorted(rows, key=lambda key: key[0])]
    parts = [BEGIN, said, *then, "\n".join([HEAD, RULE, *table]), END]
    page.write_text(before + "\n\n".join(parts) + after, encoding="utf-8")
