"""What a page may not hold: scripts, forms, frames, what reaches outside the file, personal data and secrets."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser

from crm_lib.runner.evidence import privacy
from crm_lib.theme.words import gettext as _

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
MOST_BYTES = 1_500_000

_FORBIDDEN = frozenset(
    ("script", "iframe", "frame", "object", "embed", "applet", "form", "base", "link", "portal", "input", "button")
)
_LOADING = frozenset(
    ("src", "data", "poster", "background", "action", "formaction", "xlink:href", "ping", "cite", "manifest")
)
_SAID = frozenset(("alt", "title", "aria-label"))
_HEADINGS = frozenset(("h1", "h2", "h3", "title"))
_INLINE = frozenset(("b", "strong", "em", "i", "span", "bdi", "a", "code", "small", "sub", "sup", "wbr"))
_IMAGE = re.compile(r"\s*data:image/(svg\+xml|png|jpeg|gif|webp)[;,]", re.IGNORECASE)
_NEIGHBOUR = re.compile(r"#|(?:\.\./)*[\w.+\-]+(?:/[\w.+\-]+)*(?:#[\w\-]+)?$")
_IMAGES = re.compile(r"\s*data:image/[\w+]+;base64,[\w+/=]+(\s+[\d.]+[wx])?\s*", re.ASCII)
_STYLE_REACH = re.compile(r"@import|url\s*\(\s*['\"]?\s*(?!data:|#|['\"\s])|expression\s*\(", re.IGNORECASE)
_STYLE_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")


def problems(html: str, phone_like_ids: bool = False) -> list[str]:
    """What is wrong with a page, in words, each thing once; nothing when it may be shown.

    `phone_like_ids` lets bare numbers of eleven digits pass, where a source's ids look like mobile numbers.
    """
    checker = _Checker()
    checker.feed(html)
    checker.close()
    found = list(dict.fromkeys(checker.found))
    if not checker.has_policy:
        found.append(_("the content security policy is missing"))
    if checker.n_titles != 1:
        found.append(_("it has {n} main headings instead of one").format(n=checker.n_titles))
    found += privacy.problems(checker.texts(), privacy.secrets_of(os.environ), phone_like_ids)
    size = len(html.encode())
    if size > MOST_BYTES:
        words = _("it is {size} MB large, and {most} MB is the most")
        found.append(words.format(size=f"{size / 1e6:.1f}", most=f"{MOST_BYTES / 1e6:.1f}"))
    return found


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.has_policy = False
        self.n_titles = 0
        self._in_style = False
        self._heading: list[str] | None = None
        self._texts: list[tuple[str, list[str]]] = [("", [])]

    def texts(self) -> list[tuple[str, str]]:
        """All that can be read or heard: (heading it stands under, text)."""
        return [(heading, "".join(pieces)) for heading, pieces in self._texts]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.n_titles += tag == "h1"
        self._in_style = tag == "style"
        if tag in _HEADINGS:
            self._heading = []
        if tag not in _INLINE:
            self._texts[-1][1].append("\n")
        if tag in _FORBIDDEN:
            self.found.append(_("it holds <{tag}>, which no page may").format(tag=tag))
        if tag == "meta":
            self._meta({name: value or "" for name, value in attrs})
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"
        if tag in _HEADINGS and self._heading is not None:
            self._texts.append((" ".join("".join(self._heading).split()), []))
            self._heading = None
        if tag not in _INLINE:
            self._texts[-1][1].append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            if _reaches(data):
                self.found.append(_("its style sheet reaches outside the page"))
            return
        if self._heading is not None:
            self._heading.append(data)
        self._texts[-1][1].append(data)

    def _meta(self, attrs: dict[str, str]) -> None:
        kind = attrs.get("http-equiv", "").lower()
        if kind == "content-security-policy":
            self.has_policy = self.has_policy or attrs.get("content") == POLICY
        elif kind:
            self.found.append(_("it holds <{tag}>, which no page may").format(tag=f"meta {kind}"))

    def _attribute(self, tag: str, name: str, value: str) -> None:
        outside = _("its <{tag}> reaches outside the page").format(tag=tag)
        if name in _SAID:
            self._texts[-1][1].append(f"\n{value}\n")
        if name.startswith("on"):
            self.found.append(_("its <{tag}> would run a script ({name})").format(tag=tag, name=name))
        elif (
            (name == "style" and _reaches(value))
            or (name == "href" and not _NEIGHBOUR.match(value))
            or (name == "srcset" and not _IMAGES.fullmatch(value))
            or (name in _LOADING and not _IMAGE.match(value))
        ):
            self.found.append(outside)


def _reaches(style: str) -> bool:
    """Whether a style loads something, also when written with CSS escapes."""
    plain = _STYLE_ESCAPE.sub(lambda m: chr(int(m[1], 16)) if int(m[1], 16) < 0x110000 else "", style)
    return bool(_STYLE_REACH.search(plain.replace("\\", "")))
