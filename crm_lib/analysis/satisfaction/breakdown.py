"""The same measures by aspect, touchpoint and quarter, rolled up from the engine's sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from ibis.expr.types import Table

from crm_lib.analysis import intervals
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import measure, repeats
from crm_lib.analysis.satisfaction.measure import Measure, Sums
from crm_lib.analysis.sums import n_where
from crm_lib.contract.settings import Scale

PAIR_SUMS = (
    "n",
    "perceived",
    "expected",
    "perceived_sq",
    "expected_sq",
    "cross",
    "gap",
    "gap_sq",
    "n_short",
)
NO_PAIRS: Sums = dict.fromkeys(PAIR_SUMS, 0)
BY_TOUCHPOINT = ("ratio", "gap", "nps", "content", "effort", "walked_away")


@dataclass(frozen=True)
class Limits:
    """Fewest answers that may be shown, and fewest that may be compared."""

    suppress_below: int = 5
    compare_from: int = 30


@dataclass(frozen=True)
class Change:
    """A measure's difference between two quarters, named by their first days."""

    measure: Measure
    before: pd.Timestamp
    after: pd.Timestamp


def measures(
    sums: Sums,
    pair: Sums,
    scales: Mapping[str, Scale],
    at_least: int,
    effects: Mapping[str, float] = repeats.NONE,
) -> dict[str, Measure]:
    """The measures of one group of answers from its sums; `effects` of those who answered repeatedly."""
    csat, ces = scales.get("csat"), scales.get("ces")
    of = {name: effects.get(name, 1.0) for name in (*BY_TOUCHPOINT, "content_mean")}
    means = [sums["csat_n"], sums["csat_sum"], sums["csat_sq"]], [sums["ces_n"], sums["ces_sum"], sums["ces_sq"]]
    return {
        "ratio": measure.ratio(pair, at_least, of["ratio"]),
        "gap": measure.mean(pair["n"], pair["gap"], pair["gap_sq"], at_least, effect=of["gap"]),
        "nps": _nps(sums, scales.get("nps"), at_least, of["nps"]),
        "content": _content(sums, csat, at_least, of["content"]),
        "content_mean": measure.mean(*means[0], at_least, csat, of["content_mean"]),
        "effort": measure.mean(*means[1], at_least, ces, of["effort"]),
        "walked_away": measure.share(sums["walked_k"], sums["walked_n"], at_least, of["walked_away"]),
    }


def _nps(sums: Sums, scale: Scale | None, at_least: int, effect: float) -> Measure:
    if scale is not None and scale.highest != engine.NPS_HIGHEST:
        return Measure(n=int(sums["nps_n"]), why=measure.OTHER_SCALE)
    return measure.promoter_score(sums, at_least, effect)


def _content(sums: Sums, scale: Scale | None, at_least: int, effect: float) -> Measure:
    if scale is not None and scale.top_from is None:
        return Measure(n=int(sums["csat_n"]), why=measure.NO_TOP)
    return measure.share(sums["csat_top"], sums["csat_n"], at_least, effect)


def pair_cells(rated: Table | None) -> pd.DataFrame:
    """Pair sums by touchpoint and period, n counting responses; empty without pairs."""
    if rated is None:
        return pd.DataFrame({c: pd.Series(dtype=float) for c in (*engine.GROUPS, *PAIR_SUMS)})
    return engine.pair_sums(engine.pairs_by_response(rated), engine.GROUPS)


def aspects(
    rated: Table | None, scale: Scale | None, limits: Limits, effects: repeats.Effects = repeats.NONE
) -> pd.DataFrame:
    """One row per aspect: those that fall short most (or score least) first, those too few to compare last."""
    if rated is None:
        return pd.DataFrame([_aspect("", (NO_PAIRS, {}), scale, limits)]).iloc[:0]
    by_aspect = engine.pairs_by_aspect(rated)
    pairs = engine.pair_sums(by_aspect, ["aspect"]).set_index("aspect")
    medians = engine.medians(by_aspect, ["aspect"]).set_index("aspect").median_ratio
    scores = engine.score_sums(rated, scale).set_index("aspect")
    rows = []
    for name in sorted({*pairs.index, *scores.index}):
        pair = dict(pairs.loc[name]) if name in pairs.index else NO_PAIRS
        score = dict(scores.loc[name]) if name in scores.index else {}
        row = _aspect(name, (pair, score), scale, limits, effects.get(name, {}))
        median = float(medians[name]) if row["ratio"] is not None else None
        rows.append(row | {"median_ratio": median})
    found = pd.DataFrame(rows, columns=list(_aspect("", (NO_PAIRS, {}), scale, limits)))
    return _ranked(_numeric(found, ("aspect", "comparable")))


def _aspect(
    name: str,
    sums: tuple[Sums, Sums],
    scale: Scale | None,
    limits: Limits,
    effects: Mapping[str, float] = repeats.NONE,
) -> dict[str, object]:
    (pair, score), few = sums, limits.suppress_below
    of = {key: effects.get(key, 1.0) for key in ("ratio", "gap", "score", "top")}
    n, total, squares = (score.get(key, 0) for key in ("n", "total", "squares"))
    top = Measure(n=int(n), why=measure.NO_TOP)
    if scale is not None and scale.top_from is not None:
        top = measure.share(score.get("n_top", 0), n, few, of["top"])
    return {
        "aspect": name,
        "comparable": max(pair["n"], n) >= limits.compare_from,
        **measure.ratio(pair, few, of["ratio"]).columns("ratio"),
        "median_ratio": None,
        **measure.mean(pair["n"], pair["gap"], pair["gap_sq"], few, effect=of["gap"]).columns("gap"),
        "n_short": int(pair["n_short"]) if pair["n"] >= few else None,
        **measure.mean(n, total, squares, few, scale, of["score"]).columns("score"),
        "score_sd": measure.spread(n, total, squares) if n >= few else None,
        **top.columns("top"),
    }


def _ranked(found: pd.DataFrame) -> pd.DataFrame:
    order = found.assign(later=~found.comparable.astype(bool))
    by = ["later", "ratio", "score", "aspect"]
    return order.sort_values(by, kind="stable", ignore_index=True, na_position="last").drop(columns="later")


def touchpoints(
    cells: pd.DataFrame,
    pairs: pd.DataFrame,
    scales: Mapping[str, Scale],
    journey: Sequence[str],
    limits: Limits,
    effects: repeats.Effects = repeats.NONE,
) -> pd.DataFrame:
    """One row per touchpoint in the order of `journey`, then by name; the unnamed ("") last."""
    sums = cells.groupby("touchpoint").sum(numeric_only=True)
    pair = pairs.groupby("touchpoint").sum(numeric_only=True)
    place = {name: i for i, name in enumerate(journey)}
    names = sorted(sums.index, key=lambda t: (t == "", place.get(t, len(place)), t))
    if names == [""]:
        names = []
    rows = []
    for name in names:
        pairs_of = pair.loc[name] if name in pair.index else NO_PAIRS
        found = measures(sums.loc[name], pairs_of, scales, limits.suppress_below, effects.get(name, {}))
        asked = {"n_asked": int(sums.n_asked[name]), "n_answered": int(sums.n_answered[name])}
        rows.append({"touchpoint": name} | asked | _columns(found, BY_TOUCHPOINT))
    empty = {"touchpoint": None, "n_asked": None, "n_answered": None}
    wanted = [*empty, *_columns(dict.fromkeys(BY_TOUCHPOINT, Measure()))]
    return _numeric(pd.DataFrame(rows, columns=wanted), ("touchpoint",))


def _columns(found: Mapping[str, Measure], names: Sequence[str] = ()) -> dict[str, object]:
    return {column: v for name in names or found for column, v in found[name].columns(name).items()}


def trend(
    cells: pd.DataFrame,
    pairs: pd.DataFrame,
    scales: Mapping[str, Scale],
    limits: Limits,
    effects: repeats.Effects = repeats.NONE,
) -> tuple[pd.DataFrame, dict[str, Change]]:
    """Ratio and NPS per quarter with enough answers, and their change between the last two such quarters."""
    sums = cells.groupby("period").sum(numeric_only=True)
    pair = pairs.groupby("period").sum(numeric_only=True)
    few, nothing = limits.compare_from, pd.Series(NO_PAIRS)

    def effect(p: pd.Timestamp, name: str) -> float:
        return effects.get(p, {}).get(name, 1.0)

    ratios = {
        p: measure.ratio(pair.loc[p] if p in pair.index else nothing, few, effect(p, "ratio")) for p in sums.index
    }
    scores = {p: _nps(sums.loc[p], scales.get("nps"), few, effect(p, "nps")) for p in sums.index}
    rows = [{"period": p, **ratios[p].columns("ratio"), **scores[p].columns("nps")} for p in sums.index]
    columns = ["period", *Measure().columns("ratio"), *Measure().columns("nps")]
    changes = {
        "ratio": _change(ratios, lambda p: _ratio_error(ratios[p], pair.loc[p], effect(p, "ratio"))),
        "nps": _change(scores, lambda p: measure.promoter_error(sums.loc[p], effect(p, "nps"))),
    }
    frame = _numeric(pd.DataFrame(rows, columns=columns), ("period",))
    enough = frame.ratio.notna() | frame.nps.notna()
    return frame[enough].reset_index(drop=True), {name: c for name, c in changes.items() if c is not None}


def _ratio_error(found: Measure, pair: Sums, effect: float) -> float:
    return found.value * (measure.log_ratio_error(pair, effect) or 0)


def _change(found: Mapping[pd.Timestamp, Measure], error: Callable[[pd.Timestamp], float]) -> Change | None:
    periods = [p for p, m in found.items() if m]
    if len(periods) < 2:
        return None
    before, after = periods[-2:]
    return Change(measure.difference(found[after], found[before], error(after), error(before)), before, after)


def spread(distribution: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """The distribution as question, lowest, highest, n: answers given too rarely to be shown are pooled.

    Pooling, unlike leaving out, keeps the total and leaves nothing to be found by subtraction. n is missing where
    a whole question has too few answers.
    """
    parts = [_pooled(part, limits.suppress_below) for _, part in distribution.groupby("question", sort=False)]
    columns = ["question", "lowest", "highest", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _pooled(part: pd.DataFrame, at_least: int) -> pd.DataFrame:
    """Join the rarest answer with its rarer neighbour until each group is large enough."""
    groups = [(a, a, int(n)) for a, n in zip(part.answer, part.n, strict=True)]
    while len(groups) > 1 and min(g[2] for g in groups) < at_least:
        i = min(range(len(groups)), key=lambda k: groups[k][2])
        j = min((k for k in (i - 1, i + 1) if 0 <= k < len(groups)), key=lambda k: groups[k][2])
        left, right = groups[min(i, j)], groups[max(i, j)]
        groups[min(i, j) : max(i, j) + 1] = [(left[0], right[1], left[2] + right[2])]
    found = pd.DataFrame(groups, columns=["lowest", "highest", "n"]).astype(float)
    found["n"] = found.n.where(found.n >= at_least)
    found.insert(0, "question", part.question.iloc[0])
    return found


def complaints(cases: Table | None) -> pd.DataFrame:
    """Complaints by aspect with the exact Poisson interval of the count, and failures; most complaints first."""
    columns = ["aspect", *Measure().columns("complaints"), "n_failures"]
    if cases is None:
        return pd.DataFrame(columns=columns)
    aspect = cases.aspect.fill_null("") if "aspect" in cases.columns else ""
    counted = cases.group_by(aspect=aspect).aggregate(
        n_complaints=n_where(cases.kind == "complaint"),
        n_failures=n_where(cases.kind == "failure"),
    )
    rows = [
        {"aspect": r.aspect, **_count(int(r.n_complaints)).columns("complaints"), "n_failures": int(r.n_failures)}
        for r in engine.fetched(counted).itertuples()
        if r.n_complaints or r.n_failures
    ]
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["complaints", "aspect"], ascending=[False, True], ignore_index=True
    )


def _count(n: int) -> Measure:
    found = intervals.poisson_rate(n, 1)
    return Measure(found.value, found.low, found.high, n)


def _numeric(frame: pd.DataFrame, but: Sequence[str]) -> pd.DataFrame:
    """Float columns throughout, so that an empty or all-missing column still is one."""
    return frame.astype({c: float for c in frame.columns if c not in but})
