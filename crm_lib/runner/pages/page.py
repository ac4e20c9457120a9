"""The page a stakeholder reads: an executed notebook laid into the frame, code folded, nothing from outside."""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter

from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.pages import figures, frame, prose, shown_tables
from crm_lib.runner.pages.spreadsheet import Sheet
from crm_lib.runner.request import parameter_table
from crm_lib.runner.request.parameters import Parameter
from crm_lib.theme import messages, words
from crm_lib.theme.words import gettext as _

_KICKER = re.compile(r"""<p\s+class=["']?kicker["']?[^>]*>(.*?)</p>""", re.DOTALL)
_ID = re.compile(r"[A-Za-z][\w-]*")
_MOST_NOTE = 20_000


@dataclass(frozen=True)
class About:
    """What a page says of its making: topic, source, parameters, and how to make it again.

    `figures` is what the topic published; its `alerts` open the page. `sheets` are the tables beside the page.
    """

    topic: str
    title: str
    source_title: str
    as_of: dt.date
    made_at: str
    command: str
    version: str
    commit: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    declared: tuple[Parameter, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    sheets: tuple[Sheet, ...] = ()
    index: str = "index.html"
    phone_like_ids: bool = False


@dataclass(frozen=True)
class Section:
    """A `##` heading with all that follows it."""

    id: str
    heading: Markup
    label: str
    how: Markup
    parts: tuple[Markup, ...] = ()
    computed: bool = False


@dataclass(frozen=True)
class Page:
    """A notebook read as a page."""

    question: Markup
    plain_question: str
    lede: Markup
    kicker: Markup
    opening: tuple[Markup, ...]
    sections: tuple[Section, ...]
    code: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    unknown: tuple[str, ...]


class PageExporter(TemplateExporter):
    """nbconvert's exporter over our own template: no lab stylesheet, no script, no address."""

    file_extension = ".html"
    template_file = "report.html.j2"
    output_mimetype = "text/html"

    def _create_environment(self) -> Environment:
        return frame.environment()

    def get_template_names(self) -> list[str]:
        """Our templates stand alone: none of nbconvert's is looked for."""
        return []


def make(notebook: Any, about: About) -> tuple[str, list[str]]:
    """The page of an executed notebook, and what forbids showing it (nothing, as a rule)."""
    page = read(notebook, about)
    asked = parameter_table.rows(about.declared, about.parameters)
    said = {"page": page, "about": about, "parameters": asked, "footer": footer(about)}
    made, _resources = PageExporter().from_notebook_node(notebook, said)
    made = shown_tables.linked(_tidy(made), about.topic, words.language())
    unknown = [_("nothing is known for {{{name}}} in its prose").format(name=name) for name in page.unknown]
    return made, unknown + problems(made, about.phone_like_ids)


def read(notebook: Any, about: About) -> Page:
    """Lay out a notebook: what stands above the first `##` opens the page, each `##` begins a section."""
    published = {f["name"]: f for f in about.figures.get("figures", [])}
    reader = _Reader(prose.Filler(about.parameters, published))
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if "papermill-error-cell-tag" in tags:
            continue
        if cell.cell_type == "markdown":
            reader.prose(cell)
        elif cell.cell_type == "code":
            reader.outputs(cell)
    return reader.page(about)


class _Reader:
    """Walks through the cells and remembers where in the page it stands."""

    def __init__(self, filler: prose.Filler):
        self.filler = filler
        self.question = Markup("")
        self.plain_question = ""
        self.lede: list[Markup] = []
        self.opening: list[Markup] = []
        self.sections: list[Section] = []
        self.code: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def prose(self, cell: Any) -> None:
        """Take a Markdown cell."""
        for level, heading, body in prose.split(messages.markdown(cell.source, _)):
            if level == 1 and not self.question:
                self.question = Markup(prose.inline(heading, self.filler))
                self.plain_question = prose.plain(heading, self.filler)
                self.lede.append(Markup(prose.to_html(body, self.filler)))
            elif level:
                self._open(cell.get("id", ""), heading, body)
            else:
                self._add(Markup(prose.to_html(body, self.filler)))

    def outputs(self, cell: Any) -> None:
        """Take a code cell: its code for the fold, its outputs for the page, its streams for the notes."""
        if cell.source.strip():
            heading = self.sections[-1].label if self.sections else ""
            self.code.append((heading, cell.source.rstrip()))
        for output in cell.outputs:
            if output.output_type == "stream":
                self.notes.append(frame.without_colours(output.text)[:_MOST_NOTE])
            elif output.output_type in {"display_data", "execute_result"}:
                self._add(shown(output.data), computed=True)

    def page(self, about: About) -> Page:
        """All that was read."""
        kicker, opening = _lift_kicker(self.opening, about.title)
        lede = Markup("").join(self.lede)
        return Page(
            question=self.question or Markup(html.escape(about.title)),
            plain_question=self.plain_question or about.title,
            lede=Markup(str(lede).replace("<p>", '<p class="for">', 1)),
            kicker=kicker,
            opening=tuple(opening),
            sections=tuple(s if s.computed else _as_prose(s) for s in self.sections),
            code=tuple(self.code),
            notes=tuple(self.notes),
            unknown=tuple(self.filler.unknown),
        )

    def _open(self, cell_id: str, heading: str, body: str) -> None:
        first, _blank, rest = body.partition("\n\n")
        how = _how(prose.to_html(first, self.filler)) if first else Markup("")
        if first and not how:
            how, rest = Markup(""), body
        section = Section(
            id=self._free_id(cell_id),
            heading=Markup(prose.inline(heading, self.filler)),
            label=prose.plain(heading, self.filler),
            how=how,
        )
        self.sections.append(section)
        if rest.strip():
            self._add(Markup(prose.to_html(rest, self.filler)))

    def _free_id(self, wanted: str) -> str:
        taken = {s.id for s in self.sections}
        base = wanted if _ID.fullmatch(wanted or "") else f"section-{len(taken) + 1}"
        return base if base not in taken else f"{base}-{len(taken) + 1}"

    def _add(self, part: Markup, computed: bool = False) -> None:
        if not part.strip():
            return
        if self.sections:
            last = self.sections[-1]
            self.sections[-1] = replace(last, parts=(*last.parts, part), computed=last.computed or computed)
        else:
            self.opening.append(part)


def shown(data: Mapping[str, Any]) -> Markup:
    """An output as HTML, from the richest form that it has and a page may hold."""
    if "text/html" in data:
        return Markup(data["text/html"])
    if "image/svg+xml" in data:
        return _image("svg+xml", base64.b64encode(data["image/svg+xml"].encode()).decode())
    if "image/png" in data:
        return _image("png", data["image/png"].replace("\n", ""))
    if "text/markdown" in data:
        # computed, so that it may quote what somebody typed: nothing in it is a placeholder
        return Markup(prose.to_html(data["text/markdown"], prose.Filler({}, {})))
    if "text/plain" in data:
        return Markup("<pre>{}</pre>").format(frame.without_colours(data["text/plain"]))
    return Markup("")


def _image(kind: str, content: str) -> Markup:
    alt = _("A chart without a description")
    return Markup('<figure><img alt="{}" src="data:image/{};base64,{}"></figure>').format(alt, kind, content)


def _how(paragraph: str) -> Markup:
    """The first paragraph under a heading, marked; empty when it is a list, a table or code."""
    made = paragraph.strip()
    if made.startswith("<p>") and made.count("<p>") == 1 and made.endswith("</p>"):
        return Markup('<p class="how">' + made.removeprefix("<p>"))
    return Markup("")


def _as_prose(section: Section) -> Section:
    """A section without outputs has no line on how to read them: its first paragraph is one like the others."""
    return replace(section, how=Markup(section.how.replace(' class="how"', "", 1)))


def _lift_kicker(parts: list[Markup], title: str) -> tuple[Markup, list[Markup]]:
    """The line of the data card, led by the report's title, to stand above the heading; and what remains below."""
    lead = Markup('<p class="kicker"><b>{}</b>').format(title)
    for index, part in enumerate(parts):
        found = _KICKER.search(str(part))
        if found:
            rest = Markup(str(part).replace(found[0], "", 1))
            line = found[1].replace("<b>", "").replace("</b>", "")
            return lead + Markup(f" · {line}</p>"), [*parts[:index], rest, *parts[index + 1 :]]
    return lead + Markup("</p>"), parts


def _tidy(made: str) -> str:
    return "\n".join(line.rstrip() for line in made.strip().splitlines()) + "\n"


def footer(about: About) -> str:
    """One line: made when, from how many rows, by which versions."""
    facts = about.figures.get("about", {})
    said = [_("Made {when}").format(when=frame.when(about.made_at))]
    n_rows = figures.n_rows(about.figures)
    if n_rows is not None:
        rows = words.ngettext("from {n} row", "from {n} rows", n_rows)
        said[0] += " " + rows.format(n=words.number(n_rows))
    if facts.get("fingerprint"):
        said.append(_("data fingerprint {mark}").format(mark=facts["fingerprint"][:12]))
    said.append(f"crm_lib {about.version}")
    if about.commit:
        said.append(_("commit {commit}").format(commit=about.commit))
    return " · ".join(said)
