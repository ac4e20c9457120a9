"""Targets, projection and market on a company that grows by a known rate."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis.campaigns.goals import goals
from crm_lib.analysis.campaigns.options import Options, Tables

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


def test_our_share_of_the_market_stands_beside_competitors():
    frame = pd.DataFrame(
        [
            ("2026-04-01", "2026-06-30", 100_000.0, None, None),
            ("2026-04-01", "2026-06-30", None, "Rival", 25_000.0),
            ("2026-07-01", "2026-09-30", 100_000.0, None, None),
        ],
        columns=["period_start", "period_end", "market_amount", "competitor", "competitor_amount"],
    )
    for c in ("period_start", "period_end"):
        frame[c] = pd.to_datetime(frame[c])
    market = ibis.memtable(frame).mutate(
        period_start=ibis._.period_start.date(),
        period_end=ibis._.period_end.date(),
        market_amount=ibis._.market_amount.cast("decimal(18,2)"),
        competitor_amount=ibis._.competitor_amount.cast("decimal(18,2)"),
    )
    share = targets(("market_share", "2026-04-01", "2026-06-30", 0.2, "share"))
    found = goals(Tables(transactions=sales(), market=market, targets=share), OPTIONS)
    (ours,) = found.market["own_share"]
    assert 0.1 < ours < 0.3
    assert found.competitors["share"].tolist() == [0.25]
    assert found.targets["actual"].tolist() == [ours]
