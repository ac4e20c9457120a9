"""Segments, value grades and dimensions in the reader's words."""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.analysis.segmentation import Segmentation
from crm_lib.theme.words import _, money

MILLION = 1_000_000


@dataclass(frozen=True)
class SegmentWords:
    """A segment's name, what it means in one line, and what to do with it."""

    name: str
    meaning: str
    action: str


def segments() -> dict[str, SegmentWords]:
    """Words of every segment, by id."""
    return {
        "best": SegmentWords(
            _("Best customers"),
            _("Bought lately, often and much."),
            _("Thank them, serve them first, and ask whom they would send to us."),
        ),
        "big_spenders": SegmentWords(
            _("Big spenders"),
            _("Bought lately and much, but seldom."),
            _("Offer what goes with what they bought: the next order is the one that counts."),
        ),
        "loyal": SegmentWords(
            _("Loyal, small baskets"),
            _("Bought lately and often, little each time."),
            _("Offer the next better product, or a set."),
        ),
        "growing": SegmentWords(
            _("Growing"),
            _("Bought lately; orders or money are in the middle."),
            _("Stay in touch: one or two good orders more make them loyal."),
        ),
        "promising": SegmentWords(
            _("New and promising"),
            _("Bought lately, little so far; many of them are new."),
            _("Make the second order easy."),
        ),
        "slipping": SegmentWords(
            _("Big spenders slipping"),
            _("Spent much, but the last order is some time back."),
            _("Call them now, most money first."),
        ),
        "gone_quiet": SegmentWords(
            _("Once good, now silent"),
            _("Spent much, and are among those silent longest."),
            _("Try once, in person, to win them back, and ask why they left."),
        ),
        "steady": SegmentWords(
            _("Steady middle"),
            _("Neither lately nor long ago; orders or money are in the middle or better."),
            _("Remind them now and then; no discount is needed."),
        ),
        "fading": SegmentWords(
            _("Fading"),
            _("Some orders or some money, and not seen for long."),
            _("Send one inexpensive reminder."),
        ),
        "passing_by": SegmentWords(
            _("Passing by"),
            _("Few orders, little money, not lately."),
            _("Spend nothing extra on them."),
        ),
    }


def dimensions() -> dict[str, str]:
    """What is graded, by dimension."""
    return {"r": _("Days since the last order"), "f": _("Orders"), "m": _("Money")}


def brief(result: Segmentation, x: float | None) -> str:
    """Write an amount for cards, charts and sentences: in short where all customers together spent millions."""
    return money(x, compact=True) if result.amount >= MILLION else own_money(result, x)


def own_money(result: Segmentation, x: float | None) -> str:
    """Write an amount with a decimal where customers spend little on average."""
    return money(x, 0 if result.amount / result.n_customers >= 100 else 1)


def rule_words(rule: str) -> str:
    """A rule on grades as a reader writes it."""
    signs = {" >= ": " ≥ ", " == ": " = ", " and ": _(" and "), " or ": _(" or ")}
    for sign, said in signs.items():
        rule = rule.replace(sign, said)
    return rule
