"""The table of `bench/engines.py`: for the terminal, and for docs/benchmarks.md between two marks."""

from __future__ import annotations

import datetime as dt
import os
import platform
from argparse import Namespace
from pathlib import Path

from clv_page import processor

BEGIN, END = "<!-- begin: python bench/engines.py --write -->", "<!-- end of engines -->"
NAMES = {
    "floor": "DuckDB alone: scan and group (the floor)",
    "duckdb": "**this project on DuckDB**",
    "postgres": "this project on PostgreSQL",
    "spark": "this project on Spark, local",
}
HEAD = "| orders | customers | system | seconds | ÷ the floor | ÷ ours on DuckDB |\n|--:|--:|---|--:|--:|--:|"


def text(found: dict[int, dict[str, dict]]) -> str:
    """The whole table."""
    return "\n".join([HEAD, *(_line(n, system, runs) for n, runs in found.items() for system in runs)])


def _line(n_rows: int, system: str, runs: dict[str, dict]) -> str:
    run, name = runs[system], NAMES.get(system, system)
    n_customers = next((r["n_customers"] for r in runs.values() if "n_customers" in r), 0)
    about = f"| about {n_rows:,} | {int(n_customers):,} | {name} |"
    if "failed" in run:
        return f"{about} {run['failed']} | | |"
    took = run["seconds"]["prepare"]
    ratios = [f"{took / runs[s]['seconds']['prepare']:.2f}" if _ran(runs, s) else "" for s in ("floor", "duckdb")]
    return f"{about} {took:.2f} | {' | '.join(ratios)} |"


def _ran(runs: dict[str, dict], system: str) -> bool:
    return "seconds" in runs.get(system, {})


def write(page: Path, found: dict[int, dict[str, dict]], options: Namespace) -> None:
    """Put the table between the marks of the page; the words around it stay."""
    versions = sorted({v for runs in found.values() for run in runs.values() for v in run.get("versions", [])})
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    state = "while other work ran on the machine" if options.shared else "at rest"
    how = (
        f"Taken on {dt.datetime.now().astimezone().date().isoformat()} {state}: {os.cpu_count()} cores "
        f"({processor()}), {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}; "
        f"{', '.join(versions)}. The quickest of {options.repeats} runs; stopped after {options.limit:.0f} s."
    )
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    page.write_text(before + "\n\n".join([BEGIN, how, text(found), END]) + after, encoding="utf-8")
