"""Orders: when (BG/NBD), how much (Gamma-Gamma), which products, and which came back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample.names import CHANNELS, PRODUCTS
from crm_lib.sources.sample.truth import DAYS_AHEAD, LAST_DAY, N_DAYS, START, Purchases

CATEGORIES = ("stove", "accessory", "consumable", "service")
STOVE_FROM, ACCESSORY_FROM = 3_900_00, 400_00
_SPAN = 4_096


@dataclass(frozen=True)
class Latent:
    """What nobody sees of a customer: first day, rate per week, chance to drop out, spend, day of dropout."""

    first_day: np.ndarray
    rate: np.ndarray
    dropout_share: np.ndarray
    nu: np.ndarray
    dropped_on: np.ndarray

    @property
    def alive(self) -> np.ndarray:
        """Whether the customer is still a customer after the last day."""
        return self.dropped_on > LAST_DAY


@dataclass(frozen=True)
class Orders:
    """Orders, one per customer and day: customer number, day number, cents, campaign number (-1: none)."""

    customer: np.ndarray
    day: np.ndarray
    cents: np.ndarray
    campaign: np.ndarray

    def __len__(self) -> int:
        """How many orders."""
        return len(self.customer)

    @staticmethod
    def joined(*parts: Orders) -> Orders:
        """All parts, one after the other."""
        return Orders(*(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True)))

    def where(self, kept: np.ndarray) -> Orders:
        """The orders of a mask or of positions."""
        return Orders(self.customer[kept], self.day[kept], self.cents[kept], self.campaign[kept])


def acquisition_weights(truth: Purchases) -> np.ndarray:
    """How many new customers each day brings, up to scale: growth, month and weekday."""
    dates = np.datetime64(START, "D") + np.arange(N_DAYS)
    months = dates.astype("datetime64[M]").astype(int) % 12
    weekdays = (dates.astype(int) + 3) % 7
    growth = np.exp(np.log1p(truth.growth_per_year) * np.arange(N_DAYS) / 365.25)
    return growth * np.asarray(truth.months)[months] * np.asarray(truth.weekdays)[weekdays]


def history(rng: np.random.Generator, truth: Purchases, n_customers: int) -> tuple[Latent, Orders]:
    """Latent state and orders of all customers, up to a year after the last day, sorted by day."""
    first_day = col.choose(rng, tuple(acquisition_weights(truth)), n_customers)
    first_day.sort()
    rate = np.maximum(rng.gamma(truth.r, 1 / truth.alpha, n_customers), 1e-12)
    dropout_share = rng.beta(truth.a, truth.b, n_customers)
    nu = rng.gamma(truth.q, 1 / truth.gamma, n_customers)
    customer, weeks, dropped_after = _repeat_orders(rng, rate, dropout_share, first_day)
    day = _distinct_days(customer, first_day[customer] + np.ceil(weeks * 7).astype(np.int64), n_customers)
    customer = np.concatenate([np.arange(n_customers), customer])
    day = np.concatenate([first_day, day])
    order = np.lexsort((customer, day))
    customer, day = customer[order], day[order]
    cents = order_values(rng, truth, nu[customer])
    latent = Latent(first_day, rate, dropout_share, nu, first_day + 7 * dropped_after)
    return latent, Orders(customer, day, cents, np.full(len(day), -1))


def _repeat_orders(
    rng: np.random.Generator, rate: np.ndarray, dropout_share: np.ndarray, first_day: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer and weeks since the first order of each repeat order, by customer; weeks until dropout."""
    limit = (LAST_DAY + DAYS_AHEAD - first_day) / 7
    now = np.zeros(len(rate))
    dropped_after = np.full(len(rate), np.inf)
    active = np.arange(len(rate))
    found: list[tuple[np.ndarray, np.ndarray]] = []
    while len(active):
        now[active] += rng.exponential(size=len(active)) / rate[active]
        active = active[now[active] <= limit[active]]
        found.append((active, now[active]))
        left = rng.random(len(active)) < dropout_share[active]
        dropped_after[active[left]] = now[active[left]]
        active = active[~left]
    customer = np.concatenate([c for c, _ in found])
    by_customer = np.argsort(customer, kind="stable")
    return customer[by_customer], np.concatenate([t for _, t in found])[by_customer], dropped_after


def _distinct_days(customer: np.ndarray, day: np.ndarray, n_customers: int) -> np.ndarray:
    """Days moved on by the fewest days that make them distinct within a customer (input sorted by both)."""
    starts = np.searchsorted(customer, np.arange(n_customers))
    nth = np.arange(len(customer)) - starts[customer]
    offset = customer.astype(np.int64) * _SPAN
    return np.maximum.accumulate(offset + day - nth) - offset + nth


def order_values(rng: np.random.Generator, truth: Purchases, nu: np.ndarray) -> np.ndarray:
    """Cents of one order for each nu; one yuan is the smallest order."""
    return np.maximum(np.rint(100 * rng.gamma(truth.p, 1 / nu)), 100).astype(np.int64)


@dataclass(frozen=True)
class Lines:
    """Order lines: position of the order, product number, category number, cents, quantity, cost in cents."""

    order: np.ndarray
    product: np.ndarray
    category: np.ndarray
    cents: np.ndarray
    quantity: np.ndarray
    cost_cents: np.ndarray


def lines(rng: np.random.Generator, truth: Purchases, orders: Orders) -> Lines:
    """One to three lines per order whose cents sum to the order's."""
    n_lines = 1 + col.choose(rng, truth.lines_shares, len(orders))
    n_lines[orders.cents < 60_00] = 1
    position = np.repeat(np.arange(len(orders)), n_lines)
    nth = np.arange(len(position)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    big = orders.cents[position] >= STOVE_FROM
    part = np.where(big, rng.uniform(0.01, 0.06, len(position)), rng.uniform(0.1, 0.33, len(position)))
    cents = np.rint(orders.cents[position] * part).astype(np.int64)
    main = nth == 0
    others = np.bincount(position[~main], cents[~main], len(orders)).astype(np.int64)
    cents[main] = orders.cents - others
    category = _categories(rng, cents)
    product = _products(rng, category, cents, orders.day[position])
    price = np.array([p.price * 100 for p in PRODUCTS])[product]
    quantity = np.maximum(np.rint(cents / price), 1).astype(np.int64)
    share = np.array([truth.cost_shares[c] for c in CATEGORIES])[category]
    noise = 1 + truth.cost_noise * rng.standard_normal(len(cents))
    return Lines(position, product, category, cents, quantity, np.rint(cents * share * noise).astype(np.int64))


def _categories(rng: np.random.Generator, cents: np.ndarray) -> np.ndarray:
    """Category by size of the line; some small lines are services."""
    category = np.select([cents >= STOVE_FROM, cents >= ACCESSORY_FROM], [0, 1], 2)
    service = (cents >= 150_00) & (cents < 900_00) & (rng.random(len(cents)) < 0.16)
    return np.where(service, 3, category)


def _products(rng: np.random.Generator, category: np.ndarray, cents: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The product of the category whose price is near the line, among those already launched."""
    wanted = np.log(cents / 100) + 0.22 * rng.standard_normal(len(cents))
    product = np.zeros(len(cents), dtype=np.int64)
    for code, name in enumerate(CATEGORIES):
        numbers = np.array([i for i, p in enumerate(PRODUCTS) if p.category == name])
        prices = np.log([PRODUCTS[i].price for i in numbers])
        rows = category == code
        product[rows] = numbers[np.searchsorted((prices[1:] + prices[:-1]) / 2, wanted[rows])]
    launched = np.array([(p.launched - START).days for p in PRODUCTS])[product]
    return np.where(launched > day, product - 1, product)


def refunds(rng: np.random.Generator, truth: Purchases, orders: Orders) -> tuple[np.ndarray, np.ndarray]:
    """Positions of orders that are given back, and the day: later, and never a day with an order."""
    back = np.flatnonzero(rng.random(len(orders)) < truth.refund_share)
    day = orders.day[back] + 1 + np.floor(rng.exponential(truth.refund_days_mean, len(back))).astype(np.int64)
    day = next_free_day(day_keys(orders.customer, orders.day), orders.customer[back], day)
    kept = day <= LAST_DAY
    return back[kept], day[kept]


def next_free_day(taken: np.ndarray, customer: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The day itself or the first one after it whose key is not in `taken`."""
    day, taken = day.copy(), np.append(np.sort(taken), np.iinfo(np.int64).max)
    while True:
        wanted = day_keys(customer, day)
        busy = taken[np.searchsorted(taken, wanted)] == wanted
        if not busy.any():
            return day
        day[busy] += 1


def day_keys(customer: np.ndarray, day: np.ndarray) -> np.ndarray:
    """One number for each customer and day, growing with both."""
    return customer * _SPAN + day


@dataclass(frozen=True)
class Ledger:
    """Everything that becomes `transactions`, still as numbers."""

    orders: Orders
    lines: Lines
    refund_of: np.ndarray
    refund_day: np.ndarray


def transactions(
    rng: np.random.Generator,
    truth: Purchases,
    ledgers: dict[str, Ledger],
    channel: np.ndarray,
    discounts: np.random.Generator,
) -> pa.Table:
    """The table of all ledgers, sorted by day and customer; a key of `ledgers` is the prefix of its order ids."""
    parts = [_rows(rng, truth, prefix, ledger, channel, discounts) for prefix, ledger in ledgers.items()]
    return pa.concat_tables(parts).sort_by([("at", "ascending"), ("customer_id", "ascending")])


def _rows(
    rng: np.random.Generator,
    truth: Purchases,
    prefix: str,
    ledger: Ledger,
    channel: np.ndarray,
    discounts: np.random.Generator,
) -> pa.Table:
    orders, lines_ = ledger.orders, ledger.lines
    own = rng.random(len(orders)) < truth.own_channel_share
    own |= channel[orders.customer] == CHANNELS.index("partner")
    bought_in = np.where(own, channel[orders.customer], 1 - np.minimum(channel[orders.customer], 1))
    refund_day = np.full(len(orders), -1)
    refund_day[ledger.refund_of] = ledger.refund_day
    back = refund_day[lines_.order] >= 0
    row = np.concatenate([np.arange(len(lines_.order)), np.flatnonzero(back)])
    sign = np.where(np.arange(len(row)) < len(lines_.order), 1, -1)
    order = lines_.order[row]
    campaign = orders.campaign[order]
    off = _discounts(discounts, truth, orders, lines_)
    return pa.table(
        {
            "customer_id": col.ids("C", orders.customer[order] + 1, id_width(len(channel))),
            "at": col.days(np.where(sign > 0, orders.day[order], refund_day[order])),
            "amount": col.money(sign * lines_.cents[row]),
            "order_id": col.ids(prefix, order + 1, 6),
            "product_id": col.pick(tuple(p.product_id for p in PRODUCTS), lines_.product[row]),
            "category": col.pick(CATEGORIES, lines_.category[row]),
            "channel": col.pick(CHANNELS, bought_in[order]),
            "campaign_id": col.ids("M", campaign + 1, 2, missing=campaign < 0),
            "quantity": col.counts(sign * lines_.quantity[row]),
            "cost_amount": col.money(sign * lines_.cost_cents[row]),
            "discount_amount": col.money(sign * off[row]),
        }
    )


def _discounts(rng: np.random.Generator, truth: Purchases, orders: Orders, lines_: Lines) -> np.ndarray:
    """Cents off the list price of each line; what was paid does not change, the list price lies above it."""
    month = col.months(orders.day)[lines_.order]
    share = np.where(
        np.isin(month, truth.discount_season_months), truth.discounted_in_season_share, truth.discounted_share
    )
    share = np.where(orders.campaign[lines_.order] >= 0, truth.discounted_by_campaign_share, share)
    depth = np.array(truth.discount_depths)[rng.integers(0, len(truth.discount_depths), len(share))]
    cents = np.rint(lines_.cents * depth / (1 - depth)).astype(np.int64)
    return np.where(rng.random(len(share)) < share, cents, 0)


def id_width(n: int) -> int:
    """Digits of an id when there are `n` of them."""
    return max(5, len(str(n)))
