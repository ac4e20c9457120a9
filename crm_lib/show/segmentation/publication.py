"""What the page hands over: figures in the reader's words and the customer table with every scheme."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from crm_lib.analysis.segmentation import Segmentation
from crm_lib.contract.publication import Figure, Publication
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.cautions import cautions
from crm_lib.show.segmentation.clusters import cluster_figures
from crm_lib.show.segmentation.names import brief
from crm_lib.theme.words import _, currency, ngettext, number, percent


def publication(result: Segmentation, *others: Any) -> Publication:
    """The figures in the reader's words, with the line for the index and what to read with care.

    `others` are schemes, moves, an overlap, clusters: what of them has `figures`, `customers` (by customer_id)
    or `tables` is published with the rest; None is left out.
    """
    made = result.publication
    figures, tables = [*made.figures], dict(made.tables)
    for other in (o for o in others if o is not None):
        figures += other.figures
        tables["customers"] = _beside(tables["customers"], getattr(other, "customers", None))
        tables |= getattr(other, "tables", {})
    tables["segments"] = _segments(tables["customers"])
    worded = replace(made, figures=tuple(_unit(f) for f in figures), tables=tables)
    return worded.worded(_figure_words() | cluster_figures(), _summary(result), cautions(result))


def _segments(customers: pd.DataFrame) -> pd.DataFrame:
    """One row per segment that has customers: its id, its name in the reader's words, customers and money."""
    words = names.segments()
    held = customers.groupby("segment", as_index=False, observed=True).agg(
        n_customers=("customer_id", "size"), amount=("amount", "sum")
    )
    held.insert(1, "name", [words[s].name if s in words else s for s in held["segment"]])
    return held.sort_values(["amount", "segment"], ascending=[False, True]).reset_index(drop=True)


def _unit(figure: Figure) -> Figure:
    return replace(figure, unit=currency() or "money") if figure.unit == "money" else figure


def _beside(customers: pd.DataFrame, more: pd.DataFrame | None) -> pd.DataFrame:
    """The customer table with the columns of `more` that it lacks."""
    if more is None or more.empty:
        return customers
    new = [c for c in more.columns if c not in customers.columns]
    return customers.merge(more[["customer_id", *new]], "left", "customer_id")


def _summary(result: Segmentation) -> str:
    figures = result.publication
    n = figures["slipping_n"].value
    at_stake = ngettext(
        "{n} good customer going quiet has spent {money}.", "{n} good customers going quiet have spent {money}.", n
    ).format(n=number(n), money=brief(result, figures["slipping_amount"].value))
    if not result.top_fifth:
        return at_stake
    return _("The top fifth of {n} customers holds {share} of the money.").format(
        n=number(result.n_customers), share=percent(result.top_fifth.value)
    ) + (f" {at_stake}" if n else "")


def _figure_words() -> dict[str, str]:
    words = names.segments()
    return {
        "top_fifth_share": _("Share of money of the top fifth"),
        "slipping_amount": _("Spent so far by good customers going quiet"),
        "slipping_n": _("Good customers going quiet"),
        "best_segment_share": _("Share of money of the best customers"),
        "best_segment_n": _("Best customers"),
        "n_customers": _("Customers with an order"),
        "amount": _("Net amount of all customers"),
        "gini": _("Gini coefficient of money"),
        "mean_weighted": _("Mean weighted score"),
        "rank_agreement": _("Agreement with equal weights (Kendall's tau)"),
        "weight_days": _("Weight of days in the score"),
        "weight_orders": _("Weight of orders in the score"),
        "weight_money": _("Weight of money in the score"),
        "score_band_moved_n": _("Customers whose score class hangs on the weights"),
        "high_value_n": _("Customers of high value"),
        "high_value_share": _("Share of money of customers of high value"),
        "several_channels_n": _("Customers who buy through several channels"),
        "several_channels_share": _("Share of money of customers on several channels"),
        "moved_down_from_a_n": _("A customers who fell or stopped"),
        "moved_down_from_a_share": _("Share of A customers who fell or stopped"),
        "moved_down_from_a_amount": _("Money that A customers who fell or stopped no longer bring"),
        "moved_up_to_a_n": _("Customers who rose to A"),
        "lost_n": _("Customers graded at the start who stopped ordering"),
        "lost_share": _("Share of customers graded at the start who stopped ordering"),
        "new_n": _("New customers since the start"),
        "new_amount": _("Money of new customers since the start"),
        "contacted_twice_n": _("Customers who would be contacted twice or more"),
        "on_lists_n": _("Customers on any list"),
        "grades_as_printed": _("Grades as printed in the source"),
        "codes_as_printed": _("Codes as printed in the source"),
        "scores_as_printed": _("Weighted scores as printed in the source"),
    } | {f"segment_{s}_amount": _("Money of “{name}”").format(name=w.name) for s, w in words.items()}
