"""Customers: what the company knows of each one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample import names
from crm_lib.sources.sample.purchases import Latent, Ledger, Orders, id_width
from crm_lib.sources.sample.truth import LAST_DAY, NEVER, Customers

PARTNER = names.CHANNELS.index("partner")


@dataclass(frozen=True)
class Attributes:
    """Attributes as codes: channel, region, owner and the day (a big number: never) of withdrawal from contact."""

    channel: np.ndarray
    region: np.ndarray
    city: np.ndarray
    owner: np.ndarray
    consent: np.ndarray
    unsubscribed_day: np.ndarray


OWNERS = tuple(owner for region in names.REGIONS for owner in region.owners)
CITIES = tuple(city for region in names.REGIONS for city in region.cities)


def attributes(rng: np.random.Generator, truth: Customers, latent: Latent) -> Attributes:
    """Draw the attributes; only being a partner is linked to purchases, through spend per order."""
    n = len(latent.nu)
    spend_rank = np.argsort(np.argsort(-latent.nu)) / n
    ranks, shares = (np.array(x) for x in zip(*truth.partner_shares, strict=True))
    partner_share = shares[np.searchsorted(ranks, spend_rank, side="right") - 1]
    channel = np.where(rng.random(n) < truth.web_shop_share, 1, 0)
    channel = np.where(rng.random(n) < partner_share, PARTNER, channel)
    region = col.choose(rng, tuple(r.share for r in names.REGIONS), n)
    owner = member(rng, region, tuple(len(r.owners) for r in names.REGIONS))
    city = member(rng, region, tuple(len(r.cities) for r in names.REGIONS))
    years = rng.exponential(1 / truth.unsubscribed_per_year, n)
    leaves = latent.first_day + np.ceil(365 * years).astype(np.int64)
    unsubscribed_day = np.where(leaves <= LAST_DAY, leaves, NEVER)
    return Attributes(channel, region, city, owner, rng.random(n) < truth.consent_share, unsubscribed_day)


def member(rng: np.random.Generator, group: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """A member of each row's group, equally likely, numbered through all groups."""
    first = np.cumsum(sizes) - np.asarray(sizes)
    return first[group] + np.floor(rng.random(len(group)) * np.asarray(sizes)[group]).astype(np.int64)


def table(
    rng: np.random.Generator,
    truth: Customers,
    people: Attributes,
    since: np.ndarray,
    ledgers: dict[str, Ledger],
) -> pa.Table:
    """The customers table; points follow from what was spent, refunds deducted."""
    n = len(since)
    partner = people.channel == PARTNER
    points = _points(ledgers, n)
    contract_end, no_contract = _contracts(rng, truth, ledgers["S"], n)
    birth = np.clip(np.rint(rng.normal(1984, 10, n)), 1944, 2004)
    no_birth = partner | (rng.random(n) >= truth.birth_year_known_share)
    industry = col.choose(rng, names.INDUSTRY_SHARES, n)
    size = col.choose(rng, names.SIZE_SHARES, n)
    female = col.choose(rng, (0.56, 0.44), n)
    return pa.table(
        {
            "customer_id": col.ids("C", np.arange(1, n + 1), id_width(n)),
            "since": col.days(since),
            "name": _names(rng, partner),
            "owner": col.pick(OWNERS, people.owner),
            "consent": pa.array(people.consent),
            "unsubscribed_on": col.days(people.unsubscribed_day, people.unsubscribed_day > LAST_DAY),
            "contract_end": col.days(contract_end, no_contract),
            "channel": col.pick(names.CHANNELS, people.channel),
            "region": col.pick(tuple(r.name for r in names.REGIONS), people.region),
            "city": col.pick(CITIES, people.city),
            "birth_year": col.counts(birth, no_birth),
            "gender": col.pick(("female", "male"), female, partner),
            "industry": col.pick(names.INDUSTRIES, industry, ~partner),
            "size": col.pick(names.SIZES, size, ~partner),
            "tier": col.pick(names.TIERS, np.searchsorted(names.TIER_FROM_POINTS, points, side="right")),
            "points": col.counts(points),
        }
    )


def _names(rng: np.random.Generator, partner: np.ndarray) -> pa.Array:
    """Invented names: a person's, or a firm's for partners."""
    n, n_given, n_firms = len(partner), len(names.GIVEN), len(names.FIRMS)
    people = tuple(f"{s} {g}" for s in names.SURNAMES for g in names.GIVEN)
    firms = tuple(f"{s} {g} {f}" for s in names.SURNAMES for g in names.GIVEN for f in names.FIRMS)
    person = rng.integers(0, len(names.SURNAMES) * n_given, n)
    firm = person * n_firms + rng.integers(0, n_firms, n)
    return col.pick(people + firms, np.where(partner, len(people) + firm, person))


def _points(ledgers: dict[str, Ledger], n_customers: int) -> np.ndarray:
    """One point per ten yuan kept."""
    cents = np.zeros(n_customers)
    for ledger in ledgers.values():
        cents += np.bincount(ledger.orders.customer, ledger.orders.cents, n_customers)
        back = ledger.orders.where(ledger.refund_of)
        cents -= np.bincount(back.customer, back.cents, n_customers)
    return np.floor(cents / 1_000).astype(np.int64)


def _contracts(
    rng: np.random.Generator, truth: Customers, ledger: Ledger, n_customers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Last day of the service contract, for some of those who bought a stove: one to three years after it."""
    first = first_stove_day(ledger.orders, ledger.lines.order[ledger.lines.category == 0], n_customers)
    none = (first == NEVER) | (rng.random(n_customers) >= truth.contract_share_of_stove_buyers)
    return np.where(none, 0, first) + 365 * rng.integers(1, 4, n_customers), none


def first_stove_day(orders: Orders, stove_orders: np.ndarray, n_customers: int) -> np.ndarray:
    """Day of each customer's first stove, or NEVER."""
    first = np.full(n_customers, NEVER)
    np.minimum.at(first, orders.customer[stove_orders], orders.day[stove_orders])
    return first
