"""What stands behind the answers: drivers, the silent, complaints, what came later, comments, and money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from ibis.expr.types import Table

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import people
from crm_lib.analysis.satisfaction.base import base
from crm_lib.analysis.satisfaction.comments import Comments, comments
from crm_lib.analysis.satisfaction.drivers import Drivers, drivers
from crm_lib.analysis.satisfaction.handling import Handling, handling
from crm_lib.analysis.satisfaction.later import Later, later
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.satisfaction.outside import Outside, outside
from crm_lib.analysis.satisfaction.silent import Silent, silent
from crm_lib.analysis.satisfaction.voices import Voices
from crm_lib.contract.publication import Figure
from crm_lib.contract.settings import SatisfactionSettings

__all__ = ["Evidence", "evidence"]

UNITS = {"ratio": "ratio", "nps": "points", "content": "share"}
FIGURES = {"ratio": "satisfaction", "nps": "nps", "content": "csat_share"}


@dataclass(frozen=True, repr=False)
class Evidence(Brief):
    """What stands behind the answers; parts that the source's tables can't bear are empty or None.

    stakes: money of the last year by what customers said (`people.stakes`)
    customers: satisfaction per customer as others may read it (`people.customers`)
    """

    drivers: Drivers
    silent: Silent
    outside: Outside | None
    handling: Handling | None
    later: Later
    comments: Comments
    stakes: pd.DataFrame
    customers: pd.DataFrame

    def money(self, what: str, aspect: str = "") -> tuple[int, float] | None:
        """Customers who said `what` (of `aspect`) and their money of a year; None where there are too few."""
        found = self.stakes[(self.stakes.what == what) & (self.stakes.aspect == aspect)]
        return (int(found.n_customers.iloc[0]), float(found.amount.iloc[0])) if len(found) else None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is published beside the aspects and touchpoints."""
        rates = {"rates": self.outside.by_quarter} if self.outside else {}
        return {"drivers": self.drivers.table, "customers": self.customers} | rates

    @property
    def figures(self) -> list[Figure]:
        """Figures without words; money carries the unit `money`."""
        return [
            *_weighted(self.silent),
            *_drivers(self.drivers),
            *_outside(self),
            *_later(self.later),
            *_money(self),
        ]


def evidence(
    said: Voices,
    tables: Mapping[str, Table],
    settings: SatisfactionSettings | None = None,
    *,
    as_of: dt.date,
    lag_days: int = 180,
    seed: int = 7,
) -> Evidence:
    """What stands behind `said`, from the same tables: `surveys`, and of the others what the source has.

    `settings` declare the scales, as for `voices`; `as_of` is the last day of data. `lag_days` is how long after
    an answer purchases are watched; `seed` is for the bootstrap.

    >>> from crm_lib.analysis import examples
    >>> from crm_lib.analysis.satisfaction import voices
    >>> from crm_lib.contract.settings import SatisfactionSettings, Scale
    >>> asked, scales = examples.surveys(), SatisfactionSettings(scales={"nps": Scale(0, 10)})
    >>> found = evidence(voices(asked, settings=scales), {"surveys": asked}, scales, as_of=examples.AS_OF)
    >>> found.handling is None  # without a table of cases
    True
    """
    settings, limits, scales = settings or SatisfactionSettings(), said.limits, said.scales
    replies = engine.responses(tables["surveys"], scales).cache()
    items, cases, transactions = (tables.get(name) for name in ("survey_items", "cases", "transactions"))
    rated = by_response = None
    if items is not None:
        rated = engine.items(items, replies, scales.get("items")).cache()
        by_response = engine.pairs_by_response(rated).cache()
    behind = base(tables.get("customers"), transactions, as_of)
    csat = scales.get("csat")
    return Evidence(
        drivers=drivers(rated, replies, scales, limits, settings.drivers, seed=seed),
        silent=silent(replies, by_response, behind, scales, limits),
        outside=outside(cases, transactions, rated, said.trend, limits),
        handling=handling(cases, replies, csat, as_of, limits),
        later=later(replies, transactions, scales, as_of, limits, lag_days),
        comments=comments(tables["surveys"], replies, csat, settings.comments, limits),
        stakes=people.stakes(rated, replies, behind, csat, limits),
        customers=people.customers(by_response, replies, as_of, limits),
    )


def _figure(name: str, found: Measure, unit: str) -> Figure:
    return Figure(name, found.value, unit, found.n, found.low, found.high)


def _known(name: str, found: Measure, unit: str) -> list[Figure]:
    return [_figure(name, found, unit)] if found else []


def _weighted(silent: Silent) -> list[Figure]:
    made = []
    for row in silent.weighted.itertuples():
        found = Measure(row.weighted, row.weighted_low, row.weighted_high, int(row.weighted_n))
        made.append(_figure(f"{FIGURES[row.measure]}_weighted", _without_nan(found), UNITS[row.measure]))
    if silent.n_effective is not None:
        made.append(Figure("answers_effective", silent.n_effective, "answers", silent.n_weighted))
    return made


def _without_nan(found: Measure) -> Measure:
    bounds = [None if pd.isna(v) else float(v) for v in (found.value, found.low, found.high)]
    return Measure(*bounds, found.n)


def _drivers(found: Drivers) -> list[Figure]:
    return _known("drivers_explained", found.explained, "share")


def _outside(found: Evidence) -> list[Figure]:
    made: list[Figure] = []
    if found.outside:
        last = found.outside.quarters.iloc[-1]
        for name in ("complaints", "failures"):
            rate = Measure(last[name], last[f"{name}_low"], last[f"{name}_high"], int(last[f"{name}_n"]))
            made += _known(f"{name}_rate", _without_nan(rate), "ratio")
    if found.handling is not None:
        kinds = found.handling.kinds.set_index("kind")
        if "complaint" in kinds.index:
            row = kinds.loc["complaint"]
            days = Measure(row.days, row.days_low, row.days_high, int(row.n))
            made += _known("complaint_days", _both_bounds(_without_nan(days)), "days")
        made += _known("complaint_repeat_share", found.handling.repeats, "share")
        made += _known("content_after_complaint_difference", found.handling.difference, "share")
    return made


def _both_bounds(found: Measure) -> Measure:
    """An interval of which one end was not reached is no interval."""
    if found.low is None or found.high is None:
        return Measure(found.value, n=found.n)
    return found


def _later(found: Later) -> list[Figure]:
    return [
        *_known("later_buying_difference", found.difference, "share"),
        *_known("later_buying_difference_alike", found.alike, "share"),
    ]


def _money(found: Evidence) -> list[Figure]:
    made = []
    for name, what in (
        ("not_content_amount", "not content"),
        ("left_amount", "left"),
        ("answered_amount", "answered"),
    ):
        known = found.money(what)
        if known:
            made.append(Figure(name, round(known[1], 2), "money", known[0]))
    return made
