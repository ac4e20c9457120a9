"""One step of a scale run in this process: `scale_measure.py WHAT PROJECT` prints what it took as JSON.

WHAT is `check` (read, type, check and keep all tables, as `crm check` does), a topic (its notebook, on the tables
kept), or `crossing:` and a topic (the same, counting what crosses to Python). Memory is the highest resident size
of the whole process, imports included.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import resource
import sys
import tempfile
import time

import cells
from clv_measure import resident
from crossing import counted

SOURCE = "scale"
PACKAGES = ("crm-reports", "duckdb", "ibis-framework", "numpy", "pandas")


def main(what: str, project: str) -> None:
    """Run, and print one line of JSON as the last."""
    os.chdir(project)
    kind, _, topic = what.rpartition(":")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CRM_PUBLISH_TO"] = folder
        found = _check() if what == "check" else _crossing(topic) if kind else _topic(topic)
    versions = [f"{p} {importlib.metadata.version(p)}" for p in PACKAGES]
    used = resource.getrusage(resource.RUSAGE_SELF)
    found["processor_seconds"] = used.ru_utime + used.ru_stime
    print(json.dumps({**found, "mb": round(resident("VmHWM")), "versions": versions}))


def _check() -> dict:
    from crm_lib import sources

    start = time.perf_counter()
    found = sources.check(SOURCE)
    rows = {t.table: t.n_used for t in found.card.tables}
    return {"seconds": {"check": time.perf_counter() - start}, "rows": rows}


def _topic(topic: str) -> dict:
    return {"seconds": cells.run(topic, {"source": SOURCE})}


def _crossing(topic: str) -> dict:
    with counted() as found:
        cells.run(topic, {"source": SOURCE})
    largest = [{"columns": q.columns, "rows": q.rows, "bytes": q.bytes} for q in found.largest(12)]
    return {"rows": found.rows, "bytes": found.bytes, "queries": len(found.queries), "largest": largest,
            "sent": sum(q.bytes for q in found.sent)}  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
