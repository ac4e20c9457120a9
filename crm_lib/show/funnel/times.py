"""How long deals take: competing ends over the days, days to close, time in stage."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Ends, Pipeline
from crm_lib.show.charts import Labels, lines
from crm_lib.show.funnel.said import bounds, stage
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, clean, is_missing, number, percent
from crm_lib.theme.words import gettext as _


def how_long(result: Pipeline) -> Part:
    """Shares won and lost by days since opening, then the days to close and the time in each stage."""
    if result.ends is None:
        return note(_("Nothing with a known start has closed yet, so no duration can be given."))
    behind = render("rows", summary=_("Days from opening to close"), parts=(_days(result),), warn=False)
    return together(_ends(result.ends), _fates(result), _stages(result), behind)


def _ends(ends: Ends) -> Part:
    final = ends.curve.iloc[-1]
    half = ends.curve.loc[ends.curve["won"] >= final["won"] / 2, "day"].iloc[0]
    title = _("Half of all sales come within {n} days").format(n=number(half))
    if not final["won"]:
        title = _("No deal has been won yet")
    labels = Labels(
        title,
        _(
            "Share of opened deals won and lost by days since opening; open deals counted as unfinished; n = {n}"
        ).format(n=number(ends.n)),
        _("After {n} days {won} are won and {lost} are lost.").format(
            n=number(final["day"]), won=percent(final["won"]), lost=percent(final["lost"])
        ),
    )
    shown = ends.at.assign(
        bounds=bounds(ends.at, "won_low", "won_high"), lost_bounds=bounds(ends.at, "lost_low", "lost_high")
    )
    fields = [
        Field("days", _("Days since opening"), number),
        Field("won", _("Won"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("lost", _("Lost"), percent),
        Field("lost_bounds", _("90 % interval"), str),
        Field("still_open", _("Still open"), percent),
    ]
    numbers = table(shown, fields, _("How deals end"))
    curve = lines(ends.curve, "day", {"won": _("won"), "lost": _("lost")}, labels, percent, numbers=numbers)
    return together(curve, sentence(*_chances(ends)))


def _chances(ends: Ends) -> list[str]:
    said = []
    for row in ends.at.itertuples():
        text = _("Within {days} days of opening **{share}** are won (90 %: {bounds}; n = {n}).")
        if row.won is None or row.won != row.won:
            text = _("What is won within {days} days can't be said yet: no deal was watched that long.")
            said.append(text.format(days=number(row.days)))
            continue
        limits = between(row.won_low, row.won_high, percent)
        said.append(text.format(days=number(row.days), share=percent(row.won), bounds=limits, n=number(ends.n)))
    return said


def _fates(result: Pipeline) -> Part:
    """Per stage entered: moved on, won and lost within the horizon, with intervals."""
    frame = result.fates
    if frame is None or frame[["won", "lost"]].isna().all(axis=None):
        return Part()
    shown = frame.assign(
        label=[clean(stage(s)) for s in frame["stage"]],
        **{name: _with_bounds(frame, name) for name in ("on", "won", "lost")},
    )
    fields = [
        Field("label", _("Stage entered")),
        Field("n", _("Deals"), number),
        Field("on", _("Moved on"), str),
        Field("won", _("Won"), str),
        Field("lost", _("Lost"), str),
    ]
    foot = _(
        "With 90 % intervals; deals still open count as unfinished, and won and lost as competing ends "
        "(Aalen–Johansen). Won and lost are the ends of the whole deal, in whatever stage it was by then; the "
        "rest is still open. Moved on from the last stage is won."
    )
    caption = _("What becomes of deals within {days} days of entering a stage")
    return table(shown, fields, caption.format(days=number(result.horizon_days)), foot)


def _with_bounds(frame: pd.DataFrame, name: str) -> list[str | None]:
    text = _("{share} ({range})")
    columns = (frame[name], frame[f"{name}_low"], frame[f"{name}_high"])
    return [
        None if is_missing(x) else text.format(share=percent(x), range=between(low, high, percent))
        for x, low, high in zip(*columns, strict=True)
    ]


def _days(result: Pipeline) -> Part:
    names = {"all": _("All closed deals"), "won": _("Won"), "lost": _("Lost")}
    frame = result.days_to_close
    shown = frame.assign(
        label=[names[o] for o in frame["outcome"]],
        bounds=[between(a, b, number) for a, b in zip(frame["low"], frame["high"], strict=True)],
    )
    fields = [
        Field("label", _("Deals")),
        Field("n", _("n"), number),
        Field("mean", _("Mean"), lambda x: number(x, 1)),
        Field("median", _("Median"), number),
        Field("bounds", _("90 % interval"), str),
        Field("longest", _("Longest"), number),
    ]
    foot = _("Closed deals only: those that take longest are still open and missing here, not in the chart.")
    return table(shown, fields, _("Days from opening to close"), foot)


def _stages(result: Pipeline) -> Part:
    frame = result.time_in_stage
    if frame is None or frame.empty:
        return Part()
    shown = frame.assign(
        label=[clean(stage(s)) for s in frame["stage"]],
        bounds=[between(a, b, number) for a, b in zip(frame["low"], frame["high"], strict=True)],
    )
    fields = [
        Field("label", _("Stage")),
        Field("n", _("Stays"), number),
        Field("n_open", _("Still in it"), number),
        Field("median", _("Median days"), number),
        Field("bounds", _("90 % interval"), str),
    ]
    foot = _("Stays that go on count as unfinished (Kaplan–Meier).")
    return table(shown, fields, _("Days in each stage"), foot)
