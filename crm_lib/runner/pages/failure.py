"""The pages that tell of a report that could not be made: one for readers, one for whoever keeps the reports."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.runner.evidence import privacy
from crm_lib.runner.evidence.verdict import NO_DATA, TIMED_OUT, Verdict
from crm_lib.runner.job import Job, Order
from crm_lib.runner.pages import frame
from crm_lib.runner.store import archive
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

EXECUTED, ERRORS = "executed.ipynb", "stderr"  # what a worker leaves in its folder
_MOST_CHARACTERS = 20_000  # of one output, of the log


@dataclass(frozen=True)
class Cell:
    """A cell as the author page shows it: its code, what came out as text, whether it failed or never ran."""

    number: int
    source: str
    outputs: tuple[str, ...] = ()
    failed: bool = False
    ran: bool = True


def write(order: Order, job: Job, verdict: Verdict, made_at: str, log: str, made: Path | None = None) -> Path:
    """Write the failure page, and beside it the author page where a notebook ran in the folder `made`."""
    place = order.folder / archive.page_name(job.topic, order.language, failed=True)
    author = order.folder / archive.author_name(job.topic)
    if made is None:
        author.unlink(missing_ok=True)
    else:
        archive.write(author, author_page(order, job, verdict, made_at, made / EXECUTED, _read(made / ERRORS)))
    named = author.name if made else ""
    archive.write(place, page(order, job, verdict, made_at, log, named))
    return place


def page(order: Order, job: Job, verdict: Verdict, made_at: str, log: str, author_page: str = "") -> str:
    """What happened, when, the last good report if any, and whom to ask; no traceback.

    `author_page` is named, never linked: it may quote what no reader should see.
    """
    good = archive.last_good(order.folder, job.topic, order.language)
    return frame.render(
        "failure.html.j2",
        job=job,
        order=order,
        index=archive.index_name(words.language()),
        in_english=words.language() != words.SOURCE_LANGUAGE and not verdict.english,
        verdict=verdict,
        made_at=made_at,
        what_to_do=_what_to_do(verdict),
        contact=order.reporting.contact,
        last_good=good and (words.day(good[0]), good[1]),
        log=f"runs/{log}",
        author_page=author_page,
    )


def author_page(order: Order, job: Job, verdict: Verdict, made_at: str, notebook: Path, log: str) -> str:
    """The private page of a failure: the command, the traceback, every cell with what it had put out so far.

    `notebook` is what the engine left behind (it may be missing), `log` what the worker wrote to standard error.
    All is shown as text, without what looks like a secret, an address or a phone number.
    """
    secrets = privacy.secrets_of(os.environ)

    def safe(text: str) -> str:
        return _shortened(privacy.scrub(text, secrets))

    cells = _cells(notebook)
    return frame.render(
        "author.html.j2",
        job=job,
        order=order,
        verdict=verdict,
        made_at=made_at,
        command=job.command,
        parameters=[(name, str(value)) for name, value in sorted(job.parameters.items())],
        log=safe(log),
        failed=[_scrubbed(cell, safe) for cell in cells if cell.failed],
        cells=[_scrubbed(cell, safe) for cell in cells if not cell.failed],
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""


def _cells(path: Path) -> list[Cell]:
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # half a file, or none: the log still tells
        return []
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    return [_cell(number, cell) for number, cell in enumerate(code, 1)]


def _cell(number: int, cell: Any) -> Cell:
    outputs = tuple(text for output in cell.outputs if (text := _as_text(output)))
    failed = any(output.output_type == "error" for output in cell.outputs)
    return Cell(number, cell.source, outputs, failed, ran=cell.execution_count is not None)


def _as_text(output: Any) -> str:
    if output.output_type == "stream":
        return frame.without_colours(output.text)
    if output.output_type == "error":
        return frame.without_colours("\n".join(output.traceback) or f"{output.ename}: {output.evalue}")
    kinds: Sequence[str] = sorted(output.get("data", {}))
    plain = output.get("data", {}).get("text/plain", "")
    return frame.without_colours(plain) if plain else ", ".join(kinds)


def _scrubbed(cell: Cell, safe: Any) -> Cell:
    return Cell(cell.number, safe(cell.source), tuple(map(safe, cell.outputs)), cell.failed, cell.ran)


def _shortened(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return text[:half] + "\n[…]\n" + text[-half:]


def _what_to_do(verdict: Verdict) -> str:
    if verdict.exit_code == 2:
        return _("The data or the settings must be put right first; the words above say where.")
    if verdict.state == NO_DATA:
        return _("Nothing is broken: the report comes by itself when there is enough to report on.")
    if verdict.state == TIMED_OUT:
        return _("Try once more when the machine has less to do, or allow more time with --timeout.")
    return _("Whoever keeps these reports finds the details in the files named below.")
