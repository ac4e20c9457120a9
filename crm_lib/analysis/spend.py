"""What a customer spends per order: the Gamma-Gamma model over repeat orders.

An order of one customer is Gamma(p, nu); nu ~ Gamma(q, v) over customers (Fader & Hardie 2013, note 025).
`x` counts repeat orders, `mean_amount` is their net mean. Only customers with x > 0 and a positive mean tell
the model anything; the others are given the population mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, psi
from scipy.stats import pearsonr, spearmanr

from crm_lib.analysis import newton
from crm_lib.analysis.btyd.likelihood import lookup, trigamma

FEWEST_BUYERS = 10
# At q <= 1 the population mean is infinite: near it the model is not used.
LEAST_Q = 1.05
# From here on number and size of orders hang together too much for one level of spend for all.
MOST_CORRELATED, MOST_EXPLAINED = 0.30, 0.25
# Bands of repeat orders begin here; a band with fewer customers joins the one below.
BANDS, FEWEST_IN_BAND = (1, 2, 3, 5, 10), 30
# Customers used to come near the optimum; all are used to arrive.
SAMPLE = 20_000
# Customers whose ranks are compared: a correlation is then known to 0.003.
MOST_RANKED = 100_000


@dataclass(frozen=True)
class Dependence:
    """How number and mean size of repeat orders hang together: the spend model assumes that they don't.

    `explained_share` (eta squared) is the share of the variance of mean spend between bands of repeat orders.
    """

    pearson: float
    spearman: float
    explained_share: float

    @property
    def is_strong(self) -> bool:
        """Whether it is more than the model bears."""
        together = max(abs(self.pearson), abs(self.spearman))
        return together >= MOST_CORRELATED or self.explained_share >= MOST_EXPLAINED


@dataclass(frozen=True, eq=False)
class Spend:
    """Expected spend per order. `method` is `gamma-gamma`, or `shrunk mean` where that model can't be fitted.

    p, q, v and the log-likelihood (of `mean_amount` in money) are None for a shrunk mean. Where spend hangs too
    much on frequency, `bands` holds (from this many repeat orders, level ÷ population mean): each band is then
    drawn towards a level of its own. One-time buyers take that of the lowest band.
    """

    method: str
    population_mean: float
    n: int
    n_left_out: int
    p: float | None = None
    q: float | None = None
    v: float | None = None
    log_likelihood: float | None = None
    log_covariance: np.ndarray | None = None
    dependence: Dependence | None = None
    flat: bool = False
    bands: tuple[tuple[int, float], ...] = ()

    def level(self, x) -> np.ndarray:
        """Level of spend of customers with `x` repeat orders ÷ population mean; 1 without bands."""
        x = np.asarray(x, float)
        if not self.bands:
            return np.ones(x.shape)
        begins, levels = np.array(self.bands).T
        return levels[np.maximum(np.searchsorted(begins, x, side="right") - 1, 0)]

    def expected(self, x, mean_amount) -> np.ndarray:
        """Expected amount of an order of a customer with `x` repeat orders of mean `mean_amount`."""
        parameters = None if self.p is None else np.array([self.p, self.q, self.v])
        return self.expected_at(parameters, x, mean_amount)

    def expected_at(self, parameters: np.ndarray | None, x, mean_amount) -> np.ndarray:
        """The same at other (p, q, v), for draws; ignored by the shrunk mean."""
        level = self.level(x)
        x, known = _told(x, mean_amount)
        total = x * np.where(known, mean_amount, 0.0)
        if parameters is None:
            return (total + self.population_mean * level) / (x + 1)
        p, q, v = parameters
        return p * (v * level + total) / (p * x + q - 1)

    def parameter_draws(self, rng: np.random.Generator, n: int) -> np.ndarray | None:
        """`n` draws of (p, q, v), normal in logs, q held at 1.05 or more; None for the shrunk mean."""
        if self.p is None:
            return None
        centre = np.log([self.p, self.q, self.v])
        draws = np.exp(rng.multivariate_normal(centre, self.log_covariance, size=n, method="eigh"))
        draws[:, 1] = np.maximum(draws[:, 1], LEAST_Q)
        return draws


def _told(x, mean_amount) -> tuple[np.ndarray, np.ndarray]:
    """Repeat orders that tell of spend (0 where the mean is not positive), and where they do."""
    x, mean_amount = np.asarray(x, float), np.asarray(mean_amount, float)
    known = (x > 0) & (mean_amount > 0)
    return np.where(known, x, 0.0), known


def fit(x: np.ndarray, mean_amount: np.ndarray, fallback_mean: float = 0.0) -> Spend:
    """Fit to customers' repeat orders by maximum likelihood; money is scaled inside and scaled back.

    `fallback_mean` is the mean of all orders, the anchor where fewer than 10 customers tell of repeat spend.
    """
    _, known = _told(x, mean_amount)
    counts, means = np.asarray(x)[known].astype(int), np.asarray(mean_amount, float)[known]
    left_out = int((np.asarray(x) > 0).sum() - known.sum())
    if len(means) < FEWEST_BUYERS or np.ptp(means) <= 1e-9 * means.max():
        return _shrunk(counts, means, left_out, fallback_mean)
    scale = means.mean()
    sums = _Sums(counts, means / scale)
    part = slice(None, None, max(len(means) // SAMPLE, 1))
    easier = _Sums(counts[part], means[part] / scale)
    best = newton.maximum(sums.objective, [np.log([5.0, 3.0, 1.0]), np.zeros(3)], easier.objective)
    p, q, v = np.exp(best.at) * [1.0, 1.0, scale]
    if q <= LEAST_Q or not best.converged:
        return _shrunk(counts, means, left_out, fallback_mean)
    fitted = Spend(
        method="gamma-gamma",
        population_mean=float(p * v / (q - 1)),
        n=len(means),
        n_left_out=left_out,
        p=float(p),
        q=float(q),
        v=float(v),
        log_likelihood=float((best.mean_log_likelihood - np.log(scale)) * len(means)),
        log_covariance=best.covariance(len(means)),
        dependence=dependence(counts, means),
        flat=best.flat,
    )
    return _banded(fitted, counts, means)


def _shrunk(counts: np.ndarray, means: np.ndarray, left_out: int, fallback_mean: float) -> Spend:
    mean = float((counts @ means) / counts.sum()) if len(means) else max(float(fallback_mean), 0.0)
    found = Spend("shrunk mean", mean, len(means), left_out, dependence=dependence(counts, means))
    return _banded(found, counts, means)


def dependence(counts: np.ndarray, means: np.ndarray) -> Dependence | None:
    """Correlations between number and mean size of repeat orders; None where there is nothing to correlate."""
    if len(means) < FEWEST_BUYERS or np.ptp(counts) == 0 or np.ptp(means) <= 1e-9 * means.max():
        return None
    band, _ = _bands(counts)
    by_band = np.bincount(band, means) / np.bincount(band)
    explained = np.var(by_band[band]) / np.var(means)
    part = slice(None, None, len(counts) // MOST_RANKED + 1)
    rank = float(spearmanr(counts[part], means[part]).statistic)
    return Dependence(float(pearsonr(counts, means).statistic), rank, float(explained))


def _bands(counts: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Band of each customer and where the bands begin; small ones joined to the one below."""
    begins = [1]
    for start in BANDS[1:]:
        below = ((counts >= begins[-1]) & (counts < start)).sum()
        if below >= FEWEST_IN_BAND and (counts >= start).sum() >= FEWEST_IN_BAND:
            begins.append(start)
    return np.searchsorted(begins, counts, side="right") - 1, begins


def _banded(fitted: Spend, counts: np.ndarray, means: np.ndarray) -> Spend:
    """The same with a level for each band, where spend hangs too much on frequency."""
    if fitted.dependence is None or not fitted.dependence.is_strong:
        return fitted
    band, begins = _bands(counts)
    levels = np.bincount(band, means) / np.bincount(band) / fitted.population_mean
    return replace(fitted, bands=tuple((b, float(level)) for b, level in zip(begins, levels, strict=True)))


class _Sums:
    """What the likelihood needs of the data; all but the logs of (v + x mean) depends on distinct x only."""

    def __init__(self, x: np.ndarray, mean: np.ndarray) -> None:
        self.n, self.x, self.total = len(x), x.astype(float), x * mean
        values, of_x = lookup(x)
        self.values, self.n_by_x = values.astype(float), np.bincount(of_x)
        self.log_mean, self.x_log_total = np.log(mean).sum(), x @ np.log(self.total)

    def objective(self, z: np.ndarray, with_hessian: bool = True) -> newton.Value:
        """Mean negative log-likelihood at log (p, q, v), its gradient, and its Hessian or None."""
        p, q, v = theta = np.exp(z)
        X, n = self.values, self.n_by_x
        inverse = 1 / (v + self.total)
        logs = -np.log(inverse)
        ones, xs = logs.sum(), self.x @ logs
        inv, x_inv = inverse.sum(), self.x @ inverse
        digamma = psi(p * X + q)
        value = n @ (gammaln(p * X + q) - gammaln(p * X)) + self.n * (q * np.log(v) - gammaln(q))
        value += p * self.x_log_total - self.log_mean - p * xs - q * ones
        gradient = np.array(
            [
                n @ (X * (digamma - psi(p * X))) + self.x_log_total - xs,
                n @ (digamma - psi(q)) + self.n * np.log(v) - ones,
                self.n * q / v - p * x_inv - q * inv,
            ]
        )
        if not with_hessian:
            return -value / self.n, -gradient * theta / self.n, None
        curved = self._second(theta, inverse) * np.outer(theta, theta) + np.diag(gradient * theta)
        return -value / self.n, -gradient * theta / self.n, -curved / self.n

    def _second(self, theta: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        p, q, v = theta
        X, n = self.values, self.n_by_x
        above, below = trigamma(p * X + q), trigamma(p * X)
        squares, x_squares = inverse @ inverse, self.x @ (inverse * inverse)
        H = np.array(
            [
                [n @ (X * X * (above - below)), n @ (X * above), -(self.x @ inverse)],
                [0.0, n @ (above - trigamma(q)), self.n / v - inverse.sum()],
                [0.0, 0.0, -self.n * q / v**2 + p * x_squares + q * squares],
            ]
        )
        return np.triu(H) + np.triu(H, 1).T
