"""The same histories fitted by the library `lifetimes`, to stand beside our own fit."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis import btyd
from crm_lib.analysis.histories import Histories

MOST_HISTORIES = 50_000


@dataclass(frozen=True)
class Peer:
    """A peer's fit and ours of the same customers: log-likelihood in our unit of time, expected orders in all."""

    name: str
    version: str
    log_likelihood: float
    our_log_likelihood: float
    expected_orders: float
    our_expected_orders: float
    n_histories: int
    is_sample: bool


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Put back warning filters and the pandas option that `lifetimes` changes when it is imported."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        before = pd.get_option("mode.chained_assignment")
        try:
            yield
        finally:
            pd.set_option("mode.chained_assignment", before)


def lifetimes(model: btyd.PurchaseModel, histories: Histories, days: float) -> Peer | None:
    """`lifetimes`' BG/NBD fit of the same histories (a fixed sample when over 50,000); None where it fails.

    `lifetimes` rescales time and reports the mean likelihood on that scale: sum(x) ln(scale) brings it back.
    """
    part = histories.sample(MOST_HISTORIES)
    is_sample = len(part) < len(histories)
    ours = btyd.fit(part, model.unit) if is_sample else model
    t_x, T = part.t_x / model.unit_days, part.T / model.unit_days
    with _as_it_was():
        import lifetimes as library

        try:
            fitter = library.BetaGeoFitter().fit(part.x, t_x, T, weights=part.n)
            orders = fitter.conditional_expected_number_of_purchases_up_to_time(
                days / model.unit_days, part.x, t_x, T
            )
        except Exception:  # whatever stops a peer must not stop the page
            return None
    shift = part.n_repeat_orders * np.log(fitter._scale)
    found = float(-fitter._negative_log_likelihood_ * part.n_customers + shift)
    expected = float((np.asarray(orders) * part.n).sum())
    if not (np.isfinite(found) and np.isfinite(expected)):
        return None
    return Peer(
        name="lifetimes",
        version=str(library.__version__),
        log_likelihood=found,
        our_log_likelihood=ours.log_likelihood,
        expected_orders=expected,
        our_expected_orders=float((ours.expected_orders(part, days) * part.n).sum()),
        n_histories=len(part),
        is_sample=is_sample,
    )
