"""Value by an attribute of the customer, in the reader's words."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.segmentation import ByDimension
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.segmentation.names import MILLION
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, money, name, ngettext, number, percent


def by_dimension(found: ByDimension) -> Part:
    """Money per customer by an attribute, with intervals; in words where the attribute does not exist."""
    if found.groups is None:
        return note(_missing(found))
    groups = found.groups.assign(
        label=[_label(row) for row in found.groups.itertuples()],
        bounds=[
            between(low, high, money) for low, high in zip(found.groups["low"], found.groups["high"], strict=True)
        ],
        top=[_top(row) for row in found.groups.itertuples()],
    )
    apart = groups[groups["apart"] & (groups["kind"] == "value")]
    labels = Labels(
        _title(found, apart),
        _(
            "Mean net amount per customer by {dimension}, with 90 % interval; {n} customers, most money first"
        ).format(dimension=name(found.dimension), n=number(found.n_customers)),
        _("Bars: {list}.").format(
            list="; ".join(f"{row.label} {money(row.mean_amount)}" for row in groups.itertuples())
        ),
    )
    chart = bars(groups, "label", "mean_amount", labels, money, "low", "high", highlight=list(apart["label"][:1]))
    return together(chart, sentence(_apart(found, apart)), _table(found, groups))


def _missing(found: ByDimension) -> str:
    if not found.available:
        return _("This source has no table of customers, so there is no attribute to set them apart by.")
    return _(
        "The customers of this source have no column “{dimension}”. These exist and can be chosen: {list}."
    ).format(dimension=name(found.dimension), list=", ".join(name(c) for c in found.available))


def _label(row: pd.Series) -> str:
    if row.kind == "unknown":
        return _("(not known)")
    return _("(all others)") if row.kind == "others" else name(row.group)


def _top(row: pd.Series) -> str:
    if pd.isna(row.top_share):
        return ""
    return f"{percent(row.top_share)} ({between(row.top_low, row.top_high, percent)})"


def _title(found: ByDimension, apart: pd.DataFrame) -> str:
    if apart.empty:
        return _("No {dimension} stands out in money per customer").format(dimension=name(found.dimension, 20))
    first = apart.iloc[0]
    return _("{group}: {own} per customer, elsewhere {others}").format(
        group=name(first["group"], 24), own=money(first["mean_amount"]), others=money(first["others_mean"])
    )


def _apart(found: ByDimension, apart: pd.DataFrame) -> str:
    if apart.empty:
        return _(
            "No group of {n} customers or more differs from the others by more than chance would make, all groups "
            "looked at together."
        ).format(n=number(found.compare_from))
    above = [name(r.group) for r in apart.itertuples() if r.mean_amount > r.others_mean]
    below = [name(r.group) for r in apart.itertuples() if r.mean_amount <= r.others_mean]
    said = []
    if above:
        said.append(_("More per customer than elsewhere: **{list}**.").format(list=", ".join(above)))
    if below:
        said.append(_("Less per customer than elsewhere: **{list}**.").format(list=", ".join(below)))
    return " ".join([*said, _("The differences hold at 90 %, all groups looked at together.")])


def _table(found: ByDimension, groups: pd.DataFrame) -> Part:
    in_short = groups["amount"].sum() >= MILLION
    fields = [
        Field("label", name(found.dimension)),
        Field("n_customers", _("Customers"), number),
        Field("amount", _("Money"), lambda x: money(x, compact=in_short)),
        Field("amount_share", _("Share of money"), lambda x: percent(x)),
        Field("mean_amount", _("Per customer"), money),
        Field("bounds", _("90 % interval"), str),
        Field("top", _("In value grade A (90 % interval)"), str),
    ]
    caption = _("Customers and money by {dimension}").format(dimension=name(found.dimension))
    return table(groups, fields, caption, _foot(found))


def _foot(found: ByDimension) -> str:
    few = _("Groups under {n} customers get no interval and are not compared.").format(
        n=number(found.compare_from)
    )
    if not found.n_merged:
        return few
    merged = ngettext(
        "{n} small value is in “(all others)”; fewer than {least} customers are never shown.",
        "{n} small values are in “(all others)”; fewer than {least} customers are never shown.",
        found.n_merged,
    )
    return f"{merged.format(n=number(found.n_merged), least=number(found.suppress_below))} {few}"
