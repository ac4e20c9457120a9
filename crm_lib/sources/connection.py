"""The way in: a source by its name in `crm.toml`, at a date."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from crm_lib.contract.card import DataCard
from crm_lib.contract.findings import Finding
from crm_lib.contract.reporting import Reporting
from crm_lib.contract.tables import TABLES
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ConfigError, ParameterError
from crm_lib.sources.converted import Progress, Store
from crm_lib.sources.crm import Crm
from crm_lib.sources.findings import findings_of
from crm_lib.sources.home import Home, home_of, is_local
from crm_lib.sources.kept import Kept
from crm_lib.sources.loading import Loaded, load, table_mappings
from crm_lib.sources.settings import Config, Source, read_config

TEXT_FOLDER = ".crm/.text"  # large text files as Parquet


@dataclass(frozen=True)
class Checkup:
    """What `crm check` says of a source: its account, tables that can't be used and why, and rows set aside."""

    card: DataCard
    problems: dict[str, str]
    warnings: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    currency: str = ""


def connect(source: str, as_of: str | dt.date = "", language: str = "en", topic: str = "") -> Crm:
    """A source of `crm.toml` at the end of a day.

    Parameters
    ----------
    source : name in `crm.toml`; empty for its default.
    as_of : last day of data to use, as 2026-10-31; empty for the source's default and, where it has none,
        the last full day before the run date that the runner names.
    language : language of the page, handed on to what makes it.
    topic : only the tables that this topic may ask for, which is quicker; empty for all that the source has.

    Raises
    ------
    ConfigError, ParameterError, DataContractError

    Examples
    --------
    >>> crm = connect("textbook")
    >>> crm
    Crm('textbook', as_of='2008-12-31', tables=['customer_summaries'])
    >>> crm.customer_summaries.count().to_pyarrow().as_py()
    100
    """
    config = read_config()
    chosen = config.source(source or config.default)
    home = home_of(chosen, Store(config.root / TEXT_FOLDER))
    with home.in_words():
        loaded, card = _load(config, chosen, home, as_of, _tables_of_topic(topic))
    return Crm(card, chosen.settings, loaded.tables, loaded.errors, language, topic)


def connect_if_there(source: str, language: str = "en", topic: str = "") -> Crm | None:
    """A source at its default date, or None where `crm.toml` does not name it or its files are gone.

    For data that a page shows as proof beside its own; `language` and `topic` are those of `connect`.

    >>> connect_if_there("nowhere") is None
    True
    """
    try:
        return connect(source, language=language, topic=topic)
    except ConfigError:
        return None


def check(source: str = "", as_of: str | dt.date = "", progress: Progress | None = None) -> Checkup:
    """Read and check a source without a notebook; `progress` is told how far a large file is read."""
    config = read_config()
    chosen = config.source(source or config.default)
    home = home_of(chosen, Store(config.root / TEXT_FOLDER, make=True, progress=progress))
    with closing(home), home.in_words():
        loaded, card = _load(config, chosen, home, as_of, tuple(TABLES), keep=True)
        found = findings_of(loaded.tables, card)
    return Checkup(card, dict(card.problems), loaded.warnings, found, chosen.settings.currency)


def names() -> list[str]:
    """Names of all sources in `crm.toml`."""
    return list(read_config().sources)


def default_source() -> str:
    """The source used where none is named."""
    config = read_config()
    if not config.default:
        raise ConfigError('crm.toml names no default source. Add [default] source = "…", or pass --source.')
    return config.default


def tables_of(source: str) -> set[str]:
    """The tables that a source declares or has, without reading them."""
    chosen = read_config().source(source)
    with closing(home_of(chosen)) as home:
        return set(table_mappings(chosen, home))


def as_of_of(source: str, as_of: str | dt.date = "") -> dt.date:
    """The as-of date that `connect` would use."""
    return _as_of(read_config().source(source), as_of)


def reporting_of(source: str) -> Reporting:
    """What `crm.toml` says of a source's reports: whom to ask, thresholds, who is told."""
    return read_config().source(source).reporting


def root() -> Path:
    """The folder of `crm.toml`."""
    return read_config().root


def _tables_of_topic(topic: str) -> tuple[str, ...]:
    if topic and topic not in TOPICS:
        raise ParameterError(f'There is no topic "{topic}"; there are {", ".join(TOPICS)}.')
    return TOPICS[topic].tables if topic else tuple(TABLES)


def _load(
    config: Config, source: Source, home: Home, as_of: str | dt.date, wanted: tuple[str, ...], keep: bool = False
) -> tuple[Loaded, DataCard]:
    """Load tables, or find them where a check has kept them; a check alone keeps, as it reads them all.

    Nothing is kept of a server: its tables may change at any moment, and it answers as fast as a copy would.
    """
    day, run_date = _as_of(source, as_of), _run_date()
    kept = Kept(config.root, source, day, run_date) if is_local(source) else None
    loaded = kept.read(wanted) if kept else None
    if loaded is None:
        rejected = config.root / "rejected" / source.name
        loaded = load(source, home, wanted, day, run_date, rejected_folder=rejected, signs=keep)
        if kept and keep:
            kept.write(loaded)
            loaded = _from_disk(kept, loaded, home) or loaded
    problems = tuple((table, str(error)) for table, error in loaded.errors.items())
    card = DataCard(source.name, source.title, day, loaded.fingerprint, loaded.cards, problems)
    return loaded, card


def _from_disk(kept: Kept, loaded: Loaded, home: Home) -> Loaded | None:
    """What was just kept in place of what the engine holds, which is let go: memory for what comes next."""
    found = kept.read(tuple(TABLES))
    if found is not None:
        for name in loaded.tables:
            home.let_go(name)
    return found


def _as_of(source: Source, as_of: str | dt.date) -> dt.date:
    if isinstance(as_of, dt.date):
        return as_of
    given = as_of.strip() or source.as_of
    if given:
        try:
            return dt.date.fromisoformat(given)
        except ValueError:
            raise ParameterError(f'as_of is "{given}"; it must be a day such as 2026-10-31.') from None
    run_date = _run_date()
    if run_date is None:
        raise ConfigError(
            f'The source "{source.name}" has no default as_of. Give one (as_of = "2026-10-31"), '
            f"or set sources.{source.name}.as_of in crm.toml."
        )
    return run_date - dt.timedelta(days=1)


def _run_date() -> dt.date | None:
    """The logical day of the run, named by the runner; the clock is never asked."""
    named = os.environ.get("CRM_RUN_DATE", "")
    try:
        return dt.date.fromisoformat(named) if named else None
    except ValueError:
        raise ConfigError(f'CRM_RUN_DATE is "{named}"; it must be a day such as 2026-11-01.') from None
