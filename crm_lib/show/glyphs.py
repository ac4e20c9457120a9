"""Which characters a chart can draw, and how it writes those that no font here can: as text, in readers' fonts.

DejaVu Sans comes with matplotlib and draws Latin, Greek and Cyrillic as shapes. Chinese is measured with
`wide.ttf` (see `wide_font`) and written into the SVG as text: the same bytes whatever fonts this machine has.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from crm_lib.show import wide_font
from crm_lib.theme import colours, words

DRAWN = "DejaVu Sans"
# Verdana is as wide as DejaVu Sans; the others draw Chinese on Apple, Windows, Linux and Android.
_READERS = ("Verdana", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC")
_SHAPES = wide_font.FAMILY.replace(" ", "").encode()  # how an SVG names the glyphs of our frame
_HALO = "halo-"


@lru_cache
def fonts() -> tuple[str, ...]:
    """Font families to draw and to measure with."""
    known = font_manager.fontManager
    if wide_font.FAMILY not in {font.name for font in known.ttflist}:
        known.addfont(wide_font.FILE)
        known.ttflist.append(dataclasses.replace(known.ttflist[-1], weight=700))
    return (DRAWN, wide_font.FAMILY)


@lru_cache
def _faces(weight: str) -> tuple[Any, ...]:
    find = font_manager.findfont
    return tuple(
        font_manager.get_font(find(font_manager.FontProperties(family=name, weight=weight))) for name in fonts()
    )


@lru_cache(maxsize=10_000)
def drawable(character: str) -> bool:
    """Whether the character can be drawn here or written for the reader's fonts."""
    return all(
        any(face.get_char_index(ord(character)) for face in _faces(weight)) for weight in ("normal", "bold")
    )


@lru_cache(maxsize=10_000)
def is_wide(character: str) -> bool:
    """Whether only the reader's fonts can draw the character."""
    return not _faces("normal")[0].get_char_index(ord(character)) and drawable(character)


def language_is_written() -> bool:
    """Whether the page's language needs the reader's fonts."""
    return any(map(is_wide, words.language_name(words.language())))


def holds_wide(figure: Figure) -> bool:
    """Whether a drawn figure shows a character that only the reader's fonts can draw."""
    return any(is_wide(c) for text in figure.findobj(Text) if text.get_visible() for c in text.get_text())


def has_frames(svg: bytes) -> bool:
    """Whether an SVG of shapes shows our frame where a character should be."""
    return _SHAPES in svg


def take_halos(figure: Figure) -> None:
    """Mark texts with a halo instead of drawing it: matplotlib would turn them into shapes."""
    for number, text in enumerate(figure.findobj(Text)):
        if text.get_path_effects():
            text.set_path_effects([])
            text.set_gid(f"{_HALO}{number}")


def for_readers(svg: str) -> str:
    """An SVG whose text is text, with the fonts that readers have and halos as styles."""
    families = ", ".join(f"'{name}'" for name in _READERS) + ", sans-serif"
    halo = f"[id^={_HALO}] text{{paint-order:stroke;stroke:{colours.PANEL};stroke-width:2.5px}}"
    said = svg.replace(f"'{wide_font.FAMILY}'", families)
    said = said.replace("</style>", f"{halo}</style>", 1)
    return said.replace("<svg ", f'<svg xml:lang="{words.language().replace("_", "-")}" ', 1)
