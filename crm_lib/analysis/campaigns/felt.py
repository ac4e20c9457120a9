"""Satisfaction of customers contacted beside those held out, from the answers they gave in the window."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ibis.expr.types as ir

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.intervals import Interval, nothing
from crm_lib.analysis.satisfaction import answers


@dataclass(frozen=True)
class Felt:
    """Perceived ÷ expected of both arms over all campaigns; without a value below `compare_from` answers."""

    treated: Interval
    control: Interval

    @property
    def comparable(self) -> bool:
        """Whether both arms answered often enough."""
        return bool(self.treated) and bool(self.control)

    @property
    def difference(self) -> Interval:
        """Contacted less held out, bounds joined from those of both (MOVER); n is the smaller arm."""
        t, c = self.treated, self.control
        if not self.comparable:
            return nothing(min(t.n, c.n))
        value = t.value - c.value
        low = value - math.hypot(t.value - t.low, c.high - c.value)
        return Interval(value, low, value + math.hypot(t.high - t.value, c.value - c.low), min(t.n, c.n))


def felt(tables: Tables, told: ir.Table | None, options: Options) -> Felt | None:
    """None where satisfaction is not asked; an answer counts once for each arm its customer was in."""
    if told is None or tables.surveys is None or tables.survey_items is None or options.item_scale is None:
        return None
    responses = answers.responses(tables.surveys, {})
    people = told.filter(~told.both & told.customer_id.notnull()).select("treated", "day", buyer="customer_id")
    joined = responses.inner_join(people, responses.customer_id == people.buyer)
    age = joined.answered_on.delta(joined.day, unit="day")
    near = joined.filter((age > 0) & (age <= options.window_days))
    pairs = answers.pairs_by_response(answers.items(tables.survey_items, responses, options.item_scale))
    rows = pairs.inner_join(near.select("response_id", "treated").distinct(), "response_id")
    frame = (
        rows.select("response_id", "treated", "perceived", "expected")
        .order_by("response_id", "treated")
        .to_pandas()
    )
    return Felt(*(_ratio(frame[frame["treated"] == arm], options) for arm in (True, False)))


def _ratio(frame, options: Options) -> Interval:
    if len(frame) < options.compare_from:
        return nothing(len(frame))
    return intervals.ratio_of_means(frame["perceived"], frame["expected"])
