from crm_lib.runner.pages.prose import Filler, inline, plain, split, to_html

FIGURES = {
    "orders": {"name": "orders", "value": 1517.0, "unit": "orders"},
    "share_top": {"name": "share_top", "value": 0.631, "unit": "share"},
    "lifetime_value": {"name": "lifetime_value", "value": 55600.0, "unit": "USD"},
}


def filler(**parameters):
    return Filler(parameters, FIGURES)


def test_placeholders_are_filled_from_parameters_and_figures():
    made = to_html("In {horizon_weeks} weeks {orders} orders, {share_top} by a tenth.", filler(horizon_weeks=39))
    assert made.replace("\xa0", " ").strip() == "<p>In 39 weeks 1,517 orders, 63 % by a tenth.</p>"


def test_money_is_said_in_the_currency_of_the_figure():
    assert "$55,600" in to_html("{lifetime_value}", filler())


def test_a_date_is_said_in_words():
    assert plain("up to {as_of}", filler(as_of="1998-06-30")) == "up to 30 June 1998"


def test_an_unknown_placeholder_stays_and_is_remembered_once():
    words = filler()
    assert "{ordres}" in to_html("{ordres} and {ordres}", words)
    assert words.unknown == ["ordres"]


def test_raw_html_in_prose_is_text():
    made = to_html("<script>alert(1)</script> and <b>bold</b>", filler())
    assert "<script" not in made
    assert "<b>" not in made
    assert "&lt;b&gt;" in made


def test_what_a_parameter_holds_is_text():
    assert to_html("{label}", filler(label="<i>*x*</i>")).strip() == "<p>&lt;i&gt;*x*&lt;/i&gt;</p>"


def test_a_link_that_runs_something_leads_nowhere():
    assert "javascript" not in to_html("[x](javascript:alert(1))", filler())


def test_dollars_are_no_formulas():
    assert inline("100 $ and **50 $**", filler()) == "100 $ and <strong>50 $</strong>"


def test_a_hash_inside_code_is_no_heading():
    assert split("```\n# not a heading\n```") == [(0, "", "```\n# not a heading\n```")]
