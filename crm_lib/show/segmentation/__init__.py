"""Segments in the reader's words: who holds the money, who slips away, how far to trust it, what to do."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation import Moves, Segmentation
from crm_lib.show.data_card import data_card
from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, steps, together
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.cautions import cautions
from crm_lib.show.segmentation.clusters import cluster_names, clusters
from crm_lib.show.segmentation.money_held import money_by_segment, pyramid
from crm_lib.show.segmentation.moves import from_a, migration
from crm_lib.show.segmentation.names import brief, own_money
from crm_lib.show.segmentation.portrait import portrait
from crm_lib.show.segmentation.publication import publication
from crm_lib.show.segmentation.shared import overlap
from crm_lib.show.segmentation.side_by_side import fold, schemes
from crm_lib.show.segmentation.trust import trust
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, day, interval, ngettext, number, percent

__all__ = [
    "at_risk",
    "cluster_names",
    "clusters",
    "data_card",
    "headline",
    "migration",
    "money_by_segment",
    "next_steps",
    "overlap",
    "portrait",
    "publication",
    "pyramid",
    "schemes",
    "scores",
    "trust",
]

ALL_SCORES_UP_TO = 200
N_TOP_SCORES = 10
N_STEPS = 5


def headline(result: Segmentation, moves: Moves | None = None) -> Part:
    """Three cards and a few sentences: the top fifth, the richest segment, good customers going quiet, moves."""
    first = _("{n} customers have spent {money} up to {day}.").format(
        n=number(result.n_customers), money=brief(result, result.amount), day=day(result.as_of)
    )
    boxes = cards(_top_card(result), _richest_card(result), _slipping_card(result))
    said = sentence(first, _half(result), from_a(result, moves))
    return together(boxes, said, *(note(text) for text in cautions(result)))


def _top_card(result: Segmentation) -> Card:
    top = result.top_fifth
    if not top:
        return Card(_("The top fifth holds"), "–", sentence=_("There is no money to share."))
    return Card(
        _("The top fifth holds"),
        percent(top.value),
        interval(top.low, top.high, percent, top.n),
        _who_they_are(result),
    )


def _who_they_are(result: Segmentation) -> str:
    if result.n_customers == 1:
        return _("There is only one customer.")
    k = int(result.tops.loc[result.tops["top"] == 0.20, "n_customers"].iloc[0])
    return ngettext(
        "**{k}** of {n} customers brings more than any other.", "**{k}** of {n} customers bring it.", k
    ).format(k=number(k), n=number(result.n_customers))


def _richest_card(result: Segmentation) -> Card:
    richest = result.by_segment.iloc[0]
    words = names.segments()[richest["segment"]]
    said = _("of the money, from {n} customers, **{share}** of all. {meaning}").format(
        n=number(richest["n_customers"]), share=percent(richest["customer_share"]), meaning=words.meaning
    )
    bounds = interval(richest["low"], richest["high"], percent, result.n_customers)
    return Card(words.name, percent(richest["amount_share"]), bounds, said)


def _slipping_card(result: Segmentation) -> Card:
    figures = result.publication
    n, amount = figures["slipping_n"].value, figures["slipping_amount"].value
    if not n:
        return Card(
            _("Good customers going quiet"),
            number(0),
            sentence=_("Nobody who spent much has gone quiet."),
            badge=Badge(_("all well"), "good"),
        )
    said = ngettext(
        "**{n}** customer who spent much has not bought lately. What was spent so far is at stake.",
        "**{n}** customers who spent much have not bought lately. What they spent so far is at stake.",
        n,
    ).format(n=number(n))
    return Card(
        _("Good customers going quiet"),
        brief(result, amount),
        sentence=said,
        badge=Badge(_("act on it"), "care"),
    )


def _half(result: Segmentation) -> str:
    top = result.by_grade.iloc[0]
    if not top["n_customers"]:
        return ""
    return ngettext(
        "{share} of the money comes from **{n}** customer, {customers} of all.",
        "{share} of the money comes from **{n}** customers, {customers} of all.",
        int(top["n_customers"]),
    ).format(
        share=percent(top["amount_share"]),
        n=number(top["n_customers"]),
        customers=percent(top["customer_share"], 0 if top["customer_share"] >= 0.01 else 1),
    )


def at_risk(result: Segmentation) -> Part:
    """The ten customers of the slipping segments who spent most."""
    found = segmentation.at_risk(result)
    if found.empty:
        return sentence(_("Nobody who spent much has gone quiet."))
    words = names.segments()
    shown = found.assign(segment=found["segment"].map(lambda s: words[s].name))
    fields = [
        Field("customer_id", _("Customer")),
        Field("amount", _("Spent so far"), lambda x: own_money(result, x)),
        Field("days_since_last", _("Days silent"), number),
        Field("n_orders", _("Orders"), number),
        Field("segment", _("Segment")),
    ]
    figures = result.publication
    n, amount = figures["slipping_n"].value, figures["slipping_amount"].value
    caption = _("{k} of {n}, by what they spent so far").format(k=number(len(found)), n=number(n))
    said = _("Together they spent **{money}**, {share} of what all {n} spent.").format(
        money=brief(result, found["amount"].sum()), share=percent(found["amount"].sum() / amount), n=number(n)
    )
    return together(table(shown, fields, caption), sentence(said if len(found) > 1 else "", _not_lately(result)))


def _not_lately(result: Segmentation) -> str:
    n = result.cut("r", 2)
    if n is None:
        return ""
    return ngettext(
        "“Not lately” means here: more than {n} day ago.",
        "“Not lately” means here: more than {n} days ago.",
        n,
    ).format(n=number(n))


def scores(result: Segmentation) -> Part:
    """Code and weighted score of the ten highest; of all customers in a fold where there are up to 200."""
    ordered = result.customers.sort_values(["weighted", "amount", "customer_id"], ascending=[False, False, True])
    first = ordered.head(N_TOP_SCORES)
    caption = _("The {n} highest scores").format(n=number(len(first)))
    if result.n_customers <= N_TOP_SCORES:
        caption = _("All {n} customers, highest score first").format(n=number(len(first)))
    if not N_TOP_SCORES < result.n_customers <= ALL_SCORES_UP_TO:
        return _scores(result, first, caption)
    everyone = _("All {n} customers, highest score first").format(n=number(result.n_customers))
    return together(_scores(result, first, caption), fold(everyone, _scores(result, ordered, everyone)))


def _scores(result: Segmentation, customers: pd.DataFrame, caption: str) -> Part:
    words = names.segments()
    shown = customers.assign(segment=customers["segment"].map(lambda s: words[s].name))
    printed = [Field("printed_weighted", _("As printed"), lambda x: number(x, 2))]
    fields = [
        Field("customer_id", _("Customer")),
        Field("code", _("Grades"), str),
        Field("weighted", _("Score"), lambda x: number(x, 2)),
        *(printed if "printed_weighted" in shown else []),
        Field("days_since_last", _("Days silent"), number),
        Field("n_orders", _("Orders"), number),
        Field("amount", _("Money"), lambda x: own_money(result, x)),
        *([] if "printed_weighted" in shown else [Field("segment", _("Segment"))]),
    ]
    return table(shown, fields, caption)


def next_steps(result: Segmentation) -> Part:
    """What to do per segment, ranked by the money its customers spent so far."""
    words = names.segments()
    rows = result.by_segment[result.by_segment["amount"] > 0].head(N_STEPS)
    if rows.empty:
        return sentence(_("No segment has brought any money yet: there is nothing to rank."))
    said = ngettext(
        "**{name}** ({n} customer, {money}): {action}", "**{name}** ({n} customers, {money}): {action}", 2
    )
    return steps(
        *(
            (
                said
                if row.n_customers != 1
                else ngettext(
                    "**{name}** ({n} customer, {money}): {action}",
                    "**{name}** ({n} customers, {money}): {action}",
                    1,
                )
            ).format(
                name=words[row.segment].name,
                n=number(row.n_customers),
                money=brief(result, row.amount),
                action=words[row.segment].action,
            )
            for row in rows.itertuples()
        )
    )
