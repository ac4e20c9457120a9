"""What crosses from PostgreSQL to Python keeps the bounds of DuckDB: it never grows with transactions."""

import importlib
from pathlib import Path

import ibis
import pytest

from crm_lib.sources import connect
from tests.bench.test_crossing import FEWER, project
from tests.engines.database import typed

ROOT = Path(__file__).parents[2]
TIMES = 3  # as many purchases of the same customers
POSTGRES = 'kind = "postgres"\nurl_env = "CRM_DATABASE_URL"\nschema = "crossing"'


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The folder of a small sample company that bought much, and how many purchases that is."""
    folder = tmp_path_factory.mktemp("crossing")
    return folder, project(folder, FEWER, TIMES)


@pytest.fixture(scope="module")
def in_postgres(shop, database):
    """The same company in the database."""
    files = (shop[0] / "data" / "sample").glob("*.parquet")
    database.schema("crossing", **{p.stem: typed(ibis.duckdb.connect().read_parquet(p)) for p in files})
    text = (ROOT / "crm.toml").read_text(encoding="utf-8").replace('path = "data/sample"', POSTGRES)
    (shop[0] / "crm.toml").write_text(text, encoding="utf-8")
    return database.url


@pytest.fixture
def n_rows(shop, in_postgres, monkeypatch, tmp_path):
    """How many purchases the source `sample` of this project has, in the database."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    monkeypatch.chdir(shop[0])
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))
    monkeypatch.setenv("CRM_DATABASE_URL", in_postgres)
    for name in ("CRM_CONFIG", "CRM_RUN_DATE", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    return shop[1]


@pytest.mark.parametrize("topic", ["segmentation", "clv", "action_plan"])
def test_what_crosses_from_postgresql_keeps_the_bounds(topic, n_rows):
    from crm_lib.sources.postgres.backend import Backend

    crossing, cells = importlib.import_module("crossing"), importlib.import_module("cells")
    with crossing.counted(Backend) as found:
        cells.run(topic, {"source": "sample"})
    bound = crossing.BOUNDS[topic]
    assert found.queries
    assert bound.allows(found, FEWER), found.said()
    room = bound.rows + bound.rows_per_customer * FEWER - found.rows
    assert room < n_rows, "the bound is so wide that all purchases could cross unseen"


def test_each_way_out_of_postgresql_is_counted_once(n_rows):
    from crm_lib.sources.postgres.backend import Backend

    bought = connect("sample", topic="segmentation").transactions
    crossing = importlib.import_module("crossing")
    with crossing.counted(Backend) as found:
        bought.to_pyarrow()
        bought.to_pandas()
        bought.amount.sum().to_pyarrow()
        assert sum(batch.num_rows for batch in bought.to_pyarrow_batches()) == n_rows
    assert [q.rows for q in found.queries[:3]] == [n_rows, n_rows, 1]
    assert found.rows == 3 * n_rows + 1
    assert not crossing.BOUNDS["segmentation"].allows(found, FEWER)
