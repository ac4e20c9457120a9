"""Seconds and memory from a Parquet file of orders to a scored row for every customer: this project and its peers.

    python bench/clv.py                               # 10 k, 100 k, 1 M and 10 M customers
    python bench/clv.py --sizes 10000 100000 1000000 --peers-python /path/to/venv/bin/python --write

Data are made once and kept (`--data`). Each run is a process of its own, started and reaped here; a system that
takes longer than `--limit` seconds, or fails, is not asked for larger sizes. Of `--repeats` runs the quickest
counts. `--write` puts the tables into docs/benchmarks.md. The peers are the extra `bench`: they may be installed
beside the project, or in an environment of their own (`--peers-python`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import clv_data
import clv_page
from clv_systems import SYSTEMS

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
OURS = ("floor", "crm_lib")
# A run is stopped when less memory than this is left: the machine is worth more than one figure.
LEAST_FREE_MB = 1_000


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of customers")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a run is stopped")
    parser.add_argument("--repeats", type=int, default=3, help="runs of what takes under half a minute")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "crm-bench-clv")
    parser.add_argument("--peers-python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def data(folder: Path, n_customers: int) -> Path:
    """The file of a size, made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{clv_data.name(n_customers)}.parquet"
    if not file.exists():
        start = time.perf_counter()
        n_rows = clv_data.write(file, n_customers)
        print(f"made {file.name}: {n_rows:,} orders in {time.perf_counter() - start:.0f} s", flush=True)
    return file


def measured(python: str, system: str, file: Path, limit: float) -> dict:
    """What one run found and took, or `{"failed": why}`."""
    command = [python, str(HERE / "clv_measure.py"), system, str(file)]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=said, stderr=errors, text=True)
        stopped = _watch(process, limit)
        said.seek(0), errors.seek(0)
        lines, complaints = said.read().splitlines(), errors.read().strip().splitlines()
    if stopped:
        return {"failed": stopped}
    if process.returncode:
        named = [line for line in complaints if re.match(r"[\w.]+: ", line)]  # "package.SomeError: what was wrong"
        return {"failed": named[-1][:200] if named else f"exit code {process.returncode}"}
    return json.loads(lines[-1])


def _watch(process: subprocess.Popen, limit: float) -> str:
    """Wait for the process; why it was stopped, or nothing. Imports are inside the limit, and little of it."""
    deadline = time.monotonic() + limit
    while True:
        try:
            process.wait(timeout=0.5)
            return ""
        except subprocess.TimeoutExpired:
            why = f"over {limit:.0f} s" if time.monotonic() > deadline else ""
            why = why or ("out of memory" if _free_mb() < LEAST_FREE_MB else "")
        if why:
            process.kill()
            process.wait()
            return why


def _free_mb() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024
    except (OSError, StopIteration):
        return float("inf")


def best(python: str, system: str, file: Path, options: argparse.Namespace) -> dict:
    """The quickest of several runs; a long one stands alone."""
    runs = [measured(python, system, file, options.limit)]
    while "failed" not in runs[-1] and len(runs) < options.repeats and total(runs[0]) < 30:
        runs.append(measured(python, system, file, options.limit))
    good = [run for run in runs if "failed" not in run]
    return min(good, key=total) if good else runs[0]


def total(run: dict) -> float:
    """Seconds of all stages."""
    return sum(run["seconds"].values())


def main() -> int:
    """Measure, print, and write where asked; exit code 1 when this project failed."""
    options = arguments()
    found: dict[int, dict[str, dict]] = {}
    gone: dict[str, dict] = {}
    warmed: set[str] = set()
    for size in sorted(options.sizes):
        file = data(options.data, size)
        found[size] = {}
        for system in options.systems:
            python = sys.executable if system in OURS else options.peers_python
            if system not in warmed:  # compiled code and the file are in their caches before anything counts
                measured(python, system, data(options.data, min(options.sizes)), options.limit)
                warmed.add(system)
            run = gone.get(system) or best(python, system, file, options)
            if "failed" in run:
                gone[system] = {"failed": "not asked again"}
            found[size][system] = run
            print(clv_page.line(size, system, found[size]), flush=True)
    print(clv_page.text(found))
    if options.write:
        clv_page.write(HERE.parent / "docs" / "benchmarks.md", found, options)
    return 1 if any("failed" in found[size].get("crm_lib", {}) for size in found) else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
