"""In short: what campaigns brought, how much of the credit is theirs, what they cost."""

from __future__ import annotations

from crm_lib.analysis.campaigns import Evaluation
from crm_lib.show.campaigns.cautions import cautions
from crm_lib.show.campaigns.names import brief, listed, said, said_test
from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, together
from crm_lib.theme.words import _, interval, ngettext, number, percent

N_NOTES = 4


def headline(result: Evaluation) -> Part:
    """Three or four cards, a few sentences, and what must be known before using them."""
    boxes = [_brought(result), _gap(result), _cost(result), _took_part(result)]
    warnings = [note(text) for text in cautions(result)[:N_NOTES]]
    return together(
        cards(*(box for box in boxes if box is not None)), sentence(_proven(result), _ahead(result)), *warnings
    )


def _brought(result: Evaluation) -> Card:
    n = len(result.tested)
    if not n:
        return Card(
            _("What campaigns brought"),
            "–",
            sentence=_("No campaign held anybody out whom it can be compared with, so nobody knows."),
            badge=Badge(_("hold out a part next time"), "bad"),
        )
    label, found = _("Profit that campaigns brought"), result.profit
    what = ngettext(
        "of **{n}** tested campaign, beyond its direct cost.",
        "of **{n}** tested campaigns, beyond their direct cost.",
        n,
    )
    if not found:
        label, found = _("Sales that campaigns brought"), result.revenue
        what = ngettext(
            "from **{n}** tested campaign; margin or cost is not known, so this is no profit.",
            "from **{n}** tested campaigns; margin or cost is not known, so this is no profit.",
            n,
        )
    if not found:
        return _buyers(result)
    if found.low > 0:
        badge = Badge(_("proven above zero"), "good")
    elif found.high < 0:
        badge = Badge(_("a loss, proven"), "bad")
    else:
        badge = Badge(_("not proven: zero is possible"), "care")
    n_people = sum(u.n_treated + u.n_control for u in result.tested)
    return Card(
        label,
        brief(found.value),
        interval(found.low, found.high, brief, n_people),
        what.format(n=number(n)),
        badge,
    )


def _buyers(result: Evaluation) -> Card:
    found = result.gap.caused
    return Card(
        _("Buyers that campaigns brought"),
        number(found.value),
        interval(found.low, found.high, number, sum(u.n_treated + u.n_control for u in result.tested)),
        _("Money is not recorded, only who bought."),
    )


def anyway(result: Evaluation) -> tuple[float, float, float] | None:
    """Share of credited buyers who would have bought anyway, with its bounds; None where nothing can be said."""
    gap = result.gap
    if gap is None or not gap.credited or not gap.caused:
        return None
    low, high = (min(max(1 - x / gap.credited, 0), 1) for x in (gap.caused.high, gap.caused.low))
    return min(max(1 - gap.caused.value / gap.credited, 0), 1), low, high


def _gap(result: Evaluation) -> Card | None:
    found = anyway(result)
    if found is None:
        return None
    told = _(
        "of the **{credited}** buyers whom attribution credits to these campaigns; about **{caused}** bought "
        "because of them."
    ).format(credited=number(result.gap.credited), caused=number(max(result.gap.caused.value, 0)))
    return Card(
        _("Would have bought anyway"),
        percent(found[0]),
        interval(found[1], found[2], percent, result.gap.credited),
        told,
    )


def _cost(result: Evaluation) -> Card | None:
    if result.budget.empty:
        return None
    spent, planned = result.budget["actual"].sum(), result.budget["budget"].sum()
    told = _("spent up to now, **{overhead}** of it overhead that belongs to no campaign.").format(
        overhead=brief(result.returns.overhead)
    )
    if planned <= 0:
        return Card(_("What marketing cost"), brief(spent), sentence=told)
    share = spent / planned
    tone, words = ("good", _("{share} of the budget")) if share <= 1 else ("care", _("{share} of the budget"))
    return Card(
        _("What marketing cost"),
        brief(spent),
        sentence=told,
        badge=Badge(words.format(share=percent(share)), tone),
    )


def _took_part(result: Evaluation) -> Card | None:
    share = result.participation.share
    if not share:
        return None
    words = {
        "responded_at": _("of **{n}** customers contacted answered at least once."),
        "clicked_at": _("of **{n}** customers contacted clicked at least once."),
        "opened_at": _("of **{n}** customers contacted opened at least once."),
        "visited": _("of **{n}** customers contacted visited."),
    }[result.participation.by_what]
    bounds = interval(share.low, share.high, percent, share.n)
    return Card(_("Took part"), percent(share.value), bounds, words.format(n=number(share.n)))


def _proven(result: Evaluation) -> str:
    tests = [u for u in result.uplifts if u.readable]
    proven = [
        u for u in tests if u.verdict == "proven" and not (not u.variant and _has_variants(result, u.campaign_id))
    ]
    if not tests:
        return ""
    if not proven:
        return _("No single campaign is proven to have brought orders: chance alone could explain each.")
    return _("Proven to have brought orders, also when all tests are judged together: {names}.").format(
        names=listed([said_test(result, u) for u in proven])
    )


def _has_variants(result: Evaluation, campaign_id: str) -> bool:
    return any(u.variant for u in result.uplifts if u.campaign_id == campaign_id)


def _ahead(result: Evaluation) -> str:
    rows = result.progress
    if rows.empty:
        return ""
    names = listed([said(result, c) for c in rows["campaign_id"]])
    return ngettext("Under way: {names}.", "Under way: {names}.", len(rows)).format(names=names)
