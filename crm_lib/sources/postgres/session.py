"""A session on a PostgreSQL database that can read and nothing else, and in words why there is none."""

from __future__ import annotations

import os
import re
import weakref

import ibis

from crm_lib.errors import ConfigError, DataContractError, Unreachable, part
from crm_lib.sources.settings import Source

_CONNECT_TIMEOUT_S = 15
_ADDRESS = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_LOST = ("AdminShutdown", "CrashShutdown", "CannotConnectNow", "IdleSessionTimeout", "ConnectionTimeout")
_REFUSALS = (
    (
        r"authentication failed|no password supplied|no pg_hba\.conf entry",
        part("it refuses the user or the password"),
    ),
    (r'database ".*" does not exist', part("it has no such database")),
    (r'role ".*" does not exist', part("it has no such user")),
    (r"permission denied for database", part("the user may not connect to it")),
    (r"resolve host|translate host name|Name or service not known", part("there is no such host")),
    (
        r"unsupported startup parameter",
        part(
            "a pooler in between refuses what a session starts with "
            "(PgBouncer: ignore_startup_parameters = options)"
        ),
    ),
    (r"SSL|certificate", part("the two can't agree on encryption (sslmode)")),
)


def connect(source: Source) -> ibis.BaseBackend:
    """A session on the database of a source; ConfigError says why there is none, without the address."""
    try:
        import psycopg

        from crm_lib.sources.postgres.backend import Backend
    except ImportError:
        raise ConfigError(
            f'The source "{source.name}" lies in PostgreSQL, and what speaks to it is not installed. '
            "Install it in a copy of the project: make engines, or pip install '.[postgres]'"
        ) from None
    url = _url(source)
    told = _session(source, url)
    try:
        con = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, **told)
    except psycopg.Error as error:
        raise refused(source, str(error)) from None
    con.read_only = True
    backend = Backend.from_connection(con)
    # ibis sets the session to UTC: days are those of the declared time zone, where one is declared. The rest is
    # told once more, as a pooler in between may pass over what a session starts with.
    for name, value in {**_settings(source), "TimeZone": source.reporting.time_zone or "UTC"}.items():
        con.execute("SELECT set_config(%s, %s, false)", (name, value))
    weakref.finalize(backend, con.close)
    return backend


def _url(source: Source) -> str:
    name = source.server.url_env
    url = os.environ.get(name, "").strip()
    if not url:
        raise ConfigError(
            f'The source "{source.name}" lies in PostgreSQL at the address in the environment variable {name}, '
            f"which is not set. Set it to {_ADDRESS}."
        )
    return url


def _session(source: Source, url: str) -> dict[str, str]:
    """What holds for the session from its first moment on, beside what the address asks for."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise ConfigError(
            f"The environment variable {source.server.url_env} does not hold the address of a database. Set it to "
            f"{_ADDRESS}; signs such as @ / : in the password are written %40 %2F %3A."
        ) from None
    own = [f"-c {name}={value}" for name, value in _settings(source).items()]
    return {"options": " ".join([str(given.get("options") or ""), *own]).strip(), "application_name": "crm"}


def _settings(source: Source) -> dict[str, str]:
    return {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{source.server.statement_timeout_s}s",
        "cursor_tuple_fraction": "1",  # results are read to their end
    }


def refused(source: Source, said: str) -> ConfigError:
    """Why a session was refused, from what the server or the library said, which is not quoted."""
    name = source.server.url_env
    for pattern, reason in _REFUSALS:
        if re.search(pattern, said):
            return ConfigError(
                f'The database of the source "{source.name}" can\'t be used: {reason}. Correct the environment '
                f"variable {name}, or ask whoever keeps the database."
            )
    return Unreachable(
        f'The database of the source "{source.name}" does not answer. Is it running, and are host and port in the '
        f"environment variable {name} right?"
    )


def in_words(source: Source, error: Exception, table: str) -> Exception:
    """What went wrong with a query; what the server said may quote customers and is not shown."""
    kind, name, code = type(error).__name__, source.name, getattr(error, "sqlstate", None)
    place = table or f"the schema {source.server.schema}"
    if kind in _LOST or (kind in ("OperationalError", "InterfaceError") and not code):
        return Unreachable(
            f'The database of the source "{name}" ended the connection. Run it again; if it ends again, look into '
            "the database's log."
        )
    if kind == "QueryCanceled":
        return ConfigError(
            f'The database of the source "{name}" ended a query on {place}: it took longer than '
            f"{source.server.statement_timeout_s:,} s. Raise sources.{name}.statement_timeout_s in crm.toml, or "
            "ask for an index on the columns by which its tables are joined."
        )
    if kind == "InsufficientPrivilege":
        return DataContractError(
            f"{place}: the database user may not read it. It needs GRANT USAGE ON SCHEMA "
            f"{source.server.schema} and GRANT SELECT on its tables."
        )
    return DataContractError(
        f"{place}: the database refuses a query ({kind}, {code}). Look at the types of its columns, or make a "
        "view that the reports can read."
    )
