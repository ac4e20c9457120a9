"""Comparisons without a hold-out as a table, alone or beside what a hold-out says."""

from __future__ import annotations

from collections.abc import Sequence

from crm_lib.analysis.campaigns import Evaluation, Indication
from crm_lib.analysis.intervals import Interval
from crm_lib.show.campaigns.names import estimate, frame_of, titles
from crm_lib.show.parts import Part
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, number, percent


def indications_table(
    result: Evaluation, found: Sequence[Indication], caption: str, foot: str, beside: bool = False
) -> Part:
    """One row per campaign; `beside` adds what its hold-out says, and whether that lies in the range."""
    known = {u.campaign_id: u.revenue for u in result.tested}
    rows = []
    for i in found:
        row = {"name": titles(result)[i.campaign_id], "n": i.n_treated, "others": i.n_others}
        row["money"] = estimate(i.money) if i.money else _why(i.why)
        row["matched"] = i.matched_share
        if beside:
            held = known[i.campaign_id]
            row |= {"held": estimate(held), "agree": _agree(i.money, held)}
        rows.append(row)
    fields = [
        Field("name", _("Campaign")),
        Field("n", _("Contacted"), number),
        Field("others", _("Others like them"), number),
        Field("matched", _("Have others like them"), percent),
        Field("money", _("More sales per head (90 %)"), str),
    ]
    if beside:
        fields += [Field("held", _("By the hold-out (90 %)"), str), Field("agree", _("Same answer?"))]
    return table(frame_of(rows), fields, caption, foot)


def _why(why: str) -> str:
    return {
        "few": _("too few to compare"),
        "too early": _("too early"),
        "unlike": _("too few others like them"),
    }[why]


def _agree(seen: Interval, held: Interval) -> str:
    if not seen or not held:
        return _("◌ can't be told")
    signs = [(i.low > 0) - (i.high < 0) for i in (seen, held)]
    return _("✓ yes") if signs[0] == signs[1] else _("✗ no")
