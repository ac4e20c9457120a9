"""The command `crm init`: from a person's files to a source in `crm.toml`, its check, and what it allows."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crm_lib.cli import asking
from crm_lib.cli.options import RunDate, name_run_date, say, scheduled, short
from crm_lib.cli.progress import progress_bar
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ParameterError

if TYPE_CHECKING:
    from crm_lib.sources.converted import Store
    from crm_lib.sources.guess import Proposal

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")


@dataclass(frozen=True)
class _Place:
    """Where the files lie now, where the source will say they lie, and whether they must be moved there."""

    files: list[Path]
    folder: Path
    moved: bool = False


def init(
    path: Annotated[str, typer.Argument(metavar="FILE|FOLDER|URL", help="CSV, TSV, Excel or Parquet.")],
    name: Annotated[str, typer.Option(help="Name of the source in crm.toml; else made from the file's.")] = "",
    title: Annotated[str, typer.Option(help="Name for readers; else the file's.")] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An answer: at=下单时间, orders.csv:table=transactions …"),
    ] = None,
    table: Annotated[str, typer.Option(help="Which table the file is, where it can't be told.")] = "",
    sheet: Annotated[str, typer.Option(help="The one sheet of a workbook to use.")] = "",
    encoding: Annotated[str, typer.Option(help="The encoding of the file, where it can't be told.")] = "",
    skip: Annotated[int | None, typer.Option(min=0, help="Lines above the header.")] = None,
    currency: Annotated[str, typer.Option(help="Currency of the amounts, such as CNY.")] = "",
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Last day of data, as 2026-10-31.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking; open questions end it.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a source of the same name.")] = False,
    run_date: RunDate = "",
) -> None:
    """Read your own files: propose tables and columns, ask what can't be known, write crm.toml, check.

    Nothing is written before you say yes. What the files hold is shown on this terminal only.

    Example: crm init exports/ --name shop

    Exit codes: 0 all tables can be used, 2 a file can't be used, a question is open, or you said no.
    """
    from crm_lib.sources.converted import Store
    from crm_lib.sources.guess import block

    today = name_run_date(scheduled(run_date))
    said = _said(set_ or [], table, sheet, encoding, skip, currency, as_of)
    target = block.project_file()
    with tempfile.TemporaryDirectory(prefix="crm-init-") as temporary, progress_bar() as progress:
        place = _place(path, Path(temporary), progress)
        name = _source_name(name, path)
        replace = _may_write(target, name, replace, yes)
        store = Store(Path(temporary) / "crm" / "text", make=True, progress=progress)
        proposal = _settle(place.files, said, store, today, yes)
        folder = _raw_folder(target, name) if place.moved else place.folder
        text = block.block(name, title or _title(path), _written(folder, target), proposal, today, said)
        _agree(text, target, name, yes)
        if place.moved:
            _move(place.files, folder)
        block.write(target, name, text, replace)
        _adopt(store.folder, target.parent)
    typer.echo(f"\nWritten: [sources.{name}] in {short(target)}")
    raise typer.Exit(_check(name))


def _said(
    given: list[str], table: str, sheet: str, encoding: str, skip: int | None, currency: str, as_of: str
) -> dict[str, str]:
    said = {"table": table, "sheet": sheet, "encoding": encoding, "currency": currency, "as_of": as_of}
    said["skip"] = "" if skip is None else str(skip)
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ParameterError(f'--set is "{text}"; it must be KEY=VALUE, such as at="Order date".')
        said[key.strip()] = value.strip()
    if said["as_of"]:
        try:
            dt.date.fromisoformat(said["as_of"])
        except ValueError:
            raise ParameterError(f'--as-of is "{as_of}"; it must be a day such as 2026-10-31.') from None
    return {key: value for key, value in said.items() if value}


def _place(path: str, temporary: Path, progress) -> _Place:
    from crm_lib.sources.guess import files_in
    from crm_lib.sources.guess.fetch import fetch, is_address

    if is_address(path):
        folder = temporary / "fetched"
        folder.mkdir()
        return _Place([fetch(path, folder, progress)], folder, moved=True)
    found = files_in(Path(path).expanduser())
    return _Place(found, found[0].parent.resolve())


def _source_name(name: str, path: str) -> str:
    if name:
        if not _NAME.fullmatch(name):
            raise ParameterError(f'--name is "{name}"; it must hold letters, digits, _ and -.')
        return name
    plain = unicodedata.normalize("NFKD", _title(path)).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40]
    return made if _NAME.fullmatch(made) else "mine"


def _title(path: str) -> str:
    from urllib.parse import urlsplit

    last = Path(urlsplit(path).path if "://" in path else path).resolve().name
    return asking.safe(last.split(".")[0]) or "My data"


def _may_write(target: Path, name: str, replace: bool, yes: bool) -> bool:
    """Whether a source of this name is replaced; nobody's block is overwritten without a word."""
    from crm_lib.sources.guess import block

    if not block.has_source(target, name) or replace:
        return replace
    if not yes:
        with suppress(typer.Abort):
            if typer.confirm(f"{target.name} has a source {name} already. Replace it?", default=False):
                return True
    raise block.taken(target, name)


def _settle(files: list[Path], said: dict[str, str], store: Store, today: dt.date, yes: bool) -> Proposal:
    """Propose and ask until nothing is open."""
    from crm_lib.sources.files import engine
    from crm_lib.sources.guess import propose

    con = engine()
    for _round in range(20):
        proposal = propose(con, files, said, store, today)
        if not proposal.questions:
            asking.show(proposal)
            return proposal
        if yes:
            raise asking.unanswered(proposal.questions)
        said[proposal.questions[0].key] = asking.ask(proposal.questions[0])
    raise asking.unanswered(proposal.questions)


def _agree(text: str, target: Path, name: str, yes: bool) -> None:
    typer.echo(f"\nThis goes into {short(target)}:\n\n{asking.safe_lines(text)}")
    if yes:
        return
    with suppress(typer.Abort):
        if typer.confirm("Write it?", default=True):
            return
    say(f"Nothing was written: {short(target)} has no [sources.{name}].")
    raise typer.Exit(2)


def _raw_folder(target: Path, name: str) -> Path:
    return target.parent / "data" / "raw" / name


def _written(folder: Path, target: Path) -> str:
    """The folder as crm.toml says it: from its own place where it lies below."""
    root = target.parent.resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()


def _move(files: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.move(file, folder / file.name)


def _adopt(made: Path, root: Path) -> None:
    """Keep what was converted on the way, so that the check need not do it again."""
    from crm_lib.sources.connection import TEXT_FOLDER

    if made.is_dir():
        folder = root / TEXT_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        for file in made.iterdir():
            shutil.move(file, folder / file.name)


def _check(name: str) -> int:
    """Check the new source and say which reports it allows; the exit code."""
    from crm_lib.cli.checking import check_and_say

    found = check_and_say(name, "")
    usable = {t.table for t in found.card.tables}
    possible = [t.name for t in TOPICS.values() if not t.missing(usable)]
    typer.echo("")
    for topic in TOPICS.values():
        missing = topic.missing(usable)
        state = "can be made" if not missing else f"needs the table {' and '.join(missing)}"
        typer.echo(f"  {'✓' if not missing else '–'} {topic.name}: {topic.question} ({state})")
    if possible:
        typer.echo(f"\nNext: crm report --source {name}")
    return 2 if found.problems else 0
