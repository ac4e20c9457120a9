"""Colours of charts: quiet greys, one accent; the stylesheet's light colours say the same."""

from __future__ import annotations

INK = "#1d2733"
MUTED = "#5b6673"
LINE = "#dfe4ea"
AXIS = "#aab3be"
BAR = "#b8c1cc"
ACCENT = "#0b6e72"
WARN = "#96400a"
GOOD = "#23703f"
BAD = "#a3262a"
PANEL = "#ffffff"

# Lines are told apart by colour and dash, so that a grey print still says which is which.
SERIES = (
    (INK, "-"),
    (ACCENT, (0, (5, 2))),
    (WARN, (0, (1, 1.2))),
    ("#4a5fa5", "-."),
    ("#7a4b8c", (0, (8, 2, 1, 2))),
    (MUTED, (0, (3, 3))),
)
