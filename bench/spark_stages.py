"""How the work of a topic spreads over Spark: stages, tasks, and how much of a stage one task had to take.

    python bench/spark_stages.py                            # 1 M purchase lines, ten minutes
    python bench/spark_stages.py --write                    # and write docs/engines.md

The same notebooks on the same Parquet as `bench/scale.py`, on a Spark that starts here. Spark is told to read
purchases in eight parts and not to join small parts of what it shares out, so that a stage of one task is one that
can't be shared out, whatever its size. The status store of Spark says what each task read (of a kept table blocks
of rows, not rows); `bench/crossing.py` counts what came to Python.
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
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cells
import crossing
import scale
import scale_data
import scale_page

HERE = Path(__file__).parent
PARTS = 8
BEGIN, END = "<!-- begin: python bench/spark_stages.py --write -->", "<!-- end of stages -->"
MOST_SHARE = 0.5  # of a large stage in one task
HEAD = (
    "| rows | topic | queries | stages | tasks | most rows of a stage | most of it in one task "
    "| most rows of a stage of one task | most rows of a result | seconds |"
)
RULE = "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|"
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
"spark.sql.files.maxPartitionBytes" = "{part}b"
"spark.ui.retainedStages" = "1000000"
"""


@dataclass(frozen=True)
class Stage:
    """A stage that ran: its tasks, the rows that they read from files and other stages, the most of one task."""

    tasks: int
    rows: int
    most: int


def stages(context: Any) -> list[Stage]:
    """All stages that this Spark has run."""
    context._jsc.sc().listenerBus().waitUntilEmpty()
    java = context._jvm.java
    nothing = context._gateway.new_array(context._jvm.double, 0)
    store = context._jsc.sc().statusStore()
    ran = _each(store.stageList(None, False, False, nothing, java.util.ArrayList()))
    return [_stage(store, s) for s in ran if s.numCompleteTasks()]


def _stage(store: Any, stage: Any) -> Stage:
    tasks = _each(store.taskList(stage.stageId(), stage.attemptId(), 2**31 - 1))
    told = [t.taskMetrics().get() for t in tasks if t.taskMetrics().isDefined()]
    rows = [t.inputMetrics().recordsRead() + t.shuffleReadMetrics().recordsRead() for t in told]
    return Stage(stage.numCompleteTasks(), sum(rows), max(rows, default=0))


def _each(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(i) for i in range(sequence.size()))


def spread(found: list[Stage], n_customers: int) -> dict[str, float]:
    """Stages and tasks; rows of the largest stage, the most that one task took of a large one, and of one alone.

    Large is a stage of more rows than customers.
    """
    large = [s for s in found if s.rows > n_customers]
    return {
        "stages": len(found),
        "tasks": sum(s.tasks for s in found),
        "rows": max((s.rows for s in found), default=0),
        "share": max((s.most / s.rows for s in large), default=0.0),
        "alone": max((s.rows for s in found if s.tasks == 1), default=0),
    }


def is_shared_out(run: dict, n_customers: int) -> bool:
    """Whether no task took most of a large stage, and no result has more rows than customers."""
    most = n_customers + crossing.MOST_BESIDE
    return "failed" not in run and run["share"] <= MOST_SHARE and max(run["alone"], run["largest"]) <= most


def run_here(topic: str, project: str, n_customers: int) -> dict:
    """A topic's notebook on a Spark of this process."""
    from crm_lib.sources.spark.backend import Backend

    os.chdir(project)
    start = time.perf_counter()
    with crossing.counted(Backend) as crossed, tempfile.TemporaryDirectory() as folder:
        os.environ["CRM_PUBLISH_TO"] = folder
        cells.run(topic, {"source": "scale"})
    from pyspark import SparkContext

    found = spread(stages(SparkContext._active_spark_context), n_customers)
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
    data = (made / "data").resolve()
    part = (data / "transactions.parquet").stat().st_size // PARTS
    text = TOML.format(path=data, as_of=as_of, parts=PARTS, part=part)
    (place / "crm.toml").write_text(text, encoding="utf-8")
    return place, dict(scale_data.sizes(made))["customers"]


def measured(topic: str, place: Path, n_customers: int) -> dict:
    """What one topic did, in a process of its own, or `{"failed": why}`."""
    command = [sys.executable, __file__, "--one", topic, str(place), str(n_customers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": " ".join(done.stderr.strip().splitlines()[-1:])[:300]}
    return json.loads(done.stdout.splitlines()[-1])


def line(n_rows: int, topic: str, run: dict) -> str:
    """One row of the table."""
    if "failed" in run:
        return f"| {n_rows:,} | {topic} | {run['failed']} | | | | | | | |"
    counts = [f"{run[k]:,}" for k in ("queries", "stages", "tasks", "rows")]
    ends = [f"{run[k]:,}" for k in ("alone", "largest")]
    told = [f"{n_rows:,}", topic, *counts, f"{run['share']:.0%}", *ends, f"{run['seconds']:.0f}"]
    return f"| {' | '.join(told)} |"


def write(page: Path, lines: list[str], shared: bool) -> None:
    """Put the table between the marks of the page; the words around it stay."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    packages = ("pyspark", "ibis-framework")
    how = scale_page.taken([f"{p} {importlib.metadata.version(p)}" for p in packages], shared)
    page.write_text(before + "\n\n".join([BEGIN, how, "\n".join(lines), END]) + after, encoding="utf-8")


def main() -> int:
    """Measure, print, and write where asked; exit code 1 when a topic failed or was not shared out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="numbers of purchase lines")
    parser.add_argument("--topics", nargs="+", default=list(scale.TOPICS))
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "crm-bench-scale")
    parser.add_argument("--shared", action="store_true", help="say that other work ran on the machine")
    parser.add_argument("--write", action="store_true", help="write docs/engines.md")
    options = parser.parse_args()
    if options.one:
        topic, place, n_customers = options.one
        print(json.dumps(run_here(topic, place, int(n_customers))))
        return 0
    lines, good = [HEAD, RULE], True
    for n_rows in sorted(options.rows):
        place, n_customers = project(options.data, n_rows)
        for topic in options.topics:
            run = measured(topic, place, n_customers)
            good &= is_shared_out(run, n_customers)
            lines.append(line(n_rows, topic, run))
            print(lines[-1], *run.get("results", []), sep="\n  ", flush=True)
    print("\n".join(lines))
    if options.write:
        write(HERE.parent / "docs" / "engines.md", lines, options.shared)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
