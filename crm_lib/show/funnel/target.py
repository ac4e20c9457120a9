"""The target of the period that runs, whose it is, and the chance that deals reach it."""

from __future__ import annotations

from crm_lib.analysis.funnel import Goal
from crm_lib.show.funnel.said import cash, chance
from crm_lib.theme.words import between, day, percent
from crm_lib.theme.words import gettext as _


def goal_in_short(goal: Goal) -> str:
    """The chance in one sentence of the headline."""
    facts = {"target": cash(goal.amount), "day": day(goal.until), "share": _share(goal)}
    if goal.share is None:
        return _("Chance to reach the target of {target} by {day}: **{share}**.").format(**facts)
    text = _("Chance that deals bring their part of the sales target, {target} by {day}: **{share}**.")
    return text.format(**facts)


def goal_at_length(goal: Goal) -> str:
    """What the target is and where it comes from, what is won of it, and the chance to reach it."""
    return " ".join((_whose(goal), _so_far(goal), _reached(goal)))


def _whose(goal: Goal) -> str:
    facts = {"since": day(goal.since), "until": day(goal.until), "target": cash(goal.amount)}
    if goal.of_sales is None:
        text = _("The target for won deals from {since} to {until} is **{target}**.")
        return text.format(**facts)
    if goal.share is None:
        text = _(
            "The target for sales from {since} to {until} is **{target}**; no sales but deals are recorded, so "
            "deals must bring all of it."
        )
        return text.format(**facts)
    text = _(
        "The target for sales from {since} to {until} is {whole}. Deals brought {share} of all sales in the last "
        "365 days, so their part of it is **{target}**."
    )
    return text.format(whole=cash(goal.of_sales), share=percent(goal.share), **facts)


def _so_far(goal: Goal) -> str:
    coming = goal.coming
    facts = {"money": cash(coming.value), "range": between(coming.low, coming.high, cash)}
    if not goal.so_far:
        return _("Up to then {money} ({range}) is likely to be won.").format(**facts)
    text = _("Of it {won} is won, and {money} ({range}) more is likely to be.")
    return text.format(won=cash(goal.so_far), **facts)


def _reached(goal: Goal) -> str:
    if goal.p is None:
        return _("Whether that is enough can't be said: too little is recorded to tell how many deals will come.")
    return _("The chance to reach it is **{share}**.").format(share=_share(goal))


def _share(goal: Goal) -> str:
    return _("not known") if goal.p is None else chance(goal.p)
