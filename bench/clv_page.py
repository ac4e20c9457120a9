"""The tables of `bench/clv.py`: for the terminal, and for docs/benchmarks.md between two marks."""

from __future__ import annotations

import datetime as dt
import os
import platform
from argparse import Namespace
from pathlib import Path

import numpy as np
from clv_systems import ANNUAL_DISCOUNT, HORIZON_WEEKS

BEGIN, END = "<!-- begin: python bench/clv.py --write -->", "<!-- end -->"
NAMES = {"floor": "DuckDB alone: scan and group", "crm_lib": "**this project**"}
HEAD = "| customers | system | prepare | fit | score | in all | ÷ ours | MB | parameters off by |"
RULE = "|--:|---|--:|--:|--:|--:|--:|--:|--:|"
OURS = "crm_lib"


def line(size: int, system: str, runs: dict[str, dict]) -> str:
    """One row of the table."""
    run, ours = runs[system], runs.get(OURS, {})
    name = NAMES.get(system, system)
    if "failed" in run:
        return f"| {size:,} | {name} | | | | {run['failed']} | | | |"
    seconds = run["seconds"]
    stages = [f"{seconds[s]:.2f}" if s in seconds else "" for s in ("prepare", "fit", "score")]
    ratio = f"{_total(run) / _total(ours):.1f}" if "seconds" in ours else ""
    cells = [f"{size:,}", name, *stages, f"{_total(run):.2f}", ratio, f"{run['mb']:,}", _off(run, ours)]
    return f"| {' | '.join(cells)} |"


def _total(run: dict) -> float:
    return sum(run["seconds"].values())


def _off(run: dict, ours: dict) -> str:
    """The largest relative difference of a parameter from ours."""
    if run is ours or "parameters" not in run or "parameters" not in ours:
        return ""
    there, here = np.array(run["parameters"]), np.array(ours["parameters"])
    return f"{np.abs(there / here - 1).max():.0e}"


def text(found: dict[int, dict[str, dict]]) -> str:
    """The whole table, the goals, and how time grows."""
    rows = [line(size, system, runs) for size, runs in found.items() for system in runs]
    return "\n".join([HEAD, RULE, *rows, "", *_growth(found)])


def _growth(found: dict[int, dict[str, dict]]) -> list[str]:
    """Seconds per million customers of this project."""
    ours = {size: _total(runs[OURS]) for size, runs in found.items() if "seconds" in runs.get(OURS, {})}
    said = ", ".join(f"{seconds / size * 1e6:.1f} at {size:,}" for size, seconds in ours.items())
    return [f"Seconds per million customers of this project: {said}."] if ours else []


def how(found: dict[int, dict[str, dict]], options: Namespace) -> str:
    """When, where and with what the figures were taken."""
    versions = sorted({v for runs in found.values() for run in runs.values() for v in run.get("versions", [])})
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Taken on {dt.datetime.now().astimezone().date().isoformat()}: {os.cpu_count()} cores ({processor()}), "
        f"{memory:.0f} GB, {platform.system()}, Python {platform.python_version()}; {', '.join(versions)}. "
        f"Horizon {HORIZON_WEEKS} weeks, {ANNUAL_DISCOUNT:.0%} a year discounted by month. A run was stopped "
        f"after {options.limit:.0f} s; the quickest of {options.repeats} runs where one took under half a minute."
    )


def processor() -> str:
    """The model of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def write(page: Path, found: dict[int, dict[str, dict]], options: Namespace) -> None:
    """Put the tables between the marks of the page; the words around them stay."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    tables = "\n\n".join([BEGIN, how(found, options), text(found), END])
    page.write_text(before + tables + after, encoding="utf-8")
