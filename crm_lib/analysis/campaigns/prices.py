"""Discounts: what share of sales they touch, what came with them, before and after, and against a hold-out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns import contrast
from crm_lib.analysis.campaigns.arms import Arm
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.histories import MONEY
from crm_lib.analysis.intervals import Interval

DAYS = 364


@dataclass(frozen=True, eq=False)
class Prices:
    """Discounts of the last year, and what they did around campaigns.

    `orders` is the share of orders (customer and day) with a discount; `sales_share` of sales, `depth` of
    the list price of what was discounted, `given` the money given up; `earlier_share` the share of sales of the
    year before. `lines`: discounted or not: n lines, sales, mean amount and mean units of a line. `campaigns`: per
    campaign and arm (`treated_*`, `control_*`) the share of sales discounted, sales and discount per head in the
    window before and after the contact, and `off_more`, discount per head beyond that of the hold-out.
    """

    orders: Interval
    sales_share: float
    depth: float
    given: float
    earlier_share: float | None
    lines: pd.DataFrame
    campaigns: pd.DataFrame


def prices(tables: Tables, told: ir.Table | None, options: Options) -> Prices | None:
    """None where the source does not tell discounts: prices paid alone don't show them."""
    t = tables.transactions
    if t is None or "discount_amount" not in t.columns:
        return None
    t = t.select(
        "customer_id",
        day=t["at"].date(),
        amount=t.amount.cast(MONEY),
        off=t.discount_amount.fill_null(0).cast(MONEY),
        units=t["quantity"].cast("float64") if "quantity" in t.columns else ibis.null("float64"),
    )
    year = dt.timedelta(days=DAYS)
    now, then = (
        _period(t, options.as_of - year, options.as_of),
        _period(t, options.as_of - 2 * year, options.as_of - year),
    )
    lines = _lines(now)
    if lines.empty:
        return None
    cheap = lines[lines["discounted"]]
    sold, off = cheap["amount"].sum(), cheap["off"].sum()
    earlier = _lines(then)
    return Prices(
        orders=_orders(now),
        sales_share=float(sold / lines["amount"].sum()),
        depth=float(off / (sold + off)) if sold + off else 0.0,
        given=float(off),
        earlier_share=float(earlier.loc[earlier["discounted"], "amount"].sum() / earlier["amount"].sum())
        if len(earlier)
        else None,
        lines=lines,
        campaigns=_around(t, told, options) if told is not None else pd.DataFrame(),
    )


def _period(t: ir.Table, after: dt.date, until: dt.date) -> ir.Table:
    return t.filter((t.day > ibis.literal(after)) & (t.day <= ibis.literal(until)) & (t.amount > 0))


def _lines(sold: ir.Table) -> pd.DataFrame:
    rows = sold.group_by(discounted=sold.off > 0).agg(
        n=sold.count(), amount=sold.amount.sum(), off=sold.off.sum(), units=sold.units.cast("decimal(18,4)").sum()
    )
    frame = rows.order_by("discounted").to_pandas()
    frame[["amount", "off", "units"]] = frame[["amount", "off", "units"]].astype("float64")
    return frame.assign(mean_amount=frame["amount"] / frame["n"], mean_units=frame["units"] / frame["n"])


def _orders(sold: ir.Table) -> Interval:
    by = sold.group_by("customer_id", "day").agg(off=sold.off.sum())
    row = by.agg(n=by.count(), k=(by.off > 0).sum()).to_pyarrow().to_pylist()[0]
    return intervals.wilson(int(row["k"] or 0), int(row["n"]))


def _around(t: ir.Table, told: ir.Table, options: Options) -> pd.DataFrame:
    """Sales and discounts per head, before and after the contact, by campaign and arm."""
    people = told.filter(~told.both & told.customer_id.notnull())
    people = people.select("campaign_id", "who", "treated", buyer="customer_id", start="day")
    joined = people.inner_join(t.filter(t.amount > 0), people.buyer == t.customer_id)
    age = joined.day.delta(joined.start, unit="day")
    joined = joined.mutate(
        after=(age > 0) & (age <= options.window_days), before=(age < 0) & (age >= -options.window_days)
    )
    j = joined.filter(joined.after | joined.before)
    j = j.mutate(cheap=ibis.ifelse(j.off > 0, j.amount, 0).cast(MONEY))
    by = j.group_by("campaign_id", "treated").agg(
        **{
            f"{w}_{c}": j[c].sum(where=j[w]).fill_null(0)
            for w in ("before", "after")
            for c in ("amount", "cheap", "off")
        }
    )
    rows = by.order_by("campaign_id", "treated").to_pandas()
    sizes = people.group_by("campaign_id", "treated").agg(n=people.count()).to_pandas()
    rows = rows.merge(sizes, on=["campaign_id", "treated"])
    money = [c for c in rows.columns if c.startswith(("before_", "after_"))]
    rows[money] = rows[money].astype("float64")
    return _side_by_side(rows, _given(j, sizes))


def _given(j: ir.Table, sizes: pd.DataFrame) -> dict[tuple[str, bool], Arm]:
    """Discount given per head after the contact, as arms."""
    after = j.filter(j.after)
    by = after.group_by("campaign_id", "treated", "who").agg(off=after.off.sum())
    counted = by.filter(by.off > 0).group_by("campaign_id", "treated", "off").agg(n=ibis._.count())
    rows = counted.order_by("campaign_id", "treated", "off").to_pandas()
    rows["off"] = rows["off"].astype("float64")
    found = {}
    for row in sizes.itertuples():
        part = rows[(rows["campaign_id"] == row.campaign_id) & (rows["treated"] == row.treated)]
        found[row.campaign_id, bool(row.treated)] = Arm(
            row.n, 0, spent=np.repeat(part["off"].to_numpy(), part["n"].to_numpy())
        )
    return found


def _side_by_side(rows: pd.DataFrame, given: dict[tuple[str, bool], Arm]) -> pd.DataFrame:
    made = []
    for campaign, part in rows.groupby("campaign_id", sort=True):
        row = {"campaign_id": campaign}
        for r in part.itertuples():
            arm = "treated" if r.treated else "control"
            row[f"{arm}_n"] = r.n
            for when in ("before", "after"):
                amount, cheap = getattr(r, f"{when}_amount"), getattr(r, f"{when}_cheap")
                row[f"{arm}_{when}_share"] = cheap / amount if amount > 0 else np.nan
                row[f"{arm}_{when}_per_head"] = amount / r.n
                row[f"{arm}_{when}_off_per_head"] = getattr(r, f"{when}_off") / r.n
        arms = given.get((campaign, True)), given.get((campaign, False))
        if None not in arms:
            found, _ = contrast.welch(*arms)
            row |= {"off_more": found.value, "off_more_low": found.low, "off_more_high": found.high}
        made.append(row)
    columns = ["off_more", "off_more_low", "off_more_high", "control_n", "control_after_share"]
    frame = pd.DataFrame(made)
    return frame.reindex(columns=list(dict.fromkeys([*frame.columns, *columns])))
