"""A project over the sample as Parquet, read as files, by a Spark started here, and over Spark Connect."""

import socket
import subprocess
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib.sources.sample import make_sample
from tests.engines.spark.lake import QUICK, SERVER, TABLES, TOKEN, needs_spark, source, write_sample


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a crm.toml and, in `lake`, tables of the sample company as Parquet."""
    needs_spark()
    root = tmp_path_factory.mktemp("spark")
    (root / "lake").mkdir()
    write_sample(root / "lake", make_sample(n_customers=600).tables)
    spark = f'kind = "spark"\n{QUICK}'
    there = 'kind = "spark"\naddress_env = "CRM_SPARK_ADDRESS"'
    toml = source("files", "lake") + source("lake", "lake", spark) + source("there", root / "lake", there)
    toml += f'[sources.catalog]\nas_of = "2026-10-31"\nschema = "sales"\n{there}\n'
    (root / "crm.toml").write_text(toml)
    return root


@pytest.fixture
def here(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.delenv("CRM_RUN_DATE", raising=False)
    return root


@pytest.fixture
def shop(here, monkeypatch, tmp_path):
    """A project of its own with a Spark source `shop` over tables written in the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()

    def configure(more="", **tables):
        spark = f'kind = "spark"\n{QUICK}'
        text = source("files", "shop") + source("shop", "shop", spark + more)
        (tmp_path / "crm.toml").write_text(text)
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), tmp_path / "shop" / f"{name}.parquet")
        return tmp_path

    return configure


@pytest.fixture(scope="module")
def connect_server(root):
    """A Spark Connect server in a process of its own: its port, and how to end it. Its catalog has `sales`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(port), TOKEN, str(root / "lake"), *TABLES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"ready\n"
        yield SimpleNamespace(address=f"sc://localhost:{port}/;token={TOKEN}", port=port, input=server.stdin)
        server.stdin.close()
