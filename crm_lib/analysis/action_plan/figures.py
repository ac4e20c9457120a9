"""The figures and tables that the action plan publishes, without words."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.action_plan.loop import Results
from crm_lib.analysis.action_plan.plan import Plan
from crm_lib.contract.publication import Figure, Publication

CUSTOMERS = (
    *("customer_id", "as_of", "days_since_last", "n_orders", "amount", "r", "f", "m", "code", "weighted"),
    *("segment", "value_grade", "p_buy", "clv_low", "clv_mid", "clv_high", "stage", "satisfaction"),
    *("last_campaign", "eligible", "action", "reason"),
)


def publication(plan: Plan) -> Publication:
    """Key figures, the one customer table, and the accounts of plays and of earlier lists."""
    there = [c for c in CUSTOMERS if c in plan.customers]
    tables = {
        "customers": plan.customers[there],
        "plays": plan.account.by_play,
        "results": results_table(plan.results),
    }
    return Publication("action_plan", tuple(_figures(plan)), tables)


def _figures(plan: Plan) -> list[Figure]:
    made, total = plan.account, plan.account.total
    arms = made.members["arm"].value_counts()
    figures = [
        Figure("expected_gain", _cents(total.value), "money", total.n, _cents(total.low), _cents(total.high)),
        Figure("n_contacts", int(arms.get("treated", 0)), "customers", len(plan.customers)),
        Figure("n_held_out", int(arms.get("control", 0)), "customers", len(plan.customers)),
        Figure("contact_cost", made.cost, "money", int(arms.get("treated", 0))),
        Figure("n_protected", int((plan.guarded.report["n"]).sum()), "customers", plan.guarded.n_wanted),
        Figure("n_customers", len(plan.customers), "customers"),
        Figure("amount", plan.people.amount, "money", len(plan.customers)),
        Figure("n_lists", int((made.by_play["n"] > 0).sum()) if len(made.by_play) else 0, "lists"),
    ]
    profit = plan.results.profit
    if profit:
        figures.append(
            Figure(
                "measured_profit", _cents(profit.value), "money", profit.n, _cents(profit.low), _cents(profit.high)
            )
        )
        figures.append(Figure("measured_cost", plan.results.cost, "money", profit.n))
    return figures


def _cents(x: float | None) -> float | None:
    return None if x is None else round(x, 2)


def results_table(results: Results) -> pd.DataFrame:
    """One row per list of earlier plans, as plain columns."""
    rows = [
        {
            "plan_date": pd.Timestamp(m.plan_date),
            "play": m.play,
            "state": m.state,
            "n_treated": m.n_treated,
            "n_control": m.n_control,
            "cost": m.cost,
            "expected_gain": round(m.expected, 2),
            **{f"uplift{end}": v for end, v in zip(("", "_low", "_high"), _triple(m.uplift), strict=True)},
            **{f"profit{end}": v for end, v in zip(("", "_low", "_high"), _triple(m.profit), strict=True)},
            "verdict": m.verdict,
            "why_not": m.why_not,
        }
        for m in results.lists
    ]
    return pd.DataFrame(rows) if rows else pd.DataFrame({"plan_date": pd.Series(dtype="datetime64[us]")})


def _triple(found: object) -> tuple[float | None, float | None, float | None]:
    return found.value, found.low, found.high
