"""What is in the pipe: open value by stage, and the four parts of the funnel."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import all_estimated, bounds, cash, has_money, stage
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, clean, day, interval, money, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def in_the_pipe(result: Pipeline) -> Part:
    """Open value by stage as bars, with the table behind, then the four parts; counts where none has a value."""
    if not result.n_open:
        return together(sentence(_("Nothing is open: every deal is won or lost.")), four_parts(result))
    valued = has_money(result)
    frame = result.stages.assign(label=[clean(stage(s)) for s in result.stages["stage"]])
    y, form = ("open_amount", cash) if valued else ("n_now", number)
    top = frame.loc[frame[y].astype(float).idxmax()]
    share = top[y] / frame[y].sum() if frame[y].sum() else 0
    said = [(row.label, form(getattr(row, y))) for row in frame.itertuples()]
    labels = Labels(
        _title(stage(top["stage"], 24), share, valued),
        _subtitle(result, valued),
        "; ".join(f"{label}: {value}" for label, value in said),
    )
    chart = bars(frame, "label", y, labels, form, highlight=top["label"], numbers=_stage_table(frame, result))
    return together(chart, _weighing(result), four_parts(result))


def _title(where: str, share: float, valued: bool) -> str:
    if valued:
        return _("{stage} holds {share} of the open value").format(stage=where, share=percent(share))
    return _("{stage} holds {share} of the open deals").format(stage=where, share=percent(share))


def _subtitle(result: Pipeline, valued: bool) -> str:
    facts = {"day": day(result.as_of), "n": number(result.n_open)}
    if not valued:
        return _("Open deals by stage on {day}; {n} in all").format(**facts)
    if all_estimated(result):
        return _("Open value by stage on {day}, estimated from won deals; {n} deals").format(**facts)
    return _("Open value by stage on {day}; {n} deals").format(**facts)


def _stage_table(frame: pd.DataFrame, result: Pipeline) -> Part:
    fields = [Field("label", _("Stage")), Field("n_now", _("Deals now"), number)]
    if has_money(result):
        fields.append(Field("open_amount", _("Value"), money))
    if result.has_history:
        fields.append(Field("n_reached", _("Ever reached it"), number))
        fields.append(Field("n_reached_year", _("In the last 365 days"), number))
    return table(frame, fields, _("Deals by stage"))


def _weighing(result: Pipeline) -> Part:
    value = result.open_value
    if not value.weighted:
        return Part()
    weighted = value.weighted
    limits = interval(weighted.low, weighted.high, cash)
    if result.forecast and result.forecast.is_range:
        limits = _("range: {range}").format(range=between(weighted.low, weighted.high, cash))
    text = _(
        "Weighted by the chance of each deal to be won, **{money}** of the {total} is likely to come ({bounds})."
    )
    text = text.format(money=cash(weighted.value), total=cash(value.amount), bounds=limits)
    old = result.stale.n_older_than_any
    caveat = ngettext(
        "{n} deal counts for next to nothing in it: it is older than any deal was when it closed.",
        "{n} deals count for next to nothing in it: they are older than any deal was when it closed.",
        old,
    ).format(n=number(old))
    return sentence(text, caveat if old else "")


def four_parts(result: Pipeline) -> Part:
    """The funnel in four parts: outside, top, middle, bottom, with the share that gets on to the next."""
    parts = result.parts
    if parts.empty:
        return note(_("The settings of this source don't say which stage belongs to which part of the funnel."))
    shown = parts.assign(label=[_part_names().get(p, p) for p in parts["part"]], bounds=bounds(parts))
    fields = [Field("label", _("Part"))]
    if parts["n_year"].notna().any():
        fields.append(Field("n_year", _("Came in, last 365 days"), number))
    fields += [Field("n_now", _("Open now"), number), Field("open_amount", _("Open value"), money)]
    if parts["share"].notna().any():
        digits = 1 if parts["share"].min() < 0.1 else 0
        shown["bounds"] = [
            between(a, b, lambda x: percent(x, digits)) for a, b in zip(parts["low"], parts["high"], strict=True)
        ]
        fields.append(Field("share", _("Go on to the next part"), lambda x: percent(x, digits)))
        fields.append(Field("bounds", _("90 % interval"), str))
    return together(
        table(shown, fields, _("The funnel in four parts"), _parts_foot(result)), sentence(*_missing(result))
    )


def _parts_foot(result: Pipeline) -> str:
    if result.parts["share"].isna().all():
        return ""
    text = _("Those that go on: among entries at least {n} days old; of people who came near: leads ÷ people.")
    return text.format(n=number(result.maturity_days))


def _missing(result: Pipeline) -> list[str]:
    if "traffic" in set(result.parts["part"]):
        return []
    return [_("The market outside is not counted: no such table.")]


def _part_names() -> dict[str, str]:
    return {
        "traffic": _("Outside: people who came near"),
        "leads": _("Outside: leads"),
        "top": _("Top: qualified"),
        "middle": _("Middle: being pursued"),
        "bottom": _("Bottom: signing"),
        "won": _("Sales"),
    }
