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

GOAL = 1.5  # our preparation on DuckDB, as a multiple of the floor


def text(found: dict[int, dict[str, dict]]) -> str:
    """The whole table, and whether the goal is met."""
    table = [HEAD, *(_line(n, system, runs) for n, runs in found.items() for system in runs)]
    return "\n".join([*table, "", _verdict(found)])


def _verdict(found: dict[int, dict[str, dict]]) -> str:
    """The goal, and at how many orders it is met or missed."""
    at: dict[str, list[str]] = {}
    for n_rows, runs in found.items():
        if _ran(runs, "floor") and _ran(runs, "duckdb"):
            times = round(_seconds(runs, "duckdb") / _seconds(runs, "floor"), 2)
            at.setdefault("met" if times <= GOAL else "missed", []).append(
                f"{n_rows:,} orders ({times:.2f} times)"
            )
        else:
            at.setdefault("not measured", []).append(f"{n_rows:,} orders")
    said = "; ".join(f"{how} at about {' and '.join(there)}" for how, there in at.items())
    return f"The goal, our preparation on DuckDB within {GOAL} times the floor: {said}."


def _line(n_rows: int, system: str, runs: dict[str, dict]) -> str:
    run, name = runs[system], NAMES.get(system, system)
    n_customers = next((r["n_customers"] for r in runs.values() if "n_customers" in r), 0)
    about = f"| about {n_rows:,} | {int(n_customers):,} | {name} |"
    if "failed" in run:
        return f"{about} {run['failed']} | | |"
    took = _seconds(runs, system)
    ratios = [f"{took / _seconds(runs, s):.2f}" if _ran(runs, s) else "" for s in ("floor", "duckdb")]
    return f"{about} {took:.2f} | {' | '.join(ratios)} |"


def _ran(runs: dict[str, dict], system: str) -> bool:
    return "seconds" in runs.get(system, {})


def _seconds(runs: dict[str, dict], system: str) -> float:
    return runs[system]["seconds"]["prepare"]


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
