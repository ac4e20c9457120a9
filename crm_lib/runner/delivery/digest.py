"""What a page says "In short", read back from the page itself, so that a mail can say it too."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

_MOST_SENTENCES = 3


@dataclass(frozen=True)
class Box:
    """One key figure: what it is, its value, its interval, and what is said below it."""

    label: str
    value: str
    interval: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Digest:
    """The key figures and the first sentences of a page's first section."""

    boxes: tuple[Box, ...] = ()
    sentences: tuple[str, ...] = ()


def of_page(html: str) -> Digest:
    """The digest of a page; empty where it has no section.

    >>> page = '<section><h2>In short</h2><dl class="short"><div><dt>Orders</dt><dd><div class="n">5</div></dd>'
    >>> of_page(page + "</div></dl><p>All is <b>well</b>.</p></section><section><p>More</p></section>")
    Digest(boxes=(Box(label='Orders', value='5', interval='', said=()),), sentences=('All is well.',))
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    boxes = tuple(
        Box(_one(b.get("dt")), _one(b.get("n")), _one(b.get("i")), tuple(b.get("s", ()))) for b in reader.boxes
    )
    return Digest(tuple(b for b in boxes if b.label or b.value), tuple(reader.sentences[:_MOST_SENTENCES]))


def _one(texts: list[str] | None) -> str:
    return " ".join(texts or ())


class _Reader(HTMLParser):
    """Walks through the first section: cards by the classes of their parts, then paragraphs outside of folds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.boxes: list[dict[str, list[str]]] = []
        self.sentences: list[str] = []
        self._inside, self._over, self._folds = False, False, 0
        self._part, self._text = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section" and not self._over:
            self._inside = True
        kind = (dict(attrs).get("class") or "").split()
        self._folds += tag == "details"
        if not self._inside or self._folds:
            return
        part = "dt" if tag == "dt" else kind[0] if tag == "div" and kind and kind[0] in ("n", "i", "s") else ""
        if tag == "dt":
            self.boxes.append({})
        if part or (tag == "p" and "how" not in kind):
            self._part, self._text = part or "p", ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self._folds -= 1
        if tag == "section" and self._inside:
            self._inside, self._over = False, True
        if self._part and tag in ("dt", "div", "p"):
            self._keep(self._part, " ".join(self._text.split()))
            self._part = ""

    def handle_data(self, data: str) -> None:
        if self._part:
            self._text += data

    def _keep(self, part: str, text: str) -> None:
        if not text:
            return
        if part == "p":
            self.sentences.append(text)
        elif self.boxes:
            self.boxes[-1].setdefault(part, []).append(text)
