"""Plays: which moves crm.toml names, which of them can be judged here, and whom each one fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.contract.settings import Condition, PlanSettings, Play
from crm_lib.errors import ConfigError, part

GUARDS = ("complaint", "purchase")
# Columns of a customer that only another topic's publication brings.
NEEDS = {
    **dict.fromkeys(("r", "f", "m", "code", "weighted", "segment", "value_grade"), "segmentation"),
    **dict.fromkeys(("p_alive", "p_buy", "expected_orders", "expected_spend"), "clv"),
    **dict.fromkeys(("clv_low", "clv_mid", "clv_high"), "clv"),
    "satisfaction": "satisfaction",
    "last_campaign": "campaigns",
}


@dataclass(frozen=True)
class Unplayable:
    """A play that can't be played, why (cost, channel, column, goods), and what it lacks."""

    play: Play
    why: str
    what: str = ""
    topic: str = ""


def checked(settings: PlanSettings) -> PlanSettings:
    """The settings, when they make sense.

    Raises
    ------
    ConfigError
        For a name used twice, a guard that is not known, a share or an uplift outside its range, a negative cost.
    """
    names = [play.name for play in settings.plays]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f'crm.toml: two plays bear the name "{twice[0]}". Name each once.')
    for play in settings.plays:
        _check(play)
    least, most = settings.holdout_least_share, settings.holdout_most_share
    if not 0 <= settings.guard.global_holdout_share < 1 or not 0 < least <= most <= 0.5:
        raise ConfigError(
            "crm.toml: action_plan: a hold-out is a share from 0 to 0.5, holdout_least_share above 0 and not "
            "more than holdout_most_share, global_holdout_share below 1."
        )
    for name, channel in settings.channels.items():
        if (channel.budget or 0) < 0 or (channel.per_owner or 0) < 0:
            raise ConfigError(f'crm.toml: action_plan.channels."{name}": budget and per_owner can\'t be negative.')
    if any(not days.isdigit() or int(days) < 1 or n < 0 for days, n in settings.guard.caps.items()):
        raise ConfigError(
            'crm.toml: action_plan.guard.caps holds days and contacts, such as { "7" = 1, "30" = 4 }.'
        )
    return settings


def _check(play: Play) -> None:
    where = part(f'crm.toml: the play "{play.name}"')
    if not play.name.isidentifier():
        raise ConfigError(f"{where}: its name may hold letters, digits and _ only; use title for readers.")
    if play.cost is not None and play.cost < 0:
        raise ConfigError(f"{where}: its cost is {play.cost}; it can't be negative.")
    if not -1 <= play.uplift <= 1:
        raise ConfigError(f"{where}: its uplift is {play.uplift}; it is a change of a chance, from -1 to 1.")
    bounds = (play.uplift_low, play.uplift_high)
    if (bounds[0] is None) != (bounds[1] is None) or (
        bounds[0] is not None and not bounds[0] <= play.uplift <= bounds[1]
    ):
        raise ConfigError(f"{where}: give both uplift_low and uplift_high, with the uplift between them.")
    unknown = [g for g in play.ignores if g not in GUARDS]
    if unknown:
        raise ConfigError(f'{where}: ignores holds "{unknown[0]}"; it may hold: {", ".join(GUARDS)}.')


def goods(plays: Sequence[Play]) -> tuple[str, ...]:
    """Categories and products that plays ask for."""
    return tuple(dict.fromkeys(name for play in plays for name in (play.bought, play.not_yet) if name))


def split(settings: PlanSettings, customers: pd.DataFrame) -> tuple[tuple[Play, ...], tuple[Unplayable, ...]]:
    """Plays that can be played with this table, in their order, and the others with what they lack."""
    playable, others = [], []
    for play in settings.plays:
        lack = _lack(play, settings, customers)
        others.append(lack) if lack else playable.append(play)
    return tuple(playable), tuple(others)


def _lack(play: Play, settings: PlanSettings, customers: pd.DataFrame) -> Unplayable | None:
    for condition in play.when:
        if condition.column not in customers:
            return Unplayable(play, "column", condition.column, NEEDS.get(condition.column, ""))
    for name in (play.bought, play.not_yet):
        if name and f"has {name}" not in customers:
            return Unplayable(play, "goods", name)
    if not play.channel:
        return None
    if play.cost is None:
        return Unplayable(play, "cost")
    if play.channel not in settings.channels:
        return Unplayable(play, "channel", play.channel)
    return None


def fits(customers: pd.DataFrame, plays: Sequence[Play]) -> np.ndarray:
    """Customers × plays: whom each play fits; of several only those with the lowest priority number."""
    found = np.zeros((len(customers), len(plays)), dtype=bool)
    for j, play in enumerate(plays):
        found[:, j] = _fits(customers, play)
    priority = np.array([play.priority for play in plays], dtype=float)
    first = np.where(found, priority, np.inf).min(axis=1, initial=np.inf)
    return found & (priority == first[:, None])


def _fits(customers: pd.DataFrame, play: Play) -> np.ndarray:
    found = np.ones(len(customers), dtype=bool)
    for condition in play.when:
        found &= holds(customers[condition.column], condition)
    if play.bought:
        found &= customers[f"has {play.bought}"].to_numpy(bool)
    if play.not_yet:
        found &= ~customers[f"has {play.not_yet}"].to_numpy(bool)
    return found


def holds(values: pd.Series, condition: Condition) -> np.ndarray:
    """Whether the condition holds in each row; what is not known does not hold."""
    found = values.notna().to_numpy(bool)
    if condition.any_of:
        texts = values.map({True: "true", False: "false"}) if values.dtype == bool else values.astype("str")
        found = found & texts.isin(condition.any_of).to_numpy(bool)
    if condition.at_least is not None or condition.at_most is not None:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
        low = -np.inf if condition.at_least is None else condition.at_least
        high = np.inf if condition.at_most is None else condition.at_most
        found = found & (numbers >= low) & (numbers <= high)
    return found
