"""The win rate over time: by closing, by opening, and why the two differ."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib.analysis.funnel import Covered, Pipeline, TwoRates
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import bounds
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, interval, number, percent, points, signed
from crm_lib.theme.words import gettext as _


def over_time(result: Pipeline) -> Part:
    """Win rate by the quarter of closing as a chart; by closing and by opening as tables."""
    closings = result.by_closing
    if closings["share"].notna().sum() == 0:
        return note(_("Nothing has closed yet, so there is no win rate."))
    over = closings["quarter"].dt.to_period("Q").dt.end_time.dt.date <= result.as_of
    whole = closings[closings["is_whole"] & over]
    frame = closings.assign(label=_quarters(closings, result))
    partial = list(frame.loc[~frame["is_whole"], "label"])
    labels = Labels(
        _trend(whole),
        _("Won ÷ closed by quarter of closing, with 90 % intervals"),
        "; ".join(f"{row.label}: {percent(row.share)}" for row in frame.itertuples()),
    )
    numbers = _quarter_table(frame, _("By quarter of closing"), with_open=False)
    chart = bars(frame.tail(12), "label", "share", labels, percent, low="low", high="high", numbers=numbers)
    opened = result.by_opening.assign(label=_quarters(result.by_opening, result))
    by_opening = _quarter_table(opened.tail(12), _("By quarter of opening"), with_open=True)
    by_opening = render("rows", summary=_("By quarter of opening"), parts=(by_opening,), warn=False)
    return together(
        chart, note(_partly(partial, result.covered)), sentence(*_two_rates(result.two_rates)), by_opening
    )


def _partly(partial: list[str], covered: Covered | None) -> str:
    """The quarter in which closings begin, and what it would be compared with."""
    if not partial:
        return ""
    said = [
        _(
            "{quarters}: closings of that time are partly missing, so the rate can't be compared with later ones."
        ).format(quarters=", ".join(partial))
    ]
    if covered:
        text = _(
            "Of {quarter} only the closings from {day} on are there. In the same days of later quarters {alike} "
            "were won ({alike_range}), in the whole of them {whole} ({whole_range}): most of the height of that "
            "bar comes from the months that are missing."
        )
        if not covered.alike.value - covered.whole.value > (covered.first.value - covered.whole.value) / 2:
            text = _(
                "Of {quarter} only the closings from {day} on are there. In the same days of later quarters "
                "{alike} were won ({alike_range}), in the whole of them {whole} ({whole_range})."
            )
        said.append(text.format(**_covered_facts(partial[0], covered)))
    return " ".join(said)


def _covered_facts(quarter: str, covered: Covered) -> dict[str, str]:
    a, w = covered.alike, covered.whole
    return {
        "quarter": quarter,
        "day": day(covered.since),
        "alike": percent(a.value),
        "alike_range": interval(a.low, a.high, percent, n=a.n),
        "whole": percent(w.value),
        "whole_range": interval(w.low, w.high, percent, n=w.n),
    }


def _two_rates(t: TwoRates | None) -> list[str]:
    """The two rates of one stretch, and the exact account of what lies between them."""
    if t is None:
        return []
    text = _(
        "From {since} to {until}: of deals **closed** then **{closing}** were won ({closing_range}), of deals "
        "**opened** then **{opening}** ({opening_range})."
    )
    rates = text.format(
        since=day(t.since),
        until=day(t.until),
        closing=percent(t.by_closing.value, 1),
        closing_range=interval(t.by_closing.low, t.by_closing.high, lambda x: percent(x, 1), n=t.by_closing.n),
        opening=percent(t.by_opening.value, 1),
        opening_range=interval(t.by_opening.low, t.by_opening.high, lambda x: percent(x, 1), n=t.by_opening.n),
    )
    text = _(
        "The {points} between them: {older} because {n_older} deals opened earlier, won at {older_rate}, count by "
        "closing only; {later} because {n_later} that closed later, won at {later_rate}, count by opening only. "
        "Those in both were won at {same_rate}."
    )
    why = text.format(
        points=points(t.by_closing.value - t.by_opening.value),
        older=signed(100 * t.from_older, lambda x: number(x, 1)),
        later=signed(100 * t.from_later, lambda x: number(x, 1)),
        n_older=number(t.older.n),
        n_later=number(t.later.n),
        older_rate=percent(t.older.value),
        later_rate=percent(t.later.value),
        same_rate=percent(t.same.value),
    )
    return [rates, why]


def _quarters(frame: pd.DataFrame, result: Pipeline) -> list[str]:
    """Name each quarter; the one that still runs says so."""
    running = pd.Timestamp(result.as_of + dt.timedelta(days=1)).to_period("Q")
    said = []
    for quarter in frame["quarter"]:
        text = _("Q{quarter} {year} so far") if quarter.to_period("Q") == running else _("Q{quarter} {year}")
        said.append(text.format(quarter=quarter.quarter, year=quarter.year))
    return said


def _trend(whole: pd.DataFrame) -> str:
    """Title: whether the last quarter differs from the one before beyond chance."""
    if len(whole) < 2:
        return _("Too few quarters to see a trend")
    before, last = whole.iloc[-2], whole.iloc[-1]
    if last["low"] > before["high"] or last["high"] < before["low"]:
        change = signed(100 * (last["share"] - before["share"]), number)
        return _("The win rate moved by {n} points last quarter").format(n=change)
    return _("The win rate held steady last quarter")


def _quarter_table(frame: pd.DataFrame, caption: str, with_open: bool) -> Part:
    fields = [
        Field("label", _("Quarter")),
        Field("n_closed", _("Closed"), number),
        Field("share", _("Won ÷ closed"), percent),
        Field("bounds", _("90 % interval"), str),
    ]
    foot = ""
    if with_open:
        fields.insert(2, Field("n_open", _("Still open"), number))
        foot = _("Where many are still open, the rate will move.")
    return table(frame.assign(bounds=bounds(frame)), fields, caption, foot)
