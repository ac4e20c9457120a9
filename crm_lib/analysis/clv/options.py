"""What a forecast is asked: horizon, hold-out, and the facts of the company that turn orders into money."""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.contract.settings import Settings
from crm_lib.errors import ParameterError

DAYS_PER_WEEK = 7
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Options:
    """Choices of one forecast.

    `margin_share` None: money is revenue. `silent_below_share` is the chance to buy below which a good customer
    counts as silent. `holdout_weeks` 0: no hold-out test.
    """

    horizon_weeks: int = 52
    holdout_weeks: int = 26
    margin_share: float | None = None
    annual_discount_share: float = 0.0
    silent_below_share: float = 0.35
    currency: str = ""
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        _within("horizon_weeks", self.horizon_weeks, 1, 520)
        _within("holdout_weeks", self.holdout_weeks, 0, 520)
        _within("annual_discount_share", self.annual_discount_share, 0, 1)
        _within("silent_below_share", self.silent_below_share, 0, 1)
        if self.margin_share is not None:
            _within("margin_share", self.margin_share, 0, 1)

    @classmethod
    def of(cls, settings: Settings, **choices: float) -> Options:
        """The company's margin, discount and currency, and the `choices` of the question."""
        return cls(
            margin_share=settings.margin_share,
            annual_discount_share=settings.annual_discount_share,
            currency=settings.currency,
            **choices,
        )

    @property
    def horizon_days(self) -> int:
        """Length of the forecast in days."""
        return self.horizon_weeks * DAYS_PER_WEEK

    @property
    def holdout_days(self) -> int:
        """Length of the hold-out in days."""
        return self.holdout_weeks * DAYS_PER_WEEK

    @property
    def value_share(self) -> float:
        """What is kept of an amount: the margin, or all of it where no margin is known."""
        return 1.0 if self.margin_share is None else self.margin_share

    @property
    def value_is_profit(self) -> bool:
        """Whether money means profit (a margin is known) or revenue."""
        return self.margin_share is not None


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ParameterError(f"{name}: saw {value}, need a number from {least} to {most}.")
