"""Whether papermill's notebooks and the pages of `crm report` say the same: figures, tables, texts and pictures.

Nothing is rounded. What a page adds to its notebook (prose, heading, footer, who made it when) has no counterpart
and is not compared; nor is the line above the heading, which the page writes anew.
"""

import json
from collections import Counter
from html.parser import HTMLParser

import nbformat

_BLOCKS = {"caption", "dd", "div", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4", "li", "ol", "p", "pre"}
_BLOCKS |= {"section", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul"}
_UNSEEN = ("style", "script")
_COMPARED = ("topic", "summary", "notes", "figures", "tables")


def compare(plain, made, topics):
    """(what was compared: kind → count, what differs: names), of two folders of one date."""
    counts, differ = Counter(), []
    for topic in topics:
        both = [json.loads((folder / f"{topic}.figures.json").read_text("utf-8")) for folder in (plain, made)]
        counts["figures"] += len(both[0]["figures"])
        differ += [f"{topic}: {part}" for part in _COMPARED if both[0].get(part) != both[1].get(part)]
        for name in both[0]["tables"]:
            file = f"{topic}/{name}.parquet"
            counts["tables"] += 1
            if (plain / file).read_bytes() != (made / file).read_bytes():
                differ.append(file)
        shown = Counter(shown_by(nbformat.read(plain / f"{topic}.ipynb", 4)))
        page = Counter(seen((made / f"{topic}.html").read_text("utf-8")))
        counts["texts and pictures"] += shown.total()
        differ += [f"{topic}.html lacks {text[:60]!r}" for text in shown - page]
    return dict(counts), differ


def shown_by(notebook):
    """Every text and picture in the outputs of a notebook, of each output the form that a page takes."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                yield from seen(data["text/html"])
            else:
                yield " ".join((data.get("text/plain") or output.get("text", "")).split())


def seen(markup):
    """The texts of a page, block by block, and its pictures."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    reader.end_block()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.words, self.unseen, self.dropped = [], [], 0, False

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag in _BLOCKS:
            self.end_block()
            self.dropped = named.get("class") == "kicker"
        if tag == "img":
            self.found.append(f"picture {named.get('alt')} {named.get('src')}")
        self.unseen += tag in _UNSEEN

    def handle_endtag(self, tag):
        self.unseen -= tag in _UNSEEN
        if tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data):
        if not self.unseen:
            self.words.append(data)

    def end_block(self):
        """Keep what was read since the last block began."""
        text = " ".join("".join(self.words).split())
        if text and not self.dropped:
            self.found.append(text)
        self.words, self.dropped = [], False
