import pandas as pd
import pytest
from markupsafe import escape

from crm_lib.show.tables import LONGEST, Field, table
from crm_lib.theme.words import number, percent

FRAME = pd.DataFrame(
    {
        "region": ["North", "<script>alert(1)</script>", None],
        "n": [1200, 30, None],
        "share": [0.5, float("nan"), 0.1],
    }
)
FIELDS = [Field("region", "Region"), Field("n", "Customers", number), Field("share", "Share", percent)]


def test_rows_keep_their_order_and_columns_their_headings():
    html = table(FRAME, FIELDS, "Regions").html
    assert html.index("North") < html.index("script")
    assert html.index("Region<") < html.index("Customers<") < html.index("Share<")
    assert "<caption><span>Regions</span></caption>" in html


def test_numbers_stand_to_the_right_and_text_keeps_its_own_direction():
    html = table(FRAME, FIELDS, "Regions").html
    assert '<td class="r">1,200</td>' in html
    assert '<th scope="row"><bdi>North</bdi></th>' in html


def test_what_is_missing_is_a_dash():
    html = table(FRAME, FIELDS, "Regions").html
    assert "nan" not in html.lower()
    assert html.count(">–<") == 3


def test_columns_that_no_field_names_stay_out():
    assert "1,200" not in table(FRAME, FIELDS[:1], "Regions").html


def test_a_wide_table_scrolls_and_can_be_reached_by_keyboard():
    assert (
        '<div class="scroll" role="group" aria-label="Regions" tabindex="0">'
        in table(FRAME, FIELDS, "Regions").html
    )


def test_the_foot_stands_below():
    html = table(FRAME, FIELDS, "Regions", foot="Small regions are **not** compared.").html
    assert html.endswith('<p class="foot">Small regions are <b>not</b> compared.</p>')


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", '" onerror="alert(1)', "]]>", "{{ 1 }}"])
def test_hostile_text_is_text_in_cells_headings_caption_and_foot(text):
    frame = pd.DataFrame({"a": [text], "b": [1]})
    html = table(frame, [Field("a", text), Field("b", text, lambda _: text)], text, text).html
    assert "<img" not in html
    assert '" onerror' not in html
    assert html.count(str(escape(text))) >= 4


def test_ids_that_look_like_numbers_stay_text():
    assert "<bdi>0509</bdi>" in table(pd.DataFrame({"id": ["0509"]}), [Field("id", "Customer")], "c").html


def test_an_empty_frame_gives_a_table_without_rows():
    html = table(FRAME.iloc[:0], FIELDS, "Regions").html
    assert "<tbody>" in html
    assert "<td" not in html


def test_a_text_of_a_megabyte_is_cut_and_does_not_cost_the_page():
    html = table(pd.DataFrame({"id": ["<b>é" * 250_000, "0509"]}), [Field("id", "Customer")], "c").html
    assert len(html) < 20 * LONGEST
    assert "…</bdi>" in html
    assert "<bdi>0509</bdi>" in html
