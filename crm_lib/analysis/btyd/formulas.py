"""What a purchase model says of a customer: closed forms that neither overflow nor cancel.

Times are in the unit of the parameters. All arguments broadcast. `kind` is one of

- `bg` (BG/NBD; Fader, Hardie & Lee 2005): a customer may leave after any order but the first;
- `mbg` (MBG/NBD; Batislam, Denizel & Filiztekin 2007): the first order may be the last, too;
- `constant`: as `bg`, with the same chance to leave for everybody (a and b very large);
- `nbd` (Ehrenberg 1959): nobody leaves (a = 0).

After the first order `mbg` is `bg` with b + 1: one set of formulas serves all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, expit, hyp2f1

BG, MBG, CONSTANT, NBD = "bg", "mbg", "constant", "nbd"
KINDS = (BG, MBG, CONSTANT, NBD)

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


def beta_after(b, x, kind: str = BG):
    """Second parameter of the chance to leave, Beta(a, ·), of a customer still there after `x` repeat orders."""
    return b + x + (kind == MBG)


def p_alive(parameters: Parameters, x, t_x, T, kind: str = BG) -> np.ndarray:
    """Chance that a customer has not left.

    Under `bg` it is 1 for everybody with one order, by assumption: for questions of churn use `mbg`.
    """
    r, alpha, a, b = parameters
    x, t_x, T = np.broadcast_arrays(np.asarray(x, float), t_x, T)
    if kind == NBD:
        return np.ones(x.shape)
    stayed = beta_after(b, np.maximum(x, kind != MBG), kind) - 1
    alive = expit(np.log(stayed) - np.log(a) - (r + x) * np.log((alpha + T) / (alpha + t_x)))
    return alive if kind == MBG else np.where(x == 0, 1.0, alive)


def p_buy(parameters: Parameters, history, t, kind: str = BG) -> np.ndarray:
    """Chance of at least one order in the next `t`; `history` is (x, t_x, T)."""
    x, t_x, T = history
    return p_alive(parameters, x, t_x, T, kind) * _at_least_one(parameters, np.asarray(x, float), T, t)


def expected_orders(parameters: Parameters, history, t, kind: str = BG) -> np.ndarray:
    """Expected orders in the next `t`; `history` is (x, t_x, T)."""
    x, t_x, T = history
    return p_alive(parameters, x, t_x, T, kind) * orders_if_alive(parameters, x, T, t, kind)


def expected_orders_of_new(parameters: Parameters, t, kind: str = BG) -> np.ndarray:
    """Expected repeat orders of a customer in the first `t` after the first order."""
    return expected_orders(parameters, (0.0, 0.0, 0.0), t, kind)


def next_order_time(parameters: Parameters, x, T, share, within) -> np.ndarray:
    """Time until the next order that `share` of those who order in the next `within` don't exceed.

    Given that a customer is there, the wait is Lomax: (alpha+T) [(1-q)^(-1/(r+x)) - 1] is its q-quantile; leaving
    can only happen after that order. Cut at `within`, q = share x P(wait <= within).

    >>> p = Parameters(1.0, 10.0, 0.5, 2.0)
    >>> float(next_order_time(p, 2, 20, 1.0, 52).round(6))
    52.0
    """
    r, alpha, *_ = parameters
    x = np.asarray(x, float)
    q = share * _at_least_one(parameters, x, T, within)
    return (alpha + T) * np.expm1(-np.log1p(-q) / (r + x))


def orders_if_alive(parameters: Parameters, x, T, t, kind: str = BG) -> np.ndarray:
    """Expected orders in the next `t` of a customer who has not left.

    The textbook form overflows for many orders. This one is its Euler transform: with z = t/(alpha+T+t),
    (a+b+x-1)/(a-1) * [1 - (1-z)^(a-1) * 2F1(a+b-1-r, a-1; a+b+x-1; z)], where x stands in one place only.
    Where the series fails (huge a and b of flat fits, z near 1) quadrature over p ~ Beta(a, b+x) takes over.
    """
    x, T, t = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, T, t)))
    most = (parameters.r + x) * t / (parameters.alpha + T)  # if nobody ever left
    if kind == NBD:
        return most
    parameters = parameters._replace(b=beta_after(parameters.b, 0, kind))
    if abs(parameters.a - 1) < TOO_NEAR:
        sides = [parameters._replace(a=1 + s) for s in (-STEP_ASIDE, STEP_ASIDE)]
        return np.mean([orders_if_alive(p, x, T, t) for p in sides], axis=0)
    if abs(parameters.a + parameters.b - 1) < TOO_NEAR and (x == 0).any():
        beside = 1 - parameters.a + STEP_ASIDE * np.array([-1, 1])
        return np.mean([orders_if_alive(parameters._replace(b=b), x, T, t) for b in beside], axis=0)
    found = _euler(parameters, x, T, t)
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
