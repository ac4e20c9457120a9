"""Retention as one result: from transactions to who stays, who goes, and whom to call first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.brief import Brief
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.retention import churn as churned
from crm_lib.analysis.retention import cohorts as triangle
from crm_lib.analysis.retention import contracts as agreed
from crm_lib.analysis.retention import loyalty as kept
from crm_lib.analysis.retention import silence as silent
from crm_lib.analysis.retention import stages, survival, warning
from crm_lib.analysis.retention.book import CENTS, Book, frame, read
from crm_lib.contract.publication import Publication
from crm_lib.contract.settings import Settings
from crm_lib.errors import ParameterError

NO_ORDERS, TOO_SHORT = "no_orders", "too_short"
SHORTEST_DAYS = 28
LIST_STAGES = (stages.WON, stages.KEPT, stages.AT_RISK)


@dataclass(frozen=True)
class Options:
    """Choices of the question. `churned_days` 0: the data choose N."""

    churned_days: int = 0
    silent_days: int = 90
    period_weeks: int = 26
    horizon_weeks: int = 26
    compare_from: int = 30
    currency: str = ""
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        for name, least, most in (
            ("churned_days", 0, 3650),
            ("silent_days", 1, 3650),
            ("period_weeks", 4, 156),
            ("horizon_weeks", 1, 156),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ParameterError(f"{name}: saw {value}, need a number from {least} to {most}.")

    @classmethod
    def of(cls, settings: Settings, **choices: int) -> Options:
        """The company's currency and least group, and the `choices` of the question."""
        return cls(compare_from=settings.compare_from, currency=settings.currency, **choices)


@dataclass(frozen=True, eq=False, repr=False)
class Retention(Brief):
    """Everything the topic says; parts that the data can't bear are None or empty, never NaN.

    `reason` says why there is nothing at all: `no_orders`, or `too_short` (under four weeks of purchases).
    `customers`: one row per customer with an order, by id (see `table`); empty where there is a reason.
    `statuses` and `stages` count them. `at_risk` is the sum over customers not churned, `by_grade` the same per
    grade of today.
    """

    as_of: dt.date
    options: Options
    book: Book
    reason: str
    silence: silent.Silence | None = None
    churn: churned.Churn | None = None
    cohorts: triangle.Cohorts | None = None
    numbers: pd.DataFrame | None = None
    survival: survival.Survival | None = None
    contracts: agreed.Contracts | None = None
    loyalty: kept.Loyalty | None = None
    statuses: pd.DataFrame | None = None
    stages: pd.DataFrame | None = None
    moves: stages.Moves | None = None
    warning: warning.EarlyWarning | None = None
    at_risk: Interval | None = None
    by_grade: pd.DataFrame | None = None
    customers: pd.DataFrame | None = None

    @cached_property
    def _order(self) -> np.ndarray:
        """Places of the customers not churned, most value at risk first, then by id; none without a model."""
        if self.warning is None or self.customers is None:
            return np.zeros(0, dtype=int)
        places = np.flatnonzero(self.customers["stage"].isin(LIST_STAGES))
        return places[np.argsort(-self.customers["at_risk_amount"].to_numpy()[places], kind="stable")]

    @property
    def n_listed(self) -> int:
        """Customers not churned; none without a model."""
        return len(self._order)

    def first(self, n: int) -> pd.DataFrame:
        """The first `n` of the customers not churned, most value at risk first."""
        if self.customers is None:
            return pd.DataFrame()
        return self.customers.iloc[self._order[:n]].reset_index(drop=True)

    @cached_property
    def first_tenth(self) -> pd.DataFrame:
        """The first tenth of the list, at least one customer where there is one."""
        return self.first(max(round(self.n_listed / 10), 1))

    def n_in(self, *names: str) -> int:
        """Customers in these stages."""
        return int(self.stages.loc[self.stages["stage"].isin(names), "n"].sum())

    @property
    def churned_now(self) -> Interval:
        """Share of all customers with an order who count as churned today."""
        n = int(self.statuses["n"].sum())
        return intervals.wilson(int(self.statuses.set_index("status")["n"][stages.CHURNED]), n)

    @property
    def table(self) -> pd.DataFrame:
        """The published customer table, by `customer_id`."""
        columns = ["customer_id", "days_since_last", "n_orders", "stage", "status", "own_days"]
        columns += ["p_silent", "p_alive", "at_risk_amount"]
        if self.customers is None:
            return pd.DataFrame({c: [] for c in ("customer_id", "stage", "status")})
        return self.customers.reindex(columns=columns).assign(as_of=pd.Timestamp(self.as_of).as_unit("s"))

    @property
    def publication(self) -> Publication:
        """Figures and tables, without words."""
        from crm_lib.analysis.retention.figures import figures, tables

        return Publication("retention", figures(self), tables(self))


def retention(
    transactions: ir.Table,
    as_of: dt.date,
    customers: ir.Table | None = None,
    options: Options | None = None,
    previous: Publication | None = None,
) -> Retention:
    """Who stays and who goes, from purchases up to `as_of`.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`, refunds negative.
    customers
        `customer_id` and, where known, `contract_end`, `channel`, `region`, `tier`, `points`.
    options
        Days of silence, length of periods, horizon of the early warning, seed; None for the usual ones.
    previous
        What the last run published: moves between stages are counted from it.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> retention(examples.purchases(), examples.AS_OF).statuses["n"].sum()
    np.int64(24)
    """
    options = options or Options()
    book = read(transactions, as_of, customers)
    if book.first_on is None or book.span_days < SHORTEST_DAYS:
        return Retention(as_of, options, book, NO_ORDERS if book.first_on is None else TOO_SHORT)
    rule = silent.silence(book, options.churned_days)
    judged = stages.Rule.of(rule, options.silent_days)
    now = stages.staged(book, as_of, judged).cache()
    early, scores = warning.warning(book, transactions, rule.days, options.horizon_weeks)
    people = _customers(now, scores)
    at_risk, by_grade = _at_risk(people, early, options.seed)
    del scores  # of millions of customers
    return Retention(
        as_of,
        options,
        book,
        "",
        silence=rule,
        churn=churned.churn(book, rule.days, options.period_weeks),
        cohorts=triangle.cohorts(book),
        numbers=triangle.by_number(book, min(364, book.span_days // 7 * 7)),
        survival=survival.survival(book, rule.days, survival.landmark(book, rule.days), options.compare_from),
        contracts=agreed.contracts(book),
        loyalty=kept.loyalty(book, rule.days, options.period_weeks),
        statuses=stages.counted(now, "status", stages.STATUSES),
        stages=stages.counted(now, "stage", stages.STAGES),
        moves=_moves(book, now, judged, options, previous),
        warning=early,
        at_risk=at_risk,
        by_grade=by_grade,
        customers=people,
    )


def _moves(book: Book, now: ir.Table, rule: stages.Rule, options: Options, previous: Publication | None):
    """Moves since the last run, or since a period ago; None where nothing was known then."""
    table = None if previous is None else previous.tables.get("customers")
    weeks = min(options.period_weeks, book.span_days // 14)
    return stages.moves(book, now, rule, book.back(7 * weeks), table)


def _customers(now: ir.Table, scores: pd.DataFrame | None) -> pd.DataFrame:
    """One row per customer, by id: the state, the stage, the grade of those not churned, and the scores."""
    columns = ("customer_id", "days_since_last", "n_orders", "cents", "status", "stage", "own_days")
    people = frame(now.select(*columns), "customer_id")
    active = (people["status"] != stages.CHURNED).to_numpy()
    grade = np.full(len(people), "", dtype=object)
    if active.any():
        grade[active] = churned.value_grades(people.loc[active, "cents"] / CENTS)
    people = people.assign(value_grade=grade, amount=people["cents"] / CENTS).drop(columns="cents")
    if scores is None:
        return people
    if people["customer_id"].equals(scores["customer_id"]):  # both by id: nothing to look for
        return pd.concat([people, scores.drop(columns="customer_id")], axis=1)
    return people.merge(scores, "left", "customer_id")


def _at_risk(
    people: pd.DataFrame, early: warning.EarlyWarning | None, seed: int
) -> tuple[Interval | None, pd.DataFrame | None]:
    """The value at risk of the customers not churned, in all and by grade; None without a model."""
    if early is None:
        return None, None
    listed = people[people["stage"].isin(LIST_STAGES)]
    return warning.total(listed, early.models, early.days, seed), _by_grade(listed)


def _by_grade(listed: pd.DataFrame) -> pd.DataFrame:
    """Value at risk by today's grade: value_grade, n, amount (of the last year), at_risk_amount."""
    grouped = listed.groupby("value_grade").agg(
        n=("customer_id", "size"), amount=("amount", "sum"), at_risk_amount=("at_risk_amount", "sum")
    )
    return grouped.reindex(list(churned.GRADES), fill_value=0).rename_axis("value_grade").reset_index()
