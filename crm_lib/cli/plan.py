"""What `crm report` is to do, worked out before anything starts: sources, dates, topics and their parameters.

A source that can't be read stops no other: what it said is told when its turn comes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_lib.cli.options import name_run_date, notebook, resolved, scheduled
from crm_lib.cli.own import OwnNotebook
from crm_lib.contract.project import locate
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import CrmError, DataContractError, ParameterError
from crm_lib.runner import transient
from crm_lib.runner.job import Order
from crm_lib.runner.request import choices, dates, parameters
from crm_lib.runner.store import archive

if TYPE_CHECKING:
    from crm_lib.sources import Checkup


@dataclass(frozen=True)
class Wish:
    """What is wanted of one source: its dates, its topics with all parameters, and topics that it can't have.

    `unread` is why nothing can be had of it; None as a rule.
    """

    source: str
    run_date: dt.date
    days: tuple[str, ...]
    values: Mapping[str, Mapping[str, object]]
    left_out: Mapping[str, tuple[str, ...]]
    only_missed: bool = False
    own: OwnNotebook | None = None
    unread: CrmError | None = None


def wishes(
    sources_named: Sequence[str],
    asked: Sequence[str],
    settings: Sequence[str],
    when: Mapping[str, str],
    own: OwnNotebook | None = None,
) -> list[Wish]:
    """A wish per source; every name, date and parameter is checked.

    `when` holds `as_of`, `run_date`, `since` and `every`, as given. An `own` notebook stands for its topic.

    Raises
    ------
    ConfigError, DataContractError, ParameterError
    """
    from crm_lib import sources

    for topic in asked:
        if topic not in TOPICS:
            hint = parameters.did_you_mean(topic, TOPICS)
            raise ParameterError(f'There is no topic "{topic}".{hint} Topics: {", ".join(TOPICS)}.')
    when = {**when, "run_date": scheduled(when["run_date"])}
    named = list(dict.fromkeys(sources_named)) or [sources.default_source()]
    for source in named:
        sources.reporting_of(source)  # a name that crm.toml does not know is a wrong question
    tables = {source: _opened(source) for source in named}
    unread = {source: found for source, found in tables.items() if isinstance(found, CrmError)}
    gaps = {source: {} if source in unread else _gaps(tables[source]) for source in named}
    wanted = {source: _wanted(source, asked, gaps[source], alone=len(named) == 1) for source in named}
    for setting in settings:  # told for all sources together: each topic must run for at least one
        choices.split([setting], [topic for topics in wanted.values() for topic in topics])
    found = [
        Wish(source, dt.date.min, (), {}, {}, unread=unread[source])
        if source in unread
        else _wish(source, wanted[source], settings, when, gaps[source], own)
        for source in named
    ]
    return [replace(wish, own=own) for wish in found]


def _opened(source: str) -> set[str] | CrmError:
    from crm_lib import sources

    try:
        return _twice(lambda: sources.tables_of(source))
    except CrmError as error:
        return error


def _twice(ask: Callable[[], Any]) -> Any:
    """What a source answers; asked once more, after a pause, where a second try may end otherwise."""
    try:
        return ask()
    except Exception as error:
        if not transient.of_error(type(error).__name__, str(error)):
            raise
    time.sleep(transient.PAUSE_S)
    return ask()


def _wish(
    source: str,
    wanted: Sequence[str],
    settings: Sequence[str],
    when: Mapping[str, str],
    gaps: Mapping[str, Any],
    own: OwnNotebook | None,
) -> Wish:
    from crm_lib import sources

    run_date = name_run_date(when["run_date"], sources.reporting_of(source).time_zone)
    here = [s for s in settings if s.partition(".")[0] in wanted]
    given = choices.split(here, wanted)
    files = {topic: own.path if own else notebook(topic) for topic in wanted}
    values = {topic: choices.values(topic, file, given.get(topic, {}), run_date) for topic, file in files.items()}
    as_of = resolved(when["as_of"], run_date)
    if not when["since"]:
        return Wish(source, run_date, (as_of,), values, gaps)
    since = dates.day(when["since"], run_date, "--since")
    until = dt.date.fromisoformat(as_of) if as_of else sources.as_of_of(source)
    days = tuple(day.isoformat() for day in dates.ends(since, until, when["every"]))
    if not days:
        raise ParameterError(
            f"No {when['every']} ended from {since} to {until}, which is the last day of {source}."
        )
    return Wish(source, run_date, days, values, gaps, only_missed=True)


def orders(wish: Wish, shared: Order) -> Iterator[Order]:
    """An order for each date, its tables checked; when catching up, only what has no good page yet.

    `shared` holds what does not depend on source and date.
    """
    from crm_lib import sources

    if wish.unread:
        raise wish.unread
    if not wish.values:
        raise DataContractError(f'The tables of "{wish.source}" allow none of the reports asked for.')
    name_run_date(wish.run_date.isoformat())
    for day in wish.days:
        missed = _missed(wish, day, shared)
        if not missed:
            continue
        checkup = _twice(lambda day=day: sources.check(wish.source, day))
        common = {"source": wish.source, "as_of": checkup.card.as_of.isoformat(), "language": shared.language}
        jobs = (
            choices.job(
                topic,
                wish.own.path if wish.own else notebook(topic),
                dict(wish.values[topic]) | common,
                shared.label,
                wish.own.arguments if wish.own else (topic,),
            )
            for topic in missed
        )
        yield replace(
            shared,
            source=wish.source,
            source_title=checkup.card.title,
            as_of=checkup.card.as_of,
            jobs=tuple(jobs),
            run_date=wish.run_date,
            left_out=wish.left_out,
            refused=_refused(missed, wish.source, checkup),
            reporting=sources.reporting_of(wish.source),
            fingerprint=checkup.card.fingerprint,
            settings=hashlib.sha256(locate().read_bytes()).hexdigest(),
        )


def has_new_date(wish: Wish, shared: Order) -> bool:
    """Whether one of the dates has never been run, so that something will be run for sure."""
    from crm_lib import sources

    days = [dt.date.fromisoformat(day) if day else sources.as_of_of(wish.source) for day in wish.days]
    folders = (replace(shared, source=wish.source, as_of=day).folder for day in days)
    return not all(any((folder / "runs").glob("*.json")) for folder in folders)


def _missed(wish: Wish, day: str, shared: Order) -> list[str]:
    if not wish.only_missed or shared.force:
        return list(wish.values)
    folder = replace(shared, source=wish.source, as_of=dt.date.fromisoformat(day)).folder
    there = set(archive.good_pages(folder))
    return [topic for topic in wish.values if archive.page_name(topic, shared.language) not in there]


def _gaps(tables: set[str]) -> dict[str, tuple[str, ...]]:
    """For each topic that these tables don't allow, the tables that lack."""
    gaps = {name: topic.missing(tables) for name, topic in TOPICS.items()}
    return {name: missing for name, missing in gaps.items() if missing}


def _wanted(source: str, asked: Sequence[str], gaps: Mapping[str, Sequence[str]], alone: bool) -> list[str]:
    for topic in asked:
        if topic in gaps and alone:
            needs = " and ".join(gaps[topic])
            raise DataContractError(f'{topic} needs the table {needs}, which the source "{source}" does not have.')
    return [topic for topic in (dict.fromkeys(asked) or TOPICS) if topic not in gaps]


def _refused(wanted: Sequence[str], source: str, checkup: Checkup) -> dict[str, str]:
    """Topics whose tables did not pass the check, with the words of the check."""
    from crm_lib import sources

    sound = _twice(lambda: sources.tables_of(source)) - set(checkup.problems)
    refused = {}
    for topic in wanted:
        broken = [t for t in TOPICS[topic].missing(sound) if t in checkup.problems]
        if broken:
            refused[topic] = " ".join(checkup.problems[table] for table in broken)
    return refused


def empty_order(reports: Path, **options: Any) -> Order:
    """What all orders of one command share, before source and date are known."""
    return Order(source="", source_title="", as_of=dt.date.min, reports=reports, jobs=(), **options)
