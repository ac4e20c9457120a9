"""What became of everyone assigned to a campaign, contacted or held out: one row per customer and campaign.

Where the source has transactions, outcomes are counted from them up to the as-of day, so that an earlier date sees
no later order; elsewhere the contact's own outcome columns stand. All of it happens in the engine.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from crm_lib.analysis.campaigns.options import PRIOR_DAYS, Options, Tables
from crm_lib.analysis.histories import MONEY, customer_days
from crm_lib.analysis.sums import as_number, n_where

CONTROL, TREATED = "control", "treated"
REACHED = ("delivered_at", "opened_at", "clicked_at", "responded_at")


def assigned(contacts: ir.Table) -> ir.Table:
    """One row per campaign and customer: the first assignment, its arm, and whether a second one contradicts it.

    Columns: `campaign_id`, `who`, `customer_id`, `treated`, `both` (drawn into both arms), `variant`,
    `response_group`, `day`, `at`, `reached_*` (times), and the source's own outcomes `own_*`. Contacts without a
    customer are people of their own. A campaign without arms has held nobody out.
    """
    has = set(contacts.columns)
    text = {
        c: contacts[c] if c in has else ibis.null("string") for c in ("customer_id", "variant", "response_group")
    }
    arm = contacts["arm"] if "arm" in has else ibis.null("string")
    # By customer, so that an engine of many machines shares the rows out.
    number = ibis.row_number().over(group_by=[contacts["campaign_id"], text["customer_id"]])
    numbered = contacts.select(
        "campaign_id",
        at=contacts["assigned_at"],
        treated=arm.fill_null(TREATED) == TREATED,
        who=text["customer_id"].fill_null(ibis.literal("#row ") + number.cast("string")),
        **text,
        **{c: contacts[c] if c in has else ibis.null("timestamp") for c in REACHED},
        own_visits=(contacts["visits"] if "visits" in has else ibis.null("int64")).cast("int64"),
        own_orders=(contacts["orders"] if "orders" in has else ibis.null("int64")).cast("int64"),
        own_revenue=(contacts["revenue_amount"] if "revenue_amount" in has else ibis.null(MONEY)).cast(MONEY),
        own_prior=(contacts["prior_amount"] if "prior_amount" in has else ibis.null(MONEY)).cast(MONEY),
    )
    t = numbered
    return t.group_by("campaign_id", "who").agg(
        customer_id=t.customer_id.min(),
        at=t["at"].min(),
        day=t["at"].min().date(),
        treated=t.treated.max(),
        both=t.treated.max() != t.treated.min(),
        variant=t.variant.min().fill_null(""),
        response_group=t.response_group.min(),
        **{c: t[c].min() for c in REACHED},
        **{c: t[c].sum() for c in ("own_visits", "own_orders", "own_revenue")},
        own_prior=t.own_prior.max(),
    )


def outcomes(tables: Tables, options: Options) -> ir.Table | None:
    """`assigned` with `orders`, `revenue`, `bought`, `visited`, `prior` and `days_seen`, kept in the engine."""
    if tables.contacts is None:
        return None
    people = assigned(tables.contacts)
    end = ibis.literal(options.as_of)
    seen = ibis.least(end.delta(people.day, unit="day"), options.window_days)
    people = people.mutate(days_seen=seen)
    if tables.transactions is None:
        told = people.mutate(
            orders=people.own_orders,
            revenue=people.own_revenue,
            prior=people.own_prior,
            visited=as_number(people.own_visits > 0),
        )
    else:
        told = _counted(people, tables.transactions, options)
    # An order without money known counts as bought all the same.
    bought = ibis.ifelse(told.orders.isnull(), told.revenue > 0, told.orders > 0)
    return told.mutate(bought=as_number(bought)).drop("own_visits", "own_prior").cache()


def _counted(people: ir.Table, transactions: ir.Table, options: Options) -> ir.Table:
    """Orders and net money after the day of assignment, and money of the year before, from transactions."""
    days = customer_days(transactions).rename(buyer="customer_id", bought_on="day", net="amount")
    days = days.filter(days.bought_on <= ibis.literal(options.as_of))
    joined = people.select("campaign_id", "who", "customer_id", "day").inner_join(
        days, people.customer_id == days.buyer
    )
    after = joined.bought_on.delta(joined.day, unit="day")
    within = (after > 0) & (after <= options.window_days)
    before = (after < 0) & (after >= -PRIOR_DAYS)
    j = joined
    summed = j.group_by("campaign_id", "who").agg(
        orders=n_where(within & (j.net >= 0)),
        revenue=ibis.ifelse(within, j.net, 0).cast(MONEY).sum().cast(MONEY),
        prior=ibis.ifelse(before, j.net, 0).cast(MONEY).sum().cast(MONEY),
    )
    told = people.left_join(summed, ["campaign_id", "who"])
    known = told.customer_id.notnull()
    return told.select(
        *people.columns,
        orders=ibis.ifelse(known, told.orders.fill_null(0), told.own_orders),
        revenue=ibis.ifelse(known, told.revenue.fill_null(0), told.own_revenue).cast(MONEY),
        prior=ibis.ifelse(known, told.prior.fill_null(0), told.own_prior).cast(MONEY),
        # Visits are not in the transactions; the source's own count stands once the window is over.
        visited=ibis.ifelse(
            told.days_seen < options.window_days, ibis.null("int64"), as_number(told.own_visits > 0)
        ),
    )
