"""How the reports of a date stand, all together: counted, as a sentence, and as one state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from crm_lib.contract.topics import TOPICS
from crm_lib.runner.evidence import verdict
from crm_lib.runner.pages.figures import count_word
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext, pgettext

_FINE, _CARE, _FAILED, _WAITS = range(4)


def newest_by_topic(runs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest attempt of each topic, in the catalogue's order, other topics after it."""
    newest: dict[str, dict[str, Any]] = {}
    for run in runs:
        for report in run["reports"]:
            # an unchanged report was not made anew: the state before still holds
            if report["state"] != verdict.UNCHANGED or report["topic"] not in newest:
                newest[report["topic"]] = report
    known = [topic for topic in TOPICS if topic in newest]
    return {topic: newest[topic] for topic in [*known, *sorted(set(newest) - set(known))]}


def count(latest: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    """How many reports are in which state."""
    return Counter(report["state"] for report in latest.values())


def worst(counts: Mapping[str, int]) -> str:
    """The state that says most about a date: a failure before one that waits, that before notes, fine last."""
    found = [state for state in verdict.STATES if counts.get(state)]
    rank = {_FAILED: 0, _WAITS: 1, _CARE: 2, _FINE: 3}
    return min(found, key=lambda state: rank[_kind(state)], default=verdict.FINE)


def headline(counts: Mapping[str, int]) -> str:
    """How the reports stand, as a sentence.

    >>> headline({"fine": 4, "failed": 1})
    'Four reports are fine, one failed'
    """
    by_kind = [sum(n for s, n in counts.items() if _kind(s) == kind) for kind in (_FINE, _CARE, _FAILED, _WAITS)]
    if not sum(by_kind):
        return _("No report has been made yet")
    said = [_counted(kind, n) for kind, n in enumerate(by_kind) if n]
    first = next(kind for kind, n in enumerate(by_kind) if n)
    said[0] = _counted_reports(first, by_kind[first], all_of_them=len(said) == 1)
    sentence = pgettext("between clauses", ", ").join(said)
    return sentence[:1].upper() + sentence[1:]


def _kind(state: str) -> int:
    if state == verdict.NO_DATA:
        return _WAITS
    return {"ok": _FINE, "care": _CARE, "no": _FAILED}[verdict.state_words(state)[2]]


def _counted(kind: int, n: int) -> str:
    forms = (
        ngettext("{n} is fine", "{n} are fine", n),
        ngettext("{n} needs care", "{n} need care", n),
        ngettext("{n} failed", "{n} failed", n),
        ngettext("{n} waits for data", "{n} wait for data", n),
    )
    return forms[kind].format(n=count_word(n))


def _counted_reports(kind: int, n: int, all_of_them: bool) -> str:
    if all_of_them and kind == _FINE and n > 1:
        return _("Both reports are fine") if n == 2 else _("All {n} reports are fine").format(n=count_word(n))
    forms = (
        ngettext("{n} report is fine", "{n} reports are fine", n),
        ngettext("{n} report needs care", "{n} reports need care", n),
        ngettext("{n} report failed", "{n} reports failed", n),
        ngettext("{n} report waits for data", "{n} reports wait for data", n),
    )
    return forms[kind].format(n=count_word(n))
