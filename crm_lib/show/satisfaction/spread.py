"""How the answers spread over the scale, question by question."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction.answers import NPS_HIGHEST, PROMOTERS_FROM, QUESTIONS
from crm_lib.analysis.satisfaction.comments import NONE_OF_THEM, Comments
from crm_lib.contract.settings import Scale
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, fold, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import number, percent

MOST_STEPS = 21  # a longer scale is not drawn


def answers(said: Voices, found: Evidence | None = None) -> Part:
    """One picture per question, the second and later ones folded; then comments by category."""
    parts = [_picture(said, question) for question in QUESTIONS if _is_shown(said, question)]
    drawn = [*parts[:1], fold(_("How the other questions spread"), together(*parts[1:]))]
    if found and found.comments:
        drawn.append(comments(said, found.comments))
    return together(*drawn) if parts else sentence(_("No question has enough answers to show how they spread."))


def comments(said: Voices, found: Comments) -> Part:
    """How many comments fall into each category and at which touchpoint, with no word of any comment."""
    by_category, by_touchpoint = _shown(found.categories, "category"), _shown(found.touchpoints, "touchpoint")
    few = said.limits.suppress_below
    told = _("{n} answers carry a comment. Comments are counted, never shown.").format(n=number(found.n))
    if found.categories.empty and found.touchpoints.empty:
        return sentence(
            _("Fewer than {n} people wrote a comment; they are not counted here.").format(n=number(few))
        )
    hidden = _("Groups in which fewer than {n} people wrote are not shown.").format(n=number(few))
    parts = [sentence(told)]
    if len(by_category):
        many = _("A comment may fall into several categories; crm.toml says which words put it there.")
        parts.append(_comment_table(by_category, "category", _("Category"), f"{many} {hidden}"))
    if len(by_touchpoint) > 1:
        places = _comment_table(by_touchpoint, "touchpoint", _("Touchpoint"), hidden)
        parts.append(fold(_("Comments by touchpoint"), places))
    return together(*parts)


def _shown(frame: pd.DataFrame, group: str) -> pd.DataFrame:
    rest = _("none of these") if group == "category" else _("not stated")
    known = frame[frame.n.notna()].assign(rest=frame[group] == NONE_OF_THEM)
    known = known.sort_values(["rest", "n", group], ascending=[True, False, True])
    return known.assign(**{group: [g if g != NONE_OF_THEM else rest for g in known[group]]})


def _comment_table(shown: pd.DataFrame, group: str, label: str, foot: str) -> Part:
    fields = [Field(group, label), Field("n", _("Comments"), number)]
    if shown.content.notna().any():
        shown = shown.assign(range_text=wording.ranges(shown, "content", percent))
        fields += [
            Field("content", _("Content among those who wrote"), percent),
            Field("range_text", wording.interval_head(), str),
        ]
    return table(
        shown, fields, _("What comments are about") if group == "category" else _("Where they wrote"), foot
    )


def _is_shown(said: Voices, question: str) -> bool:
    return bool(said.spread.n[said.spread.question == question].notna().any())


def _picture(said: Voices, question: str) -> Part:
    scale = said.scales[question]
    steps = _steps(said.spread[said.spread.question == question], scale)
    given = [f"{label}: {number(n)}" for label, n in zip(steps.label, steps.n, strict=True)]
    labels = Labels(
        _title(said, question, steps),
        _("{question}: how many gave each answer, on a scale of {lowest} to {highest}").format(
            question=wording.question_name(question), lowest=number(scale.lowest), highest=number(scale.highest)
        ),
        _("Answers from low to high: {values}.").format(values=", ".join(given)),
    )
    top = _top_from(scale, question)
    lit = [label for label, a in zip(steps.label, steps.lowest, strict=True) if top is not None and a >= top]
    return bars(steps, "label", "n", labels, number, highlight=lit, numbers=_numbers(said, question, steps))


def _top_from(scale: Scale, question: str) -> float | None:
    return PROMOTERS_FROM if question == "nps" and scale.highest == NPS_HIGHEST else scale.top_from


def _steps(given: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Answers and pooled answers with a label, and as zero each whole step that nobody chose."""
    found = given[["lowest", "highest", "n"]]
    bounds = (*found.lowest, *found.highest, scale.lowest, scale.highest)
    if all(float(b).is_integer() for b in bounds) and scale.highest - scale.lowest < MOST_STEPS:
        whole = np.arange(scale.lowest, scale.highest + 1)
        pooled = zip(found.lowest, found.highest, strict=True)
        absent = whole[~np.any([(low <= whole) & (whole <= high) for low, high in pooled], axis=0)]
        found = pd.concat([found, pd.DataFrame({"lowest": absent, "highest": absent, "n": 0.0})])
    found = found.sort_values("lowest", ignore_index=True)
    return found.assign(label=[_label(a, b) for a, b in zip(found.lowest, found.highest, strict=True)])


def _label(low: float, high: float) -> str:
    ends = [number(a, 0 if float(a).is_integer() else 1) for a in (low, high)]
    return ends[0] if low == high else _("{low}–{high}").format(low=ends[0], high=ends[1])


def _title(said: Voices, question: str, steps: pd.DataFrame) -> str:
    heads = said.overall.promoters
    if question == "nps" and heads:
        return _("{share} would recommend, {against} would not").format(
            share=percent(heads[0] / sum(heads)), against=percent(heads[2] / sum(heads))
        )
    if question == "csat" and said.overall.content:
        return _("{share} are content").format(share=percent(said.overall.content.value))
    return _("Most frequent answer: {answer}").format(answer=steps.label[steps.n.idxmax()])


def _numbers(said: Voices, question: str, steps: pd.DataFrame) -> Part:
    fields = [Field("label", _("Answer"), str), Field("n", _("People"), number)]
    foot = _("Answers that fewer than {n} people gave are joined with the next.")
    joined = (steps.lowest < steps.highest).any()
    return table(
        steps,
        fields,
        wording.question_name(question),
        foot.format(n=number(said.limits.suppress_below)) if joined else "",
    )
