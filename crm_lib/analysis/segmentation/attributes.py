"""Classes by an attribute of the customer: values kept, numbers and dates in bands, small groups merged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.analysis.segmentation.grades import cuts

MOST_CLASSES = 12
VALUE, UNKNOWN, OTHERS = "value", "unknown", "others"
AGE_FROM = (0, 18, 25, 35, 45, 55, 65)
OLDEST = 120


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes in order, and which of them each customer is in.

    `kinds` says of each name whether it is a `value`, `unknown` (no value) or `others` (small groups merged);
    the last two have an empty name. `place` holds one number per customer.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    place: np.ndarray
    n_merged: int = 0


def classes(values: pd.Series, amounts: Any, suppress_below: int = 5, ordered: bool = False) -> Classes:
    """Classes of `values` (None where unknown), most money first, or by name where `ordered`.

    Groups of fewer than `suppress_below` customers, and those beyond the twelve with most money, are merged; a
    lone small group takes the next smallest with it, else it would follow from the total.
    """
    place, distinct = pd.factorize(values, use_na_sentinel=False)
    distinct = np.asarray(distinct, dtype=object)
    size, money = np.bincount(place, minlength=len(distinct)), np.bincount(place, np.asarray(amounts, dtype=float))
    unknown = np.array([pd.isna(v) for v in distinct], dtype=bool)
    by_money = sorted(range(len(distinct)), key=lambda g: (unknown[g], -money[g], str(distinct[g])))
    kept = [g for g in by_money if size[g] >= suppress_below][:MOST_CLASSES]
    merged = [g for g in by_money if g not in set(kept)]
    while merged and kept and size[merged].sum() < suppress_below:
        merged.append(min(kept, key=lambda g: (size[g], str(distinct[g]))))
        kept.remove(merged[-1])
    if ordered:
        kept.sort(key=lambda g: (unknown[g], str(distinct[g])))
    row = np.full(len(distinct), len(kept))
    row[kept] = np.arange(len(kept))
    names = ["" if unknown[g] else str(distinct[g]) for g in kept] + [""] * bool(merged)
    kinds = [UNKNOWN if unknown[g] else VALUE for g in kept] + [OTHERS] * bool(merged)
    return Classes(tuple(names), tuple(kinds), row[place], len(merged))


def banded(values: pd.Series) -> pd.Series:
    """Values to class by: dates by year, numbers of more than a dozen values in up to five bands."""
    known = values.dropna()
    if known.empty or pd.api.types.is_bool_dtype(known):
        return values
    if hasattr(known.iloc[0], "year"):
        return pd.to_datetime(values).dt.year.astype("Int64").astype("string")
    if not pd.api.types.is_numeric_dtype(known):
        return values
    number = values.astype("float64")
    return _bands(number) if values.nunique() > MOST_CLASSES else number.map("{:g}".format, na_action="ignore")


def _bands(values: pd.Series) -> pd.Series:
    known = values.dropna()
    band = np.searchsorted(sorted(set(cuts(known))), known, side="left")
    span = known.groupby(band).agg(["min", "max"])
    text = np.array([f"{low:g}–{high:g}" for low, high in span.itertuples(index=False)], dtype=object)
    return pd.Series(text[np.searchsorted(span.index, band)], index=known.index).reindex(values.index)


def age_bands(birth_years: pd.Series, as_of: dt.date) -> pd.Series:
    """Age on the last day of the year of `as_of`, in bands of ten years; None where unknown or impossible.

    >>> age_bands(pd.Series([1990, 2015, None]), dt.date(2026, 10, 31)).tolist()
    ['35–44', '0–17', None]
    """
    age = as_of.year - pd.to_numeric(birth_years, errors="coerce").astype("float64")
    text = [*(f"{low}–{high - 1}" for low, high in pairwise(AGE_FROM)), f"{AGE_FROM[-1]}+"]
    place = np.searchsorted(AGE_FROM, age.to_numpy(), side="right") - 1
    possible = age.between(0, OLDEST).to_numpy()
    named = np.asarray([*text, None], dtype=object)[np.where(possible, place, len(text))]
    return pd.Series(named, index=birth_years.index, dtype=object)
