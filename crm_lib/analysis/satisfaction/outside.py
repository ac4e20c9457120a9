"""Voices from outside the survey: complaints and failures per period, aspect and product."""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table
from scipy import stats

from crm_lib.analysis import histories, intervals
from crm_lib.analysis.intervals import LEVEL
from crm_lib.analysis.satisfaction import answers as engine
from crm_lib.analysis.satisfaction import by_aspect
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.by_aspect import rate
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import n_where, total

LAGS = (0, 1, 2)
FEWEST_QUARTERS = 8  # of a correlation


@dataclass(frozen=True)
class Disagreement:
    """Whether survey and complaints went apart between two quarters, and the survey's value in each."""

    disagrees: bool
    before: pd.Timestamp
    after: pd.Timestamp
    survey_before: float
    survey_after: float
    rate_before: float
    rate_after: float


@dataclass(frozen=True)
class Outside:
    """Complaints and failures beside the survey; it is set beside them and never rescaled by them.

    quarters: period, n_customers (with an order), n_units, and complaints per customer and failures per unit sold
        with Poisson intervals; complete quarters only
    products: product_id, n_units, n_failures, failure rate with interval, `apart`: clearly above all others
    aspects: aspect, complaints per customer and survey ratio of the last four quarters and the four before,
        `disagrees`: the survey rose while complaints clearly rose
    by_quarter: the same by aspect and quarter, failures too (`by_aspect.quarters`)
    judged: the same for the whole, in the last two quarters that both know, by the measure `survey`; None where
        it can't be judged
    lags: correlation of survey and complaint rate by quarter, complaints up to two quarters later
    """

    quarters: pd.DataFrame
    products: pd.DataFrame
    aspects: pd.DataFrame
    by_quarter: pd.DataFrame
    survey: str = "ratio"
    judged: Disagreement | None = None
    lags: dict[int, Measure] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is a rate at all."""
        return not self.quarters.empty


def outside(
    cases: Table | None,
    transactions: Table | None,
    rated: Table | None,
    trend: pd.DataFrame,
    limits: Limits,
) -> Outside | None:
    """Complaint and failure rates; None without cases or without purchases to hold them against."""
    if cases is None or transactions is None:
        return None
    sold = _sold(transactions)
    counted = _cases(cases)
    quarters = _quarters(counted, sold)
    pairs = None if rated is None else engine.pair_sums(engine.pairs_by_aspect(rated), ["aspect", "period"])
    survey = "ratio" if trend.ratio.notna().any() else "nps"
    return Outside(
        quarters=quarters,
        products=_products(cases, transactions),
        aspects=by_aspect.years(counted, quarters, pairs, limits),
        by_quarter=by_aspect.quarters(counted, quarters, pairs, limits),
        survey=survey,
        judged=_judged(quarters, trend, survey),
        lags=_lags(quarters, trend, survey),
    )


def _sold(transactions: Table) -> pd.DataFrame:
    """Customers with an order and units sold by quarter, first and last quarter only where they are complete."""
    days = histories.customer_days(transactions)
    days = days.filter(days.amount >= 0)
    buyers = engine.fetched(
        days.group_by(period=_quarter(days.day)).aggregate(n_customers=days.customer_id.nunique())
    )
    units = engine.fetched(_units(transactions, period=_quarter(transactions["at"])))
    ends = engine.fetched(
        transactions.aggregate(
            first=transactions["at"].cast("date").min(), last=transactions["at"].cast("date").max()
        )
    )
    found = _dated(buyers).merge(_dated(units), "left", "period").sort_values("period", ignore_index=True)
    found = found.fillna({"n_units": 0.0})
    if found.empty:
        return found
    first, last = pd.Timestamp(ends["first"][0]), pd.Timestamp(ends["last"][0])
    week = pd.Timedelta(days=7)
    started = found.period >= first - week
    ended = found.period + pd.offsets.QuarterEnd(0) <= last + week
    return found[started & ended].reset_index(drop=True)


def _quarter(day: ibis.Value) -> ibis.DateValue:
    """First day of the quarter; of a time, since PostgreSQL cuts dates to times with a zone."""
    return day.cast("timestamp").truncate("Q").date()


def _units(transactions: Table, **group: ibis.Value) -> Table:
    """Units sold; rows where the source has no quantity. Refunds take no unit away."""
    rows = transactions.filter(transactions.amount >= 0)
    if "quantity" in transactions.columns:
        return rows.group_by(**group).aggregate(n_units=total(rows.quantity.fill_null(1.0)))
    return rows.group_by(**group).aggregate(n_units=rows.count().cast("float64"))


def _cases(cases: Table) -> pd.DataFrame:
    """Complaints and failures by aspect and quarter."""
    aspect = cases.aspect.fill_null("") if "aspect" in cases.columns else ibis.literal("")
    counted = cases.group_by(aspect=aspect, period=_quarter(cases.opened_at)).aggregate(
        n_complaints=n_where(cases.kind == "complaint"),
        n_failures=n_where(cases.kind == "failure"),
    )
    return _dated(engine.fetched(counted)).sort_values(["aspect", "period"], ignore_index=True)


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(period=pd.to_datetime(frame.period))


def _quarters(counted: pd.DataFrame, sold: pd.DataFrame) -> pd.DataFrame:
    by_period = counted.groupby("period")[["n_complaints", "n_failures"]].sum()
    rows = []
    for row in sold.itertuples():
        n_complaints, n_failures = by_period.loc[row.period] if row.period in by_period.index else (0, 0)
        rows.append(
            {"period": row.period, "n_customers": row.n_customers, "n_units": row.n_units}
            | rate(n_complaints, row.n_customers).columns("complaints")
            | rate(n_failures, row.n_units).columns("failures")
        )
    columns = [
        "period",
        "n_customers",
        "n_units",
        *Measure().columns("complaints"),
        *Measure().columns("failures"),
    ]
    return pd.DataFrame(rows, columns=columns)


def _judged(quarters: pd.DataFrame, trend: pd.DataFrame, survey: str) -> Disagreement | None:
    """The last two quarters that both know, and whether the survey rose while complaints did.

    Complaints rose where the interval of the later rate lies above the earlier rate: a warning that would rather
    come too often than too seldom.
    """
    both = quarters.merge(trend[["period", survey]].dropna(), "inner", "period").sort_values("period")
    if len(both) < 2:
        return None
    before, after = (both.iloc[i] for i in (-2, -1))
    rose = after[survey] > before[survey]
    return Disagreement(
        bool(rose and after.complaints_low > before.complaints),
        *(pd.Timestamp(row.period) for row in (before, after)),
        *(float(row[survey]) for row in (before, after)),
        *(float(row.complaints) for row in (before, after)),
    )


def _lags(quarters: pd.DataFrame, trend: pd.DataFrame, survey: str) -> dict[int, Measure]:
    """Spearman's correlation of survey and complaint rate, complaints 0 to 2 quarters later.

    Interval by Fisher's z with the standard error of Bonett & Wright (2000), √((1 + ρ²/2) / (n − 3)).
    """
    rates = quarters.set_index("period").complaints
    found = {}
    for lag in LAGS:
        later = rates.copy()
        later.index = later.index - pd.offsets.QuarterBegin(lag, startingMonth=1) if lag else later.index
        both = pd.DataFrame({"survey": trend.set_index("period")[survey], "rate": later}).dropna()
        if len(both) >= FEWEST_QUARTERS and both.survey.nunique() > 1 and both.rate.nunique() > 1:
            found[lag] = _spearman(both.survey.to_numpy(), both.rate.to_numpy())
    return found


def _spearman(x: np.ndarray, y: np.ndarray) -> Measure:
    rho = float(np.clip(stats.spearmanr(x, y).statistic, -0.999999, 0.999999))
    half = stats.norm.ppf(0.5 + LEVEL / 2) * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    return Measure(rho, float(np.tanh(np.arctanh(rho) - half)), float(np.tanh(np.arctanh(rho) + half)), len(x))


def _products(cases: Table, transactions: Table) -> pd.DataFrame:
    """Failures per unit sold by product, most failures first; `apart`: its interval lies above theirs."""
    columns = ["product_id", "n_units", *Measure().columns("failures"), "apart"]
    if "product_id" not in cases.columns or "product_id" not in transactions.columns:
        return pd.DataFrame(columns=columns)
    failed = cases.filter((cases.kind == "failure") & cases.product_id.notnull())
    failed = engine.fetched(failed.group_by("product_id").aggregate(n_failures=failed.count()))
    sold = transactions.filter(transactions.product_id.notnull())
    found = engine.fetched(_units(sold, product_id=sold.product_id)).merge(failed, "inner", "product_id")
    found = found[found.n_units > 0].sort_values(["n_failures", "product_id"], ascending=[False, True])
    rows = []
    for row in found.itertuples():
        failed = rate(row.n_failures, row.n_units)
        n_others, units = found.n_failures.sum() - row.n_failures, found.n_units.sum() - row.n_units
        apart = bool(units and failed.low > intervals.poisson_rate(int(n_others), float(units)).high)
        rows.append(
            {"product_id": row.product_id, "n_units": row.n_units, **failed.columns("failures"), "apart": apart}
        )
    return pd.DataFrame(rows, columns=columns)
