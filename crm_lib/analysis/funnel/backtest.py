"""Whether the forecast held: made again on past days from what was known then, and compared with what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel import simulation
from crm_lib.analysis.funnel.outlook import Outlook, outlook_at
from crm_lib.analysis.funnel.results import Backtest
from crm_lib.analysis.funnel.simulation import Shock
from crm_lib.analysis.funnel.ways import Ways, frame_at

MOST_DAYS = 12
_FROM = 30  # fewer open deals, or closed ones to learn from, prove nothing
_EDGES = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])
ORIGIN_COLUMNS = (
    "cut_on",
    "n_open",
    "expected",
    "n_won",
    "amount",
    "low",
    "high",
    "came_amount",
    "rule_amount",
    "is_within",
)


@dataclass(frozen=True)
class Origin:
    """A past day: the view then, and what came of it: won or not per open deal, money of open and of new deals."""

    view: Outlook
    won: np.ndarray
    came_amount: float
    rule_share: float

    @property
    def p(self) -> np.ndarray:
        """What was expected of each open deal."""
        return self.view.deals["p_soon"].to_numpy()


def origins(frame: pd.DataFrame, ways: Ways, as_of: dt.date, horizon_days: int) -> list[Origin]:
    """Past days, one horizon apart so that their outcomes don't overlap, the latest first; at most twelve."""
    found = []
    for k in range(1, MOST_DAYS + 1):
        origin = _origin(frame, ways, as_of - dt.timedelta(days=k * horizon_days), horizon_days)
        if origin is None:
            break
        found.append(origin)
    return found


def _origin(frame: pd.DataFrame, ways: Ways, day: dt.date, horizon_days: int) -> Origin | None:
    opened = frame["opened_on"] <= pd.Timestamp(day)
    closed = frame["closed_on"] <= pd.Timestamp(day)
    if (pd.Timestamp(day) - frame["closed_on"].min()).days < horizon_days:
        return None  # nothing had been watched for as long as the forecast looks ahead
    if (opened & ~closed).sum() < _FROM or (opened & closed).sum() < _FROM:
        return None
    view = outlook_at(frame, ways, day, horizon_days)
    dated = view.deals[view.deals["place"] >= 0]
    if len(dated) < _FROM or view.n_closed < _FROM or dated["p_soon"].isna().any():
        return None
    until = day + dt.timedelta(days=horizon_days)
    won = frame[
        (frame["outcome"] == "won") & frame["closed_on"].between(pd.Timestamp(day), pd.Timestamp(until), "right")
    ]
    came = dated["opportunity_id"].isin(won["opportunity_id"]).to_numpy(float)
    view = Outlook(**{**vars(view), "deals": dated})
    counted = won["opened_on"].notna() if view.fresh else won["opportunity_id"].isin(dated["opportunity_id"])
    money = won.loc[counted, "amount"].sum()
    return Origin(view, came, float(money), _rule(frame, day, horizon_days))


def _rule(frame: pd.DataFrame, day: dt.date, horizon_days: int) -> float:
    """The simple rule: of the deals open one horizon earlier, the share that was won in it."""
    before = day - dt.timedelta(days=horizon_days)
    then = frame_at(frame, before)
    ids = set(then.loc[then["is_open"], "opportunity_id"])
    now = frame_at(frame, day)
    won = now.loc[now["outcome"] == "won", "opportunity_id"].isin(ids).sum()
    if len(ids) >= _FROM:
        return float(won / len(ids))
    closed = now[~now["is_open"]]
    return float((closed["outcome"] == "won").mean()) if len(closed) else 0.0


def common_shock(found: Sequence[Origin]) -> Shock:
    """What moved all deals together on these past days."""
    spreads = [simulation.spread(o.view.deals) for o in found]
    return simulation.shock([o.won.sum() for o in found], [o.p.sum() for o in found], spreads)


def backtest(found: Sequence[Origin], horizon_days: int, seed: int) -> Backtest | None:
    """All past days together; each one's range is drawn with the shock learned from the others."""
    if not found:
        return None
    rows = [_row(origin, common_shock([o for o in found if o is not origin]), seed) for origin in found]
    p, won = np.concatenate([o.p for o in found]), np.concatenate([o.won for o in found])
    rule = np.concatenate([np.full(len(o.p), o.rule_share) for o in found])
    return Backtest(
        horizon_days=horizon_days,
        origins=pd.DataFrame(rows, columns=ORIGIN_COLUMNS),
        calibration=calibration(p, won),
        n_open=len(p),
        n_won=int(won.sum()),
        expected=float(p.sum()),
        expected_by_rule=float(rule.sum()),
        error=float(np.mean((p - won) ** 2)),
        error_of_rule=float(np.mean((rule - won) ** 2)),
    )


def _row(origin: Origin, others: Shock, seed: int) -> tuple[object, ...]:
    view, deals = origin.view, origin.view.deals
    counts = (view.day, len(deals), float(origin.p.sum()), int(origin.won.sum()))
    if deals["value"].isna().any():
        return (*counts, None, None, None, origin.came_amount, view.won_before_amount, None)
    draws = simulation.simulate(view, others, seed).coming
    found = simulation.drawn_interval(float(draws.mean()), draws, len(deals))
    within = bool(found.low <= origin.came_amount <= found.high)
    return (*counts, found.value, found.low, found.high, origin.came_amount, view.won_before_amount, within)


def calibration(p: np.ndarray, won: np.ndarray, least: int = _FROM) -> pd.DataFrame:
    """Chance said beside share won, deals of like chance together: said, share, low, high (Wilson), n, n_won.

    A class with fewer than `least` deals joins the one above it.
    """
    place = np.clip(np.searchsorted(_EDGES, p, side="right") - 1, 0, len(_EDGES) - 2)
    rows, chosen = [], np.zeros(len(p), dtype=bool)
    for k in range(len(_EDGES) - 1):
        chosen |= place == k
        rest = (place > k).sum()
        if chosen.sum() < least or 0 < rest < least:
            continue
        share = intervals.wilson(int(won[chosen].sum()), int(chosen.sum()))
        rows.append((float(p[chosen].mean()), share.value, share.low, share.high, share.n, int(won[chosen].sum())))
        chosen[:] = False
    return pd.DataFrame(rows, columns=["said", "share", "low", "high", "n", "n_won"])
