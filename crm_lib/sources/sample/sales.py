"""Leads, opportunities and the stages they pass through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample import names
from crm_lib.sources.sample.campaign_plans import PERIODS, PLANS
from crm_lib.sources.sample.customers import OWNERS, Attributes, member
from crm_lib.sources.sample.purchases import Ledger, acquisition_weights, id_width
from crm_lib.sources.sample.truth import LAST_DAY, N_DAYS, Purchases, Sales, day_number

SOURCES = ("Shop", "Web shop", "Referral", "Partner", "Exhibition", "Advertisement")
_SOURCE_OF_KIND = {"exhibition": 4, "advertisement": 5, "online": 1}
_STOVES = [i for i, p in enumerate(names.PRODUCTS) if p.category == "stove"]


@dataclass(frozen=True)
class Leads:
    """Leads as numbers: when created, source, campaign (-1: none), and when qualified (infinite: never)."""

    created: np.ndarray
    source: np.ndarray
    campaign: np.ndarray
    qualified: np.ndarray


def leads(rng: np.random.Generator, truth: Sales, purchases: Purchases, n_customers: int) -> Leads:
    """Leads over three years, some of them brought by campaigns, and who is qualified when."""
    n = round(truth.leads_per_customer * n_customers)
    day = col.choose(rng, tuple(acquisition_weights(purchases)), n)
    source = col.choose(rng, tuple(truth.source_shares.values()), n)
    campaign = np.where(
        rng.random(n) < truth.campaign_lead_share, col.choose(rng, tuple(p.lead_weight for p in PLANS), n), -1
    )
    from_campaign = campaign >= 0
    starts, ends = (np.array([day_number(d) for d in days]) for days in PERIODS)
    span = rng.random(n) * (ends - starts + 14)[campaign]
    day = np.where(from_campaign, np.minimum(starts[campaign] + np.floor(span), LAST_DAY), day)
    kinds = np.array([_SOURCE_OF_KIND.get(p.kind, 0) for p in PLANS])
    source = np.where(from_campaign, kinds[campaign], source)
    created = np.sort(day + rng.random(n))
    order = np.argsort(day, kind="stable")
    source, campaign = source[order], campaign[order]
    share = np.array([truth.qualified_shares[s] for s in SOURCES])[source]
    after = rng.exponential(truth.qualification_days_mean, n)
    return Leads(created, source, campaign, np.where(rng.random(n) < share, created + after, np.inf))


@dataclass(frozen=True)
class Deals:
    """Opportunities as numbers. Times may lie after the last day; the tables then don't show them."""

    lead: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    won: np.ndarray
    event_deal: np.ndarray
    event_stage: np.ndarray
    event_at: np.ndarray
    entered: np.ndarray


def deals(rng: np.random.Generator, truth: Sales, found: Leads) -> Deals:
    """The way of each qualified lead through the stages, to its end whenever that is."""
    lead = np.flatnonzero(np.isfinite(found.qualified))
    lead = lead[np.argsort(found.qualified[lead], kind="stable")]
    n, n_stages = len(lead), len(truth.stages)
    now = found.qualified[lead].copy()
    opened = now.copy()
    at = np.zeros(n, dtype=np.int64)
    lost = np.zeros(n, dtype=bool)
    turns_back = rng.random(n) < truth.reversal_share
    back_at = rng.integers(1, n_stages, n)
    entered = np.zeros((n, n_stages), dtype=bool)
    events: list[tuple[np.ndarray, int, np.ndarray]] = []
    for k, stage in enumerate(truth.stages):
        here = (at == k) & ~lost
        entered[:, k] = here
        events.append((np.flatnonzero(here), k, now[here]))
        reverse = np.flatnonzero(here & turns_back & (back_at == k))
        for step in (k - 1, k):
            now[reverse] += _days(rng, stage.median_days, stage.sigma, len(reverse))
            events.append((reverse, step, now[reverse].copy()))
        moves = rng.random(n) < stage.conversion
        stay = _days(rng, stage.median_days, stage.sigma, n)
        loss = _days(rng, stage.lost_median_days, stage.lost_sigma, n)
        now = np.where(here, now + np.where(moves, stay, loss), now)
        lost |= here & ~moves
        skips = (rng.random(n) < truth.skip_share) & (k < n_stages - 2)
        at = np.where(here & moves, k + 1 + skips, at)
    deal, step, when = (
        np.concatenate(c) for c in zip(*((d, np.full(len(d), k), t) for d, k, t in events), strict=True)
    )
    order = np.lexsort((when, deal))
    return Deals(lead, opened, now, ~lost, deal[order], step[order], when[order], entered)


def _days(rng: np.random.Generator, median: float, sigma: float, n: int) -> np.ndarray:
    """Log-normal days, an hour at least."""
    return np.maximum(median * np.exp(sigma * rng.standard_normal(n)), 1 / 24)


@dataclass(frozen=True)
class Links:
    """What each deal is about: customer (-1: none yet), cents, product, region, owner."""

    customer: np.ndarray
    cents: np.ndarray
    product: np.ndarray
    region: np.ndarray
    owner: np.ndarray


def links(
    rng: np.random.Generator,
    truth: Sales,
    purchases: Purchases,
    pursued: Deals,
    people: Attributes,
    ledger: Ledger,
) -> Links:
    """Join won deals to large orders placed soon after signing; others get an amount of the same distribution."""
    n = len(pursued.lead)
    cents = _amounts(rng, truth, purchases, n)
    wanted = np.log(cents / 100) + 0.22 * rng.standard_normal(n)
    prices = np.log([names.PRODUCTS[i].price for i in _STOVES])
    product = np.array(_STOVES)[np.searchsorted((prices[1:] + prices[:-1]) / 2, wanted)]
    launched = np.array([day_number(p.launched) for p in names.PRODUCTS])
    product = np.where(launched[product] > pursued.opened, product - 1, product)
    region = col.choose(rng, tuple(r.share for r in names.REGIONS), n)
    owner = member(rng, region, tuple(len(r.owners) for r in names.REGIONS))
    customer = np.full(n, -1)
    deal, order = _matches(truth, pursued, ledger)
    main = _main_product(ledger)
    customer[deal] = ledger.orders.customer[order]
    cents[deal] = ledger.orders.cents[order]
    product[deal] = np.where(np.isin(main[order], _STOVES), main[order], product[deal])
    region[deal] = people.region[customer[deal]]
    owner[deal] = people.owner[customer[deal]]
    return Links(customer, cents, product, region, owner)


def _amounts(rng: np.random.Generator, truth: Sales, purchases: Purchases, n: int) -> np.ndarray:
    """Order values of at least the smallest deal, in cents."""
    found = np.empty(0)
    while len(found) < n:
        value = rng.gamma(purchases.p, 1 / rng.gamma(purchases.q, 1 / purchases.gamma, 4 * n + 100))
        found = np.concatenate([found, value[value >= truth.smallest_amount]])
    return np.rint(found[:n] * 100).astype(np.int64)


def _matches(truth: Sales, pursued: Deals, ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Each won deal, by time, takes the first large order still free from its day on, if soon enough."""
    big = np.flatnonzero(ledger.orders.cents >= 100 * truth.smallest_amount)
    won = np.flatnonzero(pursued.won & (pursued.closed < N_DAYS))
    won = won[np.argsort(pursued.closed[won], kind="stable")]
    close = np.floor(pursued.closed[won])
    ranks = np.arange(len(won))
    place = ranks + np.maximum.accumulate(np.searchsorted(ledger.orders.day[big], close) - ranks)
    won, close, place = (x[place < len(big)] for x in (won, close, place))
    soon = ledger.orders.day[big[place]] - close <= truth.order_within_days
    return won[soon], big[place[soon]]


def _main_product(ledger: Ledger) -> np.ndarray:
    """Product of the first line of each order."""
    _, first = np.unique(ledger.lines.order, return_index=True)
    return ledger.lines.product[first]


def lead_table(found: Leads, pursued: Deals, linked: Links, since: np.ndarray) -> pa.Table:
    """The leads table; a lead knows its customer only when there was one already."""
    n = len(found.created)
    opportunity = np.full(n, -1)
    opportunity[pursued.lead] = np.arange(len(pursued.lead))
    customer = np.where(opportunity >= 0, linked.customer[opportunity], -1)
    known = (customer >= 0) & (since[customer] <= found.created)
    open_ = ~(found.qualified < N_DAYS)
    return pa.table(
        {
            "lead_id": col.ids("L", np.arange(1, n + 1), id_width(n)),
            "created_at": col.times(found.created),
            "customer_id": col.ids("C", customer + 1, id_width(len(since)), ~known),
            "campaign_id": col.ids("M", found.campaign + 1, 2, found.campaign < 0),
            "source": col.pick(SOURCES, found.source),
            "qualified_at": col.times(found.qualified, open_),
            "opportunity_id": col.ids("D", opportunity + 1, id_width(n), open_),
            "status": col.pick(("qualified",), np.zeros(n), open_),
        }
    )


def opportunity_table(
    rng: np.random.Generator, truth: Sales, found: Leads, pursued: Deals, linked: Links, n_customers: int
) -> pa.Table:
    """The opportunities opened by the last day; what closed later is open."""
    n, n_leads = len(pursued.lead), len(found.created)
    days = truth.expected_days_median * np.exp(truth.expected_days_sigma * rng.standard_normal(n))
    expected = np.minimum(pursued.opened + days, LAST_DAY + 180)
    still_open = pursued.closed >= N_DAYS
    campaign = found.campaign[pursued.lead]
    return pa.table(
        {
            "opportunity_id": col.ids("D", np.arange(1, n + 1), id_width(n_leads)),
            "opened_at": col.times(pursued.opened),
            "customer_id": col.ids("C", linked.customer + 1, id_width(n_customers), linked.customer < 0),
            "lead_id": col.ids("L", pursued.lead + 1, id_width(n_leads)),
            "campaign_id": col.ids("M", campaign + 1, 2, campaign < 0),
            "owner": col.pick(OWNERS, linked.owner),
            "region": col.pick(tuple(r.name for r in names.REGIONS), linked.region),
            "product": col.pick(tuple(p.name for p in names.PRODUCTS), linked.product),
            "source": col.pick(SOURCES, found.source[pursued.lead]),
            "amount": col.money(linked.cents),
            "expected_close_on": col.days(np.floor(expected).astype(np.int64)),
            "closed_at": col.times(pursued.closed, still_open),
            "outcome": col.pick(("lost", "won"), pursued.won.astype(int), still_open),
        }
    ).filter(pa.array(pursued.opened < N_DAYS))


def stage_table(truth: Sales, found: Leads, pursued: Deals) -> pa.Table:
    """The stage events up to the last day."""
    return pa.table(
        {
            "opportunity_id": col.ids("D", pursued.event_deal + 1, id_width(len(found.created))),
            "stage": col.pick(tuple(s.name for s in truth.stages), pursued.event_stage),
            "entered_at": col.times(pursued.event_at),
        }
    ).filter(pa.array(pursued.event_at < N_DAYS))
