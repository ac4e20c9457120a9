"""Schemes side by side: every customer in exactly one class of each.

Value and kind of customer by rules on grades, behaviour by rules on days, orders and money, channels of
purchase, age and gender, region and city, and any other attribute of the customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.segmentation import attributes, behaviour, channels, pyramid, rules, weights
from crm_lib.analysis.segmentation.behaviour import Behaviour
from crm_lib.analysis.segmentation.concentration import money_shares
from crm_lib.contract.publication import Figure

VALUE, BEHAVIOUR, CHANNEL, PERSON, PLACE, ATTRIBUTE = (
    *("value", "behaviour", "channel", "demographic", "geographic", "attribute"),
)
PERSONAL = (PERSON, PLACE, ATTRIBUTE)  # small classes are never shown
RULE, YES, NO = "rule", "yes", "no"
NO_DIMENSIONS = ("customer_id", "name")
FOREVER = ("age_band", "gender", "region", "city")


@dataclass(frozen=True, eq=False)
class Scheme:
    """One way to group the customers.

    `classes` has one row per class: name, kind (`rule`, `value`, `unknown`, `others`), n_customers,
    customer_share, amount, amount_share with low and high. `place` is the row of each customer's class.
    """

    name: str
    kind: str
    classes: pd.DataFrame
    place: np.ndarray
    behaviour: Behaviour | None = None

    @property
    def constant(self) -> bool:
        """Whether it tells nobody apart: all customers are in one class."""
        return int((self.classes["n_customers"] > 0).sum()) <= 1

    @property
    def unknown_share(self) -> float:
        """Share of the customers of whom it is not known."""
        return float(self.classes.loc[self.classes["kind"] == attributes.UNKNOWN, "customer_share"].sum())

    @property
    def labels(self) -> np.ndarray:
        """Name of each customer's class; None where unknown, "…" where small groups are merged."""
        told = {attributes.UNKNOWN: None, attributes.OTHERS: "…"}
        names = [told.get(row.kind, row.name) for row in self.classes.itertuples(index=False)]
        return np.asarray(names, dtype=object)[self.place]

    def mark(self, *names: str) -> np.ndarray:
        """Whether each customer is in one of these classes."""
        return self.classes["name"].isin(names).to_numpy()[self.place]


@dataclass(frozen=True, eq=False, repr=False)
class Schemes(Brief):
    """All schemes of the same customers, and those asked for that the source can't tell (`missing`)."""

    customer_id: pd.Series
    amount: pd.Series
    found: tuple[Scheme, ...]
    missing: tuple[str, ...] = ()
    suppress_below: int = 5

    def __iter__(self) -> Iterator[Scheme]:
        """The schemes, in the order of the page."""
        return iter(self.found)

    def __getitem__(self, name: str) -> Scheme:
        """The scheme of this name; KeyError where there is none."""
        for scheme in self.found:
            if scheme.name == name:
                return scheme
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Whether there is a scheme of this name."""
        return any(scheme.name == name for scheme in self.found)

    @cached_property
    def customers(self) -> pd.DataFrame:
        """What is published of each customer: customer_id and the class in each scheme that says no attribute.

        Attributes one by one hide small groups; side by side, with an id, they would show them.
        """
        told = (s for s in self.found if s.kind not in PERSONAL)
        labels = {s.name: pd.Series(s.labels, dtype="string") for s in told}
        return pd.DataFrame({"customer_id": self.customer_id} | labels)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Customers and share of money of high value, and of those who buy through several channels."""
        wanted = (("value_level", "high", "high_value"), ("channels", channels.SEVERAL, "several_channels"))
        return tuple(f for scheme, *said in wanted if scheme in self for f in _figures(self[scheme], *said))


def schemes(
    customers: pd.DataFrame,
    as_of: dt.date,
    *,
    transactions: ir.Table | None = None,
    table: ir.Table | None = None,
    behaviours: str = "",
    dimensions: Sequence[str] = (),
    suppress_below: int = 5,
) -> Schemes:
    """Every scheme that the source allows.

    Parameters
    ----------
    customers
        One row per customer, graded: `customer_id`, `days_since_last`, `n_orders`, `amount`, `r`, `f`, `m`,
        `weighted`, `segment`, `value_grade`.
    transactions
        For the channels of purchase.
    table
        The table `customers`: `birth_year`, `gender`, `region`, `city` and the attributes in `dimensions`.
    behaviours
        Rules as text, read by `behaviour.read`.
    as_of
        The day on which ages are counted.
    suppress_below
        Classes of fewer customers are not named.

    Examples
    --------
    >>> from crm_lib.analysis import examples
    >>> from crm_lib.analysis.segmentation import segments
    >>> graded = segments(examples.purchases(), as_of=examples.AS_OF).customers
    >>> schemes(graded, examples.AS_OF, behaviours="orders > 10").found[-1].name
    'orders_over_10'
    """
    amounts = customers["amount"].to_numpy(dtype=float)
    found = [*_by_value(customers, amounts), *_by_behaviour(customers, amounts, behaviours)]
    found += _by_channel(customers, amounts, channels.of_customers(transactions, as_of), suppress_below)
    wanted = list(dict.fromkeys(d.strip() for d in dimensions if d.strip() and d not in FOREVER))
    by_attribute, missing = _by_attribute(customers, amounts, table, wanted, as_of, suppress_below)
    if not any(scheme.kind == CHANNEL for scheme in found):
        missing = ["channels", *missing]
    taken = {scheme.name for scheme in found}
    found += [scheme for scheme in by_attribute if scheme.name not in taken]
    return Schemes(customers["customer_id"], customers["amount"], tuple(found), tuple(missing), suppress_below)


def _by_value(customers: pd.DataFrame, amounts: np.ndarray) -> Iterator[Scheme]:
    named = {
        "value_grade": (customers["value_grade"], pyramid.GRADES),
        "value_level": (rules.segment(customers, rules.LEVELS), [rule.segment for rule in rules.LEVELS]),
        "value_kind": (rules.segment(customers, rules.KINDS), [rule.segment for rule in rules.KINDS]),
        "segment": (customers["segment"], rules.SEGMENTS),
        "score_band": (weights.band(customers["weighted"]), weights.SCORE_BANDS[::-1]),
    }
    for name, (label, names) in named.items():
        yield _ruled(name, VALUE, label, names, amounts)


def _by_behaviour(customers: pd.DataFrame, amounts: np.ndarray, text: str) -> Iterator[Scheme]:
    for rule in behaviour.read(text):
        label = np.where(rule.holds(customers), YES, NO)
        yield _ruled(rule.column, BEHAVIOUR, label, (YES, NO), amounts, rule)


def _by_channel(
    customers: pd.DataFrame, amounts: np.ndarray, mix: pd.DataFrame | None, suppress_below: int
) -> Iterator[Scheme]:
    if mix is None:
        return
    known = customers[["customer_id"]].merge(mix, "left", "customer_id")
    one = known["n_channels"].map({1: channels.SINGLE})
    several = one.where(known["n_channels"].fillna(1) < 2, channels.SEVERAL)
    yield _of_classes("channels", CHANNEL, attributes.classes(several, amounts, 0), amounts)
    yield _of_classes(
        "channel_mix", CHANNEL, attributes.classes(known["channel_mix"], amounts, suppress_below), amounts
    )


def _by_attribute(
    customers: pd.DataFrame,
    amounts: np.ndarray,
    table: ir.Table | None,
    wanted: list[str],
    as_of: dt.date,
    suppress_below: int,
) -> tuple[list[Scheme], list[str]]:
    sources = {"age_band": "birth_year"} | {name: name for name in (*FOREVER[1:], *wanted)}
    there = () if table is None else tuple(c for c in table.columns if c not in NO_DIMENSIONS)
    missing = [name for name, column in sources.items() if column not in there]
    columns = list(dict.fromkeys(column for column in sources.values() if column in there))
    if not columns:
        return [], missing
    known = customers[["customer_id"]].merge(_told(table, columns), "left", "customer_id")
    made = []
    for name in (n for n in sources if n not in missing):
        values = known[sources[name]]
        age = name == "age_band"
        values = attributes.age_bands(values, as_of) if age else attributes.banded(values)
        kind = {"age_band": PERSON, "gender": PERSON, "region": PLACE, "city": PLACE}.get(name, ATTRIBUTE)
        made.append(_of_classes(name, kind, attributes.classes(values, amounts, suppress_below, age), amounts))
    return made, missing


def _told(table: ir.Table, columns: list[str]) -> pd.DataFrame:
    """Attributes by customer, read in pieces; a word that many customers share stands in memory once."""
    reader = table.select("customer_id", *columns).to_pyarrow_batches()
    parts = [reader.schema.empty_table(), *(pa.Table.from_batches([batch]) for batch in reader)]
    encoded = [_encoded(part, columns) for part in parts]
    return pa.concat_tables(encoded).unify_dictionaries().to_pandas()


def _encoded(table: pa.Table, columns: list[str]) -> pa.Table:
    for name in columns:
        if pa.types.is_string(table[name].type):
            place = table.column_names.index(name)
            table = table.set_column(place, name, table[name].dictionary_encode())
    return table


def _ruled(
    name: str,
    kind: str,
    label: Iterable[str],
    names: Sequence[str],
    amounts: np.ndarray,
    rule: Behaviour | None = None,
) -> Scheme:
    place = pd.Index(names).get_indexer(pd.Index(np.asarray(label, dtype=object)))
    return Scheme(name, kind, _counted(names, [RULE] * len(names), place, amounts), place, rule)


def _of_classes(name: str, kind: str, found: attributes.Classes, amounts: np.ndarray) -> Scheme:
    return Scheme(name, kind, _counted(found.names, found.kinds, found.place, amounts), found.place)


def _counted(names: Sequence[str], kinds: Sequence[str], place: np.ndarray, amounts: np.ndarray) -> pd.DataFrame:
    """Customers, money and share of money with its interval, per class."""
    n = np.bincount(place, minlength=len(names))
    shares = money_shares(amounts, place, len(names))
    return pd.DataFrame(
        {
            "name": list(names),
            "kind": list(kinds),
            "n_customers": n,
            "customer_share": n / max(len(place), 1),
            "amount": np.bincount(place, amounts, len(names)).round(2) + 0.0,
            "amount_share": [share.value for share in shares],
            "low": [share.low for share in shares],
            "high": [share.high for share in shares],
        }
    ).astype({"amount_share": float, "low": float, "high": float})


def _figures(scheme: Scheme, name: str, word: str) -> Iterator[Figure]:
    rows = scheme.classes[scheme.classes["name"] == name]
    if rows.empty:
        return
    row = rows.iloc[0]
    n = int(row["n_customers"])
    share, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("amount_share", "low", "high"))
    yield Figure(f"{word}_n", n, "customers", len(scheme.place))
    yield Figure(f"{word}_share", share, "share", n, low, high)
