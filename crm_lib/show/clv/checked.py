"""The proof by print: what others published on CDNOW, found again on the reader's own machine."""

from __future__ import annotations

import datetime as dt
from typing import Any

from crm_lib.analysis.clv import Recomputed
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import agrees, published_table
from crm_lib.theme.words import day, is_missing, ngettext, number
from crm_lib.theme.words import gettext as _


def checked(source: Any, found: tuple[Recomputed, ...]) -> Part:
    """Published figures beside the ones computed for this page; `source` is None where it is not at hand."""
    if source is None:
        return note(
            _("The published data (CDNOW) are not in crm.toml, so nothing could be recomputed for this page.")
        )
    if not found:
        return sentence(_("Nothing is in print for {source}.").format(source=source.title))
    values = {r.entry.figure: r.here for r in found}
    return together(
        sentence(_verdict(found), _where(source, found)),
        published_table(values, [r.entry for r in found], found[0].entry.topic),
    )


def _verdict(found: tuple[Recomputed, ...]) -> str:
    good = sum(not is_missing(r.here) and agrees(r.entry, r.here) for r in found)
    if good == len(found):
        return _("✓ **All {n} agree.**").format(n=number(len(found)))
    return ngettext(
        "✗ **{good} of {n} agrees.** The others are marked below: explain them before you trust this page.",
        "✗ **{good} of {n} agree.** The others are marked below: explain them before you trust this page.",
        good,
    ).format(good=number(good), n=number(len(found)))


def _where(source: Any, found: tuple[Recomputed, ...]) -> str:
    last = sorted({r.entry.up_to for r in found if r.entry.up_to})
    said = _("Computed for this page from {source}, with the same code as the figures above.")
    if last:
        said = _(
            "Computed for this page from {source}, with the same code as the figures above; fitted to data up to "
            "{day}."
        )
        return said.format(source=source.title, day=day(dt.date.fromisoformat(last[0])))
    return said.format(source=source.title)
