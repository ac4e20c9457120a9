"""Where pages lie: written aside, then put in their place one by one, with a record of every attempt.

reports/<source>/<as_of>[+<label>]/<topic>.html              newest good page (English); <topic>.zh.html beside it
/<topic>.failed.html       newest failure, if later than the good page
/<topic>.author.html       private: what went wrong then, for whoever keeps the notebook
/<topic>.figures.json      what the good page published, and <topic>/*.parquet, *.csv
/compare.<earlier>.html    what moved since an earlier date, and compare.<earlier>/*.csv
/runs/<start>.json, .log   every attempt
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from crm_lib.errors import ParameterError
from crm_lib.runner.kernels.forked import alive
from crm_lib.runner.pages import figures, shown_tables

# The runner's own pages and folders, in a date's folder or beside it: no topic may be called so.
INDEX, RUNS, COMPARE, CHECK = OWN = ("index", "runs", "compare", "check")
_LABEL = re.compile(r"[A-Za-z0-9][\w.\-]{0,39}", re.ASCII)
_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(?:\+(.+))?")
ASIDE = ".making-"
LOCK = f"{RUNS}/.lock"  # below a dated folder
_TEMPORARY = re.compile(r"\..+\.(\d+)")


def checked_label(label: str) -> str:
    """The label, when it can be part of a folder's name."""
    if label and not _LABEL.fullmatch(label):
        raise ParameterError(
            f'--label is "{label}"; it may hold up to 40 letters, digits, "-", "_" and ".", '
            "and begins with a letter or digit."
        )
    return label


def page_name(topic: str, language: str, failed: bool = False) -> str:
    """File name of a topic's page: `clv.html`, `clv.zh.html`, `clv.failed.html`."""
    parts = [topic, *(["failed"] if failed else []), *([] if language == "en" else [language]), "html"]
    return ".".join(parts)


def index_name(language: str) -> str:
    """File name of an index in a language: `index.html`, `index.zh.html`."""
    return page_name(INDEX, language)


def index_in(folder: Path, language: str) -> str:
    """File name of a folder's index in this language, or of the one it has instead."""
    name = index_name(language)
    return name if (folder / name).exists() else index_name("en")


def author_name(topic: str) -> str:
    """File name of the private page on a topic's newest failure."""
    return f"{topic}.author.html"


def begin(folder: Path, now: dt.datetime) -> str:
    """Reserve a name for a run that starts now, in its log file: two runs of one second get two names."""
    runs = folder / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    stamp = now.strftime("%Y-%m-%dT%H-%M-%S")
    for count in range(1, 1000):
        start = stamp if count == 1 else f"{stamp}-{count}"
        try:
            (runs / f"{start}.log").touch(exist_ok=False)
        except FileExistsError:
            continue
        return start
    raise ParameterError(f"{runs} holds a thousand runs of {stamp} already.")


def aside(folder: Path, topic: str, start: str) -> Path:
    """A new folder on the same disk in which one topic is made."""
    made = folder / f"{ASIDE}{os.getpid()}-{start}-{topic}"
    made.mkdir(parents=True)
    return made


def sweep(folder: Path, alone: bool = False) -> None:
    """Remove what runs that are no longer alive have left: folders aside, and half-written files.

    `alone` says that we hold the lock of this folder, so that whatever lies there belongs to nobody.
    """
    for left in folder.glob(f"{ASIDE}*"):
        pid = left.name.removeprefix(ASIDE).partition("-")[0]
        if alone or (pid.isdigit() and not alive(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
    for left in (*folder.glob(".*"), *(folder / RUNS).glob(".*")):
        found = _TEMPORARY.fullmatch(left.name)
        if found and left.is_file() and not alive(int(found[1])):
            left.unlink(missing_ok=True)


def install(made: Path, folder: Path, topic: str, language: str) -> None:
    """Put a good run in its place: tables, page, figures; then goes what is over, an older failure and old tables.

    In this order the page that stands has all that it links, whenever the run is killed.
    """
    fresh = _put_tables(made / topic, folder / topic)
    figures.keep_words(made, folder, topic)
    os.replace(made / page_name(topic, language), folder / page_name(topic, language))
    os.replace(made / f"{topic}.figures.json", folder / f"{topic}.figures.json")
    (folder / page_name(topic, language, failed=True)).unlink(missing_ok=True)
    (folder / author_name(topic)).unlink(missing_ok=True)
    _drop_tables(folder / topic, fresh, language)


def place(folder: Path, name: str, page: str, language: str) -> Path:
    """Put a page of our own in its place, and what its tables show as CSV into the folder of its name beside it.

    In the order of `install`, so that a page that stands has all that it links.
    """
    linked, path = shown_tables.linked(page, name, language), folder / page_name(name, language)
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    made = Path(tempfile.mkdtemp(prefix=f"{ASIDE}{os.getpid()}-", dir=folder))
    try:
        shown_tables.write(made, linked, name, language)
        fresh = _put_tables(made / name, folder / name)
        write(path, linked)
        _drop_tables(folder / name, fresh, language)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return path


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name beside its own, then replace it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def after_all(folder: Path, began: dt.datetime) -> dt.datetime:
    """When a run began, moved behind every earlier run of this folder in case the clock was set back."""
    known = records(folder)
    last = dt.datetime.fromisoformat(known[-1]["started_at"]) if known else began
    return began if began > last else last + dt.timedelta(microseconds=1)


def write_record(folder: Path, start: str, record: dict[str, Any]) -> None:
    """Keep what is known of one run."""
    write(folder / RUNS / f"{start}.json", json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def records(folder: Path) -> list[dict[str, Any]]:
    """Every run of a source and date, oldest first; records that can't be read are passed over."""
    found = []
    for path in sorted((folder / RUNS).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and {"started_at", "start"} <= record.keys():
            found.append(record)
    return sorted(found, key=lambda record: (record["started_at"], record["start"]))


def dated(source_folder: Path) -> list[tuple[dt.date, str, Path]]:
    """Date, label and folder of every date of a source with a run that ended, oldest first."""
    found = []
    for folder in source_folder.iterdir() if source_folder.is_dir() else ():
        match = _DATED.fullmatch(folder.name)
        if match and any((folder / RUNS).glob("*.json")):
            found.append((dt.date.fromisoformat(match[1]), match[2] or "", folder))
    return sorted(found, key=lambda item: (item[0], item[1]))


def last_good(folder: Path, topic: str, language: str) -> tuple[dt.date, str] | None:
    """Date and relative address of the newest good page, on this date or before; None where there is none."""
    match = _DATED.fullmatch(folder.name)
    if not match:
        return None
    day, label, name = dt.date.fromisoformat(match[1]), match[2] or "", page_name(topic, language)
    for other, other_label, where in reversed(dated(folder.parent)):
        if other <= day and other_label == label and (where / name).exists():
            return other, name if where == folder else f"../{where.name}/{name}"
    return None


def good_pages(folder: Path) -> list[str]:
    """File names of the good report pages of a dated folder: those whose topic has published there."""
    topics = {path.name.removesuffix(".figures.json") for path in folder.glob("*.figures.json")}
    pages = (path.name for path in folder.glob("*.html"))
    return sorted(name for name in pages if name.partition(".")[0] in topics and _is_page(name))


def _is_page(name: str) -> bool:
    """Whether a file is a topic's page, `clv.html` or `clv.zh.html`, and not a failure's."""
    parts = name.split(".")
    return len(parts) == 2 or (len(parts) == 3 and parts[1] not in {"failed", "author"})


def _put_tables(made: Path, folder: Path) -> set[str]:
    """Move tables to where they belong, one by one; their names."""
    fresh = {table.name for table in _tables(made)}
    for name in sorted(fresh):
        folder.mkdir(exist_ok=True)
        os.replace(made / name, folder / name)
    return fresh


def _drop_tables(folder: Path, fresh: set[str], language: str) -> None:
    """Remove tables that an older page of this language had."""
    for old in _tables(folder):
        if old.name not in fresh and shown_tables.is_of(old.name, language):
            old.unlink()


def _tables(folder: Path) -> list[Path]:
    """Tables beside a page: as published, and as CSV; and what each table of the page shows, as CSV."""
    return [path for pattern in ("*.parquet", "*.csv") for path in folder.glob(pattern)]
