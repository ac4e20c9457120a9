"""A real Spark gives what the files give, answers in words, spreads its work, and leaves nothing behind."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib.analysis import histories
from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import check, connect
from crm_lib.sources.servers import SparkServer
from tests.engines.spark.lake import QUICK, TABLES, rows, source


def test_the_same_card_and_the_same_rows_as_from_the_files(here):
    files, lake = connect("files"), connect("lake")
    assert lake.card.tables == files.card.tables
    assert set(lake.tables) == set(TABLES)
    for name in TABLES:
        pd.testing.assert_frame_equal(rows(lake.tables[name]), rows(files.tables[name]))


def test_the_fingerprint_is_the_same_for_the_same_data_and_another_for_other(shop):
    day, amount = [dt.date(2026, 1, 5), dt.date(2026, 2, 5)], pa.array([Decimal("12.50"), Decimal(3)])
    shop(transactions={"customer_id": ["a", "b"], "at": day, "amount": amount})
    before = connect("shop").card.fingerprint
    assert connect("shop").card.fingerprint == before
    shop(transactions={"customer_id": ["a", "b"], "at": day, "amount": amount.take(pa.array([0, 0]))})
    assert connect("shop").card.fingerprint != before


def test_text_is_typed_as_from_the_files_and_what_is_none_is_set_aside(shop):
    texts = {
        "customer_id": ["007", " 8 ", "9", "10", "11"],
        "at": ["5.1.2026", "31.12.2025 10:30", "30.2.2026", "6.1.2026", "7.1.2026"],
        "amount": ["1.234,50", "(12,50)", "3,00", "€ 7", "12,5O"],
    }
    reading = (
        'decimal = ","\nthousands = "."\ndates = "day-first"\n[sources.{0}.settings]\nmax_rejected_share = 1.0'
    )
    root = shop(transactions=texts)
    more = f'kind = "spark"\n{QUICK}'
    toml = source("shop", "shop", more + reading.format("shop")) + source("files", "shop", reading.format("files"))
    (root / "crm.toml").write_text(toml)
    spark, files = check("shop"), check("files")
    assert [(r.reason, r.n) for r in spark.card.tables[0].rejected] == [
        (r.reason, r.n) for r in files.card.tables[0].rejected
    ]
    assert any('such as "12,5O"' in warning for warning in spark.warnings)
    assert len(pq.read_table(root / "rejected/shop/transactions.parquet")) == 2
    pd.testing.assert_frame_equal(rows(connect("shop").transactions), rows(connect("files").transactions))


def test_an_empty_table_is_said_in_words(shop):
    kinds = {"customer_id": pa.string(), "at": pa.date32(), "amount": pa.int64()}
    shop(transactions={name: pa.array([], kind) for name, kind in kinds.items()})
    assert "the table has no rows" in check("shop").problems["transactions"]


def test_one_customer_is_enough_to_be_counted(shop):
    shop(transactions={"customer_id": ["a"], "at": [dt.datetime(2026, 1, 5, 9)], "amount": [12.5]})
    known = histories.known(connect("shop").transactions, dt.date(2026, 10, 31))
    assert histories.unique(known, dt.date(2026, 10, 31)).n_customers == 1


BOUGHT = pa.table(
    {
        "customer_id": ["a", "b", "a"],
        "at": [dt.datetime(2026, 1, 5, 9), dt.datetime(2026, 2, 6, 10), dt.datetime(2026, 2, 7, 11)],
        "amount": [12.5, 3.0, 4.0],
    }
)


def in_parts(folder):
    """As Spark itself writes a table."""
    for i in range(BOUGHT.num_rows):
        pq.write_table(BOUGHT.slice(i, 1), folder / f"part-{i:05}.snappy.parquet")
    (folder / "_SUCCESS").touch()


def by_month(folder):
    """A folder for each month, whose name is a column."""
    for i, month in enumerate(("2026-01", "2026-02", "2026-02")):
        (folder / f"month={month}").mkdir(exist_ok=True)
        pq.write_table(BOUGHT.slice(i, 1), folder / f"month={month}" / f"part-{i}.parquet")


@pytest.mark.parametrize("written", [in_parts, by_month])
def test_a_folder_of_part_files_is_one_table(written, shop):
    root = shop()
    (root / "shop/transactions").mkdir()
    written(root / "shop/transactions")
    found = connect("shop")
    assert found.card.tables[0].n_used == 3
    assert rows(found.transactions)[["customer_id", "at", "amount"]].to_numpy().tolist() == [
        ["b", pd.Timestamp(2026, 2, 6, 10), 3.0],
        ["a", pd.Timestamp(2026, 2, 7, 11), 4.0],
        ["a", pd.Timestamp(2026, 1, 5, 9), 12.5],
    ]


@pytest.mark.parametrize(("zone", "days"), [("", [5, 5]), ('time_zone = "Asia/Shanghai"', [6, 5])])
def test_a_point_in_time_counts_on_its_day_in_the_declared_zone(zone, days, shop):
    evening = pd.Timestamp(2026, 1, 5, 20, 30)
    bought = {"customer_id": ["a"], "amount": [12.5]}
    shop(
        zone,
        transactions=bought | {"at": pa.array([evening.tz_localize("UTC")], pa.timestamp("us", "UTC"))},
        customers={"customer_id": ["a"], "since": pa.array([evening], pa.timestamp("us"))},
    )
    found = connect("shop")
    instant, by_a_clock = found.transactions.at.max().to_pyarrow(), found.customers.since.max().to_pyarrow()
    assert [instant.as_py().day, by_a_clock.as_py().day] == days


def test_small_tables_in_line_meet_tables_of_spark(here):
    found = connect("lake", topic="clv").transactions
    one = found.customer_id.min().to_pyarrow().as_py()
    wanted = ibis.memtable(pd.DataFrame({"customer_id": [one, None], "on": pd.to_datetime(["2026-01-05"] * 2)}))
    joined = found.inner_join(wanted, "customer_id").cache().to_pandas()
    assert set(joined.customer_id) == {one}
    assert joined["on"].dtype == "datetime64[us]"


def test_row_ids_are_the_same_in_two_tables_made_of_one(shop):
    root = shop(wide={"q1": [9, 7, 7], "q2": [1, 2, 2]})
    more = f"""kind = "spark"
{QUICK}
[sources.shop.tables.surveys]
file = "wide"
columns.response_id = {{ row_id = "R" }}
columns.asked_at = {{ value = "2026-01-01" }}
columns.answered_at = {{ value = "2026-01-01" }}
[sources.shop.tables.survey_items]
file = "wide"
columns = {{ response_id = {{ row_id = "R" }} }}
unpivot = [{{ aspect = "one", score = "q1" }}, {{ aspect = "two", score = "q2" }}]
"""
    (root / "crm.toml").write_text(source("shop", "shop", more))
    crm = connect("shop")
    assert crm.card.problems == ()
    assert crm.surveys.response_id.nunique().to_pyarrow().as_py() == 3
    assert crm.survey_items.count().to_pyarrow().as_py() == 6


FILE = '[sources.shop.tables.transactions]\nfile = "{}"'
MISSING = [
    (FILE.format("transaction"), 'has no table transaction. Did you mean "transactions"?'),
    (FILE.format("broken"), "is no Parquet"),
    (FILE.format("empty"), "holds no Parquet file"),
    ('format = "delta"', "this Spark has no Delta Lake"),
]


@pytest.mark.parametrize(("more", "said"), MISSING, ids=["name", "no Parquet", "empty folder", "no Delta"])
def test_what_can_not_be_read_is_said_in_words(shop, more, said):
    root = shop(more, transactions={"customer_id": ["a"], "at": [dt.date(2026, 1, 5)], "amount": [1]})
    (root / "shop/broken.parquet").write_text("customer_id,at,amount\n")
    (root / "shop/empty").mkdir()
    problem = check("shop").problems["transactions"]
    assert said in problem
    assert "org.apache" not in problem


def test_a_missing_folder_and_a_missing_schema_are_said_in_words(shop):
    root = shop()
    shutil.rmtree(root / "shop")
    with pytest.raises(ConfigError, match="lies in shop, which does not exist"):
        connect("shop")
    toml = (root / "crm.toml").read_text().replace('path = "shop"\nkind', 'schema = "sales"\nkind')
    (root / "crm.toml").write_text(toml)
    with pytest.raises((ConfigError, DataContractError), match=r"schema sales is not there"):
        connect("shop")


def test_the_work_is_spread(here):
    """Rows are added up where they lie before they move, and never all in one place."""
    transactions = connect("lake", topic="clv").transactions
    asked = histories.in_days(histories.per_customer(transactions, dt.date(2026, 10, 31)), dt.date(2026, 10, 31))
    backend = transactions.get_backend()
    frame = backend.spark.sql(backend.compile(asked))
    plan = frame._jdf.queryExecution().executedPlan().toString()
    assert "hashpartitioning(customer_id" in plan
    assert "partial_sum" in plan
    assert "SinglePartition" not in plan
    assert "Window" not in plan
    assert plan.index("partial_sum") > plan.index("Exchange")  # below it, where the rows come from


ALONE = """
import sys
from crm_lib.sources import connect
print(len(connect("lake", topic="clv").transactions.limit(3).to_pandas()))
print(sys.modules["pyspark"].SparkContext._gateway.proc.pid, flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["", "import os; os.kill(os.getpid(), 9)"], ids=["ends", "is killed"])
def test_nothing_is_left_behind_when_a_process(end, here, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    seen = set(here.iterdir())
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [sys.executable, "-c", ALONE.format(end=end)],
            cwd=here,
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=said,
            timeout=300,
        )
        said.seek(0)
        noise = said.read().decode()
    n, pid = done.stdout.decode().split()
    assert n == "3"
    assert noise == ""
    wait_for_end_of(int(pid))
    assert list(folder.iterdir()) == []
    assert set(here.iterdir()) - seen <= {here / ".crm"}


GONE = """
import sys
from crm_lib.errors import Unreachable
from crm_lib.sources import connect
found = connect("lake", topic="clv").transactions
java = sys.modules["pyspark"].SparkContext._gateway.proc
java.kill()
java.wait()
try:
    found.count().to_pyarrow()
except Unreachable as error:
    print(error)
"""


def test_a_java_that_is_ended_is_said_in_words_and_may_be_tried_again(here, tmp_path):
    command = [sys.executable, "-c", GONE]
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # a Java that is killed leaves its folder
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=300)
    assert 'Spark, which holds the source "lake", ended the connection.' in done.stdout, done.stderr
    assert done.returncode == 0


def wait_for_end_of(pid):
    for _try in range(600):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            return
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError("Spark still runs")


def test_without_java_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    from crm_lib.sources.spark.session import _java_there

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError, match="apt-get install openjdk-17-jre-headless"):
        _java_there()


def test_without_pyspark_the_message_names_the_command(monkeypatch):
    from crm_lib.sources.spark.session import open_session

    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ConfigError, match=r"make engines, or pip install '\.\[spark\]'"):
        open_session(SparkServer(path="lake"))
