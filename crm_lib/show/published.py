"""The proof by print: numbers published elsewhere beside the same numbers computed for this page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.parts import Part
from crm_lib.show.tables import Cell, cells
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import is_missing, number


def published_table(
    publication_figures: Mapping[str, float], published: Sequence[PublishedFigure], topic: str
) -> Part:
    """Show each published figure of the topic beside the one computed here, and whether they agree.

    They agree when they differ by at most the figure's own `within`. Empty where nothing is published.
    """
    rows = [_row(entry, publication_figures.get(entry.figure)) for entry in published if entry.topic == topic]
    if not rows:
        return Part()
    heads = [
        Cell(_("What")),
        Cell(_("Published"), right=True),
        Cell(_("Here"), right=True),
        Cell(_("Result")),
    ]
    return cells(heads, rows, _("Checked against published numbers, computed again for this page"))


def agrees(entry: PublishedFigure, here: float) -> bool:
    """Whether the figure computed here comes as near to the published one as it must.

    >>> agrees(PublishedFigure("clv", "r", 0.243, 0.0005, "Fader"), 0.2426)
    True
    """
    return abs(Decimal(str(float(here))) - Decimal(str(entry.value))) <= Decimal(str(entry.within))


def _row(entry: PublishedFigure, here: float | None) -> list[Cell]:
    what = _(entry.words) if entry.words else entry.figure
    what = _("{what} ({source})").format(what=what, source=_(entry.citation) if entry.citation else "")
    print_digits = _digits(entry.value)
    digits = max(print_digits, _digits(entry.within))
    return [
        Cell(what),
        Cell(number(entry.value, print_digits), right=True),
        Cell(number(here, digits), right=True),
        _verdict(entry, here),
    ]


def _verdict(entry: PublishedFigure, here: float | None) -> Cell:
    if is_missing(here):
        return Cell(_("◌ not computed"), tone="care")
    return Cell(_("✓ agrees"), tone="ok") if agrees(entry, here) else Cell(_("✗ differs"), tone="no")


def _digits(x: float) -> int:
    """Decimals needed to write the number as it stands, at most six."""
    exponent = Decimal(str(float(x))).normalize().as_tuple().exponent
    return min(max(-int(exponent), 0), 6)
