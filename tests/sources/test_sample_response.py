import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.errors import ParameterError
from crm_lib.sources.sample import END, make_sample
from crm_lib.sources.sample.respond import UPLIFTS, SentList, respond

SENT_ON, UNTIL = dt.date(2026, 11, 2), dt.date(2027, 1, 31)
N = 400


def sent(play="warn", n=N):
    treated = np.arange(n) % 2 == 0
    return SentList("2026-10-31", play, "Call", "phone", SENT_ON, 42, np.arange(n), treated)


def bought(sample):
    return sample.tables["transactions"].to_pandas()


def test_what_was_is_unchanged_and_orders_go_on_up_to_the_day():
    before, after = bought(make_sample(n_customers=N)), bought(respond([sent()], UNTIL, n_customers=N))
    past = after[pd.to_datetime(after["at"]).dt.date <= END]
    assert len(past) == len(before)
    assert past["amount"].sum() == before["amount"].sum()
    assert pd.to_datetime(after["at"]).max().date() <= UNTIL


def test_only_those_contacted_order_because_of_it_within_the_window():
    told = respond([sent()], UNTIL, n_customers=N)
    extra = bought(told)
    extra = extra[extra["order_id"].str.startswith("L")]
    numbers = extra["customer_id"].str.slice(1).astype(int) - 1
    assert (numbers % 2 == 0).all()
    day = pd.to_datetime(extra["at"]).dt.date
    assert day.between(SENT_ON + dt.timedelta(1), SENT_ON + dt.timedelta(42)).all()
    facts = told.truth["lists"]["2026-10-31/warn"]
    assert facts["true_extra_order_share"] == UPLIFTS["warn"]
    assert facts["n_extra_orders"] == extra["order_id"].nunique()


def test_a_play_without_effect_brings_nothing_and_both_arms_are_written_down():
    told = respond([sent("keep")], UNTIL, n_customers=N)
    assert told.truth["lists"]["2026-10-31/keep"]["n_extra_orders"] == 0
    contacts = told.tables["contacts"].to_pandas()
    assert contacts[contacts["campaign_id"] == "2026-10-31/keep"]["arm"].value_counts().to_dict() == {
        "treated": N // 2, "control": N // 2,
    }  # fmt: skip


def test_the_same_lists_give_the_same_tables():
    first, again = (respond([sent()], UNTIL, n_customers=N) for _ in range(2))
    assert all(first.tables[name].equals(again.tables[name]) for name in first.tables)


@pytest.mark.parametrize("until", [END, dt.date(2028, 1, 1)])
def test_a_day_that_the_sample_can_not_reach_is_refused(until):
    with pytest.raises(ParameterError, match="the sample ends on 2026-10-31"):
        respond([sent()], until, n_customers=N)
