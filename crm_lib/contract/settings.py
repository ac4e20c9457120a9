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
    published: tuple[PublishedFigure, ...] = ()
