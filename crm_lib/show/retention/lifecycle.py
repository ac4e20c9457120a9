"""Where each customer stands in the life cycle, and who moved."""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.stages import AT_RISK, GONE, KEPT, LOST, NEW, SILENT, STAGES, WIN_BACK, WON, Moves
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, sentence, terms, together
from crm_lib.show.retention.said import about, days, why_nothing
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import NOTHING, _, between, day, number, percent, pgettext


@dataclass(frozen=True)
class Stage:
    """A stage in words: its name, who is in it, and what to do."""

    name: str
    meaning: str
    play: str


def stage_names(result: Retention | None = None) -> dict[str, Stage]:
    """The stages in words; the days are those of the result."""
    n = days(result.silence.days) if result else ""
    twice = days(2 * result.silence.days) if result else ""
    return {
        WON: Stage(
            pgettext("customers", "won"), _("one order, not silent for long"), _("lead to the second order")
        ),
        KEPT: Stage(_("kept"), _("orders again at the usual pace"), _("serve well, sell more")),
        AT_RISK: Stage(_("at risk"), _("silent beyond the own limit"), _("call, most money first")),
        WIN_BACK: Stage(_("to win back"), _("silent for more than {days}").format(days=n), _("one good offer")),
        LOST: Stage(
            pgettext("customers", "lost"), _("silent for more than {days}").format(days=twice), _("leave in peace")
        ),
    }


def life_cycle(result: Retention) -> Part:
    """Customers by stage with money and play, and the moves between stages."""
    if result.reason:
        return note(why_nothing(result))
    return together(_bars(result), sentence(_status(result)), _moves(result))


def _bars(result: Retention) -> Part:
    names, rows = stage_names(result), result.stages
    shown = rows.assign(
        name=[names[s].name for s in rows["stage"]],
        each=(rows["amount"] / rows["n"]).where(rows["n"] > 0),
        bounds=[between(low, high, percent) for low, high in zip(rows["low"], rows["high"], strict=True)],
    )
    total = rows["amount"].sum()
    still = rows[rows["stage"].isin([WON, KEPT, AT_RISK])]
    risk = rows.set_index("stage").loc[AT_RISK]
    title = _("Nobody is at risk beyond the own limit")
    if risk["n"]:
        title = _("{share} of last year's money is at risk").format(
            share=percent(risk["amount"] / total if total > 0 else 0)
        )
    subtitle = _("Customers by stage on {day}; {n} of {all} not churned").format(
        day=day(result.as_of), n=number(still["n"].sum()), all=number(rows["n"].sum())
    )
    alt = _("Bars: {list}.").format(list=", ".join(f"{r.name} {number(r.n)}" for r in shown.itertuples()))
    chart = bars(shown, "name", "n", Labels(title, subtitle, alt), number, highlight=names[AT_RISK].name)
    fields = [
        Field("name", _("Stage")),
        Field("n", _("Customers"), number),
        Field("share", _("Share"), percent),
        Field("bounds", _("90 %"), str),
        Field("amount", _("Brought last year"), about),
        Field("each", _("Per customer"), about),
    ]
    foot = _("The first stage that fits from the bottom up; everybody is in exactly one.")
    meanings = {w.name: _("{who}: **{play}**").format(who=w.meaning, play=w.play) for w in names.values()}
    return together(chart, table(shown, fields, _("The stages"), foot), terms(meanings))


def _status(result: Retention) -> str:
    n = result.statuses.set_index("status")
    text = _(
        "{active} customers ordered within the last {from_} days, {silent} have been silent for longer, "
        "{churned} count as churned."
    )
    said = text.format(
        active=number(n["n"]["active"]),
        silent=number(n["n"][SILENT]),
        churned=number(n["n"]["churned"]),
        from_=number(min(result.options.silent_days, result.silence.days // 2)),
    )
    if result.book.has_contracts:
        said += " " + _(
            "Where there is a contract it decides: while it runs nobody is churned, and who has not ordered "
            "since its end is."
        )
    return said


def _moves(result: Retention) -> Part:
    moves = result.moves
    if moves is None or moves.cells.empty:
        return Part()
    names = {s: w.name for s, w in stage_names(result).items()}
    before = [s for s in (*STAGES, NEW) if moves.n(s, (*STAGES, GONE))]
    after = [s for s in (*STAGES, GONE) if moves.n((*STAGES, NEW), s)]
    labels = names | {NEW: _("no order yet"), GONE: _("no longer in the data")}
    heads = [Cell(_("From ↓ to →")), *(Cell(labels[a], right=True) for a in after), Cell(_("All"), right=True)]
    rows = [
        [
            Cell(labels[b]),
            *(Cell(_count(moves.n(b, a)), right=True) for a in after),
            Cell(number(moves.n(b, tuple(after))), right=True),
        ]
        for b in before
    ]
    how = (
        _("Stages of the page of {day}, as published then.")
        if moves.from_run
        else _(
            "There is no earlier page: the stages of {day} are worked out from what was known then, with "
            "today's limits."
        )
    ).format(day=day(moves.on))
    caption = _("Moves since {day}, in customers").format(day=day(moves.on))
    return together(sentence(_moved(moves)), cells(heads, rows, caption, how))


def _count(n: int) -> str:
    return number(n) if n else NOTHING


def _moved(moves: Moves) -> str:
    second, at_start = moves.n(WON, KEPT), moves.n(WON, (*STAGES, GONE))
    saved, gone = moves.n(AT_RISK, (WON, KEPT)), moves.n(AT_RISK, (WIN_BACK, LOST))
    back = moves.n((WIN_BACK, LOST), (WON, KEPT, AT_RISK))
    parts = [_("Since {day}").format(day=day(moves.on)) + ":"]
    if at_start:
        parts.append(
            _("{n} of {all} newly won customers ordered again;").format(n=number(second), all=number(at_start))
        )
    if saved + gone:
        parts.append(
            _("of those at risk {saved} came back to their pace and {gone} went;").format(
                saved=number(saved), gone=number(gone)
            )
        )
    parts.append(_("{back} who had gone ordered again.").format(back=number(back)))
    return " ".join(parts)
