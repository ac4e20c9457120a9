"""How bars are painted: upright or sideways, each with its value, a few with an interval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from crm_lib.show import canvas
from crm_lib.show.canvas import plain
from crm_lib.theme import colours
from crm_lib.theme.words import is_missing, number, short_month

_MOST_LETTERS = 36  # of a bar's name
_MANY = 24  # upright bars beyond this carry no values


@dataclass(frozen=True)
class Bars:
    """Bars ready to paint: names, values, intervals, which are highlighted, and how a value is written.

    `ordered` bars (numbers, dates) stay upright; others turn sideways where their words are too wide.
    """

    names: list[str]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    lit: list[bool]
    form: Callable[[Any], str]
    ordered: bool

    @property
    def ends(self) -> np.ndarray:
        """Where each bar's value is written: beyond its interval, on the side to which the bar points."""
        below = self.values < 0
        return np.nan_to_num(np.where(below, np.fmin(self.values, self.low), np.fmax(self.values, self.high)))

    @property
    def said(self) -> list[str]:
        """The value of each bar in words."""
        return [plain(self.form(v)) for v in self.values]

    @property
    def colours(self) -> list[str]:
        """Grey, and the accent for the highlighted."""
        return [colours.ACCENT if lit else colours.BAR for lit in self.lit]


def is_ordered(x: pd.Series) -> bool:
    """Whether the names of the bars are numbers or dates, whose order must not be turned on its side."""
    return pd.api.types.is_numeric_dtype(x) or all(isinstance(v, dt.date) for v in x)


def place_name(value: Any) -> str:
    """Name of a bar: a date as month and year, a whole number without decimals, anything else shortened."""
    if isinstance(value, dt.date):
        return short_month(value)
    if isinstance(value, float) and value.is_integer():
        return number(value)
    return plain(value, _MOST_LETTERS)


def is_lit(value: Any, highlight: Any) -> bool:
    """Whether this bar is to be highlighted."""
    wanted = highlight if isinstance(highlight, list | tuple | set | frozenset) else [highlight]
    return not is_missing(value) and value in wanted


def must_turn(bars: Bars, narrow: bool) -> bool:
    """Whether names or values are too wide to stand below and above upright bars."""
    if bars.ordered:
        return False
    slot, size = _slot(len(bars.names), narrow), canvas.size(narrow)
    words = [word for name in bars.names for word in name.split()]
    widest = max((canvas.width(text, size) for text in (*words, *bars.said)), default=0)
    longest = max((canvas.width(name, size) for name in bars.names), default=0)
    return widest > 0.97 * slot or longest > 3 * slot


def height(bars: Bars, narrow: bool, turned: bool) -> float:
    """Height of the sheet in inches; sideways it grows with the bars."""
    if not turned:
        return 3.0 if narrow else 3.6
    line, space = (0.16, 0.2) if narrow else (0.18, 0.24)
    return 0.3 + sum(space + line * (name.count("\n") + 1) for name in _side_names(bars, narrow))


def upright(axes: Axes, bars: Bars, narrow: bool) -> None:
    """Paint the bars upright; where their values don't fit, only the highlighted is written, beside a scale."""
    n = len(bars.names)
    slot, size = _slot(n, narrow), canvas.size(narrow)
    places = np.arange(n)
    axes.bar(places, np.nan_to_num(bars.values), width=0.78, color=bars.colours)
    _paint_intervals(axes, bars, "y")
    fits = n <= _MANY and max(canvas.width(text, size) for text in bars.said) <= 1.02 * slot
    for place, end, text, lit in zip(places, bars.ends, bars.said, bars.lit, strict=True):
        if fits or lit:
            above = "bottom" if end >= 0 else "top"
            _write(axes, text, (place, end), (0, 3 if end >= 0 else -3), ha="center", va=above, **_look(lit))
    _name_places(axes, bars.names, slot, size)
    axes.set_xlim(-0.6, n - 0.4)
    axes.margins(y=0.1)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    if fits:
        axes.set_yticks([])
    else:
        write_scale(axes, bars.form)
    if (bars.values < 0).any():
        axes.axhline(0, color=colours.AXIS, linewidth=0.8)
        axes.spines["bottom"].set_visible(False)


def sideways(axes: Axes, bars: Bars, narrow: bool) -> None:
    """Paint the bars from left to right, the first on top, names to their left."""
    n = len(bars.names)
    places = np.arange(n)
    axes.barh(places, np.nan_to_num(bars.values), height=0.7, color=bars.colours)
    _paint_intervals(axes, bars, "x")
    for place, end, text, lit in zip(places, bars.ends, bars.said, bars.lit, strict=True):
        beside = "left" if end >= 0 else "right"
        _write(axes, text, (end, place), (4 if end >= 0 else -4, 0), ha=beside, va="center", **_look(lit))
    axes.set_yticks(places, _side_names(bars, narrow))
    axes.set_ylim(n - 0.45, -0.55)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    _make_room(axes, bars, narrow)
    if (bars.values < 0).any():
        axes.axvline(0, color=colours.AXIS, linewidth=0.8)
        axes.spines["left"].set_visible(False)


def write_scale(axes: Axes, form: Callable[[Any], str]) -> None:
    """Write a few values along the y axis, each text once."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_formatter(lambda value, _place: plain(form(value)))
    axes.grid(axis="y", color=colours.LINE, linewidth=0.6)


def _slot(n: int, narrow: bool) -> float:
    """Width in points that each of `n` upright bars has for its words."""
    return (canvas.breadth(narrow) - 0.25) * 72 / max(n, 1)


def _side_names(bars: Bars, narrow: bool) -> list[str]:
    return [canvas.wrap(name, 15 if narrow else 30, 3 if narrow else 2) for name in bars.names]


def _look(lit: bool) -> dict[str, Any]:
    if not lit:
        return {"color": colours.MUTED}
    halo = withStroke(linewidth=2.5, foreground=colours.PANEL)
    return {"color": colours.INK, "fontweight": "bold", "path_effects": [halo]}


def _write(axes: Axes, text: str, at: tuple[float, float], beside: tuple[float, float], **look: Any) -> None:
    axes.annotate(text, at, beside, textcoords="offset points", annotation_clip=False, **look)


def _paint_intervals(axes: Axes, bars: Bars, along: str) -> None:
    below, above = bars.values - bars.low, bars.high - bars.values
    known = np.isfinite(below) & np.isfinite(above)
    if not known.any():
        return
    reach = np.clip(np.where(known, [below, above], 0), 0, None)[:, known]
    ends, places = bars.values[known], np.arange(len(known))[known]
    x, y = (places, ends) if along == "y" else (ends, places)
    axes.errorbar(x, y, **{f"{along}err": reach}, fmt="none", ecolor=colours.INK, elinewidth=1.1, capsize=2.5)


def _name_places(axes: Axes, names: list[str], slot: float, size: float) -> None:
    """Write names below the bars: broken into lines, or only every second, third … where they would touch."""
    wrapped = [canvas.wrap(name, int(slot / (0.62 * size)), 3) for name in names]
    if max(canvas.width(name, size) for name in wrapped) > slot:
        wrapped = names
    widest = max(canvas.width(name, size) for name in wrapped)
    step = 1 if widest <= slot else int(np.ceil((widest + 0.6 * size) / slot))
    axes.set_xticks(range(0, len(names), step), wrapped[::step])


def _make_room(axes: Axes, bars: Bars, narrow: bool) -> None:
    """Leave room beyond the longest bars for their values."""
    size = canvas.size(narrow)
    named = max(canvas.width(name, size) for name in _side_names(bars, narrow))
    inner = max(canvas.breadth(narrow) * 72 - named - 20, 60)
    share = min(0.6, (max(canvas.width(text, size) for text in bars.said) + 16) / inner)
    low, high = min(0.0, bars.ends.min()), max(0.0, bars.ends.max())
    sides = (low < 0) + (high > 0) or 1
    room = (high - low) * share / max(1 - share * sides, 0.2) or 1.0
    axes.set_xlim(low - (room if low < 0 else 0), high + (room if high > 0 or low == 0 else 0))
