"""How far the future may stray: simulated orders and money of each customer and of all together.

Two layers. *Parameters*: drawn from their normal approximation in logs. *Process*: given parameters, each
customer is drawn from the exact posterior (alive or not, own rate, own chance to leave, own spend), then buys.
Up to `MOST` customers are simulated one by one; of more, `MOST` evenly spaced ones, and the rest is extended.
What no simulation holds is the model being wrong: the hold-out test says that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm_lib.analysis.btyd import Parameters
from crm_lib.analysis.btyd import draws as futures
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.intervals import LEVEL, Interval

MOST = 20_000
CELLS = 1_000_000  # draws x customers held in memory at a time
BUDGET = 5_000_000  # draws x customers in all
EDGES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True, eq=False)
class Ranges:
    """90 % ranges of the totals, and of each customer's value (rows as in the customers given).

    `orders_drawn` and `amount_drawn` are the simulated totals; `by_fit` is the part of the parameters in their
    spread ÷ mean, for orders and value.
    """

    orders: Interval
    amount: Interval
    orders_drawn: np.ndarray
    amount_drawn: np.ndarray
    by_fit: tuple[float, float]
    clv_low: np.ndarray
    clv_high: np.ndarray
    n_simulated: int


@dataclass(frozen=True, eq=False)
class _Draws:
    """Parameter draws, one row each: purchase process, and spend (None for a shrunk mean)."""

    process: np.ndarray
    spend: np.ndarray | None


def ranges(fitted: Fitted, customers: pd.DataFrame, days: float, seed: int, n_draws: int = 0) -> Ranges:
    """Simulate the next `days` of `scored` customers; the same for the same seed. `n_draws` 0: as time allows."""
    rng = np.random.default_rng(seed)
    rows = _rows_to_simulate(customers)
    n_draws = n_draws or int(np.clip(BUDGET // len(rows), 250, 1000))
    draws = _Draws(
        fitted.model.parameter_draws(rng, n_draws),
        fitted.spend.parameter_draws(rng, n_draws),
    )
    everybody = len(rows) == len(customers)
    used = draws if everybody else _at_the_fit(fitted, n_draws)
    orders, amount, edges = _simulate(fitted, customers.iloc[rows], days, (used, rng))
    low, high = np.empty(len(customers)), np.empty(len(customers))
    low[rows], high[rows] = edges
    by_orders, by_amount = _moved(fitted, customers, days, draws)
    if not everybody:
        low, high = _extend(customers, rows, edges)
        factor = np.sqrt(len(customers) / len(rows))
        orders = by_orders + (orders - orders.mean()) * factor
        amount = by_amount + (amount - amount.mean()) * factor
    expected = customers["clv_mid"].to_numpy()
    return Ranges(
        _interval(customers["expected_orders"].sum(), orders, len(customers)),
        _interval(expected.sum(), amount, len(customers)),
        orders,
        amount,
        (float(by_orders.std() / by_orders.mean()), float(by_amount.std() / max(by_amount.mean(), 1e-12))),
        np.minimum(low, expected),
        np.maximum(high, expected),
        len(rows),
    )


def _interval(value: float, draws: np.ndarray, n: int) -> Interval:
    low, high = np.quantile(draws, EDGES)
    return Interval(float(value), float(max(min(low, value), 0.0)), float(max(high, value)), n)


def _rows_to_simulate(customers: pd.DataFrame) -> np.ndarray:
    """All rows, or `MOST` of them evenly spaced by value: every kind of customer, the same on every engine."""
    if len(customers) <= MOST:
        return np.arange(len(customers))
    order = np.argsort(-customers["clv_mid"].to_numpy(), kind="stable")
    return np.sort(order[np.linspace(0, len(order) - 1, MOST).round().astype(int)])


def _at_the_fit(fitted: Fitted, n: int) -> _Draws:
    s = fitted.spend
    money = None if s.p is None else np.tile([s.p, s.q, s.v], (n, 1))
    return _Draws(np.tile(np.array(fitted.model.parameters), (n, 1)), money)


def _simulate(fitted: Fitted, customers: pd.DataFrame, days: float, source: tuple):
    """Totals of each draw (orders, value), and each customer's quantiles of value, in chunks of customers."""
    draws, rng = source
    n_draws = len(draws.process)
    orders, amount, edges = np.zeros(n_draws), np.zeros(n_draws), []
    step = max(CELLS // n_draws, 1)
    for start in range(0, len(customers), step):
        chunk = customers.iloc[start : start + step]
        bought = _orders(fitted, chunk, days, (draws.process, rng))
        value = _amounts(fitted, chunk, bought, (draws.spend, rng)) * chunk["value_share"].to_numpy()
        orders += bought.sum(axis=1)
        amount += value.sum(axis=1)
        edges.append(np.quantile(value, EDGES, axis=0))
    return orders, amount, np.hstack(edges)


def _orders(fitted: Fitted, chunk: pd.DataFrame, days: float, source: tuple) -> np.ndarray:
    """Orders in the next `days`, shape (draws, customers)."""
    process, rng = source
    model = fitted.model
    return futures.orders(process, model.in_units(chunk), days / model.unit_days, model.kind, rng)


def _amounts(fitted: Fitted, chunk: pd.DataFrame, bought: np.ndarray, source: tuple) -> np.ndarray:
    """Money of the orders bought, shape (draws, customers): Gamma(p y) / nu, with nu from its posterior."""
    parameters, rng = source
    x, mean = chunk["x"].to_numpy(float), chunk["mean_repeat_amount"].to_numpy(float)
    if parameters is None:
        return bought * fitted.spend.expected(x, mean)
    told = np.where(mean > 0, x, 0.0)
    draw, who = np.nonzero(bought)
    p, q, v = parameters[draw].T
    v = v * fitted.spend.level(x)[who]
    nu = rng.gamma(p * told[who] + q, 1 / (v + told[who] * np.maximum(mean[who], 0.0)))
    amounts = np.zeros(bought.shape)
    amounts[draw, who] = rng.gamma(p * bought[draw, who], 1.0) / nu
    return amounts


def _moved(fitted: Fitted, customers: pd.DataFrame, days: float, draws: _Draws):
    """Totals at drawn parameters, to first order in logs: the closed form for each draw would cost too much."""
    tiny = 1e-300  # a = 0 where nobody leaves
    centre = [np.log(np.array(fitted.model.parameters) + tiny)]
    logs = [np.log(draws.process + tiny)]
    if draws.spend is not None:
        centre.append(np.log([fitted.spend.p, fitted.spend.q, fitted.spend.v]))
        logs.append(np.log(draws.spend))
    centre, steps = np.concatenate(centre), np.hstack(logs) - np.concatenate(centre)
    # Orders hang on the history alone: worked out once for each, weighed by what its customers' orders are worth.
    each = customers["expected_spend"].to_numpy() * customers["value_share"].to_numpy()
    worth = np.bincount(fitted.histories.places(customers), each, len(fitted.histories))
    slopes = [_slope_of_process(fitted, worth, days, (centre, i)) for i in range(4)]
    slopes += [[0.0, _slope_of_spend(fitted, customers, (centre, i))] for i in range(4, len(centre))]
    slopes = np.array(slopes)
    totals = customers["expected_orders"].sum(), customers["clv_mid"].sum()
    return tuple(total * np.exp(steps @ slopes[:, k]) for k, total in enumerate(totals))


def _either_side(centre: np.ndarray, i: int, h: float = 1e-3) -> tuple[tuple[np.ndarray, ...], float]:
    """Parameters with the log of one a little lower and higher, and how far these are apart."""
    return tuple(np.exp(centre + sign * h * (np.arange(len(centre)) == i)) for sign in (-1, 1)), 2 * h


def _slope_of_process(fitted: Fitted, worth: np.ndarray, days: float, place: tuple) -> np.ndarray:
    """Change of ln(total orders) and ln(total value) with one log-parameter of the purchase process."""
    sides, apart = _either_side(*place)
    ends = []
    for at in sides:
        model = replace(fitted.model, parameters=Parameters(*at[:4]))
        orders = model.expected_orders(fitted.histories, days)
        total = np.array([(orders * fitted.histories.n).sum(), (orders * worth).sum()])
        ends.append(np.log(np.maximum(total, 1e-300)))
    return (ends[1] - ends[0]) / apart


def _slope_of_spend(fitted: Fitted, customers: pd.DataFrame, place: tuple) -> float:
    """Change of ln(total value) with one log-parameter of spend; orders don't hang on it."""
    sides, apart = _either_side(*place)
    weight = customers["expected_orders"].to_numpy() * customers["value_share"].to_numpy()
    ends = []
    for at in sides:
        spent = fitted.spend.expected_at(at[4:], customers["x"], customers["mean_repeat_amount"])
        ends.append(np.log(max(float((weight * spent).sum()), 1e-300)))
    return (ends[1] - ends[0]) / apart


def _extend(customers: pd.DataFrame, rows: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranges of customers not simulated: their expected value x the edge ÷ value of those most like them.

    Like: the same fortieth by P(buy) and, within it, the same fifth by orders expected of one who buys. Simulated
    customers keep their own range.
    """
    group = _alike(customers, rows)
    expected = customers["clv_mid"].to_numpy()
    found = []
    for simulated in edges:
        top = np.bincount(group[rows], simulated, group.max() + 1)
        bottom = np.bincount(group[rows], expected[rows], group.max() + 1)
        ratio = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        found.append(expected * ratio[group])
        found[-1][rows] = simulated
    return found[0], found[1]


def _alike(customers: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Group of each customer; the borders are quantiles of the simulated ones."""
    p_buy = customers["p_buy"].to_numpy()
    if_bought = customers["expected_orders"].to_numpy() / np.maximum(p_buy, 1e-12)
    outer = np.searchsorted(np.unique(np.quantile(p_buy[rows], np.linspace(0, 1, 41)[1:-1])), p_buy)
    inner = np.zeros(len(customers), dtype=int)
    for one in np.unique(outer):
        here = np.flatnonzero(outer == one)
        known = np.intersect1d(here, rows)
        if len(known):
            borders = np.unique(np.quantile(if_bought[known], [0.2, 0.4, 0.6, 0.8]))
            inner[here] = np.searchsorted(borders, if_bought[here])
    return outer * 5 + inner
