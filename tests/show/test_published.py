import pytest

from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.published import published_table

PUBLISHED = (
    PublishedFigure("clv", "r", 0.243, 0.0005, "Fader, Hardie & Lee 2005", "BG/NBD r"),
    PublishedFigure("clv", "log_likelihood", -9582.4, 0.05, "Fader, Hardie & Lee 2005"),
    PublishedFigure("segmentation", "weighted", 3.2, 0.01, "a textbook"),
)


def rows(part):
    return part.html.replace("\n", "").split("<tr>")[2:]


def test_a_figure_within_its_tolerance_agrees():
    first, second = rows(published_table({"r": 0.24259, "log_likelihood": -9582.4292}, PUBLISHED, "clv"))
    assert "✓ agrees" in first
    assert '<td class="r">0.243</td><td class="r">0.2426</td>' in first
    assert "−9,582.43" in second
    assert "✓ agrees" in second


def test_a_figure_outside_its_tolerance_differs_in_icon_and_word():
    first, _second = rows(published_table({"r": 0.25, "log_likelihood": -9582.4}, PUBLISHED, "clv"))
    assert 'class="no"' in first
    assert "✗ differs" in first


@pytest.mark.parametrize("here", [{}, {"r": None}, {"r": float("nan")}])
def test_a_figure_that_is_not_there_is_not_computed(here):
    first = rows(published_table(here, PUBLISHED, "clv"))[0]
    assert "not computed" in first
    assert '<td class="r">–</td>' in first


def test_a_difference_of_exactly_the_tolerance_agrees():
    entry = PublishedFigure("clv", "x", 0.3, 0.1, "a paper")
    assert "agrees" in published_table({"x": 0.2}, (entry,), "clv").html
    assert "agrees" in published_table({"x": 0.4}, (entry,), "clv").html
    assert "differs" in published_table({"x": 0.41}, (entry,), "clv").html


def test_only_the_topic_s_own_figures_are_shown_and_each_with_its_source():
    html = published_table({"weighted": 3.2}, PUBLISHED, "segmentation").html
    assert "weighted (a textbook)" in html
    assert "BG/NBD" not in html


def test_without_published_figures_there_is_nothing():
    assert published_table({"r": 1.0}, PUBLISHED, "funnel").html == ""


def test_a_citation_is_text():
    entry = PublishedFigure("clv", "x", 1, 0, "<script>alert(1)</script>")
    assert "<script" not in published_table({"x": 1}, (entry,), "clv").html
