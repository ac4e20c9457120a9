"""How servers are reached that hold a source's tables: the keys of `[sources.NAME]` by kind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL database; `url_env` names the environment variable that holds its address and password.

    `schema` holds the tables, `statement_timeout_s` ends a query that takes longer (0: none does).
    """

    url_env: str
    schema: str = "public"
    statement_timeout_s: int = 600


SERVERS = {"postgres": PostgresServer}
