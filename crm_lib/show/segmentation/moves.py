"""Who moved between value grades: a map of moves, a table of customers and money, and how much is chance."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from crm_lib.analysis.segmentation import Moves, Segmentation
from crm_lib.analysis.segmentation.migration import AFTER, BEFORE, NEW, NO_ORDER, SILENT
from crm_lib.analysis.segmentation.pyramid import GRADES
from crm_lib.show import canvas
from crm_lib.show.charts import Labels, draw
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.segmentation.names import brief
from crm_lib.show.tables import Field, table
from crm_lib.theme import colours
from crm_lib.theme.words import LEVEL, NOTHING, _, between, day, ngettext, number, percent, signed

SHADES = LinearSegmentedColormap.from_list("shades", [colours.PANEL, colours.ACCENT])


def migration(result: Segmentation, moves: Moves | None) -> Part:
    """Where customers of each grade went, with customers and money moved; in words where it can't be told."""
    if moves is None:
        return note(_("This source has no dated purchases, so nobody can be graded at two dates."))
    if not moves.weeks:
        return note(_too_short(moves))
    return together(
        draw(lambda axes, narrow: _paint(axes, moves, narrow), _labels(moves), _cells(result, moves), 3.9),
        sentence(_chance(moves), _new_in_a(moves)),
        _rows(result, moves),
    )


def from_a(result: Segmentation, moves: Moves | None) -> str:
    """One sentence on the customers who were A at the start; empty where there were none."""
    if moves is None or not moves.weeks or not moves.row("A")["n"]:
        return ""
    n_down, before, after = moves.down_from_a
    top = moves.row("A")
    said = ngettext(
        "Of **{n}** customer of grade A on {day}, **{down}** fell or stopped ({share}; 90 %: {range}): "
        "{before} before, {after} in the {weeks} weeks since.",
        "Of **{n}** customers of grade A on {day}, **{down}** fell or stopped ({share}; 90 %: {range}): "
        "{before} before, {after} in the {weeks} weeks since.",
        int(top["n"]),
    )
    return said.format(
        n=number(top["n"]),
        day=day(moves.start_on),
        down=number(n_down),
        share=percent(top["down"]),
        range=between(top["down_low"], top["down_high"], percent),
        before=brief(result, before),
        after=brief(result, after),
        weeks=number(moves.weeks),
    )


def _too_short(moves: Moves) -> str:
    if moves.first_on is None:
        return _("There is no purchase, so nobody can be graded at two dates.")
    return _(
        "Purchases begin on {first} and end on {last}: too short a time to grade customers at two dates. Two "
        "periods of at least 4 weeks each are needed."
    ).format(first=day(moves.first_on), last=day(moves.as_of))


def _labels(moves: Moves) -> Labels:
    top = moves.row("A")
    title = _("Nobody was of grade A")
    if top["n"]:
        title = _("{down} of {n} A customers fell or stopped").format(
            down=number(top["n_down"]), n=number(top["n"])
        )
    subtitle = _(
        "Rows: grade on {start}, by the money of the {weeks} weeks before. Columns: grade by the {weeks} weeks "
        "since, to {end}, same limits in money. Share of each row."
    ).format(start=day(moves.start_on), end=day(moves.as_of), weeks=number(moves.weeks))
    alt = _("Map of moves. {list}.").format(
        list="; ".join(
            _("{before}: {moves}").format(before=_before()[before], moves=_in_words(moves, before))
            for before in BEFORE
            if moves.row(before)["n"]
        )
    )
    return Labels(title, subtitle, alt)


def _in_words(moves: Moves, before: str) -> str:
    cells = moves.cells[(moves.cells["before"] == before) & (moves.cells["n"] > 0)]
    return ", ".join(f"{_after()[row.after]} {percent(row.share)}" for row in cells.itertuples())


def _before() -> dict[str, str]:
    return {grade: grade for grade in GRADES} | {SILENT: _("silent"), NEW: _("new")}


def _after() -> dict[str, str]:
    return {grade: grade for grade in GRADES} | {NO_ORDER: _("no order")}


def _paint(axes: Axes, moves: Moves, narrow: bool) -> None:
    """Paint one field per move, the darker the larger its share of the row."""
    present = [before for before in BEFORE if moves.row(before)["n"]]
    shares = moves.cells.set_index(["before", "after"])
    for y, before in enumerate(present):
        for x, after in enumerate(AFTER):
            cell = shares.loc[(before, after)]
            share = float(cell["share"])
            axes.add_patch(Rectangle((x + 0.02, y + 0.03), 0.96, 0.94, color=SHADES(0.04 + 0.6 * share)))
            text = canvas.plain(percent(share) if cell["n"] else NOTHING)
            look = {"ha": "center", "va": "center", "color": colours.INK}
            stays = {"fontweight": "bold"} if before == after else {}
            axes.text(x + 0.5, y + (0.52 if narrow else 0.36), text, **look, **stays)
            if not narrow and cell["n"]:
                count = _("n = {n}").format(n=number(cell["n"]))
                axes.text(x + 0.5, y + 0.68, canvas.plain(count), **look, fontsize=9)
    axes.set_xlim(0, len(AFTER))
    axes.set_ylim(len(present), 0)
    axes.set_xticks([x + 0.5 for x in range(len(AFTER))], [_after()[a] for a in AFTER])
    axes.xaxis.tick_top()
    counts = [f"{_before()[b]}\n{number(moves.row(b)['n'])}" if narrow else _counted(moves, b) for b in present]
    axes.set_yticks([y + 0.5 for y in range(len(present))], counts)
    axes.tick_params(length=0)
    for side in ("left", "bottom", "top"):
        axes.spines[side].set_visible(False)


def _counted(moves: Moves, before: str) -> str:
    return _("{grade}: {n}").format(grade=_before()[before], n=number(moves.row(before)["n"]))


def _chance(moves: Moves) -> str:
    """Whether more left A than rose into it, since after a good year some fall back by chance alone."""
    n_down, n_up, more = moves.down_from_a[0], moves.n_up_to_a, moves.more_down
    if not more:
        return ""
    said = _("{down} left A and {up} rose into it from a lower grade or from silence.").format(
        down=number(n_down), up=number(n_up)
    )
    why = _(
        "Some fall after an unusually good time by chance alone, and as many rise; what counts is the difference."
    )
    if more.low > 0.5:
        verdict = _("That is more than chance explains: those who were there at the start bring less.")
    elif more.high < 0.5:
        verdict = _("That is more than chance explains: those who were there at the start bring more.")
    else:
        verdict = _("The difference is no more than chance explains.")
    return f"{said} {verdict} {why}"


def _new_in_a(moves: Moves) -> str:
    """How many are A now, and how many of these are new."""
    n_now = int(moves.cells.loc[moves.cells["after"] == "A", "n"].sum())
    n_new = moves.amount(NEW, "A")[0]
    return _("By the same limits {now} customers are of grade A now, {new} of them new.").format(
        now=number(n_now), new=number(n_new)
    )


def _rows(result: Segmentation, moves: Moves) -> Part:
    rows = moves.rows[moves.rows["n"] > 0]
    change = rows["amount_after"] - rows["amount_before"]
    shown = rows.assign(
        name=[_start(before) for before in rows["before"]],
        up=[
            NOTHING if row.before == "A" else _share(row.up, row.up_low, row.up_high) for row in rows.itertuples()
        ],
        down=[_share(row.down, row.down_low, row.down_high) for row in rows.itertuples()],
        change=change,
    )
    fields = [
        Field("name", _("On {day}").format(day=day(moves.start_on))),
        Field("n", _("Customers"), number),
        Field("change", _("Money moved"), lambda x: signed(x, lambda v: brief(result, v))),
        Field("down", _("Fell or stopped ({level})").format(level=percent(LEVEL)), str),
        Field("up", _("Rose ({level})").format(level=percent(LEVEL)), str),
        Field("amount_before", _("Money before"), lambda x: brief(result, x)),
        Field("amount_after", _("Money since"), lambda x: brief(result, x)),
    ]
    return table(shown, fields, _("Customers and money moved"), _foot(result, moves))


def _start(before: str) -> str:
    if before == SILENT:
        return _("silent: ordered earlier only")
    return _("new: first order since") if before == NEW else _("grade {grade}").format(grade=before)


def _share(value: float, low: float, high: float) -> str:
    return NOTHING if pd.isna(value) else f"{percent(value)} ({between(low, high, percent)})"


def _foot(result: Segmentation, moves: Moves) -> str:
    limits = ", ".join(
        _("{grade} from {money}").format(grade=grade, money=brief(result, limit))
        for grade, limit in moves.limits.items()
    )
    said = _("Limits on {day}: {limits}.").format(day=day(moves.start_on), limits=limits) if limits else ""
    if moves.weeks < moves.weeks_asked:
        said += " " + _(
            "Two periods of {asked} weeks were asked for; the data begin on {first}, so two of {weeks} weeks are "
            "compared."
        ).format(asked=number(moves.weeks_asked), first=day(moves.first_on), weeks=number(moves.weeks))
    return said.strip()


def _cells(result: Segmentation, moves: Moves) -> Part:
    cells = moves.cells[moves.cells["n"] > 0]
    shown = cells.assign(
        move=[f"{_before()[row.before]} → {_after()[row.after]}" for row in cells.itertuples()],
        bounds=[between(low, high, percent) for low, high in zip(cells["low"], cells["high"], strict=True)],
        change=cells["amount_after"] - cells["amount_before"],
    )
    fields = [
        Field("move", _("From → to")),
        Field("n", _("Customers"), number),
        Field("share", _("Share of the row"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("amount_before", _("Money before"), lambda x: brief(result, x)),
        Field("amount_after", _("Money since"), lambda x: brief(result, x)),
        Field("change", _("Money moved"), lambda x: signed(x, lambda v: brief(result, v))),
    ]
    return table(shown, fields, _("Every move"))
