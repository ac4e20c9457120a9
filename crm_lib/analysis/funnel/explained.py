"""Why two win rates of one time differ: whose deals they count, and which months they cover."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.results import Covered, TwoRates

_YEAR = 365
_LEAST = 30


def two_rates(deals: pd.DataFrame, last_mature: dt.date, watched_from: dt.date | None) -> TwoRates | None:
    """Win rate of the deals closed in a year and of those opened in it, and the exact account of the difference.

    The year ends on `last_mature`, so that few of its deals are still open. Both rates hold the deals opened and
    closed within it. The one by closing adds deals opened before, the one by opening those closed later:
    closing − opening = w_b (r_b − r_same) − w_l (r_l − r_same). None with fewer than thirty deals in either.
    """
    since = max(last_mature - dt.timedelta(days=_YEAR - 1), watched_from or dt.date.min)
    closed = deals[~deals["is_open"] & deals["closed_on"].notna() & deals["opened_on"].notna()]
    opens, closes = (
        closed[c].between(pd.Timestamp(since), pd.Timestamp(last_mature)) for c in ("opened_on", "closed_on")
    )
    won = closed["outcome"] == "won"
    older, later, same = closes & ~opens, opens & ~closes, opens & closes
    if closes.sum() < _LEAST or opens.sum() < _LEAST or not same.any():
        return None
    rate = {k: _share(won, group) for k, group in (("older", older), ("later", later), ("same", same))}
    return TwoRates(
        since=since,
        until=last_mature,
        by_closing=intervals.wilson(int(won[closes].sum()), int(closes.sum())),
        by_opening=intervals.wilson(int(won[opens].sum()), int(opens.sum())),
        same=rate["same"],
        older=rate["older"],
        later=rate["later"],
        from_older=_weighted(rate["older"], rate["same"], int(closes.sum())),
        from_later=-_weighted(rate["later"], rate["same"], int(opens.sum())),
    )


def _share(won: pd.Series, group: pd.Series) -> intervals.Interval:
    return intervals.wilson(int(won[group].sum()), int(group.sum()))


def _weighted(added: intervals.Interval, same: intervals.Interval, n: int) -> float:
    return added.n / n * (added.value - same.value) if added else 0.0


def covered(deals: pd.DataFrame, first_closed_on: dt.date | None, as_of: dt.date) -> Covered | None:
    """The quarter in which closings begin, beside the same days of later quarters; None where all days are there.

    Win rates differ within a quarter, so a quarter of which only its last month is known can't be compared with
    whole ones.
    """
    if first_closed_on is None:
        return None
    closed = deals[deals["closed_on"].notna() & ~deals["is_open"]]
    quarter = closed["closed_on"].dt.to_period("Q")
    first = pd.Timestamp(first_closed_on).to_period("Q")
    missing_until = (pd.Timestamp(first_closed_on) - first.start_time).days
    in_quarter = (closed["closed_on"] - quarter.dt.start_time).dt.days
    is_whole = (quarter > first) & (quarter.dt.end_time.dt.date <= as_of)
    alike = is_whole & (in_quarter >= missing_until)
    won = closed["outcome"] == "won"
    groups = [quarter == first, alike, is_whole]
    if missing_until < 1 or min(int(g.sum()) for g in groups) < _LEAST:
        return None
    return Covered(first.start_time.date(), first_closed_on, *(_share(won, g) for g in groups))
