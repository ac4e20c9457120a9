"""Answers of one customer are alike: by how much that widens the intervals of all answers together.

Every estimate here is a ratio R = ΣT / ΣB (a mean has B = 1). With T and B summed within customers its variance is
C/(C − 1) · Σ(T − R·B)² / (ΣB)², C customers; the same sum over single answers takes them as independent. The first
over the second is the design effect (Kish 1965), and n answers are worth n ÷ effect (Korn & Graubard 1998).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import FloatingValue, Table

from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction.measure import ALIKE
from crm_lib.analysis.sums import total
from crm_lib.contract.settings import Scale

WHO, ALONE = "customer_id", "_alone"  # an answer without a customer stands alone
Parts = Mapping[str, tuple[FloatingValue, FloatingValue]]
Effects = Mapping[object, Mapping[str, float]]
NONE: Mapping[str, float] = {}


@dataclass(frozen=True)
class Repeats:
    """Design effects of customers who answer repeatedly, by group: over all (group ""), and by column."""

    whole: Mapping[str, float] = field(default_factory=dict)
    touchpoint: Effects = field(default_factory=dict)
    period: Effects = field(default_factory=dict)
    aspect: Effects = field(default_factory=dict)


def repeated(answers: Table, rated: Table | None, scales: Mapping[str, Scale]) -> Repeats:
    """The design effects of a survey; none where nobody was asked twice."""
    if not are_there(answers):
        return Repeats()
    pairs = engine.pairs_by_response(rated).cache() if rated is not None else None

    whole, *parts = (of_survey(answers, pairs, scales, by) for by in ("", "touchpoint", "period"))
    if rated is None:
        return Repeats(whole.get("", {}), *parts)
    by_pair = of_pairs(engine.pairs_by_aspect(rated), answers, "aspect")
    by_score = of_scores(rated, answers, scales.get("items"))
    return Repeats(whole.get("", {}), *parts, _joined(by_pair, by_score))


def of_survey(answers: Table, by_response: Table | None, scales: Mapping[str, Scale], by: str = "") -> Effects:
    """Design effects of all measures of these answers, by the groups of column `by`."""
    found = of_answers(answers, scales, by)
    if by_response is None:
        return found
    if by and by not in by_response.columns:
        by_response = by_response.inner_join(answers.select("response_id", by), "response_id")
    return _joined(found, of_pairs(by_response, answers, by))


def _joined(one: Effects, other: Effects) -> Effects:
    return {key: {**one.get(key, {}), **other.get(key, {})} for key in (*one, *(k for k in other if k not in one))}


def are_there(answers: Table) -> bool:
    """Whether any customer was asked more than once."""
    named = answers.filter(answers.customer_id.notnull())
    people = named.group_by("customer_id").aggregate(n=named.count())
    return bool(people.count(where=people.n > 1).to_pyarrow().as_py())


def of_answers(answers: Table, scales: Mapping[str, Scale], by: str = "") -> Effects:
    """Design effects of NPS, contentment, effort, walk-aways and response, by the groups of column `by`."""
    said, csat = answers.is_answered, scales.get("csat")
    top = engine.WITHOUT_TOP if csat is None or csat.top_from is None else csat.top_from
    promotes = _one(answers.nps >= engine.PROMOTERS_FROM) - _one(answers.nps <= engine.DETRACTORS_TO)
    parts = {
        "nps": (promotes, _one(said & answers.nps.notnull())),
        "content": (_one(answers.csat >= top), _one(said & answers.csat.notnull())),
        "content_mean": (answers.csat, _one(said & answers.csat.notnull())),
        "effort": (answers.ces, _one(said & answers.ces.notnull())),
        "walked_away": (_one(answers.walked_away), _one(said & answers.walked_away.notnull())),
        "response": (_one(said), ibis.literal(1.0)),
    }
    return effects(answers, parts, by)


def of_pairs(pairs: Table, answers: Table, by: str = "") -> Effects:
    """Design effects of the ratio and the gap; `pairs` as `pairs_by_response` or `pairs_by_aspect` shape them."""
    held = _with_customer(pairs, answers)
    return effects(held, {"ratio": (held.perceived, held.expected), "gap": (held.gap, ibis.literal(1.0))}, by)


def of_scores(rated: Table, answers: Table, scale: Scale | None) -> Effects:
    """Design effects of the mean score and the share of top scores, by aspect."""
    held = _with_customer(rated.filter(rated.score.notnull()), answers)
    top = engine.WITHOUT_TOP if scale is None or scale.top_from is None else scale.top_from
    one = ibis.literal(1.0)
    return effects(held, {"score": (held.score, one), "top": (_one(held.score >= top), one)}, "aspect")


def _one(which: ibis.Value) -> FloatingValue:
    return ibis.ifelse(which.fill_null(False), 1.0, 0.0)


def _with_customer(rows: Table, answers: Table) -> Table:
    return rows.inner_join(answers.select("response_id", WHO), "response_id")


def effects(rows: Table, parts: Parts, by: str = "") -> Effects:
    """Design effect of each part by the groups of column `by`; one group, named "", without it.

    A part is top and bottom of its ratio; rows whose bottom is 0 don't belong to it.
    """
    groups = [by] if by else []
    sides = {f"{side}_{name}": v for name, part in parts.items() for side, v in zip("tb", part, strict=True)}
    alone = ibis.ifelse(rows[WHO].isnull(), rows.response_id, "")
    held = rows.select(*groups, WHO, **{ALONE: alone}, **sides)
    held = held.mutate(**{f"t_{n}": ibis.ifelse(held[f"b_{n}"] > 0, held[f"t_{n}"], 0.0) for n in parts})
    people = held.group_by([*groups, WHO, ALONE]).aggregate(**_sums(held, parts), **_squares(held, parts, "r"))
    summed = people.group_by(groups) if groups else people
    found = summed.aggregate(
        **{c: total(people[c]) for c in people.columns if c not in (*groups, WHO, ALONE)},
        **_squares(people, parts, "c"),
        **{f"people_{n}": people.count(where=people[f"b_{n}"] > 0) for n in parts},
    )
    frame = engine.fetched(found)
    keys = list(frame[by]) if by else [""]
    return {
        _plain(key, by): {n: effect(row, n) for n in parts}
        for key, row in zip(keys, frame.to_dict("records"), strict=True)
    }


def _plain(key: object, by: str) -> object:
    if by == "period":
        return pd.Timestamp(key)
    return "" if by in ("touchpoint", "aspect") and pd.isna(key) else key


def _sums(held: Table, names: Parts) -> dict[str, ibis.Value]:
    each = {f"{side}_{n}": total(held[f"{side}_{n}"]) for n in names for side in "tb"}
    return each | {f"n_{n}": held.count(where=held[f"b_{n}"] > 0).cast("float64") for n in names}


def _squares(held: Table, names: Parts, of: str) -> dict[str, ibis.Value]:
    found = {}
    for n in names:
        t, b = held[f"t_{n}"], held[f"b_{n}"]
        found |= {f"{of}tt_{n}": total(t * t), f"{of}tb_{n}": total(t * b), f"{of}bb_{n}": total(b * b)}
    return found


def effect(sums: Mapping[str, float], name: str) -> float:
    """The design effect from sums of squares over answers (`r`) and over customers (`c`), never below 1.

    Below 1 it would say that answers of one customer differ more than those of strangers: chance, in a survey.
    """
    n, people, bottom = sums[f"n_{name}"], sums[f"people_{name}"], sums[f"b_{name}"]
    if n < 2 or people == n or bottom <= 0:
        return 1.0
    ratio = sums[f"t_{name}"] / bottom
    single, whole = (_spread(sums, name, of, ratio) for of in "rc")
    if people < 2:
        return float(n)  # one customer's answers are worth one
    if single <= ALIKE * abs(sums[f"rtt_{name}"]):
        return 1.0
    return max(1.0, float(whole * people / (people - 1) / (single * n / (n - 1))))


def of_values(values: np.ndarray, who: np.ndarray) -> float:
    """The design effect of the mean of `values`; `who` numbers the customer of each.

    >>> of_values(np.array([1.0, 1, 2, 2, 4, 4]), np.array([0, 0, 1, 1, 2, 2]))
    2.5
    """
    n_of, sum_of = np.bincount(who).astype(float), np.bincount(who, values)
    squares = {"rtt": values @ values, "rtb": values.sum(), "rbb": len(values)}
    squares |= {"ctt": sum_of @ sum_of, "ctb": sum_of @ n_of, "cbb": n_of @ n_of}
    sums = {"n": len(values), "people": int((n_of > 0).sum()), "t": values.sum(), "b": len(values)} | squares
    return effect({f"{name}_": value for name, value in sums.items()}, "")


def _spread(sums: Mapping[str, float], name: str, of: str, ratio: float) -> float:
    """Σ(T − R·B)²."""
    tt, tb, bb = (sums[f"{of}{which}_{name}"] for which in ("tt", "tb", "bb"))
    return tt - 2 * ratio * tb + ratio**2 * bb
