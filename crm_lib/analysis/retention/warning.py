"""Early warning: what a customer would bring at the own old pace, times the chance that nothing comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import btyd, histories, intervals, spend
from crm_lib.analysis.clv import judgement
from crm_lib.analysis.engine import framed
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.analysis.retention.book import Book, is_lost, state
from crm_lib.contract.cut import cut
from crm_lib.errors import NotEnoughData

N_DRAWS = 200
# Distinct histories at which the spread of the fit is worked out.
MOST_HISTORIES = 20_000
COLUMNS = ("customer_id", "x", "t_x", "T", "mean_repeat_amount")


@dataclass(frozen=True, eq=False)
class Models:
    """What is fitted to the histories known on a day: orders (BG/NBD), who has left (MBG/NBD), spend."""

    orders: btyd.PurchaseModel
    churn: btyd.PurchaseModel
    spend: spend.Spend

    def scores(self, customers: pd.DataFrame, days: int) -> pd.DataFrame:
        """`p_silent` (no order in the next `days`), `p_alive`, `pace_amount`, `at_risk_amount` of each customer.

        Pace: (r + x) / (alpha + T), what the orders so far say of the rate of somebody still there, drawn towards
        all customers (x / T of a customer known for three days would be absurd); times expected spend per order.
        """
        r, alpha, *_ = self.orders.parameters
        x, _t_x, T = self.orders.in_units(customers)
        p_silent = 1 - self.orders.p_buy(customers, days)
        pace = (r + x) / (alpha + T) * days / self.orders.unit_days
        amount = pace * self.spend.expected(x, customers["mean_repeat_amount"])
        return pd.DataFrame(
            {
                "p_silent": p_silent,
                "p_alive": self.churn.p_alive(customers),
                "pace_amount": amount,
                "at_risk_amount": amount * p_silent,
            },
            index=customers.index,
        )


@dataclass(frozen=True, eq=False)
class Test:
    """The same on what was known `days` earlier, held against what came.

    `chances`: ten groups by chance to buy with n_customers, said, came. `contests`: `buys_again` (AUC of P(buy)
    against days since the last order) and `money` (share of the old-pace money of those who indeed bought nothing
    that the first tenth of the list holds; rules: `days_since_last`, `pace`). `missed` is the at-risk money
    that came true ÷ expected.
    """

    on: dt.date
    n: int
    n_silent: int
    expected_silent: float
    expected_amount: float
    seen_amount: float
    chances: pd.DataFrame
    contests: tuple[judgement.Contest, ...]

    @property
    def missed(self) -> float:
        """At-risk money that came true ÷ expected."""
        return self.seen_amount / self.expected_amount if self.expected_amount > 0 else 1.0

    def contest(self, question: str, rule: str) -> judgement.Contest | None:
        """The contest on a question against this rule; None where there was none."""
        return next((c for c in self.contests if (c.question, c.rule_name) == (question, rule)), None)


@dataclass(frozen=True, eq=False)
class EarlyWarning:
    """Customers not yet churned, by value at risk in the next `days`.

    `leave_share` is the mean chance to leave for good after an order.
    """

    days: int
    models: Models
    test: Test | None

    @property
    def leave_share(self) -> Interval:
        """Mean chance to leave for good after an order, a/(a+b) of the purchase model."""
        return self.models.orders.leave_share


def warning(
    book: Book, transactions: ir.Table, silent_days: int, weeks: int
) -> tuple[EarlyWarning | None, pd.DataFrame | None]:
    """The models with their test `weeks` back, and scores; None where fewer than 10 customers bought twice.

    Scores: `customer_id`, x, t_x, T, mean_repeat_amount, p_silent, p_alive, pace_amount, at_risk_amount of every
    customer, by id.
    """
    known = histories.known(transactions, book.as_of)
    models = _fit(known, book.as_of)
    if models is None:
        return None, None
    days = 7 * weeks
    tested = _test(book, transactions, silent_days, days)
    customers = _pull(known)
    scores = pd.concat([customers, models.scores(customers, days)], axis=1)
    return EarlyWarning(days, models, tested), scores


def _fit(known: ir.Table, on: dt.date) -> Models | None:
    unique = histories.unique(known, on)
    try:
        model = btyd.fit(unique)
    except NotEnoughData:
        return None
    x, mean_amount, mean_order = histories.repeat_spend(known)
    return Models(model, btyd.fit(unique, kind=btyd.MBG), spend.fit(x, mean_amount, mean_order))


def _pull(known: ir.Table, *more: str) -> pd.DataFrame:
    """The columns that scores need, once, by customer."""
    return framed(known.select(*COLUMNS, *more), "customer_id")


def total(scores: pd.DataFrame, models: Models, days: int, seed: int) -> Interval:
    """Sum of value at risk with its interval: chance of each customer, and the fit.

    Customers buy or don't independently: variance sum v² p (1 − p), v the amount at the old pace. The fit: the sum
    at 200 draws of the parameters, v held, on at most 20,000 histories evenly spaced by (x, t_x, T).
    """
    if scores.empty:
        return intervals.nothing()
    v, p = scores["pace_amount"].to_numpy(float), scores["p_silent"].to_numpy(float)
    value = float(np.sum(v * p))
    by_chance = float(np.sum(v**2 * p * (1 - p)))
    held = scores.groupby(["x", "t_x", "T"], as_index=False)["pace_amount"].sum()
    rows = np.linspace(0, len(held) - 1, min(len(held), MOST_HISTORIES)).round().astype(int)
    part = held.iloc[rows]
    scale = held["pace_amount"].sum() / max(part["pace_amount"].sum(), 1e-300)
    history = models.orders.in_units(part)
    drawn = []
    for parameters in models.orders.parameter_draws(np.random.default_rng(seed), N_DRAWS):
        p_buy = btyd.p_buy(
            btyd.Parameters(*parameters), history, days / models.orders.unit_days, models.orders.kind
        )
        drawn.append(scale * float(part["pace_amount"].to_numpy() @ (1 - p_buy)))
    half = stats.norm.ppf(0.5 + LEVEL / 2) * np.sqrt(by_chance + np.var(drawn))
    return Interval(value, max(0.0, value - float(half)), value + float(half), len(scores))


def _test(book: Book, transactions: ir.Table, silent_days: int, days: int) -> Test | None:
    """The list as it would have been `days` ago; None where too little was known then or all or none bought."""
    on = book.back(days)
    known = histories.known(cut({"transactions": transactions}, on)["transactions"], on)
    models = _fit(known, on)
    if models is None:
        return None
    then = state(book, on, after_days=days)
    then = then.filter(~is_lost(then, on, silent_days)).select("customer_id", "n_after")
    customers = _pull(known.join(then, "customer_id"), "n_after")
    bought = customers["n_after"].to_numpy() > 0
    if bought.all() or not bought.any():
        return None
    scores = models.scores(customers, days)
    p_buy = 1 - scores["p_silent"].to_numpy()
    since = (customers["T"] - customers["t_x"]).to_numpy(float)
    pace = scores["pace_amount"].to_numpy()
    gone = pace * ~bought
    by_risk = scores["at_risk_amount"].to_numpy()
    contests = [
        judgement.Contest(
            "buys_again", "days_since_last", judgement.auc(p_buy, bought), judgement.auc(-since, bought), True
        ),
        *(
            judgement.Contest(
                "money", name, judgement.top_share(by_risk, gone), judgement.top_share(rule, gone), True
            )
            for name, rule in (("days_since_last", since), ("pace", pace))
        ),
    ]
    return Test(
        on,
        len(customers),
        int((~bought).sum()),
        float((1 - p_buy).sum()),
        float(by_risk.sum()),
        float(gone.sum()),
        judgement.chances(p_buy, bought),
        tuple(contests),
    )
