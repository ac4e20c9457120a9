"""Starts Spark in this process, or reaches one elsewhere; every connection has a session of its own.

A Spark started here is quiet, keeps to the loopback interface, and writes into one folder in the system's
temporary folder, which it removes itself when it ends. It ends with this process, however that ends: its input is
closed.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from crm_lib.errors import ConfigError, Unreachable, part
from crm_lib.sources.servers import SparkServer
from crm_lib.sources.spark import words

INSTALL = "Install it in a copy of the project: make engines, or pip install '.[spark]'"
_JAVA = "Spark 4 needs Java 17 or 21"
_INSTALL_JAVA = "Install one (apt-get install openjdk-17-jre-headless, or conda install openjdk=17)"
_ADDRESS = re.compile(r"^sc://[^/;\s]+")
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
# They write every refused query, with all that Java says of it, on the standard error output.
_TALKATIVE = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
# Of a call that finds nobody: how often it is made again, and the longest pause in milliseconds. Spark's own are
# ten minutes for every call, half of what a notebook may take; these are a second for the first, a minute then.
_FIRST = {"max_retries": 3, "max_backoff": 1_000}
_LATER = {"max_retries": 8, "max_backoff": 15_000}
_ANSWERS = ("UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "DEADLINE_EXCEEDED")
_PARTITIONS = "16"  # of what is grouped on one machine; Spark's own 200 is for a cluster
_LONGEST = 200  # signs of what Spark said


def open_session(server: SparkServer) -> Any:
    """A Spark session of its own; ConfigError where Spark, Java or the server is not there."""
    _installed()
    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
    found = _remote(server.address_env) if server.address_env else _local(server)
    for name, value in _SETTINGS.items():
        found.conf.set(name, value)
    return found


def _installed() -> None:
    try:
        import pyspark.sql  # noqa: F401
    except ImportError:
        raise ConfigError(f"This source needs Spark's Python package, which is not installed. {INSTALL}") from None


def _remote(variable: str) -> Any:
    """A session on the Spark Connect server whose address this variable of the environment holds."""
    address = os.environ.get(variable, "").strip()
    if not address:
        raise ConfigError(
            f"The environment variable {variable} is empty. Set it to the address of a Spark Connect server, "
            "such as sc://host:15002, or leave address_env out to start Spark here."
        )
    if not _ADDRESS.match(address):
        raise ConfigError(
            f"{variable} holds no address of Spark Connect: it must begin with sc:// and a host, "
            "as in sc://host:15002/;token=…"
        )
    try:
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession
    except ImportError:
        raise ConfigError(f"This source needs Spark Connect, which is not installed. {INSTALL}") from None
    try:
        found = SparkSession.builder.remote(address).create()
        found.client.set_retry_policies([DefaultPolicy(**_FIRST)])
        _ = found.version
        found.client.set_retry_policies([DefaultPolicy(**_LATER)])
    except Exception as error:
        # What gRPC says may hold the address, and that a token.
        if words.is_lost(error):
            raise Unreachable(
                f"No Spark Connect server answers at the address in {variable}. Is it running, may this machine "
                "reach it, and does it ask for use_ssl=true?"
            ) from None
        raise ConfigError(
            f"The server at the address in {variable} refuses ({_kind(error)}). Is it a Spark Connect server, and "
            "is the token still good?"
        ) from None
    return found


def _kind(error: Exception) -> str:
    """What sort of answer came, without a word of it."""
    said = str(error)
    return next((word for word in _ANSWERS if word in said), type(error).__name__)


def _local(server: SparkServer) -> Any:
    """A session of the Spark that runs in this process, which is started where there is none."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    running = SparkContext._active_spark_context
    return SparkSession(running or _started(server)).newSession()


def _started(server: SparkServer) -> Any:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    _java_there()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    folder = Path(tempfile.mkdtemp(prefix="crm-spark-"))
    conf = SparkConf().setAll((_of_process(server, folder) | server.conf).items())
    gateway = None
    with tempfile.TemporaryFile() as log:
        try:
            gateway = launch_gateway(conf, {"cwd": folder, "stdout": log, "stderr": subprocess.STDOUT})
            context = SparkContext(conf=conf, gateway=gateway)
        except Exception:
            _end(gateway)
            shutil.rmtree(folder, ignore_errors=True)
            log.seek(0)
            raise ConfigError(_why(log.read().decode(errors="replace"))) from None
    # Spark itself removes the folder: this process may be killed, and then has no time to.
    jvm = context._jvm
    jvm.org.apache.spark.util.ShutdownHookManager.registerShutdownDeleteDir(jvm.java.io.File(str(folder)))
    return context


def _of_process(server: SparkServer, folder: Path) -> dict[str, str]:
    """What is settled when Spark starts."""
    settled = _SETTINGS | {
        "spark.app.name": "crm",
        "spark.master": server.master or "local[*]",
        "spark.driver.memory": server.memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    if not server.is_local:
        return settled
    return settled | {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.shuffle.partitions": _PARTITIONS,
    }


def _end(gateway: Any) -> None:
    """End a Spark that did not come up, so that the next try starts from nothing."""
    from pyspark import SparkContext

    if gateway is not None:
        gateway.shutdown()
        gateway.proc.terminate()
    SparkContext._gateway = SparkContext._jvm = None


def _java_there() -> None:
    home = os.environ.get("JAVA_HOME", "")
    if not shutil.which("java", path=str(Path(home, "bin")) if home else None):
        missing = "JAVA_HOME holds no bin/java" if home else "there is no java on the PATH"
        raise ConfigError(
            f"{_JAVA}, and {missing}. {_INSTALL_JAVA}, or set address_env to use a Spark Connect server."
        )


def _why(log: str) -> str:
    """Why Spark did not start, from what it said."""
    lines = [line.strip() for line in log.splitlines()]
    if any("UnsupportedClassVersionError" in line or "getSubject" in line for line in lines):
        return part(f"{_JAVA}; the one here is another. {_INSTALL_JAVA}, and set JAVA_HOME to it.")
    told = next((line for line in lines if "Exception" in line or line.startswith(("Error", "Invalid"))), "")
    said = f": {told[:_LONGEST]}" if told else ""
    return part(f"Spark did not start{said}. See master, memory and conf of this source in crm.toml.")
