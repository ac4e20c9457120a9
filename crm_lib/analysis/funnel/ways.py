"""The way of each deal as days: when it reached each stage, was won, or ended; as known on any day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm_lib.analysis.funnel import stages
from crm_lib.analysis.funnel.deals import History, with_ages

_DAY = np.timedelta64(1, "D")
_NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Ways:
    """Deals in the order of the frame they were made from.

    `reached` is deals × (stages + 1), the last column the sale; a skipped stage counts as reached with the next.
    `closed` is the day of the end, NaT while open. On a snapshot there is one stage, from the opening to the end.
    Deals with an end but no day of it, or one before the opening, have no way.
    """

    reached: np.ndarray
    closed: np.ndarray

    @property
    def n_stages(self) -> int:
        """Stages without the sale."""
        return self.reached.shape[1] - 1

    @property
    def whole(self) -> Ways:
        """The same deals with one stage, from the opening to the sale."""
        return replace(self, reached=self.reached[:, [0, -1]])

    def at(self, day: dt.date) -> Ways:
        """What was known at the end of `day`."""
        last = np.datetime64(day)
        return Ways(
            np.where(self.reached <= last, self.reached, _NEVER),
            np.where(self.closed <= last, self.closed, _NEVER),
        )

    @property
    def place(self) -> np.ndarray:
        """Furthest stage reached, −1 for deals without a way."""
        return (~np.isnat(self.reached[:, :-1])).sum(axis=1) - 1

    def days_in_place(self, day: dt.date) -> np.ndarray:
        """Days up to `day` since the furthest stage was reached; NaN without a way."""
        place = np.maximum(self.place, 0)
        return (np.datetime64(day) - self.reached[np.arange(len(place)), place]) / _DAY

    def stays(self, stage: int, day: dt.date) -> tuple[np.ndarray, np.ndarray]:
        """Days that each deal stayed in a stage up to `day` (NaN: never there), and how the stay ended.

        `won` got further, `lost` did not, None goes on.
        """
        start, further = self.reached[:, stage], ~np.isnat(self.reached[:, stage + 1])
        until = np.where(np.isnat(self.closed), np.datetime64(day), self.closed)
        days = (np.where(further, self.reached[:, stage + 1], until) - start) / _DAY
        fate = np.where(further, "won", np.where(np.isnat(self.closed), None, "lost"))
        return np.where(days >= 0, days, np.nan), fate

    def rests(self, stage: int, day: dt.date) -> tuple[np.ndarray, np.ndarray]:
        """Days from a stage to the deal's end, up to `day` (NaN: never there), and that end (None: open)."""
        until = np.where(np.isnat(self.closed), np.datetime64(day), self.closed)
        days = (until - self.reached[:, stage]) / _DAY
        ended = np.where(np.isnat(self.reached[:, -1]), "lost", "won").astype(object)
        return np.where(days >= 0, days, np.nan), np.where(np.isnat(self.closed), None, ended)

    def unwatched(self, stage: int, watched_from: dt.date | None) -> np.ndarray:
        """Days of each stay before ends were recorded, less one; −1 for stays that began later."""
        if watched_from is None:
            return np.full(len(self.closed), -1.0)
        late = (np.datetime64(watched_from) - self.reached[:, stage]) / _DAY - 1
        return np.maximum(np.nan_to_num(late, nan=-1.0), -1.0)


def ways(history: History) -> Ways:
    """The ways of all deals; a deal without a listed stage stands in the first one from its opening on."""
    frame = history.deals
    opened, closed = (frame[c].to_numpy("datetime64[D]") for c in ("opened_on", "closed_on"))
    has_end = ~frame["is_open"].to_numpy()
    if history.entries is None:
        won_on = np.where((frame["outcome"] == "won").to_numpy(), closed, _NEVER)
        reached = np.column_stack([opened, won_on])
    else:
        reached = stages.reached(frame, history.entries, len(history.stages), "any")
        reached[:, 0] = np.fmin(reached[:, 0], opened)
    lost_way = (has_end & np.isnat(closed)) | (closed < opened)
    reached[lost_way] = _NEVER
    return Ways(reached, np.where(has_end & ~lost_way, closed, _NEVER))


def frame_at(frame: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """The deals as known at the end of `day`: later ones are gone, those that ended later are open."""
    then = frame[frame["opened_on"] <= pd.Timestamp(day)]
    over = (then["closed_on"] <= pd.Timestamp(day)) | (~then["is_open"] & then["closed_on"].isna())
    outcome = then["outcome"].where(over, None)
    return with_ages(then.assign(outcome=outcome, closed_on=then["closed_on"].where(over)), day)
