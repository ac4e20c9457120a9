"""Comments, never read aloud: how many fall into each category that the company declares, and who wrote them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, StringValue, Table

from crm_lib.analysis.satisfaction import measure
from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.analysis.sums import n_where
from crm_lib.contract.settings import Scale

NONE_OF_THEM = ""


@dataclass(frozen=True)
class Comments:
    """Comments by category (a comment may be in several) and by touchpoint; groups too small to show have no n.

    categories: category ("" for none of them, last), n, and share content of those who wrote, with interval
    touchpoints: touchpoint, n, and share content of those who wrote
    """

    n: int
    categories: pd.DataFrame
    touchpoints: pd.DataFrame

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.n > 0


def comments(
    surveys: Table, answers: Table, csat: Scale | None, keywords: Mapping[str, Sequence[str]], limits: Limits
) -> Comments:
    """Count comments; `keywords` holds, by category, the words that put a comment into it, in either case."""
    nothing = pd.DataFrame(columns=["category", "n", *Measure().columns("content")])
    if "comment" not in surveys.columns:
        return Comments(0, nothing, nothing.rename(columns={"category": "touchpoint"}))
    top = None if csat is None else csat.top_from
    written = surveys.filter(surveys.comment.fill_null("").strip() != "").select("response_id", "comment")
    said = answers.filter(answers.is_answered).select("response_id", "touchpoint", "csat")
    told = written.inner_join(said, "response_id")
    content = ibis.literal(False) if top is None else (told.csat >= top).fill_null(False)
    rated = ibis.literal(False) if top is None else told.csat.notnull()
    told = told.mutate(content=content & rated, rated=rated)
    n = int(told.count().to_pyarrow().as_py())
    if 0 < n < limits.suppress_below:
        return Comments(n, nothing, nothing.rename(columns={"category": "touchpoint"}))
    by_touchpoint = _counted(told, told.touchpoint, "touchpoint", limits)
    return Comments(n, _by_category(told, keywords, limits) if keywords else nothing, by_touchpoint)


def _by_category(told: Table, keywords: Mapping[str, Sequence[str]], limits: Limits) -> pd.DataFrame:
    inside = {name: _mentions(told.comment.lower(), words) for name, words in keywords.items()}
    inside[NONE_OF_THEM] = ~ibis.or_(*inside.values())
    parts = [
        _counted(told.filter(which), ibis.literal(name), "category", limits) for name, which in inside.items()
    ]
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _mentions(text: StringValue, words: Sequence[str]) -> BooleanValue:
    return ibis.or_(*(text.contains(word.lower()) for word in words)) if words else ibis.literal(False)


def _counted(told: Table, group: ibis.Value, name: str, limits: Limits) -> pd.DataFrame:
    """N and share content by group, most first; without n where fewer wrote than may be shown."""
    found = told.group_by(**{name: group}).aggregate(
        n=told.count(), k=n_where(told.content), of=n_where(told.rated)
    )
    rows = []
    for row in fetched(found).itertuples():
        few = row.n < limits.suppress_below
        share = Measure() if few else measure.share(row.k, row.of, limits.suppress_below)
        rows.append({name: getattr(row, name), "n": None if few else int(row.n), **share.columns("content")})
    columns = [name, "n", *Measure().columns("content")]
    frame = pd.DataFrame(rows, columns=columns).astype({c: float for c in columns if c != name})
    return frame.sort_values(["n", name], ascending=[False, True], ignore_index=True)
