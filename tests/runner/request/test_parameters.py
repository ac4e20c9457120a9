import datetime as dt
import json
import re
from pathlib import Path

import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner.request.parameters import Parameter, chosen, declared, parse


def notebook(tmp_path, source):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    path = tmp_path / "clv.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Q"}, cell]}), encoding="utf-8")
    return path


def only(tmp_path, line):
    (found,) = declared(notebook(tmp_path, line))
    return found


def test_a_line_gives_name_type_default_help_and_range(tmp_path):
    found = only(tmp_path, "horizon_weeks: int = 52  # how far ahead to forecast, 4 to 156")
    assert found == Parameter("horizon_weeks", "int", 52, "how far ahead to forecast, 4 to 156", 4, 156)


def test_a_range_may_have_decimals(tmp_path):
    found = only(tmp_path, "weight: float = 0.5  # weight of money, 0 to 1.5")
    assert (found.low, found.high) == (0, 1.5)


def test_a_help_text_of_a_text_parameter_is_no_range(tmp_path):
    assert only(tmp_path, 'span: str = ""  # years, 1997 to 1998').low is None


def test_literals_give_choices(tmp_path):
    found = declared(
        notebook(tmp_path, 'from typing import Literal\nrule: Literal["nearest", "quantile"] = "nearest"')
    )
    assert found[0].choices == ("nearest", "quantile")


def test_a_sign_of_equality_in_a_default_is_no_trouble(tmp_path):
    assert only(tmp_path, 'rule: str = "a=b"  # with = inside').default == "a=b"


def test_a_default_over_several_lines_keeps_its_help(tmp_path):
    found = only(tmp_path, 'stages: list[str] = [\n    "a",\n    "b",\n]  # in order')
    assert (found.default, found.many, found.help) == (["a", "b"], True, "in order")


def test_a_notebook_without_the_cell_has_none(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text('{"cells": []}', encoding="utf-8")
    assert declared(path) == ()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("horizon_weeks = 52", "`name: type = value  # help`"),
        ("when: datetime = None", "type that is not understood"),
        ("x: int = len([1])", "must be a plain value"),
        ("x: int = (", "is not Python"),
        ('db_password: str = ""', "looks like a secret"),
        ('api_key: str = ""', "looks like a secret"),
        ('x: Literal["a", 1] = "a"', "one plain type"),
    ],
)
def test_what_the_cell_may_not_hold_is_refused(tmp_path, source, words):
    with pytest.raises(ParameterError, match=words):
        declared(notebook(tmp_path, source))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("weeks: int = 520  # 4 to 156", "weeks is 520; it must lie between 4 and 156."),
        ('rule: Literal["a", "b"] = "c"', 'rule is "c"; it may be: a, b.'),
        ('n: int = "many"', "n is 'many'; it must be a whole number."),
        ("n: int = 1.5", "n is 1.5; it must be a whole number."),
        ("n: int = True", "n is True; it must be a whole number."),
        ("n: int = None", "n is None; it must be a whole number."),
        ("share: float = 1e999", "share is inf; it must be a number."),
        ('share: float = "0.5"', "share is '0.5'; it must be a number."),
        ("loud: bool = 1", "loud is 1; it must be true or false."),
        ("name: str = 7", "name is 7; it must be a text in quotes."),
        ('names: list[str] = "a"', "names is 'a'; it must be a list."),
        ("weeks: list[int] = [4, 520]  # 4 to 156", "weeks is 520; it must lie between 4 and 156."),
        ("weeks: int | None = 520  # 4 to 156", "weeks is 520; it must lie between 4 and 156."),
        (
            'since: str = "31.10.2026"  # from when on, a date',
            'since is "31.10.2026"; it must be a day like 2026-10-31',
        ),
        (
            'since: str = "2026-02-30"  # from when on, a date',
            'since is "2026-02-30"; it must be a day like 2026-10-31',
        ),
    ],
)
def test_a_default_is_held_against_its_own_line(tmp_path, line, words):
    with pytest.raises(ParameterError, match=f"^clv.ipynb: the default of {re.escape(words)}"):
        declared(notebook(tmp_path, line))


@pytest.mark.parametrize(
    "line",
    [
        "share: float = 1",
        "weeks: int | None = None  # 4 to 156",
        "weeks: list[int] = []  # 4 to 156",
        'rule: Literal["a", "b"] | None = "b"',
        'since: str = ""  # from when on, a date',
        'since: str = "2026-W47"  # from when on, a date',
        "since: str | None = None  # from when on, a date",
    ],
)
def test_a_default_that_its_line_allows_is_taken(tmp_path, line):
    assert chosen([only(tmp_path, line)], {}, "clv", dt.date(2026, 11, 25))


def test_a_default_that_names_a_day_reaches_the_notebook_as_that_day(tmp_path):
    lines = 'since: str = "last-month"  # from when on, a date\ndays: list[str] = ["2026-W47", ""]  # each a date'
    known = declared(notebook(tmp_path, lines))
    assert known[0].default == "last-month"
    found = chosen(known, {}, "clv", dt.date(2026, 11, 25))
    assert found == {"since": "2026-10-31", "days": ["2026-11-22", ""]}


def test_a_keyboard_or_monkey_is_no_secret(tmp_path):
    assert only(tmp_path, 'keyboard: str = ""').name == "keyboard"


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (Parameter("x", "str", ""), "007", "007"),
        (Parameter("x", "str", ""), "20240131", "20240131"),
        (Parameter("x", "int", 0), "-3", -3),
        (Parameter("x", "float", 0.0), ".5", 0.5),
        (Parameter("x", "bool", False), "Yes", True),
        (Parameter("x", "str", [], many=True), "a, b", ["a", "b"]),
        (Parameter("x", "str", [], many=True), ["a, b", "c"], ["a, b", "c"]),
        (Parameter("x", "str", [], many=True), '["a, b"]', ["a, b"]),
        (Parameter("x", "int", [], many=True), "", []),
        (Parameter("x", "int", 3, optional=True), "none", None),
        (Parameter("as_of", "str", ""), "2026-10-31", "2026-10-31"),
        (Parameter("as_of", "str", ""), "", ""),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(parameter, text, value):
    assert parse(parameter, text) == value
    assert type(parse(parameter, text)) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (Parameter("x", "int", 0), "1_000", 'clv.x is "1_000"; it must be a whole number'),
        (Parameter("x", "int", 0), "39.5", "a whole number"),
        (Parameter("x", "float", 0.0), "nan", "must be a number"),
        (Parameter("x", "float", 0.0), "1e999", "must be a number"),
        (Parameter("x", "bool", False), "maybe", "true or false"),
        (Parameter("x", "int", 52, low=4, high=156), "200", "clv.x is 200; it must lie between 4 and 156"),
        (Parameter("x", "str", "a", choices=("nearest",)), "nearst", 'Did you mean "nearest"'),
        (Parameter("x", "int", 0), ["1", "2"], "given 2 times"),
        (Parameter("as_of", "str", "", dated=True), "2026-02-30", "must be a day like 2026-10-31"),
        (Parameter("as_of", "str", "", dated=True), "20260101", "must be a day like 2026-10-31"),
    ],
)
def test_text_of_another_type_is_refused_with_what_is_wanted(parameter, text, words):
    with pytest.raises(ParameterError, match=words):
        parse(parameter, text, "clv")


def test_what_is_not_given_keeps_its_default():
    known = (Parameter("a", "int", 1), Parameter("b", "int", 2))
    assert chosen(known, {"b": "5"}, "clv") == {"a": 1, "b": 5}


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(
        ParameterError, match=r'clv has no parameter "horizon_week"\. Did you mean "horizon_weeks"\?'
    ):
        chosen((Parameter("horizon_weeks", "int", 52),), {"horizon_week": "39"}, "clv")


def test_a_notebook_that_asks_for_a_secret_is_refused_by_name():
    path = Path(__file__).parents[2] / "notebooks" / "secret_parameter.ipynb"
    with pytest.raises(ParameterError, match=r'secret_parameter.ipynb: "db_password" looks like a secret'):
        declared(path)
