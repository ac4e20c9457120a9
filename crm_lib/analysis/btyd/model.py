"""A purchase model as fitted: its parameters, how sure they are, and its predictions by history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from crm_lib.analysis.btyd import formulas
from crm_lib.analysis.btyd.formulas import BG, CONSTANT, MBG, NBD, Parameters
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.errors import ParameterError

UNIT_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
N_PARAMETERS = {BG: 4, MBG: 4, CONSTANT: 3, NBD: 2}


@dataclass(frozen=True, eq=False)
class PurchaseModel:
    """A fitted purchase model of some `kind` (see `formulas`); `unit` is that of parameters and log-likelihood.

    Histories and horizons are given in days everywhere, and histories in whole ones, so that units can't be mixed
    up. `loose` names the parameters that the data don't settle: predictions then hold, these parameters don't.
    `asked` is the kind that was asked for, where a simpler one stands in for it.
    """

    kind: str
    parameters: Parameters
    unit: str
    log_likelihood: float
    log_covariance: np.ndarray
    n_customers: int
    loose: tuple[str, ...] = ()
    asked: str = ""

    @property
    def flat(self) -> bool:
        """Some parameter is not settled by the data."""
        return bool(self.loose)

    @property
    def is_simpler(self) -> bool:
        """A simpler model than the one asked for, which the data could not bear."""
        return self.asked not in ("", self.kind)

    @property
    def unit_days(self) -> float:
        """Days in one unit of time."""
        return UNIT_DAYS[self.unit]

    @property
    def n_parameters(self) -> int:
        """Parameters fitted."""
        return N_PARAMETERS[self.kind]

    @property
    def aic(self) -> float:
        """Akaike's criterion; lower is better."""
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion over customers; lower is better."""
        return self.n_parameters * float(np.log(self.n_customers)) - 2 * self.log_likelihood

    @property
    def standard_errors(self) -> Parameters:
        """Standard errors of the parameters, from the Hessian."""
        return Parameters(*(np.array(self.parameters) * np.sqrt(np.diag(self.log_covariance))))

    @property
    def intervals(self) -> Parameters:
        """Intervals of the parameters, normal in logs: never below zero."""
        spread = norm.ppf((1 + LEVEL) / 2) * np.sqrt(np.diag(self.log_covariance))
        ends = [(v * np.exp(-s), v * np.exp(s)) for v, s in zip(self.parameters, spread, strict=True)]
        values = zip(self.parameters, ends, strict=True)
        return Parameters(*(Interval(v, float(low), float(high), self.n_customers) for v, (low, high) in values))

    @property
    def leave_share(self) -> Interval:
        """Mean chance to leave after an order, a/(a+b): settled where a and b alone are not. Normal in logits."""
        a, b = self.parameters[2:]
        if self.kind == NBD:
            return Interval(0.0, 0.0, 0.0, self.n_customers)
        C = self.log_covariance[2:, 2:]
        half = norm.ppf((1 + LEVEL) / 2) * np.sqrt(max(C[0, 0] + C[1, 1] - 2 * C[0, 1], 0.0))
        low, high = expit(logit(a / (a + b)) + np.array([-half, half]))
        return Interval(a / (a + b), float(low), float(high), self.n_customers)

    def in_units(self, frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns `x`, `t_x`, `T` of a frame in whole days, in the model's unit; ParameterError for fractions."""
        for name in ("t_x", "T"):
            if np.asarray(frame[name]).dtype.kind not in "iu":
                raise ParameterError(
                    f"{name}: saw fractions of a day, need whole days. The model counts in {self.unit} by itself; "
                    f"give histories as crm_lib.analysis.histories makes them."
                )
        x, t_x, T = (np.asarray(frame[name], dtype=float) for name in ("x", "t_x", "T"))
        return x, t_x / self.unit_days, T / self.unit_days

    def p_alive(self, frame) -> np.ndarray:
        """Chance not to have left, for rows with `x`, `t_x`, `T` in days."""
        return formulas.p_alive(self.parameters, *self.in_units(frame), self.kind)

    def p_buy(self, frame, days: float) -> np.ndarray:
        """Chance of at least one order in the next `days`."""
        return formulas.p_buy(self.parameters, self.in_units(frame), days / self.unit_days, self.kind)

    def expected_orders(self, frame, days: float) -> np.ndarray:
        """Expected orders in the next `days`; the special function runs once per distinct (x, T)."""
        x, t_x, T = self.in_units(frame)
        code = np.asarray(frame["x"]).astype(np.int64) << 32 | np.asarray(frame["T"]).astype(np.int64)
        _, one, back = np.unique(code, return_index=True, return_inverse=True)
        alive = formulas.orders_if_alive(self.parameters, x[one], T[one], days / self.unit_days, self.kind)
        return formulas.p_alive(self.parameters, x, t_x, T, self.kind) * alive[back]

    def expected_orders_of_new(self, days) -> np.ndarray:
        """Expected repeat orders in the first `days` after a first order."""
        return formulas.expected_orders_of_new(
            self.parameters, np.asarray(days, float) / self.unit_days, self.kind
        )

    def next_order_days(self, frame, share: float, within_days: float) -> np.ndarray:
        """Days until the next order that `share` of those who order within `within_days` don't exceed."""
        x, _t_x, T = self.in_units(frame)
        within = within_days / self.unit_days
        return formulas.next_order_time(self.parameters, x, T, share, within) * self.unit_days

    def parameter_draws(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """`n` draws of (r, alpha, a, b) from the normal approximation in logs; shape (n, 4)."""
        steps = rng.multivariate_normal(np.zeros(4), self.log_covariance, size=n, method="eigh")
        return np.array(self.parameters) * np.exp(steps)


def compare(models: list[PurchaseModel]) -> list[tuple[PurchaseModel, float]]:
    """Each model with its AIC above the best; ParameterError where their likelihoods can't be compared."""
    if len({(m.unit, m.n_customers) for m in models}) > 1:
        seen = ", ".join(f"{m.n_customers:,} customers in {m.unit}" for m in models)
        raise ParameterError(f"Likelihoods of different data or units of time can't be compared: saw {seen}.")
    best = min(m.aic for m in models)
    return [(m, m.aic - best) for m in models]
