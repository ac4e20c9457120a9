"""Answers as the engine counts them: cleaned by the declared scales, grouped, and summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, FloatingValue, Table

from crm_lib.analysis.sums import n_where, total
from crm_lib.contract.settings import Scale

QUESTIONS = ("nps", "csat", "ces")
HALVES = ("expected", "perceived", "score")
GROUPS = ("touchpoint", "period")
PROMOTERS_FROM, DETRACTORS_TO, NPS_HIGHEST = 9, 6, 10
WITHOUT_TOP = float("inf")


def _number(table: Table, column: str) -> FloatingValue:
    return table[column].cast("float64") if column in table.columns else ibis.null("float64")


def _usable(answer: FloatingValue, scale: Scale | None) -> BooleanValue:
    if scale is None:
        return ibis.literal(False)
    return answer.between(scale.lowest, scale.highest) & ~_is_code(answer, scale)


def _is_code(answer: FloatingValue, scale: Scale | None) -> BooleanValue:
    return answer.isin(list(scale.codes)) if scale and scale.codes else ibis.literal(False)


def _clean(table: Table, column: str, scale: Scale | None) -> FloatingValue:
    answer = _number(table, column)
    return ibis.ifelse(_usable(answer, scale), answer, ibis.null("float64"))


def responses(surveys: Table, scales: Mapping[str, Scale]) -> Table:
    """One row per survey sent: response_id, customer_id, touchpoint ("": none), period, is_answered, answers.

    `period` is the first day of the quarter of the answer (of the question where it was not answered). Codes for
    "no answer", values off the scale and answers to questions without a declared scale become null. A source
    without `answered_at` does not know who stayed silent: all its rows count as answered. `days_to_answer` is
    negative where an answer is dated before its question.
    """
    dated = "answered_at" in surveys.columns
    when = surveys.answered_at.coalesce(surveys.asked_at) if dated else surveys.asked_at
    is_answered = surveys.answered_at.notnull() if dated else ibis.literal(True)
    text = {c: surveys[c] if c in surveys.columns else ibis.null("string") for c in ("customer_id", "touchpoint")}
    text["touchpoint"] = text["touchpoint"].fill_null("")
    walked_away = surveys.walked_away if "walked_away" in surveys.columns else ibis.null("boolean")
    return surveys.select(
        surveys.response_id,
        **text,
        answered_on=ibis.ifelse(is_answered, when.date(), ibis.null("date")),
        days_to_answer=when.date().delta(surveys.asked_at.date(), unit="day") if dated else ibis.null("int64"),
        period=when.truncate("Q").date(),
        is_answered=is_answered,
        walked_away=walked_away,
        **{q: _clean(surveys, q, scales.get(q)) for q in QUESTIONS},
    )


def counts(answers: Table, scales: Mapping[str, Scale], groups: Sequence[str] = GROUPS) -> pd.DataFrame:
    """Counts and sums of all questions by `groups`: the cells of which every figure is a roll-up."""
    said = answers.is_answered
    csat_top = scales["csat"].top_from if "csat" in scales else None
    sums: dict[str, ibis.Value] = {
        "n_asked": answers.count(),
        "n_answered": n_where(said),
        "promoters": n_where(said & (answers.nps >= PROMOTERS_FROM)),
        "detractors": n_where(said & (answers.nps <= DETRACTORS_TO)),
        "nps_n": n_where(said & answers.nps.notnull()),
        "csat_top": n_where(said & (answers.csat >= (WITHOUT_TOP if csat_top is None else csat_top))),
        "walked_n": n_where(said & answers.walked_away.notnull()),
        "walked_k": n_where(said & answers.walked_away),
    }
    for q in ("csat", "ces"):
        sums[f"{q}_n"] = n_where(said & answers[q].notnull())
        sums[f"{q}_sum"] = total(answers[q], said)
        sums[f"{q}_sq"] = total(answers[q] * answers[q], said)
    cells = _frame(answers.group_by(list(groups)).aggregate(**sums), groups)
    return cells.assign(passives=cells.nps_n - cells.promoters - cells.detractors)


def items(survey_items: Table, answers: Table, scale: Scale | None) -> Table:
    """One row per answered response and aspect: clean expected, perceived and score, and whether they make a pair.

    A pair has both halves, an expectation above zero and a perception not below it.
    """
    known = answers.filter(answers.is_answered).select("response_id", *GROUPS)
    clean = survey_items.select(
        "response_id", "aspect", **{half: _clean(survey_items, half, scale) for half in HALVES}
    )
    joined = clean.inner_join(known, "response_id")
    return joined.mutate(is_pair=(joined.expected > 0).fill_null(False) & (joined.perceived >= 0).fill_null(False))


def pairs_by_response(rated: Table) -> Table:
    """Expected and perceived summed over the pairs of one response, and its mean gap."""
    pairs = rated.filter(rated.is_pair)
    sums = pairs.group_by("response_id", *GROUPS).aggregate(
        perceived=total(pairs.perceived), expected=total(pairs.expected), n_pairs=pairs.count()
    )
    return sums.mutate(gap=(sums.perceived - sums.expected) / sums.n_pairs, ratio=sums.perceived / sums.expected)


def pair_sums(by_response: Table, groups: Sequence[str]) -> pd.DataFrame:
    """Sums from which ratio, gap and their intervals follow, by `groups`; n counts responses."""
    t = by_response
    return _frame(
        t.group_by(list(groups)).aggregate(
            n=t.count(),
            perceived=total(t.perceived),
            expected=total(t.expected),
            perceived_sq=total(t.perceived * t.perceived),
            expected_sq=total(t.expected * t.expected),
            cross=total(t.perceived * t.expected),
            gap=total(t.gap),
            gap_sq=total(t.gap * t.gap),
            n_short=n_where(t.perceived < t.expected),
        ),
        groups,
    )


def medians(by_response: Table, groups: Sequence[str]) -> pd.DataFrame:
    """Median of the individual ratios by `groups`; one row over all without groups."""
    grouped = by_response.group_by(list(groups)) if groups else by_response
    return _frame(grouped.aggregate(median_ratio=by_response.ratio.median()), groups)


def pairs_by_aspect(rated: Table) -> Table:
    """The pairs, shaped as `pairs_by_response` shapes them, one row per response and aspect."""
    pairs = rated.filter(rated.is_pair)
    return pairs.mutate(gap=pairs.perceived - pairs.expected, ratio=pairs.perceived / pairs.expected)


def score_sums(rated: Table, scale: Scale | None) -> pd.DataFrame:
    """Count, sum, sum of squares and top answers of `score` by aspect; aspects without a score are left out."""
    scored = rated.filter(rated.score.notnull())
    top = WITHOUT_TOP if scale is None or scale.top_from is None else scale.top_from
    return _frame(
        scored.group_by("aspect").aggregate(
            n=scored.count(),
            total=total(scored.score),
            squares=total(scored.score * scored.score),
            n_top=n_where(scored.score >= top),
        ),
        ("aspect",),
    )


def distribution(answers: Table) -> pd.DataFrame:
    """How many gave each answer: question, answer, n."""
    said = answers.filter(answers.is_answered)
    parts = []
    for q in QUESTIONS:
        given = said.filter(said[q].notnull())
        counted = _frame(given.group_by(answer=given[q]).aggregate(n=given.count()), ("answer",))
        parts.append(counted.assign(question=q))
    return pd.concat(parts, ignore_index=True)[["question", "answer", "n"]]


def usable_counts(table: Table | None, scales: Mapping[str, Scale | None]) -> pd.DataFrame:
    """Answers by column: n_used, and those that can't be: n_code (codes for "no answer") and n_off_scale.

    `scales` names the scale of each column; columns without one are not judged.
    """
    rows = []
    for column, scale in scales.items():
        if table is None or column not in table.columns or scale is None:
            continue
        answer = _number(table, column)
        code = _is_code(answer, scale)
        usable = _usable(answer, scale)
        off = answer.notnull() & ~usable & ~code
        judged = table.select(n_used=usable, n_code=code, n_off_scale=off)
        found = judged.aggregate(**{name: n_where(judged[name]) for name in judged.columns})
        rows.append({"column": column, **_only(found)})
    return pd.DataFrame(rows, columns=["column", "n_used", "n_code", "n_off_scale"])


def unpaired(rated: Table) -> dict[str, int]:
    """Rows that ask for an expectation and make no pair: n_zero_expected, n_half (one half is missing)."""
    asked = rated.expected.notnull() | rated.perceived.notnull()
    zero = (rated.expected <= 0).fill_null(False) | (rated.perceived < 0).fill_null(False)
    half = asked & ~rated.is_pair & ~zero
    return _only(rated.aggregate(n_zero_expected=n_where(asked & zero), n_half=n_where(half)))


def about(answers: Table) -> dict[str, object]:
    """Customers who answered, those who did so more than once, doubtful answers, first and last day of an answer.

    `n_before` answers are dated before their question; `n_same_day` are further answers of a customer on the same
    day at the same touchpoint.
    """
    said = answers.filter(answers.is_answered)
    named = said.filter(said.customer_id.notnull())
    people = named.group_by("customer_id").aggregate(n=ibis._.count())
    days = named.group_by("customer_id", "touchpoint", "answered_on").aggregate(n=ibis._.count())
    found = {
        **_only(people.aggregate(n_customers=people.count(), n_repeating=n_where(people.n > 1))),
        **_only(days.aggregate(n_same_day=(days.n - 1).sum().fill_null(0))),
        **_only(said.aggregate(n_before=n_where(said.days_to_answer < 0))),
    }
    ends = fetched(said.aggregate(first=said.answered_on.min(), last=said.answered_on.max()))
    return found | {"first_on": _day(ends["first"][0]), "last_on": _day(ends["last"][0])}


def _only(expression: Table) -> dict[str, int]:
    """The counts of a table of one row."""
    return {name: int(values[0]) for name, values in fetched(expression).items()}


def _day(value: object) -> object:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def fetched(expression: Table) -> pd.DataFrame:
    """The few rows that the engine counted, as a frame."""
    return expression.to_pyarrow().to_pandas()


def _frame(expression: Table, groups: Sequence[str]) -> pd.DataFrame:
    frame = fetched(expression)
    for group in groups:
        if group in ("touchpoint", "aspect"):
            frame[group] = frame[group].astype(object).where(frame[group].notna(), "")
        elif group == "period":
            frame[group] = pd.to_datetime(frame[group])
    return frame.sort_values(list(groups), kind="stable", ignore_index=True) if groups else frame
