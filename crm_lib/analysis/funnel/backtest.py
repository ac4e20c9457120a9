"""Whether the chances held: the deals open some time ago, what was expected of them, and what came."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis.funnel import deals, durations, findings
from crm_lib.analysis.funnel.results import Backtest
from crm_lib.contract.cut import cut

_FROM = 30  # fewer open deals, or closed ones to learn from, prove nothing


def backtest(opportunities: ibis.Table, as_of: dt.date, horizon_days: int) -> Backtest | None:
    """Cut the deals `horizon_days` before `as_of`, say which of the open ones will be won by `as_of`, and compare.

    The model gives each deal (W(a + h) − W(a)) / (1 − W(a) − L(a)) at its age a; the simple rule gives every deal
    the win rate of the deals closed so far. None where too few were open or closed on that day.
    """
    cut_on = as_of - dt.timedelta(days=horizon_days)
    then = deals.deals(cut({"opportunities": opportunities}, cut_on)["opportunities"], cut_on)
    days = then["days_to_close"].fillna(then["age_days"])
    known = days.notna()
    open_then = then[known & then["is_open"]]
    n_closed = int((~then["is_open"]).sum())
    if len(open_then) < _FROM or n_closed < _FROM:
        return None
    early = findings.truncation(then)
    whole = known if early is None else known & ~(then["opened_on"] < pd.Timestamp(early.first_closed_on))
    fit = durations.incidence(days[whole], then.loc[whole, "outcome"]) if whole.any() else None
    if fit is None:
        return None
    age = open_then["age_days"].to_numpy(float)
    still_open = 1 - fit.at(fit.won, age) - fit.at(fit.lost, age)
    gained = fit.at(fit.won, age + horizon_days) - fit.at(fit.won, age)
    p = np.divide(gained, still_open, out=np.zeros_like(gained), where=still_open > 1e-9)
    rule = float((then["outcome"] == "won").sum() / n_closed)
    now = deals.deals(opportunities, as_of).set_index("opportunity_id")["outcome"]
    won = (now.reindex(open_then["opportunity_id"]) == "won").to_numpy(float)
    return Backtest(
        cut_on=cut_on,
        n_open=len(open_then),
        n_won=int(won.sum()),
        expected=float(p.sum()),
        expected_by_rule=rule * len(open_then),
        error=float(np.mean((p - won) ** 2)),
        error_of_rule=float(np.mean((rule - won) ** 2)),
    )
