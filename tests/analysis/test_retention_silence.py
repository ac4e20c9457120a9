import datetime as dt

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crm_lib.analysis.retention import book as books
from crm_lib.analysis.retention import cohorts, curves, silence
from tests.analysis.test_retention import AS_OF, shop, table

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")


def tried(*rows):
    return pd.DataFrame(rows, columns=["days", "n_silent", "back", "low"])


def test_n_is_the_shortest_silence_from_which_one_in_ten_came_back():
    assert silence.choose(tried((30, 500, 0.3, 0.28), (60, 400, 0.1, 0.09), (90, 300, 0.05, 0.04))) == (
        60,
        "few_return",
    )


def test_where_none_is_so_sure_it_is_the_shortest_that_is_as_sure_as_the_surest():
    rows = (30, 500, 0.4, 0.37), (60, 400, 0.25, 0.22), (90, 300, 0.23, 0.2), (120, 20, 0.0, 0.0)
    assert silence.choose(tried(*rows)) == (60, "levels_off"), (
        "0.23 lies in the interval of 60 days; 20 are too few"
    )


def test_too_few_silent_customers_tell_nothing():
    assert silence.choose(tried((30, 5, 0.0, 0.0))) == (180, "")


def test_the_table_over_n_counts_who_came_back_after_the_start():
    rows = (
        [(f"s{i}", 400, 1.0) for i in range(40)]
        + [(f"s{i}", 20, 1.0) for i in range(4)]
        + [("first", 364 * 3, 1.0)]
    )
    found = silence.silence(books.read(table(*rows), AS_OF), given_days=30)
    start = AS_OF - dt.timedelta(days=364)
    assert (found.follow_days, found.start_on) == (364, start)
    assert found.known[["n_silent", "n_back", "n_known"]].tolist() == [41, 4, 41]
    assert found.back.value == pytest.approx(4 / 41)


def test_both_rules_flag_the_same_customers_where_nothing_is_known_of_a_pace():
    rows = [(f"s{i}", 400, 1.0) for i in range(40)] + [("first", 364 * 3, 1.0)]
    rules = silence.silence(books.read(table(*rows), AS_OF), given_days=30).rules.set_index("rule")
    assert rules.loc["fixed", "n_flagged"] == rules.loc["own", "n_flagged"] == 41


def test_open_waits_are_counted_as_such():
    book = books.read(table(("a", 100, 1.0), ("a", 90, 1.0), ("b", 50, 1.0)), AS_OF)
    rows = silence.waits(book, AS_OF, "number")
    assert rows.to_dict("list") == {
        "number": [1, 1, 2],
        "days": [10, 50, 90],
        "ended": [True, False, False],
        "n": [1, 1, 1],
    }


def test_waits_known_on_an_earlier_day_go_on_until_that_day():
    book = books.read(table(("a", 100, 1.0), ("a", 10, 1.0)), AS_OF)
    rows = silence.waits(book, AS_OF - dt.timedelta(days=60), "pace")
    assert rows.to_dict("list") == {"pace": [0], "days": [40], "ended": [False], "n": [1]}


def test_naive_means_of_completed_waits_are_too_short():
    rng = np.random.default_rng(2)
    wait = rng.exponential(100, 4000)
    watched = rng.uniform(0, 150, 4000)
    rows = pd.DataFrame({"days": np.minimum(wait, watched).round(), "ended": wait <= watched})
    fitted = curves.curve(rows["days"], rows["ended"])
    assert rows.loc[rows["ended"], "days"].mean() < 60
    assert fitted.time_of(0.5).value == pytest.approx(100 * np.log(2), rel=0.1)


def test_the_share_that_returns_is_of_those_who_return_at_all():
    """Half never return: a plain 95 % quantile does not exist."""
    days, ended = [*range(1, 101), *[200] * 100], [*[True] * 100, *[False] * 100]
    fitted = curves.curve(days, ended)
    assert not fitted.time_of(0.95)
    assert silence.returned_by(fitted, 0.95) == 95
    assert np.isnan(silence.returned_by(curves.curve([1, 2], [True, True]), 0.95))


def test_a_curve_of_counts_is_that_of_the_single_cases():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"days": rng.integers(1, 30, 500), "ended": rng.random(500) < 0.6, "n": 1})
    counted = rows.groupby(["days", "ended"], as_index=False)["n"].sum()
    one, other = (
        curves.curve(rows["days"], rows["ended"]),
        curves.curve(counted["days"], counted["ended"], counted["n"]),
    )
    reference = SurvfuncRight(rows["days"].to_numpy(float), rows["ended"].to_numpy(int))
    np.testing.assert_allclose(other.share, one.share)
    np.testing.assert_allclose(other.error, one.error)
    np.testing.assert_allclose(one.error[:-1], reference.surv_prob_se[:-1], rtol=1e-6)


def test_log_rank_of_counts_is_that_of_statsmodels():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"days": rng.integers(1, 40, 300), "ended": rng.random(300) < 0.7, "group": rng.integers(0, 3, 300)}
    )
    counted = rows.groupby(["group", "days", "ended"], as_index=False).size().rename(columns={"size": "n"})
    found = curves.log_rank(counted, "group")
    chi_square, p = survdiff(rows["days"], rows["ended"].astype(int), rows["group"])
    assert (found.chi_square, found.p, found.freedom) == (pytest.approx(chi_square), pytest.approx(p), 2)


def test_a_curve_is_not_read_beyond_what_was_watched():
    fitted = curves.curve([5, 9], [True, False])
    assert fitted.at(0).value == 1.0
    assert fitted.at(5).value == 0.5
    assert not fitted.at(10)
    assert not curves.curve([5, 9], [False, False]).time_of(0.5)


def triangle(*rows, as_of=AS_OF):
    return cohorts.cohorts(books.read(table(*rows), as_of))


def test_cells_that_are_not_over_are_blank_and_nobody_buying_is_nought():
    """First orders in October and November, as of the last day of December."""
    found = triangle(("a", 80, 1.0), ("b", 75, 1.0), ("a", 20, 1.0), ("c", 50, 1.0))
    assert found.grain == "month"
    assert found.retained.to_numpy()[:, 1:].tolist()[0] == [0.0, 0.5]
    assert np.isnan(found.retained.to_numpy()[1, 2])
    assert found.survived.loc[dt.date(2025, 10, 1)].tolist() == [1.0, 0.5, 0.5]


def test_the_running_month_is_no_full_month():
    as_of = AS_OF - dt.timedelta(days=1)
    found = triangle(("a", 80, 1.0), ("a", 20, 1.0), as_of=as_of)
    assert found.retained.shape[1] == 2, "October and November are over, December is not"


def test_means_leave_out_cohorts_that_have_not_got_there():
    found = triangle(("a", 80, 1.0), ("a", 20, 1.0), ("c", 50, 1.0), ("c", 10, 1.0))
    assert found.retained_mean[["share", "n"]].to_numpy().tolist() == [[1.0, 2], [0.5, 2], [1.0, 1]]


def test_a_cohort_of_one_is_a_cohort():
    found = triangle(("a", 200, 1.0))
    assert found.sizes["n"].tolist() == [1]
    assert found.retained.iloc[0, 1:].tolist() == [0.0] * 6


def test_long_data_are_put_together_by_quarter_and_year():
    assert triangle(("a", 1000, 1.0)).grain == "quarter"
    assert triangle(("a", 5000, 1.0)).grain == "year"


def test_survival_never_rises_and_is_never_below_retention():
    found = cohorts.cohorts(books.read(shop(), AS_OF))
    survived, retained = found.survived.to_numpy(), found.retained.to_numpy()
    known = np.isfinite(retained)
    assert (survived[known] >= retained[known] - 1e-12).all()
    assert (np.nan_to_num(np.diff(survived, axis=1), nan=-1) <= 1e-12).all()


def test_repeat_rates_by_number_count_every_order_once():
    book = books.read(shop(), AS_OF)
    found = cohorts.by_number(book, 364)
    assert found["n"].sum() == book.n_orders
    assert found["number"].tolist() == sorted(found["number"])
    told = found.dropna()
    assert ((told["low"] <= told["again"]) & (told["again"] <= told["high"])).all()
