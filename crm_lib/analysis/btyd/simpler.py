"""Simpler purchase models: nobody leaves (NBD), or everybody leaves with the same chance (constant).

They stand in where the data don't settle how the chance to leave differs from customer to customer.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, gammaln, psi

from crm_lib.analysis import newton
from crm_lib.analysis.btyd import likelihood
from crm_lib.analysis.btyd.likelihood import Prepared, trigamma

# a + b of the model in which everybody leaves with the same chance: a spread of half a per cent at most.
ALIKE = 1e4


def nbd(p: Prepared) -> newton.Objective:
    """Mean negative log-likelihood of the NBD at (ln r, ln alpha), with gradient and Hessian."""

    def evaluate(z: np.ndarray, with_hessian: bool) -> newton.Value:
        r, alpha = theta = np.exp(z)
        X, times = p.x_values, r * p.T_n + p.T_repeat
        log_T, inv_T = np.log(alpha + p.T_values), 1 / (alpha + p.T_values)
        value = p.n_by_x @ (gammaln(r + X) - gammaln(r)) + p.n * r * np.log(alpha) - times @ log_T
        gradient = np.array(
            [
                p.n_by_x @ (psi(r + X) - psi(r)) + p.n * np.log(alpha) - p.T_n @ log_T,
                p.n * r / alpha - times @ inv_T,
            ]
        )
        if not with_hessian:
            return -value / p.n, -gradient * theta / p.n, None
        across = p.n / alpha - p.T_n @ inv_T
        second = np.array(
            [
                [p.n_by_x @ (trigamma(r + X) - trigamma(r)), across],
                [across, -p.n * r / alpha**2 + times @ inv_T**2],
            ]
        )
        in_logs = second * np.outer(theta, theta) + np.diag(gradient * theta)
        return -value / p.n, -gradient * theta / p.n, -in_logs / p.n

    return evaluate


def constant(p: Prepared) -> newton.Objective:
    """The BG/NBD at (ln r, ln alpha, logit of the chance to leave) with a + b held at `ALIKE`."""

    def evaluate(z: np.ndarray, with_hessian: bool) -> newton.Value:
        value, gradient, hessian = likelihood.objective(four(z), p, with_hessian)
        J = slopes(z)
        if hessian is None:
            return value, J.T @ gradient, None
        share = expit(z[2])
        curved = J.T @ hessian @ J
        curved[2, 2] -= share * (1 - share) * (gradient[2] + gradient[3])
        return value, J.T @ gradient, curved

    return evaluate


def four(z: np.ndarray) -> np.ndarray:
    """Log (r, alpha, a, b) at (ln r, ln alpha, logit of the chance to leave)."""
    share = expit(z[2])
    return np.array([z[0], z[1], np.log(ALIKE * share), np.log(ALIKE * (1 - share))])


def slopes(z: np.ndarray) -> np.ndarray:
    """Derivatives of `four`, shape (4, 3)."""
    share = expit(z[2])
    J = np.zeros((4, 3))
    J[0, 0] = J[1, 1] = 1.0
    J[2, 2], J[3, 2] = 1 - share, -share
    return J
