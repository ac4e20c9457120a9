import datetime as dt

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_lib.analysis.action_plan import findings, recommend

TODAY = dt.date(2026, 10, 31)


def bought(*rows):
    """Transactions of (customer, days ago, product)."""
    ids, ago, goods = zip(*rows, strict=True)
    at = pa.array([dt.datetime(2026, 10, 31, 12) - dt.timedelta(days=d) for d in ago], pa.timestamp("us"))
    money = pa.array([10.0] * len(ids)).cast(pa.decimal128(18, 2))
    return ibis.memtable(
        pa.table({"customer_id": list(ids), "at": at, "product_id": list(goods), "amount": money})
    )


def test_pairs_are_counted_with_support_and_lift():
    found = recommend.affinity(
        bought(("a", 90, "X"), ("a", 80, "Y"), ("b", 90, "X"), ("b", 99, "Y"), ("c", 9, "X"), ("d", 9, "Z")), TODAY
    )
    row = found.pairs[(found.pairs["bought"] == "X") & (found.pairs["next"] == "Y")].iloc[0]
    assert (row["n_both"], row["n_then"]) == (2, 1)
    assert row["support"] == 0.5
    assert row["lift"] == pytest.approx(2 * 4 / (3 * 2))
    assert found.n_customers == 4


def company(rule, n=600):
    """Customers who buy A or B, and half a year later what `rule` says follows."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(n):
        first = rng.choice(["A", "B"])
        days = 400 if i % 2 else 250
        rows += [(f"c{i:03}", days, first), (f"c{i:03}", days - 100, rule(first, rng))]
    return bought(*rows)


def test_where_one_product_leads_to_another_the_sequence_wins_and_is_used():
    table = company(lambda first, _rng: {"A": "C", "B": "D"}[first])
    found = recommend.affinity(table, TODAY)
    assert found.wins == "sequence"
    assert found.by_sequence.value > found.by_popularity.value
    more = bought(("x", 20, "A"), ("y", 20, "B"))
    told = recommend.next_products(found, more, TODAY, ["x", "y"])
    assert told["product_id"].tolist() == ["C", "D"]


def test_where_nothing_follows_from_anything_the_plain_rule_is_used():
    rng = np.random.default_rng(4)
    rows = []
    for i in range(400):
        days = 400 if i % 2 else 250
        rows += [(f"c{i:03}", days, "A"), (f"c{i:03}", days - 100, rng.choice(["C", "D", "E"], p=[0.8, 0.1, 0.1]))]
    found = recommend.affinity(bought(*rows), TODAY)
    assert found.by_popularity.value == found.by_sequence.value
    assert found.wins == "popularity"


def test_nobody_is_offered_what_they_have():
    table = company(lambda first, _rng: {"A": "C", "B": "D"}[first])
    found = recommend.affinity(table, TODAY)
    told = recommend.next_products(found, table, TODAY, ["c000", "c001"])
    have = table.to_pandas().groupby("customer_id")["product_id"].agg(set)
    assert all(row.product_id not in have[row.customer_id] for row in told.itertuples())


def test_the_plain_rule_offers_the_most_popular_product_that_is_missing():
    bought_by = {"X": range(9), "Y": range(6), "Z": range(6), "W": range(3)}  # Y and Z are tied
    table = bought(*((f"c{i}", 50 + i, p) for p, people in bought_by.items() for i in people))
    firsts = recommend._firsts(table, TODAY)
    popular = recommend._pairs(firsts)[2]
    assert popular["product_id"].tolist() == ["X", "Y", "Z", "W"]
    more = bought(("a", 9, "X"), ("b", 9, "Y"), ("c", 9, "X"), ("c", 8, "Y"), ("c", 7, "W"), ("d", 9, "rare"),
                  *(("e", 9, p) for p in "XYZW"))  # fmt: skip
    told = recommend._most_popular(recommend._firsts(more, TODAY), popular).to_pandas()
    assert dict(zip(told["customer_id"], told["product_id"], strict=True)) == {
        "a": "Y",
        "b": "X",
        "c": "Z",
        "d": "X",
    }


def test_a_source_without_products_has_no_recommendation():
    table = bought(("a", 1, "X")).drop("product_id")
    assert recommend.affinity(table, TODAY) is None
    alone = recommend.affinity(bought(("a", 1, "X")), TODAY)
    assert not alone.by_sequence
    assert recommend.next_products(alone, bought(("a", 1, "X")), TODAY, ["a"]).empty


def test_findings_are_ranked_by_money():
    from crm_lib.contract.publication import Figure, Publication

    told = {
        "clv": Publication("clv", (Figure("at_risk_amount", 10.0, "CNY"),)),
        "funnel": Publication("funnel", (Figure("stale_amount", 99.0, "CNY"),)),
        "satisfaction": Publication("satisfaction", (), summary="content"),
        "retention": None,
    }
    assert [f.topic for f in findings.findings(told)] == ["funnel", "clv", "satisfaction"]
