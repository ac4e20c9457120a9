"""Cohorts, and the order after which customers stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from crm_lib.analysis.intervals import newcombe
from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.cohorts import LAST_NUMBER, MONTH, QUARTER, Cohorts
from crm_lib.show import canvas
from crm_lib.show.charts import Labels, bars, draw
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.retention.said import band, days, why_nothing
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme import colours
from crm_lib.theme.words import _, number, percent, short_month

SHADES = LinearSegmentedColormap.from_list("shades", [colours.PANEL, colours.ACCENT])
MOST_WIDE, MOST_NARROW = 13, 6
# A cell of fewer customers is no basis for a finding.
FEWEST = 30


def cohorts(result: Retention) -> Part:
    """The cohort triangle, and after which order another follows."""
    if result.reason:
        return note(why_nothing(result))
    found = result.cohorts
    shown = note(_("No cohort has a full period after its first yet.")) if not found else _triangle(found)
    return together(shown, _by_number(result))


def _step_name(found: Cohorts) -> str:
    return {MONTH: _("month"), QUARTER: _("quarter")}.get(found.grain, _("year"))


def _cohort_name(found: Cohorts, first) -> str:
    if found.grain == MONTH:
        return short_month(first)
    if found.grain == QUARTER:
        return _("{year} Q{quarter}").format(year=str(first.year), quarter=str((first.month + 2) // 3))
    return str(first.year)


def _triangle(found: Cohorts) -> Part:
    step = _step_name(found)
    subtitle = _(
        "Retention: share of a cohort that ordered in the first, second … {step} after that of its first order. "
        "Blank: not over yet. Last row: all cohorts that have got there"
    ).format(step=step)
    mean = found.retained_mean
    alt = _("Map of cohorts. All together, by {step}: {list}.").format(
        step=step, list=", ".join(percent(s) for s in mean["share"].iloc[1:] if not pd.isna(s))
    )
    labels = Labels(_cohort_title(found), subtitle, alt)
    height = 1.0 + 0.27 * (int(found.retained[1].notna().sum()) + 1)
    numbers = together(_grid(found, found.retained, True), _grid(found, found.survived, False))
    return draw(lambda axes, narrow: _paint(axes, found, narrow), labels, numbers, height)


def _cohort_title(found: Cohorts) -> str:
    """Whether the newest half of the cohorts does better in the first step than the older half."""
    first = found.retained[1].dropna()
    sizes = found.sizes.set_index("cohort")["n"].reindex(first.index)
    half = len(first) // 2
    share = percent(found.retained_mean["share"].iloc[1])
    step = _step_name(found)
    if half:
        old, new = ((first.iloc[rows] * sizes.iloc[rows]).sum() for rows in (slice(0, half), slice(half, None)))
        n_old, n_new = sizes.iloc[:half].sum(), sizes.iloc[half:].sum()
        apart = newcombe(round(new), int(n_new), round(old), int(n_old))
        if min(n_old, n_new) >= FEWEST and apart.low > 0:
            return _("Newer cohorts come back more often")
        if min(n_old, n_new) >= FEWEST and apart.high < 0:
            return _("Newer cohorts come back less often")
    return _("{share} order in the {step} after their first").format(share=share, step=step)


def _paint(axes: Axes, found: Cohorts, narrow: bool) -> None:
    columns = list(range(1, min(found.retained.shape[1], (MOST_NARROW if narrow else MOST_WIDE) + 1)))
    begun = found.retained.index[found.retained[columns].notna().any(axis=1)]
    rows = [(_cohort_name(found, c), found.retained.loc[c]) for c in begun]
    rows.append((_("all"), found.retained_mean.set_index("age")["share"]))
    top = float(np.nanmax(found.retained[columns].to_numpy(), initial=0.0)) or 1.0
    for y, (_name, row) in enumerate(rows):
        for x, column in enumerate(columns):
            share = row.get(column, np.nan)
            if pd.isna(share):
                continue
            axes.add_patch(
                Rectangle((x + 0.02, y + 0.04), 0.96, 0.92, color=SHADES(0.04 + 0.6 * float(share) / top))
            )
            weight = "bold" if y == len(rows) - 1 else "normal"
            text = canvas.plain(number(100 * float(share)))
            axes.text(x + 0.5, y + 0.52, text, ha="center", va="center", color=colours.INK, fontweight=weight)
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([x + 0.5 for x in range(len(columns))], [number(c) for c in columns])
    axes.xaxis.tick_top()
    axes.set_yticks([y + 0.5 for y in range(len(rows))], [canvas.plain(name) for name, _row in rows])
    axes.tick_params(length=0)
    for side in ("left", "bottom", "top"):
        axes.spines[side].set_visible(False)


def _grid(found: Cohorts, grid: pd.DataFrame, retained: bool) -> Part:
    """A triangle as a table; blank where not over yet."""
    step = _step_name(found)
    caption = (
        _("Retention: share that ordered in {step} …, after the first").format(step=step)
        if retained
        else _("Survival: share that ordered in {step} … or later; late columns may still rise").format(step=step)
    )
    columns = list(grid.columns[1:])
    heads = [
        Cell(_("First order")),
        Cell(_("Customers"), right=True),
        *(Cell(number(c), right=True) for c in columns),
    ]
    sizes = found.sizes.set_index("cohort")["n"]
    rows = [
        [
            Cell(_cohort_name(found, c)),
            Cell(number(sizes[c]), right=True),
            *(Cell("" if pd.isna(v) else percent(v), right=True) for v in grid.loc[c, columns]),
        ]
        for c in grid.index
    ]
    return cells(heads, rows, caption)


def _by_number(result: Retention) -> Part:
    rows = result.numbers
    rows = rows[(rows["n"] >= FEWEST) & rows["again"].notna()]
    if rows.empty:
        return sentence(_("No order has yet been followed by enough time to say whether another comes."))
    within = min(364, result.book.span_days // 7 * 7)
    named = rows.assign(
        name=[_order_name(int(n)) for n in rows["number"]],
        said=[band(r.again, r.low, r.high) for r in rows.itertuples()],
    )
    first, last = rows.iloc[0], rows.iloc[-1]
    title = _("{share} of first orders are followed by a second").format(share=percent(first["again"]))
    subtitle = _(
        "Share of orders followed by another within {days}, by number of the order; waits not over counted as "
        "such; lines: 90 % interval"
    ).format(days=days(within))
    alt = _("Bars: {list}.").format(list=", ".join(f"{r.name} {percent(r.again)}" for r in named.itertuples()))
    fields = [
        Field("name", _("Order")),
        Field("n", _("Orders"), number),
        Field("said", _("Followed by another (90 %)"), str),
        Field("median_days", _("Half of the returning after"), days),
        Field("mean_days", _("Mean of completed waits alone"), days),
    ]
    numbers = table(named, fields, _("Which order is followed by another, and when"))
    chart = bars(
        named,
        "name",
        "again",
        Labels(title, subtitle, alt),
        percent,
        "low",
        "high",
        named["name"].iloc[0],
        numbers=numbers,
    )
    if len(rows) < 2:
        return chart
    return together(chart, sentence(_repeat_said(first, last)))


def _repeat_said(first: pd.Series, last: pd.Series) -> str:
    return _(
        "After the first order {first} come back, after the {number}th {last}; half of those who return do so "
        "within {early} days after the first, {late} after the {number}th."
    ).format(
        first=percent(first["again"]),
        last=percent(last["again"]),
        number=number(last["number"]),
        early=number(first["median_days"]),
        late=number(last["median_days"]),
    )


def _order_name(n: int) -> str:
    return _("{n}+").format(n=number(n)) if n == LAST_NUMBER else number(n)
