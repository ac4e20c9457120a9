"""Life cycle: each customer in exactly one stage, by rules read top to bottom, and who moved between stages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.retention.book import CENTS, Book, frame, is_lost, state
from crm_lib.analysis.retention.silence import Silence, last_orders

WON, KEPT, AT_RISK, WIN_BACK, LOST = "won", "kept", "at_risk", "to_win_back", "lost"
STAGES = (WON, KEPT, AT_RISK, WIN_BACK, LOST)
ACTIVE, SILENT, CHURNED = "active", "silent", "churned"
STATUSES = (ACTIVE, SILENT, CHURNED)
# Silent for so many times N: no longer worth winning back.
LOST_AFTER = 2
YEAR_DAYS = 364
NEW, GONE = "new", "gone"


@dataclass(frozen=True)
class Rule:
    """How silence is judged: N, days after which a customer is called silent, and the N of each pace."""

    days: int
    silent_from_days: int
    own_days: dict[int, int]

    @classmethod
    def of(cls, silence: Silence, silent_from_days: int) -> Rule:
        """The rule in force; the N of a pace is at most N, and N where it is not known."""
        own = {
            int(row.pace): int(min(row.days, silence.days))
            for row in silence.classes.itertuples()
            if not np.isnan(row.days)
        }
        return cls(silence.days, min(silent_from_days, silence.days // 2), own)


def staged(book: Book, on: dt.date, rule: Rule) -> ir.Table:
    """`state` rows with `status`, `stage` and `own_days` (the N of the own pace).

    Status: `churned` by `book.is_lost`, `silent` after `silent_from_days`, else `active`. Stage, first that fits:
    `lost`: churned, and silent for more than 2 N (or N since a contract ended); `to_win_back`: churned;
    `at_risk`: silent for longer than 95 % of returning customers of this pace ever are; `won`: one order; `kept`.
    """
    known = state(book, on, window_days=YEAR_DAYS).join(last_orders(book, on).drop("last_on"), "customer_id")
    own = ibis.literal(rule.days)
    if rule.own_days:
        own = known.pace.cases(*rule.own_days.items(), else_=rule.days)
    churned = is_lost(known, on, rule.days)
    waited = known.days_since_last > own
    for_good = known.days_since_last > LOST_AFTER * rule.days
    if "contract_end" in known.columns:
        since_end = ibis.literal(on).delta(known.contract_end, unit="day")
        for_good |= ((known.last_on <= known.contract_end) & (since_end > rule.days)).fill_null(False)
    stage = ibis.cases(
        (churned & for_good, LOST), (churned, WIN_BACK), (waited, AT_RISK), (known.n_orders == 1, WON), else_=KEPT
    )
    status = ibis.cases((churned, CHURNED), (known.days_since_last > rule.silent_from_days, SILENT), else_=ACTIVE)
    return known.mutate(status=status, stage=stage, own_days=own.cast("int64"))


def counted(table: ir.Table, by: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Customers by `stage` or `status`: the column, n, share with low, high, amount (net of the last year)."""
    grouped = table.group_by(by).agg(n=table.count(), cents=table.cents.sum().cast("int64"))
    found = frame(grouped, by).set_index(by).reindex(list(names), fill_value=0)
    total = int(found["n"].sum())
    shares = [intervals.wilson(int(n), total) for n in found["n"]]
    return pd.DataFrame(
        {
            by: list(names),
            "n": found["n"].to_numpy("int64"),
            "share": [np.nan if s.value is None else s.value for s in shares],
            "low": [np.nan if s.low is None else s.low for s in shares],
            "high": [np.nan if s.high is None else s.high for s in shares],
            "amount": found["cents"].to_numpy(float) / CENTS,
        }
    )


@dataclass(frozen=True, eq=False)
class Moves:
    """Who moved from which stage to which.

    `from_run` says whether the stages before are those of an earlier run, or worked out again for `on` from what
    was known then. `cells`: before, after, n, amount (net of the year before `on` where it is worked out, else
    of the last year). `new` had no order then; `gone` is not in the data any more.
    """

    on: dt.date
    from_run: bool
    cells: pd.DataFrame

    def n(self, before: str | tuple[str, ...], after: str | tuple[str, ...]) -> int:
        """Customers who moved from (one of) these stages to (one of) those."""
        one, other = ((v,) if isinstance(v, str) else v for v in (before, after))
        found = self.cells[self.cells["before"].isin(one) & self.cells["after"].isin(other)]
        return int(found["n"].sum())


def moves(book: Book, now: ir.Table, rule: Rule, since: dt.date, previous: pd.DataFrame | None = None) -> Moves:
    """Moves since the `previous` run's table (`customer_id`, `stage`, `as_of`), else since the day `since`."""
    from_run = (
        previous is not None and len(previous) > 0 and {"customer_id", "stage", "as_of"} <= {*previous.columns}
    )
    if from_run:
        since = pd.Timestamp(previous["as_of"].iloc[0]).date()
        earlier = previous[["customer_id", "stage"]].astype(str).drop_duplicates("customer_id")
        before = ibis.memtable(earlier, schema={"customer_id": "string", "stage": "string"})
        before = before.mutate(cents=ibis.null("int64"))
    else:
        before = staged(book, since, rule).select("customer_id", "stage", "cents")
    joined = now.select("customer_id", after=now.stage, cents_now=now.cents).outer_join(
        before.select(other_id=before.customer_id, before=before.stage, cents_then=before.cents),
        [("customer_id", "other_id")],
    )
    told = joined.select(
        before=joined.before.fill_null(NEW),
        after=joined.after.fill_null(GONE),
        cents=ibis.coalesce(joined.cents_then, joined.cents_now, 0),
    )
    grouped = told.group_by("before", "after").agg(n=told.count(), cents=told.cents.sum().cast("int64"))
    cells = frame(grouped, "before", "after")
    return Moves(since, from_run, cells.assign(amount=cells["cents"] / CENTS).drop(columns="cents"))
