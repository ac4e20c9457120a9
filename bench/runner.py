"""`crm report` beside the plain commands: `papermill` and `jupyter nbconvert`, one after another.

Both run the same notebooks on the same tables, in the same minute, on two cores, in a copy of the project. What
they publish and show is compared, nothing rounded (see `alike.py`). The first `crm report` finds nothing kept from
before. Then it is told where the seconds of each report went. Compare columns of one run: machines
differ, so do hours.

    python bench/runner.py [--rounds 3] [--source sample]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import alike

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
GOAL = 3.5


def measure(command, cwd, **more):
    """(seconds, seconds of CPU with all children) of a command that must succeed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")} | more
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output.read().decode()}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def copy(folder):
    """What a run needs, so that nothing of the person's own is touched."""
    for name in ("data", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("scratch", "raw", ".*"))
    shutil.copy(ROOT / "crm.toml", folder)


def plain(project, source, topics, day):
    """Papermill and nbconvert for each notebook, as one would type them, into `plain/SOURCE/DAY`."""
    out = project / "plain" / source / day
    shutil.rmtree(project / "plain", ignore_errors=True)
    out.mkdir(parents=True)
    shutil.rmtree(project / ".crm", ignore_errors=True)
    total = [0.0, 0.0]
    for topic in topics:
        executed = out / f"{topic}.ipynb"
        notebook = project / "notebooks" / f"{topic}.ipynb"
        given = ["-p", "source", source, "--cwd", str(project / "notebooks"), "--no-progress-bar"]
        commands = (
            [BIN / "papermill", notebook, executed, *given],
            [BIN / "jupyter", "nbconvert", "--to", "html", executed],
        )
        for command in commands:
            told = {"CRM_PUBLISH_TO": str(out), "CRM_REPORTS": str(project / "plain")}
            spent = measure([str(c) for c in command], project, **told)
            total = [a + b for a, b in zip(total, spent, strict=True)]
    return total


def crm(project, source, topics, *more):
    """One `crm report` for all."""
    return measure([str(BIN / "crm"), "report", *topics, "--source", source, *more], project)


def record(project, source):
    """The newest run's record."""
    return json.loads(max((project / "reports" / source).glob("*/runs/*.json")).read_text(encoding="utf-8"))


def planned(project, source, topics):
    """The day of the reports and their topics: all that the source's tables allow where none is named."""
    done = subprocess.run(
        [BIN / "crm", "report", *topics, "--source", source, "--dry-run"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    pages = [
        Path(line.removeprefix("would make").split(": crm report")[0].strip())
        for line in done.stdout.splitlines()
        if line.startswith("would make")
    ]
    return pages[0].parent.name, [page.stem for page in pages]


def print_costs(reports):
    """Where the seconds of each report went."""
    parts = ("runner", "kernel", "imports", "work", "page")
    print(f"\n{'seconds of each report':<24}" + "".join(f"{part:>9}" for part in (*parts, "MB")))
    for report in reports:
        cost = report["cost"]
        cells = "".join(f"{cost.get(part, 0):9.2f}" for part in parts)
        print(f"  {report['topic']:<22}{cells}{cost.get('memory_mb', 0):9.0f}")


def main():
    """Measure and print; exit code 1 when the goal is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--source", default="sample")
    options.add_argument("--topics", nargs="*", default=[])
    asked = options.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    ways = (
        "papermill + nbconvert",
        "crm report",
        "crm report, tables kept",
        "crm report, plain kernels",
        "unchanged",
    )
    spent, differ = {way: [] for way in ways}, []
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as name:
        project = Path(name)
        copy(project)
        day, topics = planned(project, asked.source, asked.topics)
        for _round in range(asked.rounds):
            spent[ways[0]].append(plain(project, asked.source, topics, day))
            shutil.rmtree(project / "reports", ignore_errors=True)
            shutil.rmtree(project / ".crm", ignore_errors=True)
            spent[ways[1]].append(crm(project, asked.source, topics))
            costs = record(project, asked.source)["reports"]
            both = [project / folder / asked.source / day for folder in ("plain", "reports")]
            compared, found = alike.compare(*both, topics)
            differ += found
            spent[ways[4]].append(crm(project, asked.source, topics))
            spent[ways[2]].append(crm(project, asked.source, topics, "--force"))
            spent[ways[3]].append(crm(project, asked.source, topics, "--force", "--plain-kernels"))
    slowest = statistics.median(seconds for seconds, _cpu in spent[ways[0]])
    print(f"{len(topics)} notebooks, {asked.rounds} rounds, medians; load {os.getloadavg()[0]:.1f}")
    print(f"{'':<28}{'seconds':>9}{'CPU':>9}{'times':>8}{'best':>8}")
    for way in ways:
        seconds, cpu = (statistics.median(column) for column in zip(*spent[way], strict=True))
        best = max(a[0] / b[0] for a, b in zip(spent[ways[0]], spent[way], strict=True))
        print(f"{way:<28}{seconds:9.1f}{cpu:9.1f}{slowest / seconds:8.1f}{best:8.1f}", flush=True)
    print_costs(costs)
    ratio = slowest / statistics.median(seconds for seconds, _cpu in spent[ways[1]])
    counts = ", ".join(f"{n:,} {kind}" for kind, n in compared.items())
    print(f"\ncompared with papermill's, unrounded, in each round: {counts}")
    print("\n".join(["these differ:", *differ]) if differ else "all of them are the same")
    print(f"{ratio:.1f} times as fast, {GOAL} is the goal")
    return 0 if not differ and ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
