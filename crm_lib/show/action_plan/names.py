"""Plays, topics and guards in the reader's words."""

from __future__ import annotations

from typing import Any

from crm_lib.analysis.action_plan import LEAVE_ALONE, Plan
from crm_lib.theme.words import clean, is_missing, money, name, shorten
from crm_lib.theme.words import gettext as _


def cash(x: Any) -> str:
    """Money without cents, in short form from ten thousand on.

    >>> cash(1234), cash(1234567)
    ('1,234', '1.2M')
    """
    return money(x, compact=not is_missing(x) and abs(x) >= 10_000)


def plays() -> dict[str, str]:
    """Titles of the plays that have one of their own; others bear the title that crm.toml gives them."""
    return {
        "welcome": _("Welcome"),
        "second_order": _("Second order"),
        "cross_sell": _("Cross-sell"),
        "upgrade": _("Upgrade"),
        "keep": _("Keep"),
        "warn": _("Call before they leave"),
        "win_back": _("Win back"),
        "recover": _("Recover after a complaint"),
        "reward": _("Reward"),
        "just_bought": _("Leave alone: has just bought"),
        LEAVE_ALONE: _("Leave alone"),
    }


def title(result: Plan, play: str) -> str:
    """Title of a play as plain text: what crm.toml says, else ours, else its name."""
    told = next((p.title for p in result.settings.plays if p.name == play), "")
    return shorten(clean(told), 80) if told else plays().get(play, play)


def said(result: Plan, play: str) -> str:
    """Title of a play inside a sentence."""
    return name(title(result, play))


def topics() -> dict[str, str]:
    """Titles of the topics."""
    return {
        "segmentation": _("Segments"),
        "clv": _("Customer value"),
        "funnel": _("Sales funnel"),
        "satisfaction": _("Satisfaction"),
        "retention": _("Retention"),
        "campaigns": _("Campaigns"),
    }


def topic(key: str) -> str:
    """Title of a topic."""
    return topics().get(key, key)


def guards() -> dict[str, str]:
    """What keeps a customer from being contacted."""
    return {
        "no_consent": _("has not agreed to be contacted"),
        "unsubscribed": _("has unsubscribed"),
        "global_holdout": _("is never contacted, as yardstick for all plans"),
        "in_campaign": _("is in a campaign that still runs"),
        "cap": _("has been contacted often enough lately"),
        "complaint": _("has a complaint that is open or recent"),
        "purchase": _("has just bought"),
    }


def verdicts() -> dict[str, str]:
    """What to do with a play after its measurement."""
    return {
        "keep": _("keep"),
        "change": _("change the offer"),
        "stop": _("stop"),
        "test_on": _("test on: not proven"),
        "wait": _("wait"),
    }


def states() -> dict[str, str]:
    """States of a list."""
    return {
        "proposed": _("proposed"),
        "approved": _("approved"),
        "sent": _("sent"),
        "settled": _("settled"),
    }


def sources() -> dict[str, str]:
    """Where an expected uplift comes from."""
    return {
        "assumed": _("assumed"),
        "measured": _("measured before"),
        "updated": _("measured here"),
    }
