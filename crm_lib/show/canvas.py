"""The sheet charts are drawn on: fonts, style, text that a font can draw, and the SVG bytes."""

from __future__ import annotations

import base64
import io
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crm_lib.show import glyphs
from crm_lib.show.glyphs import drawable, fonts
from crm_lib.theme import colours
from crm_lib.theme.words import clean, shorten

WIDE, NARROW = 7.6, 3.5  # inches
MOST_POINTS = 2_000  # of a picture drawn as SVG
_PNG_DPI = 192  # two dots per point of a screen
_WORDS = re.compile(r"[A-Za-z0-9%.,&'/+-]+|.", re.DOTALL)
_CLOSING = frozenset("，。；：！？、）」》”%")
_NO_GLYPH = "□"


@dataclass(frozen=True)
class Picture:
    """A drawn picture: its kind (`svg+xml` or `png`) and its bytes."""

    kind: str
    content: bytes

    @property
    def address(self) -> str:
        """The picture as a data address."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"

    @property
    def in_set(self) -> str:
        """The same in a source set, where a PNG has two dots per point."""
        return self.address + (" 2x" if self.kind == "png" else "")


def plain(text: Any, most: int = 200) -> str:
    """Return text that a chart can show: cleaned, shortened, a box for each glyph that no font has."""
    kept = (c for c in clean(text) if unicodedata.category(c) not in ("Cf", "Mn") or drawable(c))
    return "".join(c if drawable(c) else _NO_GLYPH for c in shorten("".join(kept), most))


def breadth(narrow: bool) -> float:
    """Width of the sheet in inches."""
    return NARROW if narrow else WIDE


def size(narrow: bool) -> float:
    """Size of all text in points: on a phone 9 points are about 13 pixels."""
    return 9 if narrow else 11


def width(text: str, points: float) -> float:
    """Estimate the width of the widest line in points; a Chinese character is twice as wide as a letter."""
    return (
        max(
            (
                sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.62 for c in line)
                for line in text.split("\n")
            ),
            default=0,
        )
        * points
    )


def wrap(text: str, letters: int, lines: int = 2) -> str:
    """Break text into at most `lines` lines of about `letters`; what does not fit ends in an ellipsis.

    A Chinese character takes the room of one letter and a half, and a line may break between any two.
    """
    letters = max(letters, 4)
    if any(map(_takes_more, text)):
        return _wrap_wide(text, letters, lines)
    broken = textwrap.wrap(text, letters, max_lines=lines, placeholder="…", break_on_hyphens=False)
    return "\n".join(broken) or text


def _takes_more(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _wrap_wide(text: str, letters: int, lines: int) -> str:
    """Break before the character that no longer fits, never before a closing mark; Latin words stay whole."""
    pieces, broken, room = _WORDS.findall(text), [""], 0.0
    for piece in pieces:
        takes = sum(1.6 if _takes_more(c) else 1 for c in piece)
        if room + takes > letters and broken[-1] and piece not in _CLOSING:
            broken, room = [*broken, ""], 0.0
        broken[-1] += piece
        room += takes
    broken = [line.strip() for line in broken]
    return "\n".join(broken if len(broken) <= lines else [*broken[: lines - 1], broken[lines - 1][:-1] + "…"])


def style(narrow: bool) -> dict[str, Any]:
    """Settings in force while a chart is drawn, and only then: seaborn's white ticks, made quieter."""
    return sns.axes_style("ticks") | {
        "font.family": list(fonts()),
        "font.size": size(narrow),
        "text.parse_math": False,
        "text.color": colours.INK,
        "axes.labelcolor": colours.MUTED,
        "axes.edgecolor": colours.AXIS,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "axes.labelsize": size(narrow),
        "xtick.labelsize": size(narrow),
        "ytick.labelsize": size(narrow),
        "xtick.color": colours.AXIS,
        "ytick.color": colours.AXIS,
        "xtick.labelcolor": colours.MUTED,
        "ytick.labelcolor": colours.MUTED,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "figure.facecolor": colours.PANEL,
        "axes.facecolor": colours.PANEL,
        "svg.fonttype": "path",
        "svg.hashsalt": "crm",
    }


def svg(paint: Callable[[Axes, bool], None], narrow: bool, height: float) -> bytes:
    """Draw once and return the SVG: the same bytes each time for the same picture."""
    return _drawn(paint, narrow, height, most_points=None).content


def picture(paint: Callable[[Axes, bool], None], narrow: bool, height: float) -> Picture:
    """Draw once: SVG for few points, PNG where more than 2,000 would make the SVG large."""
    with warnings.catch_warnings():
        # A sheet too small for its labels is drawn as well as it goes; a page must not fail over it.
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        return _drawn(paint, narrow, height, MOST_POINTS)


def _drawn(paint: Callable[[Axes, bool], None], narrow: bool, height: float, most_points: int | None) -> Picture:
    """Draw with text as shapes; where that would show frames, again with text as text."""
    made = None if glyphs.language_is_written() else _on_sheet(paint, narrow, height, most_points, written=False)
    return made or _on_sheet(paint, narrow, height, most_points, written=True)


def _on_sheet(
    paint: Callable[[Axes, bool], None], narrow: bool, height: float, most_points: int | None, written: bool
) -> Picture | None:
    """Draw once; None where text must be written and may not."""
    with mpl.rc_context(style(narrow) | ({"svg.fonttype": "none"} if written else {})):
        figure = Figure(figsize=(NARROW if narrow else WIDE, height), layout="constrained")
        paint(figure.subplots(), narrow)
        many = most_points is not None and _points(figure) > most_points
        if written:
            return Picture("svg+xml", _written(figure, many))
        sheet = io.BytesIO()
        if many:
            figure.savefig(sheet, format="png", dpi=_PNG_DPI, metadata={"Software": None})
            return None if glyphs.holds_wide(figure) else Picture("png", sheet.getvalue())
        figure.savefig(sheet, format="svg", metadata={"Date": None, "Creator": None})
    return None if glyphs.has_frames(sheet.getvalue()) else Picture("svg+xml", sheet.getvalue())


def _written(figure: Figure, many: bool) -> bytes:
    """The SVG whose text is text; with many points these are a picture inside it."""
    glyphs.take_halos(figure)
    for axes in figure.axes if many else ():
        for artist in (*axes.lines, *axes.collections, *axes.patches):
            artist.set_rasterized(True)
    sheet = io.BytesIO()
    figure.savefig(sheet, format="svg", dpi=_PNG_DPI, metadata={"Date": None, "Creator": None})
    return glyphs.for_readers(sheet.getvalue().decode()).encode()


def _points(figure: Figure) -> int:
    """Points painted on all axes: of lines, dots, bands and bars."""
    lines = sum(len(line.get_xdata(orig=True)) for axes in figure.axes for line in axes.lines)
    dots = sum(
        max(len(group.get_offsets()), sum(len(path.vertices) for path in group.get_paths()))
        for axes in figure.axes
        for group in axes.collections
    )
    return lines + dots + sum(len(axes.patches) for axes in figure.axes)
