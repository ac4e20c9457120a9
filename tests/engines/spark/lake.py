"""What the tests of Spark share: a Spark that is soon up, sources in words of crm.toml, a server, a wire to it."""

import shutil
import socket
import threading
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# For a few rows all that counts is to be up soon: a Java that compiles less and collects in one thread, and plans
# made once and not compiled as a whole. The server below plans and compiles as Spark does by itself.
FEW_ROWS = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
}
_CONF = ", ".join(f'"{key}" = "{value}"' for key, value in FEW_ROWS.items())
QUICK = f'master = "local[2]"\nmemory = "1g"\nconf = {{ {_CONF} }}\n'
TABLES = ("transactions", "customers", "surveys", "survey_items")
TOKEN = "a-token-that-nobody-may-read"

# A Spark Connect server: python -c SERVER PORT TOKEN FOLDER TABLE…; the tables are its schema `sales`.
SERVER = """
import sys
from crm_lib.sources.servers import SparkServer
from crm_lib.sources.spark.session import open_session

options = {
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.connect.grpc.binding.address": "localhost",
    "spark.connect.grpc.binding.port": sys.argv[1],
    "spark.connect.authenticate.token": sys.argv[2],
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
}
session = open_session(SparkServer(master="local[2]", memory="1g", conf=options))
session.sql("CREATE SCHEMA sales")
for table in sys.argv[4:]:
    session.sql(f"CREATE TABLE sales.{table} USING parquet LOCATION '{sys.argv[3]}/{table}.parquet'")
print("ready", flush=True)
sys.stdin.read()
"""


def needs_spark():
    """Skip where Spark can't run."""
    pytest.importorskip("pyspark", reason="needs the packages of make engines")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or 21, and there is none here")


def source(name, path, more=""):
    """A source over a folder."""
    return f'[sources.{name}]\nas_of = "2026-10-31"\npath = "{path}"\n{more}\n'


def write_sample(folder, sample):
    """Tables of the sample company as Parquet that Spark can read."""
    for name in TABLES:
        table = pa.table({field.name: _plain(sample[name][field.name]) for field in sample[name].schema})
        pq.write_table(table, folder / f"{name}.parquet")


def _plain(column):
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def rows(table):
    """All rows in an order of their own."""
    frame = table.to_pandas()
    names = sorted(frame.columns)
    return frame[names].sort_values(names, ignore_index=True)


class Wire:
    """Stands between a client and a server; while the file `cut` is there, nothing passes, and nobody gets on."""

    def __init__(self, port, cut):
        self.to, self.cut = port, cut
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who waits for callers
        self.socket.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                caller, _address = self.socket.accept()
                if self.cut.exists():
                    caller.close()
                else:
                    server = socket.create_connection(("127.0.0.1", self.to))
                    for ends in ((caller, server), (server, caller)):
                        threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, one, other):
        with suppress(OSError):
            while (data := one.recv(65_536)) and not self.cut.exists():
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()
