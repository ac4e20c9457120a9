"""The answer in short, and what to do."""

from __future__ import annotations

from typing import Any

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction.measure import NOT_ASKED, Measure
from crm_lib.show.parts import Badge, Card, Part, cards, note, sentence, steps, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.complaints import disagreement, per_hundred
from crm_lib.show.satisfaction.journey import worst_stop
from crm_lib.show.satisfaction.matters import mend_first
from crm_lib.show.satisfaction.silent import moved
from crm_lib.show.satisfaction.trust import LOW_RESPONSE
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import interval, is_missing, money, name, number, percent

IN_SHORT = ("ratio", "nps", "content", "walked_away", "effort", "response")
MOST_CARDS = 3
MOST_STEPS = 5


def headline(said: Voices, found: Evidence | None = None) -> Part:
    """Three cards, then what stands behind them in sentences: the worst aspect, its money, the silent, doubts."""
    shown = [m for m in IN_SHORT if getattr(said.overall, m)][:MOST_CARDS]
    return together(
        cards(*[_card(said, m) for m in shown]) if shown else Part(),
        sentence(
            f"{_worst(said)} {_matters(found)}".strip(),
            _stake(said, found),
            f"{asked(said)} {_weighted(said, found)}".strip(),
        ),
        note(doubt(found)),
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


def asked(said: Voices) -> str:
    """How many were asked and answered."""
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


def _matters(found: Evidence | None) -> str:
    """The aspect that most goes with contentment, where one clearly does."""
    leading = found.drivers.leading if found and found.drivers else ()
    if not len(leading):
        return ""
    text = _("**{aspect}** goes with contentment most: {share} of what the aspects account for ({interval}).")
    row = leading.iloc[0]
    return text.format(
        aspect=name(row.aspect),
        share=percent(row.shapley),
        interval=interval(row.shapley_low, row.shapley_high, percent, found.drivers.n),
    )


def _stake(said: Voices, found: Evidence | None) -> str:
    """Money of a year of those who are not content and of those who left, beside all who answered."""
    known = found.money("answered") if found else None
    if not known or known[1] <= 0:
        return ""
    whole, texts = known[1], []
    for what, text in (
        ("not content", _("Customers who said they are not content bought for **{money}** in the past year, "
                          "{share} of what all who answered bought.")),
        ("left", _("Those who say they left for good bought for {money}.")),
    ):  # fmt: skip
        held = found.money(what)
        if held:
            texts.append(text.format(money=money(held[1], compact=True), share=percent(held[1] / whole)))
    return " ".join(texts)


def _weighted(said: Voices, found: Evidence | None) -> str:
    return moved(said, found.silent) if found else ""


def doubt(found: Evidence | None) -> str:
    """That survey and complaints disagree; empty where they do not."""
    return disagreement(found.outside) if found and found.outside else ""


def missing(said: Voices) -> str:
    """Which measures are not on the page although they were asked for, and why; empty where none."""
    found = {m: getattr(said.overall, m) for m in ("ratio", "nps", "content", "effort", "walked_away")}
    gone = [
        _("{measure}: {reason}").format(measure=wording.measure_name(said, m), reason=wording.reason(said, f))
        for m, f in found.items()
        if not f and f.why != NOT_ASKED
    ]
    return _("Not shown. {list}.").format(list="; ".join(gone)) if gone else ""


def next_steps(said: Voices, found: Evidence | None = None) -> Part:
    """What to do: aspects that fall short, most money first, then the journey, products, and the survey itself."""
    made = [*_aspect_steps(said, found), *_journey_step(said), *_product_step(found), *_survey_steps(said)]
    return steps(
        *(made[:MOST_STEPS] or [_("Nothing falls short as far as these answers show. Ask again next quarter.")])
    )


def _aspect_steps(said: Voices, found: Evidence | None) -> list[str]:
    paired, scored = wording.paired(said), wording.scored(said)
    short = paired[paired.comparable & (paired.ratio_high < 1)]
    if len(short):
        held = [found.money("short", a) if found else None for a in short.aspect]
        short = short.assign(weight=(1 - short.ratio) * short.n_short, amount=[h[1] if h else None for h in held])
        by = ["amount", "weight", "aspect"] if any(held) else ["weight", "aspect"]
        ranked = short.sort_values(by, ascending=[b == "aspect" for b in by]).head(3)
        return [_mend(r) for r in ranked.itertuples()]
    first = mend_first(found.drivers) if found and found.drivers else ()
    if len(first):
        text = _("Mend **{aspect}**: it scores below the others ({score}) and matters no less.")
        row = first.iloc[0]
        return [text.format(aspect=name(row.aspect), score=wording.score(row.performance))]
    ranked = scored[scored.comparable]
    text = _("Ask customers what lies behind **{aspect}**, the lowest score ({score}, {n} answers).")
    return [
        text.format(aspect=name(r.aspect), score=wording.score(r.score), n=number(r.score_n))
        for r in ranked.head(1).itertuples()
        if len(ranked) > 1
    ]


def _mend(row: Any) -> str:
    text = _("Mend **{aspect}**: {n} of {all} got less than they expected ({ratio} of it on the whole).")
    told = text.format(
        aspect=name(row.aspect), n=number(row.n_short), all=number(row.ratio_n), ratio=wording.ratio(row.ratio)
    )
    if is_missing(row.amount):
        return told
    return f"{told} " + _("They bought for {money} in the past year.").format(
        money=money(row.amount, compact=True)
    )


def _product_step(found: Evidence | None) -> list[str]:
    bad = found.outside.products if found and found.outside else None
    if bad is None or not len(bad[bad.apart]):
        return []
    row = bad[bad.apart].sort_values(["failures", "product_id"], ascending=[False, True]).iloc[0]
    text = _("Look into product {product}: {rate} failures per 100 sold, clearly more than the others.")
    return [text.format(product=name(row.product_id), rate=per_hundred(row.failures))]


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
