"""Every customer graded, scored, named and valued: from the source's tables to one row per customer."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import histories
from crm_lib.analysis.brief import Brief
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.segmentation import concentration, pyramid, weights
from crm_lib.analysis.segmentation.grades import Grading, graded
from crm_lib.analysis.segmentation.printed import PRINTED, Agreement, agreements
from crm_lib.analysis.segmentation.rules import SEGMENTS, SLIPPING, segment
from crm_lib.contract.publication import Figure, Publication
from crm_lib.errors import NotEnoughData

WEIGHED = ("days", "orders", "money")
PUBLISHED_COLUMNS = [
    *("customer_id", "as_of", "days_since_last", "n_orders", "amount"),
    *("r", "f", "m", "code", "weighted", "segment", "value_grade"),
]


@dataclass(frozen=True)
class Rows:
    """Rows and customers read, and those left out because they never ordered, with their net amount."""

    table: str
    n_rows: int
    n_customers: int
    n_left_out: int = 0
    left_out_amount: float = 0.0


@dataclass(frozen=True, repr=False)
class Segmentation(Brief):
    """Every customer graded, and what follows from it.

    Attributes
    ----------
    customers
        One row per customer with an order, by id: the columns published, and what the source prints.
    by_segment, by_grade
        Customers, net amount and share of money per segment (most money first) and per value grade.
    tops, top_fifth, gini
        How unevenly money is spread; empty intervals where nobody paid anything.
    accounts
        Per dimension r, f, m: the rule in force, cut points, commonest value and its share, grades in effect.
    weighing
        The weights used beside equal ones and those by entropy, and what each changes (`weights.beside`).
    """

    as_of: dt.date
    how: Grading
    rows: Rows
    customers: pd.DataFrame
    by_segment: pd.DataFrame
    by_grade: pd.DataFrame
    tops: pd.DataFrame
    top_fifth: Interval
    gini: Interval
    accounts: pd.DataFrame
    weighing: pd.DataFrame
    printed: tuple[Agreement, ...]

    @property
    def rank_agreement(self) -> float | None:
        """Kendall's tau-b between the weighted score and equal weights; None where all are alike."""
        tau = self.weighing["tau"].iloc[0]
        return None if pd.isna(tau) else float(tau)

    @property
    def n_customers(self) -> int:
        """Customers graded."""
        return len(self.customers)

    @property
    def amount(self) -> float:
        """Net amount of all customers graded."""
        return round(float(self.customers["amount"].sum()), 2)

    def cut(self, dimension: str, k: int) -> float | None:
        """The k-th of the four cut points of r, f or m; None where nothing lies below it."""
        points = self.accounts.set_index("dimension").loc[dimension, "cuts"]
        return points[k - 1] if points and math.isfinite(points[k - 1]) else None

    @property
    def publication(self) -> Publication:
        """Figures and the customer table, without words; money carries the unit `money`."""
        table = self.customers.assign(as_of=pd.Timestamp(self.as_of))[PUBLISHED_COLUMNS]
        return Publication("segmentation", tuple(_figures(self)), {"customers": table})


def segments(
    transactions: ir.Table | None,
    summaries: ir.Table | None = None,
    *,
    as_of: dt.date,
    how: Grading | None = None,
    seed: int = 7,
) -> Segmentation:
    """Grade every customer who ever ordered and put each into one segment and one value grade.

    Parameters
    ----------
    transactions
        `customer_id`, `at`, `amount`; summed up per customer in the engine.
    summaries
        `customer_id`, `days_since_last`, `n_orders`, `amount`; used where there are no transactions.
    as_of
        Last day of data to use.
    how
        Rule, cut points and weights of the grades, as `grading` reads them; None for the usual ones.
    seed
        For the bootstrap intervals of shares.

    Raises
    ------
    NotEnoughData
        If no customer has an order.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> found = segments(examples.purchases(), as_of=examples.AS_OF)
    >>> found.customers["segment"].value_counts()["best"]
    np.int64(6)
    """
    how = how or Grading()
    customers, rows = _read(transactions, summaries, as_of)
    if customers.empty:
        raise NotEnoughData(
            f"{rows.table}: {rows.n_rows} rows of {rows.n_customers} customers up to {as_of}, and none of them "
            "is an order (a day with a net amount of zero or more). Segments need at least one customer with an "
            "order: choose a later as_of, or check the sign of the amounts."
        )
    how = replace(how, weights=how.weights.of(customers))
    customers, accounts = graded(customers, how)
    customers["segment"] = segment(customers)
    customers["value_grade"] = pyramid.value_grades(customers["amount"])
    return _told(customers, accounts, rows, how, as_of=as_of, seed=seed)


def at_risk(result: Segmentation, n_most: int = 10) -> pd.DataFrame:
    """The customers of the slipping segments who spent most, most money first."""
    slipping = result.customers[result.customers["segment"].isin(SLIPPING) & (result.customers["amount"] > 0)]
    return slipping.sort_values(["amount", "customer_id"], ascending=[False, True]).head(n_most)


def _told(
    customers: pd.DataFrame, accounts: pd.DataFrame, rows: Rows, how: Grading, *, as_of: dt.date, seed: int
) -> Segmentation:
    amounts = customers["amount"]
    by_segment = pyramid.tiers(customers, "segment", SEGMENTS)
    by_segment["slipping"] = by_segment["segment"].isin(SLIPPING)
    return Segmentation(
        as_of=as_of,
        how=how,
        rows=rows,
        customers=customers,
        by_segment=by_segment.sort_values("amount", ascending=False, kind="stable", ignore_index=True),
        by_grade=pyramid.tiers(customers),
        tops=concentration.tops(amounts, seed),
        top_fifth=concentration.top_share(amounts, seed=seed),
        gini=concentration.gini(amounts, seed),
        accounts=accounts,
        weighing=weights.beside(customers, how.weights),
        printed=agreements(customers),
    )


def _read(transactions: ir.Table | None, summaries: ir.Table | None, as_of: dt.date) -> tuple[pd.DataFrame, Rows]:
    if transactions is not None:
        return _from_transactions(transactions, as_of)
    if summaries is not None:
        return _from_summaries(summaries)
    raise NotEnoughData("Segments need the table transactions or customer_summaries; the source has neither.")


def _from_transactions(transactions: ir.Table, as_of: dt.date) -> tuple[pd.DataFrame, Rows]:
    per_customer = histories.per_customer(transactions, as_of)
    known = transactions.filter(transactions["at"].cast("date") <= as_of)
    amount = known["amount"].cast("float64").sum()
    all_rows = known.aggregate(n=known.count(), c=known["customer_id"].nunique(), amount=amount).to_pandas()
    silent = ibis.literal(as_of).delta(per_customer.last_on, unit="day").cast("int32")
    frame = per_customer.select("customer_id", "n_orders", "amount", days_since_last=silent)
    frame = frame.to_pyarrow().to_pandas()
    n_rows, n_customers = int(all_rows["n"].iloc[0]), int(all_rows["c"].iloc[0])
    left_out = float(np.nan_to_num(float(all_rows["amount"].iloc[0] or 0))) - float(frame["amount"].sum())
    rows = Rows("transactions", n_rows, n_customers, n_customers - len(frame), round(left_out, 2) + 0.0)
    return _typed(frame), rows


def _from_summaries(summaries: ir.Table) -> tuple[pd.DataFrame, Rows]:
    wanted = ["customer_id", "days_since_last", "n_orders", "amount", *PRINTED.values()]
    table = summaries.select(*(c for c in wanted if c in summaries.columns))
    frame = table.mutate(amount=table["amount"].cast("float64")).to_pandas()
    ordered = frame["n_orders"] > 0
    left_out = round(float(frame.loc[~ordered, "amount"].sum()), 2)
    rows = Rows("customer_summaries", len(frame), len(frame), int((~ordered).sum()), left_out)
    return _typed(frame[ordered]), rows


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole days and orders, amounts to the cent, sorted by id: the same on every engine."""
    typed = frame.assign(amount=frame["amount"].astype("float64").round(2))
    typed = typed.astype({"days_since_last": "int64", "n_orders": "int64"})
    return typed.sort_values("customer_id", ignore_index=True)


def _figures(result: Segmentation) -> list[Figure]:
    n = result.n_customers
    by_segment = result.by_segment.set_index("segment")
    slipping = by_segment[by_segment["slipping"]]
    best = by_segment.loc["best"]
    figures = [
        _estimate("top_fifth_share", result.top_fifth, "share"),
        Figure("slipping_amount", round(float(slipping["amount"].sum()), 2), "money", n),
        Figure("slipping_n", int(slipping["n_customers"].sum()), "customers"),
        Figure("best_segment_share", *_bounds(best, "amount_share")),
        Figure("best_segment_n", int(best["n_customers"]), "customers"),
        Figure("n_customers", n, "customers"),
        Figure("amount", result.amount, "money", n),
        _estimate("gini", result.gini, "ratio"),
        Figure("mean_weighted", round(float(result.customers["weighted"].mean()), 6), "grades", n),
        Figure("rank_agreement", result.rank_agreement, "ratio", n),
        *(Figure(f"weight_{d}", round(float(result.weighing[d].iloc[0]), 6), "ratio") for d in WEIGHED),
        Figure("score_band_moved_n", int(result.weighing["n_moved"].iloc[0]), "customers", n),
    ]
    figures += [Figure(f"{a.what}_as_printed", a.n_same, a.what, a.n) for a in result.printed]
    return [*figures, *_per_segment(result)]


def _per_segment(result: Segmentation) -> list[Figure]:
    return [
        Figure(f"segment_{row.segment}_amount", row.amount, "money", int(row.n_customers))
        for row in result.by_segment.itertuples()
    ]


def _estimate(name: str, found: Interval, unit: str) -> Figure:
    return Figure(name, found.value, unit, found.n, found.low, found.high)


def _bounds(row: Any, column: str) -> tuple[float | None, str, int, float | None, float | None]:
    value, low, high = (None if pd.isna(v) else float(v) for v in (row[column], row["low"], row["high"]))
    return value, "share", int(row["n_customers"]), low, high


def of_source(source: Any) -> Segmentation | None:
    """The segments of a whole source (`as_of` and `get`), as proof beside another's; None where there is none."""
    if source is None:
        return None
    return segments(source.get("transactions"), source.get("customer_summaries"), as_of=source.as_of)
