"""Where deals stand and how far they got: counts, open value, step and cumulative conversion, the four parts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_lib.analysis import intervals

STEP_COLUMNS = (
    "from_stage",
    "to_stage",
    "n",
    "n_through",
    "share",
    "low",
    "high",
    "n_first",
    "share_of_first",
    "first_low",
    "first_high",
)
PARTS = ("top", "middle", "bottom")


def reached(frame: pd.DataFrame, entries: pd.DataFrame, n_stages: int, mode: str) -> np.ndarray:
    """Day on which each deal reached each stage, and was won: deals × (stages + 1), NaT where never.

    Mode `any`: a stage counts as reached with the first entry into it or a later one, or with the sale, so that
    skipping is no loss. Mode `in_order`: every stage up to this one was entered, none before the one it follows.
    """
    columns = [f"stage_{i}" for i in range(n_stages)]
    days = entries.reindex(frame["opportunity_id"])[columns].to_numpy("datetime64[D]")
    won_on = np.where(
        frame["outcome"] == "won", frame["closed_on"].to_numpy("datetime64[D]"), np.datetime64("NaT")
    )
    days = np.column_stack([days, won_on.astype("datetime64[D]")])
    return _earliest_from_here(days) if mode == "any" else _unbroken(days)


def _earliest_from_here(days: np.ndarray) -> np.ndarray:
    days = days.copy()
    for i in range(days.shape[1] - 2, -1, -1):
        days[:, i] = np.fmin(days[:, i], days[:, i + 1])
    return days


def _unbroken(days: np.ndarray) -> np.ndarray:
    days = days.copy()
    for i in range(1, days.shape[1]):
        with_gap = np.isnat(days[:, i - 1]) | (days[:, i] < days[:, i - 1])
        days[with_gap, i] = np.datetime64("NaT")
    return days


def steps(days: np.ndarray, stages: tuple[str, ...], last_mature: dt.date) -> pd.DataFrame:
    """Conversion of each step among entries up to `last_mature`, with Wilson bounds; the last step ends in a sale.

    `share` = through ÷ in; `share_of_first` = of the mature entries into the first stage, those that got here.
    """
    names = [*stages, None]
    mature = days <= np.datetime64(last_mature)
    rows = []
    for i in range(len(stages)):
        step = intervals.wilson(int((mature[:, i] & ~np.isnat(days[:, i + 1])).sum()), int(mature[:, i].sum()))
        from_first = intervals.wilson(
            int((mature[:, 0] & ~np.isnat(days[:, i + 1])).sum()), int(mature[:, 0].sum())
        )
        n_through = round(step.value * step.n) if step else 0
        first = (from_first.n, from_first.value, from_first.low, from_first.high)
        rows.append((names[i], names[i + 1], step.n, n_through, step.value, step.low, step.high, *first))
    return pd.DataFrame(rows, columns=STEP_COLUMNS)


def counts(by_deal: pd.DataFrame, stages: tuple[str, ...], parts: Mapping[str, str]) -> pd.DataFrame:
    """Open deals by stage now: stage, part, n_now, open_amount, estimated_share; other stages summed at the end.

    `stage` is None for deals without a stage or with one that is not listed.
    """
    stage = by_deal["stage"].where(by_deal["stage"].isin(stages), None)
    rows = []
    for name in [*stages, None]:
        here = by_deal[stage.isna() if name is None else stage == name]
        if name is None and here.empty:
            continue
        amount = float(here["value"].sum()) if here["value"].notna().any() else (None if len(here) else 0.0)
        estimated = float(here["estimated"].mean()) if len(here) else 0.0
        rows.append((name, parts.get(name), len(here), amount, estimated))
    return pd.DataFrame(rows, columns=["stage", "part", "n_now", "open_amount", "estimated_share"])


def with_reached(table: pd.DataFrame, days: np.ndarray | None, as_of: dt.date) -> pd.DataFrame:
    """The table of stages with `n_reached` (ever) and `n_reached_year` (last 365 days); None without history."""
    n_stages = len(table)
    if days is None:
        return table.assign(n_reached=None, n_reached_year=None)
    year = np.datetime64(as_of - dt.timedelta(days=365))
    listed = list(table["stage"].notna())
    ever = [int((~np.isnat(days[:, i])).sum()) if listed[i] else None for i in range(n_stages)]
    recent = [int((days[:, i] > year).sum()) if listed[i] else None for i in range(n_stages)]
    return table.assign(n_reached=ever, n_reached_year=recent)


def roll_up(
    stages: pd.DataFrame,
    days: np.ndarray | None,
    whole: np.ndarray,
    outside: Sequence[tuple[str, int, intervals.Interval]],
    as_of: dt.date,
    last_mature: dt.date,
) -> pd.DataFrame:
    """The four parts of the funnel: part, n_year (came within 365 days), n_now, open_amount, n, share, low, high.

    `outside` holds part, n_year and the share that goes on to the next part. A part's `n_year` are deals that
    reached its first stage, `share` those of its mature entries (`n`) that reached the next part (`whole` deals
    only). The last row, `won`, are sales. Empty where no stage has a part.
    """
    columns = ["part", "n_year", "n_now", "open_amount", "n", "share", "low", "high"]
    if stages["part"].isna().all():
        return pd.DataFrame(columns=columns)
    rows = [(name, n, None, None, on.n or None, on.value, on.low, on.high) for name, n, on in outside]
    firsts = [(part, stages[stages["part"] == part]) for part in PARTS]
    starts = [(part, here, int(here.index[0])) for part, here in firsts if len(here)]
    ends = [start for _part, _here, start in starts[1:]] + [-1]
    for (part, here, start), end in zip(starts, ends, strict=True):
        amounts = here["open_amount"].dropna()
        on = intervals.nothing() if days is None else _gone_on(days[whole], start, end, last_mature)
        amount = float(amounts.sum()) if len(amounts) else None
        share = (on.n or None, on.value, on.low, on.high)
        rows.append((part, here["n_reached_year"].iloc[0], int(here["n_now"].sum()), amount, *share))
    if days is not None:
        year = np.datetime64(as_of - dt.timedelta(days=365))
        rows.append(("won", int((days[:, -1] > year).sum()), *[None] * 6))
    return pd.DataFrame(rows, columns=columns)


def _gone_on(days: np.ndarray, start: int, end: int, last_mature: dt.date) -> intervals.Interval:
    mature = days[:, start] <= np.datetime64(last_mature)
    return intervals.wilson(int((mature & ~np.isnat(days[:, end])).sum()), int(mature.sum()))


def levers(steps: pd.DataFrame, outside: intervals.Interval | None, won_amount: float | None) -> pd.DataFrame:
    """What one point more of conversion brings a year at each step, the dearest first.

    worth = won_amount ÷ share ÷ 100: money won is proportional to each share, all else as it is. Columns:
    from_stage (None: leads), to_stage (None: the sale), n, share, low, high, worth, worth_low, worth_high.
    """
    rows = steps.loc[steps["share"] > 0, ["from_stage", "to_stage", "n", "share", "low", "high"]]
    frame = rows.assign(is_lead=False)
    if outside and outside.value:
        to = steps["from_stage"].iloc[0] if len(steps) else None
        lead = (None, to, outside.n, outside.value, outside.low, outside.high, True)
        frame = pd.DataFrame([lead, *frame.itertuples(index=False, name=None)], columns=frame.columns)
    if not won_amount or frame.empty:
        return pd.DataFrame(columns=[*frame.columns, "worth", "worth_low", "worth_high"])
    point = won_amount / 100
    frame = frame.assign(
        worth=point / frame["share"], worth_low=point / frame["high"], worth_high=point / frame["low"]
    )
    return frame.sort_values("worth", ascending=False, kind="stable", ignore_index=True)


def traffic(market: ibis.Table | None, as_of: dt.date) -> int | None:
    """People who came near within the 365 days up to `as_of`; a period told once per competitor counts once."""
    if market is None or "traffic" not in market.columns:
        return None
    year = as_of - dt.timedelta(days=365)
    periods = (
        market.filter((_.period_start > year) & (_.period_end <= as_of))
        .group_by("period_start", "period_end")
        .agg(traffic=_.traffic.max())
    )
    total = periods.traffic.sum().to_pyarrow().as_py()
    return None if total is None else int(total)


def n_leads(leads: ibis.Table | None, as_of: dt.date) -> int | None:
    """Leads that came in within the 365 days up to `as_of`."""
    if leads is None:
        return None
    recent = leads.filter(_.created_at.date() > as_of - dt.timedelta(days=365))
    return recent.count().to_pyarrow().as_py()
