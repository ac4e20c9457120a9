"""How near the company's targets are, and what those to come are likely to bring."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from crm_lib.analysis.action_plan import Plan
from crm_lib.analysis.action_plan.aims import AHEAD, OVER, Target
from crm_lib.show.action_plan.names import cash
from crm_lib.show.parts import Part, sentence, together
from crm_lib.show.tables import Cell, cells
from crm_lib.theme.words import between, clean, day, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def on_target(result: Plan) -> Part:
    """Each target of the period that ran last or runs, then those to come with their projection."""
    if not result.targets:
        return sentence(_("The source names no targets."))
    begun = [t for t in result.targets if t.state != AHEAD]
    ahead = [t for t in result.targets if t.state == AHEAD]
    parts = []
    if begun:
        parts += [_begun(begun), sentence(_missed(begun))]
    if ahead:
        parts += [_to_come(ahead), sentence(_at_risk(ahead))]
    return together(*parts)


def _begun(begun: list[Target]) -> Part:
    heads = [Cell(_("Target")), Cell(_("Period"))]
    heads += [Cell(text, right=True) for text in (_("Aim"), _("So far"), _("By the end"))] + [Cell(_("State"))]
    rows = []
    for t in begun:
        state, tone = _state(t)
        ahead = _("ended") if t.state == OVER else _projection(t)
        shown = (_form(t)(t.value), _form(t)(t.so_far), ahead)
        rows.append([*_named(t), *(Cell(x, right=True) for x in shown), Cell(state, tone=tone)])
    paced = any(t.at_pace for t in begun)
    foot = _("By the end: at the pace of the full weeks so far, as last year is not known.") if paced else ""
    return cells(heads, rows, _("Targets, and what came of them"), foot)


def _to_come(ahead: list[Target]) -> Part:
    heads = [Cell(_("Target")), Cell(_("Period")), Cell(_("Aim"), right=True)]
    heads += [Cell(_("Projection (90 %)"), right=True), Cell(_("Outlook"))]
    rows = []
    for t in ahead:
        state, tone = _outlook(t)
        shown = (_form(t)(t.value), _projection(t))
        rows.append([*_named(t), *(Cell(x, right=True) for x in shown), Cell(state, tone=tone)])
    foot = _(
        "Projection: the same days of last year × the growth of the last four quarters, with the spread of these "
        "quarters as its range; the report on campaigns shows the same."
    )
    return cells(heads, rows, _("Targets to come"), foot)


def _missed(begun: list[Target]) -> str:
    over = [t for t in begun if t.reached is not None]
    n = len([t for t in over if not t.reached])
    text = ngettext("{n} of {of} targets was missed.", "{n} of {of} targets were missed.", n)
    return text.format(n=number(n), of=number(len(over))) if over else ""


def _at_risk(ahead: list[Target]) -> str:
    """How many targets to come lie above what is projected for them."""
    judged = [t for t in ahead if t.projected]
    n = len([t for t in judged if t.projected.value < t.value])
    text = ngettext(
        "Of {of} targets to come that can be projected {n} lies above what is likely.",
        "Of {of} targets to come that can be projected {n} lie above what is likely.",
        n,
    )
    return text.format(n=number(n), of=number(len(judged))) if judged else ""


def _named(t: Target) -> list[Cell]:
    period = _("{start} – {end}").format(start=day(t.start), end=day(t.end))
    return [Cell(_metrics().get(t.metric, clean(t.metric))), Cell(period)]


def _projection(t: Target) -> str:
    if not t.projected:
        return number(None)
    form = _form(t)
    return f"{form(t.projected.value)} ({between(t.projected.low, t.projected.high, form)})"


def _form(t: Target) -> Callable[[Any], str]:
    if t.metric == "market_share":
        return lambda x: percent(x, 1)
    return cash if t.metric == "revenue" else lambda x: number(x, 0 if t.value >= 100 else 2)


def _metrics() -> dict[str, str]:
    return {
        "revenue": _("Revenue"),
        "orders": _("Orders"),
        "satisfaction": _("Satisfaction, got ÷ expected"),
        "market_share": _("Share of the market"),
    }


def _state(t: Target) -> tuple[str, str]:
    if t.so_far is None:
        return _("not measured here"), ""
    if t.reached is not None:
        text, tone = (_("✓ reached, {share}"), "ok") if t.reached else (_("✗ missed, {share}"), "no")
        return text.format(share=_share(t)), tone
    if t.projected is None:
        return _("too early to say"), ""
    if t.projected.low >= t.value:
        return _("✓ on course"), "ok"
    return (_("✗ out of reach"), "no") if t.projected.high < t.value else (_("open"), "")


def _share(t: Target) -> str:
    """The share reached; rounded down, so that what was missed never reads 100 %."""
    if not t.value:
        return number(None)
    share = t.so_far / t.value
    return percent(share if t.reached else min(share, math.floor(100 * share) / 100))


def _outlook(t: Target) -> tuple[str, str]:
    if not t.projected:
        return _("◌ can't be projected"), ""
    if t.projected.low >= t.value:
        return _("✓ very likely"), "ok"
    if t.projected.high < t.value:
        return _("✗ out of reach"), "no"
    return (_("◐ likely"), "") if t.projected.value >= t.value else (_("◐ at risk"), "")
