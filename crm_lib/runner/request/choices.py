"""What the command line chose: `--set` texts in, jobs out, with the one command that makes each page again."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ParameterError
from crm_lib.runner.job import Job
from crm_lib.runner.request import parameter_table, parameters


def split(settings: Sequence[str], wanted: Sequence[str]) -> dict[str, dict[str, str | list[str]]]:
    """`topic.parameter=value` texts by topic and parameter; a parameter named twice has a list."""
    given: dict[str, dict[str, str | list[str]]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        topic, dot, parameter = name.partition(".")
        if not (equals and dot and topic and parameter):
            raise ParameterError(f'--set is "{setting}"; it must look like clv.horizon_weeks=39.')
        if topic not in wanted:
            hint = parameters.did_you_mean(topic, wanted)
            raise ParameterError(f'--set {setting}: "{topic}" is not among the reports of this run.{hint}')
        if parameter in parameters.COMMON:
            raise ParameterError(
                f"--set {setting}: use --{parameter.replace('_', '-')}, which holds for all reports."
            )
        before = given.setdefault(topic, {}).get(parameter)
        earlier = [] if before is None else before if isinstance(before, list) else [before]
        given[topic][parameter] = [*earlier, value] if earlier else value
    return given


def values(
    topic: str, notebook: Path, given: Mapping[str, str | list[str]], run_date: dt.date | None = None
) -> dict[str, object]:
    """Every parameter's value, checked against the notebook's own cell; `last-month` counts from the run date."""
    declared = parameters.declared(notebook)
    missing = [name for name in parameters.COMMON if name not in {p.name for p in declared}]
    if missing:
        raise ParameterError(f"{notebook.name} lacks {', '.join(missing)} in its parameters cell.")
    return parameters.chosen(declared, given, topic, run_date)


def table(topic: str, notebook: Path) -> list[tuple[str, str, str]]:
    """What --set takes for a topic: `topic.parameter=default`, its kind, and its help."""
    declared = [p for p in parameters.declared(notebook) if p.name not in parameters.COMMON]
    found = zip(declared, parameter_table.rows(declared), strict=True)
    return [(f"{topic}.{p.name}={as_text(p.default)}", row.kind, row.meaning) for p, row in found]


def job(
    topic: str, notebook: Path, chosen: Mapping[str, object], label: str = "", asked: Sequence[str] = ()
) -> Job:
    """The job of one topic; `asked` are the arguments that name it, where that is not the topic alone."""
    again = command(topic, notebook, chosen, label, asked)
    return Job(topic, TOPICS[topic].title, TOPICS[topic].question, notebook, chosen, again)


def command(
    topic: str, notebook: Path, chosen: Mapping[str, object], label: str = "", asked: Sequence[str] = ()
) -> str:
    """The one command that makes the page again: what differs from the notebook's defaults, and no more."""
    day = str(chosen["as_of"])
    pieces = ["crm", "report", *(asked or (topic,)), "--source", str(chosen["source"]), "--as-of", day]
    if chosen["language"] != "en":
        pieces += ["--language", str(chosen["language"])]
    if label:
        pieces += ["--label", label]
    for p in parameters.declared(notebook):
        if p.name not in parameters.COMMON and chosen[p.name] != p.default:
            pieces += _set_again(f"{topic}.{p.name}", chosen[p.name])
    return shlex.join(pieces)


def as_text(value: object) -> str:
    """A value as `--set` reads it.

    >>> as_text(True), as_text(["a", "b"]), as_text(0.5)
    ('true', 'a,b', '0.5')
    """
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _set_again(name: str, value: object) -> list[str]:
    several = value if isinstance(value, list) and len(value) > 1 else [value]
    if isinstance(value, list) and any("," in as_text(one) for one in value):
        several = [json.dumps(value, ensure_ascii=False)]
    return [piece for one in several for piece in ("--set", f"{name}={as_text(one)}")]
