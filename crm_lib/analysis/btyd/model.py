"""The BG/NBD model as fitted: its parameters, how sure they are, and its predictions by history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from crm_lib.analysis import newton
from crm_lib.analysis.btyd import formulas, likelihood
from crm_lib.analysis.btyd.formulas import Parameters
from crm_lib.analysis.histories import Histories
from crm_lib.errors import NotEnoughData, ParameterError

UNIT_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
# Below this many customers with a second order, four parameters are guesswork.
FEWEST_REPEATERS = 10
SAMPLE = 20_000
SCALED_LENGTH = 10.0


@dataclass(frozen=True, eq=False)
class BgNbd:
    """A fitted BG/NBD model. `unit` is the unit of time of `parameters` and `log_likelihood`.

    Histories and horizons are given in days everywhere, so that units can't be mixed up. `flat` says that the
    data don't settle every parameter: predictions then hold, single parameters don't.
    """

    parameters: Parameters
    unit: str
    log_likelihood: float
    log_covariance: np.ndarray
    n_customers: int
    flat: bool

    @property
    def unit_days(self) -> float:
        """Days in one unit of time."""
        return UNIT_DAYS[self.unit]

    @property
    def standard_errors(self) -> Parameters:
        """Standard errors of the parameters, from the Hessian."""
        return Parameters(*(np.array(self.parameters) * np.sqrt(np.diag(self.log_covariance))))

    def _units(self, frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, t_x, T = (np.asarray(frame[name], dtype=float) for name in ("x", "t_x", "T"))
        return x, t_x / self.unit_days, T / self.unit_days

    def p_alive(self, frame) -> np.ndarray:
        """Chance not to have left, for rows with `x`, `t_x`, `T` in days."""
        return formulas.p_alive(self.parameters, *self._units(frame))

    def p_buy(self, frame, days: float) -> np.ndarray:
        """Chance of at least one order in the next `days`."""
        return formulas.p_buy(self.parameters, self._units(frame), days / self.unit_days)

    def expected_orders(self, frame, days: float) -> np.ndarray:
        """Expected orders in the next `days`; the special function runs once per distinct (x, T)."""
        x, t_x, T = self._units(frame)
        code = np.asarray(frame["x"]).astype(np.int64) << 32 | np.asarray(frame["T"]).astype(np.int64)
        _, one, back = np.unique(code, return_index=True, return_inverse=True)
        alive = formulas.orders_if_alive(self.parameters, x[one], T[one], days / self.unit_days)
        return formulas.p_alive(self.parameters, x, t_x, T) * alive[back]

    def expected_orders_of_new(self, days) -> np.ndarray:
        """Expected repeat orders in the first `days` after a first order."""
        return formulas.expected_orders_of_new(self.parameters, np.asarray(days, float) / self.unit_days)

    def parameter_draws(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """`n` draws of (r, alpha, a, b) from the normal approximation in logs; shape (n, 4)."""
        centre = np.log(np.array(self.parameters))
        return np.exp(rng.multivariate_normal(centre, self.log_covariance, size=n, method="eigh"))


def fit(histories: Histories, unit: str = "weeks") -> BgNbd:
    """Fit by maximum likelihood; time is scaled inside and scaled back.

    Raises
    ------
    NotEnoughData
        Where fewer than 10 customers bought a second time, or all of them on the as-of date.
    """
    if unit not in UNIT_DAYS:
        raise ParameterError(f"unit: saw {unit!r}, need one of {', '.join(UNIT_DAYS)}.")
    if histories.n_repeaters < FEWEST_REPEATERS:
        raise NotEnoughData(
            f"{histories.n_repeaters} of {histories.n_customers} customers bought a second time; "
            f"a purchase model needs at least {FEWEST_REPEATERS}. Use a longer history."
        )
    scale = histories.T.max() / SCALED_LENGTH
    whole = likelihood.prepare(histories, scale)
    part = likelihood.prepare(histories.sample(SAMPLE), scale)
    best = newton.maximum(_objective(whole), np.zeros(4), _objective(part))
    factor = np.array([1.0, scale / UNIT_DAYS[unit], 1.0, 1.0])
    # A density per scaled time becomes one per unit of time: one factor for each repeat order.
    shift = histories.n_repeat_orders * np.log(factor[1])
    return BgNbd(
        parameters=Parameters(*(float(v) for v in np.exp(best.at) * factor)),
        unit=unit,
        log_likelihood=float(best.mean_log_likelihood * whole.n - shift),
        log_covariance=best.covariance(whole.n),
        n_customers=histories.n_customers,
        flat=best.flat,
    )


def _objective(prepared: likelihood.Prepared) -> newton.Objective:
    def evaluate(z: np.ndarray, with_hessian: bool) -> newton.Value:
        return likelihood.objective(z, prepared, with_hessian)

    return evaluate


def log_likelihood(parameters: Parameters, histories: Histories, unit: str = "weeks") -> float:
    """Log-likelihood of given parameters, in their unit of time."""
    prepared = likelihood.prepare(histories, UNIT_DAYS[unit])
    evaluate = partial(likelihood.objective, p=prepared, with_hessian=False)
    return float(-evaluate(np.log(np.array(parameters)))[0] * prepared.n)
