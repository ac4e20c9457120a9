"""Whether a page that stands would come out the same again: then nothing needs to be run."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.runner.evidence import verdict
from crm_lib.runner.job import Job, Order
from crm_lib.runner.pages import figures
from crm_lib.runner.store import archive, history, lists

_PROJECT = "crm-reports"
_REQUIRED = re.compile(r"([\w.-]+)[^;]*(?:;.*\bextra == ['\"]([\w-]+)['\"])?")
_ENGINES = ("postgres", "spark")
_NOT_CODE = ("__pycache__",)


def key(order: Order, job: Job) -> str:
    """A mark of all that a page depends on; empty where the data have no fingerprint.

    That is: the notebook, our code and the libraries, every parameter, the data, the settings, what the topics
    before it have published, what became of the lists of earlier plans, and what the same topic published on the
    date before.
    """
    if not order.fingerprint:
        return ""
    earlier = figures.wordless(history.before(order.folder, job.topic))
    after = TOPICS[job.topic].after if job.topic in TOPICS else ()
    published = {topic: figures.wordless(figures.read(order.folder, topic)) for topic in after}
    parts = {
        "notebook": hashlib.sha256(job.notebook.read_bytes()).hexdigest(),
        "code": code(),
        "parameters": dict(job.parameters),
        "data": order.fingerprint,
        "settings": order.settings,
        "language": order.language,
        "published": published,
        "earlier": earlier,
        "lists": lists.mark(order.folder.parent) if after else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def standing(order: Order, job: Job) -> dict[str, Any] | None:
    """The record of the good run whose page stands and would come out the same; None where there is none."""
    wanted = key(order, job)
    page = order.folder / archive.page_name(job.topic, order.language)
    if order.force or not wanted or not page.is_file() or figures.read(order.folder, job.topic) is None:
        return None
    last = _last(order, job.topic)
    if last is None or last.get("key") != wanted or last.get("page_mark") != mark(page):
        return None
    return last


def mark(page: Path) -> str:
    """A mark of a page's bytes; empty where it is not there."""
    try:
        return hashlib.sha256(page.read_bytes()).hexdigest()[:32]
    except OSError:
        return ""


@functools.cache
def code() -> str:
    """A mark of everything in the package, and of the libraries that it requires."""
    total = hashlib.sha256(sys.version.encode())
    root = Path(str(resources.files("crm_lib")))
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not set(_NOT_CODE) & set(p.parts)):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    for name, version in sorted(libraries().items()):
        total.update(f"{name}={version}".encode())
    return total.hexdigest()


def libraries() -> dict[str, str]:
    """The version of every library that our own package requires, of the engines' where they are installed.

    What only those need who work on the project shapes no page.
    """
    versions = {}
    for requirement in metadata.requires(_PROJECT) or ():
        name, extra = _REQUIRED.match(requirement).groups()
        if extra is None or extra in _ENGINES:
            with suppress(metadata.PackageNotFoundError):
                versions[name] = metadata.version(name)
    return versions


def _last(order: Order, topic: str) -> Mapping[str, Any] | None:
    """The newest attempt of a topic in this language that was not passed over, when it gave a page."""
    for run in reversed(archive.records(order.folder)):
        if run.get("language") != order.language:
            continue
        for report in run["reports"]:
            if report["topic"] == topic and report["state"] != verdict.UNCHANGED:
                return report if report["state"] in verdict.GOOD else None
    return None
