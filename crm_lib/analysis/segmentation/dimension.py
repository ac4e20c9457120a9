"""Value by an attribute of the customer: region, channel, size and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.analysis import intervals
from crm_lib.analysis.segmentation.grades import cuts

MOST_GROUPS = 12
NOT_DIMENSIONS = ("customer_id", "name")


@dataclass(frozen=True)
class ByDimension:
    """Customers and money by one attribute.

    `groups` has one row per value, most money first: group, kind (`value`, `unknown` or `others`), n_customers,
    customer_share, amount, amount_share, mean_amount with low and high, top_share with top_low and top_high
    (customers of value grade A), others_mean (of all others whose value is known), apart (both means differ,
    family-wise at 10 %). It is None where the attribute does not exist; `available` then says which do.
    """

    dimension: str
    groups: pd.DataFrame | None
    available: tuple[str, ...]
    n_merged: int = 0
    n_customers: int = 0
    suppress_below: int = 5
    compare_from: int = 30


def by_dimension(
    customers: pd.DataFrame,
    attributes: ir.Table | None,
    dimension: str,
    *,
    suppress_below: int = 5,
    compare_from: int = 30,
) -> ByDimension:
    """Value by `dimension`, a column of `attributes` (the table `customers`; None where there is none).

    Groups of fewer than `suppress_below` customers are merged into one row; groups of fewer than
    `compare_from` get no interval and no comparison. Numbers and dates of many values are put into bands.
    """
    available = _available(attributes)
    if dimension not in available:
        return ByDimension(dimension, None, available, n_customers=len(customers))
    known = attributes.select("customer_id", dimension).to_pandas()
    joined = customers[["customer_id", "amount", "value_grade"]].merge(known, "left", "customer_id")
    label, n_merged = _labels(joined[dimension], joined["amount"], suppress_below)
    groups = _groups(joined, label, compare_from)
    return ByDimension(dimension, groups, available, n_merged, len(joined), suppress_below, compare_from)


def _available(attributes: ir.Table | None) -> tuple[str, ...]:
    return () if attributes is None else tuple(c for c in attributes.columns if c not in NOT_DIMENSIONS)


def _labels(values: pd.Series, amounts: pd.Series, suppress_below: int) -> tuple[pd.Series, int]:
    """Per customer `value:…`, `unknown:` or `others:`, small groups merged; and how many values were merged."""
    place, distinct = pd.factorize(_banded(values), use_na_sentinel=False)
    label = np.array(["unknown:" if pd.isna(v) else f"value:{v}" for v in distinct], dtype=object)
    size, money = np.bincount(place), np.bincount(place, amounts)
    by_money = sorted(range(len(label)), key=lambda g: (-money[g], label[g]))
    kept = [g for g in by_money if size[g] >= suppress_below][:MOST_GROUPS]
    merged = [g for g in by_money if g not in kept]
    while merged and kept and size[merged].sum() < suppress_below:
        merged.append(
            min(kept, key=lambda g: (size[g], label[g]))
        )  # a lone small group would follow from the total
        kept.remove(merged[-1])
    label[merged] = "others:"
    return pd.Series(label[place], index=values.index), len(merged)


def _banded(values: pd.Series) -> pd.Series:
    """Values to group by: dates by year, numbers of more than a dozen values in up to five bands."""
    if values.dropna().empty or pd.api.types.is_bool_dtype(values):
        return values
    if hasattr(values.dropna().iloc[0], "year"):
        return pd.to_datetime(values).dt.year.astype("Int64")
    if not pd.api.types.is_numeric_dtype(values):
        return values
    number = values.astype("float64")
    return _bands(number) if values.nunique() > MOST_GROUPS else number.map("{:g}".format, na_action="ignore")


def _bands(values: pd.Series) -> pd.Series:
    known = values.dropna()
    band = np.searchsorted(sorted(set(cuts(known))), known, side="left")
    span = known.groupby(band).agg(["min", "max"])
    text = np.array([f"{low:g}–{high:g}" for low, high in span.itertuples(index=False)], dtype=object)
    return pd.Series(text[np.searchsorted(span.index, band)], index=known.index).reindex(values.index)


def _groups(joined: pd.DataFrame, label: pd.Series, compare_from: int) -> pd.DataFrame:
    amounts = joined["amount"].to_numpy(dtype=float)
    top = (joined["value_grade"] == "A").to_numpy()
    known = label.str.startswith("value:").to_numpy(dtype=bool)
    rows = []
    for name, index in label.groupby(label, sort=True).indices.items():
        kind, _, group = name.partition(":")
        inside = np.zeros(len(joined), dtype=bool)
        inside[index] = True
        others = amounts[known & ~inside] if kind == "value" else amounts[:0]
        row = _money(amounts, inside, compare_from) | _compared(amounts[inside], others, compare_from)
        rows.append({"group": group, "kind": kind} | row | _top(top[inside], compare_from))
    groups = pd.DataFrame(rows)
    groups["apart"] = _holm(groups["p_value"])
    rest_last = groups["kind"].map({"value": 0, "unknown": 1, "others": 2})
    order = np.lexsort((groups["group"], -groups["amount"], rest_last))
    return groups.drop(columns="p_value").iloc[order].reset_index(drop=True)


def _money(amounts: np.ndarray, inside: np.ndarray, compare_from: int) -> dict[str, Any]:
    own, total = amounts[inside], amounts.sum()
    mean = intervals.mean(own) if len(own) >= compare_from else intervals.nothing()
    return {
        "n_customers": len(own),
        "customer_share": len(own) / len(amounts),
        "amount": round(float(own.sum()), 2),
        "amount_share": float(own.sum() / total) if total > 0 else np.nan,
        "mean_amount": float(own.mean()),
        "low": _or_nan(mean.low),
        "high": _or_nan(mean.high),
    }


def _compared(own: np.ndarray, others: np.ndarray, compare_from: int) -> dict[str, float]:
    """Welch's test of a group against all others whose value is known, where both are large enough."""
    tested = min(len(own), len(others)) >= compare_from and own.std() + others.std() > 0
    return {
        "others_mean": float(others.mean()) if len(others) else np.nan,
        "p_value": float(stats.ttest_ind(own, others, equal_var=False).pvalue) if tested else np.nan,
    }


def _top(top: np.ndarray, compare_from: int) -> dict[str, float]:
    share = intervals.wilson(int(top.sum()), len(top)) if len(top) >= compare_from else intervals.nothing()
    return {
        "top_share": _or_nan(share.value),
        "top_low": _or_nan(share.low),
        "top_high": _or_nan(share.high),
    }


def _or_nan(x: float | None) -> float:
    return np.nan if x is None else x


def _holm(p_values: pd.Series, alpha: float = 1 - intervals.LEVEL) -> np.ndarray:
    """Which of several comparisons hold together at `alpha` (Holm's step-down)."""
    p = p_values.to_numpy(dtype=float)
    apart = np.zeros(len(p), dtype=bool)
    order = [i for i in np.argsort(p) if np.isfinite(p[i])]
    for k, i in enumerate(order):
        if p[i] > alpha / (len(order) - k):
            break
        apart[i] = True
    return apart
