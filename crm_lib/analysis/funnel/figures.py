"""The funnel's publication: figures and the table of stages, without words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib.analysis.funnel.results import Ends, Forecast, Goal, OpenValue, Stale, Velocity
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import Figure, Publication


def publication(parts: dict[str, Any], currency: str) -> Publication:
    """All figures of the funnel, money in `currency`, and the table `stages`."""
    shares = {name: parts[name] for name in ("win_rate", "strict_win_rate", "deal_conversion")}
    figures = [
        _estimate("conversion", parts["conversion"].share, "share"),
        *(_estimate(name, getattr(x, "share", x), "share") for name, x in shares.items()),
        *(Figure(name, parts[name], "deals") for name in ("n_deals", "n_won", "n_lost", "n_open")),
        *_money(parts["open_value"], parts["won_amount"], parts["n_won"], currency or "money"),
        *_ahead(parts["forecast"], parts["goal"], currency or "money"),
        *_pace(parts["velocity"], currency or "money"),
        *_stale(parts["stale"], currency or "money"),
        Figure("n_overdue", parts["overdue"].n, "deals", n=parts["overdue"].n_dated),
        *_days(parts["days_to_close"]),
        *_ends(parts["ends"]),
    ]
    return Publication("funnel", tuple(figures), {"stages": _stages(parts["stages"], parts["steps"])})


def _number(x: float | None) -> float | None:
    return None if x is None or pd.isna(x) else float(x)


def _figure(name: str, value: float | None, unit: str, n: int | None, bounds: tuple[Any, Any]) -> Figure:
    low, high = (_number(b) for b in bounds)
    if low is None or high is None:
        low = high = None
    return Figure(name, _number(value), unit, n=n, low=low, high=high)


def _estimate(name: str, i: Interval, unit: str) -> Figure:
    return _figure(name, i.value, unit, i.n, (i.low, i.high))


def _money(value: OpenValue, won_amount: float | None, n_won: int, unit: str) -> list[Figure]:
    return [
        _figure("open_amount", value.amount, unit, value.total.n, (value.total.low, value.total.high)),
        _estimate("weighted_open_amount", value.weighted, unit),
        Figure("won_amount", won_amount, unit, n=n_won),
    ]


def _ahead(ahead: Forecast | None, goal: Goal | None, unit: str) -> list[Figure]:
    if ahead is None:
        return []
    aimed = (ahead.p_target, ahead.target) if goal is None else (goal.p, goal.amount)
    return [
        _estimate("forecast_amount", ahead.total, unit),
        _estimate("forecast_of_open_amount", ahead.of_open, unit),
        Figure("p_target", aimed[0], "share", n=ahead.total.n),
        Figure("target_amount", aimed[1], unit),
    ]


def _pace(velocity: Velocity | None, unit: str) -> list[Figure]:
    if velocity is None:
        return []
    return [
        _estimate("velocity_per_day", velocity.now.per_day, unit),
        _estimate("velocity_change_per_day", velocity.change, unit),
    ]


def _stale(stale: Stale, unit: str) -> list[Figure]:
    known = stale.limit_days is not None
    return [
        Figure("n_stale", stale.n if known else None, "deals", n=stale.n_dated),
        Figure("stale_amount", stale.amount if known else None, unit, n=stale.n),
        Figure("n_older_than_any_closed", stale.n_older_than_any, "deals", n=stale.n_dated),
    ]


def _days(table: pd.DataFrame) -> list[Figure]:
    rows = {row.outcome: row for row in table.itertuples()}
    figures = []
    for outcome, name in (("all", "close"), ("won", "win"), ("lost", "lose")):
        if outcome in rows:
            row = rows[outcome]
            figures.append(Figure(f"mean_days_to_{name}", row.mean, "days", n=row.n))
            figures.append(_figure(f"median_days_to_{name}", row.median, "days", row.n, (row.low, row.high)))
    return figures


def _ends(ends: Ends | None) -> list[Figure]:
    if ends is None:
        return []
    return [
        _figure(f"p_won_{row.days}_days", row.won, "share", ends.n, (row.won_low, row.won_high))
        for row in ends.at.itertuples()
    ]


def _stages(table: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    conversion = steps.rename(columns={"from_stage": "stage"})[["stage", "n", "n_through", "share", "low", "high"]]
    merged = table.merge(conversion, on="stage", how="left") if len(steps) else table
    text, numbers = ["stage", "part"], [c for c in merged.columns if c not in ("stage", "part")]
    return merged.astype(dict.fromkeys(text, "string") | dict.fromkeys(numbers, "Float64"))
