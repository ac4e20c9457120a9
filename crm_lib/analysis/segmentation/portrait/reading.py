"""What is known of customers, counted per class in the engine: attributes, channels, categories, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.engine import largest
from crm_lib.analysis.satisfaction import answers
from crm_lib.analysis.sums import total
from crm_lib.contract.settings import Scale

MOST_LEVELS = 20
NOT_ATTRIBUTES = ("customer_id", "name")
FOLLOW_FROM_PURCHASES = ("tier", "points")
EPOCH = ibis.date("1970-01-01")

# Why an attribute was not compared.
CONSTANT, SCATTERED, UNREADABLE, FOLLOWS = "constant", "scattered", "unreadable", "follows"


@dataclass(frozen=True, eq=False)
class Counted:
    """Customers per class and level of one attribute: columns group (the class), level, kind, k.

    `kind` is `value`, `unknown`, `other` (levels beyond the largest) or `several`; `exclusive` says whether each
    customer has exactly one level; `form` is `text` or `flag`.
    """

    attribute: str
    about: str
    counts: pd.DataFrame
    exclusive: bool = True
    form: str = "text"


@dataclass(frozen=True, eq=False)
class Measured:
    """A number of each customer of whom it is known, with the class; `form` is `number` or `date` (days, 1970)."""

    attribute: str
    about: str
    values: np.ndarray
    classes: np.ndarray
    form: str = "number"


@dataclass(frozen=True)
class Skipped:
    """An attribute that was not compared, and why."""

    attribute: str
    reason: str


Read = Counted | Measured | Skipped


def attribute(classes: ir.Table, attributes: ir.Table, name: str) -> Iterator[Read]:
    """One column of the customers' table, as levels or as a number; and the share not known where it is a number.

    Numbers with two values are levels. Levels beyond the twenty largest are one level, `other`.
    """
    if name in FOLLOW_FROM_PURCHASES:
        yield Skipped(name, FOLLOWS)
        return
    value, form = _value(attributes[name])
    if value is None:
        yield Skipped(name, UNREADABLE)
        return
    known = attributes.select("customer_id", value=value)
    text = known.mutate(value=known["value"].cast("string"))
    if form in ("number", "date"):
        distinct = _distinct(classes, known, 3)
        if len(distinct) > 2:
            yield _number(classes, known, name, "attribute", form)
            missing = known.mutate(value=ibis.ifelse(known["value"].isnull(), ibis.null("string"), ""))
            yield Counted(name, "attribute", _levels(classes, missing, blank_is_known=True), form="known")
            return
        text = known.mutate(value=_as_text(known["value"], distinct))
    yield Counted(name, "attribute", _levels(classes, text), form="flag" if form == "flag" else "text")


def _value(column: ir.Value) -> tuple[ir.Value | None, str]:
    """The column as text, flag, float or days since 1970; None where it is none of these."""
    type_ = column.type()
    if type_.is_boolean():
        return column, "flag"
    if type_.is_string():
        return column, "text"
    if type_.is_date() or type_.is_timestamp():
        return column.cast("date").delta(EPOCH, unit="day").cast("float64"), "date"
    if type_.is_numeric():
        number = column.cast("float64")
        return ibis.ifelse(number.isnan(), ibis.null("float64"), number), "number"
    return None, ""


def _distinct(classes: ir.Table, known: ir.Table, n_most: int) -> list[float]:
    """Distinct values of the customers, but no more than so many."""
    joined = classes.inner_join(known.filter(known["value"].notnull()), "customer_id")
    return joined.select("value").distinct().limit(n_most).to_pyarrow()["value"].to_pylist()


def _as_text(number: ir.Value, values: list[float]) -> ir.StringValue:
    """One of a few numbers as text: an engine may write 1.0 as 1."""
    if not values:
        return ibis.null("string")
    return ibis.cases(*((number == value, str(value)) for value in values))


def _number(classes: ir.Table, known: ir.Table, name: str, about: str, form: str = "number") -> Measured:
    joined = classes.inner_join(known.filter(known["value"].notnull()), "customer_id")
    frame = joined.select("group", "value").order_by("group", "value").to_pyarrow().to_pandas()
    return Measured(name, about, frame["value"].to_numpy(dtype=float), frame["group"].to_numpy(dtype=object), form)


def _levels(classes: ir.Table, known: ir.Table, blank_is_known: bool = False) -> pd.DataFrame:
    """Customers per class and level; a customer without a row or without a value is of unknown level."""
    joined = classes.left_join(known, "customer_id")
    level = joined["value"] if blank_is_known else joined["value"].strip().nullif("")
    return _counted(joined.select("group", level=level))


def _counted(rows: ir.Table) -> pd.DataFrame:
    """Rows of (class, level) counted, the largest levels kept, the rest as `other`, none as `unknown`."""
    totals = rows.filter(rows["level"].notnull()).group_by("level").agg(k=lambda t: t.count())
    levels = largest(totals, "level", "k", MOST_LEVELS)["level"].tolist()
    kept = rows["level"].isin(levels) if levels else ibis.literal(False)
    kind = ibis.cases((rows["level"].isnull(), "unknown"), (kept, "value"), else_="other")
    level = ibis.ifelse(kept, rows["level"], "").fill_null("")
    counted = rows.mutate(kind=kind, level=level).group_by("group", "kind", "level").agg(k=lambda t: t.count())
    return counted.to_pandas().sort_values(["kind", "level", "group"], ignore_index=True)


def categories(classes: ir.Table, transactions: ir.Table, products: ir.Table | None) -> Iterator[Read]:
    """Customers who bought something of each category (each product, where there is no category)."""
    bought = transactions.filter(transactions["amount"] >= 0)
    if "category" in bought.columns:
        what, name = bought.select("customer_id", level="category"), "category"
    elif "product_id" not in bought.columns:
        return
    elif products is not None and "category" in products.columns:
        joined = bought.inner_join(products.select("product_id", level="category"), "product_id")
        what, name = joined.select("customer_id", "level"), "category"
    else:
        what, name = bought.select("customer_id", level="product_id"), "product_id"
    pairs = classes.inner_join(what.distinct(), "customer_id")
    yield Counted(name, "bought", _counted(pairs.select("group", "level")), exclusive=False)


def channels(classes: ir.Table, transactions: ir.Table) -> Iterator[Read]:
    """The channel that a customer buys through, or that there are several."""
    if "channel" not in transactions.columns:
        return
    bought = transactions.filter(transactions["amount"] >= 0)
    used = bought.group_by("customer_id").agg(n=bought["channel"].nunique(), one=bought["channel"].min())
    counts = _levels(classes, used.select("customer_id", value=ibis.ifelse(used["n"] == 1, used["one"], None)))
    several = classes.inner_join(used.filter(used["n"] > 1), "customer_id").group_by("group")
    k = several.agg(k=lambda t: t.count()).to_pandas().set_index("group")["k"]
    unknown = counts["kind"] == "unknown"
    counts.loc[unknown, "k"] -= counts.loc[unknown, "group"].map(k).fillna(0).astype("int64")
    more = pd.DataFrame({"group": k.index, "kind": "several", "level": "", "k": k.to_numpy()})
    yield Counted("channel", "channels", pd.concat([counts[counts["k"] > 0], more], ignore_index=True))


def satisfaction(
    classes: ir.Table, surveys: ir.Table, items: ir.Table | None, scales: Mapping[str, Scale]
) -> Iterator[Read]:
    """Mean satisfaction of each customer who answered, and perceived ÷ expected over all aspects rated."""
    if "customer_id" not in surveys.columns:
        return
    said = answers.responses(surveys, scales)
    said = said.filter(said["is_answered"] & said["customer_id"].notnull())
    asked = said.filter(said["csat"].notnull())
    rated = asked.group_by("customer_id").agg(value=total(asked["csat"]) / asked.count())
    yield _number(classes, rated, "csat", "satisfaction")
    if items is None or not {"expected", "perceived"} <= set(items.columns):
        return
    pairs = answers.pairs_by_response(answers.items(items, said, scales.get("items")))
    owned = pairs.inner_join(said.select("response_id", "customer_id"), "response_id")
    sums = owned.group_by("customer_id").agg(
        perceived=total(owned["perceived"]), expected=total(owned["expected"])
    )
    ratio = sums.select("customer_id", value=sums["perceived"] / sums["expected"])
    yield _number(classes, ratio, "ratio", "satisfaction")
