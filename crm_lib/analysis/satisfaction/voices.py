"""All that a survey says, as one result: overall, by aspect, by touchpoint and by quarter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from ibis.expr.types import Table

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import breakdown, measure, reliability, repeats
from crm_lib.analysis.satisfaction.breakdown import Change, Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.contract.publication import Figure, Publication
from crm_lib.contract.settings import SatisfactionSettings, Scale
from crm_lib.errors import NotEnoughData

__all__ = ["Change", "Voices", "voices"]

# Each measure, the column that asks for it, and the scale that must be declared for it.
ASKED_BY = {
    "ratio": ("ratio", "items"),
    "gap": ("ratio", "items"),
    "nps": ("nps", "nps"),
    "content": ("csat", "csat"),
    "content_mean": ("csat", "csat"),
    "effort": ("ces", "ces"),
    "walked_away": ("walked_away", None),
    "response": ("answered_at", None),
}


@dataclass(frozen=True)
class Overall:
    """The measures over all answers; each knows why it is missing.

    `promoters` counts promoters, passives and detractors; None where one of them is too few to show.
    """

    ratio: Measure
    median_ratio: float | None
    gap: Measure
    nps: Measure
    promoters: tuple[int, int, int] | None
    content: Measure
    content_mean: Measure
    effort: Measure
    walked_away: Measure
    response: Measure


@dataclass(frozen=True)
class Base:
    """What stands behind the measures, and what had to be left out."""

    n_asked: int
    n_answered: int
    n_customers: int
    n_repeating: int
    first_on: dt.date | None
    last_on: dt.date | None
    n_zero_expected: int = 0
    n_half: int = 0
    n_before: int = 0
    n_same_day: int = 0
    used: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, repr=False)
class Voices(Brief):
    """What customers said.

    aspects: aspect, n_short, median_ratio, score_sd and, each with `_low`, `_high`, `_n`: ratio, gap, score, top
    touchpoints: touchpoint in the order of the journey, n_asked, n_answered, and ratio, gap, nps, content,
        effort, walked_away
    trend: period (first day of the quarter), and ratio and nps where enough people answered
    spread: question, lowest, highest, n: how many gave an answer, rare ones pooled
    consistency: group, n_items, alpha
    complaints: aspect, n_complaints with interval, n_failures; empty without cases
    repeats: by measure, how many times the variance is what it were if every answer came from another customer
    """

    overall: Overall
    base: Base
    aspects: pd.DataFrame
    touchpoints: pd.DataFrame
    trend: pd.DataFrame
    changes: Mapping[str, Change]
    spread: pd.DataFrame
    consistency: pd.DataFrame
    complaints: pd.DataFrame
    scales: Mapping[str, Scale]
    limits: Limits
    repeats: Mapping[str, float] = field(default_factory=dict)

    @property
    def publication(self) -> Publication:
        """Figures and tables as others read them, without words."""
        return Publication(
            "satisfaction", tuple(_figures(self)), {"aspects": self.aspects, "touchpoints": self.touchpoints}
        )

    @property
    def checkable(self) -> dict[str, float]:
        """Figures to compare with published numbers, such as `nps`, `score_<aspect>`, `alpha_<group>`."""
        found = {f.name: f.value for f in self.publication.figures}
        found |= {f"score_{a}": v for a, v in zip(self.aspects.aspect, self.aspects.score, strict=True)}
        found |= {f"score_sd_{a}": v for a, v in zip(self.aspects.aspect, self.aspects.score_sd, strict=True)}
        found |= {f"alpha_{g}": v for g, v in zip(self.consistency.group, self.consistency.alpha, strict=True)}
        return {name: float(value) for name, value in found.items() if value is not None and not pd.isna(value)}


def voices(
    surveys: Table,
    survey_items: Table | None = None,
    cases: Table | None = None,
    settings: SatisfactionSettings | None = None,
    *,
    suppress_below: int = 5,
    compare_from: int = 30,
) -> Voices:
    """What customers said in `surveys` and `survey_items`, with the complaints of `cases` beside it.

    Measures whose scale `settings` does not declare are left out. Answers of fewer than `suppress_below` customers
    are not shown, groups of fewer than `compare_from` are not compared. NotEnoughData where nobody was asked.

    >>> from crm_lib.analysis import examples
    >>> from crm_lib.contract.settings import SatisfactionSettings, Scale
    >>> said = voices(examples.surveys(), settings=SatisfactionSettings(scales={"nps": Scale(0, 10)}))
    >>> said.trend["nps"].tolist()
    [62.5]
    """
    settings = settings or SatisfactionSettings()
    limits, scales = Limits(suppress_below, compare_from), settings.scales
    replies = engine.responses(surveys, scales).cache()
    cells = engine.counts(replies, scales)
    if cells.empty:
        raise NotEnoughData("surveys: nobody was asked up to this date. Satisfaction needs at least one survey.")
    rated = None
    if survey_items is not None:
        rated = engine.items(survey_items, replies, scales.get("items")).cache()
    asked = _questions(surveys, survey_items)
    pairs = breakdown.pair_cells(rated)
    again = repeats.repeated(replies, rated, scales)
    aspects = breakdown.aspects(rated, scales.get("items"), limits, again.aspect)
    trend, changes = breakdown.trend(cells, pairs, scales, limits, again.period)
    return Voices(
        overall=_overall(cells, pairs, rated, scales, (asked, limits, again.whole)),
        base=_base(replies, cells, rated, _usable(surveys, survey_items, scales)),
        aspects=aspects,
        touchpoints=breakdown.touchpoints(cells, pairs, scales, settings.touchpoints, limits, again.touchpoint),
        trend=trend,
        changes=changes,
        spread=breakdown.spread(engine.distribution(replies), limits),
        consistency=_consistency(rated, aspects, limits),
        repeats=again.whole,
        complaints=breakdown.complaints(cases),
        scales=scales,
        limits=limits,
    )


def _questions(surveys: Table, survey_items: Table | None) -> set[str]:
    """Columns that the source has: the questions that were asked at all."""
    items = set(survey_items.columns) if survey_items is not None else set()
    paired = {"ratio"} if {"expected", "perceived"} <= items else set()
    return set(surveys.columns) | paired


def _usable(surveys: Table, survey_items: Table | None, scales: Mapping[str, Scale]) -> pd.DataFrame:
    questions = engine.usable_counts(surveys, {q: scales.get(q) for q in engine.QUESTIONS})
    halves = engine.usable_counts(survey_items, dict.fromkeys(engine.HALVES, scales.get("items")))
    return pd.concat([questions, halves], ignore_index=True)


def _overall(
    cells: pd.DataFrame,
    pairs: pd.DataFrame,
    rated: Table | None,
    scales: Mapping[str, Scale],
    given: tuple[set[str], Limits, Mapping[str, float]],
) -> Overall:
    asked, limits, effects = given
    sums, pair, few = cells.sum(numeric_only=True), pairs.sum(numeric_only=True), limits.suppress_below
    found = breakdown.measures(sums, pair, scales, few, effects)
    found["response"] = measure.share(sums.n_answered, sums.n_asked, 1, effects.get("response", 1.0))
    for name, (column, scale) in ASKED_BY.items():
        found[name] = _because(found[name], column in asked, scale is None or scale in scales)
    median = engine.medians(engine.pairs_by_response(rated), ()).median_ratio[0] if found["ratio"] else None
    heads = tuple(int(sums[name]) for name in ("promoters", "passives", "detractors"))
    return Overall(
        median_ratio=None if median is None else float(median),
        promoters=heads if found["nps"] and not any(0 < n < few for n in heads) else None,
        **found,
    )


def _because(found: Measure, asked: bool, declared: bool) -> Measure:
    """The measure, or the plainest reason for its absence: not asked comes before not declared."""
    if not asked:
        return Measure(why=measure.NOT_ASKED)
    return found if declared else measure.without(found, measure.UNDECLARED)


def _base(replies: Table, cells: pd.DataFrame, rated: Table | None, used: pd.DataFrame) -> Base:
    unpaired = engine.unpaired(rated) if rated is not None else {}
    return Base(
        n_asked=int(cells.n_asked.sum()),
        n_answered=int(cells.n_answered.sum()),
        used=used,
        **engine.about(replies),
        **unpaired,
    )


def _consistency(rated: Table | None, aspects: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    scored = list(aspects.aspect[aspects.score_n >= limits.suppress_below])
    if rated is None:
        return pd.DataFrame(columns=["group", "n_items", *Measure().columns("alpha")])
    return reliability.consistency(rated, scored, limits.compare_from)


def _figures(said: Voices) -> list[Figure]:
    o, b = said.overall, said.base
    named = {
        "satisfaction": (o.ratio, "ratio"),
        "expectation_gap": (o.gap, "points"),
        "nps": (o.nps, "points"),
        "csat_share": (o.content, "share"),
        "csat_mean": (o.content_mean, "points"),
        "ces_mean": (o.effort, "points"),
        "walked_away_share": (o.walked_away, "share"),
        "response_share": (o.response, "share"),
    }
    units = {"ratio": "ratio", "nps": "points"}
    named |= {f"{name}_change": (change.measure, units[name]) for name, change in said.changes.items()}
    figures = [
        Figure(name, m.value, unit, m.n, m.low, m.high)
        for name, (m, unit) in named.items()
        if m.why != measure.NOT_ASKED
    ]
    if not any(f.name == "satisfaction" for f in figures):
        figures.insert(0, Figure("satisfaction", None, "ratio"))
    if o.median_ratio is not None:
        figures.append(Figure("satisfaction_median", o.median_ratio, "ratio", o.ratio.n))
    return [*figures, Figure("answers", b.n_answered, "answers"), Figure("asked", b.n_asked, "surveys")]
