"""Punctuation of sentences that were put together from pieces: where Chinese text meets ASCII marks."""

from __future__ import annotations

import re

_HAN = "\u3400-\u9fff\u3005\u3007"
_MARKS = "\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5e\u201c\u201d"
_KEPT = re.compile("(\u2068[^\u2069]*\u2069|`[^`]*`)")  # what somebody typed, and code
_CHINESE = re.compile(f"[{_HAN}～]")
# What may stand between a mark and its neighbour without parting them: signs of bold.
_BOLD = r"(?:\*\*)?"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (rf"(?<=[{_HAN}{_MARKS}\d%]), (?=\S)|, (?=[{_HAN}])", "、"),
        (rf"(?<=[{_HAN}{_MARKS}\d%]); |; (?=[{_HAN}{_MARKS}])", "；"),
        (rf"(?<=[{_HAN}]): ", "："),
        (rf"(?<=[{_HAN}]) ?\(([^()]*)\)", r"（\1）"),
        (r"(?<=[\d%]) \(([^()]*～[^()]*)\)", r"（\1）"),
        (rf"(?<=[{_HAN}{_MARKS}\d%])\.$", "。"),
        (rf"(?<=[{_HAN}])\.(?= |$)", "。"),
        # A sentence follows another without a blank; so does what follows a comma.
        (rf"([。，；：！？、）]{_BOLD}) +(?=\S)", r"\1"),
        (rf" +(?={_BOLD}[。，；：！？、（）])", ""),
        (rf"(?<=[{_HAN}]) – (?=[{_HAN}])", "——"),
    )
)


def chinese(text: str) -> str:
    """Return the text with full-width marks after Chinese, none of them followed by a blank.

    Names that somebody typed (between isolating marks) and code keep theirs; so does a text without Chinese.

    >>> chinese("沉默90天, 10个订单; 消费 (多).")
    '沉默90天、10个订单；消费（多）。'
    >>> chinese("第一句。 第二句。"), chinese("red, green")
    ('第一句。第二句。', 'red, green')
    """
    if not _CHINESE.search(text):
        return text
    pieces = _KEPT.split(text)
    marked = "".join(piece if i % 2 == 0 else f"\ue000{i}\ue001" for i, piece in enumerate(pieces))
    for pattern, put in _RULES:
        marked = pattern.sub(put, marked)
    return re.sub("\ue000(\\d+)\ue001", lambda match: pieces[int(match[1])], marked)
