"""The sales funnel: what is in the pipe, how much gets through, how long it takes, what is stuck."""

from __future__ import annotations

import datetime as dt

import ibis

from crm_lib.analysis.funnel import assemble, deals, goal
from crm_lib.analysis.funnel.assemble import MODES
from crm_lib.analysis.funnel.results import (
    Backtest,
    Conversion,
    Covered,
    Ends,
    Findings,
    Forecast,
    Goal,
    OpenValue,
    Overdue,
    Pace,
    Pipeline,
    Stale,
    Truncation,
    TwoRates,
    Velocity,
)
from crm_lib.contract.settings import FunnelSettings
from crm_lib.errors import NotEnoughData, ParameterError

__all__ = [
    "Backtest",
    "Conversion",
    "Covered",
    "Ends",
    "Findings",
    "Forecast",
    "Goal",
    "OpenValue",
    "Overdue",
    "Pace",
    "Pipeline",
    "Stale",
    "Truncation",
    "TwoRates",
    "Velocity",
    "pipeline",
]


def pipeline(
    opportunities: ibis.Table,
    stage_events: ibis.Table | None = None,
    *,
    as_of: dt.date,
    leads: ibis.Table | None = None,
    market: ibis.Table | None = None,
    products: ibis.Table | None = None,
    targets: ibis.Table | None = None,
    transactions: ibis.Table | None = None,
    settings: FunnelSettings | None = None,
    mode: str = "any",
    horizon_days: int = 90,
    stale_percentile: int = 90,
    target_amount: float = 0.0,
    compare_from: int = 30,
    currency: str = "",
    seed: int = 7,
) -> Pipeline:
    """The sales funnel on the day `as_of`, from tables already cut at that day.

    With `stage_events` deals are followed from stage to stage. Without, `opportunities.stage` says where each deal
    stood on the day of the export, and all that needs a history is left out. A deal without `outcome` is open.
    `settings.stages` gives the order; where it is empty, the data's own order is taken. Steps are counted in both
    modes, `any` (a skipped stage counts as passed) and `in_order`; `mode` names the one that leads. Only entries
    at least `settings.maturity_days` old count in conversions. The forecast looks `horizon_days` ahead and says
    how likely `target_amount` is (nought: as much as in the stretch before). Where it is nought, `targets` gives
    what deals must bring in the period that runs; of a target for sales their part, by what they were of the
    `transactions` of the last 365 days. `leads` give the conversion from lead to sale, `market` what all
    sell beside us, `products` the names that a deal's product may have. A deal is stuck when it stands longer than
    `stale_percentile` % of won deals did; groups of fewer than `compare_from` deals are not compared. `currency`
    is the unit of money in what is published, `seed` is for what is drawn by chance.

    >>> from crm_lib.analysis import examples
    >>> pipe = pipeline(examples.deals(), as_of=examples.AS_OF)
    >>> pipe.n_won, pipe.n_lost, pipe.n_open
    (5, 2, 3)

    Raises NotEnoughData where there is no opportunity, ParameterError for an unknown mode, a horizon or target
    under nought, or stages in the settings of which the data know none.
    """
    if mode not in MODES:
        raise ParameterError(f'mode is "{mode}"; it must be one of: {", ".join(MODES)}.')
    if horizon_days < 1 or not target_amount >= 0:
        raise ParameterError(
            f"horizon_days is {horizon_days} and target_amount is {target_amount}; the first must be at least "
            "1 day, the second an amount of money, or 0 for as much as was won in the stretch before."
        )
    settings = settings or FunnelSettings()
    history = deals.history(opportunities, stage_events, settings, as_of)
    if history.deals.empty:
        raise NotEnoughData(
            "opportunities: no rows up to the day of the report; a funnel needs at least one deal. "
            "Take a later as_of, or check the table."
        )
    basis = assemble.basis(history, (opportunities, stage_events), settings, as_of)
    aim = None if target_amount else goal.aim(targets, transactions, basis.deals, as_of)
    worth = assemble.worth(basis, horizon_days, stale_percentile, target_amount=target_amount, aim=aim, seed=seed)
    counts = assemble.counts(basis)
    rates = assemble.rates(basis, worth, leads, opportunities, compare_from)
    times = assemble.times(basis, (horizon_days, 2 * horizon_days))
    around = {"leads": leads, "market": market}
    where = assemble.where(basis, worth, around, opportunities, mode, counts["won_last_year_amount"])
    return Pipeline(
        as_of=as_of,
        has_history=history.entries is not None,
        mode=mode,
        maturity_days=settings.maturity_days,
        horizon_days=horizon_days,
        compare_from=compare_from,
        findings=assemble.findings(basis, worth, products),
        publication=assemble.publication(currency, counts, rates, times, where, worth),
        **counts,
        **rates,
        **times,
        **where,
        **worth,
    )
