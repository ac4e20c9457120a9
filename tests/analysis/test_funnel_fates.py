"""What becomes of deals that enter a stage: counted by hand, and against a known truth."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.funnel.fates import fates
from crm_lib.analysis.funnel.ways import Ways
from tests.analysis.test_funnel import run
from tests.analysis.test_funnel_forecast import random_way

DAY = dt.date(2026, 7, 19)


def deals(kind, n, steps, closed=None, outcome=None):
    rows = [(f"{kind}{i:02}", steps[0][1], closed, outcome, 100) for i in range(n)]
    return rows, [(f"{kind}{i:02}", stage, day) for i in range(n) for stage, day in steps]


def joined(*groups):
    return [r for rows, _ in groups for r in rows], [e for _, events in groups for e in events]


NEW = ("Enquiry", "2026-01-01")
FOUR = joined(
    deals("won", 20, [NEW, ("Quote", "2026-01-11"), ("Signing", "2026-02-01")], "2026-02-20", "won"),
    deals("slow", 10, [NEW, ("Quote", "2026-06-01")], "2026-07-01", "lost"),
    deals("lost", 10, [NEW], "2026-01-21", "lost"),
    deals("skip", 10, [NEW, ("Signing", "2026-01-21")], "2026-03-01", "won"),
)


def test_without_open_deals_the_shares_are_plain_counts():
    table = run(*FOUR).fates.set_index("stage")
    assert table.loc["Enquiry", ["n", "on", "won", "lost"]].tolist() == pytest.approx([50, 0.6, 0.6, 0.2])
    assert table.loc["Quote", ["n", "on", "won", "lost"]].tolist() == pytest.approx([30, 2 / 3, 2 / 3, 1 / 3])
    assert table.loc["Signing", ["n", "on", "won", "lost"]].tolist() == pytest.approx([30, 1, 1, 0])


def test_a_skipped_stage_was_not_entered():
    assert run(*FOUR).fates["n"].tolist() == [50, 30, 30]


def test_bounds_lie_around_the_share_and_none_so_far_is_not_none_ever():
    table = run(*FOUR).fates
    for name in ("on", "won", "lost"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    signing = table.set_index("stage").loc["Signing"]
    assert 0.05 < signing["lost_high"] < 0.1  # Wilson, none of thirty
    assert signing["on_low"] < 1


def test_under_thirty_deals_bear_no_share():
    table = run().fates
    assert table["n"].tolist() == [5, 3, 2]
    assert table[["on", "won", "lost"]].isna().all(axis=None)


def test_open_deals_are_unfinished_not_lost():
    rows, events = joined(FOUR, deals("open", 50, [("Enquiry", "2026-10-20")]))
    table = run(rows, events).fates.set_index("stage")
    assert table.loc["Enquiry", "n"] == 100
    assert table.loc["Enquiry", "lost"] == pytest.approx(0.2)  # nobody lost as young as these


def test_a_day_beyond_all_that_was_watched_says_nothing_while_deals_are_open():
    rows, events = joined(FOUR, deals("open", 50, [NEW]))
    assert pd.isna(run(rows, events, horizon_days=365).fates["won"][0])
    assert run(*FOUR, horizon_days=365).fates["won"].tolist() == pytest.approx([0.6, 2 / 3, 1])


def stub(ways):
    n = len(ways.closed)
    ids = [str(i) for i in range(n)]
    entries = pd.DataFrame(ways.reached[:, :-1], columns=["stage_0", "stage_1"], index=ids)
    return SimpleNamespace(
        deals=pd.DataFrame({"opportunity_id": ids}), stages=("first", "second"), entries=entries
    )


# Two stages by `random_way`: of .07 a day 5 in 7 move on, then of .05 a day 4 in 5 win.
def left(p, days):
    """Share that has left a stage by the end of so many days."""
    return 1 - (1 - p) ** days


def end_by(days, share):
    """Share of deals that ended with this share in the second stage, by the end of so many days since opening."""
    first = np.arange(1, days + 1)
    return 5 / 7 * share * sum(0.07 * 0.93 ** (d - 1) * left(0.05, days - d) for d in first)


TRUTH = {
    ("first", "on"): 5 / 7 * left(0.07, 30),
    ("first", "won"): end_by(30, 0.8),
    ("first", "lost"): 2 / 7 * left(0.07, 30) + end_by(30, 0.2),
    ("second", "on"): 0.8 * left(0.05, 30),
    ("second", "won"): 0.8 * left(0.05, 30),
    ("second", "lost"): 0.2 * left(0.05, 30),
}


def test_the_shares_are_those_of_the_generating_hazards():
    ways = random_way(np.random.default_rng(4), 60_000)
    table = fates(stub(ways), ways, DAY, None, 30).set_index("stage")
    for (stage, name), truth in TRUTH.items():
        assert table.loc[stage, name] == pytest.approx(truth, abs=0.01)


def watched_late(rng, n):
    """Deals of which ends before day 60 were not kept: those that ended before are not in the data."""
    ways = random_way(rng, n)
    seen = ~(ways.closed < np.datetime64("2026-03-02"))
    return Ways(ways.reached[seen], ways.closed[seen])


def test_a_late_start_of_watching_is_allowed_for():
    ways = watched_late(np.random.default_rng(5), 60_000)
    naive = fates(stub(ways), ways, DAY, None, 30).set_index("stage")
    table = fates(stub(ways), ways, DAY, dt.date(2026, 3, 2), 30).set_index("stage")
    assert table.loc["first", "lost"] == pytest.approx(TRUTH["first", "lost"], abs=0.015)
    assert naive.loc["first", "lost"] < TRUTH["first", "lost"] - 0.03


@pytest.mark.slow
def test_intervals_hold_the_shares_nine_times_in_ten():
    rng, held, n_times = np.random.default_rng(6), dict.fromkeys(TRUTH, 0), 500
    for _ in range(n_times):
        ways = watched_late(rng, 500)
        table = fates(stub(ways), ways, DAY, dt.date(2026, 3, 2), 30).set_index("stage")
        for (stage, name), truth in TRUTH.items():
            held[stage, name] += table.loc[stage, f"{name}_low"] <= truth <= table.loc[stage, f"{name}_high"]
    for share in held.values():
        assert 0.86 <= share / n_times <= 0.94
