"""What was chosen, added up: members of lists, and the account of each play and each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis.action_plan import choice
from crm_lib.analysis.action_plan.choice import Choice, Problem
from crm_lib.analysis.action_plan.gain import Gains, summed
from crm_lib.analysis.action_plan.holdout import FEWEST, Size
from crm_lib.analysis.intervals import Interval, nothing
from crm_lib.contract.lists import CONTROL, TREATED
from crm_lib.contract.settings import PlanSettings, Play

TENTH = 0.1


@dataclass(frozen=True, eq=False)
class Account:
    """Members of all lists and what they are expected to bring.

    `by_play` has a row per play with a channel: play, channel, n_eligible, n, n_treated, n_control, cost, gain,
    low, high, uplift, uplift_low, uplift_high, source, n_lists, share, power, detectable, measurable.
    `by_channel`: channel, budget, spent, n, money_price, hands_price, more, less (change of the gain with a
    tenth more and less budget). `total` is the gain expected of all contacts, `bound` a sum
    that no choice could exceed.
    """

    members: pd.DataFrame
    by_play: pd.DataFrame
    by_channel: pd.DataFrame
    total: Interval
    bound: float
    worth_it: np.ndarray

    @property
    def cost(self) -> float:
        """What all contacts cost."""
        return round(float(self.by_play["cost"].sum()), 2) if len(self.by_play) else 0.0


_PLAY = [
    *("play", "channel", "n_eligible", "n", "n_treated", "n_control", "cost", "gain", "low", "high"),
    *("uplift", "uplift_low", "uplift_high", "source", "n_lists", "share", "power", "detectable", "measurable"),
]
_CHANNEL = ["channel", "budget", "spent", "n", "money_price", "hands_price", "more", "less"]


def account(
    customers: pd.DataFrame,
    plays: Sequence[Play],
    settings: PlanSettings,
    found: Gains,
    asked: Problem | None,
    made: Choice | None,
    sizes: Sequence[Size],
    held: np.ndarray,
    owners: Sequence[str],
) -> Account:
    """Everything that follows from a choice; empty where there was nothing to choose from."""
    if asked is None or made is None:
        none = np.zeros(len(customers), dtype=bool)
        empty = members_of(customers, plays, found, np.full(len(customers), choice.NOBODY), held, owners)
        tables = pd.DataFrame(columns=_PLAY), pd.DataFrame(columns=_CHANNEL)
        return Account(empty, *tables, nothing(), 0.0, none)
    members = members_of(customers, plays, found, made.play, held, owners)
    by_play = _by_play(plays, found, asked, made, held, sizes)
    value, low, high = summed(by_play[["gain", "low", "high"]].itertuples(index=False, name=None))
    total = Interval(value, low, high, int(by_play["n_treated"].sum()))
    by_channel = _by_channel(plays, settings, asked, made, by_play)
    return Account(members, by_play, by_channel, total, choice.bound(asked, made), asked.allowed.any(axis=1))


def members_of(
    customers: pd.DataFrame,
    plays: Sequence[Play],
    found: Gains,
    chosen: np.ndarray,
    held: np.ndarray,
    owners: Sequence[str],
) -> pd.DataFrame:
    """One row per customer on a list, by list and then by gain, highest first."""
    rows = np.flatnonzero(chosen != choice.NOBODY)
    j = chosen[rows]
    is_held = held[rows, j]
    own = (
        customers["owner"].to_numpy(object)[rows] if "owner" in customers else np.full(len(rows), "", dtype=object)
    )
    own = np.where(pd.isna(own), "", own)
    named = np.array([p.owner for p in plays] or [""], dtype=object)[j]
    frame = pd.DataFrame(
        {
            "list": np.array([p.name for p in plays] or [""], dtype=object)[j],
            "customer_id": customers["customer_id"].to_numpy(object)[rows],
            "owner": np.where(named != "", named, own),
            "channel": np.array([p.channel for p in plays] or [""], dtype=object)[j],
            "arm": np.where(is_held, CONTROL, TREATED),
            "contact_cost": np.where(is_held, 0, found.cost_cents[j]) / 100 if len(rows) else np.zeros(0),
            "gain": np.round(found.each[rows, j], 2) if len(rows) else np.zeros(0),
            "worth": np.round(found.worth[rows], 2),
        }
    )
    frame = frame.astype(dict.fromkeys(("list", "customer_id", "owner", "channel", "arm"), "str"))
    place = {p.name: i for i, p in enumerate(plays)}
    order = np.lexsort((frame["customer_id"], -frame["gain"], frame["list"].map(place).astype("float64")))
    return frame.iloc[order].reset_index(drop=True)


def _by_play(
    plays: Sequence[Play], found: Gains, asked: Problem, made: Choice, held: np.ndarray, sizes: Sequence[Size]
) -> pd.DataFrame:
    rows = []
    for j, (play, size) in enumerate(zip(plays, sizes, strict=True)):
        on = np.flatnonzero(made.play == j)
        treated = on[~held[on, j]]
        n_control, u = len(on) - len(treated), found.uplifts[j]
        cost = int(found.cost_cents[j]) * len(treated) / 100
        rows.append(
            (
                *(play.name, play.channel, int(asked.allowed[:, j].sum()), len(on), len(treated), n_control, cost),
                *found.of_list(j, treated),
                *(u.value, u.low, u.high, u.source, u.n_lists, size.share, size.power, size.detectable),
                min(len(treated), n_control) >= FEWEST,
            )
        )
    return pd.DataFrame(rows, columns=_PLAY)


def _by_channel(
    plays: Sequence[Play], settings: PlanSettings, asked: Problem, made: Choice, by_play: pd.DataFrame
) -> pd.DataFrame:
    rows, now = [], choice.brought(asked, made)
    used = {p.channel for p in plays}
    for c, (name, limits) in enumerate(settings.channels.items()):
        if name not in used:
            continue
        own = by_play[by_play["channel"] == name]
        more, less = (
            choice.brought(again, choice.choose(again)) - now if limits.budget else None
            for again in (asked.scaled(1 + TENTH, c), asked.scaled(1 - TENTH, c))
        )
        spent, n = round(float(own["cost"].sum()), 2), int(own["n_treated"].sum())
        prices = float(made.money_price[c]), float(made.hands_price[c])
        rows.append((name, limits.budget, spent, n, *prices, more, less))
    return pd.DataFrame(rows, columns=_CHANNEL)
