"""Those who stayed silent: who answers, what weighting to the customer base changes, and early against late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from crm_lib.analysis import intervals, raking
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.satisfaction import breakdown, measure
from crm_lib.analysis.satisfaction.answers import counts, fetched, pair_sums
from crm_lib.analysis.satisfaction.base import ATTRIBUTES
from crm_lib.analysis.satisfaction.breakdown import NO_PAIRS, PAIR_SUMS, Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import n_where
from crm_lib.contract.settings import Scale

DIMENSIONS = ("grade", *ATTRIBUTES)
MOST_LEVELS = 12
HEADS = ("promoters", "passives", "detractors")
MEASURES = ("ratio", "nps", "content")
SQUARES = ("perceived_sq", "expected_sq", "cross", "gap_sq")


@dataclass(frozen=True)
class Silent:
    """Who answered and who did not.

    rates: grade, n_asked, n_answered, rate with interval
    weighted: measure, and with `_low`, `_high`, `_n`: plain and weighted, over answers of graded customers
    n_effective: answers that the weighted ones are worth; None where nothing was weighted
    largest_weight: of an answer, the mean being 1; `by` names what was weighted by
    timing: when (early, late), n_answered, and ratio, nps, content; `differences` late − early by measure
    """

    rates: pd.DataFrame
    weighted: pd.DataFrame
    by: tuple[str, ...] = ()
    n_effective: float | None = None
    n_weighted: int = 0
    largest_weight: float | None = None
    median_days: int | None = None
    timing: pd.DataFrame = field(default_factory=pd.DataFrame)
    differences: Mapping[str, Measure] = field(default_factory=dict)

    @property
    def moves(self) -> pd.DataFrame:
        """Measures whose weighted value lies outside the plain interval."""
        w = self.weighted
        return w[(w.weighted < w.plain_low) | (w.weighted > w.plain_high)]


def silent(
    answers: Table,
    by_response: Table | None,
    base: Table | None,
    scales: Mapping[str, Scale],
    limits: Limits,
) -> Silent:
    """Response by grade, answers weighted to the customer base, early against late answers.

    `by_response` holds the pairs summed per response; `base` the graded customers, None where there are none.
    """
    timing, differences, days = _early_and_late(answers, by_response, scales, limits)
    about = {"timing": timing, "differences": differences, "median_days": days}
    if base is None or not int(base.count().to_pyarrow().as_py()):
        return Silent(_rates_frame([]), _weighted_frame([]), **about)
    graded = answers.inner_join(base, "customer_id")
    rates = _rates(fetched(_asked_by_grade(graded)), limits)
    cells = _cells(graded, by_response, base, scales)
    if cells.n.sum() < limits.compare_from:
        return Silent(rates, _weighted_frame([]), **about)
    targets, cells = _targets(cells, base, limits)
    weights = raking.rake(cells, targets)
    rows = [_beside(name, cells, weights, scales, limits) for name in MEASURES]
    return Silent(
        rates,
        _weighted_frame([row for row in rows if row["plain"] is not None]),
        tuple(targets),
        raking.effective(weights, cells.n.to_numpy(float)),
        int(cells.n.sum()),
        float(weights[cells.n.to_numpy() > 0].max()),
        **about,
    )


def _asked_by_grade(graded: Table) -> Table:
    return graded.group_by("grade").aggregate(n_asked=graded.count(), n_answered=n_where(graded.is_answered))


def _rates(counted: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    rows = []
    for row in counted.sort_values("grade").itertuples():
        found = measure.share(row.n_answered, row.n_asked, limits.suppress_below)
        rows.append(
            {"grade": row.grade, "n_asked": row.n_asked, "n_answered": row.n_answered, **found.columns("rate")}
        )
    return _rates_frame(rows)


def _rates_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["grade", "n_asked", "n_answered", *Measure().columns("rate")])


def _weighted_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["measure", *Measure().columns("plain"), *Measure().columns("weighted")]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({c: float for c in columns if c != "measure"})


def _cells(graded: Table, by_response: Table | None, base: Table, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """Counts and sums of answers by what they are weighted by; `n` answers, `n_base` customers."""
    said = graded.filter(graded.is_answered)
    found = counts(said, scales, DIMENSIONS).rename(columns={"n_answered": "n"})
    if by_response is not None:
        pairs = by_response.inner_join(said.select("response_id", *DIMENSIONS), "response_id")
        sums = pair_sums(pairs, DIMENSIONS).rename(columns={"n": "pairs_n"})
        found = found.merge(sums, "left", list(DIMENSIONS))
    else:
        found = found.assign(**NO_PAIRS | {"n": found["n"], "pairs_n": 0})
    held = fetched(base.group_by(list(DIMENSIONS)).aggregate(n_base=base.count()))
    found = held.merge(found, "left", list(DIMENSIONS)).fillna(0)
    return found.sort_values(list(DIMENSIONS), ignore_index=True)


def _targets(cells: pd.DataFrame, base: Table, limits: Limits) -> tuple[dict[str, pd.Series], pd.DataFrame]:
    """Shares of customers by level, rare levels pooled, for each dimension that has two; and cells so named."""
    targets, named = {}, cells.copy()
    for column in DIMENSIONS:
        answered = cells.groupby(column).n.sum().sort_index()
        if len(answered) > MOST_LEVELS:
            continue
        name_of = raking.pooled(answered, limits.suppress_below)
        named[column] = cells[column].map(name_of)
        shares = named.groupby(column).n_base.sum() / cells.n_base.sum()
        if len(shares) > 1:
            targets[column] = shares
    return targets, named[named.n > 0].reset_index(drop=True)


def _beside(
    name: str, cells: pd.DataFrame, weights: np.ndarray, scales: Mapping[str, Scale], limits: Limits
) -> dict[str, object]:
    plain = _estimate(name, cells, np.ones(len(cells)), scales, limits)
    weighted = _estimate(name, cells, weights, scales, limits) if plain else Measure()
    return {"measure": name, **plain.columns("plain"), **weighted.columns("weighted")}


def _estimate(
    name: str, cells: pd.DataFrame, weights: np.ndarray, scales: Mapping[str, Scale], limits: Limits
) -> Measure:
    """A measure from weighted cells: the ratio by its delta method, shares at the effective n."""
    if name == "ratio":
        return _ratio(cells, weights, limits)
    n = cells["nps_n" if name == "nps" else "csat_n"].to_numpy(float)
    total = float((weights * n).sum())
    if n.sum() < limits.suppress_below or not total:
        return Measure(n=int(n.sum()), why=measure.FEW)
    worth = raking.effective(weights, n) / total
    if name == "content":
        if scales.get("csat") is None or scales["csat"].top_from is None:
            return Measure(why=measure.NO_TOP)
        top = float((weights * cells.csat_top).sum())
        return _of(intervals.wilson(min(top, total) * worth, total * worth), n)
    if scales.get("nps") is None or scales["nps"].highest != 10:
        return Measure(why=measure.OTHER_SCALE)
    return _of(intervals.nps(*(float((weights * cells[h]).sum()) * worth for h in HEADS)), n)


def _of(found: Interval, n: np.ndarray) -> Measure:
    return Measure(found.value, found.low, found.high, int(n.sum()))


def _ratio(cells: pd.DataFrame, weights: np.ndarray, limits: Limits) -> Measure:
    sums = {
        name: float((cells[name] * (weights**2 if name in SQUARES else weights)).sum())
        for name in PAIR_SUMS
        if name != "n"
    }
    return measure.ratio(sums | {"n": int(cells.pairs_n.sum())}, limits.suppress_below)


def _early_and_late(
    answers: Table, by_response: Table | None, scales: Mapping[str, Scale], limits: Limits
) -> tuple[pd.DataFrame, dict[str, Measure], int | None]:
    """Answers up to the median day and later ones: those who hesitate may be nearer to the silent."""
    said = answers.filter(answers.is_answered & (answers.days_to_answer >= 0))
    by_day = fetched(said.group_by("days_to_answer").aggregate(n=said.count())).sort_values("days_to_answer")
    if len(by_day) < 2:
        return pd.DataFrame(), {}, None
    half = int(by_day.days_to_answer[by_day.n.cumsum() >= by_day.n.sum() / 2].iloc[0])
    marked = said.mutate(late=said.days_to_answer > half)
    cells = counts(marked, scales, ("late",)).set_index("late")
    pairs = pd.DataFrame([NO_PAIRS, NO_PAIRS], index=[False, True])
    if by_response is not None:
        joined = by_response.inner_join(marked.select("response_id", "late"), "response_id")
        pairs = pair_sums(joined, ("late",)).set_index("late")
    if len(cells) < 2 or cells.n_answered.min() < limits.compare_from:
        return pd.DataFrame(), {}, half
    found = {late: _measured(cells.loc[late], pairs, late, scales, limits) for late in (False, True)}
    rows = [
        {"late": late, "n_answered": int(cells.n_answered[late])}
        | {c: v for m in MEASURES for c, v in found[late][m].columns(m).items()}
        for late in (False, True)
    ]
    return pd.DataFrame(rows), _differences(found, cells, pairs), half


def _measured(
    sums: pd.Series, pairs: pd.DataFrame, late: bool, scales: Mapping[str, Scale], limits: Limits
) -> dict[str, Measure]:
    pair = pairs.loc[late] if late in pairs.index else NO_PAIRS
    return breakdown.measures(sums, pair, scales, limits.suppress_below)


def _differences(
    found: Mapping[bool, Mapping[str, Measure]], cells: pd.DataFrame, pairs: pd.DataFrame
) -> dict[str, Measure]:
    """Late − early, for measures that both have."""
    early, late, made = found[False], found[True], {}
    if early["ratio"] and late["ratio"]:
        errors = [
            (measure.log_ratio_error(pairs.loc[side]) or 0) * found[side]["ratio"].value for side in (True, False)
        ]
        made["ratio"] = measure.difference(late["ratio"], early["ratio"], *errors)
    if early["nps"] and late["nps"]:
        errors = [measure.promoter_error(cells.loc[side]) for side in (True, False)]
        made["nps"] = measure.difference(late["nps"], early["nps"], *errors)
    if early["content"] and late["content"]:
        k = [int(cells.csat_top[side]) for side in (True, False)]
        n = [int(cells.csat_n[side]) for side in (True, False)]
        made["content"] = measure.shown(intervals.newcombe(k[0], n[0], k[1], n[1]), 1)
    return made
