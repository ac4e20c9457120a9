"""The page that compares two dates of a source: which figures moved, by how much, and which customers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crm_lib.contract.publication import INDICATORS
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ParameterError
from crm_lib.runner.pages import figures, frame, movers, moves
from crm_lib.runner.request.parameters import did_you_mean
from crm_lib.runner.store import archive, history
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext

_MOST_WAYS = 15
_MOST_COUNTED = 8


@dataclass(frozen=True)
class Row:
    """A figure in a table of the page."""

    label: str
    topic: str
    before: str
    before_interval: str
    now: str
    now_interval: str
    change: str
    verdict: str


def write(reports: Path, source: str, before: str, now: str, language: str = "") -> Path:
    """Write the page that leads from one date to another and return where it lies, beside the later date's pages.

    `before` and `now` name dates (`2026-09-30`), dates with a label (`2026-09-30+quick`) or a label alone,
    which stands for its newest date. The language is that of the later date's newest run, unless it is named.

    Raises
    ------
    ParameterError
        If the source has no such date, or both are the same.
    """
    known = [where for _day, _label, where in archive.dated(reports / source)]
    old, new = (_folder(known, name, source) for name in (before, now))
    if old == new:
        raise ParameterError(f"{before} and {now} are the same run of {source}: there is nothing to compare.")
    runs = archive.records(new)
    words.use(language or runs[-1]["language"], _currency(new))
    return archive.place(new, _name(old), made(old, new), words.language())


def file_name(before: Path) -> str:
    """Name of the page in the language in use that leads here from an earlier dated folder."""
    return archive.page_name(_name(before), words.language())


def _name(before: Path) -> str:
    return f"{archive.COMPARE}.{before.name}"


def made(old: Path, new: Path) -> str:
    """The page that leads from one dated folder to another."""
    last = archive.records(new)[-1]
    found, apart = moved(old, new), history.unlike(old, new)
    told, unlike = [m for m in found if m.alike and not m.technical], [m for m in found if not m.alike]
    beyond = [m for m in told if m.beyond]
    counted = [m for m in told if m.beyond is None]
    rest = [
        *counted[_MOST_COUNTED:],
        *(m for m in told if m.beyond is False),
        *unlike,
        *(m for m in found if m.alike and m.technical),
    ]
    return frame.render(
        "compare.html.j2",
        phone_like_ids=last.get("phone_like_ids", False),
        source=last["source_title"],
        before=history.name_in_words(old),
        now=history.name_in_words(new),
        earlier=f"../{old.name}/{archive.index_in(old, words.language())}",
        index=archive.index_name(words.language()),
        headline=_headline(found, beyond),
        indicators=_indicators(old, new, apart),
        beyond=[row(m) for m in beyond],
        counted=[row(m) for m in counted[:_MOST_COUNTED]],
        rest=[row(m) for m in rest],
        segments=None if "segmentation" in apart else _segments(old, new),
        values=[] if "clv" in apart else _values(old, new),
        differences=_differences(old, new),
        unlike=bool(unlike),
        one_sided=_one_sided(old, new),
        made_at=last["made_at"],
        version=last["version"],
        commit=last["commit"],
    )


def moved(old: Path, new: Path) -> list[moves.Move]:
    """All figures that moved between two dated folders, most money first."""
    before, now, unlike = history.documents(old), history.documents(new), history.unlike(old, new)
    found = [m for topic in now for m in moves.between(before.get(topic), now[topic])]
    return moves.ranked([replace(m, alike=m.topic not in unlike) for m in found])


def row(move: moves.Move) -> Row:
    """A move in words."""
    topic = _(TOPICS[move.topic].title) if move.topic in TOPICS else move.topic
    old, new = (figures.said(f["value"], move.unit, brief=True) for f in (move.before, move.now))
    return Row(
        label=move.label,
        topic=topic,
        before=old,
        before_interval=figures.interval(move.before | {"n": None}),
        now=new,
        now_interval=figures.interval(move.now | {"n": None}),
        change=move.change,
        verdict=move.verdict,
    )


def _indicators(old: Path, new: Path, apart: set[str]) -> list[Row]:
    """The five indicators on both dates, moved or not; without those that neither date knows."""
    before, now = (
        {f["name"]: (topic, f) for topic, d in history.documents(where).items() for f in d["figures"]}
        for where in (old, new)
    )
    rows = []
    for name in INDICATORS:
        if name in before and name in now and before[name][1]["unit"] == now[name][1]["unit"]:
            (topic, was), (_topic, is_) = before[name], now[name]
            if None not in (was["value"], is_["value"]):
                beyond = moves.beyond(was, is_)
                rows.append(row(moves.Move(topic, is_["unit"], was, is_, beyond, alike=topic not in apart)))
    return rows


def _folder(known: list[Path], name: str, source: str) -> Path:
    names = {where.name: where for where in known}
    if name in names:
        return names[name]
    labelled = [where for where in known if name and history.label_of(where) == name]
    if labelled:
        return labelled[-1]
    there = ", ".join(names) or "none"
    hint = did_you_mean(name, list(names))
    raise ParameterError(f'There is no run "{name}" of the source {source}.{hint} There are: {there}.')


def _headline(found: list[moves.Move], beyond: list[moves.Move]) -> str:
    if not found:
        return _("Nothing moved")
    if not beyond:
        return _("No figure moved by more than chance would make")
    n = len(beyond)
    said = ngettext("{n} figure moved beyond its intervals", "{n} figures moved beyond their intervals", n)
    sentence = said.format(n=figures.count_word(n))
    return sentence[:1].upper() + sentence[1:]


def _segments(old: Path, new: Path) -> dict[str, Any] | None:
    found = movers.segments(old, new)
    if found is None:
        return None
    said = [_segment_sentence(found)]
    if found.n_new:
        new_ones = ngettext("{n} customer is new since then.", "{n} customers are new since then.", found.n_new)
        said.append(new_ones.format(n=words.number(found.n_new)))
    if found.n_gone:
        gone = ngettext("{n} customer is no longer there.", "{n} customers are no longer there.", found.n_gone)
        said.append(gone.format(n=words.number(found.n_gone)))
    ways = found.moves.head(_MOST_WAYS).to_dict("records")
    return {
        "said": said,
        "rows": [(w["from"], w["to"], words.number(w["n"]), words.money(w["amount"])) for w in ways],
        "n_more": len(found.moves) - len(ways),
    }


def _segment_sentence(found: movers.Segments) -> str:
    if not found.n_moved:
        return _("None of the {n} customers of both dates changed segment.").format(n=words.number(found.n_both))
    said = ngettext(
        "{n} of {all} customers is in another segment than before. It has spent {amount} so far.",
        "{n} of {all} customers are in another segment than before. They have spent {amount} so far.",
        found.n_moved,
    )
    amount = words.money(found.amount, compact=True)
    return said.format(n=words.number(found.n_moved), all=words.number(found.n_both), amount=amount)


def _values(old: Path, new: Path) -> list[tuple[str, str, str, str]]:
    found = movers.values(old, new)
    if found is None:
        return []
    rows = zip(found["customer_id"], found["before"], found["now"], strict=True)
    return [
        (words.clean(customer), words.money(b), words.money(n), words.signed(n - b, words.money))
        for customer, b, n in rows
    ]


def _differences(old: Path, new: Path) -> list[tuple[str, str, str]]:
    """Parameters and program of the two runs, where they differ: a figure may move for this reason alone."""
    before, now = (_parameters(folder) | _program(folder) for folder in (old, new))
    return [
        (name, _plain(before.get(name)), _plain(now.get(name)))
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]


def _parameters(folder: Path) -> dict[str, Any]:
    asked = history.asked(folder).items()
    return {f"{topic}.{name}": value for topic, given in asked for name, value in given.items()}


def _program(folder: Path) -> dict[str, str]:
    last = archive.records(folder)[-1]
    return {"crm_lib": " ".join(filter(None, (last["version"], last["commit"])))}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _one_sided(old: Path, new: Path) -> list[str]:
    """Reports that only one of the two dates has."""
    before, now = history.documents(old), history.documents(new)
    said = [(t, _("{report}: not made on the earlier date")) for t in now.keys() - before.keys()]
    said += [(t, _("{report}: not made on the later date")) for t in before.keys() - now.keys()]
    return [text.format(report=_(TOPICS[t].title) if t in TOPICS else t) for t, text in sorted(said)]


def _currency(folder: Path) -> str:
    found = (figures.currency(document) for document in history.documents(folder).values())
    return next((code for code in found if code), "")
