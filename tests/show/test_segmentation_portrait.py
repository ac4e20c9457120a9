import re

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import segmentation
from crm_lib.show import segmentation as say
from crm_lib.show.segmentation.portrait import N_SEGMENTS

N = 600
SEGMENTS = ("best", "slipping", "growing", "loyal", "steady", "fading")


def text(part):
    """What a reader reads, tags and marks of writing direction taken out."""
    bare = re.sub(r"[\u2066-\u2069]", "", re.sub(r"<[^>]+>", " ", part.html))
    return " ".join(bare.replace("\N{NO-BREAK SPACE}", " ").split())


def customers():
    segment = np.array(SEGMENTS)[np.arange(N) % 6]
    amount = np.array([600.0, 500, 400, 300, 200, 100])[np.arange(N) % 6]
    return pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)], "segment": segment, "amount": amount})


def portrait(**columns):
    table = ibis.memtable(pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)]} | columns))
    return segmentation.portrait(customers(), {"customers": table})


def mixed(chances):
    """A yes per customer, with the chance of each segment."""
    return np.random.default_rng(1).random(N) < np.array(chances)[np.arange(N) % 6]


def test_the_richest_segment_comes_first_with_what_sets_it_apart():
    city = np.where(mixed([0.8, 0.3, 0.3, 0.3, 0.3, 0.3]), "Hefei", "Wuhu")
    found = portrait(city=city)
    row = found.top("best").iloc[0]
    said = text(say.portrait(found))
    here, elsewhere = f"{100 * row['own']:.0f} %", f"{100 * row['others']:.0f} %"
    assert said.startswith(f"Best customers stand out by: city: Hefei {here} (elsewhere {elsewhere}).")
    assert f"points ({100 * row['low']:.0f} – {100 * row['high']:.0f})" in said
    assert "Of 6 comparisons only those are named that hold" in said


def test_numbers_are_said_in_their_own_unit_and_in_standard_deviations():
    year = np.where(mixed([0.9, 0.1, 0.1, 0.1, 0.1, 0.1]), 1990, 1950) + np.arange(N) % 5
    said = text(say.portrait(portrait(birth_year=year)))
    assert "year of birth, mean 198" in said
    assert re.search(r"\+\d\.\d\d sd \(\d\.\d\d – \d\.\d\d\)", said)


def test_dates_are_said_as_months():
    since = pd.Timestamp("2024-01-15") + pd.to_timedelta(
        np.where(mixed([0.9] + [0.1] * 5), 700, 0) + np.arange(N) % 9, "D"
    )
    assert re.search(r"customer since, mean \w+ 202\d", text(say.portrait(portrait(since=since))))


def test_small_cells_are_said_without_numbers():
    said = text(say.portrait(portrait(consent=mixed([0.0, 0.6, 0.6, 0.6, 0.6, 0.6]))))
    assert "agreed to be contacted: no nearly all fewer not shown" in said
    assert "fewer than 5 customers would be shown" in said


def test_only_the_richest_segments_stand_outside_the_fold():
    found = portrait(city=np.where(mixed([0.95, 0.95, 0.95, 0.05, 0.05, 0.05]), "Hefei", "Wuhu"))
    before, _, after = say.portrait(found).html.partition("<details")
    assert (
        len(set(re.findall(r"Best customers|Big spenders slipping|Growing|Loyal|Steady|Fading", before)))
        == N_SEGMENTS
    )
    assert "Fading" in after


def test_no_difference_is_said_in_words():
    said = text(say.portrait(portrait(city=np.array(["a", "b"])[np.arange(N) // 6 % 2])))
    assert "no segment differs from the other customers by more than chance would make" in said


def test_a_source_that_knows_nothing_says_so():
    said = text(say.portrait(segmentation.portrait(customers(), {})))
    assert "no portrait can be drawn" in said
    small = segmentation.portrait(customers().head(40), {})
    assert "nothing to compare" in text(say.portrait(small))


def test_attributes_left_out_are_named_with_the_reason():
    columns = {"country": ["CN"] * N, "tier": ["gold"] * N, "city": np.where(mixed([0.9] + [0.2] * 5), "a", "b")}
    said = text(say.portrait(portrait(**columns)))
    assert "Not compared, since all customers have the same: country." in said
    assert "Not compared, since it follows from what was bought: tier." in said


def test_hostile_names_stay_text():
    found = portrait(**{"<script>alert(1)</script>": np.where(mixed([0.9] + [0.1] * 5), "**b**<i>", "x\u202ey")})
    html = say.portrait(found).html
    assert "<script>" not in html
    assert "<i>" not in html
    assert "\u202e" not in html


def test_clusters_can_be_portrayed_by_their_own_names():
    table = ibis.memtable(
        pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)], "city": mixed([0.9] + [0.1] * 5)})
    )
    numbered = customers().assign(cluster=np.arange(N) % 6)
    found = segmentation.portrait(numbered, {"customers": table}, by="cluster")
    assert text(say.portrait(found, {"0": "1: bought lately"})).startswith(
        "1: bought lately stand out by: city: yes"
    )


@pytest.mark.parametrize("about", ["category", "channel"])
def test_purchases_are_said_in_words(about):
    bought = pd.DataFrame({"customer_id": [f"c{i}" for i in range(N)], "amount": 1.0})
    bought[about] = np.where(mixed([0.9] + [0.2] * 5), "stove", "filter")
    said = text(say.portrait(segmentation.portrait(customers(), {"transactions": ibis.memtable(bought)})))
    assert {"category": "bought “stove”", "channel": "buys through “stove” only"}[about] in said
