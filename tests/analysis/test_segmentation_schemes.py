import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation import attributes, behaviour, channels, rules
from crm_lib.errors import ParameterError

AS_OF = dt.date(2026, 10, 31)


def graded(n=120, seed=3, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "days_since_last": rng.integers(0, 400, n),
            "n_orders": rng.integers(1, 15, n),
            "amount": rng.lognormal(5, 1, n).round(2),
        }
        | columns
    )
    return segmentation.segments(None, ibis.memtable(frame), as_of=AS_OF).customers


def people(customers, **columns):
    return ibis.memtable(pd.DataFrame({"customer_id": customers["customer_id"].tolist()} | columns))


def purchases(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount", "channel"])
    return ibis.memtable(frame.assign(at=pd.to_datetime(frame["at"])))


@pytest.mark.parametrize("scheme", [rules.RULES, rules.LEVELS, rules.KINDS])
def test_every_code_is_in_exactly_one_class_and_every_class_has_codes(scheme):
    codes = rules.every_code(scheme)
    assert len(codes) == 125
    assert set(codes["segment"]) == {rule.segment for rule in scheme}
    for rule in scheme:
        held = codes[codes["segment"] == rule.segment]
        earlier = scheme[: scheme.index(rule)]
        assert held.eval(rule.holds).all()
        assert not any(held.eval(r.holds).any() for r in earlier)


@pytest.mark.parametrize(
    ("code", "level", "kind"),
    [
        ("555", "high", "value"),
        ("155", "high", "cash_flow"),
        ("515", "mid", "cash_flow"),
        ("353", "high", "relationship"),
        ("511", "low", "growth"),
        ("111", "low", "none"),
    ],
)
def test_levels_and_kinds_of_some_codes(code, level, kind):
    for scheme, expected in ((rules.LEVELS, level), (rules.KINDS, kind)):
        assert rules.every_code(scheme).set_index("code").loc[code, "segment"] == expected


def test_each_customer_is_in_exactly_one_class_of_each_scheme():
    customers = graded()
    table = people(customers, region=["n", "s", None] * 40, birth_year=[1950, 1990, None] * 40, tier=["x"] * 120)
    bought = purchases(*((c, "2026-01-01", 5.0, "web") for c in customers["customer_id"]))
    found = segmentation.schemes(
        customers,
        AS_OF,
        transactions=bought,
        table=table,
        behaviours="orders > 10; days > 90",
        dimensions=["tier"],
    )
    for scheme in found:
        assert scheme.classes["n_customers"].sum() == 120
        assert round(scheme.classes["amount"].sum(), 2) == round(customers["amount"].sum(), 2)
        assert np.bincount(scheme.place, minlength=len(scheme.classes)).tolist() == list(
            scheme.classes["n_customers"]
        )
    assert [s.name for s in found if s.constant] == ["channels", "channel_mix", "tier"]
    assert found.missing == ("gender", "city")
    assert len(found.customers) == 120


def test_who_is_of_which_age_place_or_kind_is_published_of_nobody():
    customers = graded()
    table = people(customers, gender=["f", "m"] * 60, region=["north"] * 120, tier=["gold", "plain"] * 60)
    found = segmentation.schemes(customers, AS_OF, table=table, behaviours="orders > 10", dimensions=["tier"])
    assert {"gender", "region", "tier"} <= {scheme.name for scheme in found}
    assert {"customer_id", "segment", "value_grade"} <= set(found.customers)
    assert not {"gender", "region", "tier"} & set(found.customers)


def test_a_behaviour_rule_is_as_it_reads():
    (rule,) = behaviour.read("orders >= 10 and days > 90 and money < 5.5")
    frame = pd.DataFrame(
        {"n_orders": [10, 9, 12, 12], "days_since_last": [91, 99, 90, 99], "amount": [5, 5, 5, 6]}
    )
    assert rule.holds(frame).tolist() == [True, False, False, False]
    assert rule.column == "orders_from_10_and_days_over_90_and_money_under_5_5"


@pytest.mark.parametrize("text", ["orders", "orders > many", "orders > 10 or days > 3", "age > 10", "> 10"])
def test_a_behaviour_rule_that_cannot_be_read_is_refused(text):
    with pytest.raises(ParameterError, match=r"can't be read\. Write days"):
        behaviour.read(text)


def test_no_rules_are_no_schemes():
    assert behaviour.read(" ; ") == ()


def test_channels_are_joined_per_customer_and_refunds_do_not_count():
    rows = [("a", "2026-01-01", 5.0, "web"), ("a", "2026-02-01", 5.0, "store"), ("b", "2026-01-01", 9.0, "web")]
    rows += [("b", "2026-01-03", -9.0, "store"), ("b", "2027-01-03", 9.0, "fair"), ("d", "2026-01-01", 1.0, None)]
    found = channels.of_customers(purchases(*rows), AS_OF).set_index("customer_id")
    assert found["channel_mix"].to_dict() == {"a": "web + store", "b": "web"}
    assert found["n_channels"].to_dict() == {"a": 2, "b": 1}


def test_many_channels_are_told_as_eight_and_the_rest():
    rows = [(f"c{i}-{j}", "2026-01-01", 5.0, f"ch{i:02}") for i in range(12) for j in range(12 - i)]
    found = channels.of_customers(purchases(*rows), AS_OF)
    assert found["channel_mix"].nunique() == 9
    assert (found["channel_mix"] == "…").sum() == 4 + 3 + 2 + 1


def test_without_channels_there_is_no_channel_scheme():
    assert channels.of_customers(None, AS_OF) is None
    assert channels.of_customers(purchases(("a", "2026-01-01", 5.0, None)), AS_OF) is None
    assert "channels" in segmentation.schemes(graded(), AS_OF).missing


def test_small_groups_are_merged_and_never_left_alone():
    found = attributes.classes(pd.Series(["n"] * 20 + ["s"] * 12 + ["w"] * 6 + ["e"] * 2), range(40))
    sizes = dict(zip(zip(found.names, found.kinds, strict=True), np.bincount(found.place), strict=True))
    assert sizes == {("s", "value"): 12, ("n", "value"): 20, ("", "others"): 8}
    assert found.n_merged == 2


def test_what_is_not_known_is_a_class_of_its_own_and_comes_last():
    found = attributes.classes(pd.Series([None] * 40 + ["x"] * 60), [100] * 40 + [1] * 60)
    assert found.kinds == ("value", "unknown")
    scheme = segmentation.schemes(
        graded(100), AS_OF, table=people(graded(100), tier=[None] * 40 + ["x"] * 60), dimensions=["tier"]
    )["tier"]
    assert scheme.unknown_share == pytest.approx(0.4)
    assert scheme.labels[0] is None


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60), st.integers(0, 8))
def test_nobody_is_lost_and_no_small_class_is_shown(values, suppress_below):
    found = attributes.classes(pd.Series(values, dtype=object), range(len(values)), suppress_below)
    sizes = np.bincount(found.place, minlength=len(found.names))
    assert sizes.sum() == len(values)
    shown = [n for n, kind in zip(sizes, found.kinds, strict=True) if kind != "others"]
    assert all(n >= suppress_below for n in shown)


@pytest.mark.parametrize(
    ("born", "band"), [(2009, "0–17"), (2002, "18–24"), (1961, "65+"), (1880, None), (2030, None)]
)
def test_age_bands(born, band):
    assert attributes.age_bands(pd.Series([born]), AS_OF).tolist() == [band]


def test_many_numbers_are_put_into_bands_and_dates_by_year():
    assert attributes.banded(pd.Series(range(60))).nunique() == 5
    assert attributes.banded(pd.Series(pd.to_datetime(["2024-05-01", None]))).tolist()[0] == "2024"


def test_ids_and_names_are_never_a_dimension():
    customers = graded()
    found = segmentation.schemes(customers, AS_OF, table=people(customers, name=["Xu"] * 120), dimensions=["name"])
    assert "name" in found.missing
