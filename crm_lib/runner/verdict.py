"""How a run ended, judged from evidence: cells that ran, errors, figures published, a page that may be shown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_lib import errors
from crm_lib.runner import engine
from crm_lib.runner.figures import n_rows
from crm_lib.theme.words import gettext as _

FINE, NOTES, FAILED, TIMED_OUT, KILLED, NO_DATA = "fine", "notes", "failed", "timed out", "killed", "no data"
STATES = (FINE, NOTES, FAILED, TIMED_OUT, KILLED, NO_DATA)
GOOD = (FINE, NOTES)

_PEOPLE_ERRORS = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.CrmError)
}


@dataclass(frozen=True)
class Verdict:
    """A state, a message for the reader, and the exit code that the command returns for it."""

    state: str
    message: str = ""
    exit_code: int = 0

    @property
    def good(self) -> bool:
        """Whether the run gave a page."""
        return self.state in GOOD


def state_words(state: str) -> tuple[str, str, str]:
    """Icon, word and tone (`ok`, `care`, `no`) of a state."""
    return {
        FINE: ("✓", _("fine"), "ok"),
        NOTES: ("▲", _("read the notes"), "care"),
        FAILED: ("✗", _("failed"), "no"),
        TIMED_OUT: ("✗", _("took too long"), "no"),
        KILLED: ("✗", _("was cut off"), "no"),
        NO_DATA: ("◌", _("no data"), "care"),
    }[state]


def of_run(notebook: Any, figures: Mapping[str, Any] | None, minutes: float) -> Verdict:
    """Judge an executed notebook and what it published; the page is judged after it is made.

    `notebook` is what the engine left behind, `figures` the content of `<topic>.figures.json` or None.
    """
    ended = notebook.metadata.get("crm", {}).get("ended", engine.NEVER_STARTED)
    if ended == engine.TIMED_OUT:
        return timed_out(minutes)
    if ended == engine.KILLED:
        return killed()
    if ended == engine.NEVER_STARTED:
        return Verdict(FAILED, _("The notebook could not be started."), 1)
    error = _first_error(notebook)
    if ended == engine.EXITED:
        return Verdict(FAILED, _("The notebook ended itself before its last cell."), 1)
    if error is not None:
        return of_error(error.ename, error.evalue)
    if ended != engine.COMPLETED:
        return Verdict(FAILED, _("Not all cells of the notebook ran."), 1)
    return _of_publication(figures)


def of_error(name: str, text: str) -> Verdict:
    """A verdict on an exception: words written for people are shown, others may quote customers and are not."""
    if name == "NotEnoughData":
        return Verdict(NO_DATA, text, 1)
    if name in _PEOPLE_ERRORS:
        return Verdict(FAILED, text, _PEOPLE_ERRORS[name].exit_code)
    said = _("The notebook stopped with an error that nobody foresaw ({error}).")
    return Verdict(FAILED, said.format(error=_plain_name(name)), 1)


def timed_out(minutes: float) -> Verdict:
    """A verdict on a run that did not end in time."""
    return Verdict(
        TIMED_OUT, _("The notebook did not end within {minutes} minutes.").format(minutes=f"{minutes:g}"), 1
    )


def killed() -> Verdict:
    """A verdict on a kernel that the system ended."""
    return Verdict(
        KILLED, _("The system ended the notebook while it was running; it may have run out of memory."), 1
    )


def bad_page(problems: list[str]) -> Verdict:
    """A verdict on a page that must not be shown."""
    said = _("The page was made but may not be shown: {problems}.")
    return Verdict(FAILED, said.format(problems="; ".join(problems[:3])), 1)


def _of_publication(figures: Mapping[str, Any] | None) -> Verdict:
    if figures is None:
        return Verdict(FAILED, _("The notebook ran to its end but published no figures."), 1)
    if not figures.get("figures") or n_rows(figures) == 0:
        return Verdict(NO_DATA, _("The notebook ran to its end but had no rows to report on."), 1)
    unusable = (figures.get("about") or {}).get("problems")
    return Verdict(NOTES if figures.get("notes") or unusable else FINE)


def _first_error(notebook: Any) -> Any:
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    return next((o for o in outputs if o.output_type == "error"), None)


def _plain_name(name: str) -> str:
    return name if re.fullmatch(r"\w{1,60}", name) else "Exception"
