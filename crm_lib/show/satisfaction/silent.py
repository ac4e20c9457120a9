"""Those who stayed silent: who answers, and what the answers are when weighted to all customers."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction.silent import Silent
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import interval, is_missing, name, number, percent

CAREFUL = 2.0  # a largest weight beyond which few answers speak for many


def silent(said: Voices, found: Evidence) -> Part:
    """Response by value grade, answers weighted to the customer base, late answers beside early ones."""
    parts = [_rates(said, found.silent), _weighted(said, found.silent), sentence(*_late(found.silent))]
    told = together(*parts)
    return told if told.html else sentence(_nothing(said))


def _nothing(said: Voices) -> str:
    if not said.overall.response or said.overall.response.value == 1:
        return _("The source does not say who was asked and stayed silent, so the silent can't be looked at.")
    return _("Without purchases of those asked it can't be told how the silent differ from those who answered.")


def _rates(said: Voices, found: Silent) -> Part:
    rates = found.rates[found.rates.rate.notna()] if len(found.rates) else found.rates
    if len(rates) < 2 or rates.n_answered.sum() == rates.n_asked.sum():
        return Part()
    shown = rates.assign(range_text=wording.ranges(rates, "rate", percent))
    most, least = rates.loc[rates.rate.idxmax()], rates.loc[rates.rate.idxmin()]
    apart = most.rate_low > least.rate_high
    labels = Labels(
        _("{grade} customers answer most, {least} customers least").format(
            grade=name(most.grade), least=name(least.grade)
        )
        if apart
        else _("All grades answer about equally often"),
        _(
            "Share of those asked who answered, by value grade (A: half of the money); lines: {level} interval"
        ).format(level=wording.level()),
        "; ".join(
            _("{grade}: {share}").format(grade=name(g), share=percent(r))
            for g, r in zip(rates.grade, rates.rate, strict=True)
        ),
    )
    fields = [
        Field("grade", _("Value grade")),
        Field("n_asked", _("Asked"), number),
        Field("n_answered", _("Answered"), number),
        Field("rate", _("Share"), percent),
        Field("range_text", wording.interval_head(), str),
    ]
    return bars(
        shown, "grade", "rate", labels, percent,
        low="rate_low", high="rate_high", highlight=most.grade if apart else None,
        numbers=table(shown, fields, _("Who answered, by value grade")),
    )  # fmt: skip


def _weighted(said: Voices, found: Silent) -> Part:
    if found.weighted.empty or found.n_effective is None:
        return Part()
    forms = [wording.FORMS[m] for m in found.weighted.measure]
    shown = found.weighted.assign(
        name=[wording.measure_name(said, m) for m in found.weighted.measure],
        **{
            side: [
                _in_words(row, side, form)
                for (_i, row), form in zip(found.weighted.iterrows(), forms, strict=True)
            ]
            for side in ("plain", "weighted")
        },
    )
    fields = [
        Field("name", _("Measure")),
        Field("plain", _("As answered"), str),
        Field("weighted", _("Weighted to all customers"), str),
        Field("weighted_n", _("Answers"), number),
    ]
    foot = _("Weighted by {list}, so that those who answered have the make-up of all customers with an order.")
    by = {"grade": _("value grade"), "channel": _("channel"), "region": _("region")}
    return together(
        table(shown, fields, _("Unweighted and weighted"), foot.format(list=", ".join(by[c] for c in found.by))),
        sentence(weighted_worth(found)),
    )


def _in_words(row: pd.Series, side: str, form: wording.Form) -> str:
    if is_missing(row[f"{side}_low"]):
        return form(row[side])
    return _("{value} ({interval})").format(
        value=form(row[side]), interval=interval(row[f"{side}_low"], row[f"{side}_high"], form)
    )


def weighted_worth(found: Silent) -> str:
    """What weighting costs in certainty."""
    text = _("The {n} answers are worth {effective} once weighted; the largest weight is {largest}.")
    worth = text.format(
        n=number(found.n_weighted), effective=number(found.n_effective), largest=number(found.largest_weight, 1)
    )
    if found.largest_weight > CAREFUL:
        worth += " " + _("Few answers speak for many of the silent.")
    return worth + " " + _("Weighting mends only what goes with these traits.")


def moved(said: Voices, found: Silent) -> str:
    """The sentence where weighting takes a measure out of its plain interval; empty where it does not."""
    if found.moves.empty:
        return ""
    texts = []
    for row in found.moves.itertuples():
        form = wording.FORMS[row.measure]
        text = _("{measure} {weighted} instead of {plain}")
        texts.append(
            text.format(
                measure=wording.measure_name(said, row.measure), weighted=form(row.weighted), plain=form(row.plain)
            )
        )
    return _("Weighted to all customers: {list}.").format(list="; ".join(texts))


def _late(found: Silent) -> list[str]:
    if found.timing.empty:
        return []
    n = [number(v) for v in found.timing.n_answered]
    texts = []
    for measure, gap in found.differences.items():
        form = {"ratio": wording.gap, "nps": wording.promoter_score, "content": wording.share_gap}[measure]
        texts.append(wording.with_interval(gap, form))
    names = {"ratio": _("got ÷ expected"), "nps": _("NPS"), "content": _("content")}
    told = "; ".join(
        _("{measure} {difference}").format(measure=names[m], difference=t)
        for m, t in zip(found.differences, texts, strict=True)
    )
    clear = [m for m, g in found.differences.items() if g.low is not None and (g.low > 0 or g.high < 0)]
    verdict = (
        _("Those who hesitate answer otherwise, so the silent may too.")
        if clear
        else _("Those who hesitate do not clearly answer otherwise.")
    )
    text = _("Late answers ({late}, after more than {days} days) against early ones ({early}): {told}.")
    return [text.format(late=n[1], early=n[0], days=number(found.median_days), told=told), verdict]
