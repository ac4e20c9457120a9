"""How servers are reached that hold a source's tables: the keys of `[sources.NAME]` by kind."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL database; `url_env` names the environment variable that holds its address and password.

    `schema` holds the tables, `statement_timeout_s` ends a query that takes longer (0: none does).
    """

    url_env: str
    schema: str = "public"
    statement_timeout_s: int = 600


@dataclass(frozen=True)
class SparkServer:
    """A Spark that answers at the address in `address_env` (Spark Connect), or starts here under `master`.

    Its tables lie in the folder `path` as Parquet or Delta (`format`), or in the `schema` of its catalog.
    `memory` is that of a Spark that starts here, `conf` holds further properties of it.
    """

    path: str = ""
    schema: str = ""
    format: str = "parquet"
    address_env: str = ""
    master: str = ""
    memory: str = "2g"
    conf: dict[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether Spark works on this machine alone."""
        return not self.address_env and (self.master or "local").startswith("local")


SERVERS = {"postgres": PostgresServer, "spark": SparkServer}
