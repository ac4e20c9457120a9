"""What stands still: longer in its stage than won deals were, or past its day."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.funnel.said import cash, stage
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, interval, money, number, percent
from crm_lib.theme.words import gettext as _

_MOST_ROWS = 10


def stuck(result: Pipeline) -> Part:
    """The stale deals that stand for most money, by id and owner, and those past their expected day."""
    stale = result.stale
    if stale.limit_days is None:
        text = _("Fewer than ten deals were won: too few to say from when on a deal is old.")
        return together(note(text), sentence(_overdue(result)))
    if not stale.n:
        text = _("No open deal stands still longer than {share} of won deals did.")
        return sentence(text.format(share=percent(stale.percentile / 100)), _overdue(result))
    shown = stale.deals.head(_MOST_ROWS).assign(late=_days_late(stale.deals.head(_MOST_ROWS), result))
    n = number(len(shown))
    caption = _("{n} of {all}, by money at stake").format(n=n, all=number(stale.n))
    days = [Field("days_in_stage", _("Days in the stage"), number)] if stale.limits else []
    fields = [
        Field("opportunity_id", _("Deal")),
        *_typed(shown, {"owner": _("Owner"), "stage": _("Stage")} | ({} if days else {"product": _("Product")})),
        *(days or [Field("age_days", _("Days open"), number)]),
        *([Field("late", _("Days overdue"), number)] if shown["late"].notna().any() else []),
        Field("p_win", _("Chance to win"), percent),
        Field("value", _("Value, estimated") if shown["estimated"].all() else _("Value"), money),
    ]
    said = sentence(*_about_stuck(result, shown), _overdue(result))
    return together(table(shown, fields, caption), said, _limits(result))


def _days_late(shown: pd.DataFrame, result: Pipeline) -> pd.Series:
    late = (pd.Timestamp(result.as_of) - shown["expected_on"]).dt.days
    return late.where(late > 0)


def _limits(result: Pipeline) -> Part:
    limits = result.stale.limits
    if not limits:
        return Part()
    frame = pd.DataFrame({"stage": [clean(stage(s)) for s in limits], "days": list(limits.values())})
    fields = [Field("stage", _("Stage")), Field("days", _("Days"), number)]
    caption = _("A deal is stuck after so many days in its stage: {share} of won deals had moved on").format(
        share=percent(result.stale.percentile / 100)
    )
    return render(
        "rows", summary=_("From when on a deal is stuck"), parts=(table(frame, fields, caption),), warn=False
    )


def _overdue(result: Pipeline) -> str:
    late = result.overdue
    if not late.n_dated and not late.closed_late:
        return _("Expected days of closing are not recorded, so what is overdue can't be known.")
    text = _("**{n} of {all}** open deals are past the day on which they were expected to close")
    text += _("; they stand for {money}.") if late.amount else "."
    said = [text.format(n=number(late.n), all=number(late.n_dated), money=cash(late.amount))]
    if late.closed_late and late.median_days_late:
        text = _("Of closed deals **{share}** ended later than expected ({bounds}), half by {days} days or more.")
        i = late.closed_late
        said.append(
            text.format(
                share=percent(i.value),
                bounds=interval(i.low, i.high, percent, n=i.n),
                days=number(late.median_days_late),
            )
        )
    said.append(_("How often the day was put off can't be known: only the last one is recorded."))
    return " ".join(said)


def _typed(frame: pd.DataFrame, labels: dict[str, str]) -> list[Field]:
    return [Field(column, label) for column, label in labels.items() if frame[column].notna().any()]


def _about_stuck(result: Pipeline, shown: pd.DataFrame) -> list[str]:
    stale, said = result.stale, []
    if stale.amount:
        text = _("These {n} stand for **{money}**, {share} of all that is stuck.")
        together_worth = float(shown["value"].sum())
        share = percent(together_worth / stale.amount)
        said.append(text.format(n=number(len(shown)), money=cash(together_worth), share=share))
    if stale.n_older_than_any:
        text = _("**{n} of {all}** open deals are older than any deal ever was when it closed ({days} days).")
        n, all_open = number(stale.n_older_than_any), number(stale.n_dated)
        said.append(text.format(n=n, all=all_open, days=number(stale.longest_closed_days)))
    return said
