"""How far to trust the plan: totals against the other pages, what is missing, what the hold-outs can prove."""

from __future__ import annotations

from crm_lib.analysis.action_plan import Plan
from crm_lib.show.action_plan import names
from crm_lib.show.action_plan.names import said
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import day, money, name, ngettext, number, percent, points
from crm_lib.theme.words import gettext as _


def trust(result: Plan) -> Part:
    """The one customer table, reconciled; plays that can't be played; power of each hold-out; the margin."""
    return together(
        sentence(_rows(result)),
        _checks(result),
        note(_unlike(result)),
        sentence(_absent(result), _margin(result)),
        _unplayable(result),
        _proof(result),
    )


def _rows(result: Plan) -> str:
    text = _("The one customer table has {n} customers with orders worth {money}, up to {day}.")
    amount = money(result.people.amount, 2)
    return text.format(n=number(len(result.customers)), money=amount, day=day(result.as_of))


def _checks(result: Plan) -> Part:
    by_topic = [c for c in result.people.checks if c.part in ("", "page")]
    parts = [c for c in result.people.checks if c.part not in ("", "page")]
    if not by_topic:
        return Part()
    heads = [Cell(_("Report")), Cell(_("What"))]
    heads += [Cell(t, right=True) for t in (_("Here"), _("There"))] + [Cell(_("Result"))]
    rows = []
    for c in by_topic:
        form = (lambda x: money(x, 2)) if c.unit == "money" else number
        what = _("Customers") if c.unit == "customers" else _("Money, its table")
        what = _("Money, its page") if c.part else what
        result_ = (_("✓ the same"), "ok") if c.agrees else (_("✗ differs"), "no")
        rows.append(
            [
                Cell(names.topic(c.topic)),
                Cell(what),
                Cell(form(c.here), right=True),
                Cell(form(c.there), right=True),
                Cell(result_[0], tone=result_[1]),
            ]
        )
    agree = sum(c.agrees for c in parts)
    foot = _("The money of {n} of {of} segments agrees to the cent, too.") if parts else ""
    return cells(
        heads, rows, _("Totals here and on the other pages"), foot.format(n=number(agree), of=number(len(parts)))
    )


def _unlike(result: Plan) -> str:
    if not result.people.unlike:
        return ""
    text = _("Made from other data, and therefore left out here: {list}. Make these reports again.")
    return text.format(list=", ".join(names.topic(t) for t in result.people.unlike))


def _absent(result: Plan) -> str:
    if not result.people.absent:
        return ""
    text = _("Nothing about customers was published for this date by: {list}. What they would add is left out.")
    return text.format(list=", ".join(names.topic(t) for t in result.people.absent))


def _margin(result: Plan) -> str:
    share = percent(result.margin.share, 1)
    return {
        "counted": _("Gains count a margin of {share}, from the costs of what was sold in the last year."),
        "declared": _("Gains count a margin of {share}, as crm.toml says."),
        "unknown": _(
            "No margin is known (margin_share in crm.toml), so gains are revenue less the cost of contacts."
        ),
    }[result.margin.how].format(share=share)


def _unplayable(result: Plan) -> Part:
    if not result.unplayable:
        return Part()
    why = {
        "cost": _("crm.toml names no cost for it"),
        "channel": _("crm.toml names no channel {what}"),
        "column": _("needs {what}, which this source does not have"),
        "topic": _("needs {what}, which the report {topic} has not published"),
        "goods": _("needs what each customer bought, by category or product"),
    }
    rows = []
    for lack in result.unplayable:
        kind = "topic" if lack.topic else lack.why
        text = why[kind].format(what=name(lack.what), topic=names.topic(lack.topic))
        rows.append([Cell(names.title(result, lack.play.name)), Cell(text)])
    return cells([Cell(_("Play")), Cell(_("Not played, as it"))], rows, _("Plays that could not be played"))


def _proof(result: Plan) -> Part:
    """What each list can prove by itself, before it is sent."""
    frame = result.account.by_play
    frame = frame[frame["n"] > 0]
    if frame.empty:
        return Part()
    shown = frame.assign(
        title=[names.title(result, p) for p in frame["play"]],
        enough=[_("yes") if p >= 0.8 else _("no") for p in frame["power"]],
    )
    fields = [
        Field("title", _("List")),
        Field("share", _("Held out"), percent),
        Field("uplift", _("Expected: more orders"), lambda x: points(x)),
        Field("detectable", _("Provable from"), lambda x: points(x) if x < 1 else _("never")),
        Field("power", _("Chance to prove it"), percent),
        Field("enough", _("Enough alone")),
    ]
    weak = [said(result, r.play) for r in frame.itertuples(index=False) if r.power < 0.8]
    text = ngettext(
        "One list of {n} is too small to prove its effect alone: results of several plans are added up.",
        "{k} lists of {n} are too small to prove their effect alone: results of several plans are added up.",
        len(weak),
    ).format(k=number(len(weak)), n=number(len(frame)))
    return together(table(shown, fields, _("What each hold-out can prove")), sentence(text if weak else ""))
