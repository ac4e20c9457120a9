"""The portrait of each class of customers: what sets it apart from all others, strongest first.

`reading` counts what is known of customers in the engine, `compare` sets one class against the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.segmentation.portrait import compare, reading
from crm_lib.analysis.segmentation.portrait.reading import (
    CONSTANT,
    FOLLOWS,
    SCATTERED,
    UNREADABLE,
    Counted,
    Measured,
    Skipped,
)
from crm_lib.contract.settings import Scale

__all__ = ["CONSTANT", "FOLLOWS", "SCATTERED", "UNREADABLE", "Portrait", "Skipped", "portrait"]


@dataclass(frozen=True, repr=False)
class Portrait(Brief):
    """Every comparison of a class with all other customers.

    Attributes
    ----------
    groups
        One row per class, most money first: group, n_customers, amount, compared, n_found.
    comparisons
        One row per class and level or number, by class, those that hold first, strongest first: group,
        attribute, about (`attribute`, `channels`, `bought`, `satisfaction`), form (`text`, `flag`, `known`,
        `number`, `date`), kind and level, n and n_others, own and others (shares or means), difference with low
        and high (of shares; of means in standard deviations), effect (in standard deviations), p_adjusted
        (Holm, over all rows), holds, more, hidden (the cell with fewer than `suppress_below` customers; the
        numbers are then blanked) and mark (equal where the same customers are counted).
    missing
        Share of the customers for whom an attribute is not known, by attribute; only where there are some.
    """

    by: str
    groups: pd.DataFrame
    comparisons: pd.DataFrame
    missing: pd.DataFrame
    skipped: tuple[Skipped, ...] = ()
    cut_to_largest: tuple[str, ...] = ()
    suppress_below: int = 5
    compare_from: int = 30

    @property
    def n_customers(self) -> int:
        """Customers in all classes."""
        return int(self.groups["n_customers"].sum())

    def found(self, name: Any) -> pd.DataFrame:
        """Differences of a class that hold, strongest first."""
        rows = self.comparisons
        return rows[(rows["group"] == str(name)) & rows["holds"]] if len(rows) else rows

    def top(self, name: Any, n: int = 3) -> pd.DataFrame:
        """The strongest differences of a class, at most one per attribute and per set of customers.

        Levels that hold the very same customers (gender is not known of firms) count once; what is only not
        known comes after all that is.
        """
        found = self.found(name)
        if found.empty:
            return found
        ordered = found.sort_values("kind", key=lambda kind: kind == "unknown", kind="stable")
        once = ordered.drop_duplicates(["about", "attribute"])
        return once[~once.duplicated("mark")].head(n)


def portrait(
    customers: pd.DataFrame,
    tables: Mapping[str, ir.Table],
    *,
    by: str = "segment",
    scales: Mapping[str, Scale] | None = None,
    suppress_below: int = 5,
    compare_from: int = 30,
) -> Portrait:
    """Compare each class of `by` with all other customers, by everything that is known of them.

    Levels are compared by shares, numbers and dates by means; what holds is judged for all comparisons of all
    classes together. Classes, rests and levels with fewer than `compare_from` customers are not compared. Days,
    orders and money made the classes and are no part; nor are tier and points, which follow from purchases.

    Parameters
    ----------
    customers
        `customer_id`, `amount` and the column `by`; rows without a class don't count.
    tables
        What the source has of `customers` (attributes), `transactions` (channels, categories), `products`,
        `surveys` and `survey_items` (satisfaction, on the declared `scales`); others are not read.
    scales
        Lowest and highest answer of each question, as crm.toml declares them.
    suppress_below
        Answers of fewer customers are not shown.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> from crm_lib.analysis.segmentation import segments
    >>> purchases = examples.purchases()
    >>> graded = segments(purchases, as_of=examples.AS_OF).customers
    >>> portrait(graded, {"transactions": purchases}, compare_from=5).groups["group"].tolist()[:2]
    ['best', 'passing_by']
    """
    rows = customers.loc[customers[by].notna(), ["customer_id", "amount"]].assign(
        group=customers[by].dropna().astype("str")
    )
    classes = _classes(rows, compare_from)
    empty = Portrait(by, classes, pd.DataFrame(), pd.DataFrame(), (), (), suppress_below, compare_from)
    if rows.empty:
        return empty
    table = ibis.memtable(rows[["customer_id", "group"]].astype("object").reset_index(drop=True))
    read = list(_everything(table, tables, scales or {}))
    sizes = dict(zip(classes["group"], classes["n_customers"], strict=True))
    compared, skipped = [], [r for r in read if isinstance(r, Skipped)]
    for item in (r for r in read if not isinstance(r, Skipped)):
        made = (
            _levels(item, sizes, compare_from) if isinstance(item, Counted) else _number(item, sizes, compare_from)
        )
        compared += made if isinstance(made, list) else []
        skipped += [made] if isinstance(made, Skipped) else []
    counted = [r for r in read if isinstance(r, Counted)]
    told = replace(
        empty,
        missing=_missing(counted, len(rows)),
        skipped=tuple(skipped),
        cut_to_largest=tuple(c.attribute for c in counted if (c.counts["kind"] == "other").any()),
    )
    return _ordered(told, compare.judged(compared, suppress_below)) if compared else told


def _classes(rows: pd.DataFrame, compare_from: int) -> pd.DataFrame:
    groups = rows.groupby("group")["amount"].agg(n_customers="size", amount="sum").reset_index()
    rest = len(rows) - groups["n_customers"]
    groups["compared"] = (groups["n_customers"] >= compare_from) & (rest >= compare_from)
    groups["n_found"] = 0
    return groups.sort_values(["amount", "group"], ascending=[False, True], ignore_index=True)


def _everything(
    classes: ir.Table, tables: Mapping[str, ir.Table], scales: Mapping[str, Scale]
) -> Iterator[reading.Read]:
    if "customers" in tables:
        attributes = tables["customers"]
        for name in (c for c in attributes.columns if c not in reading.NOT_ATTRIBUTES):
            yield from reading.attribute(classes, attributes, name)
    if "transactions" in tables:
        yield from reading.channels(classes, tables["transactions"])
        yield from reading.categories(classes, tables["transactions"], tables.get("products"))
    if "surveys" in tables:
        yield from reading.satisfaction(classes, tables["surveys"], tables.get("survey_items"), scales)


def _levels(item: Counted, sizes: dict[str, int], compare_from: int) -> list[compare.Row] | Skipped:
    """Each class against the rest by each level; of two exclusive levels only the one it has more of."""
    n_all = sum(sizes.values())
    grid = item.counts.pivot_table(index=["kind", "level"], columns="group", values="k", aggfunc="sum")
    cells = grid.reindex(columns=list(sizes)).fillna(0).to_numpy(dtype="int64")
    totals = cells.sum(axis=1)
    if (totals == n_all).all() and item.form != "known":
        return Skipped(item.attribute, CONSTANT)
    kinds = grid.index.get_level_values("kind")
    wanted = (totals >= compare_from) & (totals < n_all)
    if item.form == "known":
        wanted &= kinds == "unknown"
    elif not (wanted & (kinds == "value")).any():
        wanted &= kinds != "other"  # the rest of nothing says nothing
    kept = np.flatnonzero(wanted)
    if len(kept) == 0 and item.form != "known":
        return Skipped(item.attribute, SCATTERED)
    mirrored = item.exclusive and len(totals) == 2 and len(kept) == 2
    rows = []
    for j, (name, n) in enumerate(sizes.items()):
        if min(n, n_all - n) < compare_from:
            continue
        own = [_level(item, grid.index[i], name, (int(cells[i, j]), n), (int(totals[i]), n_all)) for i in kept]
        rows += [max(own, key=lambda row: row["difference"])] if mirrored else own
    return rows


def _level(
    item: Counted, key: tuple[str, str], name: str, own: tuple[int, int], everyone: tuple[int, int]
) -> compare.Row:
    (k, n), (k_all, n_all) = own, everyone
    about = {"group": name, "attribute": item.attribute, "about": item.about, "form": item.form}
    row = about | {"kind": key[0], "level": key[1], "n": n, "n_others": n_all - n}
    return row | compare.share(k, n, k_all - k, n_all - n)


def _number(item: Measured, sizes: dict[str, int], compare_from: int) -> list[compare.Row] | Skipped:
    if len(item.values) == 0 or np.ptp(item.values) == 0:
        return Skipped(item.attribute, CONSTANT)
    about = {"attribute": item.attribute, "about": item.about, "form": item.form, "kind": "value", "level": ""}
    found = compare.numbers(item.values, item.classes, tuple(sizes), compare_from)
    return [about | {"k": np.nan, "k_others": np.nan} | row for row in found] or Skipped(item.attribute, SCATTERED)


def _missing(counted: list[Counted], n: int) -> pd.DataFrame:
    unknown = [
        (c.about, c.attribute, int(c.counts.loc[c.counts["kind"] == "unknown", "k"].sum()) / n) for c in counted
    ]
    made = pd.DataFrame(unknown, columns=["about", "attribute", "share"])
    return made[made["share"] > 0].sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _ordered(told: Portrait, comparisons: pd.DataFrame) -> Portrait:
    """Comparisons by class as `classes` has them, those that hold first, strongest first."""
    place = {name: i for i, name in enumerate(told.groups["group"])}
    keys = comparisons.assign(place=comparisons["group"].map(place), size=-comparisons["effect"].abs())
    keys = keys.assign(rest=~keys["holds"])
    order = keys.sort_values(["place", "rest", "size", "about", "attribute", "kind", "level"], kind="stable").index
    n_found = comparisons.groupby("group")["holds"].sum()
    counted = told.groups["group"].map(n_found).fillna(0).astype("int64")
    ordered = compare.blanked(comparisons.loc[order].reset_index(drop=True))
    return replace(told, comparisons=ordered, groups=told.groups.assign(n_found=counted))
