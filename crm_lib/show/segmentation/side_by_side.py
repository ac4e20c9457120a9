"""Schemes side by side: value, kind, channels and behaviour in one table, everything else in a fold."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from crm_lib.analysis.segmentation import Scheme, Schemes, Segmentation
from crm_lib.analysis.segmentation.schemes import BEHAVIOUR, VALUE
from crm_lib.show.parts import Part, render, sentence, terms, together
from crm_lib.show.segmentation.class_names import class_meaning, class_name, scheme_name
from crm_lib.show.segmentation.names import brief
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import LEVEL, _, between, ngettext, number, percent

SHOWN_FIRST = ("value_level", "value_kind", "channels")
SHOWN_ELSEWHERE = ("value_grade", "segment")  # have a section of their own
MOSTLY_UNKNOWN = 0.40


def schemes(result: Segmentation, found: Schemes) -> Part:
    """Who is of high value, what kind, on which channels, under which rule; other schemes in a fold."""
    first = [s for s in found if s.name in SHOWN_FIRST or s.kind == BEHAVIOUR]
    rest = [s for s in found if s not in first and s.name not in SHOWN_ELSEWHERE]
    kept = [s for s in rest if not s.constant]
    return together(
        sentence(_high(result, found), _several(found)),
        _table(result, first, _("Every customer is in one class of each scheme")),
        fold(_("What these classes mean"), terms(_meanings(first))),
        fold(_more(kept), _table(result, kept, _("Other ways to group the same customers"))) if kept else Part(),
        sentence(_told_nothing(found), _mostly_unknown(found), _missing(found)),
    )


def fold(summary: str, *parts: Part) -> Part:
    """Parts under a line that the reader may open."""
    return render("rows", summary=summary, parts=parts, warn=False)


def _high(result: Segmentation, found: Schemes) -> str:
    row = found["value_level"].classes.iloc[0]
    if pd.isna(row["amount_share"]) or not row["n_customers"]:
        return ""
    return _(
        "**{n}** customers ({customers}) are of high value and hold **{share}** of the money (90 %: {range})."
    ).format(
        n=number(row["n_customers"]),
        customers=percent(row["customer_share"]),
        share=percent(row["amount_share"]),
        range=between(row["low"], row["high"], percent),
    )


def _several(found: Schemes) -> str:
    if "channels" not in found:
        return ""
    rows = found["channels"].classes.set_index("name")
    if "several" not in rows.index or pd.isna(rows.loc["several", "amount_share"]):
        return _("Nobody buys through more than one channel.")
    row = rows.loc["several"]
    return _(
        "{customers} of all customers buy through several channels and bring {share} of the money: {times} times "
        "as much per customer as all together."
    ).format(
        customers=percent(row["customer_share"]),
        share=percent(row["amount_share"]),
        times=number(row["amount_share"] / row["customer_share"], 1),
    )


def _meanings(found: Iterable[Scheme]) -> dict[str, str]:
    said = {
        class_name(scheme, row): class_meaning(scheme, row)
        for scheme in found
        for row in scheme.classes.itertuples(index=False)
    }
    return {name: meaning for name, meaning in said.items() if meaning}


def _table(result: Segmentation, found: Iterable[Scheme], caption: str) -> Part:
    rows = [_row(scheme, row) for scheme in found for row in scheme.classes.itertuples(index=False)]
    shown = pd.DataFrame([row for row in rows if row])
    if shown.empty:
        return Part()
    fields = [
        Field("said", _("Class")),
        Field("n_customers", _("Customers"), number),
        Field("customer_share", _("Of all"), lambda x: percent(x, 0 if x >= 0.01 or x == 0 else 1)),
        Field("share", _("Share of money ({level})").format(level=percent(LEVEL)), str),
        Field("amount", _("Money"), lambda x: brief(result, x)),
    ]
    return table(shown, fields, caption)


def _row(scheme: Scheme, row: object) -> dict[str, object] | None:
    """One line of the table; of a rule on behaviour only those for whom it holds."""
    if scheme.behaviour and row.name == "no":
        return None
    if scheme.behaviour:
        said = scheme_name(scheme)
    elif scheme.kind == VALUE or scheme.name == "channels":
        said = class_name(scheme, row)
    else:
        said = _("{scheme}: {value}").format(scheme=scheme_name(scheme), value=class_name(scheme, row))
    return {
        "said": said[:1].upper() + said[1:],
        "n_customers": row.n_customers,
        "customer_share": row.customer_share,
        "amount": row.amount,
        "share": _share(row),
    }


def _share(row: object) -> str:
    if pd.isna(row.amount_share):
        return "–"
    bounds = "" if pd.isna(row.low) else f" ({between(row.low, row.high, percent)})"
    return percent(row.amount_share) + bounds


def _more(found: list[Scheme]) -> str:
    return _("More groups: {list}").format(list=", ".join(scheme_name(s) for s in found))


def _told_nothing(found: Schemes) -> str:
    same = [s for s in found if s.constant and s.kind != VALUE]
    if not same:
        return ""
    return _("All customers are in one class, so this tells nobody apart: {list}.").format(
        list=", ".join(scheme_name(s) for s in same)
    )


def _mostly_unknown(found: Schemes) -> str:
    said = [
        _("{scheme} ({share})").format(scheme=scheme_name(s), share=percent(s.unknown_share))
        for s in found
        if s.unknown_share >= MOSTLY_UNKNOWN
    ]
    if not said:
        return ""
    return _("Not known of many customers, so read with care: {list}.").format(list=", ".join(said))


def _missing(found: Schemes) -> str:
    if not found.missing:
        return ""
    return ngettext("Not in this source: {list}.", "Not in this source: {list}.", len(found.missing)).format(
        list=", ".join(scheme_name(name) for name in found.missing)
    )
