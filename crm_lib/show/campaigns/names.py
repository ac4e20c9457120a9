"""Campaigns, methods, rules, steps and states in the reader's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from crm_lib.analysis.campaigns import Evaluation, Uplift
from crm_lib.analysis.intervals import Interval
from crm_lib.theme.words import NOTHING, _, clean, is_missing, money, name, number, pgettext

MILLION = 1_000_000


def brief(x: Any) -> str:
    """An amount as a sentence says it: millions in short, the rest to the unit."""
    return money(x, compact=not is_missing(x) and abs(x) >= MILLION)


def per_head(x: Any) -> str:
    """Money per head: with cents where it is small."""
    return money(x, 2 if not is_missing(x) and abs(x) < 100 else 0)


def estimate(i: Interval) -> str:
    """Money per head with its range, all with the same decimals; a dash where there is none."""
    if not i:
        return NOTHING
    digits = 2 if max(abs(i.low), abs(i.high)) < 10 else 0
    return _("{value} ({range})").format(
        value=money(i.value, digits), range=span(i.low, i.high, lambda x: money(x, digits))
    )


def span(low: Any, high: Any, form: Callable[[Any], str]) -> str:
    """A range whose ends may be negative: "−5 to 3" reads better than two dashes."""
    if is_missing(low) or is_missing(high):
        return NOTHING
    if form(low) == form(high):
        return form(low)
    return _("{low} to {high}").format(low=form(low), high=form(high))


def times(x: Any) -> str:
    """A ratio such as return on advertising spend."""
    return _("{n}\u00a0×").format(n=number(x, 1))


def titles(result: Evaluation) -> dict[str, str]:
    """Names of campaigns by id as typed, cleaned; the id where there is no name."""
    rows = result.campaigns
    return {
        i: clean(n) if isinstance(n, str) and n else i
        for i, n in zip(rows["campaign_id"], rows["name"], strict=True)
    }


def test_title(result: Evaluation, u: Uplift) -> str:
    """A test's name: the campaign's, or that of its variant."""
    return clean(u.variant) if u.variant else titles(result)[u.campaign_id]


def said(result: Evaluation, campaign_id: str) -> str:
    """A campaign's name inside a sentence."""
    return _("“{name}”").format(name=name(titles(result)[campaign_id]))


def said_test(result: Evaluation, u: Uplift) -> str:
    """A test's name inside a sentence."""
    return _("“{name}”").format(name=name(test_title(result, u)))


def verdicts() -> dict[str, str]:
    """What a test says, by verdict."""
    return {
        "proven": _("✓ proven"),
        "likely": _("◐ likely"),
        "unproven": _("◌ not proven"),
        "harmful": _("✗ fewer orders"),
        "": _("◌ not shown"),
    }


def refusals() -> dict[str, str]:
    """Why a test says nothing."""
    return {
        "no control": _("nobody was held out"),
        "no treated": _("nobody was contacted"),
        "few": _("fewer than 30 in an arm"),
        "mismatch": _("arms did not come out as planned"),
    }


def methods() -> dict[str, str]:
    """Ways to divide overhead."""
    return {
        "equal": _("the same for each"),
        "contacts": _("by people contacted"),
        "direct_cost": _("by direct cost"),
        "revenue": _("by sales that name them"),
        "hours": _("by staff hours"),
    }


def models() -> dict[str, str]:
    """Rules of attribution."""
    return {
        "first": _("First contact"),
        "last": _("Last contact"),
        "linear": _("Equal parts"),
        "decay": _("Time decay"),
        "position": _("40-20-40"),
        "shapley": _("Shapley (equal per campaign)"),
    }


def steps() -> dict[str, str]:
    """Steps from contact to sale."""
    return {
        "contacted": _("Contacted"),
        "delivered": _("Delivered"),
        "opened": _("Opened"),
        "clicked": _("Clicked"),
        "responded": _("Answered"),
        "leads": _("Leads"),
        "opportunities": _("Opportunities"),
        "sales": pgettext("money", "Sales"),
    }


def states() -> dict[str, str]:
    """States of a campaign."""
    return {
        "applied": _("Applied for"),
        "approved": _("Approved"),
        "running": _("Running"),
        "settled": _("Settled"),
    }


def categories() -> dict[str, str]:
    """Categories of cost."""
    return {
        "advertising": _("Advertising"),
        "promotion": _("Promotion"),
        "personnel": _("Personnel"),
        "material": _("Material"),
        "training": _("Training"),
        "other": _("Other"),
    }


def metrics() -> dict[str, str]:
    """What targets aim at."""
    return {
        "revenue": pgettext("money", "Sales"),
        "orders": _("Orders"),
        "satisfaction": _("Satisfaction"),
        "market_share": _("Share of the market"),
    }


def took_part() -> dict[str, str]:
    """How taking part is known."""
    return {
        "responded_at": _("answered"),
        "clicked_at": _("clicked"),
        "opened_at": _("opened"),
        "visited": _("visited"),
    }


def listed(words: list[str]) -> str:
    """Several words in a row."""
    return ", ".join(words)


def frame_of(rows: list[dict]) -> pd.DataFrame:
    """Rows as a frame whose columns hold anything."""
    return pd.DataFrame(rows, dtype=object)
