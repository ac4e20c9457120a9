"""What the funnel hands to the page: frozen results, numbers only, no words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd

from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import Publication


@dataclass(frozen=True)
class Truncation:
    """Closings are missing at the start of the data: openings begin earlier, and too many to explain it by chance.

    `n_opened_before` deals were opened before `first_closed_on`; had closings been kept from the start,
    `n_expected` of them would have ended before that day. None did.
    """

    first_opened_on: dt.date
    first_closed_on: dt.date
    n_opened_before: int
    n_expected: float


@dataclass(frozen=True)
class Conversion:
    """Share that became a sale so far, of those old enough to judge.

    `of` is `leads` or `deals`; entries came in between `since` and `until`, both included.
    """

    of: str
    share: Interval
    since: dt.date | None
    until: dt.date | None


@dataclass(frozen=True)
class OpenValue:
    """Money in open deals: as recorded or estimated, and weighted by the chance to win.

    `amount` is the value of all open deals; `n_estimated` of them carry no amount and stand at the mean of won
    deals of the same product. `weighted` and `total` come with simulated bounds. `by_deal` has one row per open
    deal: opportunity_id, owner, product, stage, age_days, value, estimated, p_win.
    """

    amount: float | None
    total: Interval
    weighted: Interval
    n_estimated: int
    by_deal: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Stale:
    """Open deals older than most won deals ever got; `deals` lists them by money.

    `limit_days` is the `percentile` of the age of won deals when they closed, None under ten won deals.
    `n_older_than_any` open deals are older than any deal was when it closed (`longest_closed_days`).
    """

    percentile: int
    limit_days: float | None
    n: int
    amount: float | None
    n_dated: int
    n_older_than_any: int
    longest_closed_days: int | None
    deals: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Ends:
    """How deals end, winning and losing as competing ends, open deals censored (Aalen–Johansen).

    `at` has days, won, won_low, won_high, lost, still_open for the days asked; rows without a value lie beyond
    what was watched. `curve` has day, won, lost.
    """

    n: int
    at: pd.DataFrame
    curve: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Backtest:
    """Of the deals open on `cut_on`: expected sales by the model and by the simple rule, and those that came.

    The errors are mean squared differences between chance and outcome (Brier); the smaller, the better.
    """

    cut_on: dt.date
    n_open: int
    n_won: int
    expected: float
    expected_by_rule: float
    error: float
    error_of_rule: float


@dataclass(frozen=True)
class Findings:
    """What the data say about themselves, counted: the page prints each that is not zero."""

    truncation: Truncation | None
    unknown_stages: pd.DataFrame
    unknown_products: pd.DataFrame
    n_without_stage: int
    n_without_customer: int | None
    n_without_opening: int
    n_open_without_amount: int
    n_closed_before_opened: int
    n_skips: int = 0
    n_reversals: int = 0
    n_reopened: int = 0


@dataclass(frozen=True)
class Pipeline:
    """The sales funnel of one source on one day. Parts that the data can't bear are None or empty."""

    as_of: dt.date
    has_history: bool
    mode: str
    maturity_days: int
    horizon_days: int
    compare_from: int
    n_deals: int
    n_won: int
    n_lost: int
    n_open: int
    won_amount: float | None
    stages: pd.DataFrame
    steps: pd.DataFrame
    parts: pd.DataFrame
    conversion: Conversion
    deal_conversion: Conversion
    win_rate: Interval
    strict_win_rate: Interval
    by_closing: pd.DataFrame
    by_opening: pd.DataFrame
    days_to_close: pd.DataFrame
    time_in_stage: pd.DataFrame | None
    ends: Ends | None
    open_value: OpenValue
    stale: Stale
    groups: dict[str, pd.DataFrame]
    won_last_year_amount: float | None
    backtest: Backtest | None
    findings: Findings
    publication: Publication
