"""Parameters as a table: one account of each for `crm topics`, for `--help`, and for the box on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_lib.runner.pages import prose
from crm_lib.runner.request.parameters import Parameter
from crm_lib.theme import messages
from crm_lib.theme.words import gettext as _


@dataclass(frozen=True)
class Row:
    """One parameter in words: what it may be, its default, what it does, its value and whether that is another.

    `changed` is false where the default is empty, which leaves the choice to the source.
    """

    name: str
    kind: str
    default: str
    meaning: str
    value: str = ""
    changed: bool = False


def rows(parameters: Sequence[Parameter], values: Mapping[str, Any] | None = None) -> list[Row]:
    """A row for each parameter, in the order of the notebook's cell."""
    given = {p.name: p.default for p in parameters} | dict(values or {})
    return [
        Row(
            p.name,
            kind(p),
            prose.value_words(p.default),
            meaning(p),
            prose.value_words(given[p.name]),
            changed=given[p.name] != p.default and p.default != "",
        )
        for p in parameters
    ]


def kind(parameter: Parameter) -> str:
    """The type, the choices or the range in words.

    >>> kind(Parameter("horizon_weeks", "int", 52, low=4, high=156))
    'whole number, 4 to 156'
    """
    said = _("one of {choices}").format(choices=_choices(parameter)) if parameter.choices else _plain(parameter)
    if parameter.low is not None and parameter.high is not None:
        said = _("{kind}, {low} to {high}").format(kind=said, low=f"{parameter.low:g}", high=f"{parameter.high:g}")
    if parameter.many:
        said = _("list; each {kind}").format(kind=said)
    return _("{kind}, or none").format(kind=said) if parameter.optional else said


def meaning(parameter: Parameter) -> str:
    """What it does, without the range or the "a date" at its end, which the kind says.

    >>> meaning(Parameter("horizon_weeks", "int", 52, "how far ahead to forecast, 4 to 156", 4, 156))
    'how far ahead to forecast'
    """
    said_by_kind = parameter.low is not None or parameter.dated
    text = messages.of_help(parameter.help) if said_by_kind else parameter.help
    return _(text) if text else ""


def _plain(parameter: Parameter) -> str:
    if parameter.dated:
        return _("date")
    return {"str": _("text"), "int": _("whole number"), "float": _("number"), "bool": _("yes or no")}[
        parameter.type
    ]


def _choices(parameter: Parameter) -> str:
    return ", ".join(prose.value_words(choice) for choice in parameter.choices)
