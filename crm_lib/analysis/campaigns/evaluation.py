"""All that is known of a source's campaigns, put together: from its tables to one evaluation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.campaigns import chain, prices, returns, roster
from crm_lib.analysis.campaigns.arms import Arm, arms_of
from crm_lib.analysis.campaigns.attribution import Attribution, attribution
from crm_lib.analysis.campaigns.chain import Participation
from crm_lib.analysis.campaigns.felt import Felt, felt
from crm_lib.analysis.campaigns.goals import Goals, goals
from crm_lib.analysis.campaigns.indicative import Indication, indication
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.outcomes import outcomes
from crm_lib.analysis.campaigns.prices import Prices
from crm_lib.analysis.campaigns.returns import Returns
from crm_lib.analysis.campaigns.uplift import NO_CONTROL, Money, Uplift, summed, uplifts, weighted
from crm_lib.analysis.clv import profit
from crm_lib.analysis.intervals import Interval
from crm_lib.errors import NotEnoughData

MOST_PROOFS = 3  # campaigns with a hold-out on which the way without one is tried


@dataclass(frozen=True)
class Gap:
    """What follows a contact beside what the contact brought, over all tests that may be read.

    `credited` buyers and `credited_amount` are those contacted who bought in the window: every rule of attribution
    credits them in full. `caused` and `caused_amount` is what the hold-outs show.
    """

    credited: int
    credited_amount: float | None
    caused: Interval
    caused_amount: Interval


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Brief):
    """Everything the page says; see the modules named by the fields for what each part holds."""

    options: Options
    margin_basis: str
    campaigns: pd.DataFrame
    steps: pd.DataFrame
    parents: pd.DataFrame
    participation: Participation
    workflow: pd.DataFrame
    budget: pd.DataFrame
    settlement: pd.DataFrame
    progress: pd.DataFrame
    returns: Returns
    uplifts: tuple[Uplift, ...]
    indications: tuple[Indication, ...]
    proofs: tuple[Indication, ...]
    attribution: Attribution | None
    gap: Gap | None
    prices: Prices | None
    goals: Goals
    felt: Felt | None
    without_contacts: tuple[str, ...] = ()
    counted: bool = False
    n_contacts: int = 0
    arms: Mapping[str, Mapping[tuple[bool, str], Arm]] = field(default_factory=dict)

    @property
    def as_of(self) -> dt.date:
        """The last day of data."""
        return self.options.as_of

    @property
    def tested(self) -> tuple[Uplift, ...]:
        """Whole campaigns whose hold-out may be read, most people first."""
        return tuple(u for u in self.uplifts if u.readable and not u.variant)

    @property
    def profit(self) -> Interval:
        """Profit that all tested campaigns brought beyond their direct cost; nothing without margin or cost."""
        return summed([u.profit for u in self.tested])

    @property
    def revenue(self) -> Interval:
        """Revenue that all tested campaigns brought."""
        return summed([u.extra_revenue for u in self.tested])

    @property
    def plays(self) -> pd.DataFrame:
        """Uplift by purpose: tests of one purpose weighted together (purpose, n_tests, uplift, low, high, n)."""
        purpose = self.campaigns.set_index("campaign_id")["purpose"]
        by: dict[str, list[Uplift]] = {}
        for u in self.tested:
            by.setdefault(purpose.get(u.campaign_id) or "", []).append(u)
        rows = []
        for name, found in sorted(by.items()):
            both = weighted([u.bought for u in found])
            money = weighted([u.revenue for u in found])
            n = sum(u.n_treated + u.n_control for u in found)
            rows.append((name, len(found), both.value, both.low, both.high, money.value, money.low, money.high, n))
        columns = ["purpose", "n_tests", "uplift", "low", "high", "revenue", "revenue_low", "revenue_high", "n"]
        return pd.DataFrame(rows, columns=columns)


def evaluation(tables: Tables, options: Options) -> Evaluation:
    """Evaluate the campaigns of a source.

    Parameters
    ----------
    tables
        What the source has, as `Tables.of(crm.get)` collects it.
    options
        Last day of data, window after a contact, how credit is shared, margin, seed.

    Raises
    ------
    NotEnoughData
        If no table names a campaign.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> found = evaluation(Tables(contacts=examples.contacts()), Options(as_of=examples.AS_OF))
    >>> found.n_contacts, list(found.campaigns["campaign_id"])
    (60, ['mail'])
    """
    campaigns = roster.roster(tables)
    if campaigns.empty:
        raise NotEnoughData(
            f"No campaign is known by {options.as_of}: campaigns and contacts have no row by then. "
            "Choose a later as_of, or add the campaigns."
        )
    options, basis = _with_margin(tables, options)
    told = outcomes(tables, options)
    costs = roster.costs(tables)
    steps = chain.chain(tables, told, campaigns)
    by_campaign = chain.by_campaign(steps) if not steps.empty else pd.DataFrame(columns=["campaign_id"])
    part = chain.participation(told, options.as_of)
    arms = arms_of(told) if told is not None else {}
    money = Money(options.margin_share, _direct(costs))
    found = uplifts(arms, options, money, _odd(told, options) if told is not None else {})
    without = tuple(c for c in campaigns["campaign_id"] if c not in arms)
    return Evaluation(
        options=options,
        margin_basis=basis,
        campaigns=campaigns,
        steps=steps,
        parents=chain.by_parent(steps, campaigns) if not steps.empty else steps,
        participation=part,
        workflow=roster.workflow(campaigns, costs),
        budget=roster.budget(costs),
        settlement=roster.settlement(campaigns, costs),
        progress=roster.progress(campaigns, costs, part.campaigns, options),
        returns=returns.returns(campaigns, costs, returns.credited(tables, campaigns), by_campaign, options),
        uplifts=found,
        **_indicated(tables, told, found, options),
        attribution=attribution(tables, told, options),
        gap=_gap(found, arms),
        prices=prices.prices(tables, told, options),
        goals=goals(tables, options),
        felt=felt(tables, told, options),
        without_contacts=without,
        counted=tables.transactions is not None,
        n_contacts=0 if told is None else int(told.count().to_pyarrow().as_py()),
        arms=arms,
    )


def _with_margin(tables: Tables, options: Options) -> tuple[Options, str]:
    """The share of sales kept, from production cost where it is known, else from the settings."""
    if tables.transactions is None:
        return options, profit.REVENUE if options.margin_share is None else profit.MARGIN
    window = (options.as_of - dt.timedelta(days=730), options.as_of)
    sold = profit.period(tables.transactions, window, profit.Costs(tables.products), options.margin_share)
    sales = sold.total("sales_amount")
    if sold.basis == profit.REVENUE or sales <= 0:
        return options, profit.REVENUE
    return replace(options, margin_share=1 - sold.total("production_amount") / sales), sold.basis


def _direct(costs: pd.DataFrame | None) -> dict[str, float]:
    if costs is None:
        return {}
    own = costs[(costs["kind"] == "actual") & (costs["campaign_id"] != "")]
    return (own.groupby("campaign_id")["cents"].sum() / 100).to_dict()


def _odd(told: ir.Table, options: Options) -> dict[str, tuple[int, int]]:
    """Customers in both arms, and held-out customers whom another campaign reached within the window."""
    both = told.group_by("campaign_id").agg(n=told.both.sum()).to_pyarrow().to_pylist()
    known = told.filter(told.customer_id.notnull() & ~told.both)
    held = known.filter(~known.treated).select("campaign_id", "who", whose="customer_id", from_day="day")
    sent = known.filter(known.treated).select(other="campaign_id", buyer="customer_id", sent_on="day")
    met = held.inner_join(sent, [held.whose == sent.buyer, held.campaign_id != sent.other])
    age = met.sent_on.delta(met.from_day, unit="day")
    met = met.filter((age >= 0) & (age <= options.window_days))
    touched = met.group_by("campaign_id").agg(n=met.who.nunique()).to_pyarrow().to_pylist()
    by = {row["campaign_id"]: int(row["n"]) for row in touched}
    return {row["campaign_id"]: (int(row["n"] or 0), by.get(row["campaign_id"], 0)) for row in both}


def _indicated(tables: Tables, told: ir.Table | None, found: tuple[Uplift, ...], options: Options) -> dict:
    """Campaigns without a hold-out by comparison; the same on those with one shows how far to trust it."""
    if told is None or tables.transactions is None:
        return {"indications": (), "proofs": ()}
    whole = [u for u in found if not u.variant]
    without = [u.campaign_id for u in whole if u.why == NO_CONTROL]
    tested = [u.campaign_id for u in whole if u.readable][:MOST_PROOFS]
    return {
        "indications": tuple(indication(c, told, tables.transactions, options) for c in without),
        "proofs": tuple(indication(c, told, tables.transactions, options) for c in tested),
    }


def _gap(found: tuple[Uplift, ...], arms: Mapping) -> Gap | None:
    tested = [u for u in found if u.readable and not u.variant]
    if not tested:
        return None
    treated = [arm for u in tested for (is_treated, _), arm in arms[u.campaign_id].items() if is_treated]
    known = all(arm.spent is not None for arm in treated)
    return Gap(
        sum(arm.n_bought for arm in treated),
        float(sum(arm.spent.sum() for arm in treated)) if known else None,
        summed([u.extra_buyers for u in tested]),
        summed([u.extra_revenue for u in tested]),
    )
