"""A database behind PgBouncer, which by itself refuses what our sessions start with."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from crm_lib import sources
from crm_lib.errors import ConfigError
from tests.engines.database import PASSWORD, USER

BOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
ORDERS = ("customer_id text, at date, amount numeric(18,2)", [("a", "2026-01-05", 10), ("b", "2026-02-05", 20)])


@contextmanager
def pooled(database, folder, more=""):
    """The address of a PgBouncer in front of the database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\npostgres = host={database.folder} user={USER} password='{PASSWORD}'\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n{more}\n"
    )
    settings.chmod(0o644)
    owner = database.folder.stat().st_uid  # PgBouncer does not run as root
    with settings.open() as file:
        process = subprocess.Popen([BOUNCER, "-q", "/dev/stdin"], stdin=file, user=owner, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def shop(project, database):
    if not BOUNCER:
        pytest.skip("PgBouncer is missing (Debian: apt-get install pgbouncer)")
    return project(database.schema("pooled", transactions=ORDERS))


def test_a_pooler_that_refuses_our_settings_is_told_from_a_database_that_is_down(
    shop, database, tmp_path, monkeypatch
):
    with pooled(database, tmp_path) as url:
        monkeypatch.setenv("CRM_DATABASE_URL", url)
        with pytest.raises(ConfigError, match="ignore_startup_parameters = options"):
            sources.connect("shop")


def test_a_session_through_a_pooler_reads_and_can_write_nothing(shop, database, tmp_path, monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    database.admin.execute(f"GRANT INSERT ON pooled.transactions TO {USER}")
    with pooled(database, tmp_path, "ignore_startup_parameters = options") as url:
        monkeypatch.setenv("CRM_DATABASE_URL", url)
        crm = sources.connect("shop")
        assert crm.transactions.count().to_pyarrow().as_py() == 2
        con = crm.transactions.get_backend().con
        assert con.execute("SHOW statement_timeout").fetchone() == ("10min",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            con.execute("INSERT INTO pooled.transactions VALUES ('c', '2026-03-05', 30)")
