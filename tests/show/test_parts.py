from html.parser import HTMLParser

import pytest

from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, steps, terms, together

HOSTILE = [
    "<script>alert(1)</script>",
    '" onerror=alert(1) x="',
    "' onmouseover='alert(1)",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe",
    "😀 ]]> <!--",
    "{{ 7 * 7 }} {% raw %}",
    "**<b onclick=alert(1)>**",
]


class Tags(HTMLParser):
    """Collects what a browser would take for markup."""

    def __init__(self, html: str):
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _value in attrs}

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_becomes_markup(text):
    page = together(
        cards(Card(text, text, text, text, Badge(text, "bad"))),
        sentence(text),
        note(text),
        steps(text),
        terms({text: text}),
    )
    seen = Tags(page.html)
    assert seen.names <= {"dl", "dt", "dd", "div", "span", "p", "ol", "li", "b"}
    assert seen.attributes <= {"class", "aria-hidden", "role"}
    assert text.replace("**", "") in seen.text.replace("**", "")


def test_bold_is_made_after_escaping():
    assert sentence("**63 %** of <all>").html == "<p><b>63 %</b> of &lt;all&gt;</p>"


def test_two_lone_stars_stay_stars():
    assert sentence("2 ** 3").html == "<p>2 ** 3</p>"


def test_a_card_shows_only_what_it_has():
    plain = cards(Card("Orders", "1,517")).html
    full = cards(Card("Orders", "1,517", "90 %: 1 – 2", "Few.", Badge("use with care", "care"))).html
    assert 'class="n">1,517<' in plain
    assert 'class="i"' not in plain
    assert "badge" not in plain
    assert 'class="i">90 %: 1 – 2<' in full
    assert 'badge care"><span aria-hidden="true">◐</span> use with care' in full


def test_an_unknown_tone_is_an_error():
    with pytest.raises(KeyError):
        cards(Card("Orders", "1", badge=Badge("?", "purple")))


def test_empty_texts_leave_nothing_behind():
    assert note("").html == ""
    assert sentence("", "Said.").html == "<p>Said.</p>"
    assert together(Part(), sentence("Said."), Part()).html == "<p>Said.</p>"


def test_steps_stay_in_order():
    html = steps("first", "second").html
    assert html.index("first") < html.index("second")
    assert html.startswith("<ol")


def test_a_notebook_shows_the_html_and_keeps_its_plain_form_short():
    part = sentence("x" * 500)
    assert part._repr_html_() == part.html
    assert len(repr(part)) < 40
