"""What customers did after they answered: content ones and others, side by side. Nothing here says why."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import pandas as pd
from ibis.expr.types import Table
from scipy import stats

from crm_lib.analysis import histories, intervals
from crm_lib.analysis.intervals import LEVEL
from crm_lib.analysis.satisfaction import measure
from crm_lib.analysis.satisfaction.answers import PROMOTERS_FROM, fetched
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import n_where, total
from crm_lib.contract.settings import Scale

BANDS = (1, 3)  # orders before the answer: up to 1, up to 3, more


@dataclass(frozen=True)
class Later:
    """Orders in the `lag_days` after each customer's first answer whose days are all over.

    groups: content, n, bought (share) and spent (mean amount), each with interval
    difference: share that bought, content − others; `alike` the same among customers with as many orders before
    spent_difference: mean amount, content − others
    asked: the question that tells the content from others (`csat` or `nps`); `why` says why there is nothing
    """

    lag_days: int
    asked: str = ""
    why: str = ""
    n: int = 0
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    difference: Measure = field(default_factory=Measure)
    alike: Measure = field(default_factory=Measure)
    spent_difference: Measure = field(default_factory=Measure)

    def __bool__(self) -> bool:
        """Whether the two groups can be compared."""
        return not self.why


def later(
    answers: Table,
    transactions: Table | None,
    scales: Mapping[str, Scale],
    as_of: dt.date,
    limits: Limits,
    lag_days: int = 180,
) -> Later:
    """Who bought within `lag_days` after the answer, the day of the answer itself left out."""
    content, asked = _content(answers, scales)
    if transactions is None or content is None:
        return Later(lag_days, asked, measure.NOT_ASKED)
    said = answers.mutate(content=content).filter(answers.is_answered & answers.customer_id.notnull())
    said = said.filter(said.content.notnull())
    first = _first(said)
    first = first.filter(first.on <= ibis.literal(as_of - dt.timedelta(days=lag_days)))
    cells = _cells(first, transactions, lag_days)
    sides = cells.groupby("content").sum(numeric_only=True)
    n = int(sides.n.sum()) if len(sides) else 0
    if len(sides) < 2 or sides.n.min() < limits.compare_from:
        return Later(lag_days, asked, measure.FEW, n)
    yes, no = sides.loc[True], sides.loc[False]
    groups = pd.DataFrame([_group(True, yes), _group(False, no)])
    raw = intervals.newcombe(int(yes.bought), int(yes.n), int(no.bought), int(no.n))
    return Later(
        lag_days, asked, "", n, groups,
        measure.shown(raw, 1), stratified_difference(cells), _spent(yes, no),
    )  # fmt: skip


def _content(answers: Table, scales: Mapping[str, Scale]) -> tuple[ibis.Value | None, str]:
    csat, nps = scales.get("csat"), scales.get("nps")
    if csat is not None and csat.top_from is not None:
        return answers.csat >= csat.top_from, "csat"
    if nps is not None and nps.highest == 10:
        return answers.nps >= PROMOTERS_FROM, "nps"
    return None, ""


def _first(said: Table) -> Table:
    """Each customer's first answer, the lowest id of a day."""
    order = ibis.window(group_by=said.customer_id, order_by=[said.answered_on, said.response_id])
    ranked = said.mutate(place=ibis.row_number().over(order))
    return ranked.filter(ranked.place == 0).select("customer_id", "content", on=ranked.answered_on)


def _cells(first: Table, transactions: Table, lag_days: int) -> pd.DataFrame:
    """Customers by content and orders before: n, bought, and what they spent, with its squares."""
    days = histories.customer_days(transactions)
    held = first.left_join(days, "customer_id")
    gap = held.day.delta(held.on, unit="day")
    inside, ordered = gap.between(1, lag_days), held.amount >= 0
    people = held.group_by("customer_id", "content").aggregate(
        before=n_where((gap <= 0) & ordered),
        bought=n_where(inside & ordered) > 0,
        spent=total(held.amount, inside),
    )
    band = ibis.cases(*((people.before <= b, i) for i, b in enumerate(BANDS)), else_=len(BANDS))
    found = people.group_by("content", band=band).aggregate(
        n=people.count(),
        bought=n_where(people.bought),
        spent=total(people.spent),
        spent_sq=total(people.spent * people.spent),
    )
    return fetched(found).sort_values(["content", "band"], ignore_index=True)


def _group(content: bool, sums: pd.Series) -> dict[str, object]:
    bought = measure.share(sums.bought, sums.n, 1)
    spent = measure.mean(sums.n, sums.spent, sums.spent_sq, 1)
    return {"content": content, "n": int(sums.n), **bought.columns("bought"), **spent.columns("spent")}


def stratified_difference(cells: pd.DataFrame) -> Measure:
    """Mantel–Haenszel difference of shares over strata, with the variance of Greenland & Robins (1985).

    cells: content, band (the stratum), n, bought. Strata with one side only say nothing.
    """
    rows = cells.pivot(index="band", columns="content", values=["n", "bought"]).dropna()
    n1, n0 = rows[("n", True)].astype(float), rows[("n", False)].astype(float)
    k1, k0 = rows[("bought", True)].astype(float), rows[("bought", False)].astype(float)
    weight = n1 * n0 / (n1 + n0)
    if not len(rows) or not weight.sum():
        return Measure(why=measure.NOBODY)
    value = float(((k1 * n0 - k0 * n1) / (n1 + n0)).sum() / weight.sum())
    spread = k1 * (n1 - k1) * n0**3 + k0 * (n0 - k0) * n1**3
    error = math.sqrt(float((spread / (n1 * n0 * (n1 + n0) ** 2)).sum())) / float(weight.sum())
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * error
    n = int((n1 + n0).sum())
    return Measure(value, value - half, value + half, n) if half else Measure(value, n=n)


def _spent(yes: pd.Series, no: pd.Series) -> Measure:
    """Difference of mean amounts by Welch, at the normal quantile of large groups."""
    means = [s.spent / s.n for s in (yes, no)]
    errors = [measure.spread(s.n, s.spent, s.spent_sq) / math.sqrt(s.n) for s in (yes, no)]
    n = int(min(yes.n, no.n))
    return measure.difference(Measure(float(means[0]), n=n), Measure(float(means[1]), n=n), *errors)
