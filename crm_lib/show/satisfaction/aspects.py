"""What falls short: aspects by what was got against what was expected, or by their score."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.pictures import around_one
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, interval, is_missing, money, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _

MOST = 20  # aspects in one picture
LEAST_PAIRED = 2  # a picture of one bar shows nothing


def falls_short(said: Voices, found: Evidence | None = None) -> Part:
    """Aspects, worst first: ratios where expectations were asked for, scores where not."""
    paired, scored = wording.paired(said), wording.scored(said)
    parts = []
    if len(paired) >= LEAST_PAIRED:
        paired = _with_money(paired, found)
        parts += [_ratio_picture(said, paired), sentence(*_ratio_sentences(said, paired))]
    elif len(paired) == 1:
        parts.append(sentence(_only_pair(paired.iloc[0])))
    if len(scored):
        parts += [_score_picture(said, scored), sentence(*_score_sentences(scored))]
    return together(*parts) if parts else sentence(_nothing_by_aspect(said))


def _with_money(paired: pd.DataFrame, found: Evidence | None) -> pd.DataFrame:
    """The aspects with the money of a year of customers who got less; no such column without purchases."""
    if found is None or found.stakes.empty:
        return paired
    short = found.stakes[found.stakes.what == "short"].set_index("aspect").amount
    return paired.assign(amount=paired.aspect.map(short))


def _nothing_by_aspect(said: Voices) -> str:
    if said.aspects.empty and "items" not in said.scales and said.overall.ratio.why != "not asked":
        return _("Aspects were asked about, but their scale is not declared. Declare the scale in crm.toml.")
    if said.aspects.empty:
        return _("This source has no answers about single aspects.")
    return _("No aspect has at least {n} answers; fewer are not shown.").format(
        n=number(said.limits.suppress_below)
    )


def _ratio_title(ranked: pd.DataFrame) -> str:
    n = int((ranked.ratio_high < 1).sum())
    if n:
        text = ngettext("{n} of {all} aspects falls short", "{n} of {all} aspects fall short", n)
        return text.format(n=number(n), all=number(len(ranked)))
    if len(ranked) and (ranked.ratio_low > 1).all():
        return _("Every aspect gives more than was expected")
    return _("No aspect is shown to fall short")


def _ratio_picture(said: Voices, paired: pd.DataFrame) -> Part:
    drawn, ranked = paired.head(MOST), paired[paired.comparable]
    said_each = [
        _("{aspect} {value}").format(aspect=name(a), value=wording.ratio(v))
        for a, v in zip(drawn.aspect, drawn.ratio, strict=True)
    ]
    labels = Labels(
        _ratio_title(ranked),
        _("Sum of what was got ÷ sum of what was expected, worst first; lines: {level} interval").format(
            level=wording.level()
        ),
        _("Ratios by aspect: {values}. 1 means as expected.").format(values="; ".join(said_each)),
    )
    ends = (_("less than expected"), _("more than expected"))
    return around_one(drawn, labels, wording.ratio, ends, _ratio_table(said, paired))


def _ratio_table(said: Voices, paired: pd.DataFrame) -> Part:
    few = said.limits.suppress_below
    shown = paired.assign(
        ratio_text=wording.texts(paired, "ratio", wording.ratio, few),
        range_text=wording.ranges(paired, "ratio", wording.ratio),
        gap_text=wording.texts(paired, "gap", wording.gap, few),
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("ratio_text", _("Got ÷ expected"), str),
        Field("range_text", wording.interval_head(), str),
        Field("median_ratio", _("Middle respondent"), wording.ratio),
        Field("gap_text", _("Got − expected"), str),
        Field("n_short", _("Got less"), number),
        *([Field("amount", _("Their purchases of a year"), money)] if "amount" in paired else []),
        Field("ratio_n", _("Answers"), number),
    ]
    return table(shown, fields, _("What was got and what was expected, by aspect"), _few_foot(said, paired))


def _few_foot(said: Voices, frame: pd.DataFrame) -> str:
    if frame.comparable.all():
        return ""
    return _("Aspects with fewer than {n} answers stand last and are not ranked.").format(
        n=number(said.limits.compare_from)
    )


def _ratio_sentences(said: Voices, paired: pd.DataFrame) -> list[str]:
    ranked = paired[paired.comparable]
    if ranked.empty:
        return [
            _("No aspect has {n} answers yet: too few to rank them.").format(n=number(said.limits.compare_from))
        ]
    worst = ranked.iloc[0]
    texts = [
        _("Lowest is **{aspect}**: {ratio} ({interval}); {n} of {all} got less than they expected.").format(
            aspect=name(worst.aspect),
            ratio=wording.ratio(worst.ratio),
            interval=interval(worst.ratio_low, worst.ratio_high, wording.ratio),
            n=number(worst.n_short),
            all=number(worst.ratio_n),
        )
    ]
    if not is_missing(worst.get("amount")):
        text = _("Customers who got less there bought for {money} in the past year.")
        texts.append(text.format(money=money(worst.amount, compact=True)))
    return [*texts, _few_foot(said, paired)]


def _only_pair(row: pd.Series) -> str:
    """The sentence for a survey that asked for one expectation only."""
    return _(
        "An expectation was asked for one aspect only, {aspect}: customers got {ratio} of what they expected "
        "({interval}); {n} of {all} got less."
    ).format(
        aspect=name(row.aspect),
        ratio=wording.ratio(row.ratio),
        interval=interval(row.ratio_low, row.ratio_high, wording.ratio),
        n=number(row.n_short),
        all=number(row.ratio_n),
    )


def _score_title(ranked: pd.DataFrame) -> str:
    if len(ranked) > 1 and ranked.score_high[0] < ranked.score_low[1]:
        return _("{aspect} scores lowest").format(aspect=name(ranked.aspect[0], most=30))
    return _("Scores run from {low} to {high}").format(
        low=wording.score(ranked.score.min()), high=wording.score(ranked.score.max())
    )


def _score_picture(said: Voices, scored: pd.DataFrame) -> Part:
    drawn, ranked = scored.head(MOST), scored[scored.comparable]
    lowest = ranked if len(ranked) else scored
    scale = said.scales["items"]
    labels = Labels(
        _score_title(lowest),
        _("Mean answer on a scale of {lowest} to {highest}, lowest first; lines: {level} interval").format(
            level=wording.level(), lowest=number(scale.lowest), highest=number(scale.highest)
        ),
        _("Mean answers by aspect, from {first} with {low} to {last} with {high}.").format(
            first=name(drawn.aspect.iloc[0]),
            low=wording.score(drawn.score.iloc[0]),
            last=name(drawn.aspect.iloc[-1]),
            high=wording.score(drawn.score.iloc[-1]),
        ),
    )
    lit = ranked.aspect[0] if len(ranked) else None
    return bars(
        drawn, "aspect", "score", labels, wording.score,
        low="score_low", high="score_high", highlight=lit, sideways=True, numbers=_score_table(said, scored),
    )  # fmt: skip


def _score_table(said: Voices, scored: pd.DataFrame) -> Part:
    shown = scored.assign(
        range_text=wording.ranges(scored, "score", lambda x: number(x, 2)),
        top_range=wording.ranges(scored, "top", percent),
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("score", _("Mean"), lambda x: number(x, 2)),
        Field("range_text", wording.interval_head(), str),
        Field("score_sd", _("Spread"), lambda x: number(x, 2)),
    ]
    if scored.top.notna().any():
        fields += [
            Field("top", _("Top answers"), percent),
            Field("top_range", wording.interval_head(), str),
        ]
    fields.append(Field("score_n", _("Answers"), number))
    foot = _("Spread: standard deviation of the answers.")
    return table(shown, fields, _("Scores by aspect"), " ".join(t for t in (foot, _few_foot(said, scored)) if t))


def _score_sentences(scored: pd.DataFrame) -> list[str]:
    ranked = scored[scored.comparable]
    if len(ranked) < 2:
        return []
    low, high = ranked.iloc[0], ranked.iloc[-1]
    return [
        _(
            "Lowest is **{aspect}** with {score} ({range}), highest **{best}** with {best_score} ({best_range})."
        ).format(
            aspect=name(low.aspect),
            score=wording.score(low.score),
            range=between(low.score_low, low.score_high, wording.score),
            best=name(high.aspect),
            best_score=wording.score(high.score),
            best_range=between(high.score_low, high.score_high, wording.score),
        )
    ]
