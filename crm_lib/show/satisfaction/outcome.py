"""The answer in short, what to do, and what is published."""

from __future__ import annotations

from crm_lib.analysis.satisfaction import Voices
from crm_lib.analysis.satisfaction.measure import NOT_ASKED, Measure
from crm_lib.contract.publication import Publication
from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, steps, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.journey import worst_stop
from crm_lib.show.satisfaction.trust import LOW_RESPONSE, silence
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import interval, is_missing, name, number, percent

IN_SHORT = ("ratio", "nps", "content", "walked_away", "effort", "response")
MOST_CARDS = 3
MOST_STEPS = 5


def headline(said: Voices) -> Part:
    """Three cards, then what stands behind them in sentences."""
    shown = [m for m in IN_SHORT if getattr(said.overall, m)][:MOST_CARDS]
    return together(
        cards(*[_card(said, m) for m in shown]) if shown else Part(),
        sentence(_asked(said), _worst(said)),
        note(missing(said)),
    )


def _card(said: Voices, measure: str) -> Card:
    found, form = getattr(said.overall, measure), wording.FORMS[measure]
    return Card(
        wording.measure_name(said, measure),
        form(found.value),
        interval(found.low, found.high, form, found.n),
        _card_sentence(said, measure),
        _badge(said, measure, found),
    )


def _card_sentence(said: Voices, measure: str) -> str:
    """What the card's figure means, in one sentence."""
    if measure == "ratio":
        return _ratio_sentence(said)
    heads = said.overall.promoters
    if measure == "nps" and heads:
        return _("**{share}** would recommend, {against} would not.").format(
            share=percent(heads[0] / sum(heads)), against=percent(heads[2] / sum(heads))
        )
    scale = {"content": said.scales.get("csat"), "effort": said.scales.get("ces")}.get(measure)
    if measure == "content":
        return _("gave {top} or more out of {highest}.").format(
            top=number(scale.top_from), highest=number(scale.highest)
        )
    if measure == "effort":
        return _("on a scale of {lowest} to {highest}.").format(
            lowest=number(scale.lowest), highest=number(scale.highest)
        )
    return {"walked_away": _("say they will not trade again."), "response": _("of those who were asked.")}.get(
        measure, ""
    )


def _ratio_sentence(said: Voices) -> str:
    paired = wording.paired(said)
    if len(paired) == 1:
        return _("asked for one aspect only: {aspect}.").format(aspect=name(paired.aspect.iloc[0]))
    return _("of what customers expected, over {n} aspects.").format(n=number(len(paired)))


def _badge(said: Voices, measure: str, found: Measure) -> Badge | None:
    if found.n < said.limits.compare_from:
        return Badge(_("few answers"), "care")
    return _verdict(measure, found)


def _verdict(measure: str, found: Measure) -> Badge | None:
    """On which side of its middle a measure lies: as expected, or as many for as against."""
    if measure not in ("ratio", "nps") or is_missing(found.low):
        return None
    if measure == "ratio":
        good, bad, care = _("more than expected"), _("less than expected"), _("about as expected")
    else:
        good, bad, care = _("more for than against"), _("more against than for"), _("evenly split")
    middle = 1 if measure == "ratio" else 0
    if found.low > middle:
        return Badge(good, "good")
    return Badge(bad, "bad") if found.high < middle else Badge(care, "care")


def _asked(said: Voices) -> str:
    base, found = said.base, said.overall.response
    if not base.n_answered:
        return _("{asked} were asked, and nobody has answered yet.").format(asked=number(base.n_asked))
    if not found:
        return _("{n} answers.").format(n=number(base.n_answered))
    text = _("{answered} of {asked} who were asked answered ({share}).")
    if found.value < LOW_RESPONSE:
        text = _("Only {answered} of {asked} who were asked answered ({share}); the others may think otherwise.")
    return text.format(answered=number(base.n_answered), asked=number(base.n_asked), share=percent(found.value))


def _worst(said: Voices) -> str:
    """The aspect that falls shortest, where one does; else the lowest score."""
    paired, scored = wording.paired(said), wording.scored(said)
    short = paired[paired.comparable & (paired.ratio_high < 1)]
    if len(short):
        row = short.iloc[0]
        return _("What falls shortest is **{aspect}**: customers got {ratio} of what they expected.").format(
            aspect=name(row.aspect), ratio=wording.ratio(row.ratio)
        )
    ranked = scored[scored.comparable]
    if len(ranked) < 2:
        return ""
    row = ranked.iloc[0]
    return _("The lowest of {n} scores is **{aspect}**: {score} on a scale of {lowest} to {highest}.").format(
        n=number(len(ranked)),
        aspect=name(row.aspect),
        score=wording.score(row.score),
        lowest=number(said.scales["items"].lowest),
        highest=number(said.scales["items"].highest),
    )


def missing(said: Voices) -> str:
    """Which measures are not on the page although they were asked for, and why; empty where none."""
    found = {m: getattr(said.overall, m) for m in ("ratio", "nps", "content", "effort", "walked_away")}
    gone = [
        _("{measure}: {reason}").format(measure=wording.measure_name(said, m), reason=wording.reason(said, f))
        for m, f in found.items()
        if not f and f.why != NOT_ASKED
    ]
    return _("Not shown. {list}.").format(list="; ".join(gone)) if gone else ""


def next_steps(said: Voices) -> Part:
    """What to do: aspects that fall short by how many it touches, then the journey, then the survey itself."""
    found = [*_aspect_steps(said), *_journey_step(said), *_survey_steps(said)][:MOST_STEPS]
    return steps(*(found or [_("Nothing falls short as far as these answers show. Ask again next quarter.")]))


def _aspect_steps(said: Voices) -> list[str]:
    paired, scored = wording.paired(said), wording.scored(said)
    short = paired[paired.comparable & (paired.ratio_high < 1)]
    if len(short):
        short = short.assign(weight=(1 - short.ratio) * short.n_short)
        ranked = short.sort_values(["weight", "aspect"], ascending=[False, True]).head(3)
        text = _("Mend **{aspect}**: {n} of {all} got less than they expected ({ratio} of it on the whole).")
        return [
            text.format(
                aspect=name(r.aspect), n=number(r.n_short), all=number(r.ratio_n), ratio=wording.ratio(r.ratio)
            )
            for r in ranked.itertuples()
        ]
    ranked = scored[scored.comparable]
    text = _("Ask customers what lies behind **{aspect}**, the lowest score ({score}, {n} answers).")
    return [
        text.format(aspect=name(r.aspect), score=wording.score(r.score), n=number(r.score_n))
        for r in ranked.head(1).itertuples()
        if len(ranked) > 1
    ]


def _journey_step(said: Voices) -> list[str]:
    stop = worst_stop(said, "walked_away")
    if stop is None or not stop.touchpoint:
        return []
    text = _("Look into {touchpoint}: {share} left for good there, against {whole} on the whole.")
    return [
        text.format(
            touchpoint=name(stop.touchpoint),
            share=percent(stop.walked_away),
            whole=percent(said.overall.walked_away.value),
        )
    ]


def _survey_steps(said: Voices) -> list[str]:
    found = []
    response = said.overall.response
    if response and response.value < LOW_RESPONSE:
        text = _("Ask the {n} who stayed silent once more, by another channel: {share} have answered.")
        n_silent = said.base.n_asked - said.base.n_answered
        found.append(text.format(n=number(n_silent), share=percent(response.value)))
    if missing(said):
        found.append(_("Complete what is not shown above: declare scales in crm.toml, or wait for more answers."))
    if said.overall.ratio.why == NOT_ASKED or len(wording.paired(said)) == 1:
        found.append(_("Ask for the expectation of every aspect next time, so that what falls short can be seen."))
    return found


def publication(said: Voices) -> Publication:
    """The figures of this page with their names, one line for the index, and notes to read with care."""
    names = {
        "satisfaction": _("Satisfaction: got ÷ expected"),
        "satisfaction_median": _("Got ÷ expected, middle respondent"),
        "expectation_gap": _("Got − expected, in steps of the scale"),
        "nps": wording.measure_name(said, "nps"),
        "csat_share": _("Share content"),
        "csat_mean": _("Contentment, mean"),
        "ces_mean": _("Effort, mean"),
        "walked_away_share": _("Share who left for good"),
        "response_share": _("Share of those asked who answered"),
        "ratio_change": _("Got ÷ expected, change since the quarter before"),
        "nps_change": _("Would recommend, change since the quarter before"),
        "answers": _("Answers"),
        "asked": _("Surveys sent"),
    }
    return said.publication.worded(_with_reasons(said, names), _summary(said), _notes(said))


def _with_reasons(said: Voices, names: dict[str, str]) -> dict[str, str]:
    """Names of figures, with the reason where a figure has no value."""
    measures = {"satisfaction": said.overall.ratio, "nps": said.overall.nps, "csat_share": said.overall.content}
    gone = {
        figure: _("{measure}: {reason}").format(measure=names[figure], reason=wording.reason(said, found))
        for figure, found in measures.items()
        if not found
    }
    return names | gone


def _summary(said: Voices) -> str:
    shown = [m for m in IN_SHORT if getattr(said.overall, m)][:MOST_CARDS]
    if not said.base.n_answered or not shown:
        return _asked(said)
    texts = [
        _("{measure} {value}").format(
            measure=wording.measure_name(said, m), value=wording.FORMS[m](getattr(said.overall, m).value)
        )
        for m in shown
    ]
    return _("{list}; {n} answers").format(list=", ".join(texts), n=number(said.base.n_answered))


def _notes(said: Voices) -> tuple[str, ...]:
    return tuple(text for text in (silence(said), missing(said)) if text)
