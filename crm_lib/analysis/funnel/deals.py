"""From the engine's tables to one small row per deal, and counts of stage events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import _

from crm_lib.contract.settings import FunnelSettings
from crm_lib.errors import ParameterError

# Stage names that say how a deal ended; they are ends, not stages.
END_NAMES = frozenset({"won", "lost", "closed won", "closed lost", "赢单", "输单", "成交", "丢单"})

_TYPES = {
    "opportunity_id": "string",
    "customer_id": "string",
    "owner": "string",
    "region": "string",
    "product": "string",
    "source": "string",
    "stage": "string",
    "outcome": "string",
    "amount": "float64",
    "opened_at": "timestamp",
    "closed_at": "timestamp",
    "expected_close_on": "timestamp",
}
_DAYS = {"opened_at": "opened_on", "closed_at": "closed_on", "expected_close_on": "expected_on"}


def fetched(table: ibis.Table) -> pd.DataFrame:
    """A small table out of the engine, by way of Arrow."""
    return table.to_pyarrow().to_pandas()


def is_end(stage: str | None) -> bool:
    """Whether a stage name only says how the deal ended.

    >>> is_end("Closed Won"), is_end("Signing")
    (True, False)
    """
    return isinstance(stage, str) and stage.strip().casefold() in END_NAMES


def deals(opportunities: ibis.Table, as_of: dt.date) -> pd.DataFrame:
    """One row per opportunity, sorted by id.

    Columns: opportunity_id, owner, region, product, source, stage, outcome (text or None), amount (float),
    has_customer (None: no such column), opened_on, closed_on, expected_on (days), is_open, days_to_close and
    age_days (numbers, NaN where not known). A deal that closed before it was opened keeps its outcome but has no
    duration.
    """
    t = opportunities
    columns = {name: t[name].cast(kind) if name in t.columns else ibis.null(kind) for name, kind in _TYPES.items()}
    customer = columns.pop("customer_id")
    columns["has_customer"] = customer.notnull() if "customer_id" in t.columns else ibis.null("boolean")
    frame = fetched(t.select(**columns))
    for column in ("owner", "region", "product", "source", "stage", "outcome"):
        frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
    for column, day in _DAYS.items():
        frame[day] = pd.to_datetime(frame.pop(column)).dt.normalize()
    frame = frame.sort_values("opportunity_id", kind="stable").reset_index(drop=True)
    return with_ages(frame, as_of)


def with_ages(frame: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """The deals with is_open, days_to_close and age_days, all counted in days."""
    is_open = frame["outcome"].isna()
    lasted = (frame["closed_on"] - frame["opened_on"]).dt.days.astype(float)
    age = (pd.Timestamp(as_of) - frame["opened_on"]).dt.days.astype(float)
    return frame.assign(
        is_open=is_open,
        days_to_close=lasted.where(~is_open & (lasted >= 0)),
        age_days=age.where(is_open & (age >= 0)),
    )


def stage_order(stage_events: ibis.Table) -> tuple[str, ...]:
    """Stages as the data have them: by the median days from a deal's first event to the entry into the stage."""
    first = stage_events.group_by("opportunity_id").agg(first_at=_.entered_at.min())
    days = fetched(
        stage_events.join(first, "opportunity_id")
        .mutate(seconds=lambda t: _seconds(t.entered_at) - _seconds(t.first_at))
        .group_by("stage")
        .agg(median=_.seconds.median(), mean=_.seconds.mean())
    ).sort_values(["median", "mean", "stage"])
    return tuple(s for s in days["stage"] if not is_end(s))


def _seconds(at: ibis.Value) -> ibis.IntegerValue:
    """Whole seconds since 1970; engines round parts of a second in different ways."""
    return at.truncate("s").epoch_seconds().cast("int64")


def snapshot_order(frame: pd.DataFrame) -> tuple[str, ...]:
    """Stages of a snapshot: those without an opening day first, then by the median age of their open deals."""
    open_deals = frame[frame["is_open"] & frame["stage"].notna()]
    ages = open_deals.groupby("stage")["age_days"].median().fillna(-1).sort_index().sort_values(kind="stable")
    return tuple(s for s in ages.index if not is_end(s))


def _ranked(stage_events: ibis.Table, stages: tuple[str, ...]) -> ibis.Table:
    """Events with the stage's rank (−1: not listed) and a key that orders those of one deal, ends left out."""
    names = stage_events.filter(_.stage.strip().lower().notin(sorted(END_NAMES)))
    rank = names.stage.cases(*((s, i) for i, s in enumerate(stages)), else_=-1) if stages else ibis.literal(-1)
    ranked = names.mutate(rank=rank.cast("int64"))
    return ranked.mutate(key=_seconds(ranked.entered_at) * 1000 + ranked["rank"] + 1)


def entries(stage_events: ibis.Table, stages: tuple[str, ...]) -> pd.DataFrame:
    """First and last event of each opportunity (index) and its first entry into each stage.

    Columns: first_on, last_on, last_stage, stage_0, stage_1 … (days).
    """
    events = _ranked(stage_events, stages)
    per_stage = {f"stage_{i}": _.entered_at.min(where=_["rank"] == i) for i in range(len(stages))}
    last = events.group_by("opportunity_id").mutate(last_key=_.key.max())
    counted = last.group_by("opportunity_id").agg(
        first_on=_.entered_at.min(),
        last_on=_.entered_at.max(),
        last_stage=_.stage.max(where=_.key == _.last_key),  # several at once: the same one on every engine
        **per_stage,
    )
    frame = fetched(counted).set_index("opportunity_id").sort_index()
    for column in frame.columns.drop("last_stage"):
        frame[column] = pd.to_datetime(frame[column]).dt.normalize()
    return frame


def unknown_stages(stage_events: ibis.Table, stages: tuple[str, ...]) -> pd.DataFrame:
    """Stage names that are not listed, with their events: stage, n; most first."""
    events = _ranked(stage_events, stages)
    counts = fetched(events.filter(events["rank"] == -1).group_by("stage").agg(n=_.count()))
    return counts.sort_values(["n", "stage"], ascending=[False, True]).reset_index(drop=True)


def spells(
    stage_events: ibis.Table,
    opportunities: ibis.Table,
    stages: tuple[str, ...],
    as_of: dt.date,
    watched_from: dt.date | None = None,
) -> pd.DataFrame:
    """Stays in a stage, counted in the engine: rank, next_rank (NaN: none), days, ended, after_close, entry, n.

    A stay ends with the next event or with the deal; one that goes on is counted up to `as_of`. `entry` is the day
    of the stay before `watched_from`, the first day on which an end was recorded; −1 for stays that began later.
    """
    if not {"closed_at", "outcome"} <= set(opportunities.columns):
        nothing = {"closed_at": ibis.null("timestamp"), "outcome": ibis.null("string")}
        opportunities = opportunities.mutate(**nothing)
    ends = opportunities.select(
        "opportunity_id", ended_at=opportunities.closed_at.cast("timestamp"), outcome=opportunities.outcome
    )
    order = ibis.window(group_by="opportunity_id", order_by="key")
    events = _ranked(stage_events, stages)
    following = events.mutate(
        next_at=events.entered_at.lead().over(order), next_rank=events["rank"].lead().over(order)
    ).join(ends, "opportunity_id")
    stays = following.mutate(
        until=ibis.coalesce(following.next_at.cast("timestamp"), following.ended_at),
        after_close=(following.entered_at > following.ended_at).fill_null(False),
    ).filter(lambda t: t.until.notnull() | t.outcome.isnull())
    last = ibis.timestamp(dt.datetime.combine(as_of, dt.time()))
    days = stays.mutate(
        ended=stays.until.notnull(),
        days=(ibis.coalesce(stays.until, last).date().epoch_days() - stays.entered_at.date().epoch_days()),
        entry=_days_unwatched(stays.entered_at, watched_from),
    )
    keys = ["rank", "next_rank", "days", "ended", "after_close", "entry"]
    return fetched(days.group_by(keys).agg(n=_.count())).sort_values(keys).reset_index(drop=True)


def _days_unwatched(entered_at: ibis.Value, watched_from: dt.date | None) -> ibis.Value:
    if watched_from is None:
        return ibis.literal(-1)
    first = (watched_from - dt.date(1970, 1, 1)).days
    return ibis.greatest(ibis.literal(first - 1) - entered_at.date().epoch_days(), ibis.literal(-1))


@dataclass(frozen=True)
class History:
    """The deals, the stages in order, what is known of the way (None on a snapshot), and names not listed."""

    deals: pd.DataFrame
    stages: tuple[str, ...]
    entries: pd.DataFrame | None
    unknown: pd.DataFrame


def history(
    opportunities: ibis.Table, stage_events: ibis.Table | None, settings: FunnelSettings, as_of: dt.date
) -> History:
    """All that is known of the deals: from stage events where there are any, else from the snapshot's stages."""
    frame = deals(opportunities, as_of)
    if stage_events is None or stage_events.count().to_pyarrow().as_py() == 0:
        return _snapshot(frame, settings)
    stages = tuple(s for s in settings.stages if not is_end(s)) or stage_order(stage_events)
    unknown = unknown_stages(stage_events, stages)
    first = entries(stage_events, stages)
    _check_listed(settings, unknown, int(first[[c for c in first if c.startswith("stage_")]].notna().sum().sum()))
    seen = first.reindex(frame["opportunity_id"]).reset_index(drop=True)
    opened_on = frame["opened_on"].fillna(seen["first_on"])
    frame = with_ages(frame.assign(opened_on=opened_on, stage=seen["last_stage"]), as_of)
    frame["stage"] = frame["stage"].astype(object).where(frame["stage"].notna(), None)
    return History(frame, stages, first, unknown)


def _snapshot(frame: pd.DataFrame, settings: FunnelSettings) -> History:
    ends = frame["stage"].map(is_end)
    frame = frame.assign(stage=frame["stage"].where(~ends, None))
    stages = tuple(s for s in settings.stages if not is_end(s)) or snapshot_order(frame)
    other = frame.loc[frame["stage"].notna() & ~frame["stage"].isin(stages), "stage"]
    unknown = other.value_counts().rename_axis("stage").rename("n").reset_index()
    unknown = unknown.sort_values(["n", "stage"], ascending=[False, True], ignore_index=True)
    _check_listed(settings, unknown, int(frame["stage"].isin(stages).sum()))
    return History(frame, stages, None, unknown)


def _check_listed(settings: FunnelSettings, unknown: pd.DataFrame, n_listed: int) -> None:
    """Raise ParameterError where the settings list stages, and the data know none of them."""
    if settings.stages and len(unknown) and not n_listed:
        raise ParameterError(
            f"funnel.stages in crm.toml lists {', '.join(settings.stages)}, and no deal is in any of them: the "
            f"data hold {int(unknown['n'].sum()):,} entries in {len(unknown):,} other stages. Correct "
            "funnel.stages, or leave it out: the order is then taken from the data."
        )
