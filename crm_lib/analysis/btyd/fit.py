"""Fits a purchase model by maximum likelihood, and puts a simpler one in its place where it degenerates."""

from __future__ import annotations

from functools import partial

import numpy as np

from crm_lib.analysis import newton
from crm_lib.analysis.btyd import likelihood, simpler
from crm_lib.analysis.btyd.formulas import BG, CONSTANT, KINDS, MBG, NBD, Parameters
from crm_lib.analysis.btyd.model import UNIT_DAYS, PurchaseModel
from crm_lib.analysis.histories import Histories
from crm_lib.errors import NotEnoughData, ParameterError

# Below this many customers with a second order, four parameters are guesswork.
FEWEST_REPEATERS = 10
SAMPLE = 20_000
SCALED_LENGTH = 10.0
STARTS = ([0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 1.0, 3.0])
# Beyond these the chances to leave are as good as the same for everybody, or as good as nought.
ALIKE_FROM, NOBODY_BELOW = 200.0, 1e-3


def fit(histories: Histories, unit: str = "weeks", kind: str = BG) -> PurchaseModel:
    """Fit by maximum likelihood; time is scaled inside and scaled back.

    Where `bg` or `mbg` degenerates (a and b run away, nobody leaves, a direction is flat), the simpler model with
    the lower AIC stands in, if it is lower than that of the model asked for: see `asked` and `kind`.

    Raises
    ------
    NotEnoughData
        Where fewer than 10 customers bought a second time, or all of them on the as-of date.
    """
    if unit not in UNIT_DAYS:
        raise ParameterError(f"unit: saw {unit!r}, need one of {', '.join(UNIT_DAYS)}.")
    if kind not in KINDS:
        raise ParameterError(f"kind: saw {kind!r}, need one of {', '.join(KINDS)}.")
    if histories.n_repeaters < FEWEST_REPEATERS:
        raise NotEnoughData(
            f"{histories.n_repeaters} of {histories.n_customers} customers bought a second time; "
            f"a purchase model needs at least {FEWEST_REPEATERS}. Use a longer history."
        )
    found = _fit(histories, unit, kind, kind)
    if not _degenerate(found):
        return found
    others = [_fit(histories, unit, other, kind) for other in (CONSTANT, NBD)]
    return min([found, *others], key=lambda model: model.aic)


def _degenerate(model: PurchaseModel) -> bool:
    a, b = model.parameters[2:]
    return model.kind in (BG, MBG) and (model.flat or a + b > ALIKE_FROM or a / (a + b) < NOBODY_BELOW)


def _fit(histories: Histories, unit: str, kind: str, asked: str) -> PurchaseModel:
    scale = max(histories.T.max(), 1) / SCALED_LENGTH
    whole = likelihood.prepare(histories, scale, kind)
    part = likelihood.prepare(histories.sample(SAMPLE), scale, kind)
    objective, n_logs = _objective(kind)
    starts = [np.array(start)[:n_logs] for start in STARTS]
    best = newton.maximum(objective(whole), starts, objective(part))
    at, covariance, loose = _four(kind, best, whole.n)
    factor = np.array([1.0, scale / UNIT_DAYS[unit], 1.0, 1.0])
    # A density per scaled time becomes one per unit of time: one factor for each repeat order.
    shift = histories.n_repeat_orders * np.log(factor[1])
    return PurchaseModel(
        kind=kind,
        parameters=Parameters(*(float(v) for v in at * factor)),
        unit=unit,
        log_likelihood=float(best.mean_log_likelihood * whole.n - shift),
        log_covariance=covariance,
        n_customers=histories.n_customers,
        loose=loose,
        asked=asked,
    )


def _objective(kind: str):
    """What makes the objective of prepared histories, and the number of its log-parameters."""
    if kind == NBD:
        return simpler.nbd, 2
    return (simpler.constant, 3) if kind == CONSTANT else (_whole, 4)


def _whole(prepared: likelihood.Prepared) -> newton.Objective:
    def evaluate(z: np.ndarray, with_hessian: bool) -> newton.Value:
        return likelihood.objective(z, prepared, with_hessian)

    return evaluate


def _four(kind: str, best: newton.Optimum, n: float) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """(r, alpha, a, b), their covariance in logs and the loose ones, whatever was fitted."""
    covariance = best.covariance(n)
    loose = tuple(Parameters._fields[i] for i in best.loose if i < 2 or kind not in (NBD, CONSTANT))
    if kind == NBD:
        padded = np.zeros((4, 4))
        padded[:2, :2] = covariance
        return np.append(np.exp(best.at), [0.0, 1.0]), padded, loose
    if kind == CONSTANT:
        J = simpler.slopes(best.at)
        return np.exp(simpler.four(best.at)), J @ covariance @ J.T, loose
    if best.flat and not loose:
        loose = Parameters._fields
    return np.exp(best.at), covariance, loose


def log_likelihood(parameters: Parameters, histories: Histories, unit: str = "weeks", kind: str = BG) -> float:
    """Log-likelihood of given parameters of `bg` or `mbg`, in their unit of time."""
    prepared = likelihood.prepare(histories, UNIT_DAYS[unit], kind)
    evaluate = partial(likelihood.objective, p=prepared, with_hessian=False)
    return float(-evaluate(np.log(np.array(parameters)))[0] * prepared.n)
