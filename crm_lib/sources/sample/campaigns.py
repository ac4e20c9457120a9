"""Campaigns: plans, costs, contacts drawn into arms, and the extra orders they bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample.campaign_plans import PERIODS, PLANS, Plan
from crm_lib.sources.sample.customers import Attributes, first_stove_day
from crm_lib.sources.sample.purchases import (
    Latent,
    Ledger,
    Orders,
    day_keys,
    id_width,
    next_free_day,
    order_values,
)
from crm_lib.sources.sample.truth import LAST_DAY, NEVER, Campaigns, Purchases, day_number

RESPONSES = ("yes", "no")
GROUPS = ("group 1: yes", "group 2: no answer", "group 3: no")
_COST_MIX = {
    "exhibition": {"material": 0.46, "personnel": 0.30, "promotion": 0.14, "training": 0.10},
    "e-mail": {"promotion": 0.52, "personnel": 0.33, "material": 0.15},
    "advertisement": {"advertising": 0.86, "personnel": 0.09, "material": 0.05},
    "online": {"advertising": 0.62, "promotion": 0.24, "personnel": 0.14},
    "questionnaire": {"personnel": 0.55, "promotion": 0.35, "other": 0.10},
}
_HOURLY_CENTS = 90_00


def table() -> pa.Table:
    """The campaigns table; amounts granted are a little under those asked for."""
    n = len(PLANS)
    starts, ends = (np.array([day_number(d) for d in days]) for days in PERIODS)
    parent = np.array([p.parent or 0 for p in PLANS])
    budget = np.array([p.budget for p in PLANS])
    granted = np.array([p.status != "applied" for p in PLANS])
    return pa.table(
        {
            "campaign_id": col.ids("M", np.arange(1, n + 1), 2),
            "name": pa.array([p.name for p in PLANS]),
            "parent_id": col.ids("M", parent, 2, parent == 0),
            "kind": pa.array([p.kind for p in PLANS]),
            "purpose": pa.array([p.purpose for p in PLANS]),
            "channel": pa.array([p.channel for p in PLANS]),
            "applied_on": col.days(np.array([day_number(p.applied) for p in PLANS])),
            "starts_on": col.days(starts, starts == NEVER),
            "ends_on": col.days(ends, ends == NEVER),
            "status": pa.array([p.status for p in PLANS]),
            "applied_amount": col.money(np.rint(budget * 1.1 / 1000) * 1000 * 100),
            "approved_amount": col.money(budget * 100, ~granted),
        }
    )


def costs(rng: np.random.Generator) -> pa.Table:
    """Budget and actual costs by category, and quarterly overhead without a campaign."""
    rows: list[tuple[str, str, int, int, int, float | None]] = []
    for i, plan in enumerate(PLANS):
        rows += _plan_costs(rng, i + 1, plan)
    for day in range(45, LAST_DAY, 91):
        for category, yuan in (("personnel", 21_000), ("training", 3_500), ("other", 2_200)):
            spent = round(yuan * 100 * rng.uniform(0.92, 1.12))
            hours = round(spent / _HOURLY_CENTS, 1) if category == "personnel" else None
            rows += [("budget", category, yuan * 100, day, 0, None), ("actual", category, spent, day, 0, hours)]
    kind, category, cents, day, campaign, hours = (list(column) for column in zip(*rows, strict=True))
    campaign = np.array(campaign)
    return pa.table(
        {
            "kind": pa.array(kind),
            "category": pa.array(category),
            "amount": col.money(np.array(cents)),
            "spent_on": col.days(np.array(day)),
            "campaign_id": col.ids("M", campaign, 2, campaign == 0),
            "hours": pa.array(hours, pa.float64()),
        }
    )


def _plan_costs(rng: np.random.Generator, campaign: int, plan: Plan) -> list[tuple]:
    """Budget on the day of application when granted; actual costs on days of the campaign."""
    if plan.status == "applied":
        return []
    rows = []
    start, end = day_number(plan.starts), min(day_number(plan.ends), LAST_DAY)
    for category, share in _COST_MIX[plan.kind].items():
        budget = round(plan.budget * share) * 100
        rows.append(("budget", category, budget, day_number(plan.applied), campaign, None))
        if plan.starts is None:
            continue
        spent = round(budget * rng.uniform(0.82, 1.17))
        hours = round(spent / _HOURLY_CENTS, 1) if category == "personnel" else None
        rows.append(("actual", category, spent, int(rng.integers(start, end + 1)), campaign, hours))
    return rows


@dataclass(frozen=True)
class Contacts:
    """One row per customer and campaign, as numbers; `extra` marks those who ordered because of it."""

    campaign: np.ndarray
    customer: np.ndarray
    assigned: np.ndarray
    treated: np.ndarray
    delivered: np.ndarray
    opened: np.ndarray
    clicked: np.ndarray
    answered: np.ndarray
    yes: np.ndarray
    delays: np.ndarray
    extra: np.ndarray
    extra_after: np.ndarray

    @staticmethod
    def joined(parts: list[Contacts]) -> Contacts:
        """All parts, one after the other."""
        return Contacts(
            *(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True))
        )


def contacts(
    rng: np.random.Generator, truth: Campaigns, latent: Latent, people: Attributes, ledger: Ledger
) -> tuple[Contacts, np.ndarray]:
    """Contacts of all campaigns in order of time, and the days of withdrawal, some because of a contact."""
    unsubscribed = people.unsubscribed_day.copy()
    parts = []
    for i, plan in sorted(enumerate(PLANS), key=lambda pair: day_number(pair[1].starts)):
        if not plan.contacted:
            continue
        day = day_number(plan.starts)
        able = people.consent & (unsubscribed > day) & _eligible(plan, latent, ledger, day)
        n = min(round(plan.contacted * len(latent.nu)), int(0.8 * able.sum()))
        chosen = np.sort(rng.choice(np.flatnonzero(able), n, replace=False))
        part = _contact(rng, truth, i, plan, chosen)
        parts.append(part)
        annoyed = chosen[part.delivered & (rng.random(n) < truth.unsubscribed_after_contact_share)]
        leaves = day + rng.integers(1, 15, len(annoyed))
        unsubscribed[annoyed] = np.minimum(unsubscribed[annoyed], np.where(leaves <= LAST_DAY, leaves, NEVER))
    return Contacts.joined(parts), unsubscribed


def _eligible(plan: Plan, latent: Latent, ledger: Ledger, day: int) -> np.ndarray:
    """Who a campaign may go to: known for a month, and silent, an owner of our goods, or a repeat buyer."""
    orders = ledger.orders.where(ledger.orders.day < day)
    n = len(latent.nu)
    known = latent.first_day < day - 30
    if plan.purpose == "win-back":
        last = np.full(n, -1)
        np.maximum.at(last, orders.customer, orders.day)
        return known & (last < day - 180)
    if plan.purpose == "retention":
        return known & (np.bincount(orders.customer, minlength=n) >= 2)
    stoves = ledger.lines.order[ledger.lines.category < 2]
    return known & (first_stove_day(ledger.orders, stoves, n) < day)


def _contact(
    rng: np.random.Generator, truth: Campaigns, campaign: int, plan: Plan, chosen: np.ndarray
) -> Contacts:
    """Draw arms and answers; nothing that happens depends on whether effects are switched on."""
    n = len(chosen)
    treated = rng.random(n) >= plan.control_share
    delivered = treated & (rng.random(n) < plan.delivered)
    opened = delivered & (rng.random(n) < plan.opened)
    clicked = opened & (rng.random(n) < plan.clicked)
    answered = opened & (rng.random(n) < plan.answered)
    yes = answered & (rng.random(n) < plan.yes)
    delays = np.cumsum(rng.exponential((0.05, 1.2, 0.1, 0.8), (n, 4)), axis=1)
    days_left = LAST_DAY - day_number(plan.starts)
    window = min(truth.window_days, days_left)
    extra = treated & (rng.random(n) < plan.uplift)
    after = 1 + np.floor(rng.random(n) * (window - 3)).astype(np.int64)
    assigned = day_number(plan.starts) + rng.random(n)
    campaign_of = np.full(n, campaign)
    return Contacts(
        campaign_of, chosen, assigned, treated, delivered, opened, clicked, answered, yes, delays, extra, after
    )


def extra_orders(
    rng: np.random.Generator, truth: Purchases, latent: Latent, sent: Contacts, ledger: Ledger
) -> Orders:
    """The orders that campaigns bring, on days on which the customer has neither order nor refund."""
    rows = np.flatnonzero(sent.extra)
    rows = rows[np.argsort(sent.assigned[rows], kind="stable")]
    customer = sent.customer[rows]
    back = ledger.orders.customer[ledger.refund_of]
    taken = day_keys(
        np.concatenate([ledger.orders.customer, back]), np.concatenate([ledger.orders.day, ledger.refund_day])
    )
    day = next_free_day(taken, customer, np.floor(sent.assigned[rows]).astype(np.int64) + sent.extra_after[rows])
    found = Orders(customer, day, order_values(rng, truth, latent.nu[customer]), sent.campaign[rows])
    _, first = np.unique(day_keys(customer, day), return_index=True)
    kept = np.sort(first[day[first] <= LAST_DAY])
    return found.where(kept)


def contact_table(
    rng: np.random.Generator, truth: Campaigns, sent: Contacts, orders: Orders, n_customers: int
) -> pa.Table:
    """The contacts table with orders and revenue within the window of each contact."""
    n_orders, cents = _outcomes(truth, sent, orders)
    visits = n_orders + rng.poisson(0.25 + 0.5 * sent.clicked)
    when = sent.assigned[:, None] + sent.delays
    came = [sent.delivered, sent.opened, sent.clicked, sent.answered]
    came = [c & (when[:, i] < LAST_DAY + 1) for i, c in enumerate(came)]
    delivered, opened, clicked, answered = (col.times(when[:, i], ~c) for i, c in enumerate(came))
    group = np.where(came[3], np.where(sent.yes, 0, 2), 1)
    return pa.table(
        {
            "campaign_id": col.ids("M", sent.campaign + 1, 2),
            "assigned_at": col.times(sent.assigned),
            "customer_id": col.ids("C", sent.customer + 1, id_width(n_customers)),
            "arm": col.pick(("control", "treated"), sent.treated.astype(int)),
            "response_group": col.pick(GROUPS, group, ~sent.treated),
            "channel": col.pick(tuple(p.channel for p in PLANS), sent.campaign, ~sent.treated),
            "delivered_at": delivered,
            "opened_at": opened,
            "clicked_at": clicked,
            "responded_at": answered,
            "response": col.pick(RESPONSES, (~sent.yes).astype(int), ~came[3]),
            "visits": col.counts(visits),
            "orders": col.counts(n_orders),
            "revenue_amount": col.money(cents),
        }
    )


def _outcomes(truth: Campaigns, sent: Contacts, orders: Orders) -> tuple[np.ndarray, np.ndarray]:
    """Orders and cents in the window after assignment, the days after that of the contact."""
    keys = day_keys(orders.customer, orders.day)
    by_key = np.argsort(keys, kind="stable")
    total = np.concatenate([[0], np.cumsum(orders.cents[by_key])])
    day = np.floor(sent.assigned).astype(np.int64)
    first = np.searchsorted(keys[by_key], day_keys(sent.customer, day + 1))
    last = np.searchsorted(keys[by_key], day_keys(sent.customer, day + truth.window_days), side="right")
    return last - first, total[last] - total[first]
