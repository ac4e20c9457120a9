"""Where a table comes from: `connect` and what the command line asks about sources."""

from crm_lib.sources.connection import (
    Checkup,
    as_of_of,
    check,
    connect,
    connect_if_there,
    default_source,
    names,
    reporting_of,
    root,
    tables_of,
)
from crm_lib.sources.crm import Crm

__all__ = [
    "Checkup",
    "Crm",
    "as_of_of",
    "check",
    "connect",
    "connect_if_there",
    "default_source",
    "names",
    "reporting_of",
    "root",
    "tables_of",
]
