"""Spark Connect: the same tables and pages as from files, a lost connection in words, and the token nowhere."""

import datetime as dt
import json
import shutil
import socket
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib.analysis import histories
from crm_lib.contract import publication
from crm_lib.errors import ConfigError, Unreachable
from crm_lib.sources import connect
from tests.engines.agreement import assert_same
from tests.engines.spark.lake import TOKEN, Wire, source

ROOT = Path(__file__).parents[3]
THERE = 'kind = "spark"\naddress_env = "CRM_SPARK_ADDRESS"'
ADDRESSES = [
    ("", ConfigError, "is empty"),
    (f"https://host/;token={TOKEN}", ConfigError, "must begin with sc://"),
    (f"sc://localhost:1/;token={TOKEN}", Unreachable, "No Spark Connect server answers"),
]


@pytest.mark.parametrize(
    ("address", "kind", "said"), ADDRESSES, ids=["empty", "of another kind", "where nobody answers"]
)
def test_an_address_that_leads_nowhere_is_said_without_its_token(address, kind, said, here, monkeypatch):
    monkeypatch.setenv("CRM_SPARK_ADDRESS", address)
    with pytest.raises(kind, match=said) as raised:
        connect("there")
    assert type(raised.value) is kind
    assert "CRM_SPARK_ADDRESS" in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_a_wrong_token_is_refused_in_words_and_not_tried_again(connect_server, here, monkeypatch):
    monkeypatch.setenv("CRM_SPARK_ADDRESS", connect_server.address.replace("token=", "token=another-"))
    with pytest.raises(ConfigError, match=r"UNAUTHENTICATED|PERMISSION_DENIED") as raised:
        connect("there")
    assert type(raised.value) is ConfigError
    assert TOKEN not in str(raised.value)


def test_spark_connect_gives_the_same(connect_server, here, monkeypatch):
    monkeypatch.setenv("CRM_SPARK_ADDRESS", connect_server.address)
    files = connect("files", topic="clv")
    found = connect("there", topic="clv")
    assert found.card.tables == files.card.tables
    known = histories.known(found.transactions, found.as_of)
    expected = histories.known(files.transactions, files.as_of)
    assert histories.unique(known, found.as_of).n.tolist() == histories.unique(expected, files.as_of).n.tolist()
    assert TOKEN not in repr(found)


def test_tables_of_a_catalog_give_the_same(connect_server, here, monkeypatch):
    monkeypatch.setenv("CRM_SPARK_ADDRESS", connect_server.address)
    files, found = connect("files", topic="clv"), connect("catalog", topic="clv")
    assert found.card.tables == files.card.tables
    assert found.transactions.amount.sum().to_pyarrow() == files.transactions.amount.sum().to_pyarrow()


def test_a_call_that_finds_nobody_waits_about_a_minute(connect_server, here, monkeypatch):
    monkeypatch.setenv("CRM_SPARK_ADDRESS", connect_server.address)
    client = connect("there", topic="clv").transactions.get_backend().spark.client
    (policy,) = client._retry_policies
    left = policy.to_state()
    waits = iter(left.next_attempt, None)
    assert 45 < sum(waits) / 1000 < 75


def crm(*arguments):
    """The command's exit code and all that it says."""
    command = [sys.executable, "-m", "crm_lib.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def secrets_in(folder):
    """Files below the folder that hold the token."""
    return [p for p in folder.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]


@pytest.fixture
def project(tmp_path, monkeypatch, connect_server):
    """A folder with the shipped notebooks; a function that writes crm.toml and says where Spark is."""
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.delenv("CRM_RUN_DATE", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))

    def write(text, address=connect_server.address):
        monkeypatch.setenv("CRM_SPARK_ADDRESS", address)
        (tmp_path / "crm.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def orders(folder, customers, days):
    """A table of orders as Parquet."""
    amounts = [float(i % 7 + 1) for i in range(len(days))]
    folder.mkdir()
    kinds = pa.schema({"customer_id": pa.string(), "at": pa.date32(), "amount": pa.float64()})
    columns = {"customer_id": customers, "at": days, "amount": amounts}
    pq.write_table(pa.table(columns, kinds), folder / "transactions.parquet")


def test_a_page_of_tables_in_a_catalog_is_that_of_the_files(project, root):
    text = source("files", root / "lake") + f'[sources.sales]\nas_of = "2026-10-31"\nschema = "sales"\n{THERE}\n'
    folder = project(text)
    code, said = crm("report", "segmentation", "--source", "files", "--source", "sales")
    assert code == 0, said
    files, found = (
        publication.read(folder / "reports" / name / "2026-10-31", "segmentation") for name in ("files", "sales")
    )
    assert_same(files, found)
    assert not list(folder.glob(".crm/sales/*"))
    assert secrets_in(folder) == []
    assert TOKEN not in said


def test_an_empty_table_and_a_single_customer_give_pages_in_words(project, tmp_path):
    orders(tmp_path / "nobody", [], [])
    orders(tmp_path / "one", ["A"], [dt.date(2026, 3, 1)])
    folder = project(source("nobody", tmp_path / "nobody", THERE) + source("one", tmp_path / "one", THERE))
    _code, said = crm("report", "segmentation", "--source", "nobody", "--source", "one")
    assert "nobody foresaw" not in said
    (refused,) = folder.glob("reports/nobody/*/segmentation.failed.html")
    assert "transactions: the table has no rows." in unescape(refused.read_text(encoding="utf-8"))
    (page,) = folder.glob("reports/one/*/segmentation*.html")
    text = unescape(page.read_text(encoding="utf-8"))
    assert "Traceback" not in text
    assert ">nan<" not in text.lower()


LOSE = """
from pathlib import Path
from pyspark.sql.connect.client.retries import DefaultPolicy

tries, cut = Path("{folder}", "tries"), Path("{folder}", "cut")
tries.open("a").write("x")
if len(tries.read_text()) <= {losses}:
    crm.transactions.get_backend().spark.client.set_retry_policies([DefaultPolicy(max_retries=1)])
    cut.touch()
    try:
        crm.transactions.count().to_pyarrow()
    finally:
        cut.unlink()
"""


@pytest.mark.parametrize(("losses", "code"), [(1, 0), (2, 2)], ids=["lost once", "lost twice"])
def test_a_connection_lost_in_mid_run_is_tried_once_more(losses, code, project, connect_server, tmp_path):
    days = [dt.date(2026, 1 + i % 9, 1 + i % 27) for i in range(200)]
    orders(tmp_path / "few", [f"C{i % 60:02}" for i in range(200)], days)
    path = tmp_path / "notebooks" / "segmentation.ipynb"
    notebook = nbformat.read(path, 4)
    at = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "connect(" in c.source)
    lose = LOSE.format(folder=tmp_path, losses=losses)
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(lose))
    nbformat.write(notebook, path)
    with Wire(connect_server.port, tmp_path / "cut") as wire:
        address = connect_server.address.replace(str(connect_server.port), str(wire.port))
        folder = project(source("few", tmp_path / "few", THERE), address)
        found, said = crm("report", "segmentation", "--source", "few")
    assert (found, (tmp_path / "tries").read_text()) == (code, "xx"), said
    (record,) = folder.glob("reports/few/2026-10-31/runs/*.json")
    (report,) = json.loads(record.read_text(encoding="utf-8"))["reports"]
    assert report["retried"] == "the connection to the data was lost"
    assert secrets_in(folder) == []
    if code:
        (page,) = folder.glob("reports/few/*/segmentation.failed.html")
        text = unescape(page.read_text(encoding="utf-8"))
        assert 'Spark, which holds the source "few", ended the connection.' in text
        assert "Traceback" not in text


# The last test of this file: the server is gone after it.
def test_a_server_that_ends_in_mid_run_is_said_in_words_and_may_be_tried_again(connect_server, here, monkeypatch):
    from pyspark.sql.connect.client.retries import DefaultPolicy

    monkeypatch.setenv("CRM_SPARK_ADDRESS", connect_server.address)
    found = connect("there", topic="clv")
    client = found.transactions.get_backend().spark.client
    client.set_retry_policies([DefaultPolicy(max_retries=2, max_backoff=100)])
    connect_server.input.close()
    wait_until_nobody_listens(connect_server.port)
    with pytest.raises(Unreachable, match="ended the connection") as raised:
        found.transactions.count().to_pyarrow()
    assert TOKEN not in str(raised.value)


def wait_until_nobody_listens(port):
    for _ in range(600):
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    pytest.fail("the server did not end")
