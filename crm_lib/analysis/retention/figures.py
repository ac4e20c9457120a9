"""The figures and tables that the topic publishes, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.segmentation.pyramid import GRADES
from crm_lib.contract.publication import Figure

if TYPE_CHECKING:
    from crm_lib.analysis.retention.result import Retention

NO_CURRENCY = "money"
CONTESTS = (
    ("buys_again", "test_auc", "days_since_last"),
    ("money", "test_top_tenth_share", "days_since_last"),
    ("money", "test_top_tenth_share", "pace"),
)


def figures(result: Retention) -> tuple[Figure, ...]:
    """All figures; `loyalty` is there without a value where it can't be known."""
    if result.reason:
        return (Figure("loyalty", None, "share", result.book.n_customers),)
    parts = (_loyalty, _silence, _churn, _stages, _warning, _survival)
    return tuple(figure for part in parts for figure in part(result))


def _figure(name: str, found: Interval | None, unit: str) -> Figure:
    if not found:
        return Figure(name, None, unit, found.n if found is not None else None)
    whole = found.low is not None and found.high is not None
    return Figure(name, found.value, unit, found.n, found.low if whole else None, found.high if whole else None)


def _loyalty(result: Retention) -> Iterator[Figure]:
    now = result.loyalty.now
    if now is None:
        yield Figure("loyalty", None, "share", result.book.n_customers)
        return
    yield _figure("loyalty", now.kept, "share")
    yield _figure("kept_orders_share", now.kept_orders, "share")
    yield _figure("kept_amount_share", now.kept_amount, "share")
    if now.orders_ratio:
        yield _figure("good_orders_ratio", now.orders_ratio, "ratio")
    if now.amount_ratio:
        yield _figure("good_amount_ratio", now.amount_ratio, "ratio")


def _silence(result: Retention) -> Iterator[Figure]:
    yield Figure("churned_after_days", float(result.silence.days), "days", result.book.n_customers)
    if result.silence.back:
        yield _figure("came_back_share", result.silence.back, "share")
    yield _figure("churned_share", result.churned_now, "share")


def _churn(result: Retention) -> Iterator[Figure]:
    churn = result.churn
    if not churn:
        return
    last = churn.last
    yield Figure(
        "churn_share", float(last["share"]), "share", int(last["n"]), float(last["low"]), float(last["high"])
    )
    bounds = float(last["std_low"]), float(last["std_high"])
    yield Figure("churn_standardised", float(last["standardised"]), "share", int(last["n"]), *bounds)
    if churn.change:
        change = churn.change
        yield Figure("churn_change", float(change.value), "share", change.n, float(change.low), float(change.high))
    yield Figure("churned_amount", float(last["amount_lost"]), _money(result), int(last["n_lost"]))
    newest = churn.cells[churn.cells["start_on"] == last["start_on"]].set_index("grade")
    for grade in GRADES:
        row = newest.loc[grade]
        if row["n"] > 0:
            bounds = float(row["low"]), float(row["high"])
            yield Figure(f"churn_{grade.lower()}_share", float(row["share"]), "share", int(row["n"]), *bounds)


def _stages(result: Retention) -> Iterator[Figure]:
    n = int(result.stages["n"].sum())
    for row in result.stages.itertuples():
        yield Figure(f"stage_{row.stage}_n", float(row.n), "customers", n)


def _warning(result: Retention) -> Iterator[Figure]:
    early = result.warning
    if early is None:
        return
    yield _figure("at_risk_amount", result.at_risk, _money(result))
    if early.leave_share:
        yield _figure("leave_share", early.leave_share, "share")
    test = early.test
    if test is None:
        return
    yield Figure("test_silent_expected", test.expected_silent, "customers", test.n)
    yield Figure("test_silent_seen", float(test.n_silent), "customers", test.n)
    yield Figure("test_at_risk_miss", test.missed, "ratio", test.n)
    for question, name, rule in CONTESTS:
        contest = test.contest(question, rule)
        yield Figure(f"{name}_{rule}", contest.rule, "ratio", test.n)
        if rule == "days_since_last":
            yield Figure(name, contest.model, "ratio", test.n)


def _survival(result: Retention) -> Iterator[Figure]:
    half = result.survival.whole.time_of(0.5)
    if half:
        yield _figure("median_stay_days", half, "days")


def _money(result: Retention) -> str:
    return result.options.currency or NO_CURRENCY


def tables(result: Retention) -> dict[str, pd.DataFrame]:
    """`customers` (see `Retention.table`), `churn` by grade and period, `moves` between stages."""
    found = {"customers": result.table}
    if result.churn:
        found["churn"] = result.churn.cells
    if result.moves is not None:
        found["moves"] = result.moves.cells
    return found
