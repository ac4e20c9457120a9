"""Seconds, memory and spill of whole topics on one, ten and a hundred million purchase lines.

    python bench/scale.py                                     # 1 M and 10 M rows
    python bench/scale.py --rows 100000000 --topics clv       # one topic at 100 M: 3 GB of data, room to spill
    python bench/scale.py --write                             # and write docs/engines.md

Data are made once and kept (`--data`). The check of a source and each topic are processes of their own, started
and reaped here, one at a time. Spill is the most that the engine had on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scale_data
import scale_page

HERE = Path(__file__).parent
TOPICS = ("segmentation", "clv", "retention")
ROWS = (1_000_000, 10_000_000)
LOOK_EVERY_S = 0.5


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="numbers of purchase lines")
    parser.add_argument("--topics", nargs="+", default=TOPICS)
    parser.add_argument("--limit", type=float, default=7200, help="seconds after which a step is stopped")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "crm-bench-scale")
    parser.add_argument("--shared", action="store_true", help="say that other work ran on the machine")
    parser.add_argument("--write", action="store_true", help="write docs/engines.md")
    return parser.parse_args()


def project(folder: Path, n_rows: int) -> Path:
    """The project of a size, made where it is missing."""
    made = folder / scale_data.name(n_rows)
    if not (made / "crm.toml").is_file():
        start = time.perf_counter()
        n = scale_data.write(made, n_rows)
        print(f"made {made.name}: {n:,} rows in {time.perf_counter() - start:.0f} s", flush=True)
    return made


def measured(what: str, made: Path, limit: float) -> dict:
    """What one step found and took, or `{"failed": why}`."""
    spill = made / "spill"
    spill.mkdir(exist_ok=True)
    command = [sys.executable, str(HERE / "scale_measure.py"), what, str(made)]
    environment = os.environ | {"TMPDIR": str(spill)}
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=said, stderr=errors, text=True, env=environment)
        stopped, spilled = _watch(process, spill, limit)
        said.seek(0), errors.seek(0)
        lines, complaints = said.read().splitlines(), errors.read().strip().splitlines()
    if stopped or process.returncode:
        return {"failed": stopped or " ".join(complaints[-1:])[:200]}
    return json.loads(lines[-1]) | {"spill_mb": round(spilled / 2**20)}


def _watch(process: subprocess.Popen, spill: Path, limit: float) -> tuple[str, int]:
    """Wait for the process: why it was stopped, and the most bytes it had in its temporary folder."""
    deadline, most = time.monotonic() + limit, 0
    while True:
        try:
            process.wait(timeout=LOOK_EVERY_S)
            return "", most
        except subprocess.TimeoutExpired:
            most = max(most, _size(spill))
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            return f"over {limit:.0f} s", most


def _size(folder: Path) -> int:
    total = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def main() -> int:
    """Measure, print, and write where asked; exit code 1 when a step failed."""
    options = arguments()
    found: dict[int, dict[str, dict]] = {}
    for n_rows in sorted(options.rows):
        made = project(options.data, n_rows)
        found[n_rows] = {"sizes": dict(scale_data.sizes(made))}
        for what in ("check", *options.topics):
            found[n_rows][what] = measured(what, made, options.limit)
            print(scale_page.line(n_rows, what, found[n_rows]), flush=True)
    print(scale_page.text(found))
    if options.write:
        scale_page.write(HERE.parent / "docs" / "engines.md", found, options.shared)
    return 1 if any("failed" in run for runs in found.values() for run in runs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
