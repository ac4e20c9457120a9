"""What a check of a source found, in words: what was set aside, what may still mislead, and what each does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm_lib.contract import findings as kinds
from crm_lib.contract.card import DataCard, Rejected
from crm_lib.contract.findings import Finding
from crm_lib.contract.topics import TOPICS
from crm_lib.runner.pages import frame
from crm_lib.runner.store import archive
from crm_lib.theme import words
from crm_lib.theme.said import error
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import money, ngettext, number, percent

_MOST_MISSING = 30


@dataclass(frozen=True)
class Line:
    """One observation for a reader: where, what, how many, the money in it, and what it does to the results."""

    where: str
    what: str
    count: str
    money: str
    effect: str


@dataclass(frozen=True)
class Words:
    """All that is said of a check."""

    headline: str
    aside: tuple[Line, ...]
    misleading: tuple[Line, ...]
    missing: tuple[Line, ...]
    topics: tuple[tuple[str, str, str], ...]


def said(card: DataCard, findings: Sequence[Finding]) -> Words:
    """The words of a check, in the language and currency in use."""
    usable = {t.table for t in card.tables}
    return Words(
        headline=_headline(card),
        aside=tuple(_aside(t.table, r) for t in card.tables for r in t.rejected),
        misleading=tuple(_finding(f) for f in findings if f.kind != kinds.MISSING),
        missing=tuple(_finding(f) for f in findings if f.kind == kinds.MISSING)[:_MOST_MISSING],
        topics=tuple(_topic(name, usable) for name in TOPICS),
    )


def write(
    reports: Path,
    card: DataCard,
    findings: Sequence[Finding],
    problems: Mapping[str, str],
    notes: Sequence[str],
    made_at: str,
    command: str,
) -> Path:
    """Write the page of a check, in the language in use, beside the dates of its source."""
    html = page(card, findings, problems, notes, made_at, command)
    return archive.place(reports / card.source, archive.CHECK, html, words.language())


def page(
    card: DataCard,
    findings: Sequence[Finding],
    problems: Mapping[str, str],
    notes: Sequence[str],
    made_at: str,
    command: str,
) -> str:
    """The page of a check."""
    return frame.render(
        "check.html.j2",
        card=card,
        said=said(card, findings),
        problems={table: error(text) for table, text in problems.items()},
        notes=[error(text) for text in notes],
        made_at=made_at,
        command=command,
    )


def _headline(card: DataCard) -> str:
    if not card.tables:
        return _("No table can be used")
    used = number(card.n_rows)
    if not card.n_rejected:
        return _("All {n} rows can be used").format(n=used)
    text = ngettext(
        "{used} rows can be used, {n} was set aside",
        "{used} rows can be used, {n} were set aside",
        card.n_rejected,
    )
    return text.format(used=used, n=number(card.n_rejected))


def _topic(name: str, usable: set[str]) -> tuple[str, str, str]:
    topic = TOPICS[name]
    missing = topic.missing(usable)
    state = _("can be made") if not missing else _("needs {tables}").format(tables=", ".join(missing))
    return (_(topic.title), _(topic.question), state)


def _aside(table: str, rejected: Rejected) -> Line:
    amount = "" if rejected.amount is None else money(rejected.amount)
    return Line(
        f"{table}.{rejected.column}",
        _reason(rejected.reason),
        number(rejected.n),
        amount,
        _effect_of_reason(table, rejected.reason),
    )


def _reason(reason: str) -> str:
    known = {
        "empty": _("it is empty"),
        "not a number": _("it is not a number"),
        "not a date": _("it is not a date"),
        "not yes or no": _("it is neither yes nor no"),
        "not finite": _("it is not finite"),
        "impossible date": _("the date lies before 1900 or after 2100"),
        "after the run": _("the date lies in the future"),
        "unknown id": _("the id does not exist in the table it refers to"),
        "off the scale": _("it is off the declared scale"),
        "broken line": _("the line has more or fewer values than the header"),
    }
    return known.get(reason, reason)


def _effect_of_reason(table: str, reason: str) -> str:
    if reason == "after the run":
        return _("Left out of every figure; often a wrong year or a wrong order of day and month.")
    if reason in ("impossible date", "not a date"):
        return _("Left out of every figure: without a day a row belongs to no period.")
    if reason == "unknown id":
        return _("Left out of every figure: totals are lower than in the CRM by this much.")
    if table in ("transactions", "customer_summaries"):
        return _("Left out of every figure: sales, orders and grades of these customers are too low.")
    return _("Left out of every figure of the reports that use this table.")


def _finding(f: Finding) -> Line:
    what, effect = _words_of(f)
    where = f"{f.table}.{f.column}" if f.column else f.table
    amount = "" if f.amount is None else money(f.amount)
    count = f"{number(f.n)} ({percent(f.share, 1 if f.share >= 0.001 else 2)})"
    return Line(where, what, count, amount, effect)


def _words_of(f: Finding) -> tuple[str, str]:
    """What is seen, and what it does."""
    if f.kind == kinds.HOLE:
        text = _("no row between {first} and {last}").format(
            first=words.day(f.first_on), last=words.day(f.last_on)
        )
        effect = _("Customers look silent in that time, and its sales are missing. Was an export forgotten?")
        return text, effect
    if f.kind == kinds.CURRENCIES:
        return (
            _("amounts in several currencies: {names}").format(names=", ".join(f.names)),
            _("Sums add them as they are, so every total is wrong. Convert them, or make one source of each."),
        )
    if f.kind == kinds.MISSING:
        return _("no value"), _missing_effect(f.table, f.column)
    return {
        kinds.DUPLICATES: (
            _("rows equal to another in every column"),
            _("They count. If the export repeats rows, figures are too high; two equal purchases are fine."),
        ),
        kinds.BEFORE_SIGN_UP: (
            _("orders before the customer's first day"),
            _("Orders count; groups by the first day put these customers too late."),
        ),
        kinds.NEGATIVE_ROWS: (
            _("negative amounts"),
            _("They lower sales and are taken as refunds; a day with a negative sum is no order."),
        ),
        kinds.NEGATIVE_CUSTOMERS: (
            _("customers whose refunds exceed their purchases"),
            _(
                "Those with an order stay, with money below zero; those with refunds only are left out and "
                "counted. Often the purchase lies before the export begins."
            ),
        ),
        kinds.WITHOUT_ORDERS: (
            _("customers without an order"),
            _("They are in no grade and no forecast. If they have bought, the ids of the two files differ."),
        ),
    }[f.kind]


def _missing_effect(table: str, column: str) -> str:
    if column.endswith("_id"):
        return _("These rows can't be joined; figures that need the join leave them out.")
    if table == "customers":
        return _("Comparisons by this attribute leave these customers out or show them as unknown.")
    if column in ("cost_amount", "unit_cost"):
        return _("Profit can't be known for these; their revenue still counts.")
    return _("Figures that need this column leave these rows out.")
