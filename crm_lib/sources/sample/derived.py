"""What follows from the truth: figures that an analysis should come near to."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import betaprime

from crm_lib.sources.sample.campaign_plans import PLANS
from crm_lib.sources.sample.campaigns import Contacts
from crm_lib.sources.sample.purchases import Latent, Ledger, Orders
from crm_lib.sources.sample.sales import Deals, Leads
from crm_lib.sources.sample.truth import DAYS_AHEAD, N_DAYS, Purchases, Sales, Truth
from crm_lib.sources.sample.voices import Answers


def purchases(truth: Purchases, latent: Latent, future: Orders, ledger: Ledger) -> dict[str, Any]:
    """Who is still a customer and what they will do in the year ahead, without campaigns."""
    weeks = DAYS_AHEAD / 7
    expected = latent.alive * -np.expm1(-latent.rate * latent.dropout_share * weeks) / latent.dropout_share
    spend = truth.p / latent.nu
    return {
        "n_customers": len(latent.nu),
        "n_orders": len(ledger.orders),
        "n_repeat_orders": len(ledger.orders) - len(latent.nu),
        "n_refunds": len(ledger.refund_of),
        "gross_amount": float(ledger.orders.cents.sum() / 100),
        "refunded_amount": float(ledger.orders.cents[ledger.refund_of].sum() / 100),
        "mean_order_amount": truth.p * truth.gamma / (truth.q - 1),
        "alive_share_after_last_day": float(latent.alive.mean()),
        "weeks_ahead": weeks,
        "expected_orders_ahead": float(expected.sum()),
        "expected_amount_ahead": float((expected * spend).sum()),
        "expected_buyers_ahead": float((latent.alive * -np.expm1(-latent.rate * weeks)).sum()),
        "actual_orders_ahead": len(future),
        "actual_amount_ahead": float(future.cents.sum() / 100),
        "actual_buyers_ahead": len(np.unique(future.customer)),
    }


def sales(truth: Sales, purchases: Purchases, found: Leads, pursued: Deals, n_linked: int) -> dict[str, Any]:
    """Conversions by step, by recursion over moves and skips, and what came of all deals in the end."""
    entered, reached = stage_shares(truth)
    last = truth.stages[-1].conversion
    smallest = truth.smallest_amount / purchases.gamma
    above = betaprime.sf(smallest, purchases.p + 1, purchases.q - 1) / betaprime.sf(
        smallest, purchases.p, purchases.q
    )
    seen = pursued.opened < N_DAYS
    return {
        "n_leads": len(found.created),
        "n_opportunities": int(seen.sum()),
        "n_won_by_last_day": int((pursued.won & (pursued.closed < N_DAYS)).sum()),
        "n_lost_by_last_day": int((~pursued.won & (pursued.closed < N_DAYS)).sum()),
        "n_open_on_last_day": int((seen & (pursued.closed >= N_DAYS)).sum()),
        "n_won_with_order": n_linked,
        "entered_share": dict(zip([s.name for s in truth.stages], entered, strict=True)),
        "reached_or_later_share": dict(zip([s.name for s in truth.stages], reached, strict=True)),
        "ultimate_won_share": entered[-1] * last,
        "ultimate_won_share_of_these": float(pursued.won[seen].mean()),
        "mean_amount": float(purchases.p * purchases.gamma / (purchases.q - 1) * above),
    }


def stage_shares(truth: Sales) -> tuple[list[float], list[float]]:
    """Share of all deals that enter each stage in the end, and that reach it or a later one."""
    n = len(truth.stages)
    entered, reached = [1.0] + [0.0] * (n - 1), [1.0]
    for k, stage in enumerate(truth.stages[:-1]):
        skip = truth.skip_share if k < n - 2 else 0.0
        moved = entered[k] * stage.conversion
        entered[k + 1] += moved * (1 - skip)
        if k + 2 < n:
            entered[k + 2] += moved * skip
        reached.append(reached[-1] - entered[k] * (1 - stage.conversion))
    return entered, reached


def campaigns(sent: Contacts, orders: Orders, with_effects: bool) -> dict[str, Any]:
    """Per campaign with contacts: arms, answer rates in the plan, and the chance of an extra order."""
    found = {}
    for i, plan in enumerate(PLANS):
        rows = sent.campaign == i
        if not rows.any():
            continue
        found[f"M{i + 1:02}"] = {
            "name": plan.name,
            "n_treated": int((rows & sent.treated).sum()),
            "n_control": int((rows & ~sent.treated).sum()),
            "control_share": plan.control_share,
            "delivered_share": plan.delivered,
            "opened_share_of_delivered": plan.opened,
            "clicked_share_of_opened": plan.clicked,
            "answered_share_of_opened": plan.answered,
            "yes_share_of_answers": plan.yes,
            "extra_order_share_of_treated": plan.uplift if with_effects else 0.0,
            "n_extra_orders": int((orders.campaign == i).sum()),
        }
    return found


def voices(truth: Truth, said: Answers) -> dict[str, Any]:
    """Scores of everyone asked beside those who answered: the gap is the bias of non-response."""
    answered = said.answered < N_DAYS
    groups = {"everyone_asked": np.ones(len(answered), dtype=bool), "those_who_answered": answered}
    return {
        "n_asked": len(answered),
        "n_answered": int(answered.sum()),
        **{name: _scores(truth, said, rows) for name, rows in groups.items()},
    }


def _scores(truth: Truth, said: Answers, rows: np.ndarray) -> dict[str, Any]:
    expected, perceived = said.expected[rows], said.perceived[rows]
    aspects = [a.name for a in truth.voices.aspects]
    nps = said.nps[rows]
    return {
        "ratio": float(perceived.sum() / expected.sum()),
        "ratio_by_aspect": dict(zip(aspects, (perceived.sum(0) / expected.sum(0)).tolist(), strict=True)),
        "mean_expected": float(expected.mean()),
        "mean_perceived": float(perceived.mean()),
        "nps": float(100 * ((nps >= 9).mean() - (nps <= 6).mean())),
        "mean_csat": float(said.csat[rows].mean()),
        "mean_ces": float(said.ces[rows].mean()),
        "walked_away_share": float(said.walked_away[rows].mean()),
    }
