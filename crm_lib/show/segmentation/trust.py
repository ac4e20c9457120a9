"""How far segments can be trusted: rows, ties, weights, and what is printed elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.segmentation import Agreement, Segmentation
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.cautions import tie_notes, value_words
from crm_lib.show.segmentation.names import own_money
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import _, ngettext, number, percent


def trust(
    result: Segmentation,
    published: Sequence[PublishedFigure] = (),
    textbook: Segmentation | None = None,
) -> Part:
    """Rows used and left out, what ties leave of the grades, what the weights change, what others print.

    `textbook` is the textbook's own table, graded by the same code for this page.
    """
    figures = {f.name: f.value for f in result.publication.figures if f.value is not None}
    return together(
        sentence(_rows(result), _left_out(result)),
        _grades(result),
        *(note(text) for text in tie_notes(result)),
        _weights(result),
        _printed(result, textbook),
        published_table(figures, tuple(published), "segmentation"),
    )


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
        cuts=[_cuts(row) for row in rows],
        commonest=[value_words(result, row.dimension, row.commonest) for row in rows],
    )
    fields = [
        Field("dimension", _("Graded by")),
        Field("n_effective", _("Grades in effect"), lambda x: number(x, 1)),
        Field("commonest", _("Commonest value"), str),
        Field("commonest_share", _("Share that has it"), lambda x: percent(x, 1)),
        Field("cuts", _("Cut points"), str),
    ]
    return table(shown, fields, _("How the grades came about"), _rule(result))


def _cuts(row: pd.Series) -> str:
    said = " · ".join(number(c) for c in row.cuts if math.isfinite(c)) or _("none")
    return _("{cuts} (fixed limits)").format(cuts=said) if row.rule == "fixed" else said


def _rule(result: Segmentation) -> str:
    said = {
        "nearest": _(
            "Cut points lie where the count of customers comes nearest to a fifth, two fifths and so on."
        ),
        "quantile": _("Cut points are the quantiles at 20, 40, 60 and 80 % (type 7)."),
    }[result.how.rule]
    own = [names.dimensions()[d] for d in result.how.cuts]
    return said + (" " + _("Own cut points: {list}.").format(list=", ".join(own)) if own else "")


def _weights(result: Segmentation) -> Part:
    words = {
        "given": _("given"),
        "equal": _("equal"),
        "pairwise": _("by pairwise comparison"),
        "entropy": _("by entropy"),
    }
    rows = result.weighing
    shown = rows.assign(
        said=[
            _("{how}, used here").format(how=words[row.how]) if row.used else words[row.how]
            for row in rows.itertuples()
        ],
        share=rows["n_moved"] / result.n_customers,
    )
    fields = [
        Field("said", _("Weights")),
        *(Field(d, label, lambda x: number(x, 2)) for d, label in _measures().items()),
        Field("tau", _("Same order as with equal weights"), lambda x: number(x, 2)),
        Field("n_moved", _("Customers in another score class"), number),
        Field("share", _("Of all"), percent),
    ]
    return table(shown, fields, _("What the weights change"), _weights_foot(result))


def _measures() -> dict[str, str]:
    return {"days": _("Days"), "orders": _("Orders"), "money": _("Money")}


def _weights_foot(result: Segmentation) -> str:
    said = _(
        "Same order: Kendall's tau, 1 where all customers keep their rank. Score classes: under 2, 2 to 3, 3 to "
        "4, 4 and more. By entropy, the measure spread most unevenly over the customers counts most. Segments and "
        "value grades do not hang on weights."
    )
    ratio = result.how.weights.consistency
    if ratio is None:
        return said
    return f"{said} " + _("The comparisons are consistent: ratio {ratio}, where 0.10 is the limit.").format(
        ratio=number(ratio, 3)
    )


def _printed(result: Segmentation, textbook: Segmentation | None) -> Part:
    """What is printed beside the source's own customers, else the textbook's table; a mark and a word per row."""
    graded = result if result.printed or textbook is None else textbook
    if not graded.printed:
        return Part()
    words = {"grades": _("Grades"), "codes": _("Codes"), "scores": _("Weighted scores")}
    heads = [Cell(_("What")), Cell(_("Printed"), True), Cell(_("Same here"), True), Cell(_("Result"))]
    rows = [
        [Cell(words[a.what]), Cell(number(a.n), True), Cell(number(a.n_same), True), _verdict(a)]
        for a in graded.printed
    ]
    if graded is result:
        return cells(heads, rows, _("Checked against what the source prints, computed again for this page"))
    foot = _("The weighted RFM table of a textbook, {n} customers, graded for this page by the same code.").format(
        n=number(graded.n_customers)
    )
    return cells(heads, rows, _("Checked against published numbers, computed again for this page"), foot)


def _verdict(found: Agreement) -> Cell:
    if found.n == found.n_same:
        return Cell(_("✓ as printed"), tone="ok")
    return Cell(_("✗ {n} differ").format(n=number(found.n - found.n_same)), tone="no")
