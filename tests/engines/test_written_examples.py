"""The examples of crm.toml in docs/engines.md are read as they stand there."""

import datetime as dt
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib.sources import connect
from crm_lib.sources.settings import read_config

PAGE = Path(__file__).parents[2] / "docs" / "engines.md"
QUICK = 'conf = { "spark.sql.shuffle.partitions" = "1" }'
DAYS = [dt.datetime(2026, 1, 5, 10), dt.datetime(2026, 2, 5, 11), dt.datetime(2026, 3, 5, 12)]


def examples(section):
    """The blocks of crm.toml in a section of the page."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if block.startswith("[sources.")]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one of these blocks alone."""
    for name in ("CRM_CONFIG", "CRM_RUN_DATE", "CRM_PUBLISH_TO", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def write(block):
        (tmp_path / "crm.toml").write_text(block, encoding="utf-8")
        return tmp_path

    return write


def assert_is_read(source):
    """A notebook's `connect` reads three orders of two customers, up to the declared day."""
    crm = connect(source, topic="segmentation")
    assert crm.as_of == dt.date(2026, 10, 31)
    bought = crm.transactions
    (found,) = bought.agg(n=bought.count(), who=bought.customer_id.nunique()).to_pyarrow().to_pylist()
    assert found == {"n": 3, "who": 2}


def test_the_example_of_postgresql_is_read(project, database, monkeypatch):
    (block,) = examples("PostgreSQL")
    columns = "client integer, ordered_at timestamptz, total numeric(12,2)"
    database.table("public.orders", columns, [(1, DAYS[0], 10), (1, DAYS[1], 12), (2, DAYS[2], 3)])
    monkeypatch.setenv("CRM_DATABASE_URL", database.url)
    project(block)
    command = [sys.executable, "-m", "crm_lib.cli", "check", "--source", "shop"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_is_read("shop")
    finally:
        database.admin.execute("DROP TABLE public.orders")


def test_the_example_of_spark_on_this_machine_is_read(project):
    """In this process, and in one part: the rest stands as on the page."""
    pytest.importorskip("pyspark", reason="needs the packages of make engines")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17 or 21, and there is none here")
    folder = project(examples("Spark")[0].replace("[sources.lake]\n", f"[sources.lake]\n{QUICK}\n"))
    (folder / "lake").mkdir()
    bought = {"cust": ["a", "a", "b"], "sold_at": pa.array(DAYS, pa.timestamp("us")), "net": [10.0, 12.0, 3.0]}
    pq.write_table(pa.table(bought), folder / "lake" / "transactions.parquet")
    assert_is_read("lake")


def test_the_example_of_a_catalog_is_understood(project):
    """It is parsed only: a cluster with its catalog is not to be had in a test."""
    folder = project(examples("Spark")[1])
    source = read_config(folder / "crm.toml").source("lake")
    assert (source.server.address_env, source.server.schema) == ("CRM_SPARK_ADDRESS", "main.sales")
    assert source.tables["transactions"].file == "orders_v2"
    assert source.as_of, "connect in a notebook needs a day"
