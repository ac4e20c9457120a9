"""Who and what converts: the headline, win rates by quarter, groups against the rest."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
from ibis import _

from crm_lib.analysis import intervals
from crm_lib.analysis.funnel.results import Conversion, Truncation

GROUPS = ("owner", "source", "region", "product")


def leads_with_a_deal(leads: ibis.Table, opportunities: ibis.Table, last_mature: dt.date) -> intervals.Interval:
    """Share of leads up to `last_mature` of which a deal was opened by now."""
    mature = leads.filter(_.created_at.date() <= last_mature)
    n = mature.count().to_pyarrow().as_py()
    links = []
    if "lead_id" in opportunities.columns:
        links.append(opportunities.filter(_.lead_id.notnull()).select("lead_id"))
    if "opportunity_id" in leads.columns:
        links.append(leads.semi_join(opportunities, "opportunity_id").select("lead_id"))
    k = (
        mature.semi_join(ibis.union(*links) if len(links) > 1 else links[0], "lead_id")
        .count()
        .to_pyarrow()
        .as_py()
    )
    return intervals.wilson(k, n)


def lead_conversion(leads: ibis.Table, opportunities: ibis.Table, last_mature: dt.date) -> Conversion:
    """Share of leads up to `last_mature` with a won deal by now; linked by either table's id of the other."""
    mature = leads.filter(_.created_at.date() <= last_mature)
    won = opportunities.filter(_.outcome == "won")
    links = []
    if "lead_id" in opportunities.columns:
        links.append(won.filter(_.lead_id.notnull()).select("lead_id"))
    if "opportunity_id" in leads.columns:
        links.append(leads.join(won.select("opportunity_id"), "opportunity_id").select("lead_id"))
    sold = ibis.union(*links) if len(links) > 1 else links[0]
    (seen,) = mature.agg(n=_.count(), since=_.created_at.min(), until=_.created_at.max()).to_pyarrow().to_pylist()
    k = mature.semi_join(sold, "lead_id").count().to_pyarrow().as_py()
    since, until = (day and pd.Timestamp(day).date() for day in (seen["since"], seen["until"]))
    return Conversion("leads", intervals.wilson(k, seen["n"]), since, until)


def can_link(leads: ibis.Table | None, opportunities: ibis.Table) -> bool:
    """Whether leads can be followed to deals with an outcome."""
    if leads is None or "outcome" not in opportunities.columns:
        return False
    return "lead_id" in opportunities.columns or "opportunity_id" in leads.columns


def deal_conversion(deals: pd.DataFrame, last_mature: dt.date, since: dt.date | None) -> Conversion:
    """Share of deals opened from `since` to `last_mature` that were won by now."""
    chosen = deals["opened_on"] <= pd.Timestamp(last_mature)
    if since is not None:
        chosen &= deals["opened_on"] >= pd.Timestamp(since)
    mature = deals[chosen]
    share = intervals.wilson(int((mature["outcome"] == "won").sum()), len(mature))
    days = (mature["opened_on"].min().date(), mature["opened_on"].max().date()) if len(mature) else (None, None)
    return Conversion("deals", share, *days)


def by_quarter(
    deals: pd.DataFrame, column: str, last_mature: dt.date, truncation: Truncation | None
) -> pd.DataFrame:
    """Win rate of closed deals by the quarter of `column` (closed_on, opened_on), with Wilson bounds.

    Columns: quarter (first day), n_closed, n_won, n_open, share, low, high, is_mature (the quarter ended before
    `last_mature`; always true by closing), is_whole (no closings are missing).
    """
    columns = ["quarter", "n_closed", "n_won", "n_open", "share", "low", "high", "is_mature", "is_whole"]
    dated = deals[deals[column].notna()]
    rows = []
    for quarter, group in dated.groupby(dated[column].dt.to_period("Q")):
        won, n_closed = int((group["outcome"] == "won").sum()), int((~group["is_open"]).sum())
        rate = intervals.wilson(won, n_closed)
        mature = column == "closed_on" or quarter.end_time.date() <= last_mature
        whole = truncation is None or quarter.start_time.date() >= truncation.first_closed_on
        n_open = int(group["is_open"].sum())
        row = (quarter.start_time, n_closed, won, n_open, rate.value, rate.low, rate.high, mature, whole)
        rows.append(row)
    return pd.DataFrame(rows, columns=columns)


def groups(deals: pd.DataFrame, compare_from: int) -> dict[str, pd.DataFrame]:
    """Win rates by owner, source, region and product, each against the others; best first, too small ones last.

    Columns: name, n, n_won, share, low, high (Wilson), difference, diff_low, diff_high (Newcombe, against the
    rest), p (two shares, Holm over the groups of all tables), stands_out. Groups under `compare_from` closed deals
    carry n only. Columns of the deals with fewer than two groups large enough are left out.
    """
    closed = deals[~deals["is_open"]]
    tables = {}
    for column in GROUPS:
        counted = closed.assign(won=closed["outcome"] == "won").groupby(column)["won"].agg(["size", "sum"])
        if (counted["size"] >= compare_from).sum() >= 2:
            tables[column] = _against_the_rest(counted, compare_from)
    return _holm(tables)


def _against_the_rest(counted: pd.DataFrame, compare_from: int) -> pd.DataFrame:
    n_all, won_all = int(counted["size"].sum()), int(counted["sum"].sum())
    rows = []
    for name, n, won in counted.itertuples(name=None):
        n, won = int(n), int(won)
        if n < compare_from:
            rows.append({"name": name, "n": n, "n_won": won})
            continue
        rate = intervals.wilson(won, n)
        apart = intervals.newcombe(won, n, won_all - won, n_all - n)
        rows.append(
            {
                "name": name,
                "n": n,
                "n_won": won,
                "share": rate.value,
                "low": rate.low,
                "high": rate.high,
                "difference": apart.value,
                "diff_low": apart.low,
                "diff_high": apart.high,
                "p": _p_value(won, n, won_all - won, n_all - n),
            }
        )
    table = pd.DataFrame(rows).sort_values(["share", "n", "name"], ascending=[False, False, True])
    return table.reset_index(drop=True)


def _p_value(k1: int, n1: int, k2: int, n2: int) -> float | None:
    from statsmodels.stats.proportion import proportions_ztest

    if n2 == 0 or k1 + k2 in (0, n1 + n2):
        return None
    return float(proportions_ztest([k1, k2], [n1, n2])[1])


def _holm(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Correct over all groups that a reader is shown, whatever the table."""
    from statsmodels.stats.multitest import multipletests

    if not tables:
        return {}
    every = pd.concat(tables)
    tested = every["p"].notna()
    stands_out = pd.Series(False, index=every.index)
    if tested.any():
        rejected, adjusted, *_rest = multipletests(
            every.loc[tested, "p"].astype(float), alpha=1 - intervals.LEVEL, method="holm"
        )
        stands_out[tested] = rejected
        every.loc[tested, "p"] = adjusted
    every = every.assign(stands_out=stands_out)
    return {name: every.loc[name] for name in tables}
