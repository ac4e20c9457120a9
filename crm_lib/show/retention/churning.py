"""Churn by grade and period, and which silence counts as churn."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.churn import Churn
from crm_lib.analysis.segmentation.pyramid import GRADES
from crm_lib.show.charts import Labels, bars, lines
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.retention.said import about, band, days, pace_name, why_n, why_nothing
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import NOTHING, _, day, ngettext, number, percent, short_day

# A first period that begins within so many times N of the first order counts customers who were mostly new.
YOUNG = 2


def churn(result: Retention) -> Part:
    """Churn of each grade in the newest period, then over the periods, with the money that went."""
    if result.reason:
        return note(why_nothing(result))
    found = result.churn
    if not found:
        return note(_no_period(result))
    return together(
        _newest(result, found),
        sentence(_finding(found)),
        _grades_over_time(result, found),
        _periods(result, found),
    )


def _no_period(result: Retention) -> str:
    return _(
        "Churn can be counted once the data reach back {days} before a period: before that nobody could have "
        "gone. They begin on {first}."
    ).format(days=days(result.silence.days), first=day(result.book.first_on))


def _newest(result: Retention, found: Churn) -> Part:
    last = found.cells[(found.cells["start_on"] == found.last["start_on"]) & (found.cells["n"] > 0)]
    ranked = last.sort_values("share", kind="stable")
    least, most = ranked.iloc[0], ranked.iloc[-1]
    title = _("All grades leave at the same pace")
    if len(ranked) > 1 and least["high"] < most["low"]:
        title = _("Grade {most} leaves {times} times as often as {least}").format(
            most=most["grade"], times=number(most["share"] / max(least["share"], 1e-9), 1), least=least["grade"]
        )
    subtitle = _(
        "Share of customers active on {start} who had gone by {end}, by value grade on the first day; lines: 90 "
        "% interval"
    ).format(start=day(found.last["start_on"]), end=day(found.last["end_on"]))
    alt = _("Bars: {list}.").format(list=", ".join(f"{r.grade} {percent(r.share, 1)}" for r in last.itertuples()))
    shown = last.assign(
        said=[band(r.share, r.low, r.high, _tenths) for r in last.itertuples()],
        money=[band(r.amount_share, r.amount_low, r.amount_high) for r in last.itertuples()],
    )
    fields = [
        Field("grade", _("Grade at the start")),
        Field("n", _("Active"), number),
        Field("n_lost", _("Gone"), number),
        Field("said", _("Churn (90 %)"), str),
        Field("amount_lost", _("Money they had brought"), about),
        Field("money", _("Share of the grade's money (90 %)"), str),
    ]
    numbers = table(shown, fields, _("Churn by grade, newest period"))
    return bars(last, "grade", "share", Labels(title, subtitle, alt), _tenths, "low", "high", "A", numbers=numbers)


def _tenths(x: float) -> str:
    return percent(x, 1)


def _finding(found: Churn) -> str:
    last, top = found.last, found.of_grade("A").iloc[-1]
    text = _(
        "In {weeks} weeks {lost} of {n} active customers went; they had brought {amount} in the year before."
    ).format(
        weeks=number(found.weeks),
        lost=number(last["n_lost"]),
        n=number(last["n"]),
        amount=about(last["amount_lost"]),
    )
    if not top["n"]:
        return text
    return (
        text
        + " "
        + ngettext(
            "{n} of them was of grade A and held **{share}** of that money.",
            "{n} of them were of grade A and held **{share}** of that money.",
            int(top["n_lost"]),
        ).format(
            n=number(top["n_lost"]),
            share=percent(top["amount_lost"] / last["amount_lost"] if last["amount_lost"] > 0 else 0),
        )
    )


def _grades_over_time(result: Retention, found: Churn) -> Part:
    wide = found.cells.pivot_table("share", "end_on", "grade").reindex(columns=list(GRADES))
    if len(wide) < 2:
        return Part()
    fits = [g for g in GRADES if wide[g].notna().any()]
    frame = wide.reset_index()
    shown = found.cells[found.cells["n"] > 0].assign(
        said=[band(r.share, r.low, r.high) for r in found.cells[found.cells["n"] > 0].itertuples()]
    )
    spread = shown.pivot_table("said", "end_on", "grade", aggfunc="first").reindex(columns=fits).fillna(NOTHING)
    numbers = table(
        spread.reset_index(),
        [Field("end_on", _("Period up to"), day), *(Field(g, g, str) for g in fits)],
        _("Churn by grade and period, with 90 % interval"),
    )
    subtitle = _(
        "Share gone in periods of {weeks} weeks, by value grade at the start of each; placed at its end"
    ).format(weeks=number(found.weeks))
    ends = wide.iloc[[0, -1]]
    alt = _("Lines by grade: {list}.").format(
        list="; ".join(
            _("{grade} from {then} to {now}").format(
                grade=g, then=percent(ends[g].iloc[0]), now=percent(ends[g].iloc[-1])
            )
            for g in fits
        )
    )
    labels = Labels(_over_time_title(found), subtitle, alt)
    return lines(frame, "end_on", {g: g for g in fits}, labels, percent, numbers=numbers)


def _over_time_title(found: Churn) -> str:
    change = found.change
    if not change or change.low <= 0 <= change.high:
        return _("Churn is as before, the mix of grades set aside")
    return (
        _("Churn rises, the mix of grades set aside")
        if change.low > 0
        else _("Churn falls, the mix of grades set aside")
    )


def _periods(result: Retention, found: Churn) -> Part:
    rows = found.periods.iloc[::-1]
    shown = rows.assign(
        period=[f"{short_day(r.start_on)} – {short_day(r.end_on)} {r.end_on.year}" for r in rows.itertuples()],
        plain=[band(r.share, r.low, r.high, _tenths) for r in rows.itertuples()],
        even=[band(r.standardised, r.std_low, r.std_high, _tenths) for r in rows.itertuples()],
    )
    fields = [
        Field("period", _("Period")),
        Field("plain", _("Churn (90 %)"), str),
        Field("even", _("Same mix of grades (90 %)"), str),
        Field("n", _("Active at the start"), number),
        Field("n_lost", _("Gone"), number),
        Field("amount_lost", _("Money they had brought"), about),
    ]
    mix = ", ".join(f"{g} {percent(s)}" for g, s in found.mix.items())
    foot = _(
        "Same mix: as if the grades had been {mix} in every period, so that a change of mix is no change of churn."
    )
    text = foot.format(mix=mix)
    if found.weeks < found.weeks_asked:
        text += " " + _("Periods of {asked} weeks were asked for; the data hold fewer than two of these.").format(
            asked=number(found.weeks_asked)
        )
    young = (found.periods["start_on"].iloc[0] - result.book.first_on).days
    if young < YOUNG * result.silence.days:
        text += " " + _(
            "The oldest period begins {days} after the first order in the data: most customers were new then, "
            "and who is new can't have been silent for long. Some of the change may be that."
        ).format(days=days(young))
    return table(shown, fields, _("Churn by period"), text)


def silence(result: Retention) -> Part:
    """Which silence counts as churn: how many of those silent for N days came back."""
    if result.reason:
        return note(why_nothing(result))
    rule = result.silence
    if not len(rule.tried):
        return note(why_n(result))
    return together(_tried(result), sentence(why_n(result), _rules_said(result)), _own(result))


def _tried(result: Retention) -> Part:
    rule, rows = result.silence, result.silence.tried
    title = _("Silent for {days}: {share} came back").format(
        days=days(rule.days), share=percent(rule.back.value) if rule.back else NOTHING
    )
    subtitle = _(
        "Share of customers silent for more than so many days on {day} who ordered in the {weeks} weeks after, "
        "and share of all who were so silent"
    ).format(day=day(rule.start_on), weeks=number(rule.follow_days / 7))
    alt = _("Two lines over days of silence. Came back: {list}.").format(
        list=", ".join(f"{number(r.days)}: {percent(r.back)}" for r in rows.itertuples() if not pd.isna(r.back))
    )
    shown = rows.assign(said=[band(r.back, r.low, r.high) for r in rows.itertuples()])
    fields = [
        Field("days", _("More than … days silent"), number),
        Field("n_silent", _("Customers"), number),
        Field("silent_share", _("Share of all"), percent),
        Field("said", _("Came back (90 %)"), str),
        Field("missed", _("Of the others, did not order"), percent),
    ]
    numbers = table(shown, fields, _("What another number of days would mean"))
    ys = {"back": _("came back"), "silent_share": _("were silent")}
    if rows["back"].notna().sum() < 2:
        return numbers
    mark = (rule.days, _("{n} days").format(n=number(rule.days)))
    return lines(rows, "days", ys, Labels(title, subtitle, alt), percent, mark, numbers)


def _rules_said(result: Retention) -> str:
    rules = result.silence.rules.set_index("rule")
    fixed, own = rules.loc["fixed"], rules.loc["own"]
    if pd.isna(fixed["back"]) or pd.isna(own["back"]):
        return ""
    return _(
        "A limit of each customer's own, by the pace of the orders so far, would have flagged {own} customers "
        "instead of {fixed}; {own_back} of them came back, against {fixed_back}."
    ).format(
        own=number(own["n_flagged"]),
        fixed=number(fixed["n_flagged"]),
        own_back=band(own["back"], own["back_low"], own["back_high"]),
        fixed_back=band(fixed["back"], fixed["back_low"], fixed["back_high"]),
    )


def _own(result: Retention) -> Part:
    rows = result.silence.classes
    if rows.empty:
        return Part()
    shown = rows.assign(name=[pace_name(int(p)) for p in rows["pace"]])
    fields = [
        Field("name", _("Mean wait between orders")),
        Field("n_customers", _("Customers"), number),
        Field("median_days", _("Half are back after"), days),
        Field("days", _("95 % are back after"), days),
    ]
    foot = _(
        "Of those who return at all, within the time watched; waits that are not over are counted as such "
        "(Kaplan–Meier). The last column is the own limit; beyond it a customer counts as at risk (at most "
        "{days})."
    ).format(days=days(result.silence.days))
    return table(shown, fields, _("Own limits, by pace"), foot)
