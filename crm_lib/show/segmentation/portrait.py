"""What sets each segment apart from all other customers, in words: the richest first, the rest in a fold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crm_lib.analysis.segmentation.portrait import CONSTANT, FOLLOWS, SCATTERED, UNREADABLE, Portrait
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.segmentation import names
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, name, ngettext, number, percent, pgettext, points, short_month, signed

N_SEGMENTS = 4
N_DIFFERENCES = 3
MOST_IN_FOLD = 100
EPOCH = dt.date(1970, 1, 1)


def portrait(found: Portrait, words: Mapping[str, str] | None = None) -> Part:
    """The three strongest differences of each of the richest segments; everything else that holds in a fold.

    `words` names the classes; segments have their own names.
    """
    said = dict(words or {}) or {s: w.name for s, w in names.segments().items()}
    if found.comparisons.empty:
        return note(_nothing_known(found))
    with_some = found.groups[found.groups["n_found"] > 0]
    if with_some.empty:
        return together(sentence(_none_apart(found)), _fold(found, said, []))
    first = with_some["group"].head(N_SEGMENTS).tolist()
    rows = pd.concat([found.top(c, N_DIFFERENCES) for c in first])
    caption = _("What sets the segments with most money apart from all other customers")
    lead = sentence(_first(found, first[0], said))
    return together(lead, _table(rows, said, caption, _foot(found)), _fold(found, said, first))


def _nothing_known(found: Portrait) -> str:
    if not found.groups["compared"].any():
        return _(
            "No segment has {n} customers with {n} others beside it: there is nothing to compare and no portrait."
        ).format(n=number(found.compare_from))
    return _(
        "This source says nothing of its customers but when they bought and what they paid: no portrait can be "
        "drawn. It needs attributes, channels, product categories or survey answers."
    )


def _none_apart(found: Portrait) -> str:
    return _(
        "In {n} comparisons no segment differs from the other customers by more than chance would make, all "
        "looked at together."
    ).format(n=number(len(found.comparisons)))


def _first(found: Portrait, top: str, said: Mapping[str, str]) -> str:
    rows = found.top(top, N_DIFFERENCES)
    listed = "; ".join(
        _("{what} {here} (elsewhere {elsewhere})").format(what=_what(r), here=_here(r), elsewhere=_elsewhere(r))
        for r in rows.itertuples()
    )
    return _("**{segment}** stand out by: {list}.").format(segment=_class(top, said), list=listed)


def _class(key: str, said: Mapping[str, str]) -> str:
    return said.get(key) or name(key)


def _table(rows: pd.DataFrame, said: Mapping[str, str], caption: str, foot: str = "") -> Part:
    each = list(rows.itertuples())
    shown = pd.DataFrame(
        {
            "segment": [_class(r[rows.columns.get_loc("group") + 1], said) for r in each],
            "what": [_what(r) for r in each],
            "here": [_here(r) for r in each],
            "elsewhere": [_elsewhere(r) for r in each],
            "difference": [_difference(r) for r in each],
            "n": [r.n for r in each],
        }
    )
    fields = [
        Field("segment", _("Segment")),
        Field("what", _("What")),
        Field("here", pgettext("segment", "Here"), str),
        Field("elsewhere", _("Elsewhere"), str),
        Field("difference", _("Difference (90 % interval)"), str),
        Field("n", _("n here"), number),
    ]
    return table(shown, fields, caption, foot)


def _what(row: Any) -> str:
    """What is compared, in words: an attribute and its level, a channel, a category, an answer."""
    attribute, level = attribute_name(row.attribute), name(row.level)
    if row.about == "bought":
        return {
            "unknown": _("bought what has no category"),
            "other": _("bought from other categories"),
        }.get(row.kind) or _("bought “{category}”").format(category=level)
    if row.about == "channels":
        return {
            "several": _("buys through several channels"),
            "unknown": _("channel of the purchases not known"),
            "other": _("buys through another channel only"),
        }.get(row.kind) or _("buys through “{channel}” only").format(channel=level)
    if row.form in ("number", "date"):
        return _("{attribute}, mean").format(attribute=attribute)
    if row.kind in ("unknown", "other"):
        level = _("not known") if row.kind == "unknown" else _("all others")
    elif row.form == "flag":
        level = _("yes") if row.level.lower() in ("true", "t", "1") else _("no")
    return _("{attribute}: {level}").format(attribute=attribute, level=level)


def attribute_name(column: str) -> str:
    """A column of the customers' table in the reader's words; the source's own columns by their own name."""
    known = {
        "since": _("customer since"),
        "owner": _("looked after by"),
        "consent": _("agreed to be contacted"),
        "unsubscribed_on": _("withdrew from contact"),
        "contract_end": _("end of contract"),
        "channel": _("came through"),
        "region": _("region"),
        "city": _("city"),
        "birth_year": _("year of birth"),
        "gender": _("gender"),
        "industry": _("industry"),
        "size": _("size"),
        "tier": _("tier"),
        "points": _("points"),
        "category": _("category"),
        "product_id": _("product"),
        "csat": _("satisfaction score"),
        "ratio": _("perceived ÷ expected"),
    }
    return known.get(column) or name(column)


def _value(row: Any, x: float) -> str:
    if row.form == "date":
        return short_month(EPOCH + dt.timedelta(days=round(x)))
    if row.form == "number":
        if row.attribute == "birth_year":
            return str(round(x))
        return number(x, 2 if abs(x) < 10 else 1 if abs(x) < 1000 else 0)
    return percent(x)


def _here(row: Any) -> str:
    if not row.hidden:
        return _value(row, row.own)
    return {"own_few": _("hardly any"), "own_all": _("nearly all")}.get(row.hidden) or _more_or_fewer(row.more)


def _elsewhere(row: Any) -> str:
    if not row.hidden:
        return _value(row, row.others)
    said = {"others_few": _("hardly any"), "others_all": _("nearly all")}
    return said.get(row.hidden) or _more_or_fewer(not row.more)


def _more_or_fewer(more: bool) -> str:
    return _("more") if more else _("fewer")


def _difference(row: Any) -> str:
    if row.hidden:
        return _("not shown")
    if row.form in ("number", "date"):
        said = _("{n} sd").format(n=signed(row.difference, lambda x: number(x, 2)))
        return f"{said} ({between(row.low, row.high, lambda x: number(x, 2))})"
    return f"{points(row.difference, 0)} ({between(100 * row.low, 100 * row.high, number)})"


def _foot(found: Portrait) -> str:
    said = [
        _(
            "Of {n} comparisons only those are named that hold at 90 % all together (Holm). Each interval is for "
            "its own difference: in percentage points, or in standard deviations (sd) where means are compared."
        ).format(n=number(len(found.comparisons))),
        _("Segments, levels and answers of fewer than {n} customers are not compared.").format(
            n=number(found.compare_from)
        ),
    ]
    if (found.comparisons["hidden"] != "").any():
        said.append(
            _("“Hardly any” and “nearly all” stand where fewer than {n} customers would be shown.").format(
                n=number(found.suppress_below)
            )
        )
    return " ".join(said)


def _fold(found: Portrait, said: Mapping[str, str], first: Sequence[str]) -> Part:
    holding = found.comparisons[found.comparisons["holds"]]
    rest = [c for c in found.groups["group"] if c not in first and (holding["group"] == c).any()]
    parts = []
    if rest:
        rows = pd.concat([found.top(c, N_DIFFERENCES) for c in rest])
        parts.append(_table(rows, said, _("The other segments, three differences each")))
    if len(holding):
        caption = _("Every difference that holds, strongest first in each segment")
        if len(holding) > MOST_IN_FOLD:
            caption = _("The first {k} of {n} differences that hold").format(
                k=number(MOST_IN_FOLD), n=number(len(holding))
            )
        parts.append(_table(holding.head(MOST_IN_FOLD), said, caption))
    parts += [p for p in (_missing(found), sentence(*_remarks(found, said))) if p.html]
    if not parts:
        return Part()
    summary = ngettext("{n} difference in all", "{n} differences in all", len(holding))
    return render("rows", summary=summary.format(n=number(len(holding))), warn=False, parts=parts)


def _missing(found: Portrait) -> Part:
    if found.missing.empty:
        return Part()
    shown = found.missing.assign(
        attribute=[
            _("channel of the purchases") if r.about == "channels" else attribute_name(r.attribute)
            for r in found.missing.itertuples()
        ]
    )
    fields = [
        Field("attribute", _("Attribute")),
        Field("share", _("Customers of whom it is not known"), lambda x: percent(x, 1)),
    ]
    foot = _("“Not known” is compared like a value of its own.")
    return table(shown, fields, _("How much is not known"), foot)


def _remarks(found: Portrait, said: Mapping[str, str]) -> list[str]:
    why = {
        CONSTANT: _("Not compared, since all customers have the same: {list}."),
        SCATTERED: _("Not compared, since no value or answer is shared by enough customers: {list}."),
        UNREADABLE: _("Not compared, since it is neither text, number nor date: {list}."),
        FOLLOWS: _("Not compared, since it follows from what was bought: {list}."),
    }
    remarks = []
    for reason, text in why.items():
        listed = [attribute_name(s.attribute) for s in found.skipped if s.reason == reason]
        remarks += [text.format(list=", ".join(listed))] if listed else []
    if found.cut_to_largest:
        text = _("More than 20 values, so the smaller ones are taken together: {list}.")
        remarks.append(text.format(list=", ".join(attribute_name(a) for a in found.cut_to_largest)))
    small = [_class(c, said) for c in found.groups.loc[~found.groups["compared"], "group"]]
    if small:
        text = _("Too few customers to compare: {list}.")
        remarks.append(text.format(list=", ".join(small)))
    return remarks
