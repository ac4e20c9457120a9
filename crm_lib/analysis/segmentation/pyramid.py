"""Value grades A–D, and the pyramid they make.

Shares count a customer whose net amount is zero or less as zero; sums of money stay net, so that they add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib.analysis.segmentation.concentration import money_share, positive_cents

GRADES = ("A", "B", "C", "D")
BOUNDS = (0.50, 0.80, 0.95)


def value_grades(amounts: Any, bounds: tuple[float, ...] = BOUNDS) -> np.ndarray:
    """A while those who bring more hold less than 50 % of the money, B under 80 %, C under 95 %, else D.

    Equal amounts get equal grades; amounts of zero or less get D.

    >>> value_grades([60, 25, 10, 5, 0]).tolist()
    ['A', 'B', 'C', 'D', 'D']
    """
    cents = positive_cents(amounts)
    distinct, where, counts = np.unique(-cents, return_inverse=True, return_counts=True)
    held = -distinct * counts
    total = int(held.sum())
    if total == 0:
        return np.full(len(cents), GRADES[-1], dtype=object)
    before = (held.cumsum() - held) / total
    grade = np.asarray(GRADES, dtype=object)[np.searchsorted(bounds, before, side="right")]
    return np.where(cents > 0, grade[where], GRADES[-1])


def tiers(customers: pd.DataFrame, by: str = "value_grade", names: tuple[str, ...] = GRADES) -> pd.DataFrame:
    """Per class of `by`: customers, their share, net amount, share of money with interval, lowest amount.

    `customers` has `amount` and the column `by`; classes nobody is in are listed with 0 customers.
    """
    amounts = customers["amount"].to_numpy(dtype=float)
    rows = [_tier(name, amounts, (customers[by] == name).to_numpy()) for name in names]
    return pd.DataFrame(rows).rename(columns={"name": by})


def _tier(name: str, amounts: np.ndarray, inside: np.ndarray) -> dict[str, Any]:
    share = money_share(amounts, inside)
    return {
        "name": name,
        "n_customers": int(inside.sum()),
        "customer_share": float(inside.mean()),
        "amount": round(float(amounts[inside].sum()), 2),
        "amount_share": np.nan if share.value is None else share.value,
        "low": np.nan if share.low is None else share.low,
        "high": np.nan if share.high is None else share.high,
        "mean_amount": float(amounts[inside].mean()) if inside.any() else np.nan,
        "lowest_amount": float(amounts[inside].min()) if inside.any() else np.nan,
    }
