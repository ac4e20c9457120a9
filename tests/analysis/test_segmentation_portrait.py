import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import intervals, segmentation
from crm_lib.analysis.segmentation.portrait import CONSTANT, FOLLOWS, SCATTERED, UNREADABLE, compare
from crm_lib.contract.settings import Scale

N = 300


def ids(n=N):
    return [f"c{i:04}" for i in range(n)]


def customers(segment=("best", "rest", "rest"), n=N, amount=1.0):
    return pd.DataFrame({"customer_id": ids(n), "segment": list(segment) * (n // len(segment)), "amount": amount})


def table(n=N, **columns):
    return ibis.memtable(pd.DataFrame({"customer_id": ids(n)} | columns))


def found_of(segments=None, **columns):
    segments = customers() if segments is None else segments
    return segmentation.portrait(segments, {"customers": table(len(segments), **columns)})


def row(found, group, **wanted):
    rows = found.comparisons[found.comparisons["group"] == group]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_planted_difference_is_found_with_its_interval():
    rng = np.random.default_rng(1)
    city = np.where(np.arange(N) % 3 == 0, rng.choice(list("HHHWA"), N), rng.choice(list("HWWAA"), N))
    first = found_of(city=city).top("best").iloc[0]
    assert (first["attribute"], first["level"], first["more"]) == ("city", "H", True)
    own = int((city[::3] == "H").sum())
    expected = intervals.newcombe(own, 100, int((city == "H").sum()) - own, 200)
    told = (first["difference"], first["low"], first["high"])
    assert told == pytest.approx((expected.value, expected.low, expected.high))
    assert first["low"] > 0


def test_numbers_are_compared_in_standard_deviations():
    rng = np.random.default_rng(2)
    height = rng.normal(10, 2, N) + np.where(np.arange(N) % 3 == 0, 2.0, 0.0)
    told = row(found_of(height=height), "best", attribute="height", kind="value")
    assert told["holds"]
    assert told["own"] == pytest.approx(height[::3].mean())
    assert told["low"] < 1 < told["high"]


def test_dates_are_compared_as_days():
    days = pd.to_datetime(["2024-01-11" if i % 3 == 0 else "2024-01-01" for i in range(N - 1)] + ["2024-02-01"])
    told = row(found_of(since=days), "best", attribute="since", kind="value")
    assert told["form"] == "date"
    assert told["own"] == pytest.approx((pd.Timestamp("2024-01-11") - pd.Timestamp("1970-01-01")).days)


def test_the_strongest_difference_comes_first_and_once_per_attribute():
    weak = [("a" if i % 5 else "b") if i % 3 == 0 else "ab"[i % 2] for i in range(N)]
    strong = ["x" if i % 3 == 0 and i % 30 else "yz"[i % 2] for i in range(N)]
    found = found_of(weak=weak, strong=strong)
    assert found.top("best")["attribute"].tolist() == ["strong", "weak"]


def test_levels_that_hold_the_same_customers_count_once():
    firm = ["firm" if i % 3 == 0 and i % 4 else "person" for i in range(N)]
    gender = np.where(np.array(firm) == "firm", None, "known")
    found = found_of(kind=firm, gender=gender)
    assert found.top("best")["attribute"].tolist() == ["kind"]
    assert "gender" in found.found("best")["attribute"].tolist()


def test_what_is_not_known_is_a_level_of_its_own_with_its_share():
    age = [np.nan if i % 3 == 0 and i % 2 else float(i % 7) for i in range(N)]
    found = found_of(age=age)
    told = row(found, "best", attribute="age", kind="unknown")
    assert (told["own"], told["others"], told["hidden"]) == pytest.approx(
        (np.nan, np.nan, "others_few"), nan_ok=True
    )
    assert told["holds"]
    assert found.missing.to_dict("records") == [{"about": "attribute", "attribute": "age", "share": 50 / N}]


def test_constant_attributes_are_left_out_and_named():
    found = found_of(country=["CN"] * N, one=[3] * N, empty=[None] * (N - 1) + [" "], city=["a", "b"] * (N // 2))
    assert {(s.attribute, s.reason) for s in found.skipped} >= {("country", CONSTANT), ("one", CONSTANT)}
    assert {s.attribute for s in found.skipped} == {"country", "one", "empty"}


def test_what_follows_from_purchases_and_names_are_no_attributes():
    found = found_of(tier=["gold", "basic"] * (N // 2), name=ids(), points=range(N))
    assert [(s.attribute, s.reason) for s in found.skipped] == [("tier", FOLLOWS), ("points", FOLLOWS)]
    assert found.comparisons.empty


def test_a_value_that_is_neither_text_nor_number_nor_date_is_named():
    frame = pd.DataFrame({"customer_id": ids(), "tags": [[1, 2]] * N})
    found = segmentation.portrait(customers(), {"customers": ibis.memtable(frame)})
    assert [(s.attribute, s.reason) for s in found.skipped] == [("tags", UNREADABLE)]


def test_many_levels_are_cut_to_the_twenty_largest():
    levels = [f"v{i % 24:02}" for i in range(2400)]
    found = segmentation.portrait(customers(n=2400), {"customers": table(2400, shop=levels)})
    shown = found.comparisons[found.comparisons["group"] == "best"]
    assert (shown["kind"] == "value").sum() == 20
    assert (shown["kind"] == "other").sum() == 1
    assert found.cut_to_largest == ("shop",)


def test_a_column_of_nearly_unique_values_is_never_shown():
    found = found_of(phone=[f"+86 {i}" for i in range(N)])
    assert found.comparisons.empty or not found.comparisons["level"].str.contains("86").any()


def test_levels_of_nearly_unique_values_are_scattered():
    assert found_of(customers(n=30 * 3), code=[f"x{i}" for i in range(90)]).skipped[0].reason == SCATTERED


def test_classes_under_thirty_are_not_compared():
    segments = customers(n=300)
    segments.loc[:, "segment"] = ["small"] * 29 + ["large"] * 271
    found = found_of(segments, city=["a", "b", "b"] * 100)
    assert found.comparisons.empty
    assert found.groups["compared"].tolist() == [False, False]


def test_small_cells_are_hidden_with_everything_that_tells_them():
    city = ["a"] * N
    for i in [*range(0, 12, 3), *range(1, 297, 3)]:
        city[i] = "b"
    told = row(found_of(city=city), "best", attribute="city")
    assert told["hidden"] == "own_all"
    assert (
        told[["k", "k_others", "own", "others", "difference", "low", "high", "effect", "p_adjusted"]].isna().all()
    )
    assert told["holds"]
    assert told["more"]


def test_five_customers_in_a_cell_may_be_shown():
    city = ["a"] * N
    for i in [*range(0, 15, 3), *range(1, 297, 3)]:
        city[i] = "b"
    assert row(found_of(city=city), "best", attribute="city")["hidden"] == ""


def test_columns_of_any_name_can_be_compared():
    names = ['<b>"x"</b>', "group", "class", "k", "level", "value", "select", "区域", "a b; drop table"]
    found = found_of(**{n: ["u" if i % 3 == 0 and i % 9 else "vw"[i % 2] for i in range(N)] for n in names})
    assert set(found.comparisons["attribute"]) == set(names)
    assert found.found("best")["attribute"].nunique() == len(names)


def test_channel_mix_tells_single_channels_from_several():
    rows = [(c, "web" if i % 2 else "shop") for i, c in enumerate(ids())]
    rows += [(c, "web" if i % 2 == 0 else "shop") for i, c in enumerate(ids()) if i % 3 == 0 and i % 30]
    frame = pd.DataFrame(rows, columns=["customer_id", "channel"]).assign(amount=1.0)
    found = segmentation.portrait(customers(), {"transactions": ibis.memtable(frame)})
    told = found.comparisons[found.comparisons["group"] == "best"].set_index("kind")
    assert told.loc["several", "n"] == 100
    assert told.loc["several", "hidden"] == "others_few"
    assert told.loc["value", "level"].tolist() == ["shop", "web"] or set(told.loc["value", "level"]) == {
        "shop",
        "web",
    }
    assert "unknown" not in told.index


def test_categories_count_customers_once_however_often_they_bought():
    frame = pd.DataFrame(
        [(c, "stove", 9.0) for i, c in enumerate(ids()) if i % 3 == 0 and i % 2 for _ in range(3)]
        + [(c, "filter", 1.0) for c in ids()]
        + [(c, "stove", 9.0) for c in ids()[1:60:3]],
        columns=["customer_id", "category", "amount"],
    )
    found = segmentation.portrait(customers(), {"transactions": ibis.memtable(frame)})
    told = row(found, "best", about="bought", level="stove")
    assert (told["k"], told["n"], told["k_others"], told["n_others"]) == (50, 100, 20, 200)
    assert "filter" not in found.comparisons["level"].tolist(), "everybody bought it"


def test_categories_come_from_the_products_where_purchases_lack_them():
    bought = pd.DataFrame({"customer_id": ids(), "product_id": ["p1", "p2", "p2"] * (N // 3), "amount": 1.0})
    products = pd.DataFrame({"product_id": ["p1", "p2"], "category": ["stove", "filter"]})
    tables = {"transactions": ibis.memtable(bought), "products": ibis.memtable(products)}
    assert set(segmentation.portrait(customers(), tables).comparisons["level"]) == {"stove", "filter"}
    del tables["products"]
    assert set(segmentation.portrait(customers(), tables).comparisons["level"]) == {"p1", "p2"}


def test_satisfaction_is_that_of_those_who_answered():
    rng = np.random.default_rng(1)
    csat = np.where(np.arange(N) % 3 == 0, 5.0, rng.integers(1, 5, N))
    csat[1::3] = -99
    surveys = ibis.memtable(
        pd.DataFrame(
            {"response_id": [f"r{i}" for i in range(N)], "customer_id": ids(), "csat": csat}
            | {"asked_at": pd.Timestamp("2025-01-01")}
        )
    )
    scales = {"csat": Scale(1, 5, (-99,), 4)}
    told = row(segmentation.portrait(customers(), {"surveys": surveys}, scales=scales), "best", attribute="csat")
    assert (told["n"], told["n_others"], told["own"]) == (100, 100, 5.0)
    assert told["holds"]


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(3)
    columns = {"city": rng.choice(list("abc"), N), "height": rng.normal(size=N)}
    people = pd.DataFrame({"customer_id": ids()} | columns)
    one = segmentation.portrait(customers(), {"customers": ibis.memtable(people)})
    turned = ibis.memtable(people.sample(frac=1, random_state=1))
    other = segmentation.portrait(customers().sample(frac=1, random_state=2), {"customers": turned})
    pd.testing.assert_frame_equal(one.comparisons, other.comparisons)


def test_nothing_known_gives_an_empty_portrait():
    found = segmentation.portrait(customers(), {})
    assert found.comparisons.empty
    assert found.top("best").empty
    assert found.n_customers == N


def test_customers_without_a_class_do_not_count():
    segments = customers()
    segments.loc[::2, "segment"] = None
    assert segmentation.portrait(segments, {"customers": table(city=["a", "b"] * (N // 2))}).n_customers == N // 2


def test_holm_steps_down():
    assert compare.holm([0.01, 0.02, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert compare.holm([0.4, 0.4]).tolist() == pytest.approx([0.8, 0.8])


def test_without_differences_a_false_one_is_found_in_at_most_one_portrait_in_ten():
    rng = np.random.default_rng(11)
    said = []
    for _ in range(100):
        rows = []
        inside = rng.integers(0, 4, 400)
        for level in range(6):
            member = rng.random(400) < 0.02 + 0.1 * level
            for c in range(4):
                k, n = int(member[inside == c].sum()), int((inside == c).sum())
                rows.append(
                    {"group": str(c), "n": n, "n_others": 400 - n}
                    | compare.share(k, n, int(member.sum()) - k, 400 - n)
                )
        skewed = rng.lognormal(0, 2, 400)
        for number in compare.numbers(skewed, inside, (0, 1, 2, 3), 30):
            rows.append({"k": np.nan, "k_others": np.nan} | number | {"group": str(number["group"])})
        said.append(compare.judged(rows, 5)["holds"].any())
    assert np.mean(said) <= 0.18  # at most 0.10 in the long run; 0.18 is 2.7 standard errors above


@pytest.mark.slow
def test_without_differences_whole_portraits_are_seldom_wrong():
    rng = np.random.default_rng(5)
    said = []
    for _ in range(100):
        segments = customers(n=600).assign(segment=rng.choice(["a", "b", "c", "d"], 600, p=[0.1, 0.2, 0.3, 0.4]))
        columns = {"city": rng.choice(list("abcdef"), 600), "rare": rng.random(600) < 0.08}
        columns |= {
            "revenue": rng.lognormal(0, 2, 600),
            "age": np.where(rng.random(600) < 0.3, np.nan, rng.normal(size=600)),
        }
        said.append(found_of(segments, **columns).comparisons["holds"].any())
    assert np.mean(said) <= 0.18


def test_the_standardised_difference_covers_the_truth():
    rng = np.random.default_rng(4)
    held = []
    for _ in range(1000):
        own, others = rng.normal(0.5, 1, 40), rng.normal(0, 1, 200)
        told = compare._standardised(own, others)
        held.append(told["low"] <= 0.5 <= told["high"])
    assert 0.87 <= np.mean(held) <= 0.93
