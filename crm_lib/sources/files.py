"""Brings files and database tables into the embedded engine as they are: text stays text, nothing is guessed."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis
import pyarrow as pa
from ibis import _

from crm_lib.contract.rules import ROW
from crm_lib.errors import ConfigError, DataContractError, part
from crm_lib.sources.converted import Store
from crm_lib.sources.settings import Reading, Source, TableMapping, nearest
from crm_lib.sources.text import Decoded, decode, n_records
from crm_lib.sources.workbook import WORKBOOKS, read_sheet

PARQUET = (".parquet", ".pq")
DATA = re.compile(r"^[\d.,:/ -]+$|@")
# Of what DuckDB would take, four fifths of the machine's or the container's memory.
SHARE_OF_REPORT, SHARE_OF_CHECK = 0.125, 0.25
ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv", ".txt", ".xlsx", ".xls")


@dataclass(frozen=True)
class Raw:
    """A table as the source has it: columns c0, c1 … and the row number, their names, and its broken lines.

    The rows of a server have no order and bear no number: `number` is then how they are counted where a mapping
    asks for that (`row_id`): the same numbers whenever the same rows are asked for.
    `parts` holds name and number of rows of each file, where several are one table; `n_blank` counts rows of a
    text file that held separators only and are none of the table's.
    """

    table: ibis.Table
    names: dict[str, str]
    place: str
    n_broken: int = 0
    first_broken: int | None = None
    kept_as: str = ""
    number: Callable[[ibis.Table], ibis.Value] | None = None
    broken_in: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    n_blank: int = 0

    @property
    def ordered(self) -> bool:
        """Whether its rows have an order, and so a number."""
        return self.number is None

    def column(self, name: str, table: str) -> ibis.Value:
        """The column of their name; DataContractError says what there is instead."""
        if name not in self.names:
            raise DataContractError(
                f'{table}: {self.place} has no column "{name}".{nearest(name, self.names)} {self._advice()}'
            )
        return self.table[self.names[name]]

    def _advice(self) -> str:
        names = [n for n in self.names if n]
        if any(DATA.search(n) for n in names):  # customers' data are never quoted
            return part("Its first line looks like data: set header = false and names = [...] for this source.")
        signs = [s for s in (";", "|", "\t", ",") if len(names) == 1 and s in names[0]]
        if signs:
            sign = "tab" if signs[0] == "\t" else signs[0]
            return part(f'Its columns are not told apart: set separator="{sign}" for this source.')
        known = ", ".join(names)
        return part(f"Its columns are: {known}. Correct the file, or name their column under columns in crm.toml.")


def engine(share: float = SHARE_OF_REPORT) -> ibis.BaseBackend:
    """An embedded DuckDB that downloads nothing, prints nothing and spills to the system's temporary folder.

    For a report it takes a tenth of the machine's memory and then spills: what comes to Python needs room, too,
    and reports run side by side. A check runs alone and brings next to nothing to Python.
    """
    con = ibis.duckdb.connect(
        autoinstall_known_extensions=False,
        temp_directory=str(Path(tempfile.gettempdir()) / f"crm-duckdb-{uuid4().hex[:8]}"),
    )
    with suppress(duckdb.Error):  # refused in Jupyter without ipywidgets, where it draws none anyway
        con.settings["enable_progress_bar"] = False
    most, unit = con.settings["memory_limit"].split()
    con.settings["memory_limit"] = f"{float(most) * share:.2f} {unit}"
    return con


def find(source: Source, table: str, mapping: TableMapping) -> Path:
    """The file of a table; DataContractError where it is missing."""
    if mapping.file:
        path = source.path / mapping.file
        if not path.is_file():
            near = nearest(mapping.file, [p.name for p in source.path.glob("*")])
            raise DataContractError(
                f"{table}: the file {mapping.file} is missing from {source.path.name}/.{near} "
                "Put it there, or correct file in crm.toml."
            )
        return path
    found = [p for p in (source.path / f"{table}{e}" for e in ENDINGS) if p.is_file()]
    if not found:
        raise DataContractError(f"{table}: there is no {table}.csv or {table}.parquet in {source.path.name}/.")
    return found[0]


def read(con: ibis.BaseBackend, path: Path, reading: Reading, store: Store | None = None) -> Raw:
    """A CSV, text, Excel or Parquet file as a raw table; a large text file through the store, if one is given."""
    if not path.is_file():
        raise DataContractError(f"the file {path.name} is missing from {path.parent.name}/.")
    try:
        if path.suffix.lower() in PARQUET:
            return _parquet(con, path)
        if path.suffix.lower() in WORKBOOKS:
            return _read_sheet(con, path, reading)
        if store and store.wants(path):
            return _read_kept(con, path, reading, store)
        with tempfile.TemporaryDirectory(prefix="crm-") as folder:
            return _read_text(con, path, reading, Path(folder))
    except duckdb.Error as error:
        raise DataContractError(
            f"{path.name} can't be read: {type(error).__name__}. Is it the file it says?"
        ) from error


def read_database(con: ibis.BaseBackend, path: Path, name: str) -> Raw:
    """A table of a DuckDB file as a raw table."""
    catalog, known = attach(con, path)
    if name not in known:
        raise DataContractError(
            f"{name}: {path.name} has no table of this name.{nearest(name, known)} "
            "Correct file (the table's name) in crm.toml."
        )
    return _numbered(con.table(name, database=(catalog, "main")), f"{path.name}, table {name},")


def attach(con: ibis.BaseBackend, path: Path) -> tuple[str, set[str]]:
    """Attach a DuckDB file for reading, once; its name in the engine, and the names of its tables."""
    catalog = "file_" + hashlib.sha256(str(path).encode()).hexdigest()[:8]
    listed = con.table("tables", database=("system", "information_schema")).filter(_.table_catalog == catalog)
    try:
        con.attach(str(path), catalog, read_only=True)
    except duckdb.BinderException:
        pass  # it is attached already
    except duckdb.Error as error:
        raise ConfigError(f"{path.name} can't be opened as a DuckDB file ({type(error).__name__}).") from error
    return catalog, {row["table_name"] for row in listed.select("table_name").to_pyarrow().to_pylist()}


def database_tables(path: Path) -> set[str]:
    """Names of the tables in a DuckDB file."""
    return attach(engine(), path)[1]


def digests(paths: list[Path]) -> dict[Path, str]:
    """SHA-256 of the bytes of each file."""
    found = {}
    for path in sorted(set(paths)):
        with path.open("rb") as file:
            found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def fingerprint(digests: Mapping[Path, str]) -> str:
    """One SHA-256 over the names and bytes of all files of a source."""
    total = hashlib.sha256()
    for path in sorted(digests):
        total.update(f"{path.name}\0{digests[path]}\n".encode())
    return total.hexdigest()


def _parquet(con: ibis.BaseBackend, path: Path) -> Raw:
    """A Parquet file as a raw table; its reader numbers the rows, which a window would do in one thread."""
    rows = con.read_parquet(str(path), file_row_number=True)
    names = {name: f"c{i}" for i, name in enumerate(rows.columns) if name != "file_row_number"}
    columns = {ours: rows[theirs] for theirs, ours in names.items()}
    return Raw(rows.select(**columns, **{ROW: rows["file_row_number"] + 1}), names, path.name)


def _numbered(table: ibis.Table, place: str) -> Raw:
    names = {name: f"c{i}" for i, name in enumerate(table.columns)}
    renamed = table.select(**{ours: table[theirs] for theirs, ours in names.items()})
    return Raw(renamed.mutate(**{ROW: ibis.row_number() + 1}), names, place)


def _read_sheet(con: ibis.BaseBackend, path: Path, reading: Reading) -> Raw:
    sheet = read_sheet(path, reading.sheet, reading.skip)
    _refuse_repeated(sheet.names, path.name)
    kept_as = f"raw_{uuid4().hex[:8]}"
    numbers = pa.array(range(1, sheet.table.num_rows + 1), pa.int64())
    raw = con.create_table(kept_as, sheet.table.append_column(ROW, numbers), temp=True)
    names = {name: f"c{i}" for i, name in enumerate(sheet.names)}
    return Raw(raw, names, path.name, kept_as=kept_as)


def _read_kept(con: ibis.BaseBackend, path: Path, reading: Reading, store: Store) -> Raw:
    """A large text file out of its Parquet, which is made where the store says so."""
    place = store.place(path, reading)
    account = store.account(place)
    with tempfile.TemporaryDirectory(prefix="crm-") as folder:
        if account is None and not store.make:
            return _read_text(con, path, reading, Path(folder))
        if account is None:
            making = store.making(place)
            try:
                raw = _read_text(con, path, reading, Path(folder), making, store)
                account = {"names": raw.names, "n_broken": raw.n_broken, "first_broken": raw.first_broken}
                account["n_blank"] = raw.n_blank
                store.keep(making, place, account)
            finally:
                making.unlink(missing_ok=True)
    rows, n_blank = con.read_parquet(str(place)), account["n_blank"]
    raw = Raw(_filled(rows) if n_blank else rows, account["names"], path.name, n_blank=n_blank)
    return replace(raw, n_broken=account["n_broken"], first_broken=account["first_broken"])


def _read_text(con, path: Path, reading: Reading, folder: Path, parquet: Path | None = None, store=None) -> Raw:
    text = decode(path, reading, folder / "utf8.csv", store.progress if store else None)
    _refuse_repeated(text.names, path.name)
    rejects = f"rejects_{uuid4().hex[:8]}"
    rows = con.read_csv(
        str(text.path),
        columns={f"c{i}": "VARCHAR" for i in range(len(text.names))},
        delim=text.separator,
        quote='"',
        escape='"',
        header=reading.header,
        auto_detect=False,
        store_rejects=True,
        rejects_table=rejects,
        rejects_scan=f"{rejects}_scan",
    )
    # Rejects are appended once per scan: the file is read exactly once, into a table.
    numbered = rows.mutate(**{ROW: ibis.row_number() + 1})
    kept_as = "" if parquet else f"raw_{rejects}"
    if parquet:
        con.to_parquet(numbered, parquet)
        raw = con.read_parquet(str(parquet))
    else:
        raw = con.create_table(kept_as, numbered, temp=True)
    n_broken, first = _broken(con, rejects, text, raw, path.name, reading.header)
    con.drop_view(rows.get_name(), force=True)
    names = {name: f"c{i}" for i, name in enumerate(text.names)}
    held = _filled(raw)
    n_blank = raw.count().to_pyarrow().as_py() - held.count().to_pyarrow().as_py()
    return Raw(held if n_blank else raw, names, path.name, n_broken, first, kept_as, n_blank=n_blank)


def _filled(rows: ibis.Table) -> ibis.Table:
    """Rows that hold a value: a spreadsheet saved as text ends in lines of separators."""
    return rows.filter(ibis.or_(*(rows[c].notnull() for c in rows.columns if c != ROW)))


def _broken(con, rejects: str, text: Decoded, raw: ibis.Table, place: str, header: bool) -> tuple[int, int | None]:
    """Number of broken lines and the first of them; a quote never closed swallows the rest and is refused."""
    lines = con.table(rejects).agg(
        n=_.line.nunique(),
        first=_.line.min(),
        first_quote=_.line.min(where=_.error_type.cast("string") == "UNQUOTED VALUE"),
    )
    found = lines.to_pyarrow().to_pylist()[0]
    if found["first_quote"] is not None:
        raise DataContractError(
            f"{place}: a quotation mark opened on line {found['first_quote']:,} is never closed, "
            "so the lines after it can't be told apart. Correct the file."
        )
    n_seen = raw.count().to_pyarrow().as_py() + found["n"]
    if n_seen + header != text.n_lines and n_seen + header != n_records(text):
        raise DataContractError(
            f"{place}: {text.n_lines - header:,} lines of data were expected and {n_seen:,} read. "
            "Look for quotation marks that are not closed, and for the right separator."
        )
    return found["n"], found["first"]


def _refuse_repeated(names: tuple[str, ...], place: str) -> None:
    repeated = sorted({n for n in names if n and names.count(n) > 1})
    if repeated:
        raise DataContractError(f'{place}: the column "{repeated[0]}" stands twice in the header. Rename one.')
