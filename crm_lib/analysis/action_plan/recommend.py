"""The next product: what customers with the same products bought later, beside the rule of popularity.

Counts are product × product and made in the engine. Support is the number of customers who bought both; lift is
how much likelier one is with the other than without knowing: n_ab · N / (n_a · n_b).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.action_plan.chance import uniform
from crm_lib.analysis.engine import fetched
from crm_lib.analysis.intervals import Interval, nothing, wilson

TEST_DAYS = 180
FEWEST_BOTH = 20
MOST_TESTED = 20_000
MOST_POPULAR = 50  # products that the plain rule chooses from
_SHRINK = 20.0  # customers' worth of popularity mixed into every pair


@dataclass(frozen=True, eq=False)
class Affinity:
    """Pairs of products, most lift first, and the test on the months left out.

    `popular` is the plain rule as pairs. `pairs`:
    bought, next, n_both, n_then (bought later), support, lift, score. `by_sequence` and `by_popularity`
    are shares of customers whose next new product was the one recommended; `wins` names the rule in use.
    """

    pairs: pd.DataFrame
    popular: pd.DataFrame
    n_customers: int
    by_sequence: Interval
    by_popularity: Interval
    split_on: dt.date

    @property
    def wins(self) -> str:
        """The rule that hit more often in the test; popularity where they are equal."""
        if self.by_sequence and self.by_sequence.value > self.by_popularity.value:
            return "sequence"
        return "popularity"


def affinity(transactions: ir.Table | None, as_of: dt.date) -> Affinity | None:
    """Pairs up to the date and the test; None where the source knows no products."""
    if transactions is None or "product_id" not in transactions.columns:
        return None
    firsts = _firsts(transactions, as_of)
    split = as_of - dt.timedelta(days=TEST_DAYS)
    sequence, popularity = _tested(firsts, split)
    pairs, n, popular = _pairs(firsts)
    return Affinity(pairs, popular, n, sequence, popularity, split)


def _firsts(transactions: ir.Table, as_of: dt.date) -> ir.Table:
    """First day on which each customer bought each product, in the engine."""
    day = transactions["at"].cast("date")
    told = transactions.filter(
        (day <= ibis.literal(as_of)) & transactions["product_id"].notnull() & (transactions["amount"] > 0)
    )
    return told.group_by("customer_id", "product_id").agg(first_on=told["at"].cast("date").min()).cache()


def _pairs(firsts: ir.Table) -> tuple[pd.DataFrame, int, pd.DataFrame]:
    """Every ordered pair with its counts; `score` is P(next | bought), shrunk to the product's popularity."""
    n = int(firsts["customer_id"].nunique().to_pyarrow().as_py())
    one = firsts.group_by("product_id").agg(n=firsts.count()).to_pandas().set_index("product_id")["n"].sort_index()
    a = firsts.rename(bought="product_id", a_on="first_on")
    b = firsts.rename(next="product_id", b_on="first_on")
    both = a.inner_join(b, "customer_id")
    both = both.filter(both.bought != both.next)
    counted = both.group_by("bought", "next").agg(
        n_both=both.count(), n_then=both.count(where=both.b_on > both.a_on)
    )
    frame = counted.order_by("bought", "next").to_pandas()
    n_a, n_b = frame["bought"].map(one).to_numpy(float), frame["next"].map(one).to_numpy(float)
    frame["support"] = frame["n_both"] / max(n, 1)
    frame["lift"] = frame["n_both"] * n / (n_a * n_b)
    frame["score"] = (frame["n_then"] + _SHRINK * n_b / max(n, 1)) / (n_a + _SHRINK)
    frame = frame.sort_values(["lift", "bought", "next"], ascending=[False, True, True], ignore_index=True)
    return frame, n, _popular(one, n)


def _popular(one: pd.Series, n: int) -> pd.DataFrame:
    """The rule of popularity in the form of pairs: whatever was bought, the products most often bought."""
    most = one.sort_values(ascending=False, kind="stable").head(MOST_POPULAR)
    grid = pd.DataFrame({"bought": one.index}).merge(pd.DataFrame({"next": most.index}), how="cross")
    grid = grid[grid["bought"] != grid["next"]].reset_index(drop=True)
    return grid.assign(popularity=grid["next"].map(one).to_numpy(float) / max(n, 1))


def next_products(affine: Affinity, transactions: ir.Table, as_of: dt.date, ids: list[str]) -> pd.DataFrame:
    """The product to offer each of these customers, none that they have: `customer_id`, `product_id`."""
    nobody = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "product_id": pd.Series(dtype="str")})
    if not ids or affine.pairs.empty:
        return nobody
    wanted = ibis.memtable(pd.DataFrame({"customer_id": ids}))
    firsts = _firsts(transactions, as_of).semi_join(wanted, "customer_id")
    by_sequence = affine.wins == "sequence"
    table = affine.pairs if by_sequence else affine.popular
    found = _best(firsts, table, "score" if by_sequence else "popularity")
    return found.order_by("customer_id").to_pandas()


def _best(firsts: ir.Table, pairs: pd.DataFrame, rule: str) -> ir.Table:
    """For each customer the product with the highest score over those they have; ties by the product's id."""
    _names, rank = np.unique(pairs["next"].to_numpy(object), return_inverse=True)
    # Whole millionths and places among the names: engines round a half and order text by rules of their own.
    millionths = np.floor(pairs[rule].to_numpy(float) * 1_000_000 + 0.5).astype("int64")
    scored = ibis.memtable(pairs[["bought", "next"]].assign(score=millionths, by_name=rank))
    joined = firsts.inner_join(scored, firsts.product_id == scored.bought)
    votes = joined.group_by("customer_id", "next").agg(score=joined.score.max(), by_name=joined.by_name.min())
    new = votes.anti_join(firsts, [votes.customer_id == firsts.customer_id, votes.next == firsts.product_id])
    place = ibis.row_number().over(group_by=new.customer_id, order_by=[new.score.desc(), new.by_name])
    first = new.mutate(place=place)
    return first.filter(first.place == 0).select("customer_id", product_id="next")


def _sampled(after: ir.Table) -> list[str]:
    """Customers to test on: all, or so many of them by a hash of the id that the test stays quick."""
    ids = fetched(after.select("customer_id").distinct(), "customer_id")["customer_id"].to_pylist()
    if len(ids) <= MOST_TESTED:
        return ids
    drawn = uniform(ids, "recommendation test")
    return [ids[i] for i in np.sort(np.argsort(drawn, kind="stable")[:MOST_TESTED])]


def _tested(firsts: ir.Table, split: dt.date) -> tuple[Interval, Interval]:
    """Share of hits among customers who bought something new after the split, by sequence and by popularity."""
    before = firsts.filter(firsts.first_on <= ibis.literal(split))
    after = firsts.filter(firsts.first_on > ibis.literal(split))
    after = after.semi_join(before, "customer_id")
    pairs, n, popular = _pairs(before)
    asked = _sampled(after)
    n_new = len(asked)
    if pairs.empty or n == 0 or n_new == 0:
        return nothing(), nothing()
    few = ibis.memtable(pd.DataFrame({"customer_id": asked}))
    before, after = (table.semi_join(few, "customer_id").cache() for table in (before, after))
    found = []
    for table, rule in ((pairs, "score"), (popular, "popularity")):
        best = _best(before, table, rule)
        hits = after.inner_join(best, ["customer_id", "product_id"])
        found.append(wilson(int(hits.count().to_pyarrow().as_py()), n_new))
    return found[0], found[1]
