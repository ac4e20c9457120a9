"""How far campaign figures can be trusted: arms, outliers, history, comparisons without hold-out, print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_lib.analysis.campaigns import Evaluation, Uplift, publication
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.campaigns.brought import shown_tests
from crm_lib.show.campaigns.cautions import cautions
from crm_lib.show.campaigns.headline import N_NOTES
from crm_lib.show.campaigns.likeness import indications_table
from crm_lib.show.campaigns.names import estimate, frame_of, per_head, span, test_title
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import NOTHING, _, ngettext, number, percent

MISMATCH_BELOW = 0.001


def trust(
    result: Evaluation,
    published: Sequence[PublishedFigure] = (),
    reference: Any = None,
    recomputed: Evaluation | None = None,
) -> Part:
    """Rows used, further cautions, the checks of every test, the way without a hold-out, and printed numbers.

    `reference` is a source whose results are in print and `recomputed` its evaluation by the same code.
    """
    own = [p for p in published if p.topic == "campaigns"]
    if not own and reference is not None:
        published, shown = reference.settings.published, recomputed
    else:
        shown = result
    return together(
        sentence(_rows(result), _ratio(result)),
        *(note(text) for text in cautions(result)[N_NOTES:]),
        _ways(result),
        _proofs(result),
        _printed(shown, published),
    )


def _rows(result: Evaluation) -> str:
    said = ngettext(
        "{n} assignment of a person to a campaign was used; a second one to the same campaign counts once.",
        "{n} assignments of people to campaigns were used; a second one to the same campaign counts once.",
        result.n_contacts,
    ).format(n=number(result.n_contacts))
    if result.counted:
        window = result.options.window_days
        return (
            said
            + " "
            + ngettext(
                "Outcomes are counted from the sales themselves: orders and money net of refunds in the {n} "
                "day after.",
                "Outcomes are counted from the sales themselves: orders and money net of refunds in the {n} "
                "days after.",
                window,
            ).format(n=number(window))
        )
    return said + " " + _("Outcomes are those that the source gives: it has no sales of its own.")


def _ratio(result: Evaluation) -> str:
    whole = [u for u in result.uplifts if not u.variant and u.n_control]
    if not whole:
        return ""
    if result.options.control_share is None:
        return _(
            "Whether people fell into the arms as planned can't be checked: the planned share "
            "(campaigns.control_share) is not set."
        )
    bad = [u for u in whole if u.p_ratio is not None and u.p_ratio < MISMATCH_BELOW]
    least = min((u.p_ratio for u in whole if u.p_ratio is not None), default=None)
    if bad or least is None:
        return ""
    return ngettext(
        "The arms of {n} test came out as planned ({share} held out): smallest p {p}, where less than 0.001 "
        "would stop it.",
        "The arms of all {n} tests came out as planned ({share} held out): smallest p {p}, where less than "
        "0.001 would stop a test.",
        len(whole),
    ).format(n=number(len(whole)), share=percent(result.options.control_share), p=number(least, 3))


def _ways(result: Evaluation) -> Part:
    """More sales per head by five ways: they should agree, and where they don't, one customer decides."""
    tests = [u for u in shown_tests(result) if u.revenue]
    if not tests:
        return Part()
    rows = [
        {
            "name": test_title(result, u),
            "welch": estimate(u.revenue),
            "bootstrap": _bounds(u.revenue_bootstrap),
            "capped": estimate(u.capped),
            "capped_bootstrap": _bounds(u.capped_bootstrap),
            "cuped": estimate(u.cuped),
            "saves": u.cuped_saves,
        }
        for u in tests
    ]
    fields = [
        Field("name", _("Campaign")),
        Field("welch", _("As it is (Welch)"), str),
        Field("bootstrap", _("Bootstrap"), str),
        Field("capped", _("Largest 1 % of spenders capped"), str),
        Field("capped_bootstrap", _("Bootstrap, capped"), str),
        Field("cuped", _("History set aside (CUPED)"), str),
        Field("saves", _("Chance taken away by history"), lambda x: percent(x, 1)),
    ]
    made = table(frame_of(rows), fields, _("More sales per head, judged five ways (90 %)"))
    return together(
        sentence(_agree(tests)),
        render("rows", summary=_("Five ways to judge the money"), parts=[made], warn=False),
    )


def _sign(i: Interval) -> int:
    return (i.low > 0) - (i.high < 0) if i else 0


def _agree(tests: list[Uplift]) -> str:
    ways = [
        [i for i in (u.revenue, u.revenue_bootstrap, u.capped, u.capped_bootstrap, u.cuped) if i] for u in tests
    ]
    split = sum(len({_sign(i) for i in found}) > 1 for found in ways)
    if not split:
        return _(
            "Capping the largest spenders, the bootstrap and setting history aside change no verdict on money."
        )
    return ngettext(
        "For {n} of {all} test the verdict on money hangs on how outliers or history are treated.",
        "For {n} of {all} tests the verdict on money hangs on how outliers or history are treated.",
        len(tests),
    ).format(n=number(split), all=number(len(tests)))


def _bounds(i: Interval) -> str:
    return span(i.low, i.high, per_head) if i else NOTHING


def _proofs(result: Evaluation) -> Part:
    """What the comparison without a hold-out would have said of campaigns that have one."""
    if not result.proofs:
        return Part()
    found = [p for p in result.proofs if p.money]
    known = {u.campaign_id: u.revenue for u in result.tested}
    same = sum(_sign(p.money) == _sign(known[p.campaign_id]) for p in found if known[p.campaign_id])
    said = ngettext(
        "Had nobody been held out, comparing with customers like those contacted would have given the same "
        "verdict in {k} of {n} campaign.",
        "Had nobody been held out, comparing with customers like those contacted would have given the same "
        "verdict in {k} of {n} campaigns.",
        len(found),
    ).format(k=number(same), n=number(len(found)))
    made = indications_table(
        result, result.proofs, _("The way without a hold-out, tried where there is one"), "", True
    )
    fold = render("rows", summary=_("What one would have said without a hold-out"), parts=[made], warn=False)
    return together(sentence(said if found else ""), fold)


def _printed(shown: Evaluation | None, published: Sequence[PublishedFigure]) -> Part:
    if shown is None:
        return Part()
    figures = {f.name: f.value for f in publication(shown).figures if f.value is not None}
    return published_table(figures, tuple(published), "campaigns")
