import datetime as dt
import re

import nbformat
import pytest

from crm_lib.runner.pages.page import About, make
from crm_lib.runner.request.parameters import Parameter

ABOUT = About(
    topic="clv",
    title="Customer value",
    source_title="CDNOW",
    as_of=dt.date(1998, 6, 30),
    made_at="2026-11-01 12:00",
    command="crm report clv --source cdnow",
    version="0.1.0",
    commit="1a2b3c4",
    parameters={"source": "cdnow", "horizon_weeks": 39},
    declared=(
        Parameter("source", "str", "sample", "a source in crm.toml"),
        Parameter("as_of", "str", "", "last day of data to use", dated=True),
        Parameter("horizon_weeks", "int", 52, "how far ahead, 4 to 156", 4, 156),
    ),
    figures={
        "figures": [{"name": "orders", "value": 1517.0, "unit": "orders"}],
        "about": {"fingerprint": "5f0c9a2e77112233445566", "rows": {"transactions": {"used": 6919}}},
    },
)


def code(source, *outputs):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs))


def shows(html):
    return nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "an object"})


def prints(text, name="stderr"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def markdown(source, cell_id="some-cell"):
    return nbformat.v4.new_markdown_cell(source, id=cell_id)


NOTEBOOK = (
    markdown("# What comes in {horizon_weeks} weeks?\nFor whoever decides.", "title"),
    code("horizon_weeks: int = 52"),
    code("say.data_card(crm)", shows('<p class="kicker"><b>CDNOW</b> · 6,919 rows</p><p>none set aside</p>')),
    markdown("## In short\n\nHow to read it.\n\nMore on it.", "in-short"),
    code("say.headline(x)", shows("<p>1,517 orders</p>"), prints("careful <b>")),
    markdown("## Definitions\n\n**Order**: a day.\n\nNot *this*.", "definitions"),
)


def page(*cells):
    notebook = nbformat.v4.new_notebook(cells=list(cells or NOTEBOOK))
    made, problems = make(notebook, ABOUT)
    assert problems == []
    return made


def place(made, *words):
    return [made.index(word) for word in words]


def test_the_kicker_stands_above_the_one_heading_and_leads_with_the_title():
    made = page()
    places = place(
        made, "<b>Customer value</b> · CDNOW · 6,919 rows", "<h1>", 'class="for"', "none set aside", "<h2"
    )
    assert places == sorted(places)
    assert made.count("<h1") == 1
    assert made.count('class="kicker"') == 1


def test_each_second_heading_begins_a_section_with_the_cells_id():
    made = page()
    assert re.findall(r'<section id="([^"]+)"', made) == ["in-short", "definitions"]
    assert made.count('<a href="#in-short">In short</a>') == 2


def test_the_first_paragraph_says_how_to_read_an_output():
    made = page()
    assert '<p class="how">How to read it.</p>' in made
    assert "<p>More on it.</p>" in made


def test_a_section_of_prose_alone_has_no_such_line():
    assert "<p><strong>Order</strong>: a day.</p>" in page()


def test_code_is_folded_at_the_end_under_its_heading():
    made = page()
    assert place(made, "1,517 orders", "How this page was computed", "say.headline(x)") == sorted(
        place(made, "1,517 orders", "How this page was computed", "say.headline(x)")
    )
    assert made.count("say.headline(x)") == 1


def test_what_was_printed_goes_to_the_technical_notes_as_text():
    made = page()
    assert made.index("Technical notes") < made.index("careful &lt;b&gt;")
    assert "Technical notes" not in page(*NOTEBOOK[:4])


def test_parameters_stand_with_value_type_range_and_meaning_and_say_what_is_not_the_default():
    made = page()
    row = "<code>horizon_weeks</code></th><td><b><bdi>39</bdi></b><br><small>default: 52</small></td>"
    assert f"{row}<td>whole number, 4 to 156</td><td>how far ahead</td>" in made
    assert "<summary>Parameters (2 differ from their defaults)</summary>" in made
    assert "<small>default: sample</small></td><td>text</td><td>a source in crm.toml</td>" in made


def test_the_footer_says_when_from_what_and_how_to_make_it_again():
    made = page()
    assert "Made 1 November 2026, 12:00 from 6,919 rows · data fingerprint 5f0c9a2e7711 · crm_lib 0.1.0" in made
    assert "commit 1a2b3c4" in made
    assert "<code>crm report clv --source cdnow</code>" in made


def test_the_page_is_one_file_with_language_policy_and_title():
    made = page()
    assert made.startswith('<!doctype html>\n<html lang="en">')
    assert (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'" in made
    )
    assert "<title>What comes in 39 weeks? · CDNOW · 1998-06-30</title>" in made


def test_the_same_notebook_gives_the_same_bytes():
    assert page() == page()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"text/plain": "<b>5</b>"}, "<pre>&lt;b&gt;5&lt;/b&gt;</pre>"),
        ({"text/markdown": "**5** <i>x</i>"}, "<strong>5</strong> &lt;i&gt;x&lt;/i&gt;"),
        ({"image/png": "AAAA"}, 'src="data:image/png;base64,AAAA"'),
        ({"image/svg+xml": "<svg/>"}, 'src="data:image/svg+xml;base64,PHN2Zy8+"'),
    ],
)
def test_other_outputs_have_their_form(data, expected):
    output = nbformat.v4.new_output("display_data", data)
    assert expected in page(markdown("# Q"), code("x", output))


def test_a_notebook_without_title_or_card_still_is_a_page():
    made = page(code("x", shows("<p>y</p>")))
    assert "<h1>Customer value</h1>" in made
    assert '<p class="kicker"><b>Customer value</b></p>' in made


def test_hostile_output_is_found():
    notebook = nbformat.v4.new_notebook(cells=[markdown("# Q"), code("x", shows("<script>alert(1)</script>"))])
    assert make(notebook, ABOUT)[1] == ["it holds <script>, which no page may"]


def test_a_placeholder_that_nothing_fills_is_found():
    notebook = nbformat.v4.new_notebook(cells=[markdown("# Q of {nobody}")])
    assert make(notebook, ABOUT)[1] == ["nothing is known for {nobody} in its prose"]
