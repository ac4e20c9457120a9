"""What becomes of deals that enter a stage: moved on, won, lost, as competing ends within some days."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.deals import History
from crm_lib.analysis.funnel.incidence import incidence
from crm_lib.analysis.funnel.ways import Ways
from crm_lib.analysis.intervals import Interval

_FROM = 30  # fewer deals in a stage bear no share


def fates(
    history: History, ways: Ways, day: dt.date, watched_from: dt.date | None, within_days: int
) -> pd.DataFrame | None:
    """Of the deals that entered each stage, the share moved on, won and lost within so many days of entering it.

    Deals that go on are censored on `day`, and days before `watched_from` count for nobody (left truncation).
    Moving on competes with losing in the stage; winning and losing are the ends of the whole deal, whatever
    stage it ends in; won from the last stage is moved on. A stage that a deal skipped was not entered. Columns:
    stage, n, and on, won, lost with _low and _high, empty under thirty deals. None without a stage history.
    """
    if history.entries is None:
        return None
    entered = history.entries.reindex(history.deals["opportunity_id"])
    rows = []
    for i, stage in enumerate(history.stages):
        here = entered[f"stage_{i}"].notna().to_numpy()
        late = ways.unwatched(i, watched_from)
        on, _stopped = _within(*ways.stays(i, day), late, here, within_days)
        won, lost = _within(*ways.rests(i, day), late, here, within_days)
        row = {"stage": stage, "n": won.n}
        for name, found in (("on", on), ("won", won), ("lost", lost)):
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        rows.append(row)
    return pd.DataFrame(rows)


def _within(
    days: np.ndarray, fate: np.ndarray, late: np.ndarray, here: np.ndarray, within_days: int
) -> tuple[Interval, Interval]:
    """Shares of both fates of the deals `here` by that day; without a value where too few were watched so long."""
    known = here & np.isfinite(days)
    n = int((days[known] > late[known]).sum())
    fit = incidence(days[known], fate[known], late[known]) if n >= _FROM else None
    if fit is None or fit.n < _FROM:
        return intervals.nothing(n), intervals.nothing(n)
    return fit.by(within_days)
