"""The page that tells a reader, in plain words, that a report could not be made."""

from __future__ import annotations

from crm_lib.runner import archive, frame
from crm_lib.runner.job import Job, Order
from crm_lib.runner.verdict import TIMED_OUT, Verdict
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _


def page(order: Order, job: Job, verdict: Verdict, made_at: str, log: str) -> str:
    """What happened, when, the last good report if any, and whom to ask; no traceback."""
    good = archive.last_good(order.folder, job.topic, order.language)
    return frame.render(
        "failure.html.j2",
        job=job,
        order=order,
        verdict=verdict,
        made_at=made_at,
        what_to_do=_what_to_do(verdict),
        last_good=good and (words.day(good[0]), good[1]),
        log=f"runs/{log}",
    )


def _what_to_do(verdict: Verdict) -> str:
    if verdict.exit_code == 2:
        return _("The data or the settings must be put right first; the words above say where.")
    if verdict.state == TIMED_OUT:
        return _("Try once more when the machine has less to do, or allow more time with --timeout.")
    return _("Whoever keeps these reports finds the details in the log named below.")
