"""How a run ended, judged from evidence: cells that ran, errors, figures published, a page that may be shown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crm_lib import errors
from crm_lib.runner import transient
from crm_lib.runner.kernels import engine
from crm_lib.runner.pages.figures import n_rows
from crm_lib.theme import said as errors_said
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

FINE, NOTES, STALE, UNCHANGED = "fine", "notes", "stale data", "unchanged"
FAILED, TIMED_OUT, KILLED, NO_DATA = "failed", "timed out", "killed", "no data"
STATES = (FINE, NOTES, STALE, UNCHANGED, FAILED, TIMED_OUT, KILLED, NO_DATA)
GOOD = (FINE, NOTES, STALE, UNCHANGED)

# Exit codes of a report; a command returns the gravest of its reports.
EXIT_FINE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STALE = 0, 1, 2, 3
EXIT_BUSY, EXIT_TIMED_OUT, EXIT_INTERRUPTED, EXIT_KILLED, EXIT_STOPPED = 75, 124, 130, 137, 143
_GRAVEST_FIRST = (EXIT_BAD_INPUT, EXIT_BUSY, EXIT_KILLED, EXIT_TIMED_OUT, EXIT_FAILED, EXIT_STALE, EXIT_FINE)

_NO_ROOM = re.compile(r"\[Errno (27|28|122)\]")  # file too large, no space left, quota exceeded
_PEOPLE_ERRORS = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.CrmError)
}


@dataclass(frozen=True)
class Verdict:
    """A state, a message for the reader, and the exit code that the command returns for it.

    `transient` says in words why a second try may end otherwise; empty where it would not.
    `english` is the message for the command line, where the reader's is in another language.
    """

    state: str
    message: str = ""
    exit_code: int = 0
    transient: str = ""
    english: str = ""

    @property
    def line(self) -> str:
        """What the command line says of it, on one line: icon, state and how the message begins."""
        with words.speaking():
            icon, word, _tone = state_words(self.state)
        message = (self.english or self.message).strip().partition("\n")[0]
        return f"{icon} {word}" + (f": {message}" if message else "")

    @property
    def good(self) -> bool:
        """Whether the run gave a page."""
        return self.state in GOOD


def gravest(codes: Iterable[int]) -> int:
    """The exit code that says most about a run: bad input before what was cut off, failures, stale data.

    >>> gravest([0, 1, 2, 124]), gravest([])
    (2, 0)
    """
    return min(codes, key=_GRAVEST_FIRST.index, default=EXIT_FINE)


def both(judge: Callable[[], Verdict]) -> Verdict:
    """The verdict in the language in use, with its message for the command line."""
    found = judge()
    with words.speaking():
        english = judge().message
    return replace(found, english=english if english != found.message else "")


def state_words(state: str) -> tuple[str, str, str]:
    """Icon, word and tone (`ok`, `care`, `no`) of a state."""
    return {
        FINE: ("✓", _("fine"), "ok"),
        NOTES: ("▲", _("read the notes"), "care"),
        STALE: ("◷", _("stale data"), "care"),
        UNCHANGED: ("=", _("unchanged"), "ok"),
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
    if ended == engine.TOO_MUCH:
        return Verdict(
            FAILED, _("The notebook printed more than any page could hold, and was ended."), EXIT_FAILED
        )
    if ended == engine.NEVER_STARTED:
        return Verdict(FAILED, _("The notebook could not be started."), EXIT_FAILED)
    error = _first_error(notebook)
    if ended == engine.EXITED:
        return Verdict(FAILED, _("The notebook ended itself before its last cell."), EXIT_FAILED)
    if error is not None:
        return of_error(error.ename, error.evalue)
    if ended != engine.COMPLETED:
        return Verdict(FAILED, _("Not all cells of the notebook ran."), EXIT_FAILED)
    return _of_publication(figures)


def of_error(name: str, text: str) -> Verdict:
    """A verdict on an exception: words written for people are shown, others may quote customers and are not."""
    if name == "NotEnoughData":
        return Verdict(NO_DATA, errors_said.error(text), EXIT_FAILED)
    if name in _PEOPLE_ERRORS:
        return Verdict(FAILED, errors_said.error(text), _PEOPLE_ERRORS[name].exit_code)
    if name == "MemoryError":
        return Verdict(KILLED, _("The notebook ran out of memory."), EXIT_KILLED)
    if name == "OSError" and _NO_ROOM.search(text):
        return Verdict(FAILED, _("There was no room left on the disk."), EXIT_FAILED)
    if reason := transient.of_error(name, text):
        return Verdict(FAILED, _("The notebook stopped, since {reason}.").format(reason=reason), EXIT_FAILED)
    if name == "QueryCanceled":
        said = _("The database ended a query that took longer than statement_timeout_s in crm.toml allows.")
        return Verdict(FAILED, said, EXIT_FAILED)
    said = _("The notebook stopped with an error that nobody foresaw ({error}).")
    return Verdict(FAILED, said.format(error=_plain_name(name)), EXIT_FAILED)


def refused(text: str) -> Verdict:
    """A verdict on data that did not pass the check, before any notebook started."""
    return Verdict(NO_DATA, errors_said.error(text), EXIT_BAD_INPUT)


def timed_out(minutes: float) -> Verdict:
    """A verdict on a run that did not end in time."""
    return Verdict(
        TIMED_OUT,
        _("The notebook did not end within {minutes} minutes.").format(minutes=f"{minutes:g}"),
        EXIT_TIMED_OUT,
    )


def killed() -> Verdict:
    """A verdict on a kernel that the system ended."""
    return Verdict(
        KILLED,
        _("The system ended the notebook while it was running; it may have run out of memory."),
        EXIT_KILLED,
    )


def bad_page(problems: list[str]) -> Verdict:
    """A verdict on a page that must not be shown."""
    said = _("The page was made but may not be shown: {problems}.")
    return Verdict(FAILED, said.format(problems="; ".join(problems[:3])), EXIT_FAILED)


def _of_publication(figures: Mapping[str, Any] | None) -> Verdict:
    if figures is None:
        return Verdict(FAILED, _("The notebook ran to its end but published no figures."), EXIT_FAILED)
    if not figures.get("figures") or n_rows(figures) == 0:
        return Verdict(NO_DATA, _("The notebook ran to its end but had no rows to report on."), EXIT_FAILED)
    if figures.get("stale"):
        return Verdict(STALE, figures["stale"], EXIT_STALE)
    unusable = (figures.get("about") or {}).get("problems")
    return Verdict(NOTES if figures.get("notes") or unusable else FINE)


def _first_error(notebook: Any) -> Any:
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    return next((o for o in outputs if o.output_type == "error"), None)


def _plain_name(name: str) -> str:
    return name if re.fullmatch(r"\w{1,60}", name) else "Exception"
