"""How far to trust it: who answered, what was left out, and what the figures can't say."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.satisfaction import Voices
from crm_lib.analysis.satisfaction.answers import QUESTIONS
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.satisfaction import wording
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, day, ngettext, number
from crm_lib.theme.words import gettext as _

LOW_RESPONSE = 0.5
HOLDS_TOGETHER = 0.7  # customary bound for alpha


def trust(said: Voices, published: Sequence[PublishedFigure] = ()) -> Part:
    """Response, scales and codes, median beside ratio, caveats, and published numbers computed again."""
    return together(
        sentence(_who_answered(said), _nobody_silent(said), _repeated(said)),
        note(_doubtful(said)),
        note(silence(said)),
        _scales(said),
        sentence(_not_paired(said), _beside(said)),
        note(_steps_are_no_amounts(said)),
        note(_not_from_zero(said)),
        _consistency(said),
        published_table(said.checkable, published, "satisfaction"),
    )


def _who_answered(said: Voices) -> str:
    base, found = said.base, said.overall.response
    if not found:
        text = _("{n} answers. The source does not say who was asked and stayed silent.")
        return text.format(n=number(base.n_answered))
    text = _("{answered} of {asked} who were asked answered: {share}.").format(
        answered=number(base.n_answered),
        asked=number(base.n_asked),
        share=wording.with_interval(found, wording.FORMS["response"]),
    )
    if base.first_on is None or base.first_on == base.last_on:
        return text
    when = _("Answers came from {first} to {last}.").format(first=day(base.first_on), last=day(base.last_on))
    return f"{text} {when}"


def _repeated(said: Voices) -> str:
    """That some answered repeatedly, and what that takes from the answers' worth."""
    n = said.base.n_repeating
    if not n:
        return ""
    text = ngettext(
        "{n} customer answered more than once; intervals take the answers of one customer as belonging together.",
        "{n} customers answered more than once; intervals take the answers of one customer as belonging together.",
        n,
    ).format(n=number(n))
    found = next((m for m in ("ratio", "nps", "content") if getattr(said.overall, m)), "")
    effect = said.repeats.get(found, 1.0)
    if effect <= 1:
        return text
    worth = _("For “{measure}” {n} answers are worth {worth} of different customers.").format(
        measure=wording.measure_name(said, found),
        n=number(getattr(said.overall, found).n),
        worth=number(getattr(said.overall, found).n / effect),
    )
    return f"{text} {worth}"


def _doubtful(said: Voices) -> str:
    """Answers dated before their question, and further answers of one customer on one day and touchpoint."""
    base, texts = said.base, []
    if base.n_before:
        text = ngettext(
            "{n} answer is dated before its question: check the dates. It counts, but not as early or late.",
            "{n} answers are dated before their question: check the dates. They count, but not as early or late.",
            base.n_before,
        )
        texts.append(text.format(n=number(base.n_before)))
    if base.n_same_day:
        text = ngettext(
            "{n} answer repeats one of the same customer, day and touchpoint: it may be a duplicate.",
            "{n} answers repeat one of the same customer, day and touchpoint: they may be duplicates.",
            base.n_same_day,
        )
        texts.append(text.format(n=number(base.n_same_day)))
    return " ".join(texts)


def _nobody_silent(said: Voices) -> str:
    """That a source in which everybody answered may not know who was asked."""
    if said.overall.response.value != 1:
        return ""
    return _("Nobody in this source stayed silent: it may hold answers only, not all who were asked.")


def silence(said: Voices) -> str:
    """The warning of a low response; empty where it is high or not known."""
    found = said.overall.response
    if not found or found.value >= LOW_RESPONSE:
        return ""
    return _(
        "Most who were asked stayed silent. They may think otherwise than those who answered; the intervals "
        "say nothing about that."
    )


def _scales(said: Voices) -> Part:
    rows = [_scale_row(said, column) for column in said.base.used.column]
    if not rows:
        return sentence(
            _("No scale is declared for this source. Declare the scale in crm.toml to see these measures.")
        )
    fields = [
        Field("question", _("Question")),
        Field("scale", _("Scale declared"), str),
        Field("n_used", _("Answers used"), number),
    ]
    shown = pd.DataFrame(rows)
    if shown[["n_code", "n_off_scale"]].any(axis=None):
        fields += [
            Field("n_code", _("“No answer” codes"), number),
            Field("n_off_scale", _("Off the scale"), number),
        ]
    foot = _("Codes that stand for “no answer” are never counted as answers.")
    return table(shown, fields, _("Scales and answers"), foot)


def _scale_row(said: Voices, column: str) -> dict[str, object]:
    found = said.base.used.set_index("column").loc[column]
    scale = said.scales[column if column in QUESTIONS else "items"]
    return {
        "question": wording.question_name(column),
        "scale": between(scale.lowest, scale.highest, number),
        **found.to_dict(),
    }


def _not_paired(said: Voices) -> str:
    base = said.base
    if said.overall.ratio.why == "not asked" or "items" not in said.scales:
        return ""
    n_zero, n_half = base.n_zero_expected, base.n_half
    if not n_zero and not n_half:
        return ""
    return _(
        "Left out of got ÷ expected: {zero} answers with an expectation of zero, {half} with one half missing."
    ).format(zero=number(n_zero), half=number(n_half))


def _beside(said: Voices) -> str:
    found = said.overall
    if not found.ratio:
        return ""
    return _(
        "Got ÷ expected is {ratio} over all answers together; the middle respondent's own ratio is {median}; "
        "got − expected is {gap} steps of the scale."
    ).format(
        ratio=wording.ratio(found.ratio.value),
        median=wording.ratio(found.median_ratio),
        gap=wording.with_interval(found.gap, wording.gap),
    )


def _steps_are_no_amounts(said: Voices) -> str:
    if not said.overall.ratio:
        return ""
    return _(
        "A ratio treats steps of a scale as amounts, which they are not: 0.90 does not mean that a tenth is "
        "missing, and another scale would give another ratio. Compare it with itself over time, and look at the "
        "difference beside it."
    )


def _not_from_zero(said: Voices) -> str:
    scale = said.scales.get("nps")
    if not said.overall.nps or scale is None or scale.lowest == 0:
        return ""
    return _(
        "The scale of the question on recommending begins at {lowest}, not at 0. The score is NPS-style: "
        "compare it with itself, not with a net promoter score from elsewhere."
    ).format(lowest=number(scale.lowest))


def _consistency(said: Voices) -> Part:
    shown = said.consistency[said.consistency.alpha.notna()]
    if shown.empty:
        return Part()
    shown = shown.assign(
        range_text=wording.ranges(shown, "alpha", wording.ratio),
        verdict=[_("holds together") if a >= HOLDS_TOGETHER else _("loose: read one by one") for a in shown.alpha],
    )
    fields = [
        Field("group", _("Group of questions")),
        Field("n_items", _("Questions"), number),
        Field("alpha", _("Alpha"), wording.ratio),
        Field("range_text", wording.interval_head(), str),
        Field("alpha_n", _("Answers"), number),
        Field("verdict", _("Verdict")),
    ]
    foot = _("Cronbach's alpha of standardised answers; {bound} or more is customary.")
    foot = foot.format(bound=wording.score(HOLDS_TOGETHER))
    return table(shown, fields, _("Do the questions of a group measure one thing?"), foot)
