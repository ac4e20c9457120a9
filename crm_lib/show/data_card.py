"""The line every page opens with: which data, up to when, how much, and what was set aside and why."""

from __future__ import annotations

import os
import re
from importlib import resources
from typing import Any

import pandas as pd

from crm_lib.contract.card import DataCard, TableCard
from crm_lib.show.parts import Part, note, render, together
from crm_lib.show.tables import Field, table
from crm_lib.theme import words
from crm_lib.theme.said import error
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import money, ngettext, number, percent

_PUBLISH_TO = "CRM_PUBLISH_TO"
_COLOURS = re.compile(r":root \{(.*?)\}", re.DOTALL)
_PARTS_BEGIN, _PARTS_END = "/* parts */", "/* end of parts */"


def data_card(crm: Any) -> Part:
    """Show which data a page stands on; from here on words are in the page's language and currency.

    In JupyterLab, where no runner lends the page its stylesheet, the part begins with the styles it needs.
    """
    words.use(crm.language, crm.settings.currency)
    card: DataCard = crm.card
    line = render("kicker", title=crm.title, facts=[_up_to(crm), _size(crm), words.currency_name()])
    return together(_style_in_place(), line, _set_aside(card), _unusable(card))


def _style_in_place() -> Part:
    """Return the styles of the parts, in the notebook's own colours; nothing where the runner makes the page."""
    if os.environ.get(_PUBLISH_TO):
        return Part()
    css = resources.files("crm_lib.theme").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = _COLOURS.findall(css)[:2]
    parts = css.partition(_PARTS_BEGIN)[2].partition(_PARTS_END)[0].strip()
    return render("style", light=light.strip(), dark=dark.strip(), parts=parts)


def _up_to(crm: Any) -> str:
    return _("data up to {day}").format(day=words.day(crm.as_of))


def _size(crm: Any) -> str:
    """How much there is, in the reader's words: customers where they are known, else rows."""
    used = {t.table: t.n_used for t in crm.card.tables}
    for name in ("customers", "customer_summaries"):
        if name in used:
            return _customers(used[name])
    transactions = crm.tables.get("transactions")
    if transactions is not None:
        return _customers(transactions.customer_id.nunique().to_pyarrow().as_py())
    if "opportunities" in used:
        n = used["opportunities"]
        return ngettext("{n} opportunity", "{n} opportunities", n).format(n=number(n))
    if "surveys" in used:
        n = used["surveys"]
        return ngettext("{n} survey", "{n} surveys", n).format(n=number(n))
    return ngettext("{n} row", "{n} rows", crm.card.n_rows).format(n=number(crm.card.n_rows))


def _customers(n: int) -> str:
    return ngettext("{n} customer", "{n} customers", n).format(n=number(n))


def _set_aside(card: DataCard) -> Part:
    """Say how many rows are used and set aside, with the account per table and the reasons in a fold."""
    return render(
        "rows",
        summary=_rows_in_words(card),
        warn=card.n_rejected > 0,
        parts=[p for p in (_reasons(card), _account(card)) if p.html],
    )


def _unusable(card: DataCard) -> Part:
    """Name the tables left out because their structure is wrong."""
    reasons = (_("Left out: {table}. {reason}").format(table=t, reason=error(r)) for t, r in card.problems)
    return together(*[note(reason) for reason in reasons])


def _rows_in_words(card: DataCard) -> str:
    used, n_read, n = number(card.n_rows), sum(t.n_read for t in card.tables), card.n_rows
    if not card.n_rejected:
        return ngettext("{n} row used, none set aside", "{n} rows used, none set aside", n).format(n=used)
    amount = sum(r.amount for t in card.tables for r in t.rejected if r.amount is not None)
    said = ngettext("{n} row used, {aside} set aside ({share})", "{n} rows used, {aside} set aside ({share})", n)
    if amount:
        said = ngettext(
            "{n} row used, {aside} set aside ({share}, worth {amount})",
            "{n} rows used, {aside} set aside ({share}, worth {amount})",
            n,
        )
    share = percent(card.n_rejected / n_read, 1 if card.n_rejected / n_read >= 0.001 else 2)
    return said.format(n=used, aside=number(card.n_rejected), share=share, amount=money(amount))


def _reasons(card: DataCard) -> Part:
    rows = [
        {"column": f"{t.table}.{r.column}", "reason": _reason(r.reason), "n": r.n, "amount": r.amount}
        for t in card.tables
        for r in t.rejected
    ]
    if not rows:
        return Part()
    frame = pd.DataFrame(rows).sort_values(["n", "column"], ascending=[False, True], kind="stable")
    fields = [Field("column", _("Column")), Field("reason", _("Why")), Field("n", _("Rows"), number)]
    if frame["amount"].notna().any():
        fields.append(Field("amount", _("Money"), money))
    return table(frame, fields, _("Rows set aside, and why"))


def _reason(reason: str) -> str:
    """Why rows were set aside, in the reader's language."""
    known = "none of "
    if reason.startswith(known):
        return _("none of {list}").format(list=reason.removeprefix(known))
    return _(reason)


def _account(card: DataCard) -> Part:
    fields = [
        Field("table", _("Table")),
        Field("n_read", _("Read"), number),
        Field("n_rejected", _("Set aside"), number),
        Field("n_after", _("After the date"), number),
        Field("n_used", _("Used"), number),
        Field("first_on", _("First day"), words.day),
        Field("last_on", _("Last day"), words.day),
    ]
    foot = _("“After the date”: known only after {day}, so not used. Fingerprint of the files: {print}.")
    rows = pd.DataFrame([_facts(t) for t in card.tables], columns=[f.column for f in fields], dtype=object)
    foot = foot.format(day=words.day(card.as_of), print=card.fingerprint[:12])
    return table(rows, fields, _("Every row, table by table"), foot)


def _facts(t: TableCard) -> list[Any]:
    return [t.table, t.n_read, t.n_rejected, t.n_after, t.n_used, t.first_on, t.last_on]
