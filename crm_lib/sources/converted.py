"""Large text files as Parquet, converted once and used again while the file and its reading are unchanged.

`.crm/.text/<key>.parquet` holds every value as the text that it was, `<key>.json` the names of the columns and
how many lines were broken. The key stands for the bytes of the file, how it is read, and the code that reads it.
Only a check converts; `connect` uses what is there. The folder is private and can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from crm_lib.sources.settings import Reading

LARGE = 32 * 1024 * 1024  # bytes from which a text file is worth keeping as Parquet
MOST_KEPT = 6
_ACCOUNT = {"names", "n_broken", "first_broken", "n_blank"}
_CODE = ("text.py", "files.py", "converted.py")
Progress = Callable[[Path, float], None]


@dataclass(frozen=True)
class Store:
    """Where converted files lie, whether missing ones are made, and who is told how far that is."""

    folder: Path
    make: bool = False
    progress: Progress | None = None

    def wants(self, path: Path) -> bool:
        """Whether this file is large enough to be kept as Parquet."""
        return path.stat().st_size >= LARGE

    def place(self, path: Path, reading: Reading) -> Path:
        """Where the converted file lies, or would lie."""
        stat = path.stat()
        plain = (reading.encoding, reading.separator, reading.header, reading.names, reading.skip)
        told = repr((plain, _digest(path, stat.st_size, stat.st_mtime_ns), duckdb.__version__, _code()))
        return self.folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.parquet"

    def account(self, place: Path) -> dict | None:
        """What was written beside a converted file; None where it is not there."""
        try:
            found = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if place.is_file() and found.keys() >= _ACCOUNT else None

    def making(self, place: Path) -> Path:
        """The name under which a file is made until it is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.parent.chmod(0o700)
        return place.with_suffix(f".{os.getpid()}.part")

    def keep(self, making: Path, place: Path, account: dict) -> None:
        """Put a finished file in its place, its account first, and forget the oldest."""
        place.with_suffix(".json").write_text(json.dumps(account, ensure_ascii=False), encoding="utf-8")
        making.replace(place)
        kept = sorted(self.folder.glob("*.parquet"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[MOST_KEPT:]:
            old.unlink(missing_ok=True)
            old.with_suffix(".json").unlink(missing_ok=True)


@lru_cache
def _digest(path: Path, _size: int, _changed: int) -> str:
    """SHA-256 of a large file, once for each state of it in this process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache
def _code() -> str:
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in _CODE)).hexdigest()
