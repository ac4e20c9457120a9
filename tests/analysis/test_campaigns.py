"""The whole evaluation on tables of a few rows: chain, costs, participation, and what bad input becomes."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crm_lib.analysis import campaigns
from crm_lib.analysis.campaigns import Options, Tables
from crm_lib.contract.publication import check_publication
from crm_lib.contract.settings import CampaignSettings, Settings
from crm_lib.errors import NotEnoughData, ParameterError

AS_OF = dt.date(2026, 10, 31)
OPTIONS = Options(AS_OF, window_days=30)


def table(frame, *money):
    made = ibis.memtable(frame)
    return made.mutate(**{c: made[c].cast("decimal(18,2)") for c in money})


def roster(*rows):
    columns = ["campaign_id", "name", "parent_id", "status", "approved_amount"]
    frame = pd.DataFrame(rows, columns=columns).astype({"parent_id": "str"})
    frame["parent_id"] = frame["parent_id"].where(frame["parent_id"] != "None", None)
    return table(frame, "approved_amount")


def costs(*rows):
    frame = pd.DataFrame(rows, columns=["campaign_id", "kind", "category", "amount", "hours"])
    return table(frame, "amount")


def contacts(n, arm, buyers=0, campaign="m1", first=0, group="group 2"):
    return pd.DataFrame(
        {
            "campaign_id": campaign,
            "customer_id": [f"c{first + i}" for i in range(n)],
            "assigned_at": pd.Timestamp("2026-06-01"),
            "arm": arm,
            "response_group": group,
            "orders": [1] * buyers + [0] * (n - buyers),
        }
    )


def of(**tables):
    return campaigns.evaluation(Tables(**tables), OPTIONS)


def company():
    """Two campaigns under a parent; one with contacts and costs, one with leads only; overhead beside."""
    people = pd.concat([contacts(60, "treated", 30, group="group 1"), contacts(40, "control", 8, first=60)])
    leads = pd.DataFrame({"lead_id": ["l1", "l2"], "created_at": pd.Timestamp("2026-06-05"), "campaign_id": "m2"})
    deals = pd.DataFrame({"opportunity_id": ["d1"], "campaign_id": "m2", "outcome": "won", "amount": 900.0})
    return {
        "campaigns": roster(
            ("p", "Programme", None, "running", 100.0),
            ("m1", "Mail", "p", "settled", 50.0),
            ("m2", "Fair", "p", "settled", 80.0),
            ("m3", "Next", None, "applied", None),
        ),
        "contacts": ibis.memtable(people),
        "leads": ibis.memtable(leads),
        "opportunities": table(deals, "amount"),
        "campaign_costs": costs(
            ("m1", "actual", "promotion", 60.01, 0.0),
            ("m1", "budget", "promotion", 50.0, 0.0),
            ("m2", "actual", "personnel", 40.0, 2.0),
            ("m2", "budget", "personnel", 80.0, 0.0),
            ("m3", "budget", "other", 999.0, 0.0),
            (None, "actual", "training", 10.01, 0.0),
        ),
    }


@pytest.fixture(scope="module")
def found():
    return of(**company())


def test_the_chain_goes_from_contact_to_sale_by_campaign_and_parent(found):
    by = found.steps.set_index(["campaign_id", "response_group"])
    assert by.loc[("m1", "group 1"), ["contacted", "sales"]].tolist() == [60, 30]
    assert by.loc[("m2", ""), ["leads", "opportunities", "sales", "amount"]].tolist() == [2, 1, 1, 900]
    assert pd.isna(by.loc[("m2", ""), "contacted"])
    parent = found.parents.set_index("campaign_id").loc["p"]
    assert parent[["contacted", "leads", "sales"]].tolist() == [60, 2, 31]


def test_overhead_is_divided_to_the_cent_under_every_way(found):
    found = found.returns
    assert found.overhead == 10.01
    sums = found.by_method.groupby("method")["overhead"].sum().round(2)
    assert set(sums) == {10.01}
    assert set(sums.index) == {"equal", "contacts", "direct_cost", "revenue", "hours"}
    rows = found.rows.set_index("campaign_id")
    assert (rows.loc["m2", "cost_low"], rows.loc["m2", "cost_high"]) == (40.0, 50.01)
    assert rows.loc["m2", "roas_low"] == pytest.approx(900 / 50.01)


def test_without_a_driver_a_way_to_divide_is_left_out():
    tables = company() | {"contacts": None, "leads": None, "opportunities": None}
    tables["campaign_costs"] = costs(("m1", "actual", "promotion", 60.0, 0.0), (None, "actual", "other", 9.0, 0.0))
    assert of(**tables).returns.left_out == ("contacts", "revenue", "hours")


def test_roi_is_a_range_where_a_margin_is_known():
    found = campaigns.evaluation(Tables(**company()), Options(AS_OF, margin_share=0.5))
    row = found.returns.rows.set_index("campaign_id").loc["m2"]
    assert row["roi_low"] == pytest.approx((450 - 50.01) / 50.01)
    assert row["roi_high"] == pytest.approx((450 - 40) / 40)


def test_budget_counts_what_has_begun_and_settlement_says_what_is_left(found):
    budget = found.budget.set_index("category")
    assert budget.loc["promotion", ["budget", "actual"]].tolist() == [50.0, 60.01]
    assert "other" not in budget.index
    left = found.settlement.set_index("campaign_id")["left"]
    assert left["m1"] == pytest.approx(-10.01)
    assert left["m2"] == pytest.approx(40.0)


def test_states_are_passed_one_after_the_other(found):
    rows = found.workflow.set_index("state")
    assert rows["n"].to_dict() == {"applied": 4, "approved": 3, "running": 3, "settled": 2}
    assert rows["n_now"].sum() == 4


def test_participation_counts_contacts_and_not_those_held_out():
    people = contacts(4, "treated").assign(responded_at=pd.to_datetime(["2026-06-02", None, None, None]))
    again = contacts(2, "treated", campaign="m2").assign(responded_at=pd.to_datetime(["2026-06-03", None]))
    held = contacts(3, "control", first=4).assign(responded_at=pd.NaT)
    held["responded_at"] = pd.to_datetime(held["responded_at"])
    part = of(contacts=ibis.memtable(pd.concat([people, again, held]))).participation
    assert part.by_what == "responded_at"
    assert (part.share.value, part.share.n) == (0.25, 4)
    assert part.counts["n_customers"].tolist() == [2, 2]
    customers = part.customers.set_index("customer_id")
    assert customers.loc["c0", ["n_contacts", "n_participations"]].tolist() == [2, 2]
    assert customers.loc["c0", "last_campaign"] == "m2"
    assert customers.loc["c5", ["n_contacts", "n_held_out"]].tolist() == [0, 1]


def test_credited_buyers_stand_beside_those_brought(found):
    assert found.gap.credited == 30
    assert found.gap.caused.value == pytest.approx(60 * (0.5 - 0.2))


def test_a_campaign_without_contacts_or_without_cost_is_named(found):
    assert found.without_contacts == ("m2", "m3", "p")
    assert found.returns.without_cost == ("p",)


def test_tables_as_poor_as_can_be_make_an_evaluation():
    for tables in ({"campaigns": company()["campaigns"]}, {"contacts": company()["contacts"]}):
        found = of(**tables)
        check_publication(campaigns.publication(found))
        assert found.profit.value is None


def test_without_any_campaign_there_is_nothing_to_evaluate():
    empty = company()["contacts"].filter(ibis._.campaign_id == "none")
    with pytest.raises(NotEnoughData, match="No campaign is known by 2026-10-31"):
        of(contacts=empty)


@pytest.mark.parametrize("choice", [{"window_days": 0}, {"look_back_days": -1}, {"half_life_days": 0.0}])
def test_a_choice_out_of_range_is_refused(choice):
    with pytest.raises(ParameterError, match=r"must be more than 0 days"):
        Options.of(Settings(), AS_OF, **choice)


def test_a_planned_share_out_of_range_is_refused():
    with pytest.raises(ParameterError, match=r"control_share is 25; it must lie between 0 and 1"):
        Options.of(Settings(campaigns=CampaignSettings(25)), AS_OF)


def test_the_publication_holds_what_later_topics_read(found):
    made = campaigns.publication(found)
    check_publication(made)
    assert {"customers", "campaigns", "uplift"} <= set(made.tables)
    assert {"customer_id", "as_of", "last_campaign", "n_contacts"} <= set(made.tables["customers"].columns)
    assert made["participation"].unit == "share"
