"""Pictures of this topic: values around a line at 1, a line with its interval, importance by performance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.show import canvas
from crm_lib.show.charts import Labels, draw
from crm_lib.show.parts import Part
from crm_lib.theme import colours
from crm_lib.theme.words import number, percent

Form = Callable[[Any], str]


def around_one(frame: pd.DataFrame, labels: Labels, form: Form, ends: tuple[str, str], numbers: Part) -> Part:
    """Ratios as bars from the line at 1, with whiskers; `ends` says what left and right of it mean.

    frame: aspect, comparable, ratio, ratio_low, ratio_high, in the order to show
    """

    def paint(axes: Axes, narrow: bool) -> None:
        places = np.arange(len(frame))
        _bars_from_one(axes, frame, places)
        _whiskers(axes, frame, places)
        axes.axvline(1, color=colours.INK, linewidth=1)
        _names(axes, frame, narrow)
        for place, value in zip(places, frame.ratio, strict=True):
            text = canvas.plain(form(value))
            axes.annotate(
                text, (1.015, place), xycoords=axes.get_yaxis_transform(), va="center", color=colours.INK
            )
        _ends(axes, frame, ends, narrow)

    return draw(paint, labels, numbers, height=0.9 + 0.5 * len(frame))


def _bars_from_one(axes: Axes, frame: pd.DataFrame, places: np.ndarray) -> None:
    short = frame.comparable.astype(bool) & (frame.ratio_high < 1)
    look = [colours.ACCENT if lit else colours.BAR for lit in short]
    axes.barh(places, frame.ratio - 1, left=1, height=0.62, color=look)


def _whiskers(axes: Axes, frame: pd.DataFrame, places: np.ndarray) -> None:
    for place, low, high in zip(places, frame.ratio_low, frame.ratio_high, strict=True):
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [place, place], color=colours.INK, linewidth=1.3)


def _names(axes: Axes, frame: pd.DataFrame, narrow: bool) -> None:
    names = [canvas.wrap(canvas.plain(name, 60), 16 if narrow else 28, 2) for name in frame.aspect]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _ends(axes: Axes, frame: pd.DataFrame, ends: tuple[str, str], narrow: bool) -> None:
    """Room on both sides of the line, as wide as the farthest bound, and what each side means below."""
    bounds = pd.concat([frame.ratio, frame.ratio_low, frame.ratio_high]).dropna()
    reach = max(float((bounds - 1).abs().max()) * 1.08, 0.05)
    axes.set_xlim(1 - reach, 1 + reach)
    texts = [canvas.wrap(canvas.plain(text), 15 if narrow else 24, 2) for text in ends]
    axes.set_xticks([1 - reach * 0.55, 1 + reach * 0.55], texts)
    axes.tick_params(axis="x", length=0)


def line_with_range(frame: pd.DataFrame, name: str, labels: Labels, form: Form, numbers: Part) -> Part:
    """A measure by quarter with its interval as a band, the first and last value written.

    frame: period, label, and the columns of the measure `name`
    """
    known = frame[frame[name].notna()]
    along = np.array([p.year * 4 + p.quarter for p in known.period], dtype=float)

    def paint(axes: Axes, narrow: bool) -> None:
        low, high = (known[f"{name}_{side}"].to_numpy(dtype=float) for side in ("low", "high"))
        axes.fill_between(along, low, high, color=colours.BAR, alpha=0.55, linewidth=0)
        axes.plot(along, known[name], color=colours.ACCENT, marker="o", markersize=4)
        for place in (0, -1):
            _write(
                axes, (along[place], known[name].iloc[place]), canvas.plain(form(known[name].iloc[place])), place
            )
        _quarters(axes, along, list(known.label), narrow)
        axes.yaxis.set_major_formatter(lambda value, _place: canvas.plain(form(value)))
        axes.locator_params(axis="y", nbins=4)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)

    return draw(paint, labels, numbers, height=2.8)


def _write(axes: Axes, at: tuple[float, float], text: str, place: int) -> None:
    look = {"textcoords": "offset points", "ha": "center", "fontweight": "bold", "color": colours.ACCENT}
    axes.annotate(text, at, (0, 7), **look)


def _quarters(axes: Axes, along: np.ndarray, names: Sequence[str], narrow: bool) -> None:
    step = max(1, int(np.ceil(len(names) / (4 if narrow else 8))))
    shown = range(len(names) - 1, -1, -step)
    axes.set_xticks([along[i] for i in shown], [canvas.plain(names[i]) for i in shown])
    axes.margins(x=0.06, y=0.18)


def quadrants(frame: pd.DataFrame, labels: Labels, corners: tuple[str, str], equal_share: float) -> Part:
    """Importance upward, performance to the right, each aspect a numbered dot; `corners` names the upper two.

    frame: place (the number), shapley and performance with `_low` and `_high`
    """

    def paint(axes: Axes, narrow: bool) -> None:
        x, y = frame.performance.to_numpy(float), frame.shapley.to_numpy(float)
        middle = x.mean()
        axes.axvline(middle, color=colours.AXIS, linewidth=0.8)
        axes.axhline(equal_share, color=colours.AXIS, linewidth=0.8)
        for ends, places, draw_line in (("performance", y, axes.hlines), ("shapley", x, axes.vlines)):
            draw_line(places, frame[f"{ends}_low"], frame[f"{ends}_high"], color=colours.BAR, linewidth=1.6)
        lit = (frame.performance_high < middle) & (frame.shapley_high >= equal_share)
        look = [colours.ACCENT if one else colours.INK for one in lit]
        axes.scatter(x, y, s=150 if narrow else 190, color=look, zorder=3)
        for place, at in zip(frame.place, zip(x, y, strict=True), strict=True):
            axes.annotate(
                canvas.plain(number(place)), at, ha="center", va="center_baseline", color=colours.PANEL,
                fontsize=8 if narrow else 10, fontweight="bold", zorder=4,
            )  # fmt: skip
        _corners(axes, corners, narrow)
        axes.yaxis.set_major_formatter(lambda value, _place: canvas.plain(percent(value)))
        axes.xaxis.set_major_formatter(lambda value, _place: canvas.plain(number(value, 1)))
        axes.locator_params(nbins=4)
        axes.set_ylim(bottom=0)

    return draw(paint, labels, height=4.2)


def _corners(axes: Axes, corners: tuple[str, str], narrow: bool) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * 0.16)
    for text, side in zip(corners, ("left", "right"), strict=True):
        axes.annotate(
            canvas.wrap(canvas.plain(text), 14 if narrow else 30, 2), (0.01 if side == "left" else 0.99, 0.99),
            xycoords="axes fraction", ha=side, va="top", color=colours.MUTED,
        )  # fmt: skip
