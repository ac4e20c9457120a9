"""Tells in which encoding a text file was saved, from all of its bytes; what can't be told is not guessed.

Chinese text in an old encoding is told apart by how often its letters are among the most frequent ones: the same
bytes read in the wrong encoding give rare letters. Western letters stand alone between ASCII letters, Chinese ones
come in pairs of bytes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm_lib.errors import DataContractError
from crm_lib.sources.text import PIECE, open_bytes

FREQUENT = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所"
    "這為個國時來們於對會發動過說產種後學客户戶会会员員编編号號订訂单單日期时间間金额額产产品名称稱数數量地区區省市电電话話手机機"
    "性别別男女等级級积積分来源状狀态態已付款退货貨取消完成负負责責人行业業公司有限责任商机機销銷售阶階段线線索活动动元万萬折扣"
    "备備注註门門店渠道微信淘宝寶天猫貓京东東北京上海广廣州深圳杭成都武汉漢南重庆慶天津苏蘇浙江湖山西安李王张張刘劉陈陳杨楊黄黃赵趙吴吳周"
)
_ENOUGH = 0.12  # share of frequent letters from which an encoding is believed
_CLEAR = 1.5  # by how much it must beat the other
_LINES_JUDGED = 20_000
_HIGH = re.compile(rb"[\x80-\xff]+")
_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_TWO = re.compile(rb"(?<![\x80-\xff])\xc3[\x80-\xbf](?![\x80-\xff])")
_THREE = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")


@dataclass(frozen=True)
class Encoding:
    """An encoding, why it is believed, and others that would read the file as well."""

    name: str
    why: str
    or_else: tuple[str, ...] = ()


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file; DataContractError where it is empty or mixes several."""
    with open_bytes(path) as file:
        start = file.read(4096)
    if not start.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise DataContractError(f"{path.name} is empty: its first line must name the columns.")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "its byte-order mark")
    if start.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8", "its byte-order mark")
    if wide := _without_mark(start):
        return wide
    if _holds_nothing_readable(start):
        raise DataContractError(
            f"{path.name} holds no text. Give a CSV, TSV or text file, a workbook (.xlsx, .xls) or a Parquet file."
        )
    return Encoding("utf-8", "every byte fits") if _decodes(path, "utf-8") else _old(path)


def _without_mark(start: bytes) -> Encoding | None:
    """UTF-16 without its mark: every other byte of plain letters is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = max(len(start) // 2, 1)
    if odd > 0.2 * half and even < 0.05 * half:
        return Encoding("utf-16-le", "every other byte is zero")
    if even > 0.2 * half and odd < 0.05 * half:
        return Encoding("utf-16-be", "every other byte is zero")
    return None


def _holds_nothing_readable(start: bytes) -> bool:
    odd = sum(b < 32 and b not in b"\t\r\n\x0b\x0c\x1b" for b in start)
    return odd > 0.02 * len(start)


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        with open_bytes(path) as file:
            while data := file.read(PIECE):
                decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _lines(path: Path) -> Iterator[bytes]:
    """Lines that hold more than ASCII, as many as are judged."""
    n = 0
    with open_bytes(path) as file:
        for line in file:
            if not line.isascii():
                yield line
                n += 1
            if n >= _LINES_JUDGED:
                return


def _old(path: Path) -> Encoding:
    lines = list(_lines(path))
    _refuse_mixed(path, lines)
    text = b"".join(lines)
    if _is_western(text):
        western = "cp1252" if re.search(rb"[\x80-\x9f]", text) else "latin-1"
        return Encoding(western, "single accented letters between plain ones")
    shares = {name: _frequent(text, name) for name in ("gb18030", "big5") if _decodes(path, name)}
    ranked = sorted(shares, key=shares.get, reverse=True)
    if ranked and shares[ranked[0]] >= _ENOUGH:
        clear = len(ranked) == 1 or shares[ranked[0]] >= _CLEAR * shares[ranked[1]]
        if clear:
            return Encoding(ranked[0], f"{shares[ranked[0]]:.0%} of its Chinese letters are common ones")
        return Encoding(ranked[0], "two encodings read it", (ranked[1],))
    if ranked:
        return Encoding(ranked[0], "it decodes, but into rare letters", (*ranked[1:], "latin-1"))
    raise DataContractError(
        f"{path.name} is neither UTF-8 nor any of utf-16, gb18030, big5, latin-1 throughout. Its parts may come "
        "from several files. Save it once more as CSV UTF-8, or name its encoding with --encoding."
    )


def _is_western(text: bytes) -> bool:
    """Whether most letters beyond ASCII stand alone, as accented letters do."""
    return len(_LONE.findall(text)) > 0.8 * len(_HIGH.findall(text))


def _frequent(text: bytes, name: str) -> float:
    letters = [c for c in text.decode(name, "ignore") if not c.isascii() and c.isalpha()]
    return sum(c in FREQUENT for c in letters) / len(letters) if letters else 0.0


def _refuse_mixed(path: Path, lines: list[bytes]) -> None:
    """Lines of UTF-8 beside lines that are not: no one encoding reads them all.

    Two bytes of UTF-8 can be a Chinese letter of an old encoding: an accented letter they are only where the other
    lines are Western.
    """
    utf8 = [line for line in lines if _is_utf8(line)]
    others = b"".join(line for line in lines if not _is_utf8(line))
    letters = (_THREE, _TWO) if _is_western(others) else (_THREE,)
    n = sum(any(letter.search(line) for letter in letters) for line in utf8)
    broken = len(lines) - len(utf8)
    if broken and n > 0.02 * len(lines):
        raise DataContractError(
            f"{path.name} mixes encodings: of its lines with more than plain letters, {n:,} "
            f"{'is' if n == 1 else 'are'} UTF-8 and {broken:,} not. "
            "It was put together from several files. Save each part as UTF-8 first."
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
