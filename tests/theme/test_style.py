import re
from itertools import product
from pathlib import Path

import pytest

import crm_lib
from crm_lib.theme import colours

PACKAGE = Path(crm_lib.__file__).parent
CSS = (PACKAGE / "theme" / "style.css").read_text(encoding="utf-8")
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)
TEXT = ("ink", "muted", "accent", "warn", "good", "bad")
GROUND = ("paper", "ground", "card", "accent-soft", "warn-soft")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PRINT], ids=["light", "dark", "print"])
def test_every_text_colour_can_be_read_on_every_ground(theme):
    too_weak = [(t, g) for t, g in product(TEXT, GROUND) if contrast(theme[t], theme[g]) < 4.5]
    assert too_weak == []


def test_words_in_charts_can_be_read_on_their_panel():
    for colour in (colours.INK, colours.MUTED, *[colour for colour, _dash in colours.SERIES]):
        assert contrast(colour, colours.PANEL) >= 4.5


def test_charts_and_page_share_their_colours():
    said = {
        name: getattr(colours, name.upper()) for name in ("ink", "muted", "line", "accent", "good", "bad", "warn")
    }
    assert said == {name: LIGHT[name] for name in said}


def test_the_stylesheet_is_small_and_asks_for_nothing_from_outside():
    assert len(CSS.encode()) <= 20_000
    assert not re.search(r"url\(|@import|@font-face|https?:|</", CSS)


def test_dark_print_and_phone_are_thought_of():
    for needed in ("prefers-color-scheme: dark", "@media print", "max-width: 600px", "::details-content"):
        assert needed in CSS


def test_every_table_of_a_template_has_a_caption():
    templates = [*(PACKAGE / "theme" / "templates").rglob("*.j2")]
    tables = {
        path.name: re.findall(r"<table(?! role=\"presentation\")[^>]*>\s*(<\w+)", path.read_text(encoding="utf-8"))
        for path in templates
    }
    assert sum(map(len, tables.values())) >= 10
    assert {name: found for name, found in tables.items() if set(found) - {"<caption"}} == {}
