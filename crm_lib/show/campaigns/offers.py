"""Price and discount in the reader's words: how much, what came with it, and what campaigns changed."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.campaigns import Evaluation, Prices
from crm_lib.analysis.intervals import Interval
from crm_lib.show.campaigns.names import brief, estimate, frame_of, per_head, titles
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import NOTHING, _, interval, number, percent, pgettext


def discounts(result: Evaluation) -> Part:
    """Show what share of sales was discounted, what came with it, before and after, against hold-outs."""
    found = result.prices
    if found is None:
        return note(
            _(
                "No list price or discount is recorded with the sales, so what was sold at a discount can't "
                "be told: "
                "a low price alone may be another product, another size or a mistake."
            )
        )
    return together(_discounted(result, found), _lines(found), _around(result, found))


def _discounted(result: Evaluation, found: Prices) -> Part:
    change = ""
    if found.earlier_share is not None:
        change = " " + _("The year before it was {share}.").format(share=percent(found.earlier_share, 1))
    said = _(
        "**{share}** of the last year's sales were sold at a discount, on average {depth} off; **{given}** "
        "was given up. "
        "{orders} of orders had one ({bounds})."
    ).format(
        share=percent(found.sales_share, 1),
        depth=percent(found.depth, 1),
        given=brief(found.given),
        orders=percent(found.orders.value),
        bounds=interval(found.orders.low, found.orders.high, percent, found.orders.n),
    )
    return sentence(said + change)


def _lines(found: Prices) -> Part:
    if len(found.lines) < 2:
        return Part()
    rows = found.lines.assign(
        name=[_("At a discount") if d else _("At list price") for d in found.lines["discounted"]]
    )
    fields = [
        Field("name", _("Sold")),
        Field("n", _("Lines"), number),
        Field("amount", pgettext("money", "Sales"), brief),
        Field("mean_amount", _("Money a line"), per_head),
        Field("mean_units", _("Units a line"), lambda x: number(x, 2)),
    ]
    foot = _("Whoever buys more may also get the discount: the difference is not what the discount brought.")
    return table(rows, fields, _("What volume came with it"), foot)


def _around(result: Evaluation, found: Prices) -> Part:
    rows = found.campaigns
    if rows.empty:
        return Part()
    names, tests = titles(result), {u.campaign_id: u for u in result.tested}
    told = []
    for r in rows.to_dict("records"):
        u = tests.get(r["campaign_id"])
        told.append(
            {
                "name": names.get(r["campaign_id"], r["campaign_id"]),
                "before": r.get("treated_before_share"),
                "after": r.get("treated_after_share"),
                "held": r.get("control_after_share") if u else None,
                "more": _ranged(r) if u else _("no hold-out"),
                "sales": _("no hold-out") if u is None else estimate(u.revenue),
            }
        )
    fields = [
        Field("name", _("Campaign")),
        Field("before", _("Discounted before"), percent),
        Field("after", _("Discounted after"), percent),
        Field("held", _("Held out, after"), percent),
        Field("more", _("More discount per head (90 %)"), str),
        Field("sales", _("More sales per head (90 %)"), str),
    ]
    foot = _(
        "Before and after is indicative only; the last two columns compare with those held out and are what "
        "the campaign did."
    )
    return table(frame_of(told), fields, _("Share of sales discounted, around each campaign"), foot)


def _ranged(r: dict) -> str:
    if pd.isna(r["off_more"]):
        return NOTHING
    return estimate(Interval(r["off_more"], r["off_more_low"], r["off_more_high"], int(r["control_n"])))
