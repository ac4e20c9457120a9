"""How near the company's targets are: what came so far, and what periods that run or are to come will bring.

Targets are measured and projected as the report on campaigns does it, so that both pages say the same. Where the
history is too short for that (it takes two years), a period that runs is projected at the pace of its weeks.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import campaigns
from crm_lib.analysis.action_plan.facts import Tables
from crm_lib.analysis.campaigns import goals
from crm_lib.analysis.intervals import LEVEL, Interval
from crm_lib.contract.settings import Scale

_FEWEST_WEEKS = 8
AHEAD, NOW, OVER = goals.AHEAD, goals.NOW, goals.OVER


@dataclass(frozen=True)
class Target:
    """A target: what it aims at, what has come so far, and what the period will end with.

    `state` is `over`, `now` or `ahead`; `so_far` is None where nothing here measures it. `at_pace` says that the
    projection is the pace of the weeks so far, not last year times growth.
    """

    metric: str
    start: dt.date
    end: dt.date
    value: float
    unit: str
    state: str
    so_far: float | None = None
    projected: Interval | None = None
    at_pace: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether it was reached, for a period that is over; None otherwise."""
        return self.so_far >= self.value if self.so_far is not None and self.state == OVER else None


def targets(
    tables: Tables, as_of: dt.date, item_scale: Scale | None = None, compare_from: int = 30
) -> tuple[Target, ...]:
    """For each metric the targets of the period that ended last, and all that run or are to come.

    `item_scale` is that of the survey's aspects; a target of satisfaction needs `compare_from` answers.
    """
    if tables.targets is None:
        return ()
    frame = tables.targets.to_pandas().sort_values(["period_start", "period_end", "metric"], ignore_index=True)
    for column in ("period_start", "period_end"):
        frame[column] = pd.to_datetime(frame[column]).dt.date
    over = frame["period_end"] <= as_of
    ends = frame[over].groupby("metric")["period_end"].max()
    kept = frame[~over | (frame["metric"].map(ends) == frame["period_end"])]
    options = campaigns.Options(as_of, compare_from=compare_from, item_scale=item_scale)
    of_campaigns = campaigns.Tables(**{n: getattr(tables, n) for n in _NEEDED})
    found = goals.goals(of_campaigns, options).targets
    known = {(r["metric"], r["period_start"], r["period_end"]): r for r in found.to_dict("records")}
    days = goals.by_day(tables.transactions, as_of)
    made = (_target(row, known, days, as_of) for row in kept.itertuples(index=False))
    return tuple(sorted(made, key=lambda t: (t.state == AHEAD, t.metric not in goals.KNOWN, t.start)))


_NEEDED = ("transactions", "targets", "surveys", "survey_items", "market")


def _target(row: object, known: dict, days: pd.DataFrame | None, as_of: dt.date) -> Target:
    state = OVER if row.period_end <= as_of else NOW if row.period_start <= as_of else AHEAD
    about = (row.metric, row.period_start, row.period_end, float(row.value), row.unit, state)
    found = known.get((row.metric, row.period_start, row.period_end))
    if found is None:
        return Target(*about)
    so_far = None if pd.isna(found["actual"]) else round(float(found["actual"]), 6)
    if not pd.isna(found["projection"]):
        bounds = (float(found[f"projection{end}"]) for end in ("", "_low", "_high"))
        return Target(*about, so_far, Interval(*bounds, goals.N_BLOCKS))
    if state != NOW or row.metric not in (goals.REVENUE, goals.ORDERS) or days is None:
        return Target(*about, so_far)
    inside = days.loc[pd.Timestamp(row.period_start) : pd.Timestamp(as_of), row.metric]
    ahead = projected(inside.to_numpy(float), so_far or 0.0, (row.period_end - as_of).days)
    return Target(*about, so_far, ahead, at_pace=ahead is not None)


def projected(by_day: np.ndarray, so_far: float, days_left: int) -> Interval | None:
    """What comes by the end at the pace of the full weeks so far; None before eight of them.

    Weeks are taken as independent: half width = t · s · √(w + w²/n), n weeks seen, w weeks to come.
    """
    n = len(by_day) // 7
    if n < _FEWEST_WEEKS:
        return None
    weeks = by_day[len(by_day) - 7 * n :].reshape(n, 7).sum(axis=1)
    ahead = days_left / 7
    value = so_far + float(weeks.mean()) * ahead
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * weeks.std(ddof=1)) * math.sqrt(ahead + ahead**2 / n)
    return Interval(value, max(so_far, value - half), value + half, n)
