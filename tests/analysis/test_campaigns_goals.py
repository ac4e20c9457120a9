"""Targets, projection and market on a company that grows by a known rate."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.campaigns.goals import goals
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.contract.settings import Scale

AS_OF = dt.date(2026, 6, 30)
OPTIONS = Options(AS_OF)


def sales(days=1000, growth=0.3):
    dates = pd.date_range(end=pd.Timestamp(AS_OF), periods=days)
    amount = 100 * np.exp(np.log1p(growth) * np.arange(days) / 364)
    frame = pd.DataFrame({"customer_id": "a", "at": dates, "amount": amount.round(2)})
    return ibis.memtable(frame).mutate(amount=ibis._.amount.cast("decimal(18,2)"))


def targets(*rows):
    frame = pd.DataFrame(rows, columns=["metric", "period_start", "period_end", "value", "unit"])
    for c in ("period_start", "period_end"):
        frame[c] = pd.to_datetime(frame[c])
    return ibis.memtable(frame).mutate(
        period_start=ibis._.period_start.date(), period_end=ibis._.period_end.date()
    )


def test_what_is_over_is_counted_and_what_is_ahead_is_projected():
    rows = targets(
        ("revenue", "2026-04-01", "2026-06-30", 10_000, "EUR"),
        ("revenue", "2026-07-01", "2026-09-30", 10_000, "EUR"),
        ("orders", "2026-06-01", "2026-07-31", 61, "orders"),
    )
    found = goals(Tables(transactions=sales(), targets=rows), OPTIONS).targets
    over, now, ahead = (found[found["state"] == s].iloc[0] for s in ("over", "now", "ahead"))
    days = sales().to_pandas().set_index("at")["amount"].astype(float)
    assert over["actual"] == pytest.approx(days["2026-04-01":].sum())
    assert over["attained"] == pytest.approx(over["actual"] / 10_000)
    assert ahead["projection"] == pytest.approx(days["2025-07-02":"2025-10-01"].sum() * 1.3, rel=0.01)
    assert ahead["projection_low"] < ahead["projection"] < ahead["projection_high"]
    assert now["actual"] == 30
    assert now["projection"] == pytest.approx(61, rel=0.01)


def test_a_short_history_is_not_projected():
    rows = targets(("revenue", "2026-07-01", "2026-09-30", 10_000, "EUR"))
    found = goals(Tables(transactions=sales(days=300), targets=rows), OPTIONS)
    assert not found.growth["revenue"]
    assert found.targets["projection"].isna().all()


def test_a_metric_nobody_measures_is_named():
    rows = targets(("happiness", "2026-07-01", "2026-09-30", 1, "smiles"))
    assert goals(Tables(targets=rows), OPTIONS).unknown == ("happiness",)


def quarter(k):
    """First and last day of the quarter `k` quarters before the one that ends on the as-of day."""
    end = pd.Period("2026Q2") - k
    return str(end.start_time.date()), str(end.end_time.date())


def market(n, share=None, rival=25_000.0):
    """The market in the last `n` quarters, as large as our share of it demands, with one competitor."""
    days = sales().to_pandas().set_index("at")["amount"].astype(float)
    rows = []
    for k in reversed(range(n)):
        first, last = quarter(k)
        whole = 100_000.0 if share is None else days[first:last].sum() / share(n - 1 - k)
        rows += [(first, last, whole, None, None), (first, last, None, "Rival", rival)]
    frame = pd.DataFrame(
        rows, columns=["period_start", "period_end", "market_amount", "competitor", "competitor_amount"]
    )
    for c in ("period_start", "period_end"):
        frame[c] = pd.to_datetime(frame[c])
    return ibis.memtable(frame).mutate(
        period_start=ibis._.period_start.date(),
        period_end=ibis._.period_end.date(),
        market_amount=ibis._.market_amount.cast("decimal(18,2)"),
        competitor_amount=ibis._.competitor_amount.cast("decimal(18,2)"),
    )


def test_our_share_of_the_market_stands_beside_competitors():
    share = targets(("market_share", "2026-04-01", "2026-06-30", 0.2, "share"))
    found = goals(Tables(transactions=sales(), market=market(1), targets=share), OPTIONS)
    (ours,) = found.market["own_share"]
    assert 0.1 < ours < 0.3
    assert found.competitors["share"].tolist() == [0.25]
    assert found.targets["actual"].tolist() == [ours]


def test_our_share_of_the_market_goes_on_as_it_went():
    told = market(8, lambda i: 0.1 + 0.01 * i + 0.001 * (i % 2))
    share = targets(
        ("market_share", "2026-07-01", "2026-09-30", 0.2, "share"),
        ("market_share", "2026-01-01", "2026-12-31", 0.2, "share"),
        ("market_share", "2027-07-01", "2027-09-30", 0.2, "share"),
    )
    found = goals(Tables(transactions=sales(), market=told, targets=share), OPTIONS)
    year, following, far = (row for _i, row in found.targets.iterrows())
    assert following["projection"] == pytest.approx(0.18, abs=0.005)
    assert following["projection_low"] < 0.18 < following["projection_high"]
    assert year["projection"] == pytest.approx((0.16 + 0.17 + 0.18 + 0.19) / 4, abs=0.005)
    assert year["projection_high"] - year["projection_low"] < following["projection_high"]
    assert pd.isna(far["projection"])  # more than a year ahead
    assert found.share_ahead.value == pytest.approx(following["projection"])
    assert found.share_until in (dt.date(2026, 9, 29), dt.date(2026, 9, 30))


def test_five_periods_of_the_market_are_too_few_to_project():
    found = goals(Tables(transactions=sales(), market=market(5)), OPTIONS)
    assert not found.share_ahead
    assert found.share_until is None


def test_a_share_stays_between_none_and_all():
    told = market(6, lambda i: (0.9, 0.2, 0.99, 0.1, 0.9, 0.2)[i])
    found = goals(Tables(transactions=sales(), market=told), OPTIONS).share_ahead
    assert (found.low, found.high) == (0.0, 1.0)


def surveys(n_quarters, per_quarter=60, level=lambda i: 0.9 + 0.01 * i, seed=1):
    """Answers spread over quarters of 91 days up to the as-of day; perceived ÷ expected is the level."""
    rng, asked, items = np.random.default_rng(seed), [], []
    for i in range(n_quarters):
        end = pd.Timestamp(AS_OF) - pd.Timedelta(days=91 * (n_quarters - 1 - i))
        for j in range(per_quarter):
            expected = rng.uniform(4, 6)
            asked.append((f"r{i}-{j}", end - pd.Timedelta(days=j % 91)))
            items.append((f"r{i}-{j}", "all", expected, expected * level(i) * rng.uniform(0.95, 1.05)))
    said = pd.DataFrame(asked, columns=["response_id", "asked_at"]).assign(answered_at=lambda f: f["asked_at"])
    rated = pd.DataFrame(items, columns=["response_id", "aspect", "expected", "perceived"])
    return {"surveys": ibis.memtable(said), "survey_items": ibis.memtable(rated)}


ASKING = Options(AS_OF, item_scale=Scale(0, 10))
YEAR_AHEAD = ("satisfaction", "2026-07-01", "2027-06-30", 1.0, "ratio")


def test_satisfaction_drifts_on_and_its_range_says_how_far():
    rows = targets(YEAR_AHEAD, ("satisfaction", "2026-04-01", "2026-06-30", 1.0, "ratio"))
    found = goals(Tables(**surveys(8), targets=rows), ASKING).targets
    over, ahead = (found[found["state"] == s].iloc[0] for s in ("over", "ahead"))
    assert over["actual"] == pytest.approx(0.97, abs=0.005)
    assert pd.isna(over["projection"])
    assert ahead["projection"] == pytest.approx(0.995, abs=0.01)  # the mean of .98, .99, 1.00, 1.01
    assert ahead["projection_low"] < 0.995 < ahead["projection_high"]
    assert ahead["projection_high"] - ahead["projection_low"] < 0.1


def test_what_was_answered_so_far_counts_in_a_year_that_runs():
    rows = targets(("satisfaction", "2025-09-01", "2026-08-31", 1.0, "ratio"), YEAR_AHEAD)
    found = goals(Tables(**surveys(8, level=lambda i: 0.9 + 0.02 * (i % 2)), targets=rows), ASKING).targets
    runs, ahead = (found[found["state"] == s].iloc[0] for s in ("now", "ahead"))
    assert runs["projection"] == pytest.approx(runs["actual"], abs=0.02)
    widths = [r["projection_high"] - r["projection_low"] for r in (runs, ahead)]
    assert widths[0] < widths[1] / 2


@pytest.mark.parametrize(("n_quarters", "per_quarter"), [(5, 60), (8, 20), (0, 0)])
def test_too_few_quarters_or_answers_are_not_projected(n_quarters, per_quarter):
    rows = targets(YEAR_AHEAD)
    asked = surveys(n_quarters, per_quarter) if n_quarters else {}
    found = goals(Tables(**asked, targets=rows), ASKING).targets
    assert found["projection"].isna().all()
