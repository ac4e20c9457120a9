"""Fetches a file from an address into a folder: http and https only, no secrets in addresses, nothing executed."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources.guess.pieces import KNOWN

MOST_BYTES = 20 * 1024**3
_PIECE = 1024 * 1024
_SECONDS = 60
_ENDINGS = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.apache.parquet": ".parquet",
}


def is_address(text: str) -> bool:
    """Whether it is an address rather than a file.

    >>> is_address("https://example.com/orders.csv"), is_address("data/orders.csv")
    (True, False)
    """
    return bool(re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE))


def shown(address: str) -> str:
    """An address without what may be a secret: user, password, query.

    >>> shown("https://me:word@example.com/a.csv?token=1")
    'https://example.com/a.csv'
    """
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def fetch(address: str, folder: Path, progress: Callable[[Path, float], None] | None = None) -> Path:
    """The file at the address, in the folder; errors name the address without its secrets."""
    parts = urlsplit(address)
    if parts.scheme.lower() not in ("http", "https"):
        raise ConfigError(
            f"{parts.scheme}:// can't be read here: give a file, a folder, or an address with http(s)://. "
            'Databases are exported to a file first, or opened as a DuckDB file with kind = "duckdb".'
        )
    if parts.username or parts.password:
        raise ConfigError("The address holds a user or a password. Fetch the file yourself and give the file.")
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    try:
        with opener.open(address, timeout=_SECONDS) as answer:
            path = folder / _name(parts.path, answer.headers)
            _save(answer, path, progress)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataContractError(f"{shown(address)} can't be fetched: the server answers {error.code}.") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DataContractError(f"{shown(address)} can't be fetched: {_why(error)}.") from None
    return path


def _save(answer, path: Path, progress: Callable[[Path, float], None] | None) -> None:
    size = int(answer.headers.get("Content-Length") or 0)
    done = 0
    with path.open("wb") as file:
        while piece := answer.read(_PIECE):
            done += len(piece)
            if done > MOST_BYTES:
                raise OSError("it is larger than 20 GB")
            file.write(piece)
            if progress and size:
                progress(path, min(done / size, 1.0))
    if size and done != size:
        raise OSError("it ended before its end")


def _name(path: str, headers) -> str:
    """A plain file name, with an ending by which the file can be read."""
    said = re.search(r'filename="?([^";]+)', headers.get("Content-Disposition") or "")
    name = unquote(said[1] if said else path).replace("\\", "/").rsplit("/", 1)[-1]
    name = re.sub(r"[^\w.\- ]", "_", name).strip(". ")[-100:] or "table"
    if Path(name).suffix.lower() in KNOWN:
        return name
    return f"{name}{_ENDINGS.get(headers.get_content_type(), '.csv')}"


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return re.sub(r"\S+://\S+", "the address", str(reason)) or type(error).__name__
