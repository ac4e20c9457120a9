"""The mail that tells of a run: what each report says in short, as text and as HTML, with the pages attached."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from crm_lib.contract.reporting import Reporting
from crm_lib.runner.delivery import digest
from crm_lib.runner.evidence import states, verdict
from crm_lib.runner.pages import frame, shown_tables
from crm_lib.runner.store import history
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

MOST_BYTES = 15_000_000  # of all pages attached
_SENDER = "crm-reports@localhost"


@dataclass(frozen=True)
class Item:
    """A report in the mail: its question, its state, what it says in short, and its page where there is one."""

    question: str
    icon: str
    word: str
    tone: str
    line: str
    notes: tuple[str, ...]
    digest: digest.Digest
    page: Path | None


def of_run(folder: Path, record: dict[str, Any], reporting: Reporting) -> EmailMessage:
    """The mail on one recorded run of a dated folder; failure and author pages are never attached."""
    words.use(record["language"])
    items = [_item(folder, report) for report in record["reports"]]
    attached = _fitting([item.page for item in items if item.page])
    facts = {
        "source": words.clean(record["source_title"]),
        "date": history.name_in_words(folder),
        "headline": states.headline(states.count({r["topic"]: r for r in record["reports"]})),
        "items": items,
        "attached": [page.name for page in attached],
        "n_left_out": sum(item.page is not None for item in items) - len(attached),
        "contact": reporting.contact,
        "made_at": record["made_at"],
    }
    mail = EmailMessage(policy=SMTP.clone(max_line_length=200))  # a subject stays on its line
    mail["Subject"] = words.typeset(f"{facts['source']}, {facts['date']}: {facts['headline']}")
    mail["From"] = reporting.deliver.sender or _SENDER
    mail["To"] = ", ".join(reporting.deliver.to) or "undisclosed-recipients:;"
    mail["Date"] = format_datetime(dt.datetime.fromisoformat(record["started_at"]))
    mail["Message-ID"] = f"<{record['start']}.{record['source']}.{folder.name}@crm-reports>"
    mail.set_content(_text(facts))
    page = frame.render("mail.html.j2", reporting.phone_like_ids, **facts)
    mail.add_alternative(page, subtype="html")
    for page in attached:
        alone = shown_tables.unlinked(page.read_text(encoding="utf-8"))
        mail.add_attachment(alone, subtype="html", filename=page.name)
    return mail


def _item(folder: Path, report: dict[str, Any]) -> Item:
    icon, word, tone = verdict.state_words(report["state"])
    asked = report["question"]
    good = report["state"] in verdict.GOOD
    page = folder / report["page"]
    there = good and page.exists()
    return Item(
        question=_(asked),
        icon=icon,
        word=word,
        tone=tone,
        line=report["summary"] if good else report["message"],
        notes=tuple(report["notes"]) if good else (),
        digest=digest.of_page(page.read_text(encoding="utf-8")) if there else digest.Digest(),
        page=page if there else None,
    )


def _fitting(pages: list[Path]) -> list[Path]:
    """The pages, in order, that fit into one mail."""
    kept, size = [], 0
    for page in pages:
        size += page.stat().st_size
        if size <= MOST_BYTES:
            kept.append(page)
    return kept


def _text(facts: dict[str, Any]) -> str:
    lines = [facts["headline"], f"{facts['source']}, {facts['date']}", ""]
    for item in facts["items"]:
        lines += [f"{item.icon} {item.question} ({item.word})", *_in_short(item), ""]
    if facts["attached"]:
        lines.append(_("Attached, to open offline: {pages}").format(pages=", ".join(facts["attached"])))
    if facts["n_left_out"]:
        lines.append(_("Some pages are too large for a mail; they lie with the others."))
    if facts["contact"]:
        lines.append(_("Whom to ask: {contact}").format(contact=facts["contact"]))
    return "\n".join(map(words.typeset, lines)) + "\n"


def _in_short(item: Item) -> list[str]:
    lines = [f"  {item.line}"] if item.line else []
    for box in item.digest.boxes:
        lines.append(f"  – {box.label}: {box.value}" + (f" ({box.interval})" if box.interval else ""))
        lines += [f"    {text}" for text in box.said]
    lines += [f"  {text}" for text in item.digest.sentences]
    return [*lines, *(f"  ▲ {note}" for note in item.notes)]


def write(mail: EmailMessage, folder: Path, start: str) -> Path:
    """Keep the mail beside the record of its run, as a file that mail programs open."""
    path = folder / "runs" / f"{start}.eml"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(mail.as_bytes())
    os.replace(temporary, path)
    return path
