"""90 % intervals of uplift hold the sample's true uplift nine times out of ten, in 2,000 companies made in memory.

The customers are those of the sample that a campaign assigned, with what they did when campaigns have no effect.
Each replicate draws them anew, draws the arms, and gives treated customers an extra order with the plan's chance
and of the generator's value. So the true effect is known for rates and for money.
"""

import datetime as dt

import ibis
import numpy as np
import pytest

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns import contrast
from crm_lib.analysis.campaigns.arms import Arm
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.outcomes import outcomes
from crm_lib.sources.sample import END, Truth, make_sample
from crm_lib.sources.sample.campaign_plans import PLANS

N = 2_000
CONTROL_SHARE = 0.25
CAMPAIGNS = ("M09", "M10", "M12", "M13")


@pytest.fixture(scope="module")
def without_effects():
    """Buyers, money and history of everyone assigned, had no campaign brought anything."""
    tables = make_sample(campaign_effects=False).tables
    found = Tables(contacts=ibis.memtable(tables["contacts"]), transactions=ibis.memtable(tables["transactions"]))
    told = outcomes(found, Options(dt.date.fromisoformat(str(END)), window_days=42))
    frame = (
        told.select("campaign_id", "who", "bought", "revenue", "prior").order_by("campaign_id", "who").to_pandas()
    )
    return frame.astype({"revenue": float, "prior": float})


def replicate(rng, base, chance, truth):
    """One company: arms as (bought, money, history), and nothing else."""
    n = len(base)
    rows = base.iloc[rng.integers(0, n, n)]
    treated = rng.random(n) >= CONTROL_SHARE
    extra = treated & (rng.random(n) < chance)
    value = rng.gamma(truth.p, 1, n) / rng.gamma(truth.q, 1 / truth.gamma, n)
    bought = (rows["bought"].to_numpy() > 0) | extra
    money = rows["revenue"].to_numpy() + np.where(extra, value, 0)
    return [arm(bought[t], money[t], rows["prior"].to_numpy()[t]) for t in (treated, ~treated)]


def arm(bought, y, x):
    return Arm(
        len(y),
        int(bought.sum()),
        spent=np.sort(y[y != 0]),
        prior=(float(x.sum()), float((x * x).sum()), float((x * y).sum())),
    )


@pytest.mark.slow
@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_ninety_per_cent_intervals_hold_the_true_uplift(without_effects, campaign):
    base = without_effects[without_effects["campaign_id"] == campaign]
    truth = Truth().purchases
    chance = PLANS[int(campaign[1:]) - 1].uplift
    true_rate = chance * (1 - (base["bought"] > 0).mean())
    true_money = chance * truth.p * truth.gamma / (truth.q - 1)
    rng = np.random.default_rng([9, int(campaign[1:])])
    held = {"rate": 0, "welch": 0, "cuped": 0}
    for _ in range(N):
        treated, control = replicate(rng, base, chance, truth)
        rate = intervals.newcombe(treated.n_bought, treated.n, control.n_bought, control.n)
        held["rate"] += rate.low <= true_rate <= rate.high
        for name, found in (
            ("welch", contrast.welch(treated, control)[0]),
            ("cuped", contrast.cuped(treated, control)[0]),
        ):
            held[name] += found.low <= true_money <= found.high
    shares = {name: k / N for name, k in held.items()}
    assert all(0.87 <= share <= 0.93 for share in shares.values()), shares
