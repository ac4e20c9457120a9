"""BG/NBD and MBG/NBD log-likelihood over unique histories, with gradient and Hessian in log-parameters.

Models: Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2); Batislam,
Denizel & Filiztekin (2007), Int. J. of Research in Marketing 24(3).
With q the weight of "left after the last order", k = 0 (BG) or 1 (MBG) and c = b + k, each history adds

    lnG(r+x) - lnG(r) + r ln(alpha) + lnG(a+b) - lnG(b) + lnG(c+x) - lnG(a+c+x) - (r+x) ln(alpha+T)
    + ln(1 + exp(e)),   e = (r+x) ln((alpha+T)/(alpha+t_x)) + ln(a) - ln(c+x-1),   q = 1/(1+exp(-e)),

the last term for x > 0 only under BG, where nobody leaves after the first order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi, zeta

from crm_lib.analysis.btyd.formulas import BG, MBG, beta_after
from crm_lib.analysis.histories import Histories


def trigamma(z: np.ndarray) -> np.ndarray:
    """Second derivative of ln G."""
    return zeta(2.0, z)


def lookup(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values and each row's place among them, of small non-negative integers, by counting.

    >>> lookup(np.array([5, 0, 5]))
    (array([0, 5]), array([1, 0, 1]))
    """
    seen = np.bincount(values) > 0
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[values]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Histories as the likelihood needs them: sums over each distinct x and T, and the rows that may have left."""

    kind: str
    n: float
    x_values: np.ndarray
    n_by_x: np.ndarray
    T_values: np.ndarray
    T_n: np.ndarray
    T_repeat: np.ndarray
    t_values: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    of_x: np.ndarray
    of_t: np.ndarray
    T_of: np.ndarray


def prepare(histories: Histories, unit_days: float, kind: str = BG) -> Prepared:
    """Histories with times in units of `unit_days`, for the model `kind`: `bg` or `mbg`."""
    h = histories
    x_values, of_x = lookup(h.x)
    T_values, T_of = lookup(h.T)
    t_values, of_t = lookup(h.t_x)
    again = np.flatnonzero(h.x >= (kind != MBG))
    return Prepared(
        kind=kind,
        n=float(h.n.sum()),
        x_values=x_values.astype(float),
        n_by_x=np.bincount(of_x, h.n),
        T_values=T_values / unit_days,
        T_n=np.bincount(T_of, h.n),
        T_repeat=np.bincount(T_of, h.n * h.x),
        t_values=t_values / unit_days,
        x=h.x[again].astype(float),
        weight=h.n[again].astype(float),
        of_x=of_x[again],
        of_t=of_t[again],
        T_of=T_of[again],
    )


def objective(z: np.ndarray, p: Prepared, with_hessian: bool = True):
    """Mean negative log-likelihood at log-parameters `z`, its gradient, and its Hessian or None."""
    r, alpha, a, b = theta = np.exp(z)
    X = p.x_values
    b_after = beta_after(b, X, p.kind)
    b_before = np.where(X == 0, b, b_after - 1)
    log_T, log_t = np.log(alpha + p.T_values), np.log(alpha + p.t_values)
    inv_T, inv_t = 1 / (alpha + p.T_values), 1 / (alpha + p.t_values)

    times = r + p.x
    d_r = log_T[p.T_of] - log_t[p.of_t]  # de/dr
    d_inv = inv_T[p.T_of] - inv_t[p.of_t]
    d_alpha = times * d_inv  # de/dalpha
    odds = times * d_r + (np.log(a) - np.log(b_before))[p.of_x]
    small = np.exp(-np.abs(odds))
    wq = p.weight * np.where(odds >= 0, 1.0, small) / (1 + small)

    value = p.n_by_x @ (
        gammaln(r + X) - gammaln(r) + r * np.log(alpha) + gammaln(a + b) - gammaln(b) + gammaln(b_after)
        - gammaln(a + b_after)
    )  # fmt: skip
    value += p.weight @ (np.maximum(odds, 0) + np.log1p(small)) - (r * p.T_n + p.T_repeat) @ log_T

    inv_b = (1 / b_before)[p.of_x]
    both = psi(a + b) - psi(a + b_after)
    gradient = np.array(
        [
            p.n_by_x @ (psi(r + X) - psi(r) + np.log(alpha)) - p.T_n @ log_T + wq @ d_r,
            p.n * r / alpha - (r * p.T_n + p.T_repeat) @ inv_T + wq @ d_alpha,
            p.n_by_x @ both + wq.sum() / a,
            p.n_by_x @ (both + psi(b_after) - psi(b)) - wq @ inv_b,
        ]
    )
    if not with_hessian:
        return -value / p.n, -gradient * theta / p.n, None
    wv = small / (1 + small) ** 2 * p.weight
    curved = _second(theta, p, (wq, wv, d_r, d_alpha, d_inv, inv_T, inv_t, inv_b, b_after))
    in_logs = curved * np.outer(theta, theta) + np.diag(gradient * theta)
    return -value / p.n, -gradient * theta / p.n, -in_logs / p.n


def _second(theta: np.ndarray, p: Prepared, parts: tuple) -> np.ndarray:
    """Second derivatives in the parameters themselves; `wv` is weight x q(1-q)."""
    r, alpha, a, b = theta
    wq, wv, d_r, d_alpha, d_inv, inv_T, inv_t, inv_b, b_after = parts
    X, v_r, v_alpha = p.x_values, wv * d_r, wv * d_alpha
    squares = (inv_T * inv_T)[p.T_of] - (inv_t * inv_t)[p.of_t]
    both = trigamma(a + b) - trigamma(a + b_after)

    H = np.zeros((4, 4))
    H[0, 0] = p.n_by_x @ (trigamma(r + X) - trigamma(r)) + v_r @ d_r
    H[0, 1] = p.n / alpha - p.T_n @ inv_T + wq @ d_inv + v_alpha @ d_r
    H[1, 1] = -p.n * r / alpha**2 + (r * p.T_n + p.T_repeat) @ inv_T**2
    H[1, 1] += v_alpha @ d_alpha - wq @ ((r + p.x) * squares)
    H[0, 2], H[0, 3] = v_r.sum() / a, -v_r @ inv_b
    H[1, 2], H[1, 3] = v_alpha.sum() / a, -v_alpha @ inv_b
    H[2, 2] = p.n_by_x @ both + (wv.sum() - wq.sum()) / a**2
    H[2, 3] = p.n_by_x @ both - wv @ inv_b / a
    H[3, 3] = p.n_by_x @ (both + trigamma(b_after) - trigamma(b)) + (wq + wv) @ (inv_b * inv_b)
    return np.triu(H) + np.triu(H, 1).T
