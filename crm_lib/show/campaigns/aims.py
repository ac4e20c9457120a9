"""Targets and market in the reader's words."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd

from crm_lib.analysis.campaigns import Evaluation
from crm_lib.analysis.intervals import Interval
from crm_lib.show.campaigns.names import brief, frame_of, listed, metrics
from crm_lib.show.charts import Labels, lines
from crm_lib.show.parts import Part, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import (
    _,
    between,
    day,
    interval,
    name,
    number,
    percent,
    pgettext,
    points,
    short_month,
    signed,
)

N_OVER = 6


def targets(result: Evaluation) -> Part:
    """What is now and ahead with its projection, what is over in the fold; then the market."""
    return together(_targets(result), _market(result))


def _targets(result: Evaluation) -> Part:
    rows = result.goals.targets
    if rows.empty:
        return sentence(_("No targets are set."), _unknown(result))
    now = rows[rows["state"] != "over"]
    last = rows[(rows["state"] == "over") & (rows["actual"].notna())]
    parts = [sentence(_last(last))]
    if not now.empty:
        fields = _fields(ahead=True, so_far=(now["state"] == "now").any())
        parts.append(table(_worded(now), fields, _("Now and ahead"), _method(result)))
    newest = last.sort_values(["period_end", "period_start", "metric"], ascending=[False, False, True])
    if not newest.empty:
        parts.append(table(_worded(newest.head(N_OVER)), _fields(ahead=False), _("The last ones that are over")))
    if len(newest) > N_OVER:
        every = table(_worded(newest), _fields(ahead=False), _("All that are over"))
        parts.append(render("rows", summary=_("Every target that is over"), parts=[every], warn=False))
    return together(*parts, sentence(_unknown(result)))


def _unknown(result: Evaluation) -> str:
    found = result.goals.unknown
    if not found:
        return ""
    return _("Not measured here: {names}.").format(names=listed([name(m) for m in found]))


def _last(rows: pd.DataFrame) -> str:
    judged = rows[rows["attained"].notna()]
    if judged.empty:
        return ""
    end = judged["period_end"].max()
    latest = judged[judged["period_end"] == end]
    said = [
        _("{metric} since {start}: {share} of the target").format(
            metric=metrics()[r.metric], start=short_month(r.period_start), share=percent(r.attained)
        )
        for r in latest.drop_duplicates("metric", keep="first").itertuples()
    ]
    return _("In the periods that ended on {day}: {list}.").format(day=day(end), list="; ".join(said))


def _form(metric: str):
    return {
        "revenue": brief,
        "orders": number,
        "satisfaction": lambda x: number(x, 2),
        "market_share": lambda x: percent(x, 1),
    }[metric]


def _worded(rows: pd.DataFrame) -> pd.DataFrame:
    told = []
    for r in rows.to_dict("records"):
        form = _form(r["metric"])
        actual = form(r["actual"])
        if pd.notna(r["low"]):
            actual = _("{value} ({range})").format(value=actual, range=between(r["low"], r["high"], form))
        told.append(
            {
                "what": metrics()[r["metric"]],
                "period": _("{first} to {last}").format(
                    first=short_month(r["period_start"]), last=short_month(r["period_end"])
                ),
                "goal": form(r["value"]),
                "actual": actual,
                "attained": r["attained"],
                "projection": _projected(r, form),
                "outlook": _outlook(r),
            }
        )
    return frame_of(told)


def _projected(r: dict, form) -> str:
    if pd.isna(r["projection"]):
        return "–"
    return _("{value} ({range})").format(
        value=form(r["projection"]), range=between(r["projection_low"], r["projection_high"], form)
    )


def _outlook(r: dict) -> str:
    if pd.isna(r["projection"]):
        return _("◌ can't be projected")
    if r["projection_low"] >= r["value"]:
        return _("✓ very likely")
    if r["projection_high"] < r["value"]:
        return _("✗ out of reach")
    return _("◐ likely") if r["projection"] >= r["value"] else _("◐ at risk")


def _fields(ahead: bool, so_far: bool = False) -> list[Field]:
    first = [Field("what", _("Target")), Field("period", _("Period")), Field("goal", _("Goal"), str)]
    if ahead:
        actual = [Field("actual", _("So far"), str)] if so_far else []
        return [*first, *actual, Field("projection", _("Projection (90 %)"), str), Field("outlook", _("Outlook"))]
    return [*first, Field("actual", _("Actual"), str), Field("attained", _("Reached"), percent)]


def _method(result: Evaluation) -> str:
    """How the projections of these targets were made."""
    rows = result.goals.targets
    ahead = set(rows.loc[rows["projection"].notna(), "metric"])
    growth = result.goals.growth.get("revenue")
    said = [_counted(growth)] if growth and ahead & {"revenue", "orders"} else []
    if ahead & {"satisfaction", "market_share"}:
        said.append(_drifting())
    if not said:
        return _("Too short a history to project: it takes two years of sales, or six quarters of answers.")
    return " ".join(said)


def _counted(growth: Interval) -> str:
    said = _(
        "Projection: the same days of last year × the growth of the last four quarters ({growth} on average "
        "for sales), with the spread of these quarters as its range."
    )
    return said.format(growth=signed(math.expm1(growth.value), percent))


def _drifting() -> str:
    return _(
        "Satisfaction and share of the market: the level and the trend of the last quarters go on; the range "
        "comes from how far quarters strayed from that, and from the number of answers. It takes six quarters."
    )


def _market(result: Evaluation) -> Part:
    market = result.goals.market
    if market.empty or market["own_share"].isna().all():
        return Part()
    last = market.dropna(subset=["own_share"]).iloc[-1]
    year = _year_before(market, last["period_start"])
    change = (
        "" if year is None else _(", {change} on the year before").format(change=points(last["own_share"] - year))
    )
    rivals = result.goals.competitors
    wide = market[["period_start", "own_share"]].copy()
    named = {"own_share": _("We")}
    for i, (rival, part) in enumerate(rivals.groupby("competitor", sort=True)):
        wide = wide.merge(
            part[["period_start", "share"]].rename(columns={"share": f"r{i}"}), how="left", on="period_start"
        )
        named[f"r{i}"] = rival
    wide["period_start"] = [dt.date(d.year, d.month, d.day) for d in wide["period_start"]]
    labels = Labels(
        _("We hold {share} of the market{change}").format(share=percent(last["own_share"], 1), change=change),
        _("Share of the market by period, ours and that of competitors, up to {day}").format(
            day=day(result.as_of)
        ),
        _("Lines; ours ends at {share}.").format(share=percent(last["own_share"], 1)),
    )
    fields = [
        Field("period_start", pgettext("day", "From"), day),
        *(Field(c, w, lambda x: percent(x, 1)) for c, w in named.items()),
    ]
    numbers = table(wide, fields, _("Share of the market"))
    said = sentence(_market_ahead(result))
    if len(wide) < 2:
        return together(numbers, said)
    chart = lines(wide, "period_start", named, labels, lambda x: percent(x, 1), numbers=numbers)
    return together(chart, said)


def _market_ahead(result: Evaluation) -> str:
    """What our share will be in the next period, or why that can't be told."""
    found = result.goals.share_ahead
    if not found:
        return _("Fewer than six periods of the market are told: too few to project our share.")
    text = _("In the period up to {day} a share of **{share}** is likely ({bounds}; from {n} periods).")
    return text.format(
        day=day(result.goals.share_until),
        share=percent(found.value, 1),
        bounds=interval(found.low, found.high, lambda x: percent(x, 1)),
        n=number(found.n),
    )


def _year_before(market: pd.DataFrame, start: dt.date) -> float | None:
    then = (
        market[market["period_start"] == start.replace(year=start.year - 1)]
        if (start.month, start.day) != (2, 29)
        else market.iloc[:0]
    )
    return float(then["own_share"].iloc[0]) if len(then) and pd.notna(then["own_share"].iloc[0]) else None
