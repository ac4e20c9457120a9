"""Phrases that several parts of the retention page share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.result import NO_ORDERS
from crm_lib.analysis.retention.silence import GIVEN, LEAST, ONCE, PACES, TEN_BY_TEN
from crm_lib.show.clv.said import about
from crm_lib.theme.words import NOTHING, between, day, interval, ngettext, number, percent
from crm_lib.theme.words import gettext as _

__all__ = ["about", "band", "days", "pace_name", "ranged", "why_n", "why_nothing"]


def why_nothing(result: Retention) -> str:
    """Why nothing can be said of retention, and what to do; empty where there is something."""
    if not result.reason:
        return ""
    if result.reason == NO_ORDERS:
        return _(
            "There is no order up to this date: every row is a refund, or later. Choose a later date or check "
            "the signs of the amounts."
        )
    return _(
        "Purchases begin on {first} and end on {last}. Who stays can't be seen in less than four weeks: choose "
        "a later date or a longer history."
    ).format(first=day(result.book.first_on), last=day(result.as_of))


def days(n: float) -> str:
    """So many days."""
    return ngettext("{n} day", "{n} days", n).format(n=number(n))


def ranged(found: Interval, form: Callable[[Any], str] = percent) -> str:
    """A value with its interval in brackets; a dash where there is none."""
    if not found:
        return NOTHING
    return f"{form(found.value)} ({between(found.low, found.high, form)})"


def band(value: Any, low: Any, high: Any, form: Callable[[Any], str] = percent) -> str:
    """A value with its bounds in brackets; a dash where there is none."""
    return NOTHING if pd.isna(value) else f"{form(value)} ({between(low, high, form)})"


def said(found: Interval, form: Callable[[Any], str] = percent) -> str:
    """An interval with its level and n, for cards."""
    return interval(found.low, found.high, form, found.n)


def why_n(result: Retention) -> str:
    """Why so many days of silence count as churn."""
    rule = result.silence
    known = {
        TEN_BY_TEN: _(
            "**{days}** without an order count as churn: the shortest silence from which at most one customer "
            "in ten came back within {weeks} weeks."
        ),
        LEAST: _(
            "**{days}** without an order count as churn. No silence is sure here: even after the longest, more "
            "than one in ten came back within {weeks} weeks; beyond these days waiting longer makes it no "
            "surer."
        ),
        GIVEN: _("**{days}** without an order count as churn, as set for this page."),
    }
    text = known.get(
        rule.why,
        _(
            "**{days}** without an order count as churn; the data are too short to tell whether that is long "
            "enough."
        ),
    )
    return text.format(days=days(rule.days), weeks=number(rule.follow_days / 7))


def pace_name(pace: int) -> str:
    """A class of customers by mean wait between orders."""
    if pace == ONCE:
        return _("one order so far")
    if pace == 1:
        return _("up to {n} days").format(n=number(PACES[0]))
    if pace > len(PACES):
        return _("over {n} days").format(n=number(PACES[-1]))
    return _("{low} – {high} days").format(low=number(PACES[pace - 2] + 1), high=number(PACES[pace - 1]))
