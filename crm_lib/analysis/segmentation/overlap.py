"""Which classes of different schemes share customers, and who would be contacted more than once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from crm_lib.analysis.brief import Brief
from crm_lib.analysis.segmentation.attributes import UNKNOWN
from crm_lib.analysis.segmentation.rules import SLIPPING
from crm_lib.analysis.segmentation.schemes import (
    BEHAVIOUR,
    CHANNEL,
    NO,
    PERSONAL,
    PLACE,
    VALUE,
    YES,
    Scheme,
    Schemes,
)
from crm_lib.contract.publication import Figure
from crm_lib.errors import ParameterError

# Kinds of schemes made of the same facts: that they overlap says nothing.
ALIKE = {frozenset(pair) for pair in ((VALUE,), (CHANNEL,), (PLACE,), (BEHAVIOUR,), (VALUE, BEHAVIOUR))}

# Lists that a marketing plan would make, each a set of classes of one scheme.
LISTS = {
    "going_quiet": ("segment", SLIPPING),
    "grade_a": ("value_grade", ("A",)),
    "growth": ("value_kind", ("growth",)),
    "relationship": ("value_kind", ("relationship",)),
}


@dataclass(frozen=True, eq=False)
class Crossing:
    """Customers in each pair of classes of two schemes; `n` has the rows of `one` and the columns of `other`.

    `hidden` marks cells too small to be shown.
    """

    one: Scheme
    other: Scheme
    n: np.ndarray
    hidden: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Overlap(Brief):
    """How schemes overlap.

    Attributes
    ----------
    crossing
        The two schemes chosen.
    lists
        One row per list: name, n_customers, n_also (of these on another list, too). A behaviour rule that
        makes a list has the rule's column as its name.
    together
        Customers on both lists, lists by lists in the order of `lists`.
    by_number
        n_lists (0, 1, 2 …), n_customers.
    pairs
        Pairs of schemes made of different facts, most alike first: one, other, cramers_v, and the pair of
        classes that meets most beyond chance: one_class, other_class (rows of the schemes' classes), n_both,
        n_one, share, share_of_all.
    """

    crossing: Crossing | None
    lists: pd.DataFrame
    together: np.ndarray
    by_number: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def n_reached(self) -> int:
        """Customers on at least one list."""
        return int(self.by_number.loc[self.by_number["n_lists"] > 0, "n_customers"].sum())

    @property
    def n_twice(self) -> int:
        """Customers on two lists or more."""
        return int(self.by_number.loc[self.by_number["n_lists"] > 1, "n_customers"].sum())

    @property
    def n_contacts(self) -> int:
        """Contacts if every list were worked off by itself."""
        return int((self.by_number["n_lists"] * self.by_number["n_customers"]).sum())

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Customers who would be contacted twice or more, and customers on any list."""
        return (
            Figure("contacted_twice_n", self.n_twice, "customers", self.n_reached),
            Figure("on_lists_n", self.n_reached, "customers", int(self.by_number["n_customers"].sum())),
        )


def overlap(found: Schemes, cross: str = "segment, value_kind") -> Overlap:
    """How the schemes `found` overlap; `cross` names the two that are set out against each other.

    Raises `ParameterError` where `cross` does not name two different schemes. A scheme that exists elsewhere but
    not in this source leaves the crossing out.

    >>> from crm_lib.analysis import examples
    >>> from crm_lib.analysis.segmentation import schemes, segments
    >>> graded = segments(examples.purchases(), as_of=examples.AS_OF).customers
    >>> overlap(schemes(graded, examples.AS_OF), "segment, value_grade").crossing is None
    False
    """
    marks = _marks(found)
    on = np.column_stack(list(marks.values())).astype(np.int64)
    per_customer = on.sum(axis=1)
    lists = pd.DataFrame(
        {
            "name": list(marks),
            "n_customers": on.sum(axis=0),
            "n_also": (on * (per_customer > 1)[:, None]).sum(axis=0),
        }
    )
    counts = np.bincount(per_customer)
    by_number = pd.DataFrame({"n_lists": range(len(counts)), "n_customers": counts})
    return Overlap(_crossing(found, cross), lists, on.T @ on, by_number, _pairs(found))


def _marks(found: Schemes) -> dict[str, np.ndarray]:
    marks = {name: found[scheme].mark(*classes) for name, (scheme, classes) in LISTS.items()}
    return marks | {s.name: s.mark(YES) for s in found if s.kind == BEHAVIOUR}


def _crossing(found: Schemes, cross: str) -> Crossing | None:
    names = [name.strip() for name in cross.split(",") if name.strip()]
    known = [s.name for s in found]
    strange = [n for n in names if n not in known and n not in found.missing]
    if len(names) != 2 or names[0] == names[1] or strange:
        raise ParameterError(
            f'The schemes "{cross}" can\'t be set against each other. Name two of: {", ".join(known)}. Other '
            "columns of the customers' table become schemes when attributes names them."
        )
    if any(name in found.missing for name in names):
        return None
    one, other = (found[name] for name in names)
    n = _counts(one, other)
    personal = one.kind in PERSONAL or other.kind in PERSONAL
    return Crossing(one, other, n, _hidden(n, found.suppress_below if personal else 0))


def _counts(one: Scheme, other: Scheme) -> np.ndarray:
    rows, columns = len(one.classes), len(other.classes)
    return np.bincount(one.place * columns + other.place, minlength=rows * columns).reshape(rows, columns)


def _hidden(n: np.ndarray, below: int) -> np.ndarray:
    """Cells of 1 to `below` − 1 customers, and beside a lone one the next smallest of its row and column."""
    hidden = (n > 0) & (n < below)
    before = -1
    while hidden.sum() > before:
        before = hidden.sum()
        for cells, marks in ((n, hidden), (n.T, hidden.T)):
            for row in np.flatnonzero(marks.sum(axis=1) == 1):
                shown = np.flatnonzero(~marks[row] & (cells[row] > 0))
                if len(shown):
                    marks[row, shown[cells[row, shown].argmin()]] = True
    return hidden


def _pairs(found: Schemes) -> pd.DataFrame:
    both = [pair for pair in combinations(_useful(found), 2) if frozenset(s.kind for s in pair) not in ALIKE]
    rows = [_pair(one, other, found.suppress_below) for one, other in both]
    columns = ["one", "other", "cramers_v", "one_class", "other_class", "n_both", "n_one", "share", "share_of_all"]
    pairs = pd.DataFrame([row for row in rows if row], columns=columns)
    return pairs.sort_values("cramers_v", ascending=False, kind="stable", ignore_index=True)


def _useful(found: Schemes) -> list[Scheme]:
    return [s for s in found if not s.constant and s.name not in ("score_band", "channels")]


def _pair(one: Scheme, other: Scheme, least: int) -> dict[str, object] | None:
    n = _counts(one, other)
    rows, columns = (np.flatnonzero((s.classes["kind"] != UNKNOWN).to_numpy()) for s in (one, other))
    n = n[np.ix_(rows, columns)]
    total = n.sum()
    expected = np.outer(n.sum(axis=1), n.sum(axis=0)) / max(total, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.where((n >= least) & (expected > 0), (n - expected) / np.sqrt(expected), -np.inf)
    for scheme, axis in ((one, beyond), (other, beyond.T)):
        if scheme.behaviour:
            axis[scheme.classes["name"] == NO] = -np.inf
    v = cramers_v(n)
    if v is None or not np.isfinite(beyond.max()):
        return None
    i, j = np.unravel_index(beyond.argmax(), n.shape)
    return {
        "one": one.name,
        "other": other.name,
        "cramers_v": v,
        "one_class": int(rows[i]),
        "other_class": int(columns[j]),
        "n_both": int(n[i, j]),
        "n_one": int(n[i].sum()),
        "share": float(n[i, j] / n[i].sum()),
        "share_of_all": float(n[:, j].sum() / total),
    }


def cramers_v(n: np.ndarray) -> float | None:
    """Cramér's V of a table of counts, corrected for bias (Bergsma 2013); None where a side has one class.

    >>> cramers_v(np.array([[50, 0], [0, 50]])), cramers_v(np.array([[25, 25], [25, 25]]))
    (1.0, 0.0)
    """
    n = n[n.sum(axis=1) > 0][:, n.sum(axis=0) > 0].astype(float)
    total = n.sum()
    if min(n.shape) < 2 or total < 2:
        return None
    expected = np.outer(n.sum(axis=1), n.sum(axis=0)) / total
    rows, columns = (k - (k - 1) ** 2 / (total - 1) for k in n.shape)
    chance = (n.shape[0] - 1) * (n.shape[1] - 1) / (total - 1)
    phi = max(0.0, float(((n - expected) ** 2 / expected).sum() / total) - chance)
    smaller = min(rows, columns) - 1
    return min(1.0, float(np.sqrt(phi / smaller))) if smaller > 0 else None
