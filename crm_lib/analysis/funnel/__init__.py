"""The sales funnel: what is in the pipe, how much gets through, how long it takes, what is stuck."""

from __future__ import annotations

import datetime as dt

import ibis

from crm_lib.analysis.funnel import assemble, deals
from crm_lib.analysis.funnel.backtest import backtest
from crm_lib.analysis.funnel.results import (
    Backtest,
    Conversion,
    Ends,
    Findings,
    OpenValue,
    Pipeline,
    Stale,
    Truncation,
)
from crm_lib.contract.settings import FunnelSettings
from crm_lib.errors import NotEnoughData, ParameterError

__all__ = [
    "Backtest",
    "Conversion",
    "Ends",
    "Findings",
    "OpenValue",
    "Pipeline",
    "Stale",
    "Truncation",
    "pipeline",
]

MODES = ("any", "in_order")


def pipeline(
    opportunities: ibis.Table,
    stage_events: ibis.Table | None = None,
    *,
    as_of: dt.date,
    leads: ibis.Table | None = None,
    market: ibis.Table | None = None,
    products: ibis.Table | None = None,
    settings: FunnelSettings | None = None,
    mode: str = "any",
    horizon_days: int = 90,
    stale_percentile: int = 90,
    compare_from: int = 30,
    currency: str = "",
    seed: int = 7,
) -> Pipeline:
    """The sales funnel on the day `as_of`, from tables already cut at that day.

    With `stage_events` deals are followed from stage to stage. Without, `opportunities.stage` says where each deal
    stood on the day of the export, and all that needs a history is left out. A deal without `outcome` is open.
    `settings.stages` gives the order; where it is empty, the data's own order is taken. `mode` is `any` (a skipped
    stage counts as passed) or `in_order`. Only entries at least `settings.maturity_days` old count in conversions.

    Raises NotEnoughData where there is no opportunity, ParameterError for an unknown mode.
    """
    if mode not in MODES:
        raise ParameterError(f'mode is "{mode}"; it must be one of: {", ".join(MODES)}.')
    settings = settings or FunnelSettings()
    history = deals.history(opportunities, stage_events, settings, as_of)
    if history.deals.empty:
        raise NotEnoughData(
            "opportunities: no rows up to the day of the report; a funnel needs at least one deal. "
            "Take a later as_of, or check the table."
        )
    basis = assemble.basis(history, settings, as_of, mode)
    worth = assemble.worth(basis, stale_percentile, seed)
    counts = assemble.counts(basis)
    rates = assemble.rates(basis, worth, leads, opportunities, compare_from)
    times = assemble.times(basis, (horizon_days, 2 * horizon_days))
    where = assemble.where(basis, worth, leads, market)
    return Pipeline(
        as_of=as_of,
        has_history=history.entries is not None,
        mode=mode,
        maturity_days=settings.maturity_days,
        horizon_days=horizon_days,
        compare_from=compare_from,
        backtest=backtest(opportunities, as_of, horizon_days),
        findings=assemble.findings(basis, worth, products),
        publication=assemble.publication(currency, counts, rates, times, where, worth),
        **counts,
        **rates,
        **times,
        **where,
        **worth,
    )
