"""What crosses from the engine to Python grows with customers as declared, and never with transactions."""

import importlib
import shutil
import sys
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crm_lib.contract.topics import TOPICS
from crm_lib.sources import sample

ROOT = Path(__file__).parent.parent.parent
FEWER, MORE = 1_000, 3_000


@pytest.fixture(scope="module", autouse=True)
def bench():
    """The folder bench/, whose modules are run as commands and import each other."""
    sys.path.insert(0, str(ROOT / "bench"))
    yield
    sys.path.remove(str(ROOT / "bench"))


@pytest.fixture(scope="module")
def crossing(bench):
    return importlib.import_module("crossing")


def project(folder, n_customers, times=1):
    """The sample company of a size; `times` as many purchases, the added ones on other days."""
    shutil.copy(ROOT / "crm.toml", folder)
    data = folder / "data" / "sample"
    sample.write_sample(data, n_customers=n_customers, format="parquet")
    rows = pd.read_parquet(data / "transactions.parquet")
    if times > 1:
        first = rows["at"].min()
        parts = [rows.assign(at=(rows["at"] - pd.Timedelta(days=17 * k)).clip(lower=first)) for k in range(times)]
        pd.concat(parts).to_parquet(data / "transactions.parquet")
    return len(rows) * times


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Projects by (customers, times as many purchases), and their numbers of purchases."""
    made = {}
    for n_customers, times in ((FEWER, 1), (MORE, 1), (FEWER, 3)):
        folder = tmp_path_factory.mktemp(f"shop-{n_customers}-{times}")
        made[n_customers, times] = folder, project(folder, n_customers, times)
    return made


@pytest.fixture
def crossed(crossing, projects, monkeypatch):
    """What crosses when a topic's notebook runs on a project, source read and checked included."""

    def of(topic, n_customers, times=1):
        monkeypatch.chdir(projects[n_customers, times][0])
        monkeypatch.setenv("CRM_PUBLISH_TO", str(projects[n_customers, times][0] / "out"))
        (projects[n_customers, times][0] / "out").mkdir(exist_ok=True)
        with crossing.counted() as found:
            importlib.import_module("cells").run(topic, {"source": "sample"})
        return found

    return of


def test_every_topic_has_its_bound(crossing):
    assert set(crossing.BOUNDS) == set(TOPICS)


def test_the_docs_show_the_bounds_that_the_tests_hold(crossing):
    assert crossing.table() in (ROOT / "docs" / "engines.md").read_text(encoding="utf-8"), "run: bench/crossing.py"


@pytest.mark.slow
@pytest.mark.parametrize("topic", TOPICS)
def test_what_crosses_grows_with_customers_as_declared(topic, crossed, crossing):
    for n_customers in (FEWER, MORE):
        found = crossed(topic, n_customers)
        assert crossing.BOUNDS[topic].allows(found, n_customers), found.said()


@pytest.mark.slow
@pytest.mark.parametrize("topic", TOPICS)
def test_three_times_the_purchases_let_no_more_cross(topic, crossed, crossing, projects):
    found, n_rows = crossed(topic, FEWER, 3), projects[FEWER, 3][1]
    bound = crossing.BOUNDS[topic]
    assert bound.allows(found, FEWER), found.said()
    room = bound.rows + bound.rows_per_customer * FEWER - found.rows
    assert room < n_rows, "the bound is so wide that all purchases could cross unseen"


def test_each_way_out_of_the_engine_is_counted_once(crossing):
    con = ibis.duckdb.connect()
    table = con.create_table("t", pd.DataFrame({"a": range(1000), "b": 1.5}))
    with crossing.counted() as found:
        table.to_pyarrow()
        table.to_pandas()
        table.a.sum().to_pyarrow()
        assert sum(b.num_rows for b in table.to_pyarrow_batches(chunk_size=300)) == 1000
        table.join(ibis.memtable({"a": [1, 2]}), "a").cache().count().execute()
    assert [q.rows for q in found.queries[:3]] == [1000, 1000, 1]
    assert found.rows == 3002
    assert 16_000 <= found.queries[0].bytes <= 16_500  # eight bytes each, and what marks empty values
    assert [q.rows for q in found.sent] == [2]


def test_nothing_is_counted_afterwards(crossing):
    with crossing.counted() as found:
        pass
    ibis.duckdb.connect().create_table("t", pd.DataFrame({"a": [1]})).to_pyarrow()
    assert not found.queries
