"""How long customers stay, by grade, channel and region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.survival import GRADE, Split
from crm_lib.show.charts import Labels, lines
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.retention.said import days, ranged, why_nothing
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, clean, day, name, number, percent

POINTS_ON_A_CURVE = 60


def survival(result: Retention) -> Part:
    """How long customers stay, by grade, channel and region; groups in words where they don't differ."""
    if result.reason:
        return note(why_nothing(result))
    found = result.survival
    parts = [sentence(_half(result))]
    for split in found.splits:
        is_sure = split.dimension in found.surely_different
        parts.append(_curves(result, split) if is_sure else sentence(_alike(split)))
    return together(*parts)


def dimension_names() -> dict[str, str]:
    """Dimensions in words."""
    return {GRADE: _("value grade"), "channel": _("channel"), "region": _("region")}


def _half(result: Retention) -> str:
    whole, n = result.survival.whole, days(result.silence.days)
    half = whole.time_of(0.5)
    if half and half.low == half.value == half.high:
        return _(
            "More than half of all customers fell silent for {n} right after an order: {share} stayed longer."
        ).format(n=n, share=ranged(whole.at(half.value)))
    if half:
        return _(
            "Half of all customers have gone {days} after their first order ({low} – {high}); nobody can be "
            "counted as gone before a silence of {n}."
        ).format(days=days(half.value), low=number(half.low), high=number(half.high) if half.high else "…", n=n)
    left = whole.at(whole.longest)
    return _(
        "More than half of all customers stay as long as they have been watched: {share} after {days}."
    ).format(share=ranged(left), days=days(whole.longest))


def _alike(split: Split) -> str:
    said = dimension_names()[split.dimension]
    if split.test is None:
        return _("By {name} nothing can be compared: fewer than two groups are large enough.").format(name=said)
    return _(
        "By **{name}** customers stay alike: the {n} groups differ no more than chance makes them (log-rank p = "
        "{p})."
    ).format(name=said, n=number(len(split.curves)), p=number(split.test.p, 2))


def _until(split: Split) -> float:
    """Last day on which every group still has 30 customers watched; the longest watched where none has."""
    readable = [c.readable_until for c in split.curves.values() if c.readable_until]
    return min(readable, default=max(c.longest for c in split.curves.values()))


def _curves(result: Retention, split: Split) -> Part:
    until = _until(split)
    at = np.unique(np.linspace(0, until, POINTS_ON_A_CURVE).round())
    frame = pd.DataFrame({"days": at})
    for i, curve in enumerate(split.curves.values()):
        frame[f"c{i}"] = [curve.at(float(t)).value for t in at]
    ends = {name: curve.at(until).value for name, curve in split.curves.items()}
    best = max(ends, key=ends.get)
    title = _("{best} stay longest").format(best=name(best, 30))
    since = (
        _("the first order")
        if split.start_on is None
        else _("{day}, graded on that day").format(day=day(split.start_on))
    )
    subtitle = _("Share not yet silent for {n}, by {name}, over days since {since} (Kaplan–Meier)").format(
        n=days(result.silence.days), name=dimension_names()[split.dimension], since=since
    )
    alt = _("Curves: after {days} {list}.").format(
        days=days(until), list=", ".join(f"{clean(k)} {percent(v)}" for k, v in ends.items())
    )
    ys = {f"c{i}": clean(name) for i, name in enumerate(split.curves)}
    return lines(frame, "days", ys, Labels(title, subtitle, alt), percent, numbers=_table(split))


def _table(split: Split) -> Part:
    until = _until(split)
    rows = pd.DataFrame(
        [
            {
                "group": clean(name),
                "n": c.n,
                "gone": c.n_ended,
                "said": ranged(c.at(until)),
                "half": c.time_of(0.5).value,
            }
            for name, c in split.curves.items()
        ]
    )
    fields = [
        Field("group", dimension_names()[split.dimension]),
        Field("n", _("Customers"), number),
        Field("gone", _("Gone"), number),
        Field("said", _("Still there after {days} (90 %)").format(days=days(until)), str),
        Field("half", _("Half gone after"), days),
    ]
    foot = ""
    if split.n_suppressed:
        foot = _("Groups under {n} customers, and beyond the six largest, are not shown.").format(
            n=number(split.fewest)
        )
    return table(rows, fields, _("Still there, by group"), foot)
