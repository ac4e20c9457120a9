"""Facts of the company that notebooks receive as `crm.settings`, as typed objects with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublishedFigure:
    """A number printed elsewhere that a page recomputes: figure, value, how near it must come, who says so.

    `up_to` is the last day (ISO) of the data it was computed from: it is compared only with a fit to that day.
    """

    topic: str
    figure: str
    value: float
    within: float
    citation: str
    words: str = ""
    up_to: str = ""


@dataclass(frozen=True)
class Scale:
    """A declared answer scale: lowest and highest answer, codes that mean "no answer", and what counts as top.

    Codes are numbers (0, -99) or texts ("N/A"), which are met in either case.
    """

    lowest: float
    highest: float
    missing: tuple[float | str, ...] = ()
    top_from: float | None = None

    @property
    def codes(self) -> tuple[float, ...]:
        """The codes that are numbers."""
        return tuple(c for c in self.missing if not isinstance(c, str))

    @property
    def words(self) -> tuple[str, ...]:
        """The codes that are texts, in small letters."""
        return tuple(c.strip().lower() for c in self.missing if isinstance(c, str))


@dataclass(frozen=True)
class FunnelSettings:
    """Stages in order, and the part of the funnel (outside, top, middle, bottom) each belongs to."""

    stages: tuple[str, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    maturity_days: int = 90


@dataclass(frozen=True)
class SatisfactionSettings:
    """Scales by question (`nps`, `csat`, `ces`, `items`) and touchpoints in the order of the journey.

    `drivers` names the aspects held against contentment (empty: all); `comments` holds, by category, the words
    that put a comment into it.
    """

    scales: dict[str, Scale] = field(default_factory=dict)
    touchpoints: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class CampaignSettings:
    """Planned share of a campaign's contacts that is held out; None where nobody wrote it down."""

    control_share: float | None = None


@dataclass(frozen=True)
class Condition:
    """What a play asks of one column of the customer table: one of these values, or a number from … to."""

    column: str
    any_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Play:
    """A move: to whom (every condition must hold), through which channel, with what offer, at what cost each.

    `bought` and `not_yet` name categories or products: bought the one, not yet the other. Of the plays that fit
    a customer only those with the lowest `priority` count. A play without a `channel` leaves the customer alone.
    `owner` names who does it; empty: the customer's own. `uplift` is the expected rise (0–1) of the chance of an
    order within the outcome window, with its 90 % bounds; `uplift_source` says where it was measured, and is empty
    for an assumption. `ignores` names guards that don't hold for it: complaint, purchase.
    """

    name: str
    title: str = ""
    channel: str = ""
    offer: str = ""
    cost: float | None = None
    when: tuple[Condition, ...] = ()
    bought: str = ""
    not_yet: str = ""
    priority: int = 2
    owner: str = ""
    uplift: float = 0.0
    uplift_low: float | None = None
    uplift_high: float | None = None
    uplift_source: str = ""
    ignores: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """What a channel can bear in one plan: money, and contacts by each owner; None: no limit."""

    budget: float | None = None
    per_owner: int | None = None


@dataclass(frozen=True)
class Guard:
    """Whom not to disturb. `caps` is days → contacts allowed in them; the share of the global hold-out is 0–1."""

    caps: dict[str, int] = field(default_factory=lambda: {"7": 1, "30": 4})
    after_complaint_days: int = 30
    after_purchase_days: int = 7
    global_holdout_share: float = 0.02


@dataclass(frozen=True)
class PlanSettings:
    """Plays, channels and guards of the action plan.

    What a contact brought is judged `outcome_days` after sending; a list may be approved within `valid_days` of
    its plan. The hold-out of a list is as large as its power needs, within these two shares.
    """

    plays: tuple[Play, ...] = ()
    channels: dict[str, Channel] = field(default_factory=dict)
    guard: Guard = field(default_factory=Guard)
    outcome_days: int = 42
    valid_days: int = 30
    holdout_least_share: float = 0.1
    holdout_most_share: float = 0.3


@dataclass(frozen=True)
class Settings:
    """What `crm.toml` says of one source and its company. Money is in `currency`, shares are 0–1.

    `margin_share` is None where it is not known: pages then speak of revenue, not profit.
    """

    company: str = ""
    currency: str = ""
    margin_share: float | None = None
    annual_discount_share: float = 0.0
    max_rejected_share: float = 0.01
    suppress_below: int = 5
    compare_from: int = 30
    funnel: FunnelSettings = field(default_factory=FunnelSettings)
    satisfaction: SatisfactionSettings = field(default_factory=SatisfactionSettings)
    campaigns: CampaignSettings = field(default_factory=CampaignSettings)
    action_plan: PlanSettings = field(default_factory=PlanSettings)
    published: tuple[PublishedFigure, ...] = ()
