"""The words of measures: their names, forms, intervals, and why one is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from crm_lib.analysis.satisfaction import Voices
from crm_lib.analysis.satisfaction import measure as why
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.theme.words import LEVEL, NOTHING, between, interval, is_missing, number, percent, points, signed
from crm_lib.theme.words import gettext as _

Form = Callable[[Any], str]


def ratio(x: Any) -> str:
    """Write a ratio."""
    return number(x, 2)


def score(x: Any) -> str:
    """Write a mean answer."""
    return number(x, 1)


def promoter_score(x: Any) -> str:
    """Write promoters minus detractors, with its sign."""
    return signed(x, number)


def gap(x: Any) -> str:
    """Write a difference in steps of the scale, with its sign."""
    return signed(x, lambda value: number(value, 2))


def share_gap(x: Any) -> str:
    """Write the difference of two shares."""
    return points(x, 0)


FORMS: dict[str, Form] = {
    "ratio": ratio,
    "gap": gap,
    "nps": promoter_score,
    "content": percent,
    "content_mean": score,
    "effort": score,
    "walked_away": percent,
    "response": percent,
}


def level() -> str:
    """The level of all intervals, as "90 %"."""
    return percent(LEVEL)


def interval_head() -> str:
    """Head of a column of intervals."""
    return _("{level} interval").format(level=level())


def measure_name(said: Voices, name: str) -> str:
    """Name of a measure for readers."""
    scale = said.scales.get("nps")
    standard = scale is None or scale.lowest == 0
    return {
        "ratio": _("Got ÷ expected"),
        "gap": _("Got − expected"),
        "nps": _("Would recommend (NPS)") if standard else _("Would recommend (NPS-style)"),
        "content": _("Content"),
        "content_mean": _("Contentment, mean"),
        "effort": _("Effort, mean"),
        "walked_away": _("Left for good"),
        "response": _("Answered"),
    }[name]


def question_name(question: str) -> str:
    """Name of a question or a half of one, for readers."""
    return {
        "nps": _("Would recommend"),
        "csat": _("Content"),
        "ces": _("Effort"),
        "expected": _("Expected"),
        "perceived": _("Got"),
        "score": _("Score"),
    }[question]


def reason(said: Voices, found: Measure) -> str:
    """Why a measure has no value, in words; empty where it has one."""
    return {
        why.NOT_ASKED: _("not asked"),
        why.UNDECLARED: _("left out; declare the scale in crm.toml"),
        why.NO_TOP: _("left out; declare in crm.toml from which answer on somebody counts as content (top_from)"),
        why.OTHER_SCALE: _("left out; it needs a scale that ends at 10"),
        why.NOBODY: _("nobody answered"),
        why.FEW: _("fewer than {n} answers").format(n=number(said.limits.suppress_below)),
    }.get(found.why, "")


def with_interval(found: Measure, form: Form) -> str:
    """The value with its interval in brackets, for a sentence."""
    if is_missing(found.low):
        return form(found.value)
    return _("{value} ({interval})").format(
        value=form(found.value), interval=interval(found.low, found.high, form)
    )


def texts(frame: pd.DataFrame, name: str, form: Form, few: int) -> list[str]:
    """Column `name` of a table in words: the value, or that too few answered."""
    return [_cell(value, n, form, few) for value, n in zip(frame[name], frame[f"{name}_n"], strict=True)]


def ranges(frame: pd.DataFrame, name: str, form: Form) -> list[str]:
    """The intervals of column `name` in words."""
    bounds = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
    return [between(low, high, form) for low, high in bounds]


def _cell(value: Any, n: Any, form: Form, few: int) -> str:
    if is_missing(value) and not is_missing(n) and 0 < n < few:
        return _("fewer than {n} answers").format(n=number(few))
    return NOTHING if is_missing(value) else form(value)


def quarter(first_day: Any) -> str:
    """Name a quarter by its first day.

    >>> quarter(pd.Timestamp("2026-07-01"))
    'Q3 2026'
    """
    day = pd.Timestamp(first_day)
    return _("Q{quarter} {year}").format(quarter=day.quarter, year=day.year)


def paired(said: Voices) -> pd.DataFrame:
    """Aspects whose expectation was asked for and that may be shown."""
    return said.aspects[said.aspects.ratio.notna()]


def scored(said: Voices) -> pd.DataFrame:
    """Aspects with a single score that may be shown, lowest first, those too few to compare last."""
    found = said.aspects[said.aspects.score.notna()]
    return found.sort_values(["comparable", "score", "aspect"], ascending=[False, True, True], ignore_index=True)
