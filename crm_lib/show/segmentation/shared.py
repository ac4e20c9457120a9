"""Customers whom several lists share: who would be contacted twice, and how schemes overlap."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.segmentation import Overlap, Scheme, Schemes
from crm_lib.analysis.segmentation.overlap import Crossing
from crm_lib.show.parts import Part, sentence, together
from crm_lib.show.segmentation.class_names import class_name, scheme_name
from crm_lib.show.segmentation.side_by_side import fold
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import _, ngettext, number, percent

MOST_PAIRS = 6


def overlap(found: Schemes, shared: Overlap) -> Part:
    """How many customers would be contacted twice, by which lists, and which classes of two schemes meet."""
    return together(
        sentence(twice(shared), _most(found, shared)),
        _lists(found, shared),
        fold(
            _("How lists and schemes overlap"),
            _together(found, shared),
            _crossed(found, shared.crossing),
            _pairs(found, shared),
        ),
    )


def twice(shared: Overlap) -> str:
    """Customers on more than one list, and what that means in contacts."""
    if not shared.n_reached:
        return _("No customer is on any of these lists.")
    if not shared.n_twice:
        return _("{n} customers are on these lists, and nobody is on two.").format(n=number(shared.n_reached))
    return ngettext(
        "**{twice}** of {n} customers on these lists ({share}) would be contacted twice or more: "
        "{contacts} contacts, each list worked off by itself.",
        "**{twice}** of {n} customers on these lists ({share}) would be contacted twice or more: "
        "{contacts} contacts, each list worked off by itself.",
        shared.n_twice,
    ).format(
        twice=number(shared.n_twice),
        n=number(shared.n_reached),
        share=percent(shared.n_twice / shared.n_reached),
        contacts=number(shared.n_contacts),
    )


def _most(found: Schemes, shared: Overlap) -> str:
    most = int(shared.by_number["n_lists"].max())
    if most < 3:
        return ""
    row = shared.by_number.iloc[-1]
    return ngettext(
        "{n} customer is on {lists} lists at once.",
        "{n} customers are on {lists} lists at once.",
        row["n_customers"],
    ).format(n=number(row["n_customers"]), lists=number(most))


def _list_name(found: Schemes, name: str) -> str:
    known = {
        "going_quiet": _("Good customers going quiet"),
        "grade_a": _("Value grade A"),
        "growth": _("Growth customers"),
        "relationship": _("Relationship customers"),
    }
    if name in known:
        return known[name]
    said = scheme_name(found[name])
    return said[:1].upper() + said[1:]


def _lists(found: Schemes, shared: Overlap) -> Part:
    shown = shared.lists.assign(
        said=[_list_name(found, name) for name in shared.lists["name"]],
        share=(shared.lists["n_also"] / shared.lists["n_customers"]).where(shared.lists["n_customers"] > 0),
    )
    fields = [
        Field("said", _("List")),
        Field("n_customers", _("Customers"), number),
        Field("n_also", _("On another list, too"), number),
        Field("share", _("Share"), percent),
    ]
    foot = _("Contact each customer once, on the list that stands higher; the others wait their turn.")
    return table(shown, fields, _("Lists that a plan would make"), foot)


def _together(found: Schemes, shared: Overlap) -> Part:
    said = [_list_name(found, name) for name in shared.lists["name"]]
    heads = [Cell(_("Customers on both")), *(Cell(s, right=True) for s in said)]
    rows = [
        [Cell(s), *(Cell("" if i == j else number(n), right=True) for j, n in enumerate(line))]
        for i, (s, line) in enumerate(zip(said, shared.together.tolist(), strict=True))
    ]
    return cells(heads, rows, _("Customers whom two lists share"))


def _crossed(found: Schemes, crossing: Crossing | None) -> Part:
    if crossing is None:
        return sentence(_("The two schemes chosen can't be set against each other: the source lacks one of them."))
    one, other = crossing.one, crossing.other
    heads = [Cell(scheme_name(one)), *(Cell(c, right=True) for c in _classes(other))]
    rows = []
    for said, n, hidden in zip(_classes(one), crossing.n, crossing.hidden, strict=True):
        rows.append([Cell(said), *(_cell(int(k), int(n.sum()), bool(h)) for k, h in zip(n, hidden, strict=True))])
    caption = _("{one} against {other}: customers, and share of the row").format(
        one=scheme_name(one), other=scheme_name(other)
    )
    foot = ""
    if crossing.hidden.any():
        foot = _("Cells of fewer than {n} customers, and those that would give them away, are not shown.").format(
            n=number(found.suppress_below)
        )
    return cells(heads, rows, caption, foot)


def _classes(scheme: Scheme) -> list[str]:
    return [class_name(scheme, row) for row in scheme.classes.itertuples(index=False)]


def _cell(n: int, of: int, hidden: bool) -> Cell:
    if hidden:
        return Cell("·", right=True)
    return Cell(f"{number(n)} ({percent(n / of)})" if of else number(n), right=True)


def _pairs(found: Schemes, shared: Overlap) -> Part:
    rows = shared.pairs.head(MOST_PAIRS)
    if rows.empty:
        return Part()
    shown = rows.assign(
        pair=[
            _("{one} and {other}").format(one=scheme_name(found[row.one]), other=scheme_name(found[row.other]))
            for row in rows.itertuples()
        ],
        meet=[_meet(found, row) for row in rows.itertuples()],
    )
    fields = [
        Field("pair", _("Schemes")),
        Field("cramers_v", _("Alike (0 to 1)"), lambda x: number(x, 2)),
        Field("meet", _("Classes that meet most")),
    ]
    foot = _("Alike: Cramér's V; 0 where one scheme says nothing about the other, 1 where both are the same.")
    return table(shown, fields, _("Schemes that overlap most"), foot)


def _meet(found: Schemes, row: pd.Series) -> str:
    one, other = found[row.one], found[row.other]
    return _("{share} of “{one}” are “{other}”, of all {rest}").format(
        share=percent(row.share),
        one=_said(one, row.one_class),
        other=_said(other, row.other_class),
        rest=percent(row.share_of_all),
    )


def _said(scheme: Scheme, place: int) -> str:
    return scheme_name(scheme) if scheme.behaviour else _classes(scheme)[place]
