"""What the campaign analysis stands on: the source's tables and the choices of the question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import ibis.expr.types as ir

from crm_lib.contract.settings import Scale
from crm_lib.errors import ParameterError

PRIOR_DAYS = 365  # how far back history counts


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables that campaigns can use; any may be missing."""

    campaigns: ir.Table | None = None
    contacts: ir.Table | None = None
    campaign_costs: ir.Table | None = None
    leads: ir.Table | None = None
    opportunities: ir.Table | None = None
    transactions: ir.Table | None = None
    products: ir.Table | None = None
    surveys: ir.Table | None = None
    survey_items: ir.Table | None = None
    targets: ir.Table | None = None
    market: ir.Table | None = None

    @classmethod
    def of(cls, get: Callable[[str], ir.Table | None]) -> Tables:
        """The tables that `get` knows by name."""
        return cls(**{f.name: get(f.name) for f in fields(cls)})


@dataclass(frozen=True)
class Options:
    """Choices of the question, and facts of the company that it needs.

    `window_days` is how long after a contact an order counts; `look_back_days` how old a contact may be to share
    the credit for an order; `half_life_days` after how many days it counts half (time decay).
    """

    as_of: dt.date
    window_days: int = 42
    look_back_days: int = 42
    half_life_days: float = 7.0
    seed: int = 7
    margin_share: float | None = None
    control_share: float | None = None
    compare_from: int = 30
    item_scale: Scale | None = None

    @classmethod
    def of(cls, settings: Any, as_of: dt.date, **choices: Any) -> Options:
        """The options of a source's settings; ParameterError where a choice is out of range."""
        for name in ("window_days", "look_back_days", "half_life_days"):
            if not choices.get(name, 1) > 0:
                raise ParameterError(f"{name} is {choices[name]}; it must be more than 0 days.")
        planned = settings.campaigns.control_share
        if planned is not None and not 0 < planned < 1:
            raise ParameterError(
                f"campaigns.control_share is {planned:g}; it must lie between 0 and 1, such as 0.25, in crm.toml."
            )
        return cls(
            as_of,
            **choices,
            margin_share=settings.margin_share,
            control_share=planned,
            compare_from=settings.compare_from,
            item_scale=settings.satisfaction.scales.get("items"),
        )
