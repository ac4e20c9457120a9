"""What the topic publishes: figures without words, and the tables that later topics read."""

from __future__ import annotations

import re

import pandas as pd

from crm_lib.analysis.campaigns.chain import by_campaign
from crm_lib.analysis.campaigns.evaluation import Evaluation
from crm_lib.analysis.campaigns.uplift import PROVEN, Uplift, frame
from crm_lib.analysis.intervals import Interval
from crm_lib.contract.publication import Figure, Publication

MOST_TESTS = 20  # tests with figures of their own; all of them are in the table


def publication(result: Evaluation) -> Publication:
    """Figures and tables, without words; money carries the unit `money`."""
    tables = {"uplift": frame(result.uplifts), "plays": result.plays, "campaigns": _campaigns(result)}
    if not result.participation.customers.empty:
        customers = result.participation.customers.assign(as_of=pd.Timestamp(result.as_of))
        tables["customers"] = customers
    return Publication("campaigns", tuple(_figures(result)), {n: t for n, t in tables.items() if not t.empty})


def _figures(result: Evaluation) -> list[Figure]:
    part, tested = result.participation, result.tested
    share = _bounded("participation", part.share, "share")
    figures = [
        share,
        Figure("n_campaigns", len(result.campaigns), "campaigns"),
        Figure("n_contacts", result.n_contacts, "contacts"),
        Figure("n_tested", len(tested), "campaigns"),
        Figure("n_proven", sum(u.verdict == PROVEN for u in tested), "campaigns", len(tested)),
        _bounded("incremental_profit", result.profit, "money"),
        _bounded("incremental_revenue", result.revenue, "money"),
    ]
    if part.per_year is not None:
        n = int((part.customers["n_contacts"] > 0).sum())
        figures.append(Figure("contacts_per_year", part.per_year, "ratio", n))
    if result.gap is not None:
        gap = result.gap
        figures += [
            Figure("credited_buyers", gap.credited, "customers"),
            _bounded("caused_buyers", gap.caused, "customers"),
        ]
    return [*figures, *_costs(result), *_goals(result), *_prices(result), *_tests(result)]


def _bounded(name: str, found: Interval, unit: str) -> Figure:
    return Figure(name, found.value, unit, found.n or None, found.low, found.high)


def _costs(result: Evaluation) -> list[Figure]:
    budget = result.budget
    if budget.empty:
        return []
    spent, planned = float(budget["actual"].sum()), float(budget["budget"].sum())
    figures = [
        Figure("spent_amount", round(spent, 2), "money"),
        Figure("budget_amount", round(planned, 2), "money"),
    ]
    figures.append(Figure("overhead_amount", result.returns.overhead, "money"))
    if result.attribution is not None:
        figures.append(Figure("credited_amount", result.attribution.amount, "money", result.attribution.n_orders))
    return figures


def _goals(result: Evaluation) -> list[Figure]:
    market = result.goals.market
    if market.empty or market["own_share"].isna().all():
        return []
    return [Figure("market_share", float(market["own_share"].dropna().iloc[-1]), "share")]


def _prices(result: Evaluation) -> list[Figure]:
    found = result.prices
    if found is None:
        return []
    return [
        _bounded("discounted_order_share", found.orders, "share"),
        Figure("discounted_sales_share", found.sales_share, "share", found.orders.n),
        Figure("discount_amount", round(found.given, 2), "money", found.orders.n),
    ]


def _tests(result: Evaluation) -> list[Figure]:
    figures = []
    counted = set()
    for u in result.uplifts[:MOST_TESTS]:
        about = name_of(u)
        figures.append(Figure(f"{about}_n", u.n_treated, "customers"))
        if u.campaign_id not in counted:
            counted.add(u.campaign_id)
            figures.append(Figure(f"{u.campaign_id}_control_n", u.n_control, "customers"))
            figures += _share(f"{u.campaign_id}_control", u.control_share, u.control_visited_share, u.n_control)
        if not u.readable:
            continue
        figures += _share(about, u.treated_share, u.treated_visited_share, u.n_treated)
        for name, unit in (
            ("bought", "share"),
            ("visited", "share"),
            ("revenue", "money"),
            ("cuped", "money"),
            ("profit", "money"),
        ):
            found = getattr(u, name)
            if found:
                figures.append(
                    _bounded(f"{about}_{name}_uplift" if name != "profit" else f"{about}_profit", found, unit)
                )
        if u.revenue_t is not None:
            figures.append(Figure(f"{about}_revenue_t", u.revenue_t, "ratio", u.revenue.n))
    return figures


def _share(about: str, bought: float | None, visited: float | None, n: int) -> list[Figure]:
    told = {"bought_share": bought, "visited_share": visited}
    return [Figure(f"{about}_{name}", value, "share", n) for name, value in told.items() if value is not None]


def name_of(u: Uplift) -> str:
    """Name of a test in figures: the campaign's id, and its variant in small letters.

    >>> name_of(Uplift("E1", "Mens E-Mail"))
    'E1_mens_e_mail'
    """
    slug = re.sub(r"[^a-z0-9]+", "_", u.variant.lower()).strip("_")
    return f"{u.campaign_id}_{slug}" if slug else u.campaign_id


def _campaigns(result: Evaluation) -> pd.DataFrame:
    """One row per campaign: what it is, its chain, cost range, and its attribution by every rule."""
    columns = ["campaign_id", "name", "parent_id", "kind", "purpose", "status"]
    rows = result.campaigns.reindex(columns=columns).astype("object")
    rows = rows.where(rows.notna(), None)
    for part in (
        _chain(result),
        result.returns.rows.drop(columns=["name", "contacted", "leads"], errors="ignore"),
    ):
        if not part.empty:
            rows = rows.merge(part, how="left", on="campaign_id")
    if result.attribution is not None:
        credited = result.attribution.rows.add_prefix("credit_").rename(
            columns={"credit_campaign_id": "campaign_id"}
        )
        rows = rows.merge(credited, how="left", on="campaign_id")
    return rows


def _chain(result: Evaluation) -> pd.DataFrame:
    if result.steps.empty:
        return result.steps

    return by_campaign(result.steps)
