"""What a BG/NBD model says of a customer: closed forms that neither overflow nor cancel.

Times are in the unit of the parameters. All arguments broadcast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, expit, hyp2f1

# How near a parameter may come to a removable singularity before both sides of it are averaged.
TOO_NEAR, STEP_ASIDE = 1e-6, 1e-5
# Double exponential nodes on (0, 1): exact to about 1e-10 although the quantiles of p have infinite slopes there.
_Y = np.linspace(-3.0, 3.0, 101)
_NODES = expit(np.pi * np.sinh(_Y))
_WEIGHTS = np.pi * np.cosh(_Y) * _NODES * (1 - _NODES)
_WEIGHTS /= _WEIGHTS.sum()


class Parameters(NamedTuple):
    """Rate of orders ~ Gamma(r, alpha); chance to leave after an order ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


def p_alive(parameters: Parameters, x, t_x, T) -> np.ndarray:
    """Chance that a customer has not left; 1 for everybody with one order, by the model's assumption."""
    r, alpha, a, b = parameters
    x, t_x, T = np.broadcast_arrays(np.asarray(x, float), t_x, T)
    odds = (r + x) * np.log((alpha + T) / (alpha + t_x)) + np.log(a) - np.log(b + np.maximum(x, 1) - 1)
    return np.where(x == 0, 1.0, expit(-odds))


def p_buy(parameters: Parameters, history, t) -> np.ndarray:
    """Chance of at least one order in the next `t`; `history` is (x, t_x, T)."""
    x, t_x, T = history
    return p_alive(parameters, x, t_x, T) * _at_least_one(parameters, np.asarray(x, float), T, t)


def expected_orders(parameters: Parameters, history, t) -> np.ndarray:
    """Expected orders in the next `t`; `history` is (x, t_x, T)."""
    x, t_x, T = history
    return p_alive(parameters, x, t_x, T) * orders_if_alive(parameters, x, T, t)


def expected_orders_of_new(parameters: Parameters, t) -> np.ndarray:
    """Expected repeat orders of a customer in the first `t` after the first order."""
    return orders_if_alive(parameters, 0.0, 0.0, t)


def orders_if_alive(parameters: Parameters, x, T, t) -> np.ndarray:
    """Expected orders in the next `t` of a customer who has not left.

    The textbook form overflows for many orders. This one is its Euler transform: with z = t/(alpha+T+t),
    (a+b+x-1)/(a-1) * [1 - (1-z)^(a-1) * 2F1(a+b-1-r, a-1; a+b+x-1; z)], where x stands in one place only.
    Where the series fails (huge a and b of flat fits, z near 1) quadrature over p ~ Beta(a, b+x) takes over.
    """
    x, T, t = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, T, t)))
    if abs(parameters.a - 1) < TOO_NEAR:
        sides = [parameters._replace(a=1 + s) for s in (-STEP_ASIDE, STEP_ASIDE)]
        return np.mean([orders_if_alive(p, x, T, t) for p in sides], axis=0)
    if abs(parameters.a + parameters.b - 1) < TOO_NEAR and (x == 0).any():
        beside = 1 - parameters.a + STEP_ASIDE * np.array([-1, 1])
        return np.mean([orders_if_alive(parameters._replace(b=b), x, T, t) for b in beside], axis=0)
    found = _euler(parameters, x, T, t)
    most = (parameters.r + x) * t / (parameters.alpha + T)  # if nobody ever left
    least = _at_least_one(parameters, x, T, t)
    bad = ~np.isfinite(found) | (found < least * (1 - 1e-9)) | (found > most * (1 + 1e-9))
    if bad.any():
        found[bad] = _quadrature(parameters, x[bad], T[bad], t[bad])
    return np.clip(found, least, np.maximum(least, most))


def _at_least_one(parameters: Parameters, x, T, t) -> np.ndarray:
    """Chance of an order in the next `t` of a customer who has not left."""
    r, alpha, *_ = parameters
    return -np.expm1(-(r + x) * np.log1p(t / (alpha + T)))


def _euler(parameters: Parameters, x, T, t) -> np.ndarray:
    r, alpha, a, b = parameters
    z = t / (alpha + T + t)
    with np.errstate(all="ignore"):
        series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, z)
        return (a + b + x - 1) / (a - 1) * (1 - np.exp((a - 1) * np.log1p(-z)) * series)


def _quadrature(parameters: Parameters, x, T, t) -> np.ndarray:
    """E over p ~ Beta(a, b+x) of [1 - (1 + p t/(alpha+T))^-(r+x)] / p, at equal shares of p's distribution."""
    r, alpha, a, b = parameters
    p = np.maximum(betaincinv(a, b + x[:, None], _NODES), 1e-15)
    share = (t / (alpha + T))[:, None]
    return (-np.expm1(-(r + x[:, None]) * np.log1p(p * share)) / p) @ _WEIGHTS
