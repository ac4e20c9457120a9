"""What the reader must know before using a figure: too few, all alike, no money, too many ties."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.segmentation import TOO_MANY_TIED, Segmentation
from crm_lib.show.segmentation.names import own_money
from crm_lib.theme.words import _, ngettext, number, percent


def cautions(result: Segmentation) -> tuple[str, ...]:
    """The cautions that apply, each a sentence or two; they are published as notes, too."""
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


def tie_notes(result: Segmentation) -> tuple[str, ...]:
    """One warning per dimension in which more than 35 % of the customers share one value."""
    if result.n_customers == 1:
        return ()
    tied = result.accounts[(result.accounts["commonest_share"] > TOO_MANY_TIED)]
    return tuple(_tie_note(result, row) for row in tied.itertuples())


def _tie_note(result: Segmentation, row: pd.Series) -> str:
    said = {
        "r": _("{share} of the customers ordered last on the same day, {value} days back"),
        "f": ngettext(
            "{share} of the customers have {value} order",
            "{share} of the customers have {value} orders",
            row.commonest,
        ),
        "m": _("{share} of the customers spent the same, {value}"),
    }[row.dimension].format(
        share=percent(row.commonest_share), value=value_words(result, row.dimension, row.commonest)
    )
    then = {
        "fixed": _(
            "{said}. That is too many to cut by count, so fixed limits are used instead: {cuts}. They tell apart "
            "about {n} groups."
        ),
        "own": _("{said}. Your own limits are kept: {cuts}. They tell apart about {n} groups."),
    }.get(
        row.rule,
        _(
            "{said}. Equal customers get equal grades, so this grade tells apart only about {n} groups instead of "
            "five; own limits may serve better."
        ),
    )
    cuts = " · ".join(value_words(result, row.dimension, cut) for cut in row.cuts)
    return then.format(said=said, cuts=cuts, n=number(row.n_effective, 1))


def value_words(result: Segmentation, dimension: str, x: float) -> str:
    """A value of days, orders or money."""
    return own_money(result, x) if dimension == "m" else number(x)
