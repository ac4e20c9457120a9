"""Where deals are lost, and what one point more of conversion at each step is worth."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import bounds, cash, has_levers, lever, stage, step, target
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, clean, day, interval, number, percent
from crm_lib.theme.words import gettext as _


def losses(result: Pipeline) -> Part:
    """What a point is worth at each step, with both conversions; on a snapshot the one step that is known."""
    if not result.has_history:
        return together(note(_no_history()), sentence(_one_step(result), _one_point(result)))
    steps = result.steps[result.steps["share"].notna()]
    if steps.empty:
        text = _("No entry into a stage is {n} days old yet: too early to say where deals are lost.")
        return note(text.format(n=number(result.maturity_days)))
    conversion = _conversions(result)
    said = sentence(_weakest(steps), _through(result.steps), _moves(result))
    if not has_levers(result):
        return together(conversion, said)
    return together(
        _worth(result), said, render("rows", summary=_("Conversion by step"), parts=(conversion,), warn=False)
    )


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


def _one_point(result: Pipeline) -> str:
    if not has_levers(result):
        return ""
    row = result.levers.iloc[0]
    text = _("One point more of it is worth about **{money}** a year ({bounds}), all else as it is.")
    return text.format(money=cash(row["worth"]), bounds=interval(row["worth_low"], row["worth_high"], cash))


def _worth(result: Pipeline) -> Part:
    frame = result.levers.assign(label=[clean(lever(row, 22)) for row in result.levers.itertuples()])
    top = next(frame.head(1).itertuples())
    labels = Labels(
        _("One point more is worth most at {step}").format(step=lever(top, 20)),
        _(
            "Money a year for one point more of conversion, with 90 % intervals; entries at least {n} days old"
        ).format(n=number(result.maturity_days)),
        "; ".join(f"{row.label}: {cash(row.worth)}" for row in frame.itertuples()),
    )
    shown = frame.assign(
        bounds=bounds(frame),
        worth_bounds=[between(a, b, cash) for a, b in zip(frame["worth_low"], frame["worth_high"], strict=True)],
    )
    fields = [
        Field("label", _("Step")),
        Field("n", _("In"), number),
        Field("share", _("Share that goes on"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("worth", _("One point a year"), cash),
        Field("worth_bounds", _("90 % interval"), str),
    ]
    foot = _(
        "Money won in the last 365 days ÷ share ÷ 100: what comes if a point more goes on and all later steps "
        "stay as they are. How hard a point is to win differs from step to step."
    )
    return bars(
        frame,
        "label",
        "worth",
        labels,
        cash,
        low="worth_low",
        high="worth_high",
        highlight=frame["label"].iloc[0],
        sideways=True,
        numbers=table(shown, fields, _("What one point is worth"), foot),
    )


def _weakest(steps: pd.DataFrame) -> str:
    worst = steps.loc[steps["share"].idxmin()]
    others = steps.drop(index=worst.name)
    if not (others["low"] > worst["high"]).all():
        return _("No step is clearly weaker than the others.")
    text = _("The weakest step is {before} → {after}: **{share}** go on ({bounds}).")
    return text.format(
        before=stage(worst["from_stage"]),
        after=target(worst["to_stage"]),
        share=percent(worst["share"]),
        bounds=interval(worst["low"], worst["high"], percent, n=int(worst["n"])),
    )


def _conversions(result: Pipeline) -> Part:
    """Step and cumulative conversion, one table per mode, the leading mode first."""
    modes = sorted(result.steps_by_mode, key=lambda m: m != result.mode)
    return together(*(_step_table(result.steps_by_mode[mode], mode) for mode in modes))


def _step_table(steps: pd.DataFrame, mode: str) -> Part:
    shown = steps.assign(
        label=[clean(step(row, 22)) for row in steps.itertuples()],
        bounds=bounds(steps),
        first_bounds=bounds(steps, "first_low", "first_high"),
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
    caption = {"any": _("Mode: any stage"), "in_order": _("Mode: all stages in order")}
    foot = {
        "any": _("A stage counts as reached with the first entry into it or into a later one, or with the sale."),
        "in_order": _("A deal that skips a stage counts as lost there."),
    }
    return table(shown, fields, caption[mode], foot[mode])


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
