"""How lines are painted: each ends in its name and last value, names pushed apart, no legend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.ticker import MaxNLocator

from crm_lib.show import canvas
from crm_lib.show.bar_chart import write_scale
from crm_lib.show.canvas import plain
from crm_lib.theme import colours
from crm_lib.theme.words import number, short_day, short_month

Line = tuple[str, np.ndarray]


def paint_lines(axes: Axes, along: np.ndarray, drawn: Sequence[Line], form: Callable[[Any], str]) -> None:
    """Paint the lines; the scale begins at zero unless they all run high above it."""
    for (_name, values), (colour, dash) in zip(drawn, looks(len(drawn)), strict=True):
        alone = np.isfinite(values).sum() == 1
        marker = "o" if alone else None
        sns.lineplot(x=along, y=values, color=colour, linestyle=dash, marker=marker, errorbar=None, ax=axes)
    seen = np.concatenate([values for _name, values in drawn])
    seen = seen[np.isfinite(seen)]
    axes.margins(x=0.01, y=0.08)
    if seen.min() >= 0 and seen.max() - seen.min() > 0.25 * seen.max():
        axes.set_ylim(0, seen.max() * 1.06)
    write_scale(axes, form)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def looks(n: int) -> list[tuple[str, Any]]:
    """Colour and dash of each of `n` lines."""
    return [colours.SERIES[i % len(colours.SERIES)] for i in range(n)]


def positions(x: pd.Series) -> np.ndarray:
    """Where the values of `x` stand: numbers as they are, dates as days, names one after the other."""
    if pd.api.types.is_numeric_dtype(x):
        return x.to_numpy(dtype=float, na_value=np.nan)
    return date2num(pd.to_datetime(x)) if _are_dates(x) else np.arange(len(x), dtype=float)


def _are_dates(x: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(x) or all(isinstance(v, dt.date) for v in x)


def name_positions(axes: Axes, x: pd.Series, narrow: bool) -> None:
    """Write a few values of `x` below the axis."""
    if pd.api.types.is_numeric_dtype(x):
        whole = bool((x.dropna() == x.dropna().round()).all())
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4 if narrow else 8, integer=whole))
        axes.xaxis.set_major_formatter(lambda v, _place: number(v, 0 if float(v).is_integer() else 2))
    elif _are_dates(x):
        ticks = date_ticks(pd.to_datetime(x), 3 if narrow else 6)
        axes.set_xticks(date2num(ticks), [_date_name(ticks, tick) for tick in ticks])
    else:
        names = [plain(v, 14) for v in x]
        widest = max(canvas.width(name, canvas.size(narrow)) for name in names) + 6
        step = max(1, int(np.ceil(len(names) * widest / (canvas.breadth(narrow) * 0.7 * 72))))
        axes.set_xticks(range(0, len(names), step), names[::step])


def date_ticks(days: pd.Series, most: int) -> pd.DatetimeIndex:
    """Return at most `most` first days of months, evenly spaced; where there are too few, evenly spaced days."""
    firsts = pd.date_range(days.min().normalize(), days.max(), freq="MS")
    for step in (1, 2, 3, 6, 12, 24, 60, 120):
        ticks = firsts[[(day.year * 12 + day.month - 1) % step == 0 for day in firsts]]
        if 2 <= len(ticks) <= most:
            return ticks
    return pd.date_range(days.min(), days.max(), periods=min(most, max(days.nunique(), 1))).normalize().unique()


def _date_name(ticks: pd.DatetimeIndex, tick: pd.Timestamp) -> str:
    return short_month(tick) if all(ticks.day == 1) else short_day(tick)


def paint_mark(axes: Axes, x: pd.Series, mark: Any) -> None:
    """Paint a thin upright line at a value of `x`, with the text of a pair (value, text) at its foot."""
    place, text = mark if isinstance(mark, tuple) else (mark, "")
    at = _mark_position(x, place)
    if at is None:
        return
    axes.axvline(at, color=colours.AXIS, linewidth=1)
    if text:
        left, right = axes.get_xlim()
        late = at > left + 0.6 * (right - left)
        axes.annotate(
            plain(text, 30),
            (at, 0.03),
            (-4 if late else 4, 0),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="right" if late else "left",
            color=colours.MUTED,
        )


def _mark_position(x: pd.Series, place: Any) -> float | None:
    if pd.api.types.is_numeric_dtype(x):
        return float(place)
    if _are_dates(x):
        return float(date2num(pd.Timestamp(place)))
    names = x.tolist()
    return float(names.index(place)) if place in names else None


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places in the order of those wanted, near them, `gap` apart and inside `low` to `high`.

    >>> apart([0.5, 0.52, 0.1], 0.1, 0, 1)
    [0.46, 0.56, 0.1]
    """
    order = list(np.argsort(wanted, kind="stable"))
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    groups: list[tuple[float, int]] = []
    for i in order:
        groups.append(_inside(float(wanted[i]), 1, gap, low, high))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < gap * (groups[-1][1] + groups[-2][1]) / 2:
            (upper, m), (lower, k) = groups.pop(), groups.pop()
            groups.append(_inside((lower * k + upper * m) / (k + m), k + m, gap, low, high))
    placed = [centre + gap * (i - (n - 1) / 2) for centre, n in groups for i in range(n)]
    return [round(placed[order.index(i)], 9) for i in range(len(order))]


def _inside(centre: float, n: int, gap: float, low: float, high: float) -> tuple[float, int]:
    """Move a group of `n` places so that it stays inside."""
    half = gap * (n - 1) / 2
    return min(max(centre, low + half), high - half), n


def name_lines(axes: Axes, drawn: Sequence[Line], form: Callable[[Any], str], narrow: bool) -> None:
    """Write each line's name and last value at its right end."""
    last = [values[np.isfinite(values)][-1] for _name, values in drawn]
    names = [canvas.wrap(name, 12 if narrow else 20) for name, _values in drawn]
    texts = [f"{name}\n{plain(form(value))}" for name, value in zip(names, last, strict=True)]
    low, high = axes.get_ylim()
    lines = max(text.count("\n") + 1 for text in texts)
    gap = lines * canvas.size(narrow) * 1.3 / ((2.5 if narrow else 3.1) * 72)
    places = apart([(value - low) / (high - low) for value in last], gap, gap / 3, 1 - gap / 3)
    for text, place, (colour, _dash) in zip(texts, places, looks(len(drawn)), strict=True):
        look = {"color": colour, "fontweight": "bold", "va": "center", "linespacing": 1.1}
        axes.text(1.015, place, text, transform=axes.transAxes, **look)
