"""Where on the journey, and since when: touchpoints in order, and quarters."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.satisfaction import Change, Voices
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, fold, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.pictures import line_with_range
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, interval, is_missing, name, number
from crm_lib.theme.words import gettext as _

PICTURED = ("walked_away", "ratio", "content", "nps")  # the first that was asked for is drawn
DRAWN_FROM = 2  # quarters


def journey(said: Voices) -> Part:
    """Touchpoints in the order of the journey: who left for good there, and all measures beside each other."""
    if said.touchpoints.empty:
        return sentence(_("This source does not say at which touchpoint a question was asked."))
    stops = said.touchpoints.assign(touchpoint=[t or _("not stated") for t in said.touchpoints.touchpoint])
    drawn = next((m for m in PICTURED if stops[m].notna().any()), None)
    if drawn is None:
        few = _("No touchpoint has at least {n} answers; fewer are not shown.")
        return sentence(few.format(n=number(said.limits.suppress_below)))
    worst = worst_stop(said, drawn, stops)
    told = sentence(_told(said, drawn, worst))
    return together(_picture(said, stops, drawn, worst), told, _measures(said, stops))


def worst_stop(said: Voices, measure: str, stops: pd.DataFrame | None = None) -> pd.Series | None:
    """The touchpoint clearly worse than all together, its interval apart from the whole; None where none is."""
    stops = said.touchpoints if stops is None else stops
    whole = getattr(said.overall, measure)
    ranked = stops[stops[f"{measure}_n"] >= said.limits.compare_from]
    if ranked.empty or not whole:
        return None
    bad_is_high = measure == "walked_away"
    row = ranked.loc[ranked[measure].idxmax() if bad_is_high else ranked[measure].idxmin()]
    apart = row[f"{measure}_low"] > whole.value if bad_is_high else row[f"{measure}_high"] < whole.value
    return row if apart else None


def _picture(said: Voices, stops: pd.DataFrame, drawn: str, worst: pd.Series | None) -> Part:
    form = wording.FORMS[drawn]
    what = {
        "walked_away": _("Share who say they left and will not trade again"),
        "ratio": _("Sum of what customers got ÷ sum of what they expected"),
        "content": _("Share of content answers"),
        "nps": _("Promoters minus detractors"),
    }[drawn]
    values = "; ".join(
        _("{touchpoint} {value}").format(touchpoint=name(t), value=form(v))
        for t, v in zip(stops.touchpoint, stops[drawn], strict=True)
    )
    labels = Labels(
        _title(drawn, worst),
        _("{what}, by touchpoint in the order of the journey; lines: {level} interval").format(
            what=what, level=wording.level()
        ),
        _("By touchpoint: {values}.").format(values=values),
    )
    return bars(
        stops, "touchpoint", drawn, labels, form,
        low=f"{drawn}_low", high=f"{drawn}_high",
        highlight=None if worst is None else worst.touchpoint, numbers=_numbers(said, stops, drawn),
    )  # fmt: skip


def _title(drawn: str, worst: pd.Series | None) -> str:
    if worst is None:
        return _("No touchpoint stands out from the others")
    if drawn == "walked_away":
        return _("Most leave for good at {touchpoint}").format(touchpoint=name(worst.touchpoint, most=30))
    return _("{touchpoint} is the weakest touchpoint").format(touchpoint=name(worst.touchpoint, most=30))


def _numbers(said: Voices, stops: pd.DataFrame, drawn: str) -> Part:
    form = wording.FORMS[drawn]
    shown = stops.assign(
        value=wording.texts(stops, drawn, form, said.limits.suppress_below),
        range_text=wording.ranges(stops, drawn, form),
    )
    fields = [
        Field("touchpoint", _("Touchpoint")),
        Field("value", wording.measure_name(said, drawn), str),
        Field("range_text", wording.interval_head(), str),
        Field(f"{drawn}_n", _("Answers"), number),
    ]
    return table(shown, fields, wording.measure_name(said, drawn))


def _measures(said: Voices, stops: pd.DataFrame) -> Part:
    """All measures by touchpoint, each with its interval in brackets; effort and counts folded."""
    caption = _("Along the journey, {level} intervals in brackets").format(level=wording.level())
    main = _beside(said, stops, ("walked_away", "ratio", "gap", "nps", "content"), caption)
    counts = [Field("n_asked", _("Asked"), number), Field("n_answered", _("Answers"), number)]
    rest = _beside(said, stops, ("effort",), caption, counts)
    return together(main, fold(_("Effort and number of answers by touchpoint"), rest))


def _beside(
    said: Voices, stops: pd.DataFrame, measures: Sequence[str], caption: str, counts: Sequence[Field] = ()
) -> Part:
    few, shown = said.limits.suppress_below, stops
    fields = [Field("touchpoint", _("Touchpoint"))]
    for measure in measures:
        form = wording.FORMS[measure]
        if getattr(said.overall, measure):
            values, ranges = wording.texts(stops, measure, form, few), wording.ranges(stops, measure, form)
            both = [
                v if is_missing(low) else _("{value} ({range})").format(value=v, range=r)
                for v, r, low in zip(values, ranges, stops[f"{measure}_low"], strict=True)
            ]
            shown = shown.assign(**{f"{measure}_text": both})
            fields.append(Field(f"{measure}_text", wording.measure_name(said, measure), str))
    return table(shown, [*fields, *counts], caption)


def _told(said: Voices, drawn: str, worst: pd.Series | None) -> str:
    whole, form = getattr(said.overall, drawn), wording.FORMS[drawn]
    if worst is None:
        return _("All touchpoints with {n} answers or more lie near the whole, {value}.").format(
            n=number(said.limits.compare_from), value=form(whole.value)
        )
    return _("{touchpoint}: {value} ({interval}), against {whole} over all touchpoints.").format(
        touchpoint=name(worst.touchpoint),
        value=form(worst[drawn]),
        interval=interval(worst[f"{drawn}_low"], worst[f"{drawn}_high"], form),
        whole=form(whole.value),
    )


def change(said: Voices) -> Part:
    """Ratio and NPS by quarter with their intervals, and whether the last two quarters differ."""
    known = {m: said.trend[said.trend[m].notna()] for m in ("ratio", "nps") if m in said.changes}
    drawn = [_trend(said, frame, m) for m, frame in known.items() if len(frame) >= DRAWN_FROM]
    if not drawn:
        few = _("Change needs two quarters with at least {n} answers each; this source has fewer.")
        return sentence(few.format(n=number(said.limits.compare_from)))
    told = [f"{_verdict(said.changes[m], m)}. {_moved(said.changes[m], m)}" for m in list(known)[1:]]
    rest = fold(_("The same for willingness to recommend"), together(*drawn[1:]))
    return together(drawn[0], sentence(*told, _unfinished(said)), rest)


def _trend(said: Voices, known: pd.DataFrame, measure: str) -> Part:
    form, moved = wording.FORMS[measure], said.changes[measure]
    known = known.assign(label=[wording.quarter(p) for p in known.period])
    shown = known.assign(range_text=wording.ranges(known, measure, form))
    labels = Labels(
        _verdict(moved, measure),
        _("{measure} by quarter of the answer; band: {level} interval").format(
            level=wording.level(), measure=wording.measure_name(said, measure)
        ),
        _("{measure} from {first} in {first_quarter} to {last} in {last_quarter}.").format(
            measure=wording.measure_name(said, measure),
            first=form(known[measure].iloc[0]),
            first_quarter=known.label.iloc[0],
            last=form(known[measure].iloc[-1]),
            last_quarter=known.label.iloc[-1],
        ),
    )
    fields = [
        Field("label", _("Quarter")),
        Field(measure, wording.measure_name(said, measure), form),
        Field("range_text", wording.interval_head(), str),
        Field(f"{measure}_n", _("Answers"), number),
    ]
    numbers = table(shown, fields, wording.measure_name(said, measure))
    return together(line_with_range(known, measure, labels, form, numbers), sentence(_moved(moved, measure)))


def _verdict(moved: Change, measure: str) -> str:
    """The title of a trend: rose, fell, or not clearly either."""
    found = moved.measure
    rose = not is_missing(found.low) and found.low > 0
    fell = not is_missing(found.high) and found.high < 0
    if measure == "ratio":
        steady, up, down = (
            _("Got ÷ expected did not clearly change"),
            _("Got ÷ expected rose"),
            _("Got ÷ expected fell"),
        )
    else:
        steady = _("Willingness to recommend did not clearly change")
        up, down = _("More would recommend than before"), _("Fewer would recommend than before")
    return up if rose else down if fell else steady


def _moved(moved: Change, measure: str) -> str:
    form = wording.gap if measure == "ratio" else wording.promoter_score
    found = moved.measure
    return _("From {before} to {after}: {value}.").format(
        before=wording.quarter(moved.before),
        after=wording.quarter(moved.after),
        value=wording.with_interval(found, form),
    )


def _unfinished(said: Voices) -> str:
    """That the last quarter is not over, where the answers end before it does."""
    last, ends = said.trend.period.iloc[-1], said.base.last_on
    full = last + pd.offsets.QuarterEnd(0)
    if is_missing(ends) or pd.Timestamp(ends) >= full - pd.Timedelta(days=7):
        return ""
    return _("{quarter} holds answers up to {day} only.").format(quarter=wording.quarter(last), day=day(ends))
