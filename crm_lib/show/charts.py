"""Charts for readers: quiet bars and lines that say their values, each drawn wide and narrow.

They are SVG or, with many points, PNG.

No legend: bars carry their values, lines their names. A picture's title is the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.show import bar_chart, canvas, line_chart
from crm_lib.show.canvas import plain
from crm_lib.show.parts import Part, note, render, together
from crm_lib.theme.words import gettext as _

Form = Callable[[Any], str]
Paint = Callable[[Axes, bool], None]


@dataclass(frozen=True)
class Labels:
    """A chart's words: `title` is the finding (at most 10 words), `subtitle` what is measured, where, when, unit.

    `alt` says the same from the numbers, to who can't see the picture.
    """

    title: str
    subtitle: str
    alt: str


def draw(paint: Paint, labels: Labels, numbers: Part | None = None, height: float = 3.6) -> Part:
    """Show what `paint(axes, narrow)` draws, once 7.6 inches wide and once 3.5 inches, for phones.

    `numbers`, a table, is folded below the chart. Text that people typed goes through `canvas.plain` first.
    """
    return _figure(paint, labels, numbers, (height, max(2.6, height * 0.83)))


def _figure(paint: Paint, labels: Labels, numbers: Part | None, heights: tuple[float, float]) -> Part:
    return render(
        "figure",
        labels=labels,
        wide=canvas.picture(paint, narrow=False, height=heights[0]),
        narrow=canvas.picture(paint, narrow=True, height=heights[1]),
        numbers=numbers,
    )


def _nothing(labels: Labels, numbers: Part | None) -> Part:
    said = note(_("There are no numbers to draw here."))
    return together(render("no_figure", labels=labels), said, numbers or Part())


def _column(frame: pd.DataFrame, name: str | None) -> np.ndarray:
    if name is None:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def bars(
    frame: pd.DataFrame,
    x: str,
    y: str,
    labels: Labels,
    form: Form,
    low: str | None = None,
    high: str | None = None,
    highlight: Any = None,
    sideways: bool = False,
    numbers: Part | None = None,
) -> Part:
    """Show one bar per row, in the frame's order, with its value.

    `low` and `high` name the columns of an interval. `highlight` is the value of `x`, or a list of them, painted
    in the accent colour. Names or values too wide for upright bars turn the chart sideways, first on the phone.
    """
    values = _column(frame, y)
    if not np.isfinite(values).any():
        return _nothing(labels, numbers)
    drawn = bar_chart.Bars(
        names=[bar_chart.place_name(v) for v in frame[x].tolist()],
        values=values,
        low=_column(frame, low),
        high=_column(frame, high),
        lit=[bar_chart.is_lit(v, highlight) for v in frame[x].tolist()],
        form=form,
        ordered=bar_chart.is_ordered(frame[x]),
    )
    turned = {narrow: sideways or bar_chart.must_turn(drawn, narrow) for narrow in (False, True)}

    def paint(axes: Axes, narrow: bool) -> None:
        (bar_chart.sideways if turned[narrow] else bar_chart.upright)(axes, drawn, narrow)

    heights = tuple(bar_chart.height(drawn, narrow, turned[narrow]) for narrow in (False, True))
    return _figure(paint, labels, numbers, heights)


def lines(
    frame: pd.DataFrame,
    x: str,
    ys: Mapping[str, str],
    labels: Labels,
    form: Form,
    mark: Any = None,
    numbers: Part | None = None,
) -> Part:
    """Show one line per column in `ys` (column: label) over `x`; each ends in its label and last value.

    `mark` is a value of `x`, or a pair (value, text), at which a thin upright line stands.
    """
    named = [(plain(label, 40), _column(frame, column)) for column, label in ys.items()]
    drawn = [(name, values) for name, values in named if np.isfinite(values).any()]
    if not drawn:
        return _nothing(labels, numbers)

    def paint(axes: Axes, narrow: bool) -> None:
        line_chart.paint_lines(axes, line_chart.positions(frame[x]), drawn, form)
        line_chart.name_positions(axes, frame[x], narrow)
        if mark is not None:
            line_chart.paint_mark(axes, frame[x], mark)
        line_chart.name_lines(axes, drawn, form, narrow)

    return _figure(paint, labels, numbers, (3.6, 3.1))
