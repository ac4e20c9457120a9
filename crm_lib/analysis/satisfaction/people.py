"""Satisfaction per customer without anybody's own answer, for other topics; and the money behind the answers."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.sums import total
from crm_lib.contract.settings import Scale

PUBLISHED = ["customer_id", "as_of", "satisfaction", "satisfaction_n"]


def customers(by_response: Table | None, answers: Table, as_of: dt.date, limits: Limits) -> pd.DataFrame:
    """Perceived ÷ expected of each customer who answered, averaged over at least `suppress_below` like ones.

    Customers are sorted by their own ratio and put together until each group is large enough (microaggregation,
    Domingo-Ferrer & Mateo-Sanz 2002); equal ratios stay together. `satisfaction` is the group's mean, so that no
    answer of fewer than that many people can be read from it; `satisfaction_n` is the group's size. Empty where
    fewer answered.
    """
    empty = pd.DataFrame(columns=PUBLISHED)
    if by_response is None:
        return empty
    people = answers.filter(answers.customer_id.notnull()).select("response_id", "customer_id")
    said = by_response.inner_join(people, "response_id")
    sums = said.group_by("customer_id").aggregate(perceived=total(said.perceived), expected=total(said.expected))
    frame = fetched(sums).sort_values("customer_id", ignore_index=True)
    if len(frame) < limits.suppress_below:
        return empty
    own = frame.perceived.to_numpy(float) / frame.expected.to_numpy(float)
    group = alike(own, limits.suppress_below)
    size = np.bincount(group)
    means = np.bincount(group, own) / size
    found = frame[["customer_id"]].assign(as_of=pd.Timestamp(as_of), satisfaction=np.round(means[group], 6))
    return found.assign(satisfaction_n=size[group])[PUBLISHED]


def alike(values: np.ndarray, at_least: int) -> np.ndarray:
    """Group numbers, rising with the values: neighbours join until they are `at_least`, equal values never part.

    >>> alike(np.array([1.0, 0.5, 0.9, 0.9, 2.0]), 2).tolist()
    [1, 0, 0, 0, 1]
    """
    distinct, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    numbers, so_far, number = np.zeros(len(distinct), dtype=int), 0, 0
    for i, n in enumerate(counts):
        numbers[i] = number
        so_far += n
        if so_far >= at_least:
            number, so_far = number + 1, 0
    if so_far and number:
        numbers[numbers == number] = number - 1
    return numbers[where]


def stakes(
    rated: Table | None, answers: Table, base: Table | None, csat: Scale | None, limits: Limits
) -> pd.DataFrame:
    """Money of the last year of customers who said so at least once: what, aspect, n_customers, amount.

    what: `answered` (anything), `not content`, `left` (walked away), `short` (got less than expected, by aspect).
    Groups too small to show are left out.
    """
    columns = ["what", "aspect", "n_customers", "amount"]
    if base is None:
        return pd.DataFrame(columns=columns)
    said = answers.filter(answers.is_answered & answers.customer_id.notnull())
    groups = {"answered": said, "left": said.filter(said.walked_away.fill_null(False))}
    if csat is not None and csat.top_from is not None:
        groups["not content"] = said.filter(said.csat < csat.top_from)
    parts = [
        _money(table.mutate(aspect=ibis.literal("")), base).assign(what=what) for what, table in groups.items()
    ]
    if rated is not None:
        short = rated.filter(rated.is_pair & (rated.perceived < rated.expected)).select("response_id", "aspect")
        by_aspect = short.inner_join(said.select("response_id", "customer_id"), "response_id")
        parts.append(_money(by_aspect, base).assign(what="short"))
    found = pd.concat(parts, ignore_index=True)[columns]
    found = found[found.n_customers >= limits.suppress_below]
    return found.sort_values(["what", "amount", "aspect"], ascending=[True, False, True], ignore_index=True)


def _money(said: Table, base: Table) -> pd.DataFrame:
    people = said.select("aspect", "customer_id").distinct().inner_join(base, "customer_id")
    found = people.group_by("aspect").aggregate(n_customers=people.count(), amount=people.year_amount.sum())
    frame = fetched(found)
    return frame.assign(amount=frame.amount.astype(float), n_customers=frame.n_customers.astype("int64"))
