"""Seconds and peak memory of the whole run and of each notebook, on the sample company.

Each row is a `crm report` of its own, started and reaped here; memory is the largest single process of it.
Compare rows of one run with each other: machines differ, and the same machine differs from hour to hour.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crm_lib.contract.topics import TOPICS

CRM = str(Path(sys.executable).parent / "crm")


def measure(arguments):
    """(exit code, seconds, largest process in MB) of one `crm` command."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([CRM, *arguments], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    per_megabyte = 1024 * 1024 if sys.platform == "darwin" else 1024
    return process.returncode, time.perf_counter() - start, usage.ru_maxrss / per_megabyte


def main():
    """Exit code 1 when a report failed."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [("all topics", ["report", "--to", folder])]
        rows += [(topic, ["report", topic, "--jobs", "1", "--to", folder]) for topic in TOPICS]
        return 1 if print_table(rows) else 0


def print_table(rows):
    """Measure and print one row after the other; the worst exit code."""
    print(f"{'what':<14} {'seconds':>8} {'MB':>6}  of the whole run")
    whole, worst = None, 0
    for name, arguments in rows:
        code, seconds, megabytes = measure(arguments)
        whole = whole or seconds
        worst = max(worst, code)
        mark = "" if code == 0 else f"  exit {code}"
        print(f"{name:<14} {seconds:8.1f} {megabytes:6.0f}  {seconds / whole:4.0%}{mark}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
