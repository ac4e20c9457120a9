"""Segments in the reader's words: who holds the money, who slips away, how far to trust it, what to do."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation import Segmentation
from crm_lib.contract.publication import Publication
from crm_lib.show.data_card import data_card
from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, steps, together
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.money_held import money_by_segment, pyramid
from crm_lib.show.segmentation.names import brief, own_money
from crm_lib.show.segmentation.portrait import by_dimension
from crm_lib.show.segmentation.trust import tie_notes, trust
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, currency, day, interval, ngettext, number, percent

__all__ = [
    "at_risk",
    "by_dimension",
    "data_card",
    "headline",
    "money_by_segment",
    "next_steps",
    "publication",
    "pyramid",
    "scores",
    "trust",
]

ALL_SCORES_UP_TO = 200
N_TOP_SCORES = 20
N_STEPS = 5


def headline(result: Segmentation) -> Part:
    """Three cards and two sentences: the top fifth, the richest segment, good customers going quiet."""
    first = _("{n} customers have spent {money} up to {day}.").format(
        n=number(result.n_customers), money=brief(result, result.amount), day=day(result.as_of)
    )
    boxes = cards(_top_card(result), _richest_card(result), _slipping_card(result))
    return together(boxes, sentence(first, _half(result)), *(note(text) for text in cautions(result)))


def cautions(result: Segmentation) -> tuple[str, ...]:
    """What the reader must know before using a figure: too few, all alike, no money, too many ties."""
    if result.n_customers == 1:
        return (
            _("There is only one customer: there is nobody to compare with, and every grade is the middle one."),
        )
    said = []
    if not result.top_fifth:
        said.append(_("Nobody has paid more than was paid back: shares of the money can't be told."))
    if (result.accounts["n_distinct"] == 1).all():
        said.append(_("All customers are alike in days, orders and money: no grade tells them apart."))
        return tuple(said)
    return (*said, *tie_notes(result))


def _top_card(result: Segmentation) -> Card:
    top = result.top_fifth
    if not top:
        return Card(_("The top fifth holds"), "–", sentence=_("There is no money to share."))
    k = int(result.tops.loc[result.tops["top"] == 0.20, "n_customers"].iloc[0])
    said = ngettext(
        "**{k}** of {n} customers brings more than any other.", "**{k}** of {n} customers bring it.", k
    ).format(k=number(k), n=number(result.n_customers))
    return Card(_("The top fifth holds"), percent(top.value), interval(top.low, top.high, percent, top.n), said)


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
        Field("segment", _("Segment")),
        Field("n_orders", _("Orders"), number),
        Field("days_since_last", _("Days silent"), number),
        Field("amount", _("Spent so far"), lambda x: own_money(result, x)),
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
    """Code and weighted score: of every customer where there are up to 200, else of the twenty highest."""
    words = names.segments()
    ordered = result.customers.sort_values(["weighted", "amount", "customer_id"], ascending=[False, False, True])
    everyone = result.n_customers <= ALL_SCORES_UP_TO
    shown = ordered if everyone else ordered.head(N_TOP_SCORES)
    shown = shown.assign(segment=shown["segment"].map(lambda s: words[s].name))
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
    caption = (_("All {n} customers, highest score first") if everyone else _("The {n} highest scores")).format(
        n=number(len(shown))
    )
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


def publication(result: Segmentation) -> Publication:
    """The figures in the reader's words, with the line for the index and what to read with care."""
    made = result.publication
    units = tuple(replace(f, unit=currency() or "money") if f.unit == "money" else f for f in made.figures)
    return replace(made, figures=units).worded(_figure_words(), _summary(result), cautions(result))


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
        "grades_as_printed": _("Grades as printed in the source"),
        "codes_as_printed": _("Codes as printed in the source"),
        "scores_as_printed": _("Weighted scores as printed in the source"),
    } | {f"segment_{s}_amount": _("Money of “{name}”").format(name=w.name) for s, w in words.items()}
