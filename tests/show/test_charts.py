import base64
import datetime as dt
import re
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crm_lib.show import canvas, wide_font
from crm_lib.show.bar_chart import Bars, must_turn, place_name
from crm_lib.show.charts import Labels, bars, draw, lines
from crm_lib.show.line_chart import apart, date_ticks
from crm_lib.show.tables import Field, table
from crm_lib.theme import words
from crm_lib.theme.words import money, number, percent

LABELS = Labels("The top tenth brings 63 %", "Share of expected spend", "Three bars: 63, 16 and 7 percent.")
TENTHS = pd.DataFrame(
    {"tenth": [1, 2, 3], "share": [0.63, 0.16, 0.07], "low": [0.6, 0.1, 0], "high": [0.7, 0.2, 0.1]}
)
WEEKS = pd.DataFrame({"week": range(1, 6), "seen": [10, 20, 28, 35, 40], "forecast": [11, 19, 27, 33, 38.5]})
HOSTILE = [
    "<script>alert(1)</script>",
    "$\\frac{1}$ and $x_1$",
    "集成灶",
    "😀",
    "\u202egnp",
    "",
    "\ue000",
    "a" * 300,
]


def svgs(part):
    return [base64.b64decode(x).decode() for x in re.findall(r"base64,([^\"]+)", part.html)]


def test_a_chart_is_drawn_narrow_and_wide():
    narrow, wide = svgs(bars(TENTHS, "tenth", "share", LABELS, percent))
    width = [float(re.search(r'width="([\d.]+)pt"', svg)[1]) for svg in (narrow, wide)]
    assert width == [pytest.approx(canvas.NARROW * 72), pytest.approx(canvas.WIDE * 72)]


def test_text_on_a_phone_is_at_least_eleven_pixels():
    shown_at = 390 - 2 * 16
    assert canvas.size(narrow=True) * shown_at / (canvas.NARROW * 72) >= 11


@pytest.mark.parametrize(
    "chart",
    [
        lambda: bars(TENTHS, "tenth", "share", LABELS, percent, "low", "high", highlight=1),
        lambda: lines(WEEKS, "week", {"seen": "seen", "forecast": "forecast"}, LABELS, number, mark=(3, "now")),
    ],
)
def test_the_same_chart_gives_the_same_bytes(chart):
    assert chart().html == chart().html


def test_pictures_carry_no_date_no_font_no_script_and_no_text_to_select():
    for svg in svgs(bars(TENTHS, "tenth", "share", LABELS, percent)):
        assert "<dc:date>" not in svg
        assert "<script" not in svg
        assert "<text" not in svg
        assert "font-family" not in svg


def test_title_subtitle_and_alt_are_escaped():
    evil = '" onerror=alert(1) <script>'
    html = bars(TENTHS, "tenth", "share", Labels(evil, evil, evil), percent).html
    assert 'alt="&#34; onerror=alert(1) &lt;script&gt;"' in html
    assert "<script" not in html


def test_numbers_are_folded_below():
    numbers = table(TENTHS, [Field("tenth", "Tenth", number)], "Tenths")
    html = bars(TENTHS, "tenth", "share", LABELS, percent, numbers=numbers).html
    assert "<summary>Numbers behind this chart</summary>" in html
    assert html.index("</figure>") < html.index("<details")
    assert numbers.html in html


@pytest.mark.parametrize("text", HOSTILE)
def test_names_that_people_typed_are_drawn_without_warning(text):
    frame = pd.DataFrame({"name": [text, "North"], "n": [3, 5]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bars(frame, "name", "n", LABELS, lambda v: f"{v} $a$ {text[:20]}", highlight=text)
        lines(frame, "name", {"n": text}, LABELS, number, mark=(text, text))


def test_a_glyph_that_no_font_has_becomes_a_box():
    assert canvas.plain("a\ue000b") == "a□b"


def texts(picture):
    return re.findall(r"<text [^>]*>([^<]*)</text>", picture.content.decode())


def test_chinese_is_written_as_text_for_the_fonts_of_the_reader():
    """No font of this machine is asked for: the frame font measures, the browser draws."""
    assert canvas.fonts() == ("DejaVu Sans", "CRM Wide")
    assert canvas.plain("集成灶 X7") == "集成灶 X7"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Glyph missing" would be one
        part = bars(
            pd.DataFrame({"name": ["集成灶", "X7"], "n": [1, 2]}), "name", "n", LABELS, number, highlight="X7"
        )
    narrow, wide = svgs(part)
    for drawn in (narrow, wide):
        assert "集成灶</text>" in drawn
        assert "PingFang SC" in drawn
        assert "Microsoft YaHei" in drawn
        assert "CRM" not in drawn
        assert "paint-order:stroke" in drawn
        assert re.search(r'<g id="halo-\d+">\s*<text', drawn)


def test_latin_stays_shapes_that_need_no_font():
    narrow, wide = svgs(bars(TENTHS, "tenth", "share", LABELS, percent))
    assert "<text" not in narrow + wide


def test_text_that_has_room_keeps_it_in_chinese():
    """A Chinese character is one em wide, in the measure as in every font."""
    with mpl.rc_context(canvas.style(narrow=True)):
        figure = Figure(dpi=72)
        text = figure.text(0.5, 0.5, "客户价值金字塔", fontsize=10)
        extent = text.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert extent.width == pytest.approx(7 * 10, rel=0.05)


def test_many_dots_with_chinese_words_are_a_picture_inside_the_svg():
    def paint(axes, _narrow):
        axes.scatter(range(2_001), range(2_001), s=4)
        axes.set_title("散点")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = canvas.picture(paint, narrow=True, height=3)
    assert made.kind == "svg+xml"
    assert "散点" in texts(made)
    assert made.content.count(b"<image") == 1
    assert len(made.content) < 150_000
    assert made.content == canvas.picture(paint, narrow=True, height=3).content


def test_a_chinese_page_writes_every_chart_as_text(monkeypatch):
    words.use("zh", "CNY")
    try:
        assert "前10%" in svgs(bars(pd.DataFrame({"n": ["前10%"], "x": [1]}), "n", "x", LABELS, money))[0]
        assert "<text" in svgs(bars(TENTHS, "tenth", "share", LABELS, percent))[0]
    finally:
        words.use()


def test_chinese_breaks_between_characters_but_not_before_a_mark():
    assert canvas.wrap("曾经的好客户，如今沉默", 10, 2) == "曾经的好客户，\n如今沉默"
    assert canvas.wrap("购买了 stove 的客户", 12, 2) == "购买了 stove\n的客户"
    assert canvas.wrap("一二三四五六七八九十" * 3, 8, 2).endswith("…")
    assert canvas.wrap("Bought lately", 8, 2) == "Bought\nlately"


def test_the_frame_font_is_what_its_maker_makes():
    assert wide_font.FILE.read_bytes() == wide_font.made()


def test_dollar_signs_are_drawn_as_they_are_typed():
    with mpl.rc_context(canvas.style(narrow=False)):
        assert mpl.rcParams["text.parse_math"] is False


def test_drawing_leaves_the_settings_of_matplotlib_as_they_were():
    before = dict(mpl.rcParams)
    bars(TENTHS, "tenth", "share", LABELS, percent)
    assert dict(mpl.rcParams) == before


def test_only_the_highlighted_bar_has_the_accent():
    plain_svg, lit_svg = (svgs(bars(TENTHS, "tenth", "share", LABELS, percent, highlight=h))[1] for h in (None, 2))
    assert plain_svg.count("#0b6e72") == 0
    assert lit_svg.count("#0b6e72") == 1


def test_names_that_cannot_be_broken_below_their_bars_turn_them_sideways():
    def make(names):
        n = len(names)
        return Bars(names, np.ones(n), np.full(n, np.nan), np.full(n, np.nan), [False] * n, number, False)

    assert not must_turn(make(["Lead", "Offer", "Won"]), narrow=False)
    assert not must_turn(make(["Integrated cooking appliances"] * 6), narrow=False)
    assert must_turn(make(["Integrated cooking appliances"] * 12), narrow=False)
    assert must_turn(make(["Qualified", "Negotiation", "Offer", "Won", "Lost"]), narrow=True)


@pytest.mark.parametrize("values", [[None, None, None], [np.nan, np.inf, None]])
def test_nothing_to_draw_is_said_in_words(values):
    frame = TENTHS.assign(share=values)
    for part in (
        bars(frame, "tenth", "share", LABELS, percent),
        lines(frame, "tenth", {"share": "s"}, LABELS, percent),
    ):
        assert "There are no numbers to draw here." in part.html
        assert "<img" not in part.html


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": ["a", "b", "c"], "y": [1.5, None, -2]}),
        pd.DataFrame({"x": ["a"], "y": [0.0]}),
        pd.DataFrame({"x": range(60), "y": range(60)}),
        pd.DataFrame({"x": pd.date_range("2024-01-31", periods=14, freq="ME"), "y": range(14)}),
        pd.DataFrame({"x": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)], "y": [1, 2]}),
        pd.DataFrame({"x": pd.Categorical(["a", "b"]), "y": [-1, -2]}),
        pd.DataFrame({"x": [0.5, 1.0], "y": pd.array([1, None], dtype="Int64")}),
    ],
    ids=["gaps and negatives", "one zero", "many", "months", "two days", "all negative", "nullable"],
)
def test_awkward_numbers_are_drawn_without_warning(frame):
    assert len(svgs(bars(frame, "x", "y", LABELS, money))) == 2
    assert len(svgs(bars(frame, "x", "y", LABELS, money, sideways=True))) == 2
    assert len(svgs(lines(frame, "x", {"y": "value"}, LABELS, money))) == 2


def test_a_line_that_ends_early_is_named_with_its_last_value():
    frame = WEEKS.assign(seen=[10, 20, None, None, None])
    assert len(svgs(lines(frame, "week", {"seen": "seen", "forecast": "forecast"}, LABELS, number))) == 2


def test_a_mark_may_be_a_date():
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "n": range(90)})
    assert len(svgs(lines(frame, "day", {"n": "n"}, LABELS, number, mark=dt.date(2024, 2, 1)))) == 2


def test_names_at_line_ends_are_pushed_apart_in_their_order():
    places = apart([0.50, 0.51, 0.90], gap=0.1, low=0, high=1)
    assert places == [0.455, 0.555, 0.9]
    assert apart([1.0, 1.0, 1.0], gap=0.2, low=0, high=1) == [0.6, 0.8, 1.0]
    assert apart([0.2, 0.1], gap=5, low=0, high=1) == [1.0, 0.0]


def test_date_ticks_are_few_first_days_of_months():
    days = pd.Series(pd.date_range("2023-01-15", "2026-01-10"))
    ticks = date_ticks(days, 6)
    assert [str(t.date()) for t in ticks] == [
        "2023-07-01",
        "2024-01-01",
        "2024-07-01",
        "2025-01-01",
        "2025-07-01",
        "2026-01-01",
    ]
    assert len(date_ticks(pd.Series(pd.date_range("2024-01-01", periods=10)), 3)) <= 3


def test_bars_are_named_by_month_number_or_shortened_text():
    assert place_name(pd.Timestamp("2024-03-31")) == "Mar 2024"
    assert place_name(3.0) == "3"
    assert len(place_name("x" * 90)) == 36


def test_a_painter_of_ones_own_is_told_which_sheet_it_paints():
    seen = []
    draw(lambda axes, narrow: seen.append((narrow, axes.figure.get_figwidth())), LABELS, height=2)
    assert sorted(seen) == [(False, canvas.WIDE), (True, canvas.NARROW)]


def test_few_points_are_svg_and_many_are_png_that_stays_small():
    def dots(n):
        return lambda axes, _narrow: axes.scatter(range(n), range(n), s=4)

    few, many = (canvas.picture(dots(n), narrow=True, height=3) for n in (2_000, 2_001))
    assert (few.kind, many.kind) == ("svg+xml", "png")
    assert few.in_set == few.address
    assert many.in_set == f"{many.address} 2x"
    assert many.content.startswith(b"\x89PNG")
    assert len(many.content) < 100_000
    assert many.content == canvas.picture(dots(2_001), narrow=True, height=3).content


def test_points_of_lines_bands_and_bars_count():
    def paint(axes, _narrow):
        axes.plot(range(1_500), range(1_500))
        axes.fill_between(range(400), range(400), 0)

    assert canvas.picture(paint, narrow=False, height=3).kind == "png"
