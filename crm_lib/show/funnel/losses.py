"""Where deals are lost, the four parts of the funnel, and the win rate over time."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import bounds, stage, step, target
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, day, interval, money, number, percent, signed
from crm_lib.theme.words import gettext as _


def losses(result: Pipeline) -> Part:
    """Step conversion with intervals; on a snapshot, what can't be known and the one step that can."""
    if not result.has_history:
        return together(note(_no_history()), sentence(_one_step(result)))
    steps = result.steps[result.steps["share"].notna()]
    if steps.empty:
        text = _("No entry into a stage is {n} days old yet: too early to say where deals are lost.")
        return note(text.format(n=number(result.maturity_days)))
    frame = steps.assign(label=[clean(step(row, 22)) for row in steps.itertuples()])
    worst = frame.loc[frame["share"].idxmin()]
    others = frame.drop(index=worst.name)
    clear = bool((others["low"] > worst["high"]).all())
    labels = Labels(
        _worst(worst) if clear else _("No step is clearly weaker than the others"),
        _subtitle(result),
        "; ".join(f"{row.label}: {percent(row.share)}" for row in frame.itertuples()),
    )
    chart = bars(
        frame,
        "label",
        "share",
        labels,
        percent,
        low="low",
        high="high",
        highlight=worst["label"] if clear else None,
        sideways=True,
        numbers=_step_table(frame, result.mode),
    )
    return together(chart, sentence(_through(result.steps), _moves(result)))


def _no_history() -> str:
    return _(
        "The source says where each deal stands on the day of the export, not the way it came. How many reached "
        "each stage, how many skipped one and how long they stayed can't be known."
    )


def _one_step(result: Pipeline) -> str:
    c = result.deal_conversion
    if not c.share:
        return _("No deal is {n} days old yet: too early to judge.").format(n=number(result.maturity_days))
    text = _(
        "What can be said: of the deals opened from {since} to {until}, **{share}** were won so far ({bounds})."
    )
    return text.format(
        since=day(c.since),
        until=day(c.until),
        share=percent(c.share.value),
        bounds=interval(c.share.low, c.share.high, percent, n=c.share.n),
    )


def _worst(row: pd.Series) -> str:
    before, after = stage(row["from_stage"], 24), target(row["to_stage"], 24)
    return _("Weakest step: {before} → {after}").format(before=before, after=after)


def _subtitle(result: Pipeline) -> str:
    text = _("Share that goes on, with 90 % intervals; entries at least {n} days before {day}")
    return text.format(n=number(result.maturity_days), day=day(result.as_of))


def _step_table(frame: pd.DataFrame, mode: str) -> Part:
    shown = frame.assign(
        bounds=bounds(frame),
        first_bounds=bounds(frame, "first_low", "first_high"),
    )
    fields = [
        Field("label", _("Step")),
        Field("n", _("In"), number),
        Field("n_through", _("On"), number),
        Field("share", _("Share"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("share_of_first", _("Of the first stage"), percent),
        Field("first_bounds", _("90 % interval"), str),
    ]
    foot = {
        "any": _("Mode: any stage. A stage counts as reached with the first entry into it or a later one."),
        "in_order": _("Mode: all in order. A deal that skips a stage counts as lost there."),
    }
    return table(shown, fields, _("Conversion by step"), foot[mode])


def _through(steps: pd.DataFrame) -> str:
    last, first = steps.iloc[-1], steps.iloc[0]
    if pd.isna(last["share_of_first"]):
        return ""
    text = _("Of all that reach {stage}, **{share}** become a sale ({bounds}).")
    return text.format(
        stage=stage(first["from_stage"]),
        share=percent(last["share_of_first"]),
        bounds=interval(last["first_low"], last["first_high"], percent, n=int(last["n_first"])),
    )


def _moves(result: Pipeline) -> str:
    found = result.findings
    moves = [
        (found.n_skips, _("Deals skipped a stage {n} times.")),
        (found.n_reversals, _("They went back {n} times.")),
        (found.n_reopened, _("They moved on after their close {n} times.")),
    ]
    return " ".join(text.format(n=number(n)) for n, text in moves if n)


def four_parts(result: Pipeline) -> Part:
    """The funnel in four parts: outside, top, middle, bottom."""
    parts = result.parts
    if parts.empty:
        return note(_("The settings of this source don't say which stage belongs to which part of the funnel."))
    shown = parts.assign(label=[_part_names().get(p, p) for p in parts["part"]])
    fields = [Field("label", _("Part"))]
    if parts["n_year"].notna().any():
        fields.append(Field("n_year", _("Came in, last 365 days"), number))
    fields += [Field("n_now", _("Open now"), number), Field("open_amount", _("Open value"), money)]
    missing = [] if "traffic" in set(parts["part"]) else [_("The market outside is not counted: no such table.")]
    return together(table(shown, fields, _("The funnel in four parts")), sentence(*missing))


def _part_names() -> dict[str, str]:
    return {
        "traffic": _("Outside: people who came near"),
        "leads": _("Outside: leads"),
        "top": _("Top: qualified"),
        "middle": _("Middle: being pursued"),
        "bottom": _("Bottom: signing"),
        "won": _("Sales"),
    }


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
    text = _(
        "{quarters}: closings of that time are partly missing, so the rate can't be compared with later ones."
    )
    warning = note(text.format(quarters=", ".join(partial))) if partial else Part()
    return together(chart, warning, by_opening)


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
