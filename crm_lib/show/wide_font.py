"""Makes `wide.ttf`: the room that a Chinese, Japanese or Korean character takes, without its shape.

Charts are measured with it, since such a character is one em wide, and written as text that the reader's own fonts
draw (`glyphs`). So the machine that makes charts needs no such font. `python -m crm_lib.show.wide_font` makes the
file again; it holds one glyph, a frame, drawn here.
"""

from __future__ import annotations

import io
from pathlib import Path

FILE = Path(__file__).with_name("wide.ttf")
FAMILY = "CRM Wide"
# CJK radicals to ideographs, Hangul, compatibility forms, full-width forms, the supplementary ideographs.
RANGES = (
    (0x2E80, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF01, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x20000, 0x3134F),
)
_EM, _ASCENT, _DESCENT = 1000, 880, -120


def made() -> bytes:
    """The font's bytes, the same each time."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

    def frame(outer: int, inner: int) -> None:
        low, high = _DESCENT, _ASCENT
        for ring in (
            [(outer, low + outer), (outer, high - outer), (_EM - outer, high - outer), (_EM - outer, low + outer)],
            [(inner, low + inner), (_EM - inner, low + inner), (_EM - inner, high - inner), (inner, high - inner)],
        ):
            pen.moveTo(ring[0])
            for point in ring[1:]:
                pen.lineTo(point)
            pen.closePath()

    pen = TTGlyphPen(None)
    frame(40, 90)
    builder = FontBuilder(_EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "wide"])
    builder.setupGlyf({".notdef": pen.glyph(), "wide": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (_EM, 40), "wide": (_EM, 40)})
    builder.setupHorizontalHeader(ascent=_ASCENT, descent=_DESCENT)
    builder.setupCharacterMap({})
    many_to_one = CmapSubtable.newSubtable(13)
    many_to_one.platformID, many_to_one.platEncID, many_to_one.language = 3, 10, 0
    many_to_one.cmap = {code: "wide" for first, last in RANGES for code in range(first, last + 1)}
    builder.font["cmap"].tables = [many_to_one]
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular", "psName": FAMILY.replace(" ", "")})
    builder.setupOS2(sTypoAscender=_ASCENT, sTypoDescender=_DESCENT, usWinAscent=_ASCENT, usWinDescent=-_DESCENT)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    written = io.BytesIO()
    builder.font.save(written)
    return written.getvalue()


if __name__ == "__main__":
    FILE.write_bytes(made())
