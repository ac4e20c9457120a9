"""Generating parameters of the sample company: what an estimator should find again.

Weeks, days and shares are said in the names; money is CNY. Everything is a plain number, so that
`dataclasses.asdict` is the content of `truth.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from crm_lib.sources.sample.names import HOSTILE_ASPECT, HOSTILE_STAGE

START = date(2023, 11, 1)
END = date(2026, 10, 31)
N_DAYS = (END - START).days + 1
LAST_DAY = N_DAYS - 1
DAYS_AHEAD = 364
SEED = 7
N_CUSTOMERS = 5_000
NEVER = 10**6


def day_number(day: date | str | None) -> int:
    """Days since the first day of the sample; NEVER for none."""
    if day is None:
        return NEVER
    return ((date.fromisoformat(day) if isinstance(day, str) else day) - START).days


@dataclass(frozen=True)
class Purchases:
    """BG/NBD order times in weeks and Gamma-Gamma order values in CNY.

    A customer's orders after the first come at a rate drawn from Gamma(r, alpha) per week; after each of
    them the customer drops out with a chance drawn from Beta(a, b). Values of orders, the first included,
    are Gamma(p, nu) with nu from Gamma(q, gamma), independent of rate and dropout.
    """

    r: float = 0.72
    alpha: float = 12.5
    a: float = 0.85
    b: float = 3.4
    p: float = 1.15
    q: float = 3.4
    gamma: float = 4_400.0
    growth_per_year: float = 0.22
    months: tuple[float, ...] = (0.86, 0.72, 1.02, 1.0, 1.08, 1.22, 0.94, 0.9, 1.04, 1.1, 1.26, 1.0)
    weekdays: tuple[float, ...] = (0.9, 0.88, 0.9, 0.94, 1.04, 1.22, 1.12)
    lines_shares: tuple[float, ...] = (0.62, 0.29, 0.09)
    own_channel_share: float = 0.88
    cost_shares: dict[str, float] = field(
        default_factory=lambda: {"stove": 0.58, "accessory": 0.52, "consumable": 0.41, "service": 0.66}
    )
    cost_noise: float = 0.03
    refund_share: float = 0.02
    refund_days_mean: float = 12.0
    discounted_share: float = 0.12
    discounted_in_season_share: float = 0.34
    discount_season_months: tuple[int, ...] = (6, 11)
    discounted_by_campaign_share: float = 0.6
    discount_depths: tuple[float, ...] = (0.05, 0.10, 0.15, 0.20)


@dataclass(frozen=True)
class Customers:
    """Attributes. Being a partner is the one link to purchases: partners spend more per order.

    `partner_shares` holds (from this rank of mean spend, 0–1, on; chance to be a partner).
    """

    partner_shares: tuple[tuple[float, float], ...] = ((0.0, 0.04), (0.9, 0.3), (0.98, 0.9))
    web_shop_share: float = 0.38
    consent_share: float = 0.86
    birth_year_known_share: float = 0.91
    unsubscribed_per_year: float = 0.012
    contract_share_of_stove_buyers: float = 0.35


@dataclass(frozen=True)
class Stage:
    """A stage: chance to move on from it, log-normal days until moving on, and days until lost."""

    name: str
    conversion: float
    median_days: float
    sigma: float
    lost_median_days: float
    lost_sigma: float = 0.9


STAGES = (
    Stage("Enquiry", 0.78, 6.0, 0.8, 18.0),
    Stage("Home visit", 0.84, 10.0, 0.6, 24.0),
    Stage(HOSTILE_STAGE, 0.70, 18.0, 0.7, 32.0),
    Stage("Negotiation", 0.76, 13.0, 0.8, 27.0),
    Stage("Signing", 0.93, 5.0, 0.7, 12.0),
)


@dataclass(frozen=True)
class Sales:
    """Leads and opportunities."""

    leads_per_customer: float = 1.3
    campaign_lead_share: float = 0.18
    source_shares: dict[str, float] = field(
        default_factory=lambda: {"Shop": 0.34, "Web shop": 0.33, "Referral": 0.18, "Partner": 0.15}
    )
    qualified_shares: dict[str, float] = field(
        default_factory=lambda: {
            "Shop": 0.50,
            "Web shop": 0.34,
            "Referral": 0.66,
            "Partner": 0.55,
            "Exhibition": 0.42,
            "Advertisement": 0.30,
        }
    )
    qualification_days_mean: float = 5.0
    stages: tuple[Stage, ...] = STAGES
    skip_share: float = 0.05
    reversal_share: float = 0.04
    smallest_amount: float = 4_500.0
    expected_days_median: float = 65.0
    expected_days_sigma: float = 0.35
    order_within_days: int = 21


@dataclass(frozen=True)
class Campaigns:
    """What is common to all campaigns with contacts; rates of each stand in its plan."""

    window_days: int = 42
    unsubscribed_after_contact_share: float = 0.006


@dataclass(frozen=True)
class Aspect:
    """An aspect of satisfaction: latent means before rounding and clipping to 1–10."""

    name: str
    expected_mean: float
    perceived_mean: float
    complaint_weight: float


ASPECTS = (
    Aspect("Product quality", 8.1, 8.3, 0.16),
    Aspect("Design", 7.6, 8.2, 0.04),
    Aspect("Installation", 8.3, 6.7, 0.34),
    Aspect("Delivery", 7.7, 7.5, 0.16),
    Aspect("Advice", 7.2, 7.7, 0.06),
    Aspect("Price for value", 7.4, 7.1, 0.10),
    Aspect(HOSTILE_ASPECT, 7.5, 7.2, 0.14),
)


@dataclass(frozen=True)
class Touchpoint:
    """A moment that is asked about: how often, shift of perceived scores, share who walked away, days after."""

    name: str
    share: float
    shift: float
    walked_away_share: float
    days_after_order: int


TOUCHPOINTS = (
    Touchpoint("Shop visit", 0.14, 0.15, 0.02, 1),
    Touchpoint("Web shop", 0.16, 0.0, 0.03, 1),
    Touchpoint("Consultation", 0.12, 0.35, 0.015, 1),
    Touchpoint("Delivery", 0.18, 0.0, 0.03, 5),
    Touchpoint("Installation", 0.16, -0.75, 0.09, 9),
    Touchpoint("First use", 0.14, 0.4, 0.02, 25),
    Touchpoint("Service call", 0.10, -0.3, 0.06, 80),
)


@dataclass(frozen=True)
class Voices:
    """Surveys and cases. Mood depends on value, and so does the chance to answer: the bias is known.

    P(answer) = 1 / (1 + exp(-(intercept + slope · z))), z the normal score of the rank of a customer's spend;
    mood = loading · z + √(1 − loading²) · noise.
    """

    asked_per_customer: float = 0.64
    answer_intercept: float = -0.75
    answer_slope: float = 0.7
    mood_loading: float = 0.45
    score_sd: float = 1.15
    mood_on_score: float = 0.75
    missing_share: float = 0.015
    missing_codes: tuple[int, int] = (0, -99)
    comment_share: float = 0.14
    aspects: tuple[Aspect, ...] = ASPECTS
    touchpoints: tuple[Touchpoint, ...] = TOUCHPOINTS
    complaint_per_order: float = 0.022
    question_per_order: float = 0.015
    failure_per_stove: float = 0.07
    failing_product: str = "P04"
    failure_per_failing_stove: float = 0.16
    failure_days_mean: float = 260.0
    close_days_median: float = 4.0
    close_days_sigma: float = 1.1


@dataclass(frozen=True)
class Truth:
    """All generating parameters of the sample company."""

    purchases: Purchases = field(default_factory=Purchases)
    customers: Customers = field(default_factory=Customers)
    sales: Sales = field(default_factory=Sales)
    campaigns: Campaigns = field(default_factory=Campaigns)
    voices: Voices = field(default_factory=Voices)
