"""How far segments can be trusted: rows, ties, weights, and what the source prints."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.segmentation import TOO_MANY_TIED, Segmentation
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.names import own_money
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, ngettext, number, percent


def trust(result: Segmentation, published: Sequence[PublishedFigure] = ()) -> Part:
    """Rows used and left out, what ties leave of the grades, what the weights change, what others print."""
    figures = {f.name: f.value for f in result.publication.figures if f.value is not None}
    return together(
        sentence(_rows(result), _left_out(result)),
        _grades(result),
        *(note(text) for text in tie_notes(result)),
        sentence(_weights(result)),
        _printed(result),
        published_table(figures, tuple(published), "segmentation"),
    )


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
    }[row.dimension].format(share=percent(row.commonest_share), value=_value(result, row.dimension, row.commonest))
    return _(
        "{said}. Equal customers get equal grades, so this grade tells apart only about {n} groups instead of "
        "five; own cut points may serve better."
    ).format(said=said, n=number(row.n_effective, 1))


def _value(result: Segmentation, dimension: str, x: float) -> str:
    return own_money(result, x) if dimension == "m" else number(x)


def _rows(result: Segmentation) -> str:
    rows = result.rows
    if rows.table == "customer_summaries":
        return _("{rows} customers were read, already summed up by the source; {n} of them have an order.").format(
            rows=number(rows.n_rows), n=number(result.n_customers)
        )
    return _("{rows} purchase rows of {customers} customers were used; {n} customers have an order.").format(
        rows=number(rows.n_rows), customers=number(rows.n_customers), n=number(result.n_customers)
    )


def _left_out(result: Segmentation) -> str:
    if not result.rows.n_left_out:
        return _("Nobody was left out.")
    return ngettext(
        "{n} customer without an order is left out, with a net amount of {money}.",
        "{n} customers without an order are left out, with a net amount of {money}.",
        result.rows.n_left_out,
    ).format(n=number(result.rows.n_left_out), money=own_money(result, result.rows.left_out_amount))


def _grades(result: Segmentation) -> Part:
    words = names.dimensions()
    rows = list(result.accounts.itertuples())
    shown = result.accounts[["commonest_share", "n_effective"]].assign(
        dimension=[words[row.dimension] for row in rows],
        cuts=[" · ".join(number(c) for c in row.cuts) or _("none") for row in rows],
        commonest=[_value(result, row.dimension, row.commonest) for row in rows],
    )
    fields = [
        Field("dimension", _("Graded by")),
        Field("n_effective", _("Grades in effect"), lambda x: number(x, 1)),
        Field("commonest", _("Commonest value"), str),
        Field("commonest_share", _("Share that has it"), lambda x: percent(x, 1)),
        Field("cuts", _("Cut points"), str),
    ]
    return table(shown, fields, _("How the grades came about"), _rule(result))


def _rule(result: Segmentation) -> str:
    said = {
        "nearest": _(
            "Cut points lie where the count of customers comes nearest to a fifth, two fifths and so on."
        ),
        "quantile": _("Cut points are the quantiles at 20, 40, 60 and 80 % (type 7)."),
    }[result.how.rule]
    own = [names.dimensions()[d] for d in result.how.cuts]
    return said + (" " + _("Own cut points: {list}.").format(list=", ".join(own)) if own else "")


def _weights(result: Segmentation) -> str:
    r, f, m = (number(w, 2) for w in result.how.weights)
    said = _("The score weighs days {r}, orders {f}, money {m}.").format(r=r, f=f, m=m)
    if result.rank_agreement is None:
        return said
    return f"{said} " + _(
        "Against equal weights the order of the customers agrees to {tau} (Kendall's tau; 1 is the same order)."
    ).format(tau=number(result.rank_agreement, 2))


def _printed(result: Segmentation) -> Part:
    if not result.printed:
        return Part()
    words = {"grades": _("Grades"), "codes": _("Codes"), "scores": _("Weighted scores")}
    shown = pd.DataFrame(
        {
            "what": [words[a.what] for a in result.printed],
            "n": [a.n for a in result.printed],
            "n_same": [a.n_same for a in result.printed],
            "verdict": [
                _("✓ as printed") if a.n == a.n_same else _("✗ {n} differ").format(n=number(a.n - a.n_same))
                for a in result.printed
            ],
        }
    )
    fields = [
        Field("what", _("What")),
        Field("n", _("Printed"), number),
        Field("n_same", _("Same here"), number),
        Field("verdict", _("Result")),
    ]
    return table(shown, fields, _("Checked against what the source prints, computed again for this page"))
