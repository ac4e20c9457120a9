import re

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation.clusters import REFUSALS, Clusters
from crm_lib.contract.publication import Publication
from crm_lib.show import segmentation as say
from crm_lib.show.segmentation.clusters import cluster_figures
from crm_lib.theme import words


@pytest.fixture(autouse=True)
def _euros():
    words.use(currency="EUR")
    yield
    words.use()


def text(part):
    """What a reader reads, tags taken out."""
    bare = re.sub(r"<[^>]+>", " ", part.html)
    return " ".join(bare.replace("\N{NO-BREAK SPACE}", " ").split())


def shop(apart, n=300):
    """Customers of two kinds; `apart` says how far their days lie from one another."""
    rng = np.random.default_rng(1)
    kind = np.arange(n) % 2
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "days_since_last": rng.normal(200 + apart * (2 * kind - 1), 20).clip(0).astype(int),
            "n_orders": 1 + rng.poisson(np.where(kind, 1, 1 + apart / 15)),
            "amount": np.exp(rng.normal(5 - kind * apart / 80, 0.4)).round(2),
        }
    )
    return frame.assign(r=4 - 2 * kind, f=3, m=4 - kind, segment=np.where(kind, "fading", "best"))


@pytest.fixture(scope="module")
def found():
    return segmentation.clusters(shop(150), seed=7)


def test_groups_are_named_in_words_with_their_numbers(found):
    said = text(say.clusters(found))
    assert "The customers fall into 2 groups." in said
    assert "1: bought lately, many orders, much money" in said
    assert "2: not seen for long," in said
    assert "silhouette" in said
    first = found.groups.iloc[0]
    assert f"{first['n_customers']}" in said
    assert f"€{first['low']:,.1f} – €{first['high']:,.1f}" in said


def test_the_page_says_whether_groups_add_to_the_grades(found):
    assert "They add little to the simple grades" in text(say.clusters(found))
    other = shop(150).assign(r=3, f=3, m=3)
    assert "They add something to the simple grades" in text(say.clusters(segmentation.clusters(other, seed=7)))


def test_every_number_of_groups_tried_is_in_the_fold(found):
    said = text(say.clusters(found))
    assert "How the number of groups was chosen" in said
    assert "✓ taken" in said
    assert all(f" {k} {s:.3f} " in said for k, s in found.trials[["k", "silhouette"]].itertuples(index=False))


def test_no_groups_are_said_in_words_with_the_numbers():
    refused = segmentation.clusters(shop(0), seed=7)
    said = text(say.clusters(refused))
    assert said.startswith("No groups are shown: these customers shade into one another.")
    assert "is asked for" in said
    assert "The named segments are the better tool." in said
    assert "nan" not in said.lower()


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_has_words(refusal):
    trials = pd.DataFrame(
        {"k": [2], "silhouette": 0.3, "smallest_share": 0.4, "lowest_jaccard": 0.6, "rand": 0.5, "to_beat": 0.4}
        | {"bic": 10.0, "verdict": refusal if refusal in ("small", "unstable", "no_groups") else "not_tested"}
    )
    tried = {} if refusal in ("few", "alike") else {"trials": trials, "best_k": 2}
    said = text(say.clusters(Clusters(50, refusal=refusal, **tried)))
    assert said.startswith("No groups are shown")
    assert "{" not in said


def test_few_customers_are_counted():
    assert "There are 99 customers, and fewer than 100 are too few" in text(
        say.clusters(segmentation.clusters(shop(150, n=99), seed=7))
    )


def test_customers_paid_back_more_than_they_paid_are_mentioned():
    customers = shop(150)
    customers.loc[[0, 2], "amount"] = -50.0
    said = text(say.clusters(segmentation.clusters(customers, seed=7)))
    assert "2 customers were paid back more than they paid" in said


def test_numbers_of_the_run_before_are_kept_and_said(found):
    previous = Publication("segmentation", (), found.tables)
    again = segmentation.clusters(shop(150), seed=7, previous=previous)
    assert "Groups keep the numbers they had in the last report." in text(say.clusters(again))


def test_every_figure_has_words(found):
    assert {f.name for f in found.figures} <= set(cluster_figures())
