"""What lies in a person's files: one piece for each text file, each Parquet file and each sheet of a workbook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import ibis

from crm_lib.errors import DataContractError
from crm_lib.sources import files, workbook
from crm_lib.sources.converted import Store
from crm_lib.sources.guess.columns import TheirColumn, repeated, their_columns
from crm_lib.sources.guess.encoding import encoding_of
from crm_lib.sources.guess.layout import Layout, layout_of_rows, layout_of_text, reading_of
from crm_lib.sources.guess.proposal import Question
from crm_lib.sources.settings import Reading

TEXTS = (".csv", ".tsv", ".txt", ".tab", ".gz")
KNOWN = (*TEXTS, *files.PARQUET, *workbook.WORKBOOKS)


@dataclass(frozen=True)
class Answers:
    """What a person has said, by key: `FILE:WHAT`, or `WHAT` for all files; and the day on which it is asked."""

    said: Mapping[str, str] = field(default_factory=dict)
    today: dt.date = dt.date(2100, 12, 31)

    def get(self, label: str, what: str) -> str:
        """The answer for this piece; empty where there is none."""
        return self.said.get(f"{label}:{what}", self.said.get(what, ""))


@dataclass(frozen=True)
class Piece:
    """A table as it lies in a file: how it is read, its raw rows, its columns, and what was seen on the way.

    `files` names the files, or a pattern of them, where several are one table.
    """

    label: str
    path: Path
    reading: Reading
    raw: files.Raw
    columns: tuple[TheirColumn, ...]
    n_rows: int
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def files_in(path: Path) -> list[Path]:
    """The files of a folder that may hold tables, or the one file itself."""
    if path.is_file():
        if path.suffix.lower() not in KNOWN:
            kinds = ", ".join(KNOWN)
            raise DataContractError(f"{path.name} is of no kind that can be read here: {kinds}.")
        return [path]
    if not path.is_dir():
        raise DataContractError(f"There is no file or folder {path.name} here. Check the name.")
    found = sorted(
        p for p in path.iterdir() if p.is_file() and p.suffix.lower() in KNOWN and p.name[0] not in ".~"
    )
    if not found:
        raise DataContractError(f"{path.name}/ holds no CSV, TSV, Excel or Parquet file.")
    return found


def pieces_of(
    con: ibis.BaseBackend, path: Path, answers: Answers, store: Store | None = None
) -> tuple[list[Piece], list[Question], list[str]]:
    """The pieces of one file, what must be asked before they can be read, and why some of it is left out."""
    if path.suffix.lower() in files.PARQUET:
        return [_piece(path.name, path, Reading(), files.read(con, path, Reading()), ())], [], []
    if path.suffix.lower() in workbook.WORKBOOKS:
        return _sheets(con, path, answers)
    return *_text(con, path, answers, store), []


def _text(con, path: Path, answers: Answers, store: Store | None) -> tuple[list[Piece], list[Question]]:
    label = path.name
    said = answers.get(label, "encoding")
    found = None if said else encoding_of(path)
    if found and found.or_else:
        words = f"{label}: in which encoding was it saved? {found.name} reads it ({found.why}); that is not sure."
        choices = tuple((name, _sample_in(path, name)) for name in (found.name, *found.or_else))
        return [], [Question(f"{label}:encoding", words, choices)]
    encoding = said or found.name
    layout = layout_of_text(path, encoding, _sign(answers.get(label, "separator")), _skip(answers, label))
    if layout.or_else and not answers.get(label, "separator"):
        signs = (layout.separator, *(("tab" if s == "\t" else s) for s in layout.or_else))
        words = f"{label}: which sign stands between the values?"
        return [], [Question(f"{label}:separator", words, tuple((s, "") for s in signs))]
    _refuse_repeated(layout, label)
    reading = reading_of(layout, encoding)
    raw = files.read(con, path, reading, store)
    notes = _above(layout)
    if raw.n_blank:
        notes += (f"{raw.n_blank:,} lines hold no value and are passed over.",)
    if raw.n_broken:
        first = f"first: line {raw.first_broken:,}"
        notes += (f"{raw.n_broken:,} lines have more or fewer values than the header ({first}).",)
    return [_piece(label, path, reading, raw, notes)], []


def _sheets(con, path: Path, answers: Answers) -> tuple[list[Piece], list[Question], list[str]]:
    """The sheets of a workbook that hold a table; of several, one that can't be used is left out, and why."""
    names = workbook.sheets(path)
    wanted = answers.get(path.name, "sheet")
    if wanted:
        names = [wanted]
    if not names:
        raise DataContractError(f"{path.name} is empty: no sheet of it holds a value.")
    found, left_out = [], []
    for name in names:
        try:
            found.append(
                _sheet(con, path, name, path.name if len(names) == 1 else f"{path.name}[{name}]", answers)
            )
        except DataContractError as error:
            if len(names) == 1:
                raise
            left_out.append(str(error))
    if not found:
        raise DataContractError(
            f"No sheet of {path.name} can be used. {' '.join(left_out)} Correct one, and name it with --sheet."
        )
    return found, [], left_out


def _sheet(con, path: Path, name: str, label: str, answers: Answers) -> Piece:
    layout = layout_of_rows(workbook.first_rows(path, name, 200), label, _skip(answers, label))
    _refuse_repeated(layout, label)
    reading = Reading(sheet=name, skip=layout.skip)
    return _piece(label, path, reading, files.read(con, path, reading), _above(layout))


def _piece(label: str, path: Path, reading: Reading, raw: files.Raw, notes: tuple[str, ...]) -> Piece:
    n = raw.table.count().to_pyarrow().as_py()
    if not n:
        raise DataContractError(f"{label} has a header and no rows. Export it again with its data.")
    return Piece(label, path, reading, replace(raw, place=label), tuple(their_columns(raw)), n, notes)


def _above(layout: Layout) -> tuple[str, ...]:
    n = len(layout.above)
    return (
        (f"{n} {'line' if n == 1 else 'lines'} above the header {'is' if n == 1 else 'are'} skipped.",)
        if n
        else ()
    )


def _skip(answers: Answers, label: str) -> int | None:
    said = answers.get(label, "skip")
    if said and not said.isdigit():
        raise DataContractError(f'skip is "{said}"; it must be the number of lines above the header.')
    return int(said) if said else None


def _sign(said: str) -> str:
    return {"tab": "\t", "comma": ",", "semicolon": ";"}.get(said, said)


def _sample_in(path: Path, encoding: str) -> str:
    from crm_lib.sources.text import open_bytes

    with open_bytes(path) as file:
        lines = [next(file, b"") for _ in range(50)]
    odd = next((line for line in lines if not line.isascii()), b"")
    return odd.decode(encoding, "replace").strip()[:60]


def _refuse_repeated(layout: Layout, label: str) -> None:
    if twice := repeated(list(layout.names)):
        raise DataContractError(f'{label}: the column "{twice[0]}" stands twice in the header. Rename one.')
