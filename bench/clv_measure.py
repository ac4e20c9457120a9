"""One system on one file, in this process: `clv_measure.py SYSTEM FILE` prints seconds and MB as JSON.

Imports are made before the clock starts, and memory is what comes on top of them: the highest resident size of
the process, less what it was after the imports. Compilers that a system starts are processes of their own and
not counted.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path

from clv_systems import SYSTEMS

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MB = 1024


class Clock:
    """Wall and processor seconds of each stage, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str):
        """Measure the block."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = round(time.perf_counter() - wall, 3)
        self.processor_seconds[name] = round(time.process_time() - processor, 3)


def resident(field: str) -> float:
    """MB of memory: `VmRSS` now or `VmHWM` at its highest; elsewhere than on Linux only the highest is known."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / MB
    per_mb = MB * MB if sys.platform == "darwin" else MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb


def main(system: str, file: str) -> None:
    """Run, and print one line of JSON as the last."""
    run = SYSTEMS[system]()
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")  # the highest so far is forgotten: imports may have been higher than what stays
    before, clock = resident("VmRSS"), Clock()
    found = run(file, clock.stage)
    memory = max(resident("VmHWM") - before, 0.0)
    measured = {"seconds": clock.seconds, "processor_seconds": clock.processor_seconds, "mb": round(memory)}
    print(json.dumps({**found, **measured}, default=float))


if __name__ == "__main__":
    main(*sys.argv[1:])
