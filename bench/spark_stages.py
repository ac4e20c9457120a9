"""How the work of a topic spreads over Spark: stages, tasks, and the most rows that one task alone had to take.

    python bench/spark_stages.py                            # 1 M purchase lines
    python bench/spark_stages.py --rows 10000000 --write    # and write docs/engines.md

The same notebooks on the same Parquet as `bench/scale.py`, on a Spark that starts here. Spark is told not to join
small parts of what it shares out, so that a stage of one task is one that can't be shared out, whatever its size.
The status store of Spark says what each stage read; `bench/crossing.py` counts what came to Python.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import scale
import scale_data
import scale_page

HERE = Path(__file__).parent
PARTS = 8
BEGIN, END = "<!-- begin: python bench/spark_stages.py --write -->", "<!-- end of stages -->"
HEAD = (
    "| rows | topic | queries | stages | tasks | most rows a stage shared out | most rows one task took alone "
    "| most rows of a result | seconds |"
)
RULE = "|--:|---|--:|--:|--:|--:|--:|--:|--:|"
TOML = """[default]
source = "scale"

[sources.scale]
kind = "spark"
title = "Made-up shop"
path = "{path}"
as_of = "{as_of}"
currency = "CNY"
memory = "6g"

[sources.scale.conf]
"spark.sql.shuffle.partitions" = "{parts}"
"spark.sql.adaptive.coalescePartitions.enabled" = "false"
"spark.ui.retainedStages" = "1000000"
"""


@dataclass(frozen=True)
class Stage:
    """A stage that ran: its tasks, and the rows that they read from files, kept tables and other stages."""

    tasks: int
    rows: int


def stages(context: Any) -> list[Stage]:
    """All stages that this Spark has run."""
    context._jsc.sc().listenerBus().waitUntilEmpty()
    java = context._jvm.java
    nothing = context._gateway.new_array(context._jvm.double, 0)
    store = context._jsc.sc().statusStore()
    seen = store.stageList(None, False, False, nothing, java.util.ArrayList())
    ran = (seen.apply(i) for i in range(seen.size()))
    return [
        Stage(s.numCompleteTasks(), s.inputRecords() + s.shuffleReadRecords()) for s in ran if s.numCompleteTasks()
    ]


def spread(found: list[Stage]) -> dict[str, int]:
    """Numbers of stages and tasks, the largest stage of several tasks and of one."""
    shared = [s.rows for s in found if s.tasks > 1]
    alone = [s.rows for s in found if s.tasks == 1]
    return {
        "stages": len(found),
        "tasks": sum(s.tasks for s in found),
        "shared": max(shared, default=0),
        "alone": max(alone, default=0),
    }


def run_here(topic: str, project: str) -> dict:
    """A topic's notebook on a Spark of this process."""
    import cells
    from crossing import counted

    from crm_lib.sources.spark.backend import Backend

    os.chdir(project)
    start = time.perf_counter()
    with counted(Backend) as crossed, tempfile.TemporaryDirectory() as folder:
        os.environ["CRM_PUBLISH_TO"] = folder
        cells.run(topic, {"source": "scale"})
    from pyspark import SparkContext

    found = spread(stages(SparkContext._active_spark_context))
    largest = max(q.rows for q in crossed.queries)
    return found | {
        "queries": len(crossed.queries),
        "largest": largest,
        "results": [asdict(q) for q in crossed.largest(8)],
        "seconds": time.perf_counter() - start,
    }


def project(folder: Path, n_rows: int) -> tuple[Path, int]:
    """A project whose source is the Parquet of this size read by Spark, and its number of customers."""
    made = scale.project(folder, n_rows)
    place = made / "spark"
    place.mkdir(exist_ok=True)
    as_of = scale_data.clv_data.AS_OF.isoformat()
    text = TOML.format(path=(made / "data").resolve(), as_of=as_of, parts=PARTS)
    (place / "crm.toml").write_text(text, encoding="utf-8")
    return place, dict(scale_data.sizes(made))["customers"]


def measured(topic: str, place: Path) -> dict:
    """What one topic did, in a process of its own, or `{"failed": why}`."""
    command = [sys.executable, __file__, "--one", topic, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": " ".join(done.stderr.strip().splitlines()[-1:])[:300]}
    return json.loads(done.stdout.splitlines()[-1])


def line(n_rows: int, topic: str, run: dict) -> str:
    """One row of the table."""
    if "failed" in run:
        return f"| {n_rows:,} | {topic} | {run['failed']} | | | | | | |"
    counts = [run[k] for k in ("queries", "stages", "tasks", "shared", "alone", "largest")]
    return f"| {n_rows:,} | {topic} | {' | '.join(f'{c:,}' for c in counts)} | {run['seconds']:.0f} |"


def write(page: Path, lines: list[str], shared: bool) -> None:
    """Put the table between the marks of the page; the words around it stay."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    packages = ("pyspark", "ibis-framework")
    how = scale_page.taken([f"{p} {importlib.metadata.version(p)}" for p in packages], shared)
    page.write_text(before + "\n\n".join([BEGIN, how, "\n".join(lines), END]) + after, encoding="utf-8")


def main() -> int:
    """Measure, print, and write where asked; exit code 1 when a topic failed or one task took all rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="numbers of purchase lines")
    parser.add_argument("--topics", nargs="+", default=list(scale.TOPICS))
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "crm-bench-scale")
    parser.add_argument("--shared", action="store_true", help="say that other work ran on the machine")
    parser.add_argument("--write", action="store_true", help="write docs/engines.md")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_here(*options.one)))
        return 0
    lines, good = [HEAD, RULE], True
    for n_rows in sorted(options.rows):
        place, n_customers = project(options.data, n_rows)
        for topic in options.topics:
            run = measured(topic, place)
            good &= run.get("alone", n_rows) <= n_customers + 4_000
            lines.append(line(n_rows, topic, run))
            print(lines[-1], *run.get("results", []), sep="\n  ", flush=True)
    print("\n".join(lines))
    if options.write:
        write(HERE.parent / "docs" / "engines.md", lines, options.shared)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
