"""What colours say is told apart without full colour vision, by colour or by a second sign."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import crm_lib
from crm_lib.runner.evidence import verdict
from crm_lib.theme import colours

# Machado, Oliveira, Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# IEEE TVCG 15(6), table of matrices at full severity; they work on linear light.
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Linear sRGB to CIE XYZ, and the white of both (IEC 61966-2-1, D65).
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)
PLAIN = 20  # CIE76; 2.3 is what can just be seen side by side, so that this is seen at a glance

CSS = (Path(crm_lib.__file__).parent / "theme" / "style.css").read_text(encoding="utf-8")
THEMES = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.S)
]
in_each_vision = pytest.mark.parametrize("vision", VISIONS)


def lab(colour, vision):
    """A colour's place in CIE L*a*b*, as somebody with this vision sees it."""
    coded = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISIONS[vision] @ light, 0, 1)
    t = XYZ @ seen / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a, b, vision):
    """CIE76 between two colours."""
    return float(np.linalg.norm(lab(a, vision) - lab(b, vision)))


def test_the_simulation_knows_what_red_and_green_look_like():
    assert difference("#ffffff", "#000000", "full") == pytest.approx(100, abs=0.1)
    assert difference("#a3262a", "#5a5000", "deuteranopia") < difference("#a3262a", "#5a5000", "full") / 3
    assert difference("#0b6e72", "#1b6f57", "tritanopia") < difference("#0b6e72", "#1b6f57", "full")
    for vision in VISIONS:
        assert lab("#808080", vision) == pytest.approx(lab("#808080", "full"), abs=0.1), "grey stays grey"


@in_each_vision
@pytest.mark.parametrize("panel", [theme["panel"] for theme in THEMES], ids=["light", "dark", "print"])
def test_a_bar_that_is_lit_is_told_from_the_others_and_all_from_their_panel(vision, panel):
    for a, b in combinations((colours.ACCENT, colours.BAR, panel), 2):
        assert difference(a, b, vision) >= PLAIN, (a, b)


@in_each_vision
def test_lines_are_told_apart_by_colour_or_dash(vision):
    alike = [
        (a, b)
        for (a, dash), (b, other) in combinations(colours.SERIES, 2)
        if difference(a, b, vision) < PLAIN and dash == other
    ]
    assert alike == []


@in_each_vision
def test_the_shades_of_a_map_keep_their_order(vision):
    from matplotlib.colors import to_hex

    from crm_lib.show.segmentation.moves import SHADES

    lightness = [lab(to_hex(SHADES(x)), vision)[0] for x in np.linspace(0, 1, 11)]
    assert all(np.diff(lightness) < -2)


def test_words_of_a_tone_bear_a_sign_since_their_colours_alone_are_too_near():
    alike = [
        (vision, a, b)
        for theme in THEMES
        for vision in VISIONS
        for a, b in combinations(("good", "warn", "bad"), 2)
        if difference(theme[a], theme[b], vision) < PLAIN
    ]
    assert alike, "colour alone would do"
    states = (verdict.FINE, verdict.NOTES, verdict.STALE, verdict.UNCHANGED, verdict.FAILED, verdict.NO_DATA)
    signs = [verdict.state_words(state)[::2] for state in states]
    for (icon, tone), (other, its) in combinations(signs, 2):
        assert icon != other or tone == its
