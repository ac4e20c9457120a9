"""The contact guard: who may be contacted at all, and by which play; every refusal has one first reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.analysis.action_plan.chance import uniform
from crm_lib.contract.settings import Guard, Play

GLOBAL_SEED = "global hold-out"
REASONS = ("no_consent", "unsubscribed", "global_holdout", "in_campaign", "cap", "complaint", "purchase")


@dataclass(frozen=True, eq=False)
class Guarded:
    """What the guard allows: customers × plays, the first reason against each customer ("" for none), and counts.

    `report` has one row per reason in the guard's order: `n` customers whom some play fits and for whom this is
    the first reason, `n_all` those whom it touches at all. `has_consent` says whether the source knows of consent.
    """

    allowed: np.ndarray
    reason: np.ndarray
    report: pd.DataFrame
    has_consent: bool
    n_wanted: int


def guarded(customers: pd.DataFrame, plays: Sequence[Play], fit: np.ndarray, rules: Guard) -> Guarded:
    """Strike out of `fit` whom a rule protects.

    Without a column `consent` nobody may be contacted. The global hold-out depends on the id alone, so that the
    same customers stay out of every plan.
    """
    touched = _touched(customers, rules)
    contacting = np.array([bool(p.channel) for p in plays], dtype=bool)
    allowed, reason = fit.copy(), np.full(len(customers), "", dtype=object)
    wanted = (fit & contacting).any(axis=1)
    rows = []
    for name in REASONS:
        spared = np.array([name in p.ignores or not p.channel for p in plays], dtype=bool)
        struck = touched[name][:, None] & ~spared[None, :] & allowed
        before = (allowed & contacting).any(axis=1)
        allowed &= ~struck
        ended = wanted & before & ~(allowed & contacting).any(axis=1)
        reason[ended] = name
        rows.append((name, int(ended.sum()), int((wanted & touched[name]).sum())))
    report = pd.DataFrame(rows, columns=["reason", "n", "n_all"])
    return Guarded(allowed, reason, report, "consent" in customers, int(wanted.sum()))


def _touched(customers: pd.DataFrame, rules: Guard) -> dict[str, np.ndarray]:
    n = len(customers)
    none, everyone = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)

    def known(column: str) -> np.ndarray:
        return customers[column].to_numpy(bool) if column in customers else none

    capped = none.copy()
    for days, most in rules.caps.items():
        if f"contacts_{days}" in customers:
            capped |= customers[f"contacts_{days}"].to_numpy() >= most
        elif most == 0:
            capped = everyone.copy()
    complaint = known("complaint_open").copy()
    if "days_since_complaint" in customers:
        since = customers["days_since_complaint"].to_numpy(float, na_value=np.nan)
        complaint |= since < rules.after_complaint_days
    return {
        "no_consent": ~known("consent") if "consent" in customers else everyone,
        "unsubscribed": known("unsubscribed"),
        "global_holdout": in_global_holdout(customers["customer_id"], rules.global_holdout_share),
        "in_campaign": known("in_campaign"),
        "cap": capped,
        "complaint": complaint,
        "purchase": customers["days_since_last"].to_numpy() < rules.after_purchase_days,
    }


def in_global_holdout(ids: pd.Series, share: float) -> np.ndarray:
    """Who is never contacted, so that all plans together can be judged: the same customers for good."""
    return uniform(ids, GLOBAL_SEED) < share
