"""Published tables as CSV beside the page, for spreadsheets: no cell of theirs is ever a formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext, number, pgettext

MOST_ROWS = 100_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # tells Excel that the text is UTF-8
# What spreadsheets take for the beginning of a formula, full-width forms and leading blanks included.
_FORMULA = r"^([\s\x00]*[=+\-@＝＋－＠|])"
_INVISIBLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"


@dataclass(frozen=True)
class Sheet:
    """A table beside the page: its name, where it lies seen from the page, rows published and rows written."""

    name: str
    address: str
    n_rows: int
    n_written: int

    @property
    def words(self) -> str:
        """What the table is called: in the reader's words where it is one of ours, else its name with blanks."""
        return _names().get(self.name) or self.name.replace("_", " ")

    @property
    def size(self) -> str:
        """How many rows it has, or how many of them were written."""
        if self.n_written < self.n_rows:
            said = _("the first {n} of {all} rows")
            return said.format(n=number(self.n_written), all=number(self.n_rows))
        return ngettext("{n} row", "{n} rows", self.n_rows).format(n=number(self.n_rows))


def _names() -> dict[str, str]:
    return {
        "aspects": pgettext("table", "aspects"),
        "campaigns": pgettext("table", "campaigns"),
        "churn": pgettext("table", "churn"),
        "customers": pgettext("table", "customers"),
        "drivers": pgettext("table", "what matters"),
        "moves": pgettext("table", "moves"),
        "plays": pgettext("table", "plays"),
        "rates": pgettext("table", "complaints and failures"),
        "results": pgettext("table", "results"),
        "segments": pgettext("table", "segments"),
        "stages": pgettext("table", "stages"),
        "touchpoints": pgettext("table", "touchpoints"),
        "uplift": pgettext("table", "tests against hold-outs"),
    }


def write(folder: Path, topic: str) -> tuple[Sheet, ...]:
    """Write `<topic>/<table>.csv` beside every `<topic>/<table>.parquet` in `folder`, by name."""
    return tuple(_write(path, topic) for path in sorted((folder / topic).glob("*.parquet")))


def _write(path: Path, topic: str) -> Sheet:
    kept = safe(_head(path))
    target = path.with_suffix(".csv")
    save(kept, target)
    return Sheet(path.stem, f"{topic}/{target.name}", pq.ParquetFile(path).metadata.num_rows, kept.num_rows)


def save(table: pa.Table, path: Path) -> None:
    """Write a table that is safe as a CSV that spreadsheets open."""
    with path.open("wb") as file:
        file.write(_BYTE_ORDER_MARK)
        # Every cell in quotes: a comma file stays one cell per cell where spreadsheets expect semicolons.
        pa.csv.write_csv(table, file, pa.csv.WriteOptions(quoting_style="all_valid"))


def _head(path: Path) -> pa.Table:
    """The first rows of a table, without reading the rest."""
    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=MOST_ROWS), None)
        return pa.Table.from_batches([] if first is None else [first], file.schema_arrow)


def texts(folder: Path, topic: str) -> Iterator[tuple[str, str]]:
    """Where in a CSV beside the page, and what stands there: each text of each column once."""
    for path in sorted((folder / topic).glob("*.parquet")):
        table = _head(path)
        yield path.stem, "\n".join(table.column_names)
        for name, column in zip(table.column_names, table.columns, strict=True):
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                yield f"{path.stem}, {name}", "\n".join(filter(None, pc.unique(column.cast(kind)).to_pylist()))


def safe(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text that a spreadsheet would run, and days without a time."""
    names = [_plain(pa.array([name]))[0].as_py() for name in table.column_names]
    return pa.table([_column(column) for column in table.columns], names=names)


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind) and pc.all(pc.equal(column, pc.floor_temporal(column, unit="day"))).as_py():
        return column.cast(pa.date32())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _plain(column)
    return column if not pa.types.is_nested(kind) else pc.cast(pa.nulls(len(column)), pa.string())


def _plain(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    visible = pc.replace_substring_regex(text, _INVISIBLE, "")
    return pc.replace_substring_regex(visible, _FORMULA, r"'\1")
