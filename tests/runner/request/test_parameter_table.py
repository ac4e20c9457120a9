import pytest

from crm_lib.runner.request import parameter_table
from crm_lib.runner.request.parameters import Parameter


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        (Parameter("a", "str", "x"), "text"),
        (Parameter("a", "str", "", dated=True), "date"),
        (Parameter("a", "bool", True), "yes or no"),
        (Parameter("a", "float", 0.5, low=0.05, high=0.95), "number, 0.05 to 0.95"),
        (Parameter("a", "str", "x", choices=("x", "y")), "one of x, y"),
        (Parameter("a", "int", [1], many=True, low=1, high=9), "list; each whole number, 1 to 9"),
        (Parameter("a", "int", None, optional=True), "whole number, or none"),
    ],
)
def test_what_a_parameter_may_be_is_said_in_words(parameter, kind):
    assert parameter_table.kind(parameter) == kind


@pytest.mark.parametrize(
    ("parameter", "meaning"),
    [
        (Parameter("a", "int", 1, "weeks, 0 to 156", 0, 156), "weeks"),
        (Parameter("a", "int", 1, "weeks (0 is none), 0 to 156", 0, 156), "weeks (0 is none)"),
        (Parameter("a", "str", "", "the day it began, a date", dated=True), "the day it began"),
        (Parameter("a", "str", "", "from 1 to 9"), "from 1 to 9"),
        (Parameter("a", "str", ""), ""),
    ],
)  # fmt: skip
def test_the_meaning_does_not_say_again_what_the_kind_says(parameter, meaning):
    assert parameter_table.meaning(parameter) == meaning


def test_a_value_that_is_not_the_default_is_marked_unless_the_default_leaves_it_open():
    asked = [Parameter("weeks", "int", 52), Parameter("as_of", "str", "", dated=True), Parameter("by", "str", "x")]
    rows = parameter_table.rows(asked, {"weeks": 39, "as_of": "2026-10-31", "by": "x"})
    assert [(row.name, row.value, row.changed) for row in rows] == [
        ("weeks", "39", True),
        ("as_of", "31 October 2026", False),
        ("by", "x", False),
    ]
