"""Complaints and failures by aspect, by year and by quarter, beside what the survey says of the same aspect.

A complaint is held against the customers with an order in its quarter: whoever buys may complain. A failure is
held against the units sold in its quarter: whatever is sold may fail.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import LEVEL
from crm_lib.analysis.satisfaction import measure
from crm_lib.analysis.satisfaction.breakdown import NO_PAIRS, PAIR_SUMS, Limits
from crm_lib.analysis.satisfaction.measure import Measure

QUARTERS_OF_YEAR = 4
UNSTATED = ""


def rate(events: float, exposure: float) -> Measure:
    """Events per unit of exposure with Garwood's interval; n is the number of events."""
    found = intervals.poisson_rate(int(events), float(exposure))
    return Measure(found.value, found.low, found.high, int(events))


def changed(before: pd.Series, after: pd.Series, level: float = LEVEL) -> int:
    """1 or −1 where complaints clearly rose or fell: the later share of both, given both totals (exact in n).

    Given k₁ + k₂ events, k₂ is binomial with the later exposure's share where the rates are equal; Wilson's
    interval of k₂ ÷ (k₁ + k₂) is held against that share.
    """
    k = int(before.complaints_n), int(after.complaints_n)
    share = float(after.n_customers / (before.n_customers + after.n_customers))
    found = intervals.wilson(k[1], k[0] + k[1], level)
    return 0 if not found or found.low <= share <= found.high else 1 if found.low > share else -1


def years(
    counted: pd.DataFrame, quarters: pd.DataFrame, pairs: pd.DataFrame | None, limits: Limits
) -> pd.DataFrame:
    """Two years of four quarters by aspect: complaint rates, survey ratios, and whether they disagree.

    Parameters
    ----------
    counted
        aspect ("" where none is stated), period, n_complaints, n_failures.
    quarters
        Complete quarters: period, n_customers, n_units.
    pairs
        Pair sums of the survey by aspect and period; None where no expectation was asked for.
    """
    columns = ["aspect"]
    for side in ("before", "after"):
        columns += [*Measure().columns(f"complaints_{side}"), *Measure().columns(f"ratio_{side}")]
    last = list(quarters.period[-QUARTERS_OF_YEAR:])
    before = list(quarters.period[-2 * QUARTERS_OF_YEAR : -QUARTERS_OF_YEAR])
    if len(before) < QUARTERS_OF_YEAR:
        return pd.DataFrame(columns=[*columns, "disagrees"])
    rows = []
    for aspect in sorted(set(counted.aspect[counted.n_complaints > 0]) - {UNSTATED}):
        row: dict[str, object] = {"aspect": aspect}
        for side, periods in (("before", before), ("after", last)):
            n = _in(counted, aspect, periods).n_complaints.sum()
            exposure = quarters.n_customers[quarters.period.isin(periods)].sum()
            row |= rate(n, exposure).columns(f"complaints_{side}")
            row |= _ratio(pairs, aspect, periods, limits.suppress_below).columns(f"ratio_{side}")
        rose = _rose(row["ratio_before"], row["ratio_after"])
        rows.append(row | {"disagrees": bool(rose and row["complaints_after_low"] > row["complaints_before"])})
    return pd.DataFrame(rows, columns=[*columns, "disagrees"])


def quarters(
    counted: pd.DataFrame, sold: pd.DataFrame, pairs: pd.DataFrame | None, limits: Limits
) -> pd.DataFrame:
    """Complaint and failure rates of each aspect and complete quarter, and the survey's ratio beside them.

    aspect ("" where none is stated), period, n_customers, n_units; `complaints` per customer with an order and
    `failures` per unit sold, each with exact Poisson bounds and n; `ratio` where enough answered to compare;
    `disagrees`: since the quarter before the ratio rose while complaints clearly rose, all aspects of a quarter
    judged jointly (Bonferroni).
    """
    rates = [*Measure().columns("complaints"), *Measure().columns("failures")]
    columns = ["aspect", "period", "n_customers", "n_units", *rates, "ratio", "ratio_n", "disagrees"]
    names = sorted(set(counted.aspect[(counted.n_complaints + counted.n_failures) > 0]))
    rows = []
    for aspect in names:
        before = None
        for quarter in sold.itertuples():
            row = _quarter(aspect, quarter, counted, pairs, limits)
            row["disagrees"] = before is not None and _disagrees(before, row, len(names))
            rows.append(row)
            before = row
    return pd.DataFrame(rows, columns=columns)


def _quarter(
    aspect: str, quarter: object, counted: pd.DataFrame, pairs: pd.DataFrame | None, limits: Limits
) -> dict[str, object]:
    events = _in(counted, aspect, [quarter.period])
    surveyed = _ratio(pairs, aspect, [quarter.period], limits.compare_from)
    return {
        "aspect": aspect,
        "period": quarter.period,
        "n_customers": quarter.n_customers,
        "n_units": quarter.n_units,
        **rate(events.n_complaints.sum(), quarter.n_customers).columns("complaints"),
        **rate(events.n_failures.sum(), quarter.n_units).columns("failures"),
        "ratio": surveyed.value,
        "ratio_n": surveyed.n,
    }


def _disagrees(before: dict[str, object], after: dict[str, object], n_judged: int) -> bool:
    if not _rose(before["ratio"], after["ratio"]):
        return False
    return changed(pd.Series(before), pd.Series(after), 1 - (1 - LEVEL) / n_judged) > 0


def _rose(before: object, after: object) -> bool:
    return not pd.isna(before) and not pd.isna(after) and bool(after > before)


def _in(counted: pd.DataFrame, aspect: str, periods: Sequence[pd.Timestamp]) -> pd.DataFrame:
    return counted[(counted.aspect == aspect) & counted.period.isin(periods)]


def _ratio(pairs: pd.DataFrame | None, aspect: str, periods: Sequence[pd.Timestamp], at_least: int) -> Measure:
    if pairs is None:
        return Measure(why=measure.NOT_ASKED)
    sums = pairs[(pairs.aspect == aspect) & pairs.period.isin(periods)][list(PAIR_SUMS)].sum()
    return measure.ratio(sums if len(sums) else NO_PAIRS, at_least)
