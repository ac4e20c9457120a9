"""What each campaign really brought: those contacted against those held out, by intention to treat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns import contrast
from crm_lib.analysis.campaigns.arms import Arm, pooled
from crm_lib.analysis.campaigns.options import Options
from crm_lib.analysis.intervals import LEVEL, Interval, nothing

# Why a test says nothing; `show` says it in words.
NO_CONTROL, NO_TREATED, FEW, MISMATCH = "no control", "no treated", "few", "mismatch"
# What is odd about a test that is shown all the same.
ALL_BOUGHT, NONE_BOUGHT, OVERLAP = "all bought", "none bought", "overlap"
PROVEN, LIKELY, UNPROVEN, HARMFUL = "proven", "likely", "unproven", "harmful"


@dataclass(frozen=True)
class Uplift:
    """One test: a campaign, or one variant of it, against its hold-out.

    Rates are differences of shares, money is per head. `joint` and `joint_revenue` hold together with those of all
    other tests at 90 %. `extra_*` are over everyone contacted. `why` is empty where the test may be read.
    """

    campaign_id: str
    variant: str = ""
    n_treated: int = 0
    n_control: int = 0
    why: str = ""
    oddities: tuple[str, ...] = ()
    p_ratio: float | None = None
    bought: Interval = field(default_factory=nothing)
    joint: Interval = field(default_factory=nothing)
    visited: Interval = field(default_factory=nothing)
    treated_share: float | None = None
    control_share: float | None = None
    treated_visited_share: float | None = None
    control_visited_share: float | None = None
    revenue: Interval = field(default_factory=nothing)
    revenue_t: float | None = None
    joint_revenue: Interval = field(default_factory=nothing)
    revenue_bootstrap: Interval = field(default_factory=nothing)
    capped: Interval = field(default_factory=nothing)
    capped_bootstrap: Interval = field(default_factory=nothing)
    cap: float | None = None
    cuped: Interval = field(default_factory=nothing)
    cuped_saves: float | None = None
    extra_buyers: Interval = field(default_factory=nothing)
    extra_revenue: Interval = field(default_factory=nothing)
    cost: float | None = None
    profit: Interval = field(default_factory=nothing)
    joint_profit_low: float = -math.inf
    detectable: float | None = None
    n_needed: int | None = None
    days_seen: int = 0
    n_both: int = 0
    n_contaminated: int = 0

    @property
    def readable(self) -> bool:
        """Whether the test may be read at all."""
        return not self.why

    @property
    def verdict(self) -> str:
        """Proven where the joint interval lies above 0, likely where only its own does."""
        if not self.readable or not self.bought:
            return ""
        if self.joint.low is not None and self.joint.low > 0:
            return PROVEN
        if self.bought.low > 0:
            return LIKELY
        return HARMFUL if self.joint.high is not None and self.joint.high < 0 else UNPROVEN


@dataclass(frozen=True)
class Money:
    """What a test needs to speak of profit: share of sales kept, and direct cost by campaign."""

    margin_share: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)


def uplifts(
    arms: Mapping[str, Mapping[tuple[bool, str], Arm]],
    options: Options,
    money: Money | None = None,
    odd: Mapping[str, tuple[int, int]] | None = None,
) -> tuple[Uplift, ...]:
    """Every campaign with contacts, and each variant where there are several, most people first.

    `odd` holds, by campaign, how many customers were drawn into both arms and how many held-out customers got
    another campaign within the window.
    """
    money, odd = money or Money(), odd or {}
    tests = [t for campaign, found in arms.items() for t in _tests(campaign, found)]
    n_readable = sum(not _refusal(t, c, options) for _, _, t, c in tests) or 1
    # Each of k intervals at 1 − 0.1/k: together they hold nine times out of ten (Bonferroni).
    level = 1 - (1 - LEVEL) / n_readable
    made = []
    for campaign, variant, treated, control in tests:
        found = arms[campaign]
        p = _ratio(found, options)
        cost = money.costs.get(campaign) if not variant else None
        plain = _judged(campaign, variant, treated, control, options, level, p)
        both, touched = odd.get(campaign, (0, 0))
        made.append(_with_money(plain, money.margin_share, cost, both, touched))
    return tuple(
        sorted(made, key=lambda u: (-_people(arms, u.campaign_id), u.campaign_id, u.variant != "", u.variant))
    )


def _people(arms: Mapping, campaign: str) -> int:
    return sum(a.n for a in arms[campaign].values())


def _tests(campaign: str, found: Mapping[tuple[bool, str], Arm]) -> list[tuple[str, str, Arm, Arm]]:
    """The campaign as a whole against its hold-out, then each of several variants."""
    treated = {variant: arm for (is_treated, variant), arm in found.items() if is_treated}
    held = [arm for (is_treated, _), arm in found.items() if not is_treated]
    empty = Arm(0, 0)
    control = pooled(held) if held else empty
    whole = pooled(list(treated.values())) if treated else empty
    tests = [(campaign, "", whole, control)]
    if len(treated) > 1:
        tests += [(campaign, variant, arm, control) for variant, arm in treated.items()]
    return tests


def _refusal(treated: Arm, control: Arm, options: Options) -> str:
    if not control.n:
        return NO_CONTROL
    if not treated.n:
        return NO_TREATED
    return FEW if min(treated.n, control.n) < options.compare_from else ""


def _ratio(found: Mapping[tuple[bool, str], Arm], options: Options) -> float | None:
    """P of the sample-ratio check, None where the planned share is not written down."""
    treated = [arm.n for (is_treated, _), arm in found.items() if is_treated]
    n_control = sum(arm.n for (is_treated, _), arm in found.items() if not is_treated)
    planned = options.control_share
    if planned is None or not treated or not n_control:
        return None
    shares = [(1 - planned) / len(treated)] * len(treated)
    return contrast.sample_ratio([*treated, n_control], [*shares, planned])


def _judged(
    campaign: str, variant: str, treated: Arm, control: Arm, options: Options, level: float, p: float | None
) -> Uplift:
    about = {"campaign_id": campaign, "variant": variant, "n_treated": treated.n, "n_control": control.n}
    about |= {"p_ratio": p, "days_seen": min(a.days_seen for a in (treated, control) if a.n or a is treated)}
    why = _refusal(treated, control, options)
    if not why and p is not None and p < contrast.MISMATCH_BELOW:
        why = MISMATCH
    if why:
        return Uplift(**about, why=why)
    return Uplift(**about, **_rates(treated, control, level), **_spend(treated, control, options.seed, level))


def _rates(treated: Arm, control: Arm, level: float) -> dict:
    k1, n1, k0, n0 = treated.n_bought, treated.n, control.n_bought, control.n
    bought = intervals.newcombe(k1, n1, k0, n0)
    everyone, bought_all = n1 + n0, k1 + k0
    odd = ALL_BOUGHT if bought_all == everyone else NONE_BOUGHT if not bought_all else ""
    told = {
        "bought": bought,
        "joint": intervals.newcombe(k1, n1, k0, n0, level),
        "treated_share": k1 / n1,
        "control_share": k0 / n0,
        "extra_buyers": _times(bought, n1),
        "oddities": (odd,) if odd else (),
    }
    if bought.low <= 0 <= bought.high:
        told["detectable"] = contrast.detectable(k0 / n0, n1, n0)
        if bought.value > 0:
            told["n_needed"] = contrast.n_per_arm(k0 / n0, k1 / n1)
    if treated.n_visited is not None and control.n_visited is not None:
        told["visited"] = intervals.newcombe(treated.n_visited, n1, control.n_visited, n0)
        told["treated_visited_share"] = treated.n_visited / n1
        told["control_visited_share"] = control.n_visited / n0
    return told


def _spend(treated: Arm, control: Arm, seed: int, level: float) -> dict:
    if treated.spent is None or control.spent is None:
        return {}
    revenue, t = contrast.welch(treated, control)
    high_cut, low_cut, cap = contrast.winsorised(treated, control)
    cuped, saves = contrast.cuped(treated, control)
    return {
        "revenue": revenue,
        "revenue_t": t,
        "joint_revenue": contrast.welch(treated, control, level)[0],
        "revenue_bootstrap": contrast.bootstrap(treated, control, seed),
        "capped": contrast.welch(high_cut, low_cut)[0],
        "capped_bootstrap": contrast.bootstrap(high_cut, low_cut, seed),
        "cap": cap,
        "cuped": cuped,
        "cuped_saves": saves,
        "extra_revenue": _times(revenue, treated.n),
    }


def _times(found: Interval, factor: float, less: float = 0.0) -> Interval:
    """The interval times a positive factor, less a constant."""
    if not found:
        return found
    return Interval(*(v * factor - less for v in (found.value, found.low, found.high)), found.n)


def _with_money(u: Uplift, margin_share: float | None, cost: float | None, both: int, touched: int) -> Uplift:
    """The test with its cost and the profit it brought, where margin and cost are known."""
    told = {**u.__dict__, "cost": cost, "n_both": both, "n_contaminated": touched}
    if both or touched:
        told["oddities"] = (*u.oddities, OVERLAP)
    if u.extra_revenue and margin_share is not None and cost is not None:
        told["profit"] = _times(u.extra_revenue, margin_share, cost)
        told["joint_profit_low"] = u.joint_revenue.low * u.n_treated * margin_share - cost
    return Uplift(**told)


def summed(found: list[Interval]) -> Interval:
    """Sum of independent estimates; half-widths add as squares, each side on its own."""
    found = [i for i in found if i]
    if not found:
        return nothing()
    value = sum(i.value for i in found)
    low = value - math.sqrt(sum((i.value - i.low) ** 2 for i in found))
    high = value + math.sqrt(sum((i.high - i.value) ** 2 for i in found))
    return Interval(value, low, high, sum(i.n for i in found))


def weighted(found: list[Interval]) -> Interval:
    """Mean of independent estimates, each weighted by 1 ÷ width² (fixed effect)."""
    found = [i for i in found if i and i.high > i.low]
    if not found:
        return nothing()
    weights = [1 / (i.high - i.low) ** 2 for i in found]
    value = sum(w * i.value for w, i in zip(weights, found, strict=True)) / sum(weights)
    half = 0.5 / math.sqrt(sum(weights))
    return Interval(value, value - half, value + half, sum(i.n for i in found))


COLUMNS = ("bought", "joint", "visited", "revenue", "capped", "cuped", "extra_buyers", "extra_revenue", "profit")


def frame(found: tuple[Uplift, ...]) -> pd.DataFrame:
    """One row per test, every interval as three columns: what the uplift table of the publication holds."""
    rows = []
    for u in found:
        row = {k: v for k, v in u.__dict__.items() if not isinstance(v, Interval | tuple)}
        row["verdict"] = u.verdict
        del row["joint_profit_low"]
        for name in COLUMNS:
            i = getattr(u, name)
            row |= {name: i.value, f"{name}_low": i.low, f"{name}_high": i.high}
        rows.append(row)
    made = pd.DataFrame(rows)
    numbers = [c for c in made.columns if c not in ("campaign_id", "variant", "why", "verdict")]
    return made.astype(dict.fromkeys(numbers, "float64")) if rows else made
