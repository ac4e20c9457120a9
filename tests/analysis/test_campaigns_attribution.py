"""Attribution: the worked example with its published credits, and sums that never break."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.campaigns import MODELS
from crm_lib.analysis.campaigns.attribution import attribution, credits_of
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.outcomes import outcomes

# Credits of four paths (o search, s social, p paid, e email): METHODS 2.4, summing to 500.
PATHS = {"osp": 100, "pe": 200, "sosp": 150, "e": 50}
PUBLISHED = {
    "first": {"o": 100, "s": 150, "p": 200, "e": 50},
    "last": {"o": 0, "s": 0, "p": 250, "e": 250},
    "linear": {"o": 70.8333, "s": 108.3333, "p": 170.8333, "e": 150},
    "position": {"o": 55, "s": 95, "p": 200, "e": 150},
    "shapley": {"o": 83.3333, "s": 83.3333, "p": 183.3333, "e": 150},
}


def paths(ages=None):
    rows = []
    for path, n in PATHS.items():
        for k in range(n):
            for i, campaign in enumerate(path):
                age = 0 if ages is None else ages[len(path) - 1 - i]
                rows.append((f"{path}{k}", campaign, dt.datetime(2026, 1, 1 + i), age, 10.0))
    frame = pd.DataFrame(rows, columns=["order", "campaign_id", "at", "age", "amount"])
    return ibis.memtable(frame).mutate(amount=ibis._.amount.cast("decimal(18,2)"))


def test_the_published_example_comes_out():
    found = credits_of(paths(), 7.0).set_index("campaign_id")
    for model, credits in PUBLISHED.items():
        for campaign, value in credits.items():
            assert found.loc[campaign, model] == pytest.approx(value, abs=5e-5), (model, campaign)


def test_every_rule_sums_to_the_orders_and_the_money():
    found = credits_of(paths(ages=[1, 5, 9, 20]), 7.0)
    for model in MODELS:
        assert found[model].sum() == pytest.approx(500, abs=1e-4)
        assert found[f"{model}_amount"].sum() == pytest.approx(5000, abs=1e-3)


def test_a_contact_a_half_life_older_counts_half():
    rows = [("a", "old", dt.datetime(2026, 1, 1), 10, 1.0), ("a", "new", dt.datetime(2026, 1, 8), 3, 1.0)]
    table = ibis.memtable(pd.DataFrame(rows, columns=["order", "campaign_id", "at", "age", "amount"]))
    found = credits_of(table, 7.0).set_index("campaign_id")["decay"]
    assert found["new"] == pytest.approx(2 * found["old"], abs=1e-5)


def source(contacts, sales):
    contacts = pd.DataFrame(contacts, columns=["campaign_id", "customer_id", "assigned_at", "arm"])
    sales = pd.DataFrame(sales, columns=["customer_id", "at", "amount"])
    for frame, column in ((contacts, "assigned_at"), (sales, "at")):
        frame[column] = pd.to_datetime(frame[column])
    money = ibis.memtable(sales).mutate(amount=ibis._.amount.cast("decimal(18,2)"))
    return Tables(contacts=ibis.memtable(contacts), transactions=money)


def test_only_contacts_within_the_look_back_and_before_the_order_share():
    sent = [("m1", "2026-01-01"), ("m2", "2026-03-01"), ("m3", "2026-03-10")]
    rows = [(campaign, "a", day, "treated") for campaign, day in sent]
    tables = source([*rows, ("m4", "a", "2026-03-05", "control")], [("a", "2026-03-10", 50.0)])
    options = Options(dt.date(2026, 4, 1), look_back_days=30)
    found = attribution(tables, outcomes(tables, options), options)
    assert found.rows["campaign_id"].tolist() == ["m2"]
    assert (found.n_orders, found.amount) == (1, 50.0)


def test_the_same_run_gives_the_same_credits():
    rng = np.random.default_rng(1)
    contacts = [(f"m{c}", f"k{i}", f"2026-0{1 + c}-0{1 + i % 9}", "treated") for i in range(80) for c in range(3)]
    sales = [(f"k{i}", f"2026-0{rng.integers(2, 6)}-15", float(rng.integers(1, 99))) for i in range(80)]
    tables = source(contacts, sales)
    options = Options(dt.date(2026, 6, 1), look_back_days=90)
    told = outcomes(tables, options)
    once, again = (attribution(tables, told, options).rows for _ in range(2))
    pd.testing.assert_frame_equal(once, again, check_exact=True)
    assert once["first"].sum() == once["last"].sum() == pytest.approx(once["shapley"].sum(), abs=1e-4)
