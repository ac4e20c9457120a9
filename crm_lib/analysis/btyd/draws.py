"""Exact draws of future orders: from each customer's posterior, no chain needed.

Alive with P(alive); then rate ~ Gamma(r+x, alpha+T) and chance to leave ~ Beta(a, b+x), and orders of the next
`t` are the smaller of Poisson(rate x t) and the number of orders until leaving.
"""

from __future__ import annotations

import numpy as np

from crm_lib.analysis.btyd.formulas import NBD, Parameters, beta_after, p_alive

MOST_ORDERS = 1e9


def orders(parameters: np.ndarray, history: tuple, t: float, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Orders in the next `t` at each row of `parameters`, shape (draws, customers); `history` is (x, t_x, T)."""
    x, t_x, T = (np.asarray(v, float) for v in history)
    r, alpha, a, b = (column[:, None] for column in parameters.T)
    alive = rng.random((len(parameters), len(x))) < p_alive(Parameters(r, alpha, a, b), x, t_x, T, kind)
    draw, who = np.nonzero(alive)
    mean = rng.gamma(r[draw, 0] + x[who], 1 / (alpha[draw, 0] + T[who])) * t
    wanted = rng.poisson(np.minimum(mean, MOST_ORDERS))
    some = wanted > 0
    draw, who, wanted = draw[some], who[some], wanted[some]
    bought = np.zeros(alive.shape)
    bought[draw, who] = wanted
    if kind != NBD:
        leave = rng.beta(a[draw, 0], beta_after(b[draw, 0], x[who], kind))
        bought[draw, who] = np.minimum(wanted, rng.geometric(np.clip(leave, 1e-9, 1.0)))
    return bought
