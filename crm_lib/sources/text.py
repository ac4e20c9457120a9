"""Decodes text files as a stream into UTF-8 that the engine can read, and counts their records on the way."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crm_lib.errors import ConfigError, DataContractError, part
from crm_lib.sources.settings import SEPARATORS, Reading

PIECE = 4 * 1024 * 1024
EMPTY_LINE = re.compile(r"\n(?=\n)")
Progress = Callable[[Path, float], None]
FAMILIAR = ("utf-8", "utf-8-sig", "utf-16", "gb18030", "latin-1", "cp1252")


@dataclass(frozen=True)
class Decoded:
    """A decoded file: where it lies now, its columns, its separator, and its lines that hold something."""

    path: Path
    names: tuple[str, ...]
    separator: str
    n_lines: int


def decode(path: Path, reading: Reading, target: Path, progress: Progress | None = None) -> Decoded:
    """Write `path` as UTF-8 with plain line ends to `target`; DataContractError where the encoding is another.

    Lines above the header are left out. `progress` is told the share of the file that is done, if one is given.
    """
    spaced = reading.separator == "whitespace"
    n_lines, n_above = 0, reading.skip
    with target.open("w", encoding="utf-8", newline="") as out:
        for text in pieces(path, reading.encoding, progress):
            while n_above and text:
                text = text.partition("\n")[2]
                n_above -= 1
            if spaced:
                text = "".join("\t".join(line.split()) + "\n" for line in text.splitlines())
            n_lines += text.count("\n") - len(EMPTY_LINE.findall("\n" + text))
            out.write(text)
    separator = "\t" if spaced else SEPARATORS[reading.separator]
    names = reading.names or _header(target, separator, path.name)
    return Decoded(target, tuple(names), separator, n_lines)


def n_records(text: Decoded) -> int:
    """Records of a decoded file, header included: a record may span lines inside quotes."""
    n, outside, filled = 0, True, False
    with text.path.open(encoding="utf-8", newline="") as file:
        for line in file:
            filled = filled or line != "\n"
            outside ^= line.count('"') % 2 == 1
            if outside:
                n += filled
                filled = False
    return n


def pieces(path: Path, encoding: str, progress: Progress | None = None) -> Iterator[str]:
    """The text of a file in whole lines, line ends made plain."""
    size = max(path.stat().st_size, 1)
    decoder = _decoder(encoding)
    newlines = io.IncrementalNewlineDecoder(decoder, translate=True)
    n_lines, rest = 0, ""
    with open_bytes(path) as file:
        while True:
            data = file.read(PIECE)
            if progress:
                progress(path, min(_raw_position(file) / size, 1.0))
            try:
                text = newlines.decode(data, final=not data)
            except UnicodeError as error:
                raise _wrong_encoding(path, encoding, n_lines, error) from None
            n_lines += text.count("\n")
            text = rest + text
            cut = text.rfind("\n") + 1
            if not data:
                if text:
                    yield text if text.endswith("\n") else text + "\n"
                return
            rest = text[cut:]
            if cut:
                yield text[:cut]


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    # A byte-order mark is no part of the text, whether it was declared or not.
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    try:
        return codecs.getincrementaldecoder(name)("strict")
    except LookupError:
        raise ConfigError(f'encoding = "{encoding}" is not known; use one of: {", ".join(FAMILIAR)}.') from None


def _raw_position(file: BinaryIO) -> int:
    packed = getattr(file, "fileobj", None)  # of a .gz, whose size is that of the packed bytes
    return packed.tell() if packed else file.tell()


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is a .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _wrong_encoding(path: Path, encoding: str, n_lines: int, error: UnicodeError) -> DataContractError:
    seen = ""
    line = n_lines + 1
    if isinstance(error, UnicodeDecodeError):
        line += error.object[: error.start].decode(error.encoding, "ignore").count("\n")
        seen = part(f" holds the byte 0x{error.object[error.start]:02X}, which")
    fits = _fitting(path, encoding)
    advice = part(f' It reads as {fits}: set encoding="{fits}" for this source.') if fits else ""
    return DataContractError(
        f"{path.name} is not {encoding}: line {line:,}{seen} is no text in {encoding}. "
        f"Declare the encoding that the file was saved in ({', '.join(FAMILIAR)}).{advice}"
    )


def _fitting(path: Path, declared: str) -> str:
    """An encoding that reads the start of the file, as advice only; empty where none stands out."""
    with open_bytes(path) as file:
        start = file.read(PIECE)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(name)("strict").decode(start)
        except UnicodeError:
            continue
        if name != declared:
            return name
    return ""


def _header(path: Path, separator: str, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            names = next(csv.reader(file, delimiter=separator), [])
        except csv.Error as error:
            raise DataContractError(f"{name}: the first line can't be read as a header ({error}).") from None
    names = [n.strip() for n in names]
    if not any(names):
        raise DataContractError(f"{name} is empty: its first line must name the columns.")
    return names
