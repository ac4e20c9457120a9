"""The choice: who gets which play, under the budget of each channel and the hands of each owner.

A price per channel (the dual of its budget) makes plays of different channels comparable: a customer takes the
play with the highest gain after the price of the money it binds. Prices are found on a sample of customers; the
choice itself is greedy on all of them, in whole cents. The exact solution serves only as a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crm_lib.contract.settings import Channel, Play

NOBODY = -1
_MOST_PRICED = 10_000
_SWEEPS, _HALVINGS = 3, 26


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be chosen from: customers × plays.

    `gain` is money expected of a contact, `allowed` whether the guard lets it be, `uses` whether it would bind
    money and hands (a customer of the hold-out binds none). `cost_cents` and `channel` (a code) belong to plays;
    `slot` is the code of the owner's hands in the channel for each customer and play. Limits of -1 are none.
    """

    gain: np.ndarray
    allowed: np.ndarray
    uses: np.ndarray
    cost_cents: np.ndarray
    channel: np.ndarray
    slot: np.ndarray
    budget_cents: np.ndarray
    hands: np.ndarray
    slot_channel: np.ndarray
    tie: np.ndarray

    def rows(self, kept: np.ndarray) -> Problem:
        """The problem of some customers, the limits as they are."""
        per_row = {n: getattr(self, n)[kept] for n in ("gain", "allowed", "uses", "slot", "tie")}
        return replace(self, **per_row)

    def scaled(self, share: float, code: int | None = None) -> Problem:
        """The same with budgets times `share`, of one channel or of all."""
        chosen = np.full(len(self.budget_cents), code is None)
        if code is not None:
            chosen[code] = True
        scaled = np.floor(self.budget_cents * share).astype(np.int64)
        budget = np.where(chosen & (self.budget_cents >= 0), scaled, self.budget_cents)
        return replace(self, budget_cents=budget)


@dataclass(frozen=True, eq=False)
class Choice:
    """The play of each customer (-1: none), and what more money or more hands would bring, by channel."""

    play: np.ndarray
    money_price: np.ndarray
    hands_price: np.ndarray


def problem(
    plays: Sequence[Play],
    channels: Mapping[str, Channel],
    owners: np.ndarray,
    gain: np.ndarray,
    allowed: np.ndarray,
    uses: np.ndarray,
    tie: np.ndarray,
) -> Problem:
    """The problem of plays with a channel; `owners` is the code of each customer's own owner."""
    names = list(channels)
    code = np.array([names.index(p.channel) for p in plays], dtype=np.int64)
    named = sorted({p.owner for p in plays if p.owner})
    n_own = int(owners.max(initial=-1)) + 1
    who = np.stack(
        [np.full(len(owners), n_own + named.index(p.owner)) if p.owner else owners for p in plays], axis=1
    )
    n_who = n_own + len(named)
    budget = [-1 if c.budget is None else round(c.budget * 100) for c in channels.values()]
    hands = [-1 if c.per_owner is None else c.per_owner for c in channels.values()]
    cents = np.array([round((p.cost or 0) * 100) for p in plays], dtype=np.int64)
    return Problem(
        gain=gain,
        allowed=allowed & (gain > 0),
        uses=uses,
        cost_cents=cents,
        channel=code,
        slot=who + code[None, :] * n_who,
        budget_cents=np.array(budget, dtype=np.int64),
        hands=np.repeat(np.array(hands, dtype=np.int64), n_who),
        slot_channel=np.repeat(np.arange(len(names)), n_who),
        tie=tie,
    )


def choose(asked: Problem) -> Choice:
    """One play at most for each customer; no budget and nobody's hands are ever exceeded."""
    n = len(asked.gain)
    chosen = np.full(n, NOBODY, dtype=np.int64)
    money, hands = prices(asked)
    there = np.flatnonzero(asked.allowed.any(axis=1))
    if len(there):
        chosen[there] = _greedy(asked.rows(there), money, hands)
    return Choice(chosen, money, hands)


def prices(asked: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Price of a unit of money and of a contact by hand in each channel, at which demand just meets the limits."""
    n_channels = len(asked.budget_cents)
    money, hands = np.zeros(n_channels), np.zeros(n_channels)
    there = np.flatnonzero(asked.allowed.any(axis=1))
    if not len(there):
        return money, hands
    picked = there[np.argsort(asked.tie[there], kind="stable")[:_MOST_PRICED]]
    share = len(picked) / len(there)
    part = asked.rows(picked)
    budget = asked.budget_cents * share / 100
    by_channel = np.zeros(n_channels)
    np.add.at(by_channel, asked.slot_channel, np.maximum(asked.hands, 0))
    bounded = np.array([(asked.hands[asked.slot_channel == c] >= 0).any() for c in range(n_channels)])
    for _ in range(_SWEEPS):
        for c in range(n_channels):
            if asked.budget_cents[c] >= 0:
                money[c] = _price(part, money, hands, c, part.cost_cents / 100, budget[c], of_money=True)
            if bounded[c]:
                ones = np.ones(len(part.cost_cents))
                hands[c] = _price(part, money, hands, c, ones, by_channel[c] * share, of_money=False)
    return money, hands


def _price(
    part: Problem,
    money: np.ndarray,
    hands: np.ndarray,
    c: int,
    amount: np.ndarray,
    limit: float,
    *,
    of_money: bool,
) -> float:
    """The lowest price at which the demand for channel c stays within its limit, by halving."""
    inside = part.channel == c
    if not inside.any():
        return 0.0
    net = _net(part, money, hands)
    other = np.where(inside, -np.inf, net).max(axis=1).clip(min=0)
    own = money[c] if of_money else hands[c]
    base = net[:, inside] + own * amount[inside]  # before this price
    uses, each = part.uses[:, inside], amount[inside]

    def demand(price: float) -> float:
        asked = base - price * each
        best = asked.argmax(axis=1)
        rows = np.arange(len(best))
        takes = asked[rows, best] > other
        return float((each[best] * uses[rows, best])[takes].sum())

    if demand(0.0) <= limit:
        return 0.0
    finite = np.where(np.isfinite(base), base, 0) / np.maximum(each, 1e-9)
    low, high = 0.0, float(finite.max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if demand(middle) > limit else (low, middle)
    return high


def _net(asked: Problem, money: np.ndarray, hands: np.ndarray) -> np.ndarray:
    price = money[asked.channel] * asked.cost_cents / 100 + hands[asked.channel]
    return np.where(asked.allowed, asked.gain - price[None, :], -np.inf)


def _greedy(asked: Problem, money: np.ndarray, hands: np.ndarray) -> np.ndarray:
    """Rounds: everyone without a play asks for the best one left; the densest gains are served first.

    First at the prices; then, with what is left, by gain alone. The order never looks at who is held out.
    """
    n, n_plays = asked.gain.shape
    chosen = np.full(n, NOBODY, dtype=np.int64)
    budget, left = asked.budget_cents.copy(), asked.hands.copy()
    binds = money[asked.channel] * asked.cost_cents / 100 + hands[asked.channel]
    weight = np.where(binds > 0, binds, np.maximum(asked.cost_cents, 1) / 1e9)  # what is free comes first
    for priced in (True, False):
        zero = np.zeros(len(budget))
        net = _net(asked, money, hands) if priced else _net(asked, zero, zero)
        net[chosen != NOBODY] = -np.inf
        for _ in range(n_plays):
            best = net.argmax(axis=1)
            rows = np.flatnonzero(net[np.arange(n), best] > 0)
            if not len(rows):
                break
            served = _served(asked, rows, best[rows], weight, (budget, left))
            net[rows, best[rows]] = -np.inf
            chosen[rows[served]] = best[rows[served]]
            net[rows[served]] = -np.inf
    return chosen


def _served(
    asked: Problem, rows: np.ndarray, plays: np.ndarray, weight: np.ndarray, limits: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Which of those who ask are served, by gain for what a contact binds at the prices (`weight` of each play).

    What they bind is taken off the `limits`, budgets and hands.
    """
    budget, left = limits
    cost, uses = asked.cost_cents[plays], asked.uses[rows, plays]
    density = asked.gain[rows, plays] / weight[plays]
    order = np.lexsort((asked.tie[rows], -density))
    slot, channel = asked.slot[rows, plays][order], asked.channel[plays][order]
    cost, uses = cost[order], uses[order].astype(np.int64)
    by_hand = (left[slot] < 0) | (_before(slot, uses) + 1 <= left[slot])
    bound = cost * uses * by_hand
    paid = (budget[channel] < 0) | (_before(channel, bound) + cost <= budget[channel])
    served = by_hand & paid
    np.subtract.at(left, slot[served & (left[slot] >= 0)], uses[served & (left[slot] >= 0)])
    spent = served & (budget[channel] >= 0)
    np.subtract.at(budget, channel[spent], (cost * uses)[spent])
    found = np.zeros(len(rows), dtype=bool)
    found[order] = served
    return found


def _before(group: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Sum of `amount` in the same group before each place."""
    order = np.argsort(group, kind="stable")
    running = np.cumsum(amount[order]) - amount[order]
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    lengths = np.diff(np.r_[starts, len(order)])
    found = np.empty(len(group), dtype=np.int64)
    found[order] = running - np.repeat(running[starts], lengths)
    return found


def bound(asked: Problem, choice: Choice) -> float:
    """A sum that no choice can exceed: the Lagrangian bound at the prices found.

    Σ max(0, gain − price × what it binds) + Σ price × limit, over customers and over limits.
    """
    price = choice.money_price[asked.channel] * asked.cost_cents / 100 + choice.hands_price[asked.channel]
    net = np.where(asked.allowed, (asked.gain - price[None, :]) * asked.uses, 0.0)
    limits = float((choice.money_price * np.maximum(asked.budget_cents, 0)).sum() / 100)
    hands = float((choice.hands_price[asked.slot_channel] * np.maximum(asked.hands, 0)).sum())
    return float(net.max(axis=1, initial=0.0).sum()) + limits + hands


def brought(asked: Problem, choice: Choice) -> float:
    """Expected gain of those who are contacted."""
    rows = np.flatnonzero(choice.play != NOBODY)
    plays = choice.play[rows]
    return float((asked.gain[rows, plays] * asked.uses[rows, plays]).sum())
