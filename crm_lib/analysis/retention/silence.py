"""How long a silence means that a customer is gone: one N for all, justified by who came back, or one per pace."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.intervals import Interval
from crm_lib.analysis.retention.book import Book, frame, state
from crm_lib.analysis.retention.curves import FEWEST_AT_RISK, Curve, curve

CANDIDATES = (30, 60, 90, 120, 150, 180, 240, 300, 365, 450, 540, 730)
# A silence counts as churn where at most this share of the silent came back.
MOST_BACK = 0.10
MOST_FOLLOW_DAYS = 364
# Customers are put together by their mean wait so far: up to 14 days, 30 … ; those with one order are a class.
PACES = (14, 30, 60, 120, 240)
ONCE = 0
RETURNED_SHARE = 0.95
TEN_BY_TEN, LEAST, GIVEN = "few_return", "levels_off", "given"


@dataclass(frozen=True, eq=False)
class Silence:
    """The rule for churn by silence, and what speaks for it.

    Attributes
    ----------
    days
        More days than these without an order count as churn.
    why
        `few_return`: at most 10 % of those silent so long came back; `levels_off`: no silence is that sure, and
        longer ones are no surer; `given`: set by the reader; empty where the data are too short to tell.
    follow_days, start_on
        Who was silent on `start_on` is watched for `follow_days`.
    tried
        One row per N: days, n_known, n_silent, silent_share, n_back, back (share of the silent who bought
        again) with low, high, n_quiet_leavers and missed (share of the others who did not).
    classes
        One row per pace: pace (see `PACES`), n_customers, n_waits, days (after which 95 % of those who order
        again have done so), median_days.
    rules
        One row per rule (`fixed`, `own`) on the same customers: n_flagged, back, back_low, back_high, n_others,
        missed, missed_low, missed_high.
    """

    days: int
    why: str
    follow_days: int
    start_on: dt.date
    tried: pd.DataFrame
    classes: pd.DataFrame
    rules: pd.DataFrame

    @property
    def back(self) -> Interval:
        """Share of those silent for N who came back while they were watched."""
        known = self.known
        if known is None:
            return intervals.nothing()
        return Interval(float(known["back"]), float(known["low"]), float(known["high"]), int(known["n_silent"]))

    @property
    def known(self) -> pd.Series | None:
        """The row of `tried` for the N in use; None where nobody was silent for so long."""
        rows = self.tried[(self.tried["days"] == self.days) & (self.tried["n_silent"] > 0)]
        return None if rows.empty else rows.iloc[0]


def silence(book: Book, given_days: int = 0) -> Silence:
    """The rule for churn by silence; `given_days` 0 lets the data choose among `CANDIDATES`."""
    follow = min(MOST_FOLLOW_DAYS, book.span_days // 3 // 7 * 7)
    start = book.back(follow)
    by_wait = (
        _by_wait(book, start, follow) if follow else pd.DataFrame({"pace": [], "wait": [], "n": [], "n_back": []})
    )
    wanted = sorted({*CANDIDATES, given_days} - {0})
    tried = pd.DataFrame([_try(by_wait, n) for n in wanted])
    tried = tried[(tried["n_silent"] > 0) | (tried["days"] == given_days)].reset_index(drop=True)
    days, why = (given_days, GIVEN) if given_days else choose(tried)
    own_then = classes(book, start) if follow else _no_classes()
    return Silence(days, why, follow, start, tried, classes(book, book.as_of), _rules(by_wait, own_then, days))


def choose(tried: pd.DataFrame) -> tuple[int, str]:
    """The shortest N at which at most one in ten came back; else the shortest that is as sure as the surest.

    "As sure": the interval of its share holds the lowest share found. Only N with 30 silent customers count.
    """
    enough = tried[tried["n_silent"] >= FEWEST_AT_RISK]
    if enough.empty:
        return 180, ""
    sure = enough[enough["back"] <= MOST_BACK]
    if len(sure):
        return int(sure["days"].iloc[0]), TEN_BY_TEN
    as_sure = enough[enough["low"] <= enough["back"].min()]
    return int(as_sure["days"].iloc[0]), LEAST


def pace_of(orders: ir.Table) -> ir.IntegerColumn:
    """Class of a customer's mean wait up to an order: 0 for one order, else 1 … (see `PACES`)."""
    mean = orders.mean_gap_days
    steps = sum((ibis.ifelse(mean > edge, 1, 0) for edge in PACES), ibis.literal(1, "int8"))
    return ibis.ifelse(mean.isnull(), ibis.literal(ONCE, "int8"), steps).cast("int64")


def last_orders(book: Book, on: dt.date) -> ir.Table:
    """The last order of each customer by the day `on`: `customer_id`, `last_on`, `pace`."""
    orders = book.orders.filter(book.orders.day <= ibis.literal(on))
    later = orders.next_on.isnull() | (orders.next_on > ibis.literal(on))
    return orders.filter(later).select("customer_id", last_on=orders.day, pace=pace_of(orders))


def waits(book: Book, on: dt.date, by: str) -> pd.DataFrame:
    """Counted waits after orders known on the day `on`: the class, `days`, `ended`, `n`; the last goes on.

    `by` is `pace` (of the customer on that day) or `number` (of the order before the wait, 10 for all later).
    """
    end = ibis.literal(on)
    orders = book.orders.filter(book.orders.day <= end)
    if by == "pace":
        orders = orders.join(last_orders(book, on).select("customer_id", "pace"), "customer_id")
        label = orders.pace
    else:
        label = ibis.least(orders.number, 10).cast("int64")
    ended = orders.next_on.notnull() & (orders.next_on <= end)
    until = ibis.ifelse(ended, orders.next_on, end)
    counted = orders.select(label=label, days=until.delta(orders.day, unit="day").cast("int64"), ended=ended)
    counted = counted.group_by("label", "days", "ended").agg(n=counted.count())
    return frame(counted, "label", "days", "ended").rename(columns={"label": by})


def classes(book: Book, on: dt.date) -> pd.DataFrame:
    """Customers by pace, and the silence after which 95 % of those of this pace who return have returned."""
    rows = waits(book, on, "pace")
    firsts = waits(book, on, "number").query("number == 1")
    found = []
    for pace, part in rows.groupby("pace"):
        # Who has one order has no wait that ended: the first waits of all tell how long a first wait may be.
        found.append(_class(int(pace), part, firsts if pace == ONCE else part))
    return pd.DataFrame(found) if found else _no_classes()


def _no_classes() -> pd.DataFrame:
    return pd.DataFrame({"pace": [], "n_customers": [], "n_waits": [], "days": [], "median_days": []})


def _class(pace: int, part: pd.DataFrame, told: pd.DataFrame) -> dict:
    fitted = curve(told["days"], told["ended"], told["n"])
    return {
        "pace": pace,
        "n_customers": int(part.loc[~part["ended"], "n"].sum()),
        "n_waits": fitted.n,
        "days": returned_by(fitted, RETURNED_SHARE),
        "median_days": returned_by(fitted, 0.5),
    }


def returned_by(fitted: Curve, share: float) -> float:
    """Days by which this share of those who ever return has returned; NaN where too few do.

    Kaplan–Meier with the open waits censored; "ever" is within the time that at least 30 waits were watched.
    A plain quantile would not exist: those who never return keep the curve up.
    """
    until = fitted.readable_until
    if fitted.n_ended < FEWEST_AT_RISK or until == 0:
        return np.nan
    inside = fitted.times <= until
    returned = 1 - fitted.share[inside]
    return float(fitted.times[inside][np.searchsorted(returned, share * returned[-1])])


def _by_wait(book: Book, start: dt.date, follow: int) -> pd.DataFrame:
    """Customers known at the start by pace and days of silence, and how many bought again."""
    known = state(book, start, after_days=follow)
    known = known.select("customer_id", "days_since_last", "n_after")
    joined = known.join(last_orders(book, start).select("customer_id", "pace"), "customer_id")
    grouped = joined.group_by("pace", wait=joined.days_since_last).agg(
        n=joined.count(), n_back=joined.count(where=joined.n_after > 0)
    )
    return frame(grouped, "pace", "wait")


def _try(by_wait: pd.DataFrame, days: int) -> dict:
    flagged = by_wait["wait"] > days
    silent, others = by_wait[flagged], by_wait[~flagged]
    n, n_back, n_others = int(silent["n"].sum()), int(silent["n_back"].sum()), int(others["n"].sum())
    back = intervals.wilson(n_back, n)
    return {
        "days": days,
        "n_known": n + n_others,
        "n_silent": n,
        "silent_share": n / (n + n_others) if n + n_others else np.nan,
        "n_back": n_back,
        "back": np.nan if back.value is None else back.value,
        "low": np.nan if back.low is None else back.low,
        "high": np.nan if back.high is None else back.high,
        "missed": 1 - others["n_back"].sum() / n_others if n_others else np.nan,
    }


def _rules(by_wait: pd.DataFrame, own: pd.DataFrame, days: int) -> pd.DataFrame:
    """Both rules on the customers known at the start; who has no N of the own pace is judged by the fixed one."""
    limit = by_wait["pace"].map(dict(zip(own["pace"], own["days"], strict=True))).fillna(days)
    rows = []
    for name, flagged in (("fixed", by_wait["wait"] > days), ("own", by_wait["wait"] > limit)):
        silent, others = by_wait[flagged], by_wait[~flagged]
        back = intervals.wilson(int(silent["n_back"].sum()), int(silent["n"].sum()))
        stayed_away = int(others["n"].sum() - others["n_back"].sum())
        missed = intervals.wilson(stayed_away, int(others["n"].sum()))
        row = {"rule": name, "n_flagged": back.n, "n_others": missed.n}
        for said, found in (("back", back), ("missed", missed)):
            row |= {said: found.value, f"{said}_low": found.low, f"{said}_high": found.high}
        rows.append(row)
    return pd.DataFrame(rows)
