"""What the funnel hands to the page: frozen results, numbers only, no words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd

from crm_lib.analysis.brief import Brief
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
    deal: opportunity_id, owner, product, stage, place, age_days, days_in_stage, value, estimated, p_win, p_soon,
    p_from, expected_on.
    """

    amount: float | None
    total: Interval
    weighted: Interval
    n_estimated: int
    by_deal: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Stale:
    """Open deals that stand still longer than most won deals did; `deals` lists them by money.

    With a stage history a deal is stale when it has been in its stage for more days than `percentile` % of won
    deals were (`limits` by stage); without, or where fewer than ten were won, when it is older than `percentile` %
    of won deals were when they closed (`limit_days`, None under ten won deals).
    `n_older_than_any` open deals are older than any deal was when it closed (`longest_closed_days`).
    """

    percentile: int
    limit_days: float | None
    limits: dict[str, float]
    n: int
    amount: float | None
    n_dated: int
    n_older_than_any: int
    longest_closed_days: int | None
    deals: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Overdue:
    """Open deals whose expected day of closing has passed, and how late closed deals were.

    `n_dated` open deals carry such a day. `closed_late` is the share of closed deals that ended after it,
    `median_days_late` the median of their delay. `n_stuck` counts deals that are overdue, stale or both.
    """

    n: int
    amount: float | None
    n_dated: int
    n_stuck: int
    closed_late: Interval
    median_days_late: float | None


@dataclass(frozen=True)
class Forecast:
    """Money that will be won within `horizon_days`: of deals open today, of deals yet to come, and together.

    `target` is the sum to reach, `p_target` the share of draws that reach it; `is_given`: somebody set the target,
    else it is what was won in the stretch before. `is_range`: too few past days were tested to call it 90 %.
    `n_new` deals are expected to be opened, after `n_new_earlier` in the stretch before the last; `shock` is the
    common movement of all chances on the logit scale.
    """

    horizon_days: int
    until: dt.date
    of_open: Interval
    of_new: Interval
    total: Interval
    target: float
    is_given: bool
    p_target: float
    is_range: bool
    n_tested: int
    shock: float
    n_new: int
    n_new_earlier: int


@dataclass(frozen=True)
class Goal:
    """What deals have to bring from `since` to `until` by the source's targets, and the chance `p` that they will.

    `of_sales` is the target for all sales of which `amount` is the part of deals, `share` their part in the last
    365 days; both None for a target of won deals, `share` where no other sales are recorded. `so_far` is won,
    `coming` likely to be won in the days left. `p` is None where the number of deals to come is not known.
    """

    since: dt.date
    until: dt.date
    amount: float
    of_sales: float | None
    share: float | None
    so_far: float
    coming: Interval
    p: float | None
    is_range: bool


@dataclass(frozen=True)
class Pace:
    """Sales velocity at the end of a stretch: money per day, and the four levers it is made of."""

    until: dt.date
    per_day: Interval
    n_open: int
    amount: float
    win_rate: float
    days: float
    median_days: float
    n_closed: int


@dataclass(frozen=True)
class Velocity:
    """Velocity now and one stretch of `length_days` before; `parts` add up to the change exactly.

    `parts` has lever, before, now, ratio, change, low, high (bounds None for a plain count).
    """

    length_days: int
    now: Pace
    before: Pace
    change: Interval
    parts: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class TwoRates:
    """Win rate by closing and by opening of one stretch, and what makes them differ.

    `same` were opened and closed in it, `older` opened before and closed in it, `later` opened in it and closed
    after. by_closing − by_opening = from_older + from_later, exactly.
    """

    since: dt.date
    until: dt.date
    by_closing: Interval
    by_opening: Interval
    same: Interval
    older: Interval
    later: Interval
    from_older: float
    from_later: float


@dataclass(frozen=True)
class Covered:
    """The first quarter with closings, of which only the days from `since` on are there.

    `first` is its win rate, `alike` that of the same days of later quarters, `whole` that of the whole later ones.
    """

    quarter: dt.date
    since: dt.date
    first: Interval
    alike: Interval
    whole: Interval


@dataclass(frozen=True)
class Ends:
    """How deals end, winning and losing as competing ends, open deals censored (Aalen–Johansen).

    `at` has days, won, lost (each with _low and _high) and still_open for the days asked; rows without a value lie
    beyond what was watched. `curve` has day, won, lost.
    """

    n: int
    at: pd.DataFrame
    curve: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Backtest:
    """The forecast made again on past days, and what came within `horizon_days` of each.

    Of `n_open` open deals in all `n_won` were won; `expected` by the model, `expected_by_rule` by the share of the
    stretch before. The errors are mean squared differences between chance and outcome (Brier); the smaller, the
    better. `origins` has a row per past day: cut_on, n_open, expected, n_won, amount (forecast of all money), low,
    high, came_amount, rule_amount (as much as in the stretch before), is_within. `calibration` has said, share,
    low, high, n, n_won.
    """

    horizon_days: int
    origins: pd.DataFrame = field(repr=False)
    calibration: pd.DataFrame = field(repr=False)
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
    n_ended_without_day: int = 0
    n_events_before_opening: int = 0
    unused_stages: tuple[str, ...] = ()
    n_moves: int = 0
    n_skips: int = 0
    n_reversals: int = 0
    n_reopened: int = 0


@dataclass(frozen=True, repr=False)
class Pipeline(Brief):
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
    steps_by_mode: dict[str, pd.DataFrame]
    levers: pd.DataFrame
    parts: pd.DataFrame
    conversion: Conversion
    deal_conversion: Conversion
    win_rate: Interval
    strict_win_rate: Interval
    by_closing: pd.DataFrame
    by_opening: pd.DataFrame
    days_to_close: pd.DataFrame
    time_in_stage: pd.DataFrame | None
    fates: pd.DataFrame | None
    ends: Ends | None
    two_rates: TwoRates | None
    covered: Covered | None
    velocity: Velocity | None
    open_value: OpenValue
    forecast: Forecast | None
    goal: Goal | None
    stale: Stale
    overdue: Overdue
    groups: dict[str, pd.DataFrame]
    won_last_year_amount: float | None
    backtest: Backtest | None
    findings: Findings
    publication: Publication
