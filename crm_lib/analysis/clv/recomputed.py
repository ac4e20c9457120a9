"""Numbers in print, computed again: a source's published figures beside what these models find on its data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np

from crm_lib.analysis.clv import rolling
from crm_lib.analysis.clv.holdout import HoldOut, hold_out_from
from crm_lib.analysis.clv.value import Fitted
from crm_lib.contract.settings import PublishedFigure

TOPIC = "clv"


@dataclass(frozen=True)
class Recomputed:
    """A published figure and the same figure found here; None where it could not be computed."""

    entry: PublishedFigure
    here: float | None


def recomputed(source: Any, seed: int = 7) -> tuple[Recomputed, ...]:
    """Each published figure of the topic, computed from the source's data up to the figure's own last day.

    `source` holds `settings.published`, `as_of` and tables (`get`); None gives nothing. What comes after a
    figure's `up_to`, until `as_of`, is the unseen time of figures named `holdout_…`. `seed` is
    for what is drawn by chance.
    """
    if source is None:
        return ()
    entries = [e for e in source.settings.published if e.topic == TOPIC]
    transactions, days = source.get("transactions"), dict.fromkeys(e.up_to for e in entries)
    if transactions is None:
        return tuple(Recomputed(e, None) for e in entries)
    found = {day: _figures(transactions, day, source.as_of, seed) for day in days}
    return tuple(Recomputed(e, found[e.up_to].get(e.figure)) for e in entries)


def _figures(transactions: ir.Table, up_to: str, as_of: dt.date, seed: int) -> Mapping[str, float]:
    cut_on = dt.date.fromisoformat(up_to) if up_to else as_of
    if cut_on < as_of:
        test = hold_out_from(transactions, cut_on, as_of, seed)
        return {} if test is None else of_test(test)
    fitted = rolling.fitted_at(transactions, cut_on, as_of, beside=True)
    return {} if fitted is None else of_fit(fitted)


def of_fit(fitted: Fitted, prefix: str = "") -> dict[str, float]:
    """Figures of a fit by name: purchase model (`r` …), churn model (`mbg_r` …), spend model (`spend_p` …)."""
    found = {}
    for name, model in (("", fitted.model), ("mbg_", fitted.churn)):
        found |= {f"{prefix}{name}{k}": v for k, v in model.parameters._asdict().items()}
        found[f"{prefix}{name}log_likelihood"] = model.log_likelihood
    spend = fitted.spend
    if spend.p is not None:
        found |= {"spend_p": spend.p, "spend_q": spend.q, "spend_v": spend.v}
        found["spend_log_likelihood"] = spend.log_likelihood
    return found


def of_test(test: HoldOut) -> dict[str, float]:
    """Figures of a hold-out test by name: those of its fit, and orders said and seen, in and after its time."""
    known_for = test.fitted.customers["T"].to_numpy()
    return of_fit(test.fitted, "holdout_") | {
        "holdout_orders_expected": test.expected_orders,
        "holdout_orders_seen": float(test.seen_orders),
        "holdout_mbg_orders_expected": test.churn_orders,
        "holdout_buyers_seen": float(test.n_back),
        "fitted_repeat_orders_expected": float(np.sum(test.fitted.model.expected_orders_of_new(known_for))),
        "fitted_repeat_orders_seen": float(test.fitted.histories.n_repeat_orders),
        "repeat_orders_expected": test.forecast_so_far,
        "repeat_orders_seen": float(test.seen_so_far),
    }
