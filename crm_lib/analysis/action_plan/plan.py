"""The action plan: from tables, publications and earlier plans to who is contacted and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis.action_plan import choice, facts, gain, guard, holdout, loop, plays, recommend
from crm_lib.analysis.action_plan.aims import Target, targets
from crm_lib.analysis.action_plan.chance import uniform
from crm_lib.analysis.action_plan.chosen import Account, account
from crm_lib.analysis.action_plan.facts import Margin, Tables
from crm_lib.analysis.action_plan.findings import Finding, findings
from crm_lib.analysis.action_plan.guard import Guarded
from crm_lib.analysis.action_plan.loop import Results
from crm_lib.analysis.action_plan.people import People, people
from crm_lib.analysis.action_plan.plays import Unplayable
from crm_lib.analysis.action_plan.recommend import Affinity
from crm_lib.analysis.brief import Brief
from crm_lib.contract.lists import CONTROL, TREATED, StoredPlan
from crm_lib.contract.publication import Publication
from crm_lib.contract.settings import PlanSettings, Play, Scale

LEAVE_ALONE = "leave_alone"
_HORIZON_DAYS = 364  # of clv's P(buy), unless it says another


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Brief):
    """A plan for one date.

    Attributes
    ----------
    customers
        The one customer table, by id, with `eligible`, `action` (a play, or `leave_alone`) and `reason` (why not).
    members
        One row per customer on a list: list, customer_id, owner, channel, arm, contact_cost, gain, worth,
        product_id.
    playable, unplayable
        Plays that could be played, and the others with what they lack.
    account
        Per play and per channel: who, how much, what is expected; None where nobody could be chosen from.
    own
        The plan that is already stored for this date, and None where there is none.
    """

    as_of: dt.date
    settings: PlanSettings
    seed: int
    people: People
    customers: pd.DataFrame
    members: pd.DataFrame
    playable: tuple[Play, ...]
    unplayable: tuple[Unplayable, ...]
    guarded: Guarded
    account: Account
    margin: Margin
    results: Results
    affinity: Affinity | None
    findings: tuple[Finding, ...]
    targets: tuple[Target, ...]
    own: StoredPlan | None

    @property
    def is_profit(self) -> bool:
        """Whether gains are profit; else they are revenue less the cost of contacts."""
        return self.margin.share is not None

    @property
    def treated(self) -> pd.DataFrame:
        """Members who are to be contacted."""
        return self.members[self.members["arm"] == TREATED]

    def play(self, name: str) -> Play:
        """The play of this name."""
        return next(p for p in self.settings.plays if p.name == name)


def plan(
    tables: Tables,
    *,
    as_of: dt.date,
    settings: PlanSettings,
    published: Mapping[str, Publication | None] | None = None,
    plans: Sequence[StoredPlan] = (),
    margin_share: float | None = None,
    item_scale: Scale | None = None,
    compare_from: int = 30,
    seed: int = 7,
) -> Plan:
    """Whom to contact next.

    Parameters
    ----------
    tables
        The source's tables; without `customers.consent` nobody is contacted.
    as_of
        Last day of data, and the date of the plan.
    settings
        Plays, channels and guards of crm.toml.
    published
        What the other topics published for this source and date.
    plans
        Plans stored up to this date: earlier ones are measured, their live lists guarded, and the arms of this
        date's own plan are drawn again as they were.
    margin_share
        The margin of crm.toml, where the tables know no cost.
    item_scale, compare_from
        The declared scale of the survey's aspects and the fewest answers, for a target of satisfaction.
    seed
        For the draw of who is contacted and who is held out.

    Raises
    ------
    ConfigError, NotEnoughData

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> tables = Tables(transactions=examples.purchases())
    >>> made = plan(tables, as_of=examples.AS_OF, settings=PlanSettings())
    >>> len(made.customers), len(made.members)  # without plays in crm.toml nobody is contacted
    (24, 0)
    """
    settings, published = plays.checked(settings), published or {}
    everyone = people(tables.transactions, tables.summaries, as_of, published)
    customers = _with_facts(everyone, tables, as_of, settings, plans)
    margin = facts.margin(tables.transactions, as_of, margin_share)
    playable, unplayable = plays.split(settings, customers)
    fit = plays.fits(customers, playable)
    guarded = guard.guarded(customers, playable, fit, settings.guard)
    earlier = [p for p in plans if p.plan_date < as_of]
    results = loop.results(earlier, tables.transactions, as_of, margin.used, settings.outcome_days)
    own = next((p for p in plans if p.plan_date == as_of), None)
    made = _chosen(customers, playable, guarded, settings, margin, results, own, as_of, seed)
    affinity = recommend.affinity(tables.transactions, as_of)
    members = _offered(made.members, playable, affinity, tables, as_of)
    customers = _actions(customers, playable, fit, guarded, made)
    return Plan(
        as_of, settings, seed, everyone, customers, members, playable, unplayable, guarded, made, margin, results,
        affinity, findings(published), targets(tables, as_of, item_scale, compare_from), own,
    )  # fmt: skip


def _with_facts(
    everyone: People, tables: Tables, as_of: dt.date, settings: PlanSettings, plans: Sequence[StoredPlan]
) -> pd.DataFrame:
    caps = [int(days) for days in settings.guard.caps]
    found = facts.known(tables, as_of, caps, plays.goods(settings.plays))
    live = loop.live_lists(plans, as_of, settings.outcome_days)
    return facts.attached(everyone.customers, facts.contacted_by(found, live, caps, as_of))


def _chosen(
    customers: pd.DataFrame,
    playable: Sequence[Play],
    guarded: Guarded,
    settings: PlanSettings,
    margin: Margin,
    results: Results,
    own: StoredPlan | None,
    as_of: dt.date,
    seed: int,
) -> Account:
    """Choose twice: first to see how long each list gets and how large its hold-out is, then with the arms."""
    columns = [j for j, p in enumerate(playable) if p.channel]
    contacting = [playable[j] for j in columns]
    uplifts = [gain.updated(gain.prior(p), results.of(p.name)) for p in contacting]
    worth = margin.used * facts.order_value(customers)
    found = gain.gains(worth, contacting, uplifts)
    allowed = guarded.allowed[:, columns]
    owners, names = _owners(customers)
    day = as_of.isoformat()
    tie = uniform(customers["customer_id"], "tie", day, seed)
    asked = choice.problem(
        contacting, settings.channels, owners, found.each, allowed, np.ones(allowed.shape, dtype=bool), tie
    ) if contacting else None  # fmt: skip
    if asked is None:
        return account(customers, (), settings, found, None, None, (), np.zeros((len(customers), 0), bool), names)
    first = choice.choose(asked)
    sizes = [
        _size(customers, first, j, p, u, settings, own)
        for j, (p, u) in enumerate(zip(contacting, uplifts, strict=True))
    ]
    ids = customers["customer_id"].to_numpy(object)
    held = np.zeros(allowed.shape, dtype=bool)
    for j, (play, size) in enumerate(zip(contacting, sizes, strict=True)):
        rows = np.flatnonzero(asked.allowed[:, j])
        held[rows, j] = holdout.held_out(ids[rows], play.name, day, seed, size.share)
    asked = choice.problem(contacting, settings.channels, owners, found.each, allowed, ~held, tie)
    return account(customers, contacting, settings, found, asked, choice.choose(asked), sizes, held, names)


def _owners(customers: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Code of each customer's owner and the names, sorted; the first is nobody."""
    if "owner" not in customers:
        return np.zeros(len(customers), dtype=np.int64), [""]
    told = customers["owner"].astype("object").where(customers["owner"].notna(), "")
    names = sorted({"", *told.unique()})
    return told.map({name: i for i, name in enumerate(names)}).to_numpy(np.int64), names


def _size(
    customers: pd.DataFrame,
    first: choice.Choice,
    j: int,
    play: Play,
    uplift: gain.Uplift,
    settings: PlanSettings,
    own: StoredPlan | None,
) -> holdout.Size:
    """The hold-out that the list needs; a plan stored for this date keeps the share it was drawn with."""
    rows = first.play == j
    known = "p_buy" in customers and rows.any()  # without P(buy) the rate of all stands for each list
    n, base = int(rows.sum()), base_rate(customers[rows] if known else customers, settings.outcome_days)
    stored = own.lists.about.get(play.name, {}).get("holdout_share") if own else None
    if stored is not None:
        sized = (n * (1 - stored), n * stored)
        return holdout.Size(stored, holdout.power(uplift.value, base, *sized), holdout.detectable(base, *sized))
    return holdout.size(n, uplift.value, base, settings.holdout_least_share, settings.holdout_most_share)


def base_rate(customers: pd.DataFrame, days: int) -> float:
    """Chance of an order within the window without a contact: from P(buy), else the share that ordered lately."""
    if customers.empty:
        return 0.0
    if "p_buy" in customers and customers["p_buy"].notna().any():
        p = customers["p_buy"].to_numpy(float)
        p = p[np.isfinite(p)].clip(0, 1 - 1e-9)
        return float((1 - (1 - np.sort(p)) ** (days / _HORIZON_DAYS)).mean())
    lately = (customers["days_since_last"] < days) & (customers["n_orders"] > 1)
    return float(lately.mean())


def _offered(
    members: pd.DataFrame, playable: Sequence[Play], affinity: Affinity | None, tables: Tables, as_of: dt.date
) -> pd.DataFrame:
    """Members with the product to offer beside them, where the source knows products."""
    members = members.assign(product_id=pd.Series("", index=members.index, dtype="str"))
    if affinity is None or members.empty:
        return members
    found = recommend.next_products(affinity, tables.transactions, as_of, members["customer_id"].tolist())
    told = members["customer_id"].map(found.set_index("customer_id")["product_id"])
    return members.assign(product_id=told.astype("str").where(told.notna(), ""))


def _actions(
    customers: pd.DataFrame, playable: Sequence[Play], fit: np.ndarray, guarded: Guarded, made: Account
) -> pd.DataFrame:
    """The table with what is done with each customer, and where it is nothing, why."""
    contacting = np.array([bool(p.channel) for p in playable], dtype=bool)
    names = np.array([p.name for p in playable], dtype=object)
    action = np.full(len(customers), LEAVE_ALONE, dtype=object)
    quiet = fit & ~contacting
    alone = quiet.any(axis=1)
    if alone.any():
        action[alone] = names[quiet[alone].argmax(axis=1)]
    eligible = (guarded.allowed & contacting).any(axis=1)
    reason = np.where(alone, "by_play", np.where(guarded.reason != "", guarded.reason, "no_play")).astype(object)
    reason[eligible] = "not_worth_it"
    reason[made.worth_it] = "no_budget"
    placed = customers["customer_id"].isin(made.members["customer_id"]).to_numpy()
    by_id = made.members.set_index("customer_id")
    there = customers.loc[placed, "customer_id"]
    action[placed] = by_id["list"].reindex(there).to_numpy(object)
    reason[placed] = np.where(by_id["arm"].reindex(there).to_numpy(object) == CONTROL, "held_out", "chosen")
    return customers.assign(eligible=eligible, action=action, reason=reason)
