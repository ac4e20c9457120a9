"""`crm report` beside the plain commands: `papermill` and `jupyter nbconvert`, one after another.

Both run the same notebooks on the same tables, in the same minute, on two cores, in a copy of the project; both
publish the same figures, which is checked. The first `crm report` finds nothing kept from before. Then it is told
where the seconds of each report went. Compare columns of one run: machines differ, and so do hours.

    python bench/runner.py [--rounds 3] [--source sample]
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def plain(project, source, topics):
    """Papermill and nbconvert for each notebook, as one would type them."""
    out = project / "plain"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
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
            spent = measure([str(c) for c in command], project, CRM_PUBLISH_TO=str(out))
            total = [a + b for a, b in zip(total, spent, strict=True)]
    return total


def crm(project, source, topics, *more):
    """One `crm report` for all."""
    return measure([str(BIN / "crm"), "report", *topics, "--source", source, *more], project)


def record(project, source):
    """The newest run's record."""
    return json.loads(max((project / "reports" / source).glob("*/runs/*.json")).read_text(encoding="utf-8"))


def same_figures(project, source, topics):
    """Whether both ways published the same figures; several threads add up in another order: not to the bit."""
    (folder,) = (project / "reports" / source).glob("20*")
    for topic in topics:
        name = f"{topic}.figures.json"
        both = [json.loads((where / name).read_text())["figures"] for where in (project / "plain", folder)]
        if len(both[0]) != len(both[1]) or not all(map(_same, *both)):
            return False
    return True


def _same(one, other):
    exact = all(one[k] == other[k] for k in ("name", "n", "unit"))
    pairs = [(one[k], other[k]) for k in ("value", "low", "high")]
    return exact and all(a == b or (a and b and math.isclose(a, b, rel_tol=1e-9)) for a, b in pairs)


def topics_of(project, source):
    """Topics that the source's tables allow and whose notebooks run."""
    done = subprocess.run(
        [BIN / "crm", "report", "--source", source, "--dry-run"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        Path(line.split(": crm report")[0]).stem for line in done.stdout.splitlines() if line.startswith("would")
    ]


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
    spent = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as name:
        project = Path(name)
        copy(project)
        topics = asked.topics or topics_of(project, asked.source)
        for _round in range(asked.rounds):
            spent[ways[0]].append(plain(project, asked.source, topics))
            shutil.rmtree(project / "reports", ignore_errors=True)
            shutil.rmtree(project / ".crm", ignore_errors=True)
            spent[ways[1]].append(crm(project, asked.source, topics))
            costs = record(project, asked.source)["reports"]
            spent[ways[4]].append(crm(project, asked.source, topics))
            spent[ways[2]].append(crm(project, asked.source, topics, "--force"))
            spent[ways[3]].append(crm(project, asked.source, topics, "--force", "--plain-kernels"))
        same = same_figures(project, asked.source, topics)
    slowest = statistics.median(seconds for seconds, _cpu in spent[ways[0]])
    print(f"{len(topics)} notebooks, {asked.rounds} rounds, medians; load {os.getloadavg()[0]:.1f}")
    print(f"{'':<28}{'seconds':>9}{'CPU':>9}{'times':>8}{'best':>8}")
    for way in ways:
        seconds, cpu = (statistics.median(column) for column in zip(*spent[way], strict=True))
        best = max(a[0] / b[0] for a, b in zip(spent[ways[0]], spent[way], strict=True))
        print(f"{way:<28}{seconds:9.1f}{cpu:9.1f}{slowest / seconds:8.1f}{best:8.1f}", flush=True)
    print_costs(costs)
    ratio = slowest / statistics.median(seconds for seconds, _cpu in spent[ways[1]])
    print(f"\nsame figures: {'yes' if same else 'NO'}; {ratio:.1f} times as fast, {GOAL} is the goal")
    return 0 if same and ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
